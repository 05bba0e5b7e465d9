//! The few switches of a tenant about ways to sign in (DESIGN 8): device codes, the password grant, how long the log is kept.

use serde::{Deserialize, Serialize};

use super::{Context, GrantKind};
use crate::id::AppId;
use crate::signin::Aadsts;
use crate::signin::network::Nearness;

/// A tenant's switches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRules {
    /// Device codes.
    pub device_code: DeviceRule,
    /// Names and passwords sent by programs.
    pub password_grant: PasswordRule,
    /// How many days the sign-in log is kept.
    pub keep_log_days: u16,
}

/// Whether a device may sign in by a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceRule {
    /// Never.
    Off,
    /// Where the browser that approves is in the network of the device.
    SameNetwork,
    /// Always.
    On,
}

/// Whether a program may send a name and a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PasswordRule {
    /// None.
    Off,
    /// These, by client id.
    Only(Vec<AppId>),
    /// Every public client.
    On,
}

/// Which switch refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleBreach {
    /// Device codes are off.
    #[error("device codes are switched off in this tenant")]
    DeviceCodeOff,
    /// The browser is elsewhere.
    #[error("the device code was asked for from another network")]
    OtherNetwork,
    /// The password grant is off, or off for this program.
    #[error("the password grant is switched off for this application")]
    PasswordGrantOff,
}

impl RuleBreach {
    /// Its number.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::DeviceCodeOff | Self::OtherNetwork => Aadsts::BlockedBySecurityPolicy,
            Self::PasswordGrantOff => Aadsts::BlockedBySecurityDefaults,
        }
    }
}

impl SignInRules {
    /// What a server for clusters begins with.
    pub const SERVE: Self =
        Self { device_code: DeviceRule::SameNetwork, password_grant: PasswordRule::Off, keep_log_days: KEEP_LOG_DAYS };
    /// What a demo begins with.
    pub const DEMO: Self = Self { device_code: DeviceRule::On, password_grant: PasswordRule::On, keep_log_days: KEEP_LOG_DAYS };

    /// Whether this way of signing in is open.
    pub fn admit(&self, context: &Context<'_>) -> Result<(), RuleBreach> {
        match context.grant {
            GrantKind::DeviceCode => self.device(context.nearness),
            GrantKind::Password => self.password(context.client),
            GrantKind::Code | GrantKind::OnBehalfOf | GrantKind::ClientCredentials => Ok(()),
        }
    }

    /// Whether a device may sign in. `near` is known at the moment of approval only; afterwards it is settled.
    pub fn device(&self, near: Option<Nearness>) -> Result<(), RuleBreach> {
        match (self.device_code, near) {
            (DeviceRule::Off, _) => Err(RuleBreach::DeviceCodeOff),
            (DeviceRule::On, _) | (DeviceRule::SameNetwork, None | Some(Nearness::Same)) => Ok(()),
            (DeviceRule::SameNetwork, Some(Nearness::Different | Nearness::Unknown)) => Err(RuleBreach::OtherNetwork),
        }
    }

    /// Whether a program may send names and passwords.
    pub fn password(&self, client: AppId) -> Result<(), RuleBreach> {
        match &self.password_grant {
            PasswordRule::On => Ok(()),
            PasswordRule::Only(these) if these.contains(&client) => Ok(()),
            PasswordRule::Only(_) | PasswordRule::Off => Err(RuleBreach::PasswordGrantOff),
        }
    }
}

/// How long the log is kept unless somebody says otherwise.
const KEEP_LOG_DAYS: u16 = 30;
