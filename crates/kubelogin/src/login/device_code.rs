//! `--login devicecode`: the person types a short code on another device.

use entrance_client::cache::Subject;
use entrance_client::grant::{Request, device_code};
use entrance_client::{Http, SignInError, SignedIn, Talk};

use super::BadLogin;
use crate::options::{Opt, Settings};

pub(crate) struct DeviceCode {
    pub(super) request: Request,
    subject: Subject,
}

impl DeviceCode {
    pub(super) fn of(settings: &Settings) -> Result<Self, BadLogin> {
        let request = Request { legacy: settings.is_on(Opt::Legacy), ..super::request(settings)? };
        Ok(Self { request, subject: settings.subject() })
    }

    pub(super) fn subject(&self) -> Subject {
        self.subject.clone()
    }

    pub(super) async fn sign_in(&self, http: &Http, talk: &dyn Talk) -> Result<SignedIn, SignInError> {
        device_code::sign_in(http, &self.request, talk).await
    }
}
