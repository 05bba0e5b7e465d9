//! Refusals in Graph's shape (G-020), rendered once, where the request's ids are known.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use entrance_model::directory_rules::access::Denied;
use entrance_model::directory_rules::applications::RegistrationError;
use entrance_model::directory_rules::credentials::CredentialError;
use entrance_model::directory_rules::members::MemberError;
use entrance_model::directory_rules::names::NameError;
use entrance_model::directory_rules::password::WeakPassword;
use entrance_store::StoreError;
use entrance_wire::graph::body::BadBody;
use entrance_wire::graph::entity::NoSuchProperty;
use entrance_wire::graph::error::{Code, Detail, ErrorBody, ErrorDetail, InnerError};
use entrance_wire::graph::query::BadOption;
use entrance_wire::graph::reference::BadReference;

use super::policies::BadPolicy;
use crate::authority::bearer::BearerError;
use crate::http::RequestInfo;

/// A request that is refused.
#[derive(Debug, Clone)]
pub(super) struct GraphError {
    status: StatusCode,
    code: Code,
    message: String,
    details: Vec<Detail>,
    /// `WWW-Authenticate`, with `{base}` where our origin belongs.
    challenge: Option<String>,
}

impl GraphError {
    fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Vec::new(), challenge: None }
    }

    /// A wrong body or a wrong value.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::RequestBadRequest, message)
    }

    /// A wrong path or option.
    pub(super) fn bad_path(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// A query that is not served.
    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::UnsupportedQuery, message)
    }

    /// There is no such object (the text is matched by Terraform, G-090).
    pub(super) fn not_found(key: &str) -> Self {
        let message =
            format!("Resource '{key}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(StatusCode::NOT_FOUND, Code::ResourceNotFound, message)
    }

    /// Another object has this value (G-091).
    pub(super) fn taken(property: &str) -> Self {
        let message = format!("Another object with the same value for property {property} already exists.");
        let detail = Detail { code: "ObjectConflict", target: property.to_owned(), message: message.clone() };
        Self { details: vec![detail], ..Self::bad_request(message) }
    }

    /// Another object has this key.
    pub(super) fn same_key(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, Code::MultipleObjectsWithSameKeyValue, message)
    }

    /// A service principal for an application that does not exist.
    pub(super) fn no_backing_application(app: &str) -> Self {
        let message = format!("The appId '{app}' of the service principal does not reference a valid application object.");
        Self::new(StatusCode::BAD_REQUEST, Code::NoBackingApplicationObject, message)
    }

    /// A method that the path does not take.
    pub(super) fn wrong_method() -> Self {
        let message = "Specified HTTP method is not allowed for the request target.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, Code::RequestBadRequest, message)
    }

    /// A page token that is not ours, or not for this request, or too old.
    pub(super) fn page_token() -> Self {
        let message = "The specified page token value has expired and can no longer be included in your request.";
        Self::new(StatusCode::BAD_REQUEST, Code::ExpiredPageToken, message)
    }

    /// More ids than one answer may carry.
    pub(super) fn too_many_ids() -> Self {
        let message = "The number of results exceeds the limit of 11000; use the transitiveMemberOf list instead.";
        Self::new(StatusCode::BAD_REQUEST, Code::ResultSizeLimitExceeded, message)
    }

    /// More single tokens and sessions are revoked than a directory keeps in memory.
    pub(super) fn too_many_revocations() -> Self {
        Self::bad_request("Too many tokens and sessions are revoked at this time; revoke the person or the application instead.")
    }

    /// The directory in memory is not there.
    pub(super) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::ServiceUnavailable, "The service is temporarily unavailable.")
    }

    /// A body that is larger than what is read.
    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Code::RequestEntityTooLarge, "The request body is larger than 4 MiB.")
    }

    fn unauthenticated(message: &str, extra: &str) -> Self {
        let challenge = format!(
            r#"Bearer realm="", authorization_uri="{{base}}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"{extra}"#
        );
        let error = Self::new(StatusCode::UNAUTHORIZED, Code::InvalidAuthenticationToken, message);
        Self { challenge: Some(challenge), ..error }
    }

    /// What it says.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// With what is wrong in each of several places.
    pub(super) fn about(mut self, places: Vec<(String, String)>) -> Self {
        let detail = |(target, message)| Detail { code: "InvalidEntry", target, message };
        self.details = places.into_iter().map(detail).collect();
        self
    }

    /// The answer, with the ids of its request.
    pub(super) fn render(self, base: &str, info: &RequestInfo) -> Response {
        let body = ErrorBody {
            error: ErrorDetail {
                code: self.code.as_str(),
                message: self.message,
                details: self.details,
                inner: InnerError {
                    date: info.started.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                    request_id: info.id.to_string(),
                    client_request_id: info.correlation_id().to_string(),
                },
            },
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let challenge = self.challenge.map(|text| text.replace("{base}", base));
        if let Some(value) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// Leaves the refusal for the outermost layer, which knows the request.
impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<BearerError> for GraphError {
    fn from(error: BearerError) -> Self {
        match error {
            BearerError::Missing => Self::unauthenticated("Access token is empty.", ""),
            BearerError::Foreign => Self::unauthenticated("Access token validation failure.", ""),
            BearerError::Expired(_) => Self::unauthenticated("Access token has expired or is not yet valid.", ""),
            BearerError::Audience(_) => Self::unauthenticated("Access token validation failure. Invalid audience.", ""),
            BearerError::Revoked { challenge: true, now } => {
                let now = now.as_second();
                let claims = format!(r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{now}"}}}}}}"#);
                let claims = BASE64_STANDARD.encode(claims);
                let extra = format!(r#", error="insufficient_claims", claims="{claims}""#);
                Self::unauthenticated(
                    "Continuous access evaluation resulted in challenge with result: InteractionRequired.",
                    &extra,
                )
            }
            BearerError::Revoked { challenge: false, .. } => Self::unauthenticated("Access token has been revoked.", ""),
            BearerError::Store(error) => error.into(),
        }
    }
}

impl GraphError {
    /// A name under which another object entered a cluster (DESIGN 5.1).
    pub(super) fn held(name: &str) -> Self {
        let text = "was used in a cluster by another object, which bindings there may still name. It is held back until an \
                    administrator releases it";
        Self::bad_request(format!("The userPrincipalName '{name}' {text}: `entrance user release-name {name}`."))
    }
}

impl From<StoreError> for GraphError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists(property) => Self::taken(property),
            StoreError::HeldName(name) => Self::held(&name),
            // Ids are ours to choose here, and one that was used is never chosen again.
            StoreError::RetiredId(_) => Self::taken("id"),
            StoreError::Conflict | StoreError::NotWritable(_) => {
                tracing::error!(%error, "the directory cannot be written");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::ServiceUnavailable, "The service is temporarily unavailable.")
            }
            StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Seal(_)
            | StoreError::Engine(_) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the directory cannot be read");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::InternalServerError, "Encountered an internal server error.")
            }
        }
    }
}

impl From<Denied> for GraphError {
    fn from(denied: Denied) -> Self {
        Self::new(StatusCode::FORBIDDEN, Code::RequestDenied, denied.to_string())
    }
}

impl From<BadOption> for GraphError {
    fn from(error: BadOption) -> Self {
        match error {
            BadOption::PageSize(_) | BadOption::Unsupported(_) | BadOption::Filter(_) => Self::unsupported(error.to_string()),
            BadOption::Unknown(_) | BadOption::Twice(_) | BadOption::Value { .. } => Self::bad_path(error.to_string()),
        }
    }
}

impl From<NoSuchProperty> for GraphError {
    fn from(error: NoSuchProperty) -> Self {
        Self::bad_path(error.to_string())
    }
}

impl From<CredentialError> for GraphError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::NameTaken(_) | CredentialError::SubjectTaken => Self::same_key(error.to_string()),
            CredentialError::KeyEnd
            | CredentialError::SecretEnd
            | CredentialError::NoSecret(_)
            | CredentialError::TooMany(_)
            | CredentialError::Federated(_) => Self::bad_request(error.to_string()),
        }
    }
}

macro_rules! bad_requests {
    ($($error:ty)*) => {$(
        impl From<$error> for GraphError {
            fn from(error: $error) -> Self {
                Self::bad_request(error.to_string())
            }
        }
    )*};
}

bad_requests! { BadBody BadPolicy BadReference MemberError NameError WeakPassword RegistrationError }
