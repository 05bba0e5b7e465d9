//! Discovery documents (S-020…S-025).

use serde_json::{Value, json};

/// Where everything is, for one tenant segment.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The public origin without a trailing slash.
    pub base: &'a str,
    /// The tenant's id, or `common` or `organizations` as asked.
    pub segment: &'a str,
    /// The tenant's id, or `{tenantid}` where the segment names no tenant.
    pub issuer_tenant: &'a str,
}

impl Places<'_> {
    fn host(&self) -> &str {
        self.base.trim_start_matches("https://")
    }

    /// `/{tenant}/v2.0/.well-known/openid-configuration`.
    pub fn v2(&self) -> Value {
        self.document(&format!("{}/{}/v2.0", self.base, self.issuer_tenant), "/oauth2/v2.0", "/discovery/v2.0/keys")
    }

    /// `/{tenant}/.well-known/openid-configuration`. The issuer ends with a slash, and serves this document.
    pub fn v1(&self) -> Value {
        self.document(&format!("{}/{}/", self.base, self.issuer_tenant), "/oauth2", "/discovery/keys")
    }

    fn document(&self, issuer: &str, oauth: &str, keys: &str) -> Value {
        let at = |path: &str| format!("{}/{}{path}", self.base, self.segment);
        json!({
            "token_endpoint": at(&format!("{oauth}/token")),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": at(keys),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": issuer,
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": format!("{}/oidc/userinfo", self.base),
            "authorization_endpoint": at(&format!("{oauth}/authorize")),
            "device_authorization_endpoint": at(&format!("{oauth}/devicecode")),
            "revocation_endpoint": at("/oauth2/v2.0/revoke"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": at(&format!("{oauth}/logout")),
            "claims_supported": [
                "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host", "aud",
                "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email",
            ],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "tenant_region_scope": null,
            "cloud_instance_name": self.host(),
            "cloud_graph_host_name": self.host(),
            "msgraph_host": self.host(),
            "rbac_url": self.base,
        })
    }
}

/// The answer of instance discovery (S-024). Both spellings of the version are accepted by clients.
pub fn instance(base: &str, tenant: &str, api_version: &str) -> Value {
    let host = base.trim_start_matches("https://");
    json!({
        "tenant_discovery_endpoint": format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": api_version,
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    })
}

/// The answer of user realm discovery (S-025): the domain is known or not; whether the person exists is never told.
pub fn user_realm(base: &str, domain: &str, is_known: bool) -> Value {
    json!({
        "ver": "1.0",
        "account_type": if is_known { "Managed" } else { "Unknown" },
        "domain_name": domain,
        "cloud_instance_name": base.trim_start_matches("https://"),
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_020_the_issuer_and_the_endpoints_fit_the_segment() {
        let places = Places { base: "https://localhost:8443", segment: "common", issuer_tenant: "{tenantid}" };
        assert_eq!(places.v2()["issuer"], "https://localhost:8443/{tenantid}/v2.0");
        assert_eq!(places.v2()["token_endpoint"], "https://localhost:8443/common/oauth2/v2.0/token");
        assert_eq!(places.v1()["issuer"], "https://localhost:8443/{tenantid}/");
        assert_eq!(places.v1()["device_authorization_endpoint"], "https://localhost:8443/common/oauth2/devicecode");
        assert_eq!(places.v1()["jwks_uri"], "https://localhost:8443/common/discovery/keys");
    }

    #[test]
    fn s_025_the_answer_names_the_domain_only() {
        assert_eq!(user_realm("https://h", "x.example", true)["account_type"], "Managed");
        assert_eq!(user_realm("https://h", "y.example", false)["account_type"], "Unknown");
    }
}
