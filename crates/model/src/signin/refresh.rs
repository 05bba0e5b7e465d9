//! Refresh tokens (S-220): each use gives a new one, and one that comes back after its time ends the whole family.
//!
//! Programs that run side by side share a cache and redeem the same token at once, so a used token still works for a
//! minute.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Aadsts, SignIn, micros};
use crate::directory::User;
use crate::id::AppId;
use crate::well_known;

/// The refresh tokens that descend from one sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FamilyId(Uuid);

impl FamilyId {
    /// Wraps a GUID that was just made or stored.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }
}

impl std::fmt::Display for FamilyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

impl std::str::FromStr for FamilyId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::try_parse(text).map(Self)
    }
}

/// How the first token of a family came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Authorization code.
    Code,
    /// Authorization code of a single-page application.
    Spa,
    /// Device code.
    Device,
    /// Password grant.
    Password,
    /// An application in the name of the person who called it.
    OnBehalfOf,
}

/// What all tokens of a family have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// The client that it was first made for.
    pub app: AppId,
    /// Whether that client proves itself; then rotation alone is enough.
    pub confidential: bool,
    /// Who signed in.
    pub by: SignIn,
    /// How.
    pub origin: Origin,
    /// What was asked at the sign-in.
    pub scope: String,
    /// When it began.
    #[serde(with = "micros")]
    pub began: Timestamp,
    /// Why it ended before its time.
    pub ended: Option<Ended>,
}

/// Why a family ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// A used token came back.
    Replayed,
    /// The code it came from was presented again.
    CodeReplayed,
    /// The person or an administrator ended it.
    Revoked,
}

/// One refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// When it was handed out.
    #[serde(with = "micros")]
    pub issued: Timestamp,
    /// When it was used first, in microseconds.
    pub used: Option<i64>,
}

/// How a token was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// For the first time.
    First,
    /// Again, within the window for programs that run side by side.
    Again,
}

/// Why a refresh token gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// It is another client's.
    #[error("the token was made for another application")]
    OtherClient,
    /// It was not used for too long.
    #[error("the token was not used for too long")]
    Inactive,
    /// The sign-in is as old as it may get.
    #[error("the sign-in is too old")]
    TooOld,
    /// A single-page application's token is a day old.
    #[error("the token of a single-page application is older than a day")]
    SpaTooOld,
    /// It was used before, and not just now: somebody has a copy.
    #[error("the token was used before")]
    Replayed,
    /// The sign-in was revoked.
    #[error("the sign-in was revoked")]
    Revoked,
    /// The account is disabled.
    #[error("the account is disabled")]
    Disabled,
}

impl RefreshError {
    /// Its number.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::OtherClient => Aadsts::InvalidGrant,
            Self::Inactive => Aadsts::RefreshTokenInactive,
            Self::TooOld => Aadsts::BadTokenDueToSignInFrequency,
            Self::SpaTooOld => Aadsts::SpaRefreshTokenExpired,
            Self::Replayed | Self::Revoked => Aadsts::FreshTokenNeeded,
            Self::Disabled => Aadsts::UserDisabled,
        }
    }
}

const INACTIVE: SignedDuration = SignedDuration::from_hours(24 * 90);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const SIDE_BY_SIDE: SignedDuration = SignedDuration::from_secs(60);

impl Family {
    /// Whether this client may use the family's tokens: the one it was made for, or both are of family `1`.
    pub fn admits(&self, client: AppId) -> bool {
        let shared = |app| well_known::first_party(app).is_some_and(|known| known.family);
        self.app == client || (shared(self.app) && shared(client))
    }

    /// Redeems one token of this family for a person as the directory knows them now.
    pub fn redeem(
        &self,
        token: RefreshToken,
        client: AppId,
        user: &User,
        now: Timestamp,
    ) -> Result<(RefreshToken, Use), RefreshError> {
        if !self.admits(client) {
            return Err(RefreshError::OtherClient);
        }
        if self.ended.is_some() || self.by.at < user.sessions_valid_from {
            return Err(RefreshError::Revoked);
        }
        if !user.enabled {
            return Err(RefreshError::Disabled);
        }
        if now.duration_since(token.issued) >= INACTIVE {
            return Err(RefreshError::Inactive);
        }
        match self.origin {
            Origin::Device if now.duration_since(self.began) >= DAY => return Err(RefreshError::TooOld),
            Origin::Spa if now.duration_since(self.began) >= DAY => return Err(RefreshError::SpaTooOld),
            Origin::Code | Origin::Spa | Origin::Device | Origin::Password | Origin::OnBehalfOf => {}
        }
        match token.used {
            None => Ok((RefreshToken { used: Some(now.as_microsecond()), ..token }, Use::First)),
            Some(_) if self.confidential => Ok((token, Use::Again)),
            Some(at) if now.as_microsecond().saturating_sub(at) <= i64::try_from(SIDE_BY_SIDE.as_micros()).unwrap_or(0) => {
                Ok((token, Use::Again))
            }
            Some(_) => Err(RefreshError::Replayed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{SessionId, UserId};
    use crate::signin::Method;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("a time")
    }

    fn alice() -> User {
        User {
            id: UserId::from_uuid(Uuid::max()),
            upn: "alice@contoso.example".parse().expect("a UPN"),
            display_name: "Alice".into(),
            mail_nickname: "alice".into(),
            given_name: None,
            surname: None,
            mail: None,
            enabled: true,
            must_change_password: false,
            sessions_valid_from: at(-100),
            is_directory_admin: false,
            created: at(-100),
            other: serde_json::Map::new(),
        }
    }

    fn family(app: AppId, origin: Origin) -> Family {
        let by = SignIn { user: alice().id, at: at(0), how: vec![Method::Pwd], session: SessionId::from_uuid(Uuid::nil()) };
        Family { app, confidential: false, by, origin, scope: "openid".into(), began: at(0), ended: None }
    }

    const fn token(issued: Timestamp) -> RefreshToken {
        RefreshToken { issued, used: None }
    }

    #[test]
    fn s_220_a_used_token_works_for_a_minute_and_then_ends_the_family() {
        let family = family(well_known::AZURE_CLI, Origin::Code);
        let (used, how) = family.redeem(token(at(0)), well_known::AZURE_CLI, &alice(), at(10)).expect("redeems");
        assert_eq!(how, Use::First);
        let (used, how) = family.redeem(used, well_known::AZURE_CLI, &alice(), at(70)).expect("redeems");
        assert_eq!(how, Use::Again);
        assert_eq!(family.redeem(used.clone(), well_known::AZURE_CLI, &alice(), at(71)), Err(RefreshError::Replayed));
        let confidential = Family { confidential: true, ..family };
        assert!(confidential.redeem(used, well_known::AZURE_CLI, &alice(), at(7100)).is_ok());
    }

    #[test]
    fn s_220_family_clients_share_and_others_do_not() {
        let cli = family(well_known::AZURE_CLI, Origin::Code);
        assert!(cli.admits(well_known::AZURE_POWERSHELL));
        assert!(!cli.admits(well_known::AKS_CLIENT));
        let aks = family(well_known::AKS_CLIENT, Origin::Device);
        assert_eq!(aks.redeem(token(at(0)), well_known::AZURE_CLI, &alice(), at(1)), Err(RefreshError::OtherClient));
    }

    #[test]
    fn s_220_a_token_ends_with_the_account_the_session_and_its_time() {
        let code = family(well_known::AZURE_CLI, Origin::Code);
        let refused =
            |family: &Family, user: &User, now| family.redeem(token(at(0)), family.app, user, now).expect_err("is refused");
        assert_eq!(refused(&code, &User { enabled: false, ..alice() }, at(1)), RefreshError::Disabled);
        assert_eq!(refused(&code, &User { sessions_valid_from: at(1), ..alice() }, at(2)), RefreshError::Revoked);
        assert_eq!(refused(&code, &alice(), at(90 * 86_400)), RefreshError::Inactive);
        assert_eq!(refused(&family(well_known::AKS_CLIENT, Origin::Device), &alice(), at(86_400)), RefreshError::TooOld);
        assert_eq!(refused(&Family { ended: Some(Ended::Revoked), ..code }, &alice(), at(1)), RefreshError::Revoked);
    }
}
