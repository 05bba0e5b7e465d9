//! A token answer (S-310, S-311).

use serde::Serialize;

/// What a token request got; written in the shape of either endpoint. It has no `Debug`, because it holds tokens.
#[derive(Default)]
pub struct Tokens {
    /// `Bearer` or `pop`.
    pub token_type: &'static str,
    /// The granted scope; `None` for applications by themselves.
    pub scope: Option<String>,
    /// Life of the access token, in seconds.
    pub expires_in: i64,
    /// When the access token ends, Unix seconds.
    pub expires_on: i64,
    /// From when it is valid, Unix seconds.
    pub not_before: i64,
    /// When to refresh, in seconds, where the life is long.
    pub refresh_in: Option<i64>,
    /// The resource as it was asked (v1 only).
    pub resource: String,
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: Option<String>,
    /// The ID token.
    pub id_token: Option<String>,
    /// Who signed in, for the client's cache.
    pub client_info: Option<String>,
    /// The family of the refresh token.
    pub foci: Option<&'static str>,
}

#[derive(Serialize)]
struct V2<'a> {
    token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    expires_in: i64,
    ext_expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_in: Option<i64>,
    access_token: &'a str,
    #[serde(flatten)]
    rest: Rest<'a>,
}

#[derive(Serialize)]
struct V1<'a> {
    token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    expires_in: String,
    ext_expires_in: String,
    expires_on: String,
    not_before: String,
    resource: &'a str,
    access_token: &'a str,
    #[serde(flatten)]
    rest: Rest<'a>,
}

#[derive(Serialize)]
struct Rest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foci: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_info: Option<&'a str>,
}

impl Tokens {
    fn rest(&self) -> Rest<'_> {
        Rest {
            refresh_token: self.refresh_token.as_deref(),
            foci: self.foci,
            id_token: self.id_token.as_deref(),
            client_info: self.client_info.as_deref(),
        }
    }

    /// The JSON of the v2 endpoint.
    pub fn v2(&self) -> String {
        to_json(&V2 {
            token_type: self.token_type,
            scope: self.scope.as_deref(),
            expires_in: self.expires_in,
            ext_expires_in: self.expires_in,
            refresh_in: self.refresh_in,
            access_token: &self.access_token,
            rest: self.rest(),
        })
    }

    /// The JSON of the v1 endpoint: numbers as text, and the resource.
    pub fn v1(&self) -> String {
        to_json(&V1 {
            token_type: self.token_type,
            scope: self.scope.as_deref(),
            expires_in: self.expires_in.to_string(),
            ext_expires_in: self.expires_in.to_string(),
            expires_on: self.expires_on.to_string(),
            not_before: self.not_before.to_string(),
            resource: &self.resource,
            access_token: &self.access_token,
            rest: self.rest(),
        })
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the answer has only text keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens {
            token_type: "Bearer",
            expires_in: 3600,
            expires_on: 4600,
            not_before: 1000,
            resource: "r".into(),
            access_token: "a".into(),
            ..Tokens::default()
        }
    }

    #[test]
    fn s_310_v2_writes_numbers_and_leaves_out_what_is_not_there() {
        assert_eq!(tokens().v2(), r#"{"token_type":"Bearer","expires_in":3600,"ext_expires_in":3600,"access_token":"a"}"#);
    }

    #[test]
    fn s_311_v1_writes_text_and_names_the_resource() {
        assert_eq!(
            tokens().v1(),
            r#"{"token_type":"Bearer","expires_in":"3600","ext_expires_in":"3600","expires_on":"4600","not_before":"1000","resource":"r","access_token":"a"}"#
        );
    }
}
