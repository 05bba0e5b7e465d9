//! Issuers that the administrator of a directory trusts: only their tokens can stand for an application.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory_rules::credentials::is_issuer;
use crate::id::{ClusterUid, CredentialId, PrincipalId};

/// An issuer on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// Its id on the list; new whenever it is put there.
    pub id: CredentialId,
    /// `iss`, compared exactly.
    pub issuer: String,
    /// Where its keys come from.
    pub source: Source,
    /// What it is for.
    pub description: Option<String>,
    /// When it was put on the list.
    pub created: Timestamp,
    /// By whom.
    pub created_by: Option<PrincipalId>,
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Source {
    /// The issuer says it: `{issuer}/.well-known/openid-configuration`.
    Discovery {
        /// It may be inside a private network.
        #[serde(default)]
        private: bool,
        /// The authority of its certificate, PEM, where the machine's authorities do not know it.
        #[serde(default)]
        ca: Option<String>,
    },
    /// The administrator gave them, as a JWKS document.
    Keys {
        /// The document.
        jwks: String,
    },
    /// One of our own clusters says it, and nobody in between.
    Cluster {
        /// Which one: another cluster at the same address is another issuer.
        uid: ClusterUid,
    },
}

/// Why an issuer cannot be put on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadIssuer {
    /// Not the address of an issuer.
    #[error("an issuer is an https address without query and fragment, of at most 600 characters")]
    Address,
    /// One of ours.
    #[error("this server's own tokens cannot stand for an application here")]
    Own,
    /// More than anybody reads.
    #[error("a directory trusts at most {MOST} issuers")]
    TooMany,
}

/// How many issuers a directory trusts at most.
pub const MOST: usize = 100;

/// Issuers that everybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What people call it.
    pub name: &'static str,
    /// Its issuer.
    pub issuer: &'static str,
    /// What subjects of its tokens look like.
    pub subject: &'static str,
}

/// Well-known issuers of pipelines. Their tokens are everybody's, so a credential has to name whose are meant.
pub const PRESETS: [Preset; 3] = [
    Preset {
        name: "github",
        issuer: "https://token.actions.githubusercontent.com",
        subject: "repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH",
    },
    Preset { name: "gitlab", issuer: "https://gitlab.com", subject: "project_path:GROUP/PROJECT:ref_type:branch:ref:BRANCH" },
    Preset {
        name: "terraform",
        issuer: "https://app.terraform.io",
        subject: "organization:ORGANIZATION:project:PROJECT:workspace:WORKSPACE:run_phase:PHASE",
    },
];

/// Checks a new entry against its form and against how many there are. `base` is our own origin.
pub fn acceptable(issuer: &str, base: &str, have: usize) -> Result<(), BadIssuer> {
    if !is_issuer(issuer) {
        return Err(BadIssuer::Address);
    }
    if issuer == base || issuer.starts_with(&format!("{base}/")) {
        return Err(BadIssuer::Own);
    }
    if have < MOST { Ok(()) } else { Err(BadIssuer::TooMany) }
}

/// The well-known issuer that people mean by a name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_242_an_issuer_is_an_https_address_of_somebody_else() {
        let base = "https://login.example";
        for preset in PRESETS {
            assert_eq!(acceptable(preset.issuer, base, 0), Ok(()), "{}", preset.name);
        }
        assert_eq!(acceptable("http://ci.example", base, 0), Err(BadIssuer::Address));
        assert_eq!(acceptable("https://ci.example?x=1", base, 0), Err(BadIssuer::Address));
        assert_eq!(acceptable("https://login.example/tenant/v2.0", base, 0), Err(BadIssuer::Own));
        assert_eq!(acceptable("https://login.example.org", base, 0), Ok(()), "only looks like ours");
        assert_eq!(acceptable("https://ci.example", base, MOST), Err(BadIssuer::TooMany));
    }

    #[test]
    fn a_source_is_kept_as_it_is() {
        for text in [r#"{"kind":"discovery"}"#, r#"{"kind":"keys","jwks":"{}"}"#] {
            let source: Source = serde_json::from_str(text).expect("a source");
            let again: Source = serde_json::from_str(&serde_json::to_string(&source).expect("text")).expect("a source");
            assert_eq!(source, again);
        }
    }
}
