//! Values after the environment: a variable that is set, even to nothing, beats the option, because pipelines rely on it.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use entrance_client::Trust;
use entrance_client::cache::{BadStorage, Storage, Subject, TokenCache};

use super::duration;
use super::environments::Named;
use super::parse::Given;
use super::table::Opt;
use crate::login::Login;
use crate::terminal;

/// All values of one run, checked. Some are secrets, so there is no `Debug`.
pub(crate) struct Settings {
    given: Given,
    values: Values,
    pub(crate) login: Login,
    pub(crate) timeout: Duration,
    /// Somebody chose the time, so it also limits a person.
    pub(crate) timeout_is_chosen: bool,
    /// The environment of one's own, once it was looked up.
    named: OnceCell<Named>,
}

/// Values that are refused before anything else is done.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum BadOption {
    #[error("'{0}' is not a supported login method. Supported method is one of {words}", words = Login::WORDS.join(", "))]
    Login(String),
    #[error("authority host {0:?} is not valid: an absolute address such as https://login.example.com/ is expected")]
    Authority(String),
    #[error("authority host {0:?} should have a trailing slash")]
    AuthoritySlash(String),
    #[error(
        "if enabling pop token mode, please provide the pop-claims flag containing the PoP token claims as a comma-separated string: `u=popClaimHost,key1=val1`"
    )]
    PopClaims,
    #[error("pop-enabled flag is required to use the PoP token feature. Please provide both pop-enabled and pop-claims flags")]
    PopEnabled,
    #[error("timeout must be greater than 0")]
    Timeout,
    #[error("server-id is required")]
    NoServer,
    #[error("{0:?} is no format for messages: text or json")]
    Format(String),
    #[error("{0}")]
    Storage(#[from] BadStorage),
    #[error(
        "environment {name:?} is not known; name its token service with `--authority-host`, or describe it in {file} ({reason})"
    )]
    Environment { name: String, file: String, reason: String },
}

/// Looks a variable up; tests bring their own.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

type Values = [Option<String>; super::FLAGS.len()];

impl Settings {
    /// Applies the environment and checks, in the order that the original checks.
    pub(crate) fn of(given: Given, env: Lookup<'_>) -> Result<Self, BadOption> {
        let values = resolve(&given, env);
        let text = |id: Opt| values[id as usize].as_deref();
        let word = text(Opt::Login).unwrap_or(Login::WORDS[0]);
        let login = Login::of(word).ok_or_else(|| BadOption::Login(word.to_owned()))?;
        if let Some(host) = text(Opt::AuthorityHost).filter(|host| !host.is_empty()) {
            check_authority(host)?;
        }
        let pop_claims = text(Opt::PopClaims).is_some_and(|claims| !claims.is_empty());
        match (given.is_on(Opt::PopEnabled), pop_claims) {
            (true, false) => return Err(BadOption::PopClaims),
            (false, true) => return Err(BadOption::PopEnabled),
            _ => {}
        }
        let chosen = text(Opt::Timeout).and_then(duration::read);
        let timeout = chosen.unwrap_or(Duration::from_mins(1));
        if timeout.is_zero() {
            return Err(BadOption::Timeout);
        }
        Ok(Self { given, login, timeout, timeout_is_chosen: chosen.is_some(), values, named: OnceCell::new() })
    }

    /// A value that is not empty.
    pub(crate) fn text(&self, id: Opt) -> Option<&str> {
        self.values[id as usize].as_deref().filter(|text| !text.is_empty())
    }

    /// The value, if the option stood on the command line; the environment may have replaced it.
    pub(crate) fn flag(&self, id: Opt) -> Option<&str> {
        self.given.text(id).and_then(|_| self.values[id as usize].as_deref()).filter(|text| !text.is_empty())
    }

    /// A switch that is on.
    pub(crate) fn is_on(&self, id: Opt) -> bool {
        self.given.is_on(id)
    }

    /// A switch that was mentioned, on or off.
    pub(crate) fn mentions(&self, id: Opt) -> bool {
        self.given.has(id)
    }

    /// The token cache; nothing is read yet.
    pub(crate) fn cache(&self, env: Lookup<'_>) -> Result<TokenCache, BadOption> {
        let mut trust = self.trust()?;
        // Whoever signs the person out may do so from another folder.
        trust.file = trust.file.map(|file| std::path::absolute(&file).unwrap_or(file));
        Ok(cache(&self.given, env)?.trusting(trust))
    }

    /// The person who is asked for, if one is.
    pub(crate) fn person(&self) -> Option<&str> {
        self.text(Opt::Account).or(self.text(Opt::LoginHint))
    }

    /// Who signs in, where a person does.
    pub(crate) fn subject(&self) -> Subject {
        match self.text(Opt::Account) {
            Some(name) => Subject::Exactly(name.to_owned()),
            None => Subject::Person(self.text(Opt::LoginHint).map(ToOwned::to_owned)),
        }
    }

    /// The token service, with its slash.
    pub(crate) fn authority_host(&self) -> Result<String, BadOption> {
        if let Some(host) = self.text(Opt::AuthorityHost) {
            return Ok(host.to_owned());
        }
        let environment = self.text(Opt::Environment).unwrap_or(CLOUDS[0].0);
        match cloud(environment) {
            Some(host) => Ok(host.to_owned()),
            None => Ok(self.named(environment)?.authority_host.clone()),
        }
    }

    /// Whose certificates are believed besides those of the machine.
    pub(crate) fn trust(&self) -> Result<Trust, BadOption> {
        let said = trust(&self.given);
        if said != Trust::default() || !self.has_environment_of_its_own() {
            return Ok(said);
        }
        Ok(self.named(self.text(Opt::Environment).unwrap_or_default())?.trust.clone())
    }

    /// The environment of one's own; its file is read once.
    fn named(&self, name: &str) -> Result<&Named, BadOption> {
        if let Some(known) = self.named.get() {
            return Ok(known);
        }
        let found = Named::find(name)?;
        Ok(self.named.get_or_init(|| found))
    }

    /// Is the token service one that only this machine's own file knows?
    fn has_environment_of_its_own(&self) -> bool {
        self.text(Opt::AuthorityHost).is_none() && is_of_ones_own(self.text(Opt::Environment))
    }

    /// Is the question about the token service's host asked first? Where the original would ask it; what only ours knows (an
    /// environment of one's own, a private authority, the variable in every mode) is nobody else's business.
    pub(crate) fn asks_about_the_host(&self) -> bool {
        let is_ours = self.text(Opt::AuthorityHost).is_some()
            && self.flag(Opt::AuthorityHost).is_none()
            && self.login != Login::WorkloadIdentity;
        let is_private = self.text(Opt::CertificateAuthority).is_some() || self.text(Opt::CertificateAuthorityData).is_some();
        !self.is_on(Opt::DisableInstanceDiscovery) && !is_ours && !is_private && !self.has_environment_of_its_own()
    }
}

/// Is it the name of an environment that only this machine's own file knows?
fn is_of_ones_own(environment: Option<&str>) -> bool {
    environment.is_some_and(|name| !name.is_empty() && cloud(name).is_none())
}

/// The token service of a cloud that everybody knows; capitals do not count.
pub(crate) fn cloud(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let full = match name.as_str() {
        "azurecloud" | "azurepublic" => "azurepubliccloud",
        "azureusgovernment" => "azureusgovernmentcloud",
        full => full,
    };
    CLOUDS.iter().find(|(cloud, _)| cloud.eq_ignore_ascii_case(full)).map(|(_, host)| *host)
}

/// The clouds that are known by name, with their token services; the first is the default.
pub(crate) const CLOUDS: [(&str, &str); 3] = [
    ("AzurePublicCloud", "https://login.microsoftonline.com/"),
    ("AzureUSGovernmentCloud", "https://login.microsoftonline.us/"),
    ("AzureChinaCloud", "https://login.chinacloudapi.cn/"),
];

/// The token cache, for commands that have no other settings too; nothing is read yet.
pub(crate) fn cache(given: &Given, env: Lookup<'_>) -> Result<TokenCache, BadOption> {
    let place = given.text(Opt::CacheStorage).map(ToOwned::to_owned).or_else(|| env("KUBELOGIN_CACHE_STORAGE"));
    let storage: Storage = place.unwrap_or_default().parse()?;
    Ok(TokenCache::at(cache_dir(given, env)).kept_in(storage))
}

/// Whose certificates the options themselves name, for commands that have no other settings too.
pub(crate) fn trust(given: &Given) -> Trust {
    let text = |id: Opt| given.text(id).filter(|text| !text.is_empty());
    Trust {
        file: text(Opt::CertificateAuthority).map(Into::into),
        data: text(Opt::CertificateAuthorityData).map(ToOwned::to_owned),
    }
}

/// Formats that messages can have.
pub(crate) fn check_format(given: &Given) -> Result<(), BadOption> {
    for format in [Opt::Output, Opt::LogFormat].into_iter().filter_map(|id| given.text(id)) {
        if !matches!(format, "text" | "json") {
            return Err(BadOption::Format(format.to_owned()));
        }
    }
    Ok(())
}

/// The folder of the token cache, for commands that have no other settings too.
pub(crate) fn cache_dir(given: &Given, env: Lookup<'_>) -> PathBuf {
    if let Some(folder) = given.text(Opt::CacheDir).or_else(|| given.text(Opt::TokenCacheDir)).filter(|folder| !folder.is_empty())
    {
        return folder.into();
    }
    // A folder of our own below it: it is kubectl's cache too, and `remove-cache-dir` must not take that away.
    if let Some(folder) = env("KUBECACHEDIR").filter(|folder| !folder.is_empty()) {
        return PathBuf::from(folder).join("kubelogin");
    }
    home(env).join(".kube/cache/kubelogin")
}

/// The person's home folder.
pub(crate) fn home(env: Lookup<'_>) -> PathBuf {
    env("HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from).or_else(std::env::home_dir).unwrap_or_default()
}

fn resolve(given: &Given, env: Lookup<'_>) -> Values {
    let mut values: Values = std::array::from_fn(|at| given.text(super::FLAGS[at].id).map(ToOwned::to_owned));
    if given.is_on(Opt::DisableEnvironmentOverride) {
        return values;
    }
    let terraform = given.is_on(Opt::UseAzureRmEnvVars);
    for row in &VARIABLES {
        let text = |id: Opt| values[id as usize].as_deref().unwrap_or_default();
        let applies = match row.when {
            When::Always => true,
            When::Azure => !terraform,
            When::Terraform => terraform,
            When::Readable => env(row.name).is_some_and(|text| duration::read(&text).is_some()),
            When::Login(word) => text(Opt::Login) == word,
            When::LoginIfEmpty(word) => text(Opt::Login) == word && text(row.id).is_empty(),
            // The original reads it for workload identity only. Here it is the way to reach a token service that a kubeconfig cannot name.
            When::IfEmpty => text(row.id).is_empty() && env(row.name).is_some_and(|text| !text.is_empty()),
        };
        // Whoever names an environment of their own means its token service, whatever a machine or a pod says about others.
        let is_named = row.id == Opt::AuthorityHost
            && text(Opt::AuthorityHost).is_empty()
            && is_of_ones_own(values[Opt::Environment as usize].as_deref());
        if applies
            && !is_named
            && let Some(value) = env(row.name)
        {
            let value = if row.when == When::IfEmpty { address(&value) } else { value };
            if values[row.id as usize].is_some() && terminal::level() >= 1 {
                terminal::detail(1, &format!("the variable {} replaces --{}", row.name, super::FLAGS[row.id as usize].name));
            }
            values[row.id as usize] = Some(value);
        }
    }
    values
}

/// What other SDKs accept in the variable: a bare host, an address without its slash.
fn address(host: &str) -> String {
    let scheme = if host.contains("://") { "" } else { "https://" };
    let slash = if host.ends_with('/') { "" } else { "/" };
    format!("{scheme}{host}{slash}")
}

pub(super) fn check_authority(host: &str) -> Result<(), BadOption> {
    if !url::Url::parse(host).is_ok_and(|url| url.has_host()) {
        return Err(BadOption::Authority(host.to_owned()));
    }
    if !host.ends_with('/') {
        return Err(BadOption::AuthoritySlash(host.to_owned()));
    }
    Ok(())
}

/// A variable that gives an option its value.
struct Variable {
    id: Opt,
    name: &'static str,
    when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Without `--use-azurerm-env-vars`.
    Azure,
    /// With it.
    Terraform,
    /// If it is a duration.
    Readable,
    /// With this way to sign in.
    Login(&'static str),
    /// With this way to sign in, where nothing else says the value.
    LoginIfEmpty(&'static str),
    /// Where nothing else says the value.
    IfEmpty,
}

const fn variable(id: Opt, name: &'static str, when: When) -> Variable {
    Variable { id, name, when }
}

/// The variables that give this option its value.
pub(crate) fn variables(id: Opt) -> impl Iterator<Item = &'static str> {
    let mut seen = Vec::new();
    VARIABLES.iter().filter(move |row| row.id == id).map(|row| row.name).filter(move |name| {
        let first = !seen.contains(name);
        seen.push(*name);
        first
    })
}

/// The variables that beat what the words say, whatever the way to sign in.
pub(crate) fn replacing() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().filter(|row| matches!(row.when, When::Always | When::Azure | When::Readable)).map(|row| row.name)
}

/// Later ones beat earlier ones.
const VARIABLES: [Variable; 28] = [
    variable(Opt::Login, "AAD_LOGIN_METHOD", When::Always),
    variable(Opt::ClientId, "AAD_SERVICE_PRINCIPAL_CLIENT_ID", When::Azure),
    variable(Opt::ClientId, "AZURE_CLIENT_ID", When::Azure),
    variable(Opt::ClientId, "ARM_CLIENT_ID", When::Terraform),
    variable(Opt::ClientSecret, "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET", When::Azure),
    variable(Opt::ClientSecret, "AZURE_CLIENT_SECRET", When::Azure),
    variable(Opt::ClientSecret, "ARM_CLIENT_SECRET", When::Terraform),
    variable(Opt::ClientCertificate, "AAD_SERVICE_PRINCIPAL_CLIENT_CERTIFICATE", When::Azure),
    variable(Opt::ClientCertificate, "AZURE_CLIENT_CERTIFICATE_PATH", When::Azure),
    variable(Opt::ClientCertificate, "ARM_CLIENT_CERTIFICATE_PATH", When::Terraform),
    variable(Opt::ClientCertificatePassword, "AAD_SERVICE_PRINCIPAL_CLIENT_CERTIFICATE_PASSWORD", When::Azure),
    variable(Opt::ClientCertificatePassword, "AZURE_CLIENT_CERTIFICATE_PASSWORD", When::Azure),
    variable(Opt::ClientCertificatePassword, "ARM_CLIENT_CERTIFICATE_PASSWORD", When::Terraform),
    variable(Opt::TenantId, "AZURE_TENANT_ID", When::Azure),
    variable(Opt::TenantId, "ARM_TENANT_ID", When::Terraform),
    variable(Opt::Username, "AAD_USER_PRINCIPAL_NAME", When::Always),
    variable(Opt::Username, "AZURE_USERNAME", When::Always),
    variable(Opt::Password, "AAD_USER_PRINCIPAL_PASSWORD", When::Always),
    variable(Opt::Password, "AZURE_PASSWORD", When::Always),
    variable(Opt::Timeout, "AZURE_CLI_TIMEOUT", When::Readable),
    variable(Opt::ClientId, "AZURE_CLIENT_ID", When::Login("workloadidentity")),
    variable(Opt::FederatedTokenFile, "AZURE_FEDERATED_TOKEN_FILE", When::Login("workloadidentity")),
    variable(Opt::FederatedTokenFile, "AZURE_FEDERATED_TOKEN_FILE", When::Login("chained")),
    variable(Opt::AuthorityHost, "AZURE_AUTHORITY_HOST", When::Login("workloadidentity")),
    variable(Opt::ClientId, "AZURESUBSCRIPTION_CLIENT_ID", When::LoginIfEmpty("azurepipelines")),
    variable(Opt::TenantId, "AZURESUBSCRIPTION_TENANT_ID", When::LoginIfEmpty("azurepipelines")),
    variable(Opt::ServiceConnectionId, "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", When::LoginIfEmpty("azurepipelines")),
    variable(Opt::AuthorityHost, "AZURE_AUTHORITY_HOST", When::IfEmpty),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_beats_the_words_in_every_way_to_sign_in_is_told_and_nothing_else() {
        let told: Vec<_> = replacing().collect();
        assert!(told.contains(&"AZURE_CLIENT_CERTIFICATE_PASSWORD"));
        for other in ["AZURE_AUTHORITY_HOST", "ARM_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"] {
            assert!(!told.contains(&other), "{other} beats no word, or only sometimes");
        }
        let mut once = told.clone();
        once.dedup();
        assert_eq!(told, once);
    }

    fn settings(words: &[&str], env: &[(&str, &str)]) -> Result<Settings, BadOption> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let given = Given::read(&words, |_| true).expect("words");
        Settings::of(given, &|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_variable_beats_the_option_even_when_empty() {
        let got = settings(&["--client-id", "flag"], &[("AZURE_CLIENT_ID", "env")]).expect("fine");
        assert_eq!((got.text(Opt::ClientId), got.flag(Opt::ClientId)), (Some("env"), Some("env")));
        let got = settings(&["--client-id", "flag"], &[("AAD_SERVICE_PRINCIPAL_CLIENT_ID", "old"), ("AZURE_CLIENT_ID", "")])
            .expect("fine");
        assert_eq!(got.text(Opt::ClientId), None);
        let got = settings(&[], &[("AZURE_CLIENT_ID", "env")]).expect("fine");
        assert_eq!((got.text(Opt::ClientId), got.flag(Opt::ClientId)), (Some("env"), None));
        let got =
            settings(&["--client-id", "flag", "--disable-environment-override"], &[("AZURE_CLIENT_ID", "env")]).expect("fine");
        assert_eq!(got.text(Opt::ClientId), Some("flag"));
    }

    #[test]
    fn terraform_and_pipelines_have_their_own_variables() {
        let env = [("AZURE_CLIENT_ID", "azure"), ("ARM_CLIENT_ID", "arm"), ("AZURESUBSCRIPTION_TENANT_ID", "pipe")];
        let client = |words: &[&str]| settings(words, &env).expect("fine").text(Opt::ClientId).map(ToOwned::to_owned);
        assert_eq!(client(&[]).as_deref(), Some("azure"));
        assert_eq!(client(&["--use-azurerm-env-vars"]).as_deref(), Some("arm"));
        assert_eq!(client(&["--use-azurerm-env-vars", "-l", "workloadidentity"]).as_deref(), Some("azure"));
        let got = settings(&["-l", "azurepipelines"], &env).expect("fine");
        assert_eq!(got.text(Opt::TenantId), Some("pipe"));
    }

    #[test]
    fn row_21_the_authority_comes_from_option_then_variable_then_cloud() {
        let host = |words: &[&str], env: &[(&str, &str)]| settings(words, env).and_then(|got| got.authority_host());
        let env = [("AZURE_AUTHORITY_HOST", "https://env.test:8443")];
        assert_eq!(host(&["--authority-host", "https://flag.test/"], &env).as_deref(), Ok("https://flag.test/"));
        assert_eq!(host(&[], &env).as_deref(), Ok("https://env.test:8443/"));
        assert_eq!(host(&[], &[("AZURE_AUTHORITY_HOST", "env.test")]).as_deref(), Ok("https://env.test/"));
        assert_eq!(host(&["-e", "azurechinacloud"], &env).as_deref(), Ok("https://env.test:8443/"), "a cloud is also a default");
        assert_eq!(host(&["-e", "azurechinacloud"], &[]).as_deref(), Ok("https://login.chinacloudapi.cn/"));
        for words in [&["-e", "contoso"][..], &["-e", "contoso", "-l", "workloadidentity"]] {
            assert!(matches!(host(words, &env), Err(BadOption::Environment { name, .. }) if name == "contoso"), "{words:?}");
        }
        assert!(
            matches!(host(&["-e", "AzureStackCloud"], &[]), Err(BadOption::Environment { name, .. }) if name == "AzureStackCloud")
        );
        assert_eq!(host(&["--authority-host", "h.test/"], &[]), Err(BadOption::Authority("h.test/".into())));
        assert_eq!(host(&["--authority-host", "https://h.test"], &[]), Err(BadOption::AuthoritySlash("https://h.test".into())));
    }

    #[test]
    fn checks_come_in_the_order_of_the_original() {
        let all_wrong = ["-l", "oidc", "--authority-host", "x", "--pop-enabled", "--timeout", "0s"];
        for (from, expected) in [
            (0, BadOption::Login("oidc".into())),
            (2, BadOption::Authority("x".into())),
            (4, BadOption::PopClaims),
            (5, BadOption::Timeout),
        ] {
            assert_eq!(settings(&all_wrong[from..], &[]).err(), Some(expected));
        }
        assert_eq!(settings(&["--pop-claims", "u=1"], &[]).err(), Some(BadOption::PopEnabled));
    }
}
