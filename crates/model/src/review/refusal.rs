//! Why a token does not open a cluster.

use crate::signin::revocation::Kind;

/// One reason for every check. The sentence reaches the API server's log, `entrance explain` and the audit log; it never
/// holds a part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The cluster does not exist, or has no integration with the directory.
    #[error("this cluster has no directory integration")]
    NotIntegrated,
    /// The question held no token.
    #[error("no token was presented")]
    NoToken,
    /// It is not a signed token of the form we make.
    #[error("the token is damaged or no token of ours")]
    Malformed,
    /// Another issuer made it, or this one for another directory.
    #[error("the token was issued by somebody else, or for another directory")]
    OtherIssuer,
    /// The signature does not fit, or the key is not known.
    #[error("the signature of the token does not fit")]
    Signature,
    /// It has ended.
    #[error("the token expired; sign in again")]
    Expired,
    /// It begins later; a clock is wrong.
    #[error("the token is not valid yet; compare the clocks")]
    NotYet,
    /// It belongs to a person of another tenant.
    #[error("the token belongs to another directory")]
    OtherTenant,
    /// It was made for something else: another cluster, or an API.
    #[error("the token was made for another audience; fetch the cluster's kubeconfig again")]
    OtherAudience,
    /// An id token, or something else that only looks like an access token.
    #[error("the token is no access token")]
    NotAnAccessToken,
    /// It, or the cluster, needs a proof of possession, and none came (S-431).
    #[error("the proof of possession is missing")]
    ProofMissing,
    /// The proof of possession was made with another key than the one the token is bound to, or its signature does not fit.
    #[error("the proof of possession was not made with the token's key")]
    ProofForged,
    /// The proof was made for another cluster.
    #[error("the proof of possession was made for another cluster; compare `u` of `--pop-claims` with the cluster's resource id")]
    ProofElsewhere,
    /// The proof is too old, or from before a moment up to which nobody remembers which proofs were used.
    #[error("the proof of possession is too old; compare the clocks")]
    ProofOld,
    /// The proof begins later; a clock is wrong.
    #[error("the proof of possession is not valid yet; compare the clocks")]
    ProofNotYet,
    /// Somebody used the proof before.
    #[error("the proof of possession was used before")]
    ProofUsed,
    /// It could not be written down that the proof was used, so it may not be.
    #[error("the use of the proof of possession could not be written down")]
    ProofUnrecorded,
    /// The directory has no person with this id any more.
    #[error("the person does not exist in the directory any more")]
    UnknownPerson,
    /// The directory has no service principal with this id any more.
    #[error("the application does not exist in the directory any more")]
    UnknownApplication,
    /// The person or the application was disabled.
    #[error("the account is disabled")]
    Disabled,
    /// The person's sessions were revoked after the token was made.
    #[error("the session was revoked; sign in again")]
    Revoked,
    /// The token itself was revoked.
    #[error("the token was revoked")]
    TokenRevoked,
    /// The session that the token came from was revoked.
    #[error("the session that the token came from was revoked; sign in again")]
    SessionRevoked,
    /// The application was revoked after the token was made.
    #[error("the application's tokens were revoked")]
    ApplicationRevoked,
    /// The device that the token was made for was revoked.
    #[error("the device that the token was made for was revoked; sign in again")]
    DeviceRevoked,
    /// More groups than an answer may carry, and it is not known which of them the cluster refers to.
    #[error(
        "the account is in {count} groups, an answer carries at most {max}, and it is not known which of them the cluster refers to"
    )]
    TooManyGroups {
        /// How many there are.
        count: usize,
        /// How many an answer may carry.
        max: usize,
    },
    /// The cluster refers to more of the account's groups than an answer may carry.
    #[error("the cluster refers to {count} groups of the account, and an answer carries at most {max}")]
    TooManyReferredGroups {
        /// How many there are.
        count: usize,
        /// How many an answer may carry.
        max: usize,
    },
}

impl From<Kind> for Refusal {
    fn from(revoked: Kind) -> Self {
        match revoked {
            Kind::Token => Self::TokenRevoked,
            Kind::Session => Self::SessionRevoked,
            Kind::Person => Self::Revoked,
            Kind::Application => Self::ApplicationRevoked,
            Kind::Device => Self::DeviceRevoked,
        }
    }
}

impl Refusal {
    /// One word for metrics and scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotIntegrated => "not-integrated",
            Self::NoToken => "no-token",
            Self::Malformed => "malformed",
            Self::OtherIssuer => "other-issuer",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYet => "not-yet",
            Self::OtherTenant => "other-tenant",
            Self::OtherAudience => "other-audience",
            Self::NotAnAccessToken => "not-an-access-token",
            Self::ProofMissing => "proof-missing",
            Self::ProofForged => "proof-forged",
            Self::ProofElsewhere => "proof-elsewhere",
            Self::ProofOld => "proof-old",
            Self::ProofNotYet => "proof-not-yet",
            Self::ProofUsed => "proof-used",
            Self::ProofUnrecorded => "proof-unrecorded",
            Self::UnknownPerson => "unknown-person",
            Self::UnknownApplication => "unknown-application",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
            Self::TokenRevoked => "token-revoked",
            Self::SessionRevoked => "session-revoked",
            Self::ApplicationRevoked => "application-revoked",
            Self::DeviceRevoked => "device-revoked",
            Self::TooManyGroups { .. } => "too-many-groups",
            Self::TooManyReferredGroups { .. } => "too-many-referred-groups",
        }
    }

    /// Whether the same token can never be accepted later, whatever the directory and the cluster become.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Malformed | Self::Signature | Self::Expired)
    }
}
