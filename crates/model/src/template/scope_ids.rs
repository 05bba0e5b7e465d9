//! Ids of resources, made of types and names.

use super::error::{Outcome, wrong};

/// `Namespace/a/b` and `x`, `y` become `/providers/Namespace/a/x/b/y`.
pub(super) fn under_provider(kind: &str, names: &[&str]) -> Outcome<String> {
    let mut segments = kind.split('/');
    let namespace = segments.next().unwrap_or_default();
    let types: Vec<&str> = segments.collect();
    if types.is_empty() || types.len() != names.len() || namespace.is_empty() {
        return wrong(format!("Type '{kind}' needs {} names, not {}: {}.", types.len(), names.len(), names.join("/")));
    }
    let mut id = format!("/providers/{namespace}");
    for (kind, name) in types.iter().zip(names) {
        if kind.is_empty() || name.is_empty() || name.contains('/') {
            return wrong(format!("'{name}' cannot be a name of type '{kind}'."));
        }
        id.extend(["/", *kind, "/", *name]);
    }
    Ok(id)
}

/// The id of a resource by its type and its whole name: `…/providers/…` pairs inside a type begin an extension.
pub(super) fn of_resource(scope: &str, kind: &str, name: &str) -> Outcome<String> {
    let mut types: Vec<&str> = kind.split('/').collect();
    let mut names: Vec<&str> = name.split('/').collect();
    // `Microsoft.A/as/providers/bs` with `x/Microsoft.B/y` is the older way to write an extension of `x`.
    if let Some(at) = types.iter().position(|part| part.eq_ignore_ascii_case("providers")).filter(|at| *at >= 2) {
        let parents = at - 1;
        if names.len() > parents + 1 {
            let extension = [vec![names[parents]], types.split_off(at + 1)].concat().join("/");
            let rest = names.split_off(parents + 1);
            names.truncate(parents);
            types.truncate(at);
            let parent = under_provider(&types.join("/"), &names)?;
            return Ok(format!("{scope}{parent}{}", under_provider(&extension, &rest)?));
        }
    }
    Ok(format!("{scope}{}", under_provider(kind, &names)?))
}
