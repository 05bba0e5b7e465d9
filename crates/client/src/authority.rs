//! Which token service, which tenant, and where its endpoints are.
//!
//! A host that the kubeconfig names may first be asked about, as the original does: one of Microsoft's own answers for itself, and
//! about any other `login.microsoftonline.com` is asked. Where the original fails because nobody answers there, or because the host is not
//! known, the host that was named is believed.

use std::fmt;
use std::time::Duration;

use entrance_wire::oauth_client::{Discovery, Instance};
use reqwest::Url;

use crate::{Http, SignInError};

/// A token service and one tenant in it.
#[derive(Debug, Clone)]
pub struct Authority {
    base: Url,
    tenant: String,
    asks_about_it: bool,
}

/// The address or the tenant cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthority {
    /// Passwords and tokens do not travel in the open.
    #[error("cannot use an authority host without https")]
    NotHttps,
    /// Not an address at all.
    #[error("the authority host is not an absolute address")]
    NotAnAddress,
    /// Characters that no tenant has.
    #[error("invalid tenantID. A tenant is an id or a domain name: letters, digits, `.` and `-`")]
    Tenant,
}

/// Where the grants go.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// For the browser.
    pub authorize: Url,
    /// For grants.
    pub token: Url,
    /// For device codes.
    pub device: Url,
}

impl Authority {
    /// Checks both parts. A path in `host` is dropped, as the original does.
    pub fn new(host: &str, tenant: &str) -> Result<Self, BadAuthority> {
        if tenant.is_empty()
            || !tenant.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
            || tenant.starts_with('.')
        {
            return Err(BadAuthority::Tenant);
        }
        let mut base = Url::parse(host).map_err(|_| BadAuthority::NotAnAddress)?;
        if base.scheme() != "https" {
            return Err(BadAuthority::NotHttps);
        }
        if !base.has_host() {
            return Err(BadAuthority::NotAnAddress);
        }
        base.set_path("/");
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self { base, tenant: tenant.to_owned(), asks_about_it: false })
    }

    /// The same, with the question about the host before the first request.
    #[must_use]
    pub fn with_instance_discovery(self, asks_about_it: bool) -> Self {
        Self { asks_about_it, ..self }
    }

    /// Reads what [`Authority`]'s `Display` wrote.
    pub fn read(text: &str) -> Result<Self, BadAuthority> {
        let (host, tenant) = text.rsplit_once('/').ok_or(BadAuthority::NotAnAddress)?;
        Self::new(&format!("{host}/"), tenant)
    }

    /// An address below the tenant.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/{}/{path}", self.tenant));
        url
    }

    /// An address below the host.
    pub fn root(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// The tenant, in lower case.
    pub fn tenant(&self) -> String {
        self.tenant.to_ascii_lowercase()
    }

    /// The endpoints of the v1 protocol, which has no discovery.
    pub fn legacy(&self) -> Endpoints {
        let at = |path: &str| {
            let mut url = self.at(path);
            url.set_query(Some("api-version=1.0"));
            url
        };
        Endpoints { authorize: at("oauth2/authorize"), token: at("oauth2/token"), device: at("oauth2/devicecode") }
    }

    /// Reads the tenant's discovery document.
    pub async fn discover(&self, http: &Http) -> Result<Endpoints, SignInError> {
        let told = if self.asks_about_it { self.told_about(http).await } else { None };
        let url = told.unwrap_or_else(|| self.at(DOCUMENT));
        let found: Discovery = http.get(&url, &[]).await?;
        self.accept(&found).map_err(|reason| SignInError::NotAnAuthority { host: crate::http::host(&self.base), reason })
    }

    /// Where refresh tokens are given back; `None` where the service has no such place.
    pub async fn revocation(&self, http: &Http) -> Result<Option<Url>, SignInError> {
        let url = self.at(DOCUMENT);
        let found: Discovery = http.get(&url, &[]).await?;
        let place = found.revocation_endpoint.and_then(|text| Url::parse(&text).ok());
        // A token goes to the host that gave it, and to no other.
        Ok(place.filter(|place| place.scheme() == "https" && place.host_str() == self.base.host_str()))
    }

    /// Asks about the host; the address of another discovery document, if the answer names one.
    async fn told_about(&self, http: &Http) -> Option<Url> {
        let host = self.base.host_str().unwrap_or_default();
        let (asked, times) = if is_well_known(host) { (host, 1) } else { (MICROSOFT, 2) };
        let mut question = Url::parse(&format!("https://{asked}/common/discovery/instance")).ok()?;
        let mut sign_in = self.base.clone();
        sign_in.set_path(&format!("/{}/oauth2/v2.0/authorize", self.tenant()));
        question.query_pairs_mut().append_pair("api-version", "1.1").append_pair("authorization_endpoint", sign_in.as_str());
        let mut told = None;
        // The original asks twice about a host that it does not know.
        for _ in 0..times {
            let answer = tokio::time::timeout(BRIEFLY, http.get::<Instance>(&question, &[])).await;
            told = Some(answer.ok()?.ok()?.tenant_discovery_endpoint);
        }
        // A host of Microsoft's is believed without being told about.
        let told = Url::parse(&told.filter(|_| times == 2)?).ok()?;
        let is_fine = told.scheme() == "https" && told.host_str().is_some_and(|named| named == host || is_well_known(named));
        is_fine.then_some(told)
    }

    fn accept(&self, found: &Discovery) -> Result<Endpoints, String> {
        let endpoint = |text: &str| {
            let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host());
            url.ok_or_else(|| format!("its endpoint {:?} is no https address", text.chars().take(100).collect::<String>()))
        };
        let issuer = endpoint(&found.issuer)?;
        if issuer.host_str() != self.base.host_str() && !issuer.host_str().is_some_and(is_well_known) {
            return Err(format!(
                "its issuer {} does not match the authority",
                found.issuer.chars().take(100).collect::<String>()
            ));
        }
        let token = endpoint(&found.token_endpoint)?;
        let mut device = token.clone();
        // The original never reads `device_authorization_endpoint`; both must point to the same place.
        let path = token.path().strip_suffix("token").ok_or("its token endpoint does not end in `token`")?.to_owned();
        device.set_path(&format!("{path}devicecode"));
        Ok(Endpoints { authorize: endpoint(&found.authorization_endpoint)?, token, device })
    }
}

/// Host with port and tenant: what a token belongs to.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.base, self.tenant())
    }
}

const DOCUMENT: &str = "v2.0/.well-known/openid-configuration";
const MICROSOFT: &str = "login.microsoftonline.com";
/// A network without a way out must not cost more.
const BRIEFLY: Duration = Duration::from_secs(3);

/// Microsoft's own hosts.
pub fn is_well_known(host: &str) -> bool {
    const HOSTS: [&str; 9] = [
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
        "login.microsoftonline.us",
        "login.usgovcloudapi.net",
        "login.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
        "login-us.microsoftonline.com",
    ];
    HOSTS.iter().any(|known| known.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discovery(issuer: &str, token: &str) -> Discovery {
        Discovery {
            authorization_endpoint: "https://h.test/t/oauth2/v2.0/authorize".into(),
            token_endpoint: token.into(),
            issuer: issuer.into(),
            revocation_endpoint: None,
        }
    }

    #[test]
    fn a_path_prefix_is_dropped_and_the_port_kept() {
        let authority = Authority::new("https://h.test:8443/sub/", "T").expect("fine");
        assert_eq!(authority.at("oauth2/v2.0/token").as_str(), "https://h.test:8443/T/oauth2/v2.0/token");
        assert_eq!(authority.to_string(), "https://h.test:8443/t");
    }

    #[test]
    fn addresses_and_tenants_are_checked() {
        assert_eq!(Authority::new("http://127.0.0.1:1/", "t").err(), Some(BadAuthority::NotHttps));
        assert_eq!(Authority::new("h.test", "t").err(), Some(BadAuthority::NotAnAddress));
        for tenant in ["a/b", "", "a b", "..", "a%2f"] {
            assert_eq!(Authority::new("https://h.test/", tenant).err(), Some(BadAuthority::Tenant), "{tenant:?}");
        }
        assert!(Authority::new("https://h.test/", "corp.example").is_ok());
    }

    #[test]
    fn the_device_endpoint_is_beside_the_token_endpoint() {
        let authority = Authority::new("https://h.test/", "t").expect("fine");
        let found = authority.accept(&discovery("https://h.test/t/v2.0", "https://h.test/t/oauth2/v2.0/token")).expect("fine");
        assert_eq!(found.device.as_str(), "https://h.test/t/oauth2/v2.0/devicecode");
    }

    #[test]
    fn a_foreign_issuer_and_a_plain_endpoint_are_refused() {
        let authority = Authority::new("https://h.test/", "t").expect("fine");
        let token = "https://h.test/t/oauth2/v2.0/token";
        assert!(authority.accept(&discovery("https://evil.test/t/v2.0", token)).is_err());
        assert!(authority.accept(&discovery("https://sts.windows.net/t/", token)).is_ok());
        assert!(authority.accept(&discovery("https://h.test/t/v2.0", "http://h.test/t/oauth2/v2.0/token")).is_err());
    }
}
