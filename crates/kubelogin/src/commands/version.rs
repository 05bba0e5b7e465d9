//! `kubelogin version`, `kubelogin --version`.

use serde_json::json;

use super::kept;
use crate::failure::Failure;
use crate::options::Given;

/// The five lines that scripts look at, the second one without a commit where the build did not know it.
pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let (version, platform) = (env!("CARGO_PKG_VERSION"), format!("{}/{}", os(), arch()));
    let (commit, time) = (option_env!("ENTRANCE_COMMIT"), option_env!("ENTRANCE_BUILD_TIME"));
    if kept::as_json(given) {
        let answer = json!({ "version": version, "commit": commit, "buildTime": time, "platform": platform });
        return kept::print_json(&answer);
    }
    let (commit, time) = (commit.unwrap_or("unknown"), time.unwrap_or("unknown"));
    kept::print(&format!(
        "kubelogin version \ngit hash: v{version}/{commit}\nGo version: none (Rust)\nBuild time: {time}\nPlatform: {platform}"
    ))
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
