//! `--login interactive`: the person's browser; where there is none, a device code.

use std::io::IsTerminal as _;

use entrance_client::cache::{Subject, TokenCache};
use entrance_client::grant::browser::{self, Opening, Outcome, Wishes};
use entrance_client::grant::{Request, device_code};
use entrance_client::{Http, SignInError, SignedIn, Talk};

use super::{BadLogin, pop};
use crate::options::{Opt, Settings};

pub(crate) struct Interactive {
    pub(super) request: Request,
    wishes: Wishes,
    subject: Subject,
    /// Remembers when a page was opened.
    cache: TokenCache,
}

impl Interactive {
    pub(super) fn of(settings: &Settings) -> Result<Self, BadLogin> {
        pop::check(settings)?;
        let text = |id| settings.text(id).map(ToOwned::to_owned);
        let wishes = Wishes {
            login_hint: settings.person().map(ToOwned::to_owned),
            redirect_url: text(Opt::RedirectUrl),
            opening: Opening::AtOnce,
        };
        Ok(Self {
            request: super::request(settings)?,
            wishes,
            subject: settings.subject(),
            cache: settings.cache(&crate::commands::env)?,
        })
    }

    pub(super) fn subject(&self) -> Subject {
        self.subject.clone()
    }

    pub(super) async fn sign_in(&self, http: &Http, talk: &dyn Talk) -> Result<SignedIn, SignInError> {
        let account = super::account(&self.request, self.subject());
        let opening = match (self.cache.may_open_page(&account), std::io::stdin().is_terminal()) {
            (true, _) => Opening::AtOnce,
            (false, true) => Opening::AfterKey,
            (false, false) => Opening::Never,
        };
        let wishes = Wishes { opening, ..self.wishes.clone() };
        match browser::sign_in(http, &self.request, &wishes, talk).await? {
            Outcome::SignedIn(signed_in) => Ok(signed_in),
            Outcome::NoBrowser => {
                self.cache.opened_no_page(&account);
                talk.say("No browser can be opened here; a code does it as well.");
                device_code::sign_in(http, &self.request, talk).await
            }
        }
    }
}
