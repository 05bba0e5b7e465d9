//! References to objects: `{"@odata.id": "https://…/v1.0/directoryObjects/{id}"}` (G-302).

use url::Url;

/// The text is no reference to an object of this directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReference {
    /// Not a URL that ends in an object id.
    #[error("Invalid URL format specified in @odata.id. Allowed format is: 'https://{{host}}/v1.0/directoryObjects/{{id}}'.")]
    Format,
    /// An object of somebody else's service.
    #[error("The reference in @odata.id does not belong to this service.")]
    Foreign,
}

/// The object id that a reference names. Its host is compared as text and never asked: it must be ours or the public
/// service's, or missing.
pub fn target(link: &str, base: &str) -> Result<String, BadReference> {
    let path = match Url::parse(link) {
        Ok(url) => {
            let ours = Url::parse(base).is_ok_and(|base| base.host_str() == url.host_str());
            if !(url.scheme() == "https" && (ours || url.host_str() == Some("graph.microsoft.com"))) {
                return Err(BadReference::Foreign);
            }
            url.path().to_owned()
        }
        Err(_) if link.contains("://") => return Err(BadReference::Format),
        Err(_) => link.to_owned(),
    };
    let id = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let id = id.rsplit_once("('").and_then(|(_, key)| key.strip_suffix("')")).unwrap_or(id);
    if is_guid(id) { Ok(id.to_ascii_lowercase()) } else { Err(BadReference::Format) }
}

/// Whether the text is a GUID in the usual form with hyphens.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5d24f0aa-0000-4000-8000-000000000001";

    #[test]
    fn g_302_every_form_of_a_reference_is_read() {
        let base = "https://localhost:8443";
        for link in [
            format!("{base}/v1.0/directoryObjects/{ID}"),
            format!("{base}/beta/users/{}", ID.to_uppercase()),
            format!("https://graph.microsoft.com/v1.0/servicePrincipals('{ID}')"),
            format!("directoryObjects/{ID}"),
            format!("/v1.0/groups/{ID}"),
        ] {
            assert_eq!(target(&link, base).as_deref(), Ok(ID), "{link}");
        }
    }

    #[test]
    fn g_302_references_to_elsewhere_are_refused() {
        let base = "https://localhost:8443";
        assert_eq!(target(&format!("https://evil.example/v1.0/users/{ID}"), base), Err(BadReference::Foreign));
        assert_eq!(target(&format!("http://localhost:8443/v1.0/users/{ID}"), base), Err(BadReference::Foreign));
        assert_eq!(target("https://localhost:8443/v1.0/users/alice", base), Err(BadReference::Format));
        assert_eq!(target("", base), Err(BadReference::Format));
    }
}
