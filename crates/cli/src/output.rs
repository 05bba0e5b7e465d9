//! How the command line speaks: results on stdout, talk on stderr, clear without colour.

use std::io::{IsTerminal as _, Write as _};

/// Style of a word; nothing of it reaches a pipe or a terminal without colours.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Good,
    Bad,
    Strong,
    Dim,
}

/// A word in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    let code = match style {
        Style::Good => "32",
        Style::Bad => "31",
        Style::Strong => "1",
        Style::Dim => "2",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// A line of the result. A reader that went away (`| head`) is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// A line of talk.
pub(crate) fn talk(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// An error, and the step that would help.
#[derive(Debug)]
pub(crate) struct Hinted {
    error: Box<dyn std::error::Error + Send + Sync>,
    hint: &'static str,
}

impl Hinted {
    /// Joins the two.
    pub(crate) fn new(error: impl std::error::Error + Send + Sync + 'static, hint: &'static str) -> Self {
        Self { error: Box::new(error), hint }
    }
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// What went wrong, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    talk(&format!("{} {error}", styled(Style::Bad, "error:")));
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !said.contains(&text) {
            talk(&format!("  because: {text}"));
        }
        said = text;
    }
    if let Some(hinted) = error.chain().find_map(|cause| cause.downcast_ref::<Hinted>()) {
        talk(&format!("{} {}", styled(Style::Dim, "hint:"), hinted.hint));
    }
}

/// Sets up logging: to stderr, `RUST_LOG` decides, JSON when asked for.
pub(crate) fn init_logging(default: &str, json: bool) {
    // An API server that starts or stops refuses for a while; our own lines tell what follows from it.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(format!("{default},kube_client=off,kube_runtime=off")));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    if json { builder.json().init() } else { builder.init() }
}
