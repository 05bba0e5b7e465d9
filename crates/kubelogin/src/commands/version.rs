//! `kubelogin version`, `kubelogin --version`.

use crate::failure::Failure;
use crate::terminal;

/// The five lines that scripts look at, the second one without a commit where the build did not know it.
pub(super) fn run() -> Result<(), Failure> {
    let text = format!(
        "kubelogin version \ngit hash: v{}/{}\nGo version: none (Rust)\nBuild time: {}\nPlatform: {}/{}",
        env!("CARGO_PKG_VERSION"),
        option_env!("ENTRANCE_COMMIT").unwrap_or("unknown"),
        option_env!("ENTRANCE_BUILD_TIME").unwrap_or("unknown"),
        os(),
        arch(),
    );
    terminal::result(&text).map_err(|source| Failure::Machine { doing: "printing".into(), source })
}

/// The names of the original's language, which scripts compare with.
fn os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
