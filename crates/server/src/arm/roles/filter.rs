//! The filters of this provider that clients send: `atScope()`, `principalId eq`, `assignedTo()`, `roleName eq`,
//! `type eq`, `atScopeAndBelow()`, joined by `and`.

use axum::extract::Query;
use axum::http::Uri;
use entrance_model::id::PrincipalId;
use serde::Deserialize;

use crate::arm::error::Refusal;

/// A filter, taken apart. Empty: everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// At the scope and above, nothing below.
    pub(super) at_scope: bool,
    /// Assigned to this principal.
    pub(super) principal: Option<PrincipalId>,
    /// Assigned to this principal or to a group it is in.
    pub(super) assigned_to: Option<PrincipalId>,
    /// The role's name.
    pub(super) role_name: Option<String>,
    /// Whether it is built in or custom.
    pub(super) role_type: Option<String>,
    /// At the scope and below too.
    pub(super) and_below: bool,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "$filter")]
    filter: Option<String>,
}

impl Filter {
    /// The filter of a request.
    pub(super) fn of(uri: &Uri) -> Result<Self, Refusal> {
        let sent = Query::<Sent>::try_from_uri(uri).map_or(None, |Query(sent)| sent.filter);
        Self::read(sent.as_deref().unwrap_or_default())
    }

    fn read(text: &str) -> Result<Self, Refusal> {
        let mut filter = Self::default();
        for term in text.split(" and ").map(str::trim).filter(|term| !term.is_empty()) {
            let bad =
                || Refusal::Parameter { name: "$filter", detail: format!("`{}`", term.chars().take(100).collect::<String>()) };
            let id = |text: &str| text.parse::<PrincipalId>().map_err(|_| bad());
            if term.eq_ignore_ascii_case("atScope()") {
                filter.at_scope = true;
            } else if let Some(value) = equal(term, "principalId") {
                filter.principal = Some(id(&value)?);
            } else if let Some(value) = call(term, "assignedTo") {
                filter.assigned_to = Some(id(value)?);
            } else if let Some(value) = equal(term, "roleName") {
                filter.role_name = Some(value);
            } else if let Some(value) = equal(term, "type") {
                filter.role_type = Some(value);
            } else if term.eq_ignore_ascii_case("atScopeAndBelow()") {
                filter.and_below = true;
            } else {
                return Err(bad());
            }
        }
        Ok(filter)
    }
}

// `name eq 'value'`; a quote inside is doubled.
fn equal(term: &str, name: &str) -> Option<String> {
    let (left, right) = term.split_once(" eq ")?;
    let value = right.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    left.trim().eq_ignore_ascii_case(name).then(|| value.replace("''", "'"))
}

// `name('value')`.
fn call<'t>(term: &'t str, name: &str) -> Option<&'t str> {
    let (left, right) = term.split_once('(')?;
    left.trim().eq_ignore_ascii_case(name).then_some(right)?.strip_suffix(')')?.trim().strip_prefix('\'')?.strip_suffix('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_that_clients_send_are_understood() {
        let id = "c3000000-0000-4000-8000-000000000001";
        let read = |text: &str| Filter::read(text).expect("is understood");
        assert_eq!(read(""), Filter::default());
        assert!(read("atScope()").at_scope);
        assert_eq!(read(&format!("principalId eq '{id}'")).principal, id.parse().ok());
        let both = read(&format!("atScope() and assignedTo('{id}')"));
        assert!(both.at_scope && both.assigned_to == id.parse().ok());
        assert_eq!(read("roleName eq 'It''s mine'").role_name.as_deref(), Some("It's mine"));
        let below = read("type eq 'CustomRole' and atScopeAndBelow()");
        assert!(below.and_below && !below.at_scope && below.role_type.as_deref() == Some("CustomRole"));
        for bad in ["x", "principalId eq 'me'", "principalId ne 'x'", "assignedTo(x)"] {
            assert!(Filter::read(bad).is_err(), "{bad}");
        }
    }
}
