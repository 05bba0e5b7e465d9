//! The `claims` parameter of a request (S-109): a JSON object, of which a few members count.

use serde_json::Value;

/// What a client asks for with `claims`; everything else in there is ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// `access_token.xms_cc` names `cp1`: the client can answer a claims challenge.
    pub can_answer_challenge: bool,
    /// `id_token.auth_time` is there.
    pub auth_time: bool,
}

/// Not JSON, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`claims` is no JSON object")]
pub struct BadClaims;

const LONGEST: usize = 8 * 1024;

impl ClaimsRequest {
    /// Reads the parameter. A missing one asks for nothing.
    pub fn parse(text: Option<&str>) -> Result<Self, BadClaims> {
        let Some(text) = text else { return Ok(Self::default()) };
        if text.len() > LONGEST {
            return Err(BadClaims);
        }
        // The parser gives up at 128 levels.
        let value: Value = serde_json::from_str(text).map_err(|_| BadClaims)?;
        if !value.is_object() {
            return Err(BadClaims);
        }
        let capabilities = value.pointer("/access_token/xms_cc/values").and_then(Value::as_array);
        let mut words = capabilities.into_iter().flatten().filter_map(Value::as_str);
        Ok(Self {
            can_answer_challenge: words.any(|word| word.eq_ignore_ascii_case("cp1")),
            auth_time: value.pointer("/id_token/auth_time").is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_403_a_client_says_that_it_can_answer_a_challenge() {
        let can = |text| ClaimsRequest::parse(Some(text)).map(|claims| claims.can_answer_challenge);
        assert_eq!(can(r#"{"access_token":{"xms_cc":{"values":["other","CP1"]}}}"#), Ok(true));
        assert_eq!(can(r#"{"access_token":{"nbf":{"essential":true,"value":"0"}}}"#), Ok(false));
        assert_eq!(can(r#"{"access_token":{"xms_cc":{"values":"cp1"}}}"#), Ok(false));
    }

    #[test]
    fn s_109_what_is_no_object_is_refused_and_unknown_members_are_ignored() {
        assert_eq!(ClaimsRequest::parse(Some(r#"{"x":1,"id_token":{"auth_time":null}}"#)).map(|c| c.auth_time), Ok(true));
        for bad in ["", "{", "[]", "1", "null", &"[".repeat(200), &format!("{{\"x\":\"{}\"}}", "y".repeat(9_000))] {
            assert_eq!(ClaimsRequest::parse(Some(bad)), Err(BadClaims), "{bad}");
        }
    }
}
