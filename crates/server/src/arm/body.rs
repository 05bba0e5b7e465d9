//! Request bodies: JSON with a budget, and an error that says where it stopped being JSON.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};

use super::error::{ArmError, Refusal};
use crate::app::App;

/// A JSON body; nothing at all is an empty object.
pub(crate) struct Body(pub(crate) Value);

// The service takes 4 MiB; no cluster comes near one.
const MAX: usize = 1024 * 1024;

impl FromRequest<Arc<App>> for Body {
    type Rejection = ArmError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, ArmError> {
        let bytes = crate::http::body::read(request.into_body(), MAX).await.ok_or(Refusal::TooLarge(MAX))?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Value::Object(Map::new())));
        }
        // The parser's own limit of 128 levels bounds the depth.
        let value = serde_json::from_slice(&bytes).map_err(|e| Refusal::Body(e.to_string()))?;
        Ok(Self(value))
    }
}

/// A member of an object by its name in any case.
pub(super) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
