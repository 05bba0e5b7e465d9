//! Answers (G-005, G-006).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entrance_wire::graph::{Object, context};
use serde_json::Value;

use super::ctx::Ctx;
use super::error::GraphError;

/// What an endpoint returns.
pub(super) type Reply<T> = Result<T, GraphError>;

/// 204
pub(super) struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// A JSON body with a status and, for what was made, its address.
pub(super) struct Shown {
    status: StatusCode,
    location: Option<String>,
    body: Object,
}

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(value) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            response.headers_mut().insert(header::LOCATION, value);
        }
        response
    }
}

impl Ctx {
    /// One object, under the fragment that tells its type.
    pub(super) fn one(&self, fragment: &str, object: Object) -> Shown {
        Shown { status: StatusCode::OK, location: None, body: self.with_context(fragment, object) }
    }

    /// An object that was just made.
    pub(super) fn created(&self, set: &str, id: &dyn std::fmt::Display, object: Object) -> Shown {
        Shown {
            status: StatusCode::CREATED,
            location: Some(format!("{}/{}/{set}/{id}", self.app.base(), self.version.segment())),
            body: self.with_context(&format!("{set}/$entity"), object),
        }
    }

    /// A list that fits into one answer.
    pub(super) fn values(&self, fragment: &str, values: Vec<Value>) -> Shown {
        let mut body = Object::new();
        body.insert("value".into(), Value::Array(values));
        Shown { status: StatusCode::OK, location: None, body: self.with_context(fragment, body) }
    }

    /// A body that is complete as it is.
    pub(super) fn plain(body: Object) -> Shown {
        Shown { status: StatusCode::OK, location: None, body }
    }

    pub(super) fn with_context(&self, fragment: &str, object: Object) -> Object {
        let mut body = Object::new();
        body.insert("@odata.context".into(), context(self.app.base(), self.version, fragment).into());
        body.extend(object);
        body
    }
}
