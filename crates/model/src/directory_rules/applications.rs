//! What an application may register (G-402).

use serde_json::Value;
use url::Url;

use crate::id::{AppId, TenantId};

/// Why a registration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// An identifier URI that another application could claim.
    #[error("Values of identifierUris property must use a verified domain of the organization or its subdomain: '{0}'")]
    IdentifierUri(String),
    /// A redirect address that tokens must not be sent to.
    #[error("Invalid value specified for property 'redirectUris' of resource 'Application': '{0}'")]
    Redirect(String),
    /// A list holds something twice.
    #[error("Request contains a property with duplicate values.")]
    Twice,
    /// A scope or a role that is in use.
    #[error(
        "Property value cannot be deleted unless it is disabled first. Permission (scope or role) cannot be deleted or updated unless disabled first."
    )]
    StillEnabled,
}

/// Checks the identifier URIs of an application: `api://{appId}`, `api://{tenant}/…`, or an address on a verified domain.
pub fn identifier_uris(uris: &[String], app: AppId, tenant: TenantId, verified: &[String]) -> Result<(), RegistrationError> {
    for uri in uris {
        if !is_own_identifier(uri, app, tenant, verified) {
            return Err(RegistrationError::IdentifierUri(uri.clone()));
        }
    }
    no_doubles(uris)
}

fn is_own_identifier(uri: &str, app: AppId, tenant: TenantId, verified: &[String]) -> bool {
    let plain = uri.len() <= 255
        && uri.bytes().all(|b| b.is_ascii_graphic())
        && !uri.contains(['?', '#', '*', '\\'])
        && !uri.ends_with('/');
    let Some((scheme, rest)) = uri.split_once("://") else { return false };
    if !plain || !matches!(scheme, "api" | "https") {
        return false;
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.to_ascii_lowercase();
    let on_verified_domain = || {
        verified.iter().any(|domain| {
            let domain = domain.to_ascii_lowercase();
            host == domain || host.strip_suffix(&domain).is_some_and(|sub| sub.ends_with('.') && sub.len() > 1)
        })
    };
    match scheme {
        "api" => host == app.to_string() || (host == tenant.to_string() && !path.is_empty()) || on_verified_domain(),
        _ => on_verified_domain(),
    }
}

/// The platform that a redirect address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A server, or a single-page application.
    Web,
    /// A program on a person's machine.
    PublicClient,
}

/// Checks redirect addresses: https, or http on loopback; programs may also have a scheme of their own.
pub fn redirects(uris: &[String], platform: Platform) -> Result<(), RegistrationError> {
    for uri in uris {
        if !is_redirect(uri, platform) {
            return Err(RegistrationError::Redirect(uri.clone()));
        }
    }
    no_doubles(uris)
}

fn is_redirect(uri: &str, platform: Platform) -> bool {
    if uri.len() > 256 || uri.contains(['*', '#', '\\']) || uri.chars().any(|c| c.is_control() || c == ' ') {
        return false;
    }
    let Ok(url) = Url::parse(uri) else { return false };
    let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let has_user = !url.username().is_empty() || url.password().is_some();
    match url.scheme() {
        "https" => !has_user && url.host_str().is_some(),
        "http" => !has_user && is_loopback,
        // What a browser would run or open instead of asking a program.
        "javascript" | "data" | "file" | "blob" | "about" | "vbscript" | "ws" | "wss" | "ftp" | "mailto" => false,
        _ => platform == Platform::PublicClient,
    }
}

fn no_doubles(all: &[String]) -> Result<(), RegistrationError> {
    let mut folded: Vec<_> = all.iter().map(|one| one.to_lowercase()).collect();
    folded.sort_unstable();
    let count = folded.len();
    folded.dedup();
    if folded.len() == count { Ok(()) } else { Err(RegistrationError::Twice) }
}

/// A scope or role can go only after it was disabled: somebody may still rely on it.
pub fn permissions_change(before: Option<&Value>, after: Option<&Value>) -> Result<(), RegistrationError> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let after = list(after);
    let id = |one: &Value| one.get("id").and_then(Value::as_str).map(str::to_lowercase);
    let gone_but_enabled = list(before).iter().any(|one| {
        one.get("isEnabled").and_then(Value::as_bool).unwrap_or(false) && !after.iter().any(|other| id(other) == id(one))
    });
    if gone_but_enabled { Err(RegistrationError::StillEnabled) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn g_402_identifier_uris_are_ones_own() {
        let app = AppId::from_uuid(Uuid::from_u128(1));
        let tenant = TenantId::from_uuid(Uuid::from_u128(2));
        let verified = ["contoso.example".to_owned()];
        let check = |uri: &str| identifier_uris(&[uri.to_owned()], app, tenant, &verified).is_ok();
        for fine in [
            format!("api://{app}"),
            format!("api://{app}/sub"),
            format!("api://{tenant}/shop"),
            "https://contoso.example/shop".into(),
            "https://shop.contoso.example".into(),
        ] {
            assert!(check(&fine), "{fine}");
        }
        for wrong in [
            "api://other",
            "https://evilcontoso.example",
            "http://contoso.example",
            "https://.contoso.example",
            "https://graph.microsoft.com",
            "https://contoso.example/*",
            "https://contoso.example/",
            "",
            "spn:x",
        ] {
            assert!(!check(wrong), "{wrong}");
        }
        let twice = [format!("api://{app}"), format!("API://{app}").to_lowercase()];
        assert_eq!(identifier_uris(&twice, app, tenant, &verified), Err(RegistrationError::Twice));
    }

    #[test]
    fn g_402_redirects_lead_to_the_application() {
        let check = |uri: &str, platform| redirects(&[uri.to_owned()], platform).is_ok();
        for fine in ["https://shop.example/cb", "http://localhost:3000/cb", "http://127.0.0.1", "https://shop.example/cb?x=1"] {
            assert!(check(fine, Platform::Web), "{fine}");
        }
        for wrong in [
            "http://shop.example/cb",
            "https://*.shop.example",
            "https://shop.example/#x",
            "javascript:alert(1)",
            "shop://x",
            "",
            "https://a@b.example/",
        ] {
            assert!(!check(wrong, Platform::Web), "{wrong}");
        }
        assert!(check("shop://auth", Platform::PublicClient));
        assert!(!check("javascript:alert(1)", Platform::PublicClient));
    }

    #[test]
    fn g_402_a_permission_is_disabled_before_it_goes() {
        let enabled = json!([{"id": "A", "isEnabled": true}]);
        let disabled = json!([{"id": "a", "isEnabled": false}]);
        assert_eq!(permissions_change(Some(&enabled), Some(&json!([]))), Err(RegistrationError::StillEnabled));
        assert_eq!(permissions_change(Some(&enabled), Some(&disabled)), Ok(()));
        assert_eq!(permissions_change(Some(&disabled), None), Ok(()));
    }
}
