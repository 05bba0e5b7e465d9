//! The checks of a review in the order in which it makes them, and what helps after each of them.
//!
//! A review ends at the first check that fails, so the refusal alone tells the whole story: all checks before it passed,
//! those after it were not reached.

use super::Refusal;

/// One check of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// The cluster has an integration with a directory.
    Integration,
    /// A token was presented.
    Presented,
    /// It has the form of the tokens we make.
    Form,
    /// We made it, for the cluster's directory.
    Issuer,
    /// Its signature fits.
    Signature,
    /// It is valid at this moment.
    Lifetime,
    /// It belongs to somebody of the cluster's directory.
    Directory,
    /// It was made for this cluster.
    Audience,
    /// Who presents it holds the key that it is bound to, where one is needed.
    Proof,
    /// It is an access token.
    Kind,
    /// The account exists.
    Account,
    /// The account is enabled.
    Enabled,
    /// Neither the token nor what it came from was revoked.
    NotRevoked,
    /// The account's groups fit into an answer.
    Groups,
    /// Nobody used the proof of possession before, where one came.
    FirstUse,
}

impl Check {
    /// All checks, in their order.
    pub const ALL: [Self; 15] = [
        Self::Integration,
        Self::Presented,
        Self::Form,
        Self::Issuer,
        Self::Signature,
        Self::Lifetime,
        Self::Directory,
        Self::Audience,
        Self::Proof,
        Self::Kind,
        Self::Account,
        Self::Enabled,
        Self::NotRevoked,
        Self::Groups,
        Self::FirstUse,
    ];

    /// One word for scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Presented => "presented",
            Self::Form => "form",
            Self::Issuer => "issuer",
            Self::Signature => "signature",
            Self::Lifetime => "lifetime",
            Self::Directory => "directory",
            Self::Audience => "audience",
            Self::Proof => "proof",
            Self::Kind => "kind",
            Self::Account => "account",
            Self::Enabled => "enabled",
            Self::NotRevoked => "not-revoked",
            Self::Groups => "groups",
            Self::FirstUse => "first-use",
        }
    }

    /// What holds when it passes.
    pub const fn passed(self) -> &'static str {
        match self {
            Self::Integration => "the cluster is integrated with the directory",
            Self::Presented => "a token was presented",
            Self::Form => "it has the form of our tokens",
            Self::Issuer => "it was issued here, for the cluster's directory",
            Self::Signature => "its signature fits",
            Self::Lifetime => "it is valid now",
            Self::Directory => "it belongs to an account of the cluster's directory",
            Self::Audience => "it was made for this cluster",
            Self::Proof => "a proof of possession came with it, or none is needed",
            Self::Kind => "it is an access token",
            Self::Account => "the account exists",
            Self::Enabled => "the account is enabled",
            Self::NotRevoked => "nothing of it was revoked",
            Self::Groups => "the account's groups fit into an answer",
            Self::FirstUse => "nobody used the proof before, or none is needed",
        }
    }

    /// Whether it looks at the token itself, and so has no meaning for an account without one.
    pub const fn is_of_the_token(self) -> bool {
        matches!(
            self,
            Self::Presented
                | Self::Form
                | Self::Issuer
                | Self::Signature
                | Self::Lifetime
                | Self::Audience
                | Self::Kind
                | Self::FirstUse
        )
    }
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// It passed.
    Passed,
    /// It failed, and ended the review.
    Failed(Refusal),
    /// An earlier one ended the review.
    NotReached,
}

/// How all checks of a review went, by how the review ended.
pub fn checks<T>(outcome: &Result<T, Refusal>) -> impl Iterator<Item = (Check, Went)> {
    let refusal = outcome.as_ref().err().copied();
    Check::ALL.into_iter().map(move |check| {
        let went = match refusal {
            Some(refusal) if refusal.check() == check => Went::Failed(refusal),
            Some(refusal) if refusal.check() < check => Went::NotReached,
            _ => Went::Passed,
        };
        (check, went)
    })
}

/// Who can do something about a refusal, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// The person signs in again.
    SignIn,
    /// The person fetches the cluster's kubeconfig again.
    FetchKubeconfig,
    /// Who administers the directory looks at the account.
    AskDirectory,
    /// Who administers the cluster looks at its settings.
    AskCluster,
    /// Somebody sets a clock.
    SetClocks,
    /// It passes by itself.
    Wait,
}

impl Remedy {
    /// One word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignIn => "signIn",
            Self::FetchKubeconfig => "fetchKubeconfig",
            Self::AskDirectory => "askDirectoryAdministrator",
            Self::AskCluster => "askClusterAdministrator",
            Self::SetClocks => "setClocks",
            Self::Wait => "wait",
        }
    }
}

impl std::fmt::Display for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SignIn => "sign in again",
            Self::FetchKubeconfig => "fetch the cluster's kubeconfig again (`az aks get-credentials`)",
            Self::AskDirectory => "ask an administrator of the directory about the account",
            Self::AskCluster => "ask an administrator of the cluster; `entrance explain` and `entrance doctor` show them more",
            Self::SetClocks => "compare the clocks of the token service, the cluster and this machine",
            Self::Wait => "try again in a few seconds",
        })
    }
}

impl Refusal {
    /// The check that failed.
    pub const fn check(self) -> Check {
        match self {
            Self::NotIntegrated => Check::Integration,
            Self::NoToken => Check::Presented,
            Self::Malformed => Check::Form,
            Self::OtherIssuer => Check::Issuer,
            Self::Signature => Check::Signature,
            Self::Expired | Self::NotYet => Check::Lifetime,
            Self::OtherTenant => Check::Directory,
            Self::OtherAudience => Check::Audience,
            Self::ProofMissing | Self::ProofForged | Self::ProofElsewhere | Self::ProofOld | Self::ProofNotYet => Check::Proof,
            Self::NotAnAccessToken => Check::Kind,
            Self::UnknownPerson | Self::UnknownApplication => Check::Account,
            Self::Disabled => Check::Enabled,
            Self::Revoked | Self::TokenRevoked | Self::SessionRevoked | Self::ApplicationRevoked | Self::DeviceRevoked => {
                Check::NotRevoked
            }
            Self::TooManyGroups { .. } | Self::TooManyReferredGroups { .. } => Check::Groups,
            Self::ProofUsed | Self::ProofUnrecorded => Check::FirstUse,
        }
    }

    /// What helps.
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::NoToken
            | Self::Malformed
            | Self::Signature
            | Self::Expired
            | Self::Revoked
            | Self::TokenRevoked
            | Self::SessionRevoked
            | Self::ApplicationRevoked
            | Self::DeviceRevoked
            | Self::ProofForged => Remedy::SignIn,
            Self::OtherIssuer
            | Self::OtherTenant
            | Self::OtherAudience
            | Self::NotAnAccessToken
            | Self::ProofMissing
            | Self::ProofElsewhere => Remedy::FetchKubeconfig,
            Self::UnknownPerson | Self::UnknownApplication | Self::Disabled => Remedy::AskDirectory,
            Self::NotIntegrated | Self::TooManyReferredGroups { .. } => Remedy::AskCluster,
            Self::NotYet | Self::ProofOld | Self::ProofNotYet => Remedy::SetClocks,
            // The watch that tells which groups the cluster refers to comes back by itself, or the cluster is in trouble.
            // A program makes a new proof each time; the disk is full until somebody makes room.
            Self::TooManyGroups { .. } | Self::ProofUsed | Self::ProofUnrecorded => Remedy::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_list_is_the_order_of_the_checks() {
        assert!(Check::ALL.is_sorted());
        assert!(Check::ALL.iter().all(|check| !check.code().is_empty() && !check.passed().is_empty()));
    }

    #[test]
    fn what_failed_tells_what_passed_and_what_was_not_reached() {
        let outcome: Result<(), Refusal> = Err(Refusal::Disabled);
        let told: Vec<(Check, Went)> = checks(&outcome).collect();
        for (check, went) in told {
            let expected = match check {
                Check::Enabled => Went::Failed(Refusal::Disabled),
                Check::NotRevoked | Check::Groups | Check::FirstUse => Went::NotReached,
                _ => Went::Passed,
            };
            assert_eq!(went, expected, "{check:?}");
        }
        assert!(checks(&Ok(())).all(|(_, went)| went == Went::Passed));
    }
}
