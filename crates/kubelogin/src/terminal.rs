//! Talk goes to standard error, the result to standard output.
//!
//! How a run talks is read from its words at the first message, so that a run with nothing to say never looks.

use std::io::{IsTerminal as _, Write as _};
use std::sync::LazyLock;

use entrance_client::{Invitation, Talk, printable};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::options::{Given, Opt};

/// How this run talks.
struct Voice {
    json: bool,
    level: i32,
    exit_codes: bool,
}

static VOICE: LazyLock<Voice> = LazyLock::new(|| Voice::of(&words()));

/// The words of this run.
pub(crate) fn words() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

impl Voice {
    fn of(words: &[String]) -> Self {
        let given = Given::read_leniently(words);
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let format = given.text(Opt::LogFormat).or(given.text(Opt::Output)).map(ToOwned::to_owned);
        Self {
            json: format.or_else(|| variable("KUBELOGIN_LOG_FORMAT")).is_some_and(|format| format == "json"),
            level: given.text(Opt::Verbosity).and_then(|level| level.parse().ok()).unwrap_or(0),
            exit_codes: given.is_on(Opt::ExitCodes)
                || (!given.has(Opt::ExitCodes) && variable("KUBELOGIN_EXIT_CODES").is_some_and(|value| value == "1")),
        }
    }
}

/// One message for the person; a closed standard error is no reason to fail.
pub(crate) fn say(message: &str) {
    tell("info", "message", message, Map::new());
}

/// Something that the person should know although the run goes on.
pub(crate) fn warn(message: &str) {
    let text = if VOICE.json { message.to_owned() } else { format!("Warning: {message}") };
    tell("warning", "warning", &text, Map::new());
}

/// Why a cluster did not take a token.
pub(crate) fn refused(message: &str, hint: Option<&str>, code: Option<&str>) {
    if VOICE.json {
        let mut more = Map::new();
        more.insert("hint".into(), hint.map(printable).into());
        more.insert("code".into(), code.map(printable).into());
        return tell("warning", "refused", message, more);
    }
    say(message);
    if let Some(hint) = hint {
        say(&format!("hint: {hint}"));
    }
}

/// How much somebody wants to know (`-v`).
pub(crate) fn level() -> i32 {
    VOICE.level
}

/// A detail for those who asked for this level.
pub(crate) fn detail(level: i32, message: &str) {
    if VOICE.level < level {
        return;
    }
    if VOICE.json {
        return tell("debug", "detail", message, Map::new());
    }
    // As the original's log writes its lines.
    let now = Timestamp::now().strftime("%m%d %H:%M:%S.%6f");
    let _ = writeln!(std::io::stderr().lock(), "I{now} {:>7} kubelogin] {}", std::process::id(), printable(message));
}

/// Why the run failed; gives the code that the program ends with.
pub(crate) fn fail(failure: &Failure) -> u8 {
    let code = if VOICE.exit_codes { failure.exit_code() } else { 1 };
    let text = failure.to_string();
    if !VOICE.json {
        say(&text);
        return code;
    }
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    let mut lines = Vec::new();
    let mut more = Map::new();
    more.insert("kind".into(), failure.kind().into());
    more.insert("exitCode".into(), code.into());
    for line in text.lines() {
        if let Some(hint) = line.strip_prefix("hint: ") {
            more.insert("hint".into(), printable(hint).into());
        } else if let Some(id) = line.strip_prefix("correlation id: ") {
            more.insert("correlationId".into(), printable(id).into());
        } else {
            lines.push(line);
        }
    }
    if let Some(number) = aadsts(text) {
        more.insert("code".into(), number.into());
    }
    tell("error", "failed", &lines.join("\n"), more);
    code
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

    fn invite(&self, message: &str, to: &Invitation<'_>) {
        let mut more = Map::new();
        more.insert("address".into(), printable(to.address).into());
        if let Some(code) = to.code {
            more.insert("userCode".into(), printable(code).into());
        }
        more.insert("goodForSeconds".into(), to.good_for.into());
        tell("info", "signIn", message, more);
    }
}

/// One line of text, or one object with the same keys in the same order each time.
fn tell(level: &str, event: &str, message: &str, more: Map<String, Value>) {
    let line = if VOICE.json {
        let mut line =
            json!({ "time": Timestamp::now().to_string(), "level": level, "event": event, "message": printable(message) });
        if let Some(members) = line.as_object_mut() {
            members.extend(more);
        }
        line.to_string()
    } else {
        printable(message).into_owned()
    };
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The number that the service gave its refusal.
fn aadsts(text: &str) -> Option<&str> {
    let from = text.find("AADSTS")?;
    let digits = text[from + 6..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - from - 6);
    (digits > 0).then(|| &text[from..from + 6 + digits])
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@=,+".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_14_the_voice_is_read_from_the_words_even_when_they_are_wrong() {
        let voice = |words: &[&str]| Voice::of(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(voice(&["get-token", "--nope", "--log-format=json"]).json);
        assert!(voice(&["status", "-o", "json"]).json);
        assert!(!voice(&["get-token", "--log-format", "text", "-o", "json"]).json);
        assert_eq!(voice(&["-v", "5", "get-token"]).level, 5);
        assert!(voice(&["get-token", "--exit-codes"]).exit_codes);
    }

    #[test]
    fn the_number_of_a_refusal_is_found() {
        assert_eq!(aadsts("x: AADSTS7000215: Invalid"), Some("AADSTS7000215"));
        assert_eq!(aadsts("AADSTS"), None);
        assert_eq!(aadsts("nothing"), None);
    }
}
