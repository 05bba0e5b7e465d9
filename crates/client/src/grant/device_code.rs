//! The device authorization grant (RFC 8628) in Entra's dialect.

use std::time::Duration;

use entrance_wire::oauth_client::DeviceAuthorization;
use jiff::Timestamp;

use super::{Request, signed_in};
use crate::{Http, Invitation, SignInError, SignedIn, Talk, printable};

/// Asks for a code, tells it to the person and waits until they have used it.
pub async fn sign_in(http: &Http, request: &Request, talk: &dyn Talk) -> Result<SignedIn, SignInError> {
    let endpoints = request.endpoints(http).await?;
    let (target, value) = request.target();
    let code: DeviceAuthorization =
        http.post(&endpoints.device, request.headers(), &[("client_id", &request.client_id), (target, &value)]).await?;
    let to = Invitation { address: &code.verification_uri, code: Some(&code.user_code), good_for: code.expires_in };
    talk.invite(&invitation(&code), &to);

    let until = tokio::time::Instant::now() + Duration::from_secs(code.expires_in.min(LONGEST));
    let mut every = Duration::from_secs(code.interval.clamp(1, 60));
    let binding = request.binding();
    let mut form = poll_form(request, &code, target, &value);
    form.extend(binding.iter().map(|(name, value)| (*name, value.as_str())));
    loop {
        tokio::time::sleep(every).await;
        if tokio::time::Instant::now() >= until {
            return Err(SignInError::CodeExpired);
        }
        let asked = Timestamp::now();
        match http.post(&endpoints.token, request.headers(), &form).await {
            Ok(tokens) => return Ok(signed_in(tokens, asked)),
            Err(SignInError::Refused(refusal)) => match refusal.error.as_str() {
                "authorization_pending" => {}
                // RFC 8628, 3.5: five seconds more, for good.
                "slow_down" => every += Duration::from_secs(5),
                "expired_token" | "code_expired" => return Err(SignInError::CodeExpired),
                "authorization_declined" | "access_denied" => return Err(SignInError::Declined),
                _ => return Err(SignInError::Refused(refusal)),
            },
            // A network that comes and goes while the person types is no reason to start again.
            Err(SignInError::Unreachable { .. }) => {}
            Err(other) => return Err(other),
        }
    }
}

fn poll_form<'a>(
    request: &'a Request,
    code: &'a DeviceAuthorization,
    target: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![("client_id", request.client_id.as_str())];
    if request.legacy {
        form.push(("code", &code.device_code));
    } else {
        form.push(("client_info", "1"));
        form.push(("device_code", &code.device_code));
    }
    form.push(("grant_type", "device_code"));
    form.push((target, value));
    form
}

/// The service's own sentence; without one, ours.
fn invitation(code: &DeviceAuthorization) -> String {
    let text = if code.message.trim().is_empty() {
        format!("To sign in, open {} and enter the code {}", code.verification_uri, code.user_code)
    } else {
        code.message.trim().to_owned()
    };
    printable(&text.chars().take(2000).collect::<String>()).into_owned()
}

const LONGEST: u64 = 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn code(json: &str) -> DeviceAuthorization {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn the_person_always_reads_address_and_code() {
        let told = code(
            r#"{"device_code":"d","user_code":"U","verification_uri":"https://h/d","message":"Go \u001b[2J there","expires_in":900,"interval":5}"#,
        );
        assert_eq!(invitation(&told), "Go \\u{1b}[2J there");
        let silent =
            code(r#"{"device_code":"d","user_code":"U","verification_url":"https://h/d","expires_in":"900","interval":"5"}"#);
        assert_eq!(invitation(&silent), "To sign in, open https://h/d and enter the code U");
    }

    #[test]
    fn both_versions_poll_in_their_own_words() {
        let code = code(r#"{"device_code":"DEV","expires_in":900}"#);
        let authority = crate::authority::Authority::new("https://h.test/", "t").expect("fine");
        let request = Request { authority, client_id: "C".into(), resource: "S".into(), legacy: false, bound_to: None };
        let (target, value) = request.target();
        assert_eq!(
            poll_form(&request, &code, target, &value),
            [
                ("client_id", "C"),
                ("client_info", "1"),
                ("device_code", "DEV"),
                ("grant_type", "device_code"),
                ("scope", "S/.default openid offline_access profile")
            ]
        );
        let request = Request { legacy: true, ..request };
        let (target, value) = request.target();
        assert_eq!(
            poll_form(&request, &code, target, &value),
            [("client_id", "C"), ("code", "DEV"), ("grant_type", "device_code"), ("resource", "S")]
        );
    }
}
