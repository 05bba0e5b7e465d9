//! A request that gets nothing, and how each kind of caller reads it (S-500…S-503).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use entrance_model::id::PrincipalId;
use entrance_model::signin::Aadsts;
use entrance_model::signin::scope::ScopeError;
use entrance_store::StoreError;
use entrance_store::authority::Judged;
use entrance_wire::oauth::error::{ErrorAnswer, description, quoted};

use crate::app::App;
use crate::http::RequestInfo;

/// Why a request gets nothing.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// The number.
    pub(crate) number: Aadsts,
    says: Option<Box<str>>,
    error: Option<&'static str>,
    suberror: Option<&'static str>,
    claims: Option<&'static str>,
    retry_after: Option<u32>,
    /// Who it was about, where that is known; for the log only.
    pub(crate) user: Option<PrincipalId>,
    /// The reason in words for an administrator; for the log only.
    pub(crate) why: Option<Box<str>>,
    /// What the policies said; for the log only.
    pub(crate) judged: Option<Box<Judged>>,
}

impl From<Aadsts> for Refused {
    fn from(number: Aadsts) -> Self {
        Self {
            number,
            says: None,
            error: None,
            suberror: None,
            claims: None,
            retry_after: None,
            user: None,
            why: None,
            judged: None,
        }
    }
}

impl From<ScopeError> for Refused {
    fn from(error: ScopeError) -> Self {
        error.number().into()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store did not answer the token service");
        Self { retry_after: Some(5), ..Aadsts::DirectoryUnavailable.into() }
    }
}

impl Refused {
    /// The request lacks a parameter.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::from(Aadsts::MissingParameter)
            .saying(format!("The request body must contain the following parameter: '{parameter}'."))
    }

    /// Says it in other words than the catalogue, where a name helps.
    pub(crate) fn saying(self, says: String) -> Self {
        Self { says: Some(says.into()), ..self }
    }

    /// Says it about text that the client sent.
    pub(crate) fn about(self, what: &str, text: &str) -> Self {
        let says = format!("{} ({what}: '{}')", self.number.entry().says, quoted(text));
        self.saying(says)
    }

    /// With another OAuth error than the catalogue's.
    pub(crate) fn error(self, error: &'static str) -> Self {
        Self { error: Some(error), ..self }
    }

    /// With another sub-error than the catalogue's.
    pub(crate) fn suberror(self, suberror: &'static str) -> Self {
        Self { suberror: Some(suberror), ..self }
    }

    /// With the claims that a client passes on to get further.
    pub(crate) fn claims(self, claims: &'static str) -> Self {
        Self { claims: Some(claims), ..self }
    }

    /// Tells when to come again.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// When to come again, in seconds.
    pub(crate) fn waits(&self) -> Option<u32> {
        self.retry_after
    }

    /// Who it was about, for the log.
    pub(crate) fn of(self, user: impl Into<PrincipalId>) -> Self {
        Self { user: Some(user.into()), ..self }
    }

    /// Why, for the log.
    pub(crate) fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into().into()), ..self }
    }

    /// What the policies said, for the log.
    pub(crate) fn judged(self, judged: Judged) -> Self {
        Self { judged: Some(Box::new(judged)), ..self }
    }

    /// The OAuth error.
    pub(crate) fn oauth_error(&self) -> &str {
        self.error.unwrap_or(&self.number.entry().error)
    }

    /// The status at the token endpoint.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.number.entry().http).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// `AADSTS<n>: <text>` with the ids of the request.
    pub(crate) fn description(&self, app: &App, info: &RequestInfo) -> String {
        let says = self.says.as_deref().unwrap_or(&self.number.entry().says);
        let timestamp = timestamp(app);
        description(self.number.code(), says, &info.id.to_string(), &info.correlation_id().to_string(), &timestamp)
    }

    /// Where the number is explained.
    pub(crate) fn uri(&self, app: &App) -> String {
        format!("{}/error?code={}", app.base(), self.number.code())
    }

    /// The answer of an endpoint that programs call.
    pub(crate) fn answer(&self, app: &App, info: &RequestInfo) -> Response {
        let entry = self.number.entry();
        let body = ErrorAnswer {
            error: self.oauth_error().to_owned(),
            error_description: self.description(app, info),
            error_codes: [self.number.code()],
            timestamp: timestamp(app),
            trace_id: info.id.to_string(),
            correlation_id: info.correlation_id().to_string(),
            error_uri: self.uri(app),
            suberror: self.suberror.map(str::to_owned).or_else(|| entry.suberror.clone()),
            claims: self.claims.map(str::to_owned),
        };
        let mut response = json(self.status(), serde_json::to_string(&body).expect("the answer has only text keys"));
        // MSAL keeps a 400 for a minute, unless it is told that asking again may help.
        let retry = self.retry_after.or_else(|| (entry.http == 400 && self.number.can_heal()).then_some(1));
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The time as errors write it.
pub(crate) fn timestamp(app: &App) -> String {
    app.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// JSON that nobody keeps (S-202).
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store, no-cache"),
        (header::PRAGMA, "no-cache"),
        (header::EXPIRES, "-1"),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aadsts_90033_and_s_204_a_store_that_does_not_answer_is_a_503_that_says_when_to_ask_again() {
        let refused = Refused::from(StoreError::Conflict);
        assert_eq!(
            (refused.number, refused.status(), refused.retry_after),
            (Aadsts::DirectoryUnavailable, StatusCode::SERVICE_UNAVAILABLE, Some(5))
        );
    }
}
