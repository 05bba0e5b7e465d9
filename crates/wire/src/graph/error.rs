//! The error envelope (G-020).

use serde::Serialize;

/// `error.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A body or a value in it is wrong.
    RequestBadRequest,
    /// A path or an option is wrong.
    BadRequest,
    /// A query option that is not supported, or not understood.
    UnsupportedQuery,
    /// More ids than an answer may carry.
    ResultSizeLimitExceeded,
    /// A page token that is forged, foreign or too old.
    ExpiredPageToken,
    /// The bearer token is no good.
    InvalidAuthenticationToken,
    /// The caller may not do that.
    RequestDenied,
    /// There is no such object.
    ResourceNotFound,
    /// Another object has this key.
    MultipleObjectsWithSameKeyValue,
    /// A service principal for an application that does not exist.
    NoBackingApplicationObject,
    /// The body is larger than is read.
    RequestEntityTooLarge,
    /// The store cannot answer now.
    ServiceUnavailable,
    /// Ours.
    InternalServerError,
}

impl Code {
    /// The text on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestBadRequest => "Request_BadRequest",
            Self::BadRequest => "BadRequest",
            Self::UnsupportedQuery => "Request_UnsupportedQuery",
            Self::ResultSizeLimitExceeded => "Directory_ResultSizeLimitExceeded",
            Self::ExpiredPageToken => "Directory_ExpiredPageToken",
            Self::InvalidAuthenticationToken => "InvalidAuthenticationToken",
            Self::RequestDenied => "Authorization_RequestDenied",
            Self::ResourceNotFound => "Request_ResourceNotFound",
            Self::MultipleObjectsWithSameKeyValue => "Request_MultipleObjectsWithSameKeyValue",
            Self::NoBackingApplicationObject => "NoBackingApplicationObject",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::ServiceUnavailable => "Service_ServiceUnavailable",
            Self::InternalServerError => "Service_InternalServerError",
        }
    }
}

/// The whole body of an error answer.
#[derive(Debug, Serialize)]
pub struct ErrorBody {
    /// The one member.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Serialize)]
pub struct ErrorDetail {
    /// For programs.
    pub code: &'static str,
    /// For people; Terraform and `az` also match on it (G-090).
    pub message: String,
    /// What exactly, where there is more to say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// Ties the answer to our log.
    #[serde(rename = "innerError")]
    pub inner: InnerError,
}

/// One of the details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Such as `ObjectConflict`.
    pub code: &'static str,
    /// The property.
    pub target: String,
    /// For people.
    pub message: String,
}

/// Date and ids of the request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InnerError {
    /// `yyyy-MM-ddTHH:mm:ss`, without a zone.
    pub date: String,
    /// Our id of the request.
    pub request_id: String,
    /// The caller's id of the request, or ours again.
    pub client_request_id: String,
}
