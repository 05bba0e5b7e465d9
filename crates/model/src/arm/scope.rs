//! Scopes: where a right holds. A scope is the id of a resource, of something above it, or of something inside it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::name::{ClusterName, GroupName};
use crate::id::SubscriptionId;

/// The text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no resource id; one looks like `/subscriptions/…/resourceGroups/…/providers/…`")]
pub struct BadScope(String);

/// A scope, in the spelling it was created with, compared without case.
///
/// `/`, a subscription, a resource group, a resource, and whatever lies below a resource
/// (`…/managedClusters/prod/namespaces/dev`). Existence is another question: a right may be given before its place exists.
#[derive(Clone)]
pub struct Scope {
    text: String,
    key: String,
}

impl Scope {
    /// `/`: everything.
    pub fn root() -> Self {
        Self { text: "/".to_owned(), key: "/".to_owned() }
    }

    /// A whole subscription.
    pub fn subscription(id: SubscriptionId) -> Self {
        Self::of(format!("/subscriptions/{id}"))
    }

    /// A resource group.
    pub fn group(subscription: SubscriptionId, name: &GroupName) -> Self {
        Self::of(format!("/subscriptions/{subscription}/resourceGroups/{name}"))
    }

    fn of(text: String) -> Self {
        let key = text.to_lowercase();
        Self { text, key }
    }

    /// The text, with well-known words in their usual spelling.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text in lower case: what it is looked up by.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.key == "/"
    }

    /// whether what is given here holds there: at the same place and everywhere below, by whole segments.
    pub fn covers(&self, other: &Self) -> bool {
        if self.is_root() {
            return true;
        }
        match other.key.strip_prefix(&self.key) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// The scope and everything above it, the nearest first, `/` last.
    pub fn and_above(&self) -> Vec<Self> {
        let mut all = vec![self.clone()];
        let mut text = self.text.as_str();
        while let Some(at) = text.rfind('/') {
            text = &text[..at];
            // A prefix that ends in a literal (`…/resourceGroups`) or in a bare provider names no place.
            if let Ok(scope) = text.parse::<Self>()
                && !scope.is_root()
            {
                all.push(scope);
            }
        }
        if !self.is_root() {
            all.push(Self::root());
        }
        all
    }

    /// The name of the resource group it is or lies in.
    pub fn group_name(&self) -> Option<GroupName> {
        let mut segments = self.text.strip_prefix("/subscriptions/")?.split('/').skip(1);
        if segments.next() == Some("resourceGroups") { segments.next()?.parse().ok() } else { None }
    }

    /// The type of the resource it is, such as `Microsoft.ContainerService/managedClusters`.
    pub fn kind(&self) -> Option<String> {
        let at = self.key.rfind("/providers/")?;
        let mut segments = self.text[at + "/providers/".len()..].split('/');
        let mut kind = segments.next()?.to_owned();
        for segment in segments.step_by(2) {
            kind.push('/');
            kind.push_str(segment);
        }
        Some(kind)
    }

    /// The subscription it lies in.
    pub fn subscription_id(&self) -> Option<SubscriptionId> {
        let rest = self.key.strip_prefix("/subscriptions/")?;
        rest.split('/').next()?.parse().ok()
    }
}

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        let bad = || BadScope(text.chars().take(200).collect());
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        if trimmed.is_empty() {
            return if text == "/" { Ok(Self::root()) } else { Err(bad()) };
        }
        let segments: Vec<&str> = trimmed.strip_prefix('/').ok_or_else(bad)?.split('/').collect();
        if text.len() > MAX_LENGTH || segments.len() > MAX_SEGMENTS || segments.iter().any(|s| !is_segment(s)) {
            return Err(bad());
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = segments.as_slice();
        if let [first, id, tail @ ..] = rest
            && first.eq_ignore_ascii_case("subscriptions")
        {
            let id: SubscriptionId = id.parse().map_err(|_| bad())?;
            out.extend(["/subscriptions/", &id.to_string()]);
            rest = tail;
            if let [literal, name, tail @ ..] = rest
                && literal.eq_ignore_ascii_case("resourceGroups")
            {
                name.parse::<GroupName>().map_err(|_| bad())?;
                out.extend(["/resourceGroups/", name]);
                rest = tail;
            }
        }
        while !rest.is_empty() {
            let [literal, namespace, tail @ ..] = rest else { return Err(bad()) };
            if !literal.eq_ignore_ascii_case("providers") || tail.is_empty() {
                return Err(bad());
            }
            out.extend(["/providers/", spelled(namespace)]);
            rest = tail;
            while let [kind, name, tail @ ..] = rest
                && !kind.eq_ignore_ascii_case("providers")
            {
                out.extend(["/", spelled(kind), "/", name]);
                rest = tail;
            }
            if rest.len() == 1 {
                return Err(bad());
            }
        }
        Ok(Self::of(out))
    }
}

const MAX_LENGTH: usize = 2048;
const MAX_SEGMENTS: usize = 40;

// `.` and `..` would be folded by a client or a proxy into another place.
fn is_segment(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && text.chars().all(|c| !c.is_control() && !"\\?#%<>\"".contains(c))
}

// Namespaces and types have one spelling in answers, whatever was typed.
fn spelled(word: &str) -> &str {
    const WORDS: &[&str] = &[
        "Microsoft.Authorization",
        "Microsoft.ContainerService",
        "Microsoft.Management",
        "Microsoft.Resources",
        "agentPools",
        "managedClusters",
        "managedNamespaces",
        "managementGroups",
        "namespaces",
    ];
    WORDS.iter().find(|known| known.eq_ignore_ascii_case(word)).copied().unwrap_or(word)
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for Scope {}
impl Hash for Scope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl Ord for Scope {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}
impl PartialOrd for Scope {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a managed cluster is: its subscription, its group and its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterAddress {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub group: GroupName,
    /// The name.
    pub name: ClusterName,
}

impl ClusterAddress {
    /// The cluster's resource id.
    pub fn scope(&self) -> Scope {
        Scope::of(self.to_string())
    }
}

impl fmt::Display for ClusterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscription, group, name } = self;
        write!(
            f,
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{name}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "22222222-bbbb-4bbb-8bbb-00000000000a";

    fn scope(text: &str) -> Scope {
        text.parse().expect("a scope")
    }

    #[test]
    fn r_343_a_scope_covers_whole_segments_without_case() {
        let group = scope(&format!("/subscriptions/{S}/resourcegroups/RG-prod/"));
        let cluster = scope(&format!(
            "/SUBSCRIPTIONS/{S}/resourceGroups/rg-Prod/providers/microsoft.containerservice/managedclusters/shop"
        ));
        let neighbour = scope(&format!("/subscriptions/{S}/resourceGroups/rg-prod2"));
        assert!(group.covers(&cluster) && group.covers(&group) && Scope::root().covers(&group));
        assert!(!group.covers(&neighbour) && !cluster.covers(&group));
        let namespace = scope(&format!("{cluster}/namespaces/dev"));
        assert!(cluster.covers(&namespace) && !namespace.covers(&cluster));
    }

    #[test]
    fn answers_spell_well_known_words_their_usual_way() {
        let typed = format!(
            "/Subscriptions/{}/resourcegroups/RG1/PROVIDERS/microsoft.containerservice/ManagedClusters/C1",
            S.to_uppercase()
        );
        assert_eq!(
            scope(&typed).as_str(),
            format!("/subscriptions/{S}/resourceGroups/RG1/providers/Microsoft.ContainerService/managedClusters/C1")
        );
        assert_eq!(scope(&typed).subscription_id(), S.parse().ok());
        assert_eq!(scope(&typed).group_name(), "rg1".parse().ok());
        assert_eq!(scope(&typed).kind().as_deref(), Some("Microsoft.ContainerService/managedClusters"));
        let pool = scope(&format!("{typed}/agentpools/one"));
        assert_eq!(pool.kind().as_deref(), Some("Microsoft.ContainerService/managedClusters/agentPools"));
        let bare = scope(&format!("/subscriptions/{S}"));
        assert_eq!((bare.group_name(), bare.kind()), (None, None));
    }

    #[test]
    fn everything_above_a_scope_is_listed_once() {
        let cluster =
            scope(&format!("/subscriptions/{S}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c"));
        let above: Vec<String> = cluster.and_above().iter().map(ToString::to_string).collect();
        assert_eq!(
            above,
            [cluster.to_string(), format!("/subscriptions/{S}/resourceGroups/rg"), format!("/subscriptions/{S}"), "/".to_owned()]
        );
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for text in [
            "",
            "subscriptions",
            "/subscriptions",
            "/subscriptions/prod",
            "//",
            "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a/../x",
            "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a/resourceGroups",
            "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a/providers/Microsoft.ContainerService",
            "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a/providers/Microsoft.ContainerService/managedClusters",
            "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a/resourceGroups/a%2fb",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
        assert!(scope("/").is_root());
    }
}
