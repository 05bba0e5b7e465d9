//! Proof-of-possession tokens: their claims are read; making them is still to come.

use super::BadLogin;
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

/// Says that it cannot be done, after checking what was asked for.
pub(super) fn refuse(settings: &Settings) -> Result<(), BadLogin> {
    if !settings.is_on(Opt::PopEnabled) {
        return Ok(());
    }
    cluster(settings.text(Opt::PopClaims).unwrap_or_default())?;
    Err(BadLogin::NotYet("--pop-enabled", "leave it out; clusters that require such tokens cannot be reached yet"))
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
