//! Which first-party API an identifier means (S-0, S-002).

use entrance_model::id::AppId;
use entrance_model::well_known;

/// The first-party resource that this identifier names; `base` is our origin without a trailing slash.
///
/// Trailing slashes do not matter: az asks for `https://host//.default` where the registered endpoint ends in one.
pub fn first_party(base: &str, identifier: &str) -> Option<AppId> {
    let trimmed = identifier.trim_end_matches('/');
    let id = trimmed.strip_prefix("spn:").unwrap_or(trimmed);
    if let Ok(app) = id.parse::<AppId>() {
        return well_known::first_party(app).filter(|known| known.kind == well_known::Kind::Resource).map(|known| known.app_id);
    }
    if trimmed == base {
        return Some(well_known::GRAPH);
    }
    if trimmed.strip_prefix(base) == Some("/arm") {
        return Some(well_known::ARM);
    }
    match trimmed.to_ascii_lowercase().as_str() {
        "https://graph.microsoft.com" => Some(well_known::GRAPH),
        "https://management.core.windows.net" | "https://management.azure.com" => Some(well_known::ARM),
        "https://graph.windows.net" => Some(well_known::AAD_GRAPH),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_002_identifiers_compare_without_trailing_slashes() {
        let base = "https://localhost:8443";
        for (identifier, app) in [
            ("https://localhost:8443", Some(well_known::GRAPH)),
            ("https://localhost:8443//", Some(well_known::GRAPH)),
            ("https://localhost:8443/arm", Some(well_known::ARM)),
            ("https://management.core.windows.net/", Some(well_known::ARM)),
            ("6DAE42F8-4368-4678-94FF-3960E28E3630", Some(well_known::AKS_SERVER)),
            ("spn:6dae42f8-4368-4678-94ff-3960e28e3630", Some(well_known::AKS_SERVER)),
            ("80faf920-1908-4b52-b5ef-a8e7bedfc67a", None),
            ("https://localhost:8443/armed", None),
        ] {
            assert_eq!(first_party(base, identifier), app, "{identifier}");
        }
    }
}
