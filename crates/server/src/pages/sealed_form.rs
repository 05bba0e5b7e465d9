//! What a page has to remember until its form comes back, and nobody else may read or change: sealed into the form, bound
//! to what it is for, for half an hour. Nothing is written until somebody answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_model::Timestamp;
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::authority::ctx::Ctx;
use crate::authority::secret;

/// What came back.
pub(crate) struct Opened<T> {
    /// What was sealed.
    pub(crate) value: T,
    /// Names this one form: what counts once is remembered under it.
    pub(crate) hash: String,
    /// When it ends by itself.
    pub(crate) until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    until: i64,
    value: T,
}

const LIFE: SignedDuration = SignedDuration::from_mins(30);
/// Nothing that is sealed here is longer.
const LONGEST: usize = 48 * 1024;

/// Seals a value for a purpose.
pub(crate) fn seal(ctx: &Ctx, purpose: &str, value: &impl Serialize) -> String {
    let envelope = Envelope { until: (ctx.now() + LIFE).as_microsecond(), value };
    let text = Zeroizing::new(serde_json::to_vec(&envelope).expect("our own types have only text keys"));
    let sealed = ctx.app.store.seal().seal(&text, context(purpose).as_bytes()).expect("the system has randomness");
    URL_SAFE_NO_PAD.encode(sealed)
}

/// Opens what was sealed for the same purpose, while it lasts.
pub(crate) fn open<T: DeserializeOwned>(ctx: &Ctx, purpose: &str, text: &str) -> Option<Opened<T>> {
    if text.len() > LONGEST {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let open = ctx.app.store.seal().open(&sealed, context(purpose).as_bytes()).ok()?;
    let Envelope { until, value } = serde_json::from_slice(&open).ok()?;
    let until = Timestamp::from_microsecond(until).ok()?;
    // Of the bytes that were opened: a second spelling of the same form is no second form.
    let hash = secret::sha256(&URL_SAFE_NO_PAD.encode(&sealed));
    (ctx.now() < until).then_some(Opened { value, hash, until })
}

fn context(purpose: &str) -> String {
    format!("form/{purpose}")
}
