//! Managed identities (S-270): an application that processes of this machine are, without a secret of their own.
//!
//! Whoever runs on the machine can reach the listener, so a process shows a random value that was put into its
//! environment. An identity for everybody needs none: it is for machines whose processes are all one.

use jiff::Timestamp;

use crate::id::{CredentialId, PrincipalId, ServicePrincipalId, TenantId};

/// An identity that the listener gives out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedIdentity {
    /// The tenant.
    pub tenant: TenantId,
    /// Its id.
    pub id: CredentialId,
    /// What it is called.
    pub name: String,
    /// The application's identity in the tenant.
    pub principal: ServicePrincipalId,
    /// Whether a process has to show a value that it was given.
    pub needs_header: bool,
    /// When it was made.
    pub created: Timestamp,
    /// By whom.
    pub created_by: Option<PrincipalId>,
}

/// The name of an identity: what a shell and a log take as one word.
pub fn is_name(name: &str) -> bool {
    (3..=120).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    #[test]
    fn s_270_a_name_is_one_word() {
        assert!(super::is_name("build-agent.1"));
        for bad in ["ab", "-ab", "a b c", "ä-agent", &"x".repeat(121)] {
            assert!(!super::is_name(bad), "{bad}");
        }
    }
}
