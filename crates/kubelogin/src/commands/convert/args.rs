//! The words of the new `exec` entry: one row for each way to sign in.

use super::ConvertError;
use super::input::Input;
use crate::login::Login;
use crate::options::{FLAGS, Id, Settings};

/// `get-token` with everything that the chosen way needs, in one fixed order.
pub(super) fn of(input: &Input, settings: &Settings) -> Result<Vec<String>, ConvertError> {
    let mut words = Words { args: Vec::new(), input, settings };
    words.args.extend(["get-token", "--login", settings.login.as_str()].map(ToOwned::to_owned));
    words.required(Id::ServerId)?;
    if let Some(folder) = settings.flag(Id::CacheDir).or(settings.flag(Id::TokenCacheDir)).or(input.text(Id::CacheDir)).or(input.text(Id::TokenCacheDir)) {
        words.put(Id::CacheDir, folder);
    }
    match settings.login {
        Login::DeviceCode => {
            words.ids()?;
            words.legacy();
        }
        Login::Interactive => {
            words.ids()?;
            words.pop()?;
            words.either(Id::RedirectUrl);
            words.either(Id::LoginHint);
        }
        Login::Spn => {
            words.ids()?;
            words.flags(&[Id::ClientSecret, Id::ClientCertificate, Id::ClientCertificatePassword]);
            words.legacy();
            words.pop()?;
            if settings.mentions(Id::DisableEnvironmentOverride) {
                words.switch(Id::DisableEnvironmentOverride);
            }
        }
        Login::Ropc => {
            words.ids()?;
            words.flags(&[Id::Username, Id::Password]);
            words.legacy();
            words.pop()?;
        }
        Login::Msi if settings.flag(Id::ClientId).is_some() => words.flags(&[Id::ClientId]),
        Login::Msi => words.flags(&[Id::IdentityResourceId]),
        Login::AzureCli => words.flags(&[Id::TenantId, Id::Subscription]),
        Login::Azd => words.flags(&[Id::TenantId]),
        Login::WorkloadIdentity => {
            words.flags(&[Id::ClientId, Id::TenantId]);
            if let Some(host) = words.authority().map(|(host, _)| host) {
                words.put(Id::AuthorityHost, &host);
            }
            words.of_the_same_mode(Id::FederatedTokenFile);
        }
        Login::AzurePipelines => {
            words.required(Id::TenantId)?;
            words.of_the_same_mode(Id::ServiceConnectionId);
        }
    }
    words.kept();
    Ok(words.args)
}

struct Words<'a> {
    args: Vec<String>,
    input: &'a Input,
    settings: &'a Settings,
}

impl Words<'_> {
    fn put(&mut self, id: Id, value: &str) {
        self.args.extend([format!("--{}", name(id)), value.to_owned()]);
    }

    fn switch(&mut self, id: Id) {
        self.args.push(format!("--{}", name(id)));
    }

    /// Given on the command line, else in the input.
    fn value(&self, id: Id) -> Option<String> {
        self.settings.flag(id).or_else(|| self.input.text(id)).map(ToOwned::to_owned)
    }

    fn either(&mut self, id: Id) {
        if let Some(value) = self.value(id) {
            self.put(id, &value);
        }
    }

    fn required(&mut self, id: Id) -> Result<(), ConvertError> {
        let value = self.value(id).ok_or(ConvertError::Required(name(id)))?;
        self.put(id, &value);
        Ok(())
    }

    fn ids(&mut self) -> Result<(), ConvertError> {
        self.required(Id::ClientId)?;
        self.required(Id::TenantId)?;
        self.either(Id::Environment);
        Ok(())
    }

    /// Only what stands on the command line.
    fn flags(&mut self, ids: &[Id]) {
        for id in ids {
            if let Some(value) = self.settings.flag(*id).map(ToOwned::to_owned) {
                self.put(*id, &value);
            }
        }
    }

    /// What belongs to one way to sign in is taken over when the input had the same.
    fn of_the_same_mode(&mut self, id: Id) {
        if self.settings.flag(id).is_some() {
            self.flags(&[id]);
        } else if self.input.text(Id::Login) == Some(self.settings.login.as_str()) {
            self.either(id);
        }
    }

    fn legacy(&mut self) {
        if self.input.is_legacy() && !self.settings.mentions(Id::Legacy) || self.settings.is_on(Id::Legacy) {
            self.switch(Id::Legacy);
        }
    }

    fn pop(&mut self) -> Result<(), ConvertError> {
        let enabled = self.settings.is_on(Id::PopEnabled) || self.input.is_on(Id::PopEnabled);
        match (enabled, self.value(Id::PopClaims)) {
            (true, Some(claims)) => {
                self.switch(Id::PopEnabled);
                self.put(Id::PopClaims, &claims);
                Ok(())
            }
            (true, None) => Err(ConvertError::RequiredWith(name(Id::PopClaims), name(Id::PopEnabled))),
            (false, Some(_)) => Err(ConvertError::RequiredWith(name(Id::PopEnabled), name(Id::PopClaims))),
            (false, None) => Ok(()),
        }
    }

    /// The token service, and whether others must not be asked about it.
    fn authority(&self) -> Option<(String, bool)> {
        if let Some(host) = self.settings.flag(Id::AuthorityHost) {
            return Some((host.to_owned(), is_private(host)));
        }
        if let Some(host) = self.input.text(Id::AuthorityHost) {
            return Some((host.to_owned(), false));
        }
        // The provider's form cannot name it, so whoever runs the conversion may.
        let host = self.settings.text(Id::AuthorityHost).filter(|_| self.input.is_provider())?;
        is_private(host).then(|| (host.to_owned(), true))
    }

    /// Words that are as good for the new way to sign in as for the old one.
    fn kept(&mut self) {
        let mut private = false;
        if self.settings.login != Login::WorkloadIdentity
            && let Some((host, is_private)) = self.authority()
        {
            self.put(Id::AuthorityHost, &host);
            private = is_private;
        }
        if private || self.settings.is_on(Id::DisableInstanceDiscovery) || self.input.is_on(Id::DisableInstanceDiscovery) {
            self.switch(Id::DisableInstanceDiscovery);
        }
        for id in [Id::CertificateAuthority, Id::Timeout, Id::Verbosity] {
            if let Some(value) = self.settings.flag(id).or_else(|| self.input.text(id)).map(ToOwned::to_owned) {
                self.put(id, &value);
            }
        }
    }
}

/// Not one of Microsoft's own, which the original knows.
fn is_private(host: &str) -> bool {
    url::Url::parse(host).is_ok_and(|url| url.host_str().is_some_and(|host| !entrance_client::authority::is_well_known(host)))
}

fn name(id: Id) -> &'static str {
    FLAGS[id as usize].name
}
