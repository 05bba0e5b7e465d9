//! Passwords that people may choose here (S-801): what the model asks, and none that was found in a breach.

mod breached;

use entrance_model::directory_rules::password::{Fault, Policy, judge as by_itself};

pub use breached::{BadList, Breached};

use crate::app::App;
use crate::config::Mode;

/// What a password has to be on this server.
pub(crate) fn policy(app: &App) -> Policy {
    match app.config.mode {
        Mode::Serve => Policy::SERVE,
        // One machine, made-up people: as short as the original takes them.
        Mode::Demo => Policy::DEMO,
    }
}

/// Judges a new password; `words` are names of the person and of the tenant.
pub(crate) async fn judge(app: &App, password: &str, words: &[&str]) -> Result<(), Fault> {
    by_itself(password, policy(app), words)?;
    if app.breached.holds(password).await { Err(Fault::Breached) } else { Ok(()) }
}
