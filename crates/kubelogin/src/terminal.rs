//! Talk goes to standard error, the result to standard output.

use std::io::{IsTerminal as _, Write as _};

use entrance_client::{Talk, printable};

/// One message for the person; a closed standard error is no reason to fail.
pub(crate) fn say(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(message));
}

/// The result of the run, with its newline, in one write.
pub(crate) fn result(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{text}\n").as_bytes())?;
    out.flush()
}

/// Is anybody looking?
pub(crate) fn somebody_is_there() -> bool {
    std::io::stderr().is_terminal()
}

/// Standard error as the voice of a sign-in.
pub(crate) struct Stderr;

impl Talk for Stderr {
    fn say(&self, message: &str) {
        say(message);
    }
}
