//! Watching the requests of a sign-in, for people who look for the cause of a failure. Whoever watches never sees a secret.

use std::fmt::Write as _;
use std::sync::OnceLock;

use reqwest::{StatusCode, Url};
use serde_json::Value;
use zeroize::Zeroizing;

/// Gets one text for each answer: a line for a success, the whole block for a refusal.
pub type Watcher = fn(&str);

static WATCHER: OnceLock<Watcher> = OnceLock::new();

/// Lets somebody watch from now on; the first one stays.
pub fn watch(watcher: Watcher) {
    let _ = WATCHER.set(watcher);
}

/// What was asked.
pub(crate) struct Question<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: &'a Url,
    pub(crate) secrets: Secrets,
}

/// What must not be shown even when a server sends it back.
pub(crate) struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    /// Those of a request.
    pub(crate) fn of(headers: &[(&str, &str)], form: &[(&str, &str)]) -> Self {
        let of_headers = headers.iter().filter(|(name, _)| SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret)));
        // `Bearer` and the like are no secret.
        let of_headers = of_headers.map(|(_, value)| value.rsplit_once(' ').map_or(*value, |(_, token)| token));
        let of_form = form.iter().filter(|(name, _)| SECRET_FIELDS.contains(name)).map(|(_, value)| *value);
        let values = of_headers.chain(of_form);
        // What is shorter would blank half of the words.
        Self(values.filter(|value| value.len() >= 4).map(|value| Zeroizing::new(value.to_owned())).collect())
    }

    /// The text without them, and without anything else that looks like a token.
    pub(crate) fn blanked(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for secret in &self.0 {
            out = without(&out, secret);
        }
        blank_tokens(&out)
    }
}

/// Tells the watcher, if there is one.
pub(crate) fn tell(question: &Question<'_>, status: StatusCode, body: &[u8]) {
    let Some(watcher) = WATCHER.get() else { return };
    let mut place = question.url.clone();
    place.set_query(None);
    let line = format!("{} {place}", question.method);
    if status.is_success() {
        return watcher(&format!("{line}: {status}"));
    }
    let rule = "-".repeat(80);
    let body = shown(question, body);
    watcher(&format!("{line}\n{rule}\nRESPONSE {}: {status}\n{rule}\n{body}\n{rule}", status.as_u16()));
}

/// The body of a refusal as it may be shown.
fn shown(question: &Question<'_>, body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            blank_members(&mut value, &question.secrets);
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
        Err(_) if body.is_empty() => "Response contained no body".to_owned(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let text: String = question.secrets.blanked(&text).chars().take(LONGEST).collect();
    crate::printable(&text).into_owned()
}

/// Texts one by one: what was JSON itself within one would be spelled twice in the whole.
fn blank_members(value: &mut Value, secrets: &Secrets) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if SECRET_FIELDS.contains(&name.as_str()) || name.ends_with("_token") || name.ends_with("Token") {
                    *member = Value::from(BLANK);
                } else {
                    blank_members(member, secrets);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| blank_members(item, secrets)),
        Value::String(text) => *text = secrets.blanked(text),
        _ => {}
    }
}

/// The text without a secret, however its characters are spelled: a server may send back the form, an address, JSON or a page.
fn without(text: &str, secret: &str) -> String {
    let secret: Vec<Vec<String>> = secret.chars().map(spellings).collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let end = end_of(&secret, rest);
        match end {
            Some(_) => out.push_str(BLANK),
            None => out.push(next),
        }
        rest = &rest[end.unwrap_or(next.len_utf8())..];
    }
    out
}

/// Where the secret ends, if the text begins with it. One way to read the beginning may fail where another does not, so all are followed.
fn end_of(secret: &[Vec<String>], text: &str) -> Option<usize> {
    let mut ends = vec![0];
    for spellings in secret {
        let spelled_at = |at: usize| {
            let fits = move |spelling: &&String| {
                let there = text.as_bytes().get(at..at + spelling.len());
                there.is_some_and(|there| there.eq_ignore_ascii_case(spelling.as_bytes()))
            };
            spellings.iter().filter(fits).map(move |spelling| at + spelling.len())
        };
        ends = ends.into_iter().flat_map(spelled_at).collect();
        ends.sort_unstable();
        ends.dedup();
        if ends.is_empty() {
            return None;
        }
    }
    ends.pop()
}

/// How a character comes back: as it is, in a form or an address, in JSON, in a page.
fn spellings(c: char) -> Vec<String> {
    let (mut percent, mut json) = (String::new(), String::new());
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        let _ = write!(percent, "%{byte:02x}");
    }
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(json, "\\u{unit:04x}");
    }
    let mut out = vec![c.to_string(), percent, json, format!("&#{};", u32::from(c)), format!("&#x{:x};", u32::from(c))];
    let named: &[&str] = match c {
        ' ' => &["+"],
        '"' => &["\\\"", "&quot;"],
        '\\' => &["\\\\"],
        '/' => &["\\/"],
        '\'' => &["&apos;"],
        '&' => &["&amp;"],
        '<' => &["&lt;"],
        '>' => &["&gt;"],
        '\n' => &["\\n"],
        '\r' => &["\\r"],
        '\t' => &["\\t"],
        _ => &[],
    };
    out.extend(named.iter().map(ToString::to_string));
    out
}

/// JSON Web Tokens begin with `{"` in base64url.
fn blank_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let (before, token) = rest.split_at(at);
        let end = token.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.=".contains(c)).unwrap_or(token.len());
        out.push_str(before);
        out.push_str(if token[..end].contains('.') { BLANK } else { &token[..end] });
        rest = &token[end..];
    }
    out.push_str(rest);
    out
}

const BLANK: &str = "••••";
const LONGEST: usize = 8_000;
const SECRET_HEADERS: [&str; 3] = ["authorization", "x-identity-header", "secret"];
const SECRET_FIELDS: [&str; 10] = [
    "client_secret",
    "client_assertion",
    "password",
    "refresh_token",
    "code",
    "code_verifier",
    "device_code",
    "assertion",
    "access_token",
    "token",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_sends_back_is_blanked() {
        let url = Url::parse("https://h.test/t/token?sig=x").expect("an address");
        let secrets = Secrets::of(&[("Authorization", "Bearer abc-canary")], &[("password", "pw-canary"), ("client_id", "c")]);
        let question = Question { method: "POST", url: &url, secrets };
        let body = br#"{"error":"e","you_sent":"pw-canary and abc-canary","access_token":"at-canary","jwt":"x eyJh.eyJi.c-canary y","list":[{"refresh_token":"rt-canary"}],"esc":"\u001b[31m"}"#;
        let told = shown(&question, body);
        assert!(!told.contains("canary") && !told.contains('\u{1b}'), "{told}");
        assert!(told.contains("•••• and ••••") && told.contains("x •••• y"), "{told}");
    }

    #[test]
    fn row_13_a_secret_is_blanked_however_it_is_spelled() {
        let secret = "pä s/w\"o\\r&d<canary>'+1";
        let secrets = Secrets::of(&[], &[("password", secret)]);
        let form = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
        let ascii: String =
            secret.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04X}", u32::from(c)) }).collect();
        for spelled in [
            secret.to_owned(),
            form.clone(),
            form.replace('+', "%20"),
            form.to_lowercase(),
            Value::from(secret).to_string().trim_matches('"').to_owned(),
            ascii.replace('/', "\\/"),
            secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;"),
        ] {
            assert_eq!(secrets.blanked(&format!("a {spelled} b")), "a •••• b", "{spelled}");
        }
        assert_eq!(Secrets::of(&[], &[("password", r"\\\\")]).blanked(r"a \\\\ b"), "a •••• b", "two readings of one text");
        assert_eq!(secrets.blanked("pä s/word"), "pä s/word");
    }
}
