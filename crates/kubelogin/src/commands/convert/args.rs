//! The words of the new `exec` entry: one row for each way to sign in.

use super::ConvertError;
use super::input::Input;
use crate::login::Login;
use crate::options::{FLAGS, On, Opt, Settings, Takes, cloud};

/// `get-token` with everything that the chosen way needs, in one fixed order.
pub(super) fn of(input: &Input, settings: &Settings) -> Result<Vec<String>, ConvertError> {
    let mut words = Words { args: Vec::new(), input, settings };
    words.args.extend(["get-token", "--login", settings.login.as_str()].map(ToOwned::to_owned));
    words.required(Opt::ServerId)?;
    if let Some(folder) = settings
        .flag(Opt::CacheDir)
        .or(settings.flag(Opt::TokenCacheDir))
        .or(input.text(Opt::CacheDir))
        .or(input.text(Opt::TokenCacheDir))
    {
        words.put(Opt::CacheDir, folder);
    }
    match settings.login {
        Login::DeviceCode => {
            words.ids()?;
            words.legacy();
        }
        Login::Interactive => {
            words.ids()?;
            words.pop()?;
            words.either(Opt::RedirectUrl);
            words.either(Opt::LoginHint);
        }
        Login::Spn => {
            words.ids()?;
            words.flags(&[Opt::ClientSecret]);
            words.of_the_same_mode(Opt::ClientCertificate);
            words.flags(&[Opt::ClientCertificatePassword]);
            words.legacy();
            words.pop()?;
            if settings.mentions(Opt::DisableEnvironmentOverride) {
                words.switch(Opt::DisableEnvironmentOverride);
            }
        }
        Login::Ropc => {
            words.ids()?;
            words.of_the_same_mode(Opt::Username);
            words.flags(&[Opt::Password]);
            words.legacy();
            words.pop()?;
        }
        Login::Msi if settings.flag(Opt::ClientId).is_some() => words.flags(&[Opt::ClientId]),
        Login::Msi if settings.flag(Opt::IdentityResourceId).is_some() => words.flags(&[Opt::IdentityResourceId]),
        Login::Msi if input.text(Opt::ClientId).is_some() => words.of_the_same_mode(Opt::ClientId),
        Login::Msi => words.of_the_same_mode(Opt::IdentityResourceId),
        Login::AzureCli => {
            words.of_the_same_mode(Opt::TenantId);
            words.of_the_same_mode(Opt::Subscription);
        }
        Login::Azd => words.of_the_same_mode(Opt::TenantId),
        Login::WorkloadIdentity => {
            words.of_the_same_mode(Opt::ClientId);
            words.of_the_same_mode(Opt::TenantId);
            words.environment_of_its_own();
            if let Some(host) = words.authority().map(|(host, _)| host) {
                words.put(Opt::AuthorityHost, &host);
            }
            words.of_the_same_mode(Opt::FederatedTokenFile);
        }
        Login::Chained => {
            words.ids()?;
            words.either(Opt::RedirectUrl);
            words.either(Opt::LoginHint);
        }
        Login::AzurePipelines => {
            words.required(Opt::TenantId)?;
            words.environment_of_its_own();
            words.of_the_same_mode(Opt::ServiceConnectionId);
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
    fn put(&mut self, id: Opt, value: &str) {
        self.args.extend([format!("--{}", name(id)), value.to_owned()]);
    }

    fn switch(&mut self, id: Opt) {
        self.args.push(format!("--{}", name(id)));
    }

    /// Given on the command line, else in the input.
    fn value(&self, id: Opt) -> Option<String> {
        self.settings.flag(id).or_else(|| self.input.text(id)).map(ToOwned::to_owned)
    }

    fn either(&mut self, id: Opt) {
        if let Some(value) = self.value(id) {
            self.put(id, &value);
        }
    }

    fn required(&mut self, id: Opt) -> Result<(), ConvertError> {
        let value = self.value(id).ok_or(ConvertError::Required(name(id)))?;
        self.put(id, &value);
        Ok(())
    }

    fn ids(&mut self) -> Result<(), ConvertError> {
        self.required(Opt::ClientId)?;
        self.required(Opt::TenantId)?;
        self.either(Opt::Environment);
        Ok(())
    }

    /// Only what stands on the command line.
    fn flags(&mut self, ids: &[Opt]) {
        for id in ids {
            if let Some(value) = self.settings.flag(*id).map(ToOwned::to_owned) {
                self.put(*id, &value);
            }
        }
    }

    /// What belongs to one way to sign in is taken over when the input had the same; secrets are not.
    fn of_the_same_mode(&mut self, id: Opt) {
        if self.settings.flag(id).is_some() {
            self.flags(&[id]);
        } else if self.is_same_mode() {
            self.either(id);
        }
    }

    fn is_same_mode(&self) -> bool {
        self.input.text(Opt::Login).unwrap_or(Login::WORDS[0]) == self.settings.login.as_str()
    }

    /// A name that is no cloud's says what the authority's address would say.
    fn environment_of_its_own(&mut self) {
        let is_own = self.value(Opt::Environment).is_some_and(|name| cloud(&name).is_none());
        if is_own && self.authority().is_none() {
            self.either(Opt::Environment);
        }
    }

    fn legacy(&mut self) {
        if self.input.is_legacy() && !self.settings.mentions(Opt::Legacy) || self.settings.is_on(Opt::Legacy) {
            self.switch(Opt::Legacy);
        }
    }

    fn pop(&mut self) -> Result<(), ConvertError> {
        let enabled = self.settings.is_on(Opt::PopEnabled) || self.input.is_on(Opt::PopEnabled);
        match (enabled, self.value(Opt::PopClaims)) {
            (true, Some(claims)) => {
                self.switch(Opt::PopEnabled);
                self.put(Opt::PopClaims, &claims);
                Ok(())
            }
            (true, None) => Err(ConvertError::RequiredWith(name(Opt::PopClaims), name(Opt::PopEnabled))),
            (false, Some(_)) => Err(ConvertError::RequiredWith(name(Opt::PopEnabled), name(Opt::PopClaims))),
            (false, None) => Ok(()),
        }
    }

    /// The token service, and whether others must not be asked about it.
    fn authority(&self) -> Option<(String, bool)> {
        if let Some(host) = self.settings.flag(Opt::AuthorityHost) {
            return Some((host.to_owned(), is_private(host)));
        }
        if let Some(host) = self.input.text(Opt::AuthorityHost) {
            return Some((host.to_owned(), false));
        }
        // The provider's form cannot name it, so whoever runs the conversion may.
        let host = self.settings.text(Opt::AuthorityHost).filter(|_| self.input.is_provider())?;
        is_private(host).then(|| (host.to_owned(), true))
    }

    /// Words that are as good for the new way to sign in as for the old one.
    fn kept(&mut self) {
        let mut private = false;
        if self.settings.login != Login::WorkloadIdentity
            && let Some((host, is_private)) = self.authority()
        {
            self.put(Opt::AuthorityHost, &host);
            private = is_private;
        }
        if private || self.settings.is_on(Opt::DisableInstanceDiscovery) || self.input.is_on(Opt::DisableInstanceDiscovery) {
            self.switch(Opt::DisableInstanceDiscovery);
        }
        // Which variables count belongs to the way to sign in; spn has the second one at its own place if it was said.
        for id in [Opt::UseAzureRmEnvVars, Opt::DisableEnvironmentOverride] {
            let is_on = self.input.is_on(id) && (self.settings.is_on(id) || !self.settings.mentions(id));
            if is_on && self.is_same_mode() && !self.args.contains(&format!("--{}", name(id))) {
                self.switch(id);
            }
        }
        for flag in FLAGS.iter().filter(|flag| flag.kept) {
            // What every command takes was said to the conversion, not to what it writes.
            let is_ours = flag.on == On::Everywhere;
            let said = if is_ours { None } else { self.settings.flag(flag.id) };
            let value = said.or_else(|| self.input.text(flag.id)).map(ToOwned::to_owned);
            match value.as_deref() {
                Some("true") if flag.takes == Takes::Switch => self.switch(flag.id),
                Some(value) if flag.takes != Takes::Switch => self.put(flag.id, value),
                _ => {}
            }
        }
    }
}

/// Not one of Microsoft's own, which the original knows.
fn is_private(host: &str) -> bool {
    url::Url::parse(host).is_ok_and(|url| url.host_str().is_some_and(|host| !entrance_client::authority::is_well_known(host)))
}

fn name(id: Opt) -> &'static str {
    FLAGS[id as usize].name
}
