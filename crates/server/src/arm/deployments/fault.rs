//! What deployments are refused for, with the details that clients print.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use entrance_model::template::{BadDeploymentName, Part, TemplateError};
use entrance_store::StoreError;
use entrance_wire::jsonc::{BadJson, Budget, parse, position};
use serde_json::{Value, json};

use crate::arm::error::{ArmError, Refusal};

/// A refusal: a status, and what is inside `error`.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) error: Value,
}

impl Fault {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, error: json!({ "code": code, "message": message }) }
    }

    /// A body that asks for what is not done here, or is none.
    pub(super) fn request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", message)
    }

    pub(super) fn json(bad: &BadJson) -> Self {
        Self::request(&format!("The request content could not be read as JSON: {bad}."))
    }

    pub(super) fn name(bad: &BadDeploymentName) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidDeploymentName", &bad.to_string())
    }

    pub(super) fn missing(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "DeploymentNotFound", message)
    }

    /// Whoever asked is gone or disabled.
    pub(super) fn no_longer(name: &str, oid: &str, scope: &str) -> Self {
        let message = format!("The client '{name}' with object id '{oid}', who asked for '{scope}', is gone or disabled.");
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailed", &message)
    }

    /// The deployment is not in a state for this.
    pub(super) fn conflict(code: &str, message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// A template that cannot be deployed, with the place of the mistake in the text that was sent.
    pub(super) fn template(error: &TemplateError, text: &str) -> Self {
        let path = error.place.to_string();
        let (line, column) = match error.part {
            Part::Parameters => (0, 0),
            Part::Template => {
                parse(text, Budget::default()).map_or((0, 0), |node| position(text, node.deepest(error.place.parts()).start))
            }
        };
        let place = match (error.part, path.as_str()) {
            (Part::Parameters, "") => "in the parameters".to_owned(),
            (Part::Parameters, path) => format!("in the parameters at '{path}'"),
            (Part::Template, "") => format!("at line '{line}' and column '{column}'"),
            (Part::Template, path) => format!("at '{path}', line '{line}' and column '{column}'"),
        };
        let message = format!("Deployment template validation failed: {} ({place})", error.message);
        let mut fault = Self::new(StatusCode::BAD_REQUEST, "InvalidTemplate", &message);
        if !path.is_empty() {
            fault.error["target"] = json!(path);
        }
        fault.error["additionalInfo"] =
            json!([{ "type": "TemplateViolation", "info": { "lineNumber": line, "linePosition": column, "path": path } }]);
        fault
    }

    /// What was found wrong before anything was made. Where all of it is missing rights, that is the answer's status.
    pub(super) fn preflight(name: &str, details: Vec<(StatusCode, Value)>) -> Self {
        let is_rights = details.iter().all(|(status, _)| *status == StatusCode::FORBIDDEN);
        let status = if is_rights { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        let message = format!(
            "Deployment '{name}' cannot be carried out, and nothing was made. The details tell what is wrong with which resource."
        );
        let mut fault = Self::new(status, "InvalidTemplateDeployment", &message);
        fault.error["details"] = details.into_iter().map(|(_, detail)| detail).collect();
        fault
    }

    /// The same under the name of a resource.
    pub(super) fn about(mut self, id: &str) -> (StatusCode, Value) {
        if let Some(target) = self.error.get("target").and_then(Value::as_str) {
            let message = self.error["message"].as_str().unwrap_or_default();
            self.error["message"] = json!(format!("{message} (member: {target})"));
        }
        self.error["target"] = json!(id);
        (self.status, self.error)
    }
}

/// Why a deployment failed.
pub(super) fn failed(code: &str, message: &str, details: &[Value]) -> Value {
    json!({ "code": code, "message": message, "details": details })
}

impl From<ArmError> for Fault {
    fn from(error: ArmError) -> Self {
        let (status, error) = error.shown();
        Self { status, error }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        ArmError::from(refusal).into()
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        ArmError::from(error).into()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let code = self.error["code"].as_str().and_then(|code| HeaderValue::from_str(code).ok());
        let mut response = (self.status, Json(json!({ "error": self.error }))).into_response();
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("x-ms-failure-cause"), HeaderValue::from_static("gateway"));
        if let Some(code) = code {
            headers.insert(HeaderName::from_static("x-ms-error-code"), code);
        }
        response
    }
}
