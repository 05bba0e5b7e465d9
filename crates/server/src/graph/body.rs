//! Bodies of requests, within the budgets of G-007.

use axum::extract::{FromRequest, Request};
use entrance_wire::graph::body::{self, BadBody};
use serde_json::Value;

use super::error::GraphError;

/// A JSON body; `null` when there is none.
pub(super) struct Json(pub(super) Value);

const LENGTH_BUDGET: usize = 4 * 1024 * 1024;

impl<S: Sync> FromRequest<S> for Json {
    type Rejection = GraphError;

    async fn from_request(request: Request, _: &S) -> Result<Self, GraphError> {
        let bytes = crate::http::body::read(request.into_body(), LENGTH_BUDGET).await.ok_or_else(GraphError::too_large)?;
        Ok(Self(body::json(&bytes)?))
    }
}

impl Json {
    /// A member that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<&Value, GraphError> {
        let object = self.0.as_object().ok_or(BadBody::NotJson)?;
        let found = object.get(name).filter(|value| !value.is_null());
        found.ok_or_else(|| GraphError::bad_request(format!("A value is required for parameter '{name}'.")))
    }

    /// A list of texts that has to be there, of at most so many.
    pub(super) fn texts(&self, name: &str, most: usize) -> Result<Vec<String>, GraphError> {
        let all: Vec<String> = serde_json::from_value(self.required(name)?.clone())
            .map_err(|_| GraphError::bad_request(format!("Invalid value specified for parameter '{name}'.")))?;
        if all.len() > most {
            return Err(GraphError::bad_request(format!("The number of values in '{name}' exceeds the limit of {most}.")));
        }
        Ok(all)
    }
}
