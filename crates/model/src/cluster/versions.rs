//! Kubernetes versions: which are offered, and what a wish for one means.

use std::fmt;
use std::str::FromStr;

/// The text is no Kubernetes version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no Kubernetes version; one looks like `1.37.2` or `1.37`")]
pub struct BadVersion(String);

/// A full version, such as `1.37.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KubernetesVersion {
    major: u16,
    minor: u16,
    patch: u16,
}

impl KubernetesVersion {
    /// `major.minor`.
    pub fn minor(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl FromStr for KubernetesVersion {
    type Err = BadVersion;
    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let bad = || BadVersion(text.chars().take(40).collect());
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.').map(|part| part.parse::<u16>().map_err(|_| bad()));
        let mut next = || parts.next().ok_or_else(bad)?;
        let version = Self { major: next()?, minor: next()?, patch: next()? };
        if parts.next().is_some() { Err(bad()) } else { Ok(version) }
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The versions that the installed control planes can run, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions(Vec<KubernetesVersion>);

impl Versions {
    /// Orders them; the newest is the default.
    pub fn new(offered: impl IntoIterator<Item = KubernetesVersion>) -> Self {
        let mut all: Vec<_> = offered.into_iter().collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        Self(all)
    }

    /// All of them, newest first.
    pub fn all(&self) -> &[KubernetesVersion] {
        &self.0
    }

    /// What a new cluster gets when nothing is asked for.
    pub fn default(&self) -> Option<KubernetesVersion> {
        self.0.first().copied()
    }

    /// The newest version that fits the wish: nothing, `major.minor`, or a full version.
    pub fn resolve(&self, asked: Option<&str>) -> Option<KubernetesVersion> {
        let Some(asked) = asked else { return self.default() };
        if let Ok(full) = asked.parse::<KubernetesVersion>() {
            return self.0.iter().copied().find(|v| *v == full);
        }
        self.0.iter().copied().find(|v| v.minor() == asked)
    }

    /// The list as errors show it.
    pub fn listed(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_029_a_wish_is_met_by_the_newest_that_fits() {
        let versions = Versions::new(["1.36.4", "1.37.2", "1.37.1"].map(|v| v.parse().expect("a version")));
        let got = |asked| versions.resolve(asked).map(|v| v.to_string());
        assert_eq!(got(None).as_deref(), Some("1.37.2"));
        assert_eq!(got(Some("1.37")).as_deref(), Some("1.37.2"));
        assert_eq!(got(Some("1.36")).as_deref(), Some("1.36.4"));
        assert_eq!(got(Some("1.37.1")).as_deref(), Some("1.37.1"));
        for none in ["1.35", "1.37.3", "1", "x", "1.37.2.1", ""] {
            assert_eq!(got(Some(none)), None, "{none}");
        }
    }
}
