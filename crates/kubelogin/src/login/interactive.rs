//! `--login interactive`: the person's browser; where there is none, a device code.

use entrance_client::cache::Subject;
use entrance_client::grant::browser::{self, Outcome, Wishes};
use entrance_client::grant::{Request, device_code};
use entrance_client::{Http, SignInError, SignedIn, Talk};

use super::{BadLogin, pop};
use crate::options::{Opt, Settings};

pub(crate) struct Interactive {
    pub(super) request: Request,
    wishes: Wishes,
}

impl Interactive {
    pub(super) fn of(settings: &Settings) -> Result<Self, BadLogin> {
        pop::check(settings)?;
        let text = |id| settings.text(id).map(ToOwned::to_owned);
        let wishes = Wishes { login_hint: text(Opt::LoginHint), redirect_url: text(Opt::RedirectUrl) };
        Ok(Self { request: super::request(settings)?, wishes })
    }

    pub(super) fn subject(&self) -> Subject {
        Subject::Person(self.wishes.login_hint.clone())
    }

    pub(super) async fn sign_in(&self, http: &Http, talk: &dyn Talk) -> Result<SignedIn, SignInError> {
        match browser::sign_in(http, &self.request, &self.wishes, talk).await? {
            Outcome::SignedIn(signed_in) => Ok(signed_in),
            Outcome::NoBrowser => {
                talk.say("No browser can be opened here; a code does it as well.");
                device_code::sign_in(http, &self.request, talk).await
            }
        }
    }
}
