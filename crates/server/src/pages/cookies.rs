//! The gate's cookies (W-030) and the proof that a form came from our own page (W-031).

use axum::http::{HeaderMap, HeaderValue, header};
use entrance_model::id::DeviceId;
use entrance_model::signin::session::BROWSER_LIFE;
use subtle::ConstantTimeEq as _;
use uuid::{Uuid, uuid};

use crate::app::App;
use crate::authority::secret;

/// Cookies that only our own origin gets, over TLS only, and no script reads.
const FLOW: &str = "__Host-entrance-flow";
const SESSION: &str = "__Host-entrance-session";
const DEVICE: &str = "__Host-entrance-device";
/// Preferences: they hold a word of a short list and protect nothing.
pub(crate) const LANGUAGE: &str = "entrance-lang";
/// See [`LANGUAGE`].
pub(crate) const THEME: &str = "entrance-theme";

/// The value of a cookie of ours: 32 random bytes as base64url, anything else is ignored.
pub(crate) fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
        .filter(|value| value.len() == 43 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
}

/// The cookie that ties sign-ins in progress to this browser; with the header that sets it, where it is new.
pub(crate) struct FlowCookie {
    value: String,
    is_new: bool,
}

impl FlowCookie {
    /// The browser's cookie.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        value(headers, FLOW).map(|value| Self { value: value.to_owned(), is_new: false })
    }

    /// The browser's cookie, or a new one.
    pub(crate) fn or_new(headers: &HeaderMap) -> Self {
        Self::of(headers).unwrap_or_else(|| Self { value: secret::opaque(), is_new: true })
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> String {
        secret::sha256(&self.value)
    }

    /// The proof that a form came from a page that this browser was shown for this purpose.
    pub(crate) fn csrf(&self, purpose: &str) -> String {
        secret::mac_text(self.value.as_bytes(), format!("csrf\0{purpose}").as_bytes())
    }

    /// Whether the proof fits.
    pub(crate) fn is_csrf(&self, purpose: &str, given: Option<&str>) -> bool {
        given.is_some_and(|given| self.csrf(purpose).as_bytes().ct_eq(given.as_bytes()).into())
    }

    /// Sets the cookie, where it is new.
    pub(crate) fn set(&self, headers: &mut HeaderMap) {
        if self.is_new {
            append(headers, &format!("{FLOW}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=86400", self.value));
        }
    }
}

/// The hash of the session cookie.
pub(crate) fn browser(headers: &HeaderMap) -> Option<String> {
    value(headers, SESSION).map(secret::sha256)
}

/// Sets a new session cookie. It ends with the browser, unless the person wants to be kept signed in: then it lasts as long
/// as a session may.
pub(crate) fn set_session(headers: &mut HeaderMap, value: &str, keep: bool) {
    let life = if keep { format!("; Max-Age={}", BROWSER_LIFE.as_secs()) } else { String::new() };
    append(headers, &format!("{SESSION}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}"));
}

/// The proof that a form came from a page that this session was shown for this purpose; none without a session.
pub(crate) fn session_csrf(headers: &HeaderMap, purpose: &str) -> Option<String> {
    value(headers, SESSION).map(|cookie| secret::mac_text(cookie.as_bytes(), format!("csrf\0{purpose}").as_bytes()))
}

/// Whether the proof fits.
pub(crate) fn is_session_csrf(headers: &HeaderMap, purpose: &str, given: Option<&str>) -> bool {
    let known = session_csrf(headers, purpose);
    known.zip(given).is_some_and(|(known, given)| known.as_bytes().ct_eq(given.as_bytes()).into())
}

/// Keeps a preference for a year; `None` forgets it. A word of a short list, for scripts to read.
pub(crate) fn set_preference(headers: &mut HeaderMap, name: &str, value: Option<&str>) {
    let life = if value.is_some() { 31_536_000 } else { 0 };
    append(headers, &format!("{name}={}; Path=/; Secure; SameSite=Lax; Max-Age={life}", value.unwrap_or_default()));
}

/// Forgets the session cookie.
pub(crate) fn drop_session(headers: &mut HeaderMap) {
    append(headers, &format!("{SESSION}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"));
}

/// The cookie that this browser is known by from one sign-in to the next: it opens nothing, it only tells devices apart, so
/// that everything on a lost one can be revoked.
pub(crate) struct DeviceCookie(String);

impl DeviceCookie {
    /// The browser's cookie, or a new one.
    pub(crate) fn or_new(headers: &HeaderMap) -> Self {
        Self(value(headers, DEVICE).map_or_else(secret::opaque, str::to_owned))
    }

    /// The device's id, from which nobody finds the cookie.
    pub(crate) fn id(&self) -> DeviceId {
        DeviceId::from_uuid(Uuid::new_v5(&DEVICES, self.0.as_bytes()))
    }

    /// Sets it, as long as browsers keep one.
    pub(crate) fn set(&self, headers: &mut HeaderMap) {
        append(headers, &format!("{DEVICE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=34560000", self.0));
    }
}

const DEVICES: Uuid = uuid!("5f0f9c3e-6f0d-4e0c-9d3c-0b1f6f2f8a51");

fn append(headers: &mut HeaderMap, cookie: &str) {
    headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie).expect("a cookie of ours is ASCII"));
}

/// Whether a POST may change something: browsers tell where a form came from.
pub(crate) fn came_from_us(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site != "cross-site",
        None => text("origin").is_none_or(|origin| origin == app.base()),
    }
}

/// A preference that the person fixed, as the cookie spells it.
fn preference<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The language that the person fixed, if they did.
pub(crate) fn language(headers: &HeaderMap) -> Option<&str> {
    preference(headers, LANGUAGE)
}

/// The theme that the person fixed, if they did.
pub(crate) fn theme(headers: &HeaderMap) -> Option<&'static str> {
    match preference(headers, THEME) {
        Some("light") => Some("light"),
        Some("dark") => Some("dark"),
        _ => None,
    }
}
