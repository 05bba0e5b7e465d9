//! Proof-of-possession tokens: which cluster they are for, and the signature around each of them.

use super::{BadLogin, Login};
use crate::options::{Opt, Settings};

/// `--pop-claims` is not what it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum BadClaims {
    #[error("claim {0:?} is not `key=value`")]
    NoValue(String),
    #[error(
        "required u-claim not provided for PoP token flow. Please provide the ARM ID of the cluster in the format `u=<ARM_ID>`"
    )]
    NoCluster,
}

/// Checks the claims, where such a token is asked for.
pub(super) fn check(settings: &Settings) -> Result<(), BadLogin> {
    if settings.is_on(Opt::PopEnabled) {
        cluster(settings.text(Opt::PopClaims).unwrap_or_default())?;
    }
    Ok(())
}

/// The cluster that tokens shall be bound for, if they shall. As with the original, other ways to sign in ignore the option, and
/// so does the old protocol.
pub(crate) fn asked(settings: &Settings) -> Result<Option<String>, BadLogin> {
    let can = match settings.login {
        Login::Interactive | Login::Ropc => true,
        Login::Spn => !settings.is_on(Opt::Legacy),
        _ => false,
    };
    if !can || !settings.is_on(Opt::PopEnabled) {
        return Ok(None);
    }
    Ok(Some(cluster(settings.text(Opt::PopClaims).unwrap_or_default())?))
}

/// The cluster that the token will be good for: the claim `u`.
fn cluster(claims: &str) -> Result<String, BadClaims> {
    let mut cluster = None;
    for claim in claims.split(',') {
        let mut parts = claim.split('=');
        let (Some(key), Some(value)) = (parts.next(), parts.next()) else { return Err(BadClaims::NoValue(claim.to_owned())) };
        if key.trim() == "u" {
            cluster = Some(value.trim().to_owned());
        }
    }
    cluster.filter(|cluster| !cluster.is_empty()).ok_or(BadClaims::NoCluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster_is_the_claim_u() {
        assert_eq!(cluster("a=b,u=/subscriptions/1").as_deref(), Ok("/subscriptions/1"));
        assert_eq!(cluster("a=b"), Err(BadClaims::NoCluster));
        assert_eq!(cluster("u"), Err(BadClaims::NoValue("u".into())));
    }
}
