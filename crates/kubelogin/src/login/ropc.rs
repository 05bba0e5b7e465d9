//! `--login ropc`: name and password on the command line or in the environment.

use entrance_client::cache::Subject;
use entrance_client::grant::{Request, password};
use entrance_client::{Http, Secret, SignInError, SignedIn};

use super::{BadLogin, pop};
use crate::options::{Opt, Settings};

pub(crate) struct Ropc {
    pub(super) request: Request,
    user: String,
    password: Secret,
}

impl Ropc {
    pub(super) fn of(settings: &Settings) -> Result<Self, BadLogin> {
        let request = super::request(settings)?;
        let user = settings.text(Opt::Username).ok_or(BadLogin::NoUser)?.to_owned();
        let password = Secret::new(settings.text(Opt::Password).ok_or(BadLogin::NoPassword)?.to_owned());
        pop::check(settings)?;
        Ok(Self { request, user, password })
    }

    /// The password is at hand, so no refresh token is kept, and a wrong password is never answered from the cache.
    pub(super) fn subject(&self) -> Subject {
        Subject::WithPassword { name: self.user.clone(), fingerprint: self.password.fingerprint() }
    }

    pub(super) async fn sign_in(&self, http: &Http) -> Result<SignedIn, SignInError> {
        password::sign_in(http, &self.request, &self.user, &self.password).await
    }
}
