//! Every option, once: its names, what it takes, where else its value may come from, and its line of help.

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opt {
    Login,
    ServerId,
    ClientId,
    TenantId,
    ClientSecret,
    ClientCertificate,
    ClientCertificatePassword,
    Username,
    Password,
    IdentityResourceId,
    FederatedTokenFile,
    AuthorityHost,
    ServiceConnectionId,
    Environment,
    CacheDir,
    TokenCacheDir,
    Subscription,
    Legacy,
    UseAzureRmEnvVars,
    PopEnabled,
    PopClaims,
    Timeout,
    DisableEnvironmentOverride,
    DisableInstanceDiscovery,
    RedirectUrl,
    LoginHint,
    CertificateAuthority,
    CertificateAuthorityData,
    Account,
    CacheStorage,
    Kubeconfig,
    Context,
    AzureConfigDir,
    Strict,
    DryRun,
    NoDescriptions,
    All,
    Fix,
    Output,
    LogFormat,
    ExitCodes,
    Verbosity,
    LogToStderr,
    Help,
    Version,
}

/// What follows an option's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A word.
    Text,
    /// Nothing, or `=true`, `=false`.
    Switch,
    /// A duration as Go writes it: `1m30s`.
    Duration,
    /// A whole number.
    Number,
}

/// What may stand for an option's value: shown in help, offered by completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// Anything.
    Word,
    /// One of the ways to sign in.
    Login,
    /// The name of a context.
    Context,
    /// A cloud that is known by name.
    Cloud,
    /// One of these.
    Of(&'static [&'static str]),
    File,
    Folder,
}

/// The commands that know an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// All.
    Everywhere,
    /// `get-token` and `convert-kubeconfig`, and what asks the same questions: `whoami` and `doctor`.
    Both,
    /// `convert-kubeconfig` only.
    Convert,
    /// `completion` only.
    Completion,
    /// All that touch the cache.
    Cache,
    /// All that talk to a token service.
    Network,
    /// All that can be about one of several people.
    Person,
    /// All that read or write a kubeconfig.
    Kubeconfig,
    /// `logout` only.
    Logout,
    /// `doctor` only.
    Doctor,
}

/// One row.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) id: Opt,
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) takes: Takes,
    pub(crate) on: On,
    pub(crate) value: Value,
    /// Is as good for one way to sign in as for another, so that `convert-kubeconfig` takes it over from the old words.
    pub(crate) kept: bool,
    /// The name to use instead.
    pub(crate) deprecated: Option<&'static str>,
    pub(crate) help: &'static str,
}

const fn flag(id: Opt, name: &'static str, takes: Takes, on: On, help: &'static str) -> Flag {
    Flag { id, name, short: None, takes, on, value: Value::Word, kept: false, deprecated: None, help }
}

impl Flag {
    const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    const fn value(self, value: Value) -> Self {
        Self { value, ..self }
    }

    const fn kept(self) -> Self {
        Self { kept: true, ..self }
    }

    const fn deprecated(self, instead: &'static str) -> Self {
        Self { deprecated: Some(instead), ..self }
    }
}

/// The rows, in the order of [`Opt`].
pub(crate) const FLAGS: &[Flag] = &[
    flag(Opt::Login, "login", Takes::Text, On::Both, "how to sign in").value(Value::Login).short('l'),
    flag(Opt::ServerId, "server-id", Takes::Text, On::Both, "application id of the API server"),
    flag(Opt::ClientId, "client-id", Takes::Text, On::Both, "application id that signs in"),
    flag(Opt::TenantId, "tenant-id", Takes::Text, On::Both, "tenant: an id or a domain name").short('t'),
    flag(Opt::ClientSecret, "client-secret", Takes::Text, On::Both, "secret of the application, for spn"),
    flag(
        Opt::ClientCertificate,
        "client-certificate",
        Takes::Text,
        On::Both,
        "file with key and certificate of the application, for spn",
    )
    .value(Value::File),
    flag(
        Opt::ClientCertificatePassword,
        "client-certificate-password",
        Takes::Text,
        On::Both,
        "password of the certificate file",
    ),
    flag(Opt::Username, "username", Takes::Text, On::Both, "user name, for ropc"),
    flag(Opt::Password, "password", Takes::Text, On::Both, "password, for ropc"),
    flag(Opt::IdentityResourceId, "identity-resource-id", Takes::Text, On::Both, "resource id of the managed identity, for msi"),
    flag(
        Opt::FederatedTokenFile,
        "federated-token-file",
        Takes::Text,
        On::Both,
        "file with the token of the pod, for workloadidentity",
    )
    .value(Value::File),
    flag(Opt::AuthorityHost, "authority-host", Takes::Text, On::Both, "token service, such as https://login.example.com/"),
    flag(
        Opt::ServiceConnectionId,
        "azure-pipelines-service-connection-id",
        Takes::Text,
        On::Both,
        "service connection, for azurepipelines",
    ),
    flag(Opt::Environment, "environment", Takes::Text, On::Both, "name of the cloud").value(Value::Cloud).short('e'),
    flag(Opt::CacheDir, "cache-dir", Takes::Text, On::Cache, "folder of the token cache").value(Value::Folder),
    flag(Opt::TokenCacheDir, "token-cache-dir", Takes::Text, On::Cache, "folder of the token cache")
        .value(Value::Folder)
        .deprecated("cache-dir"),
    flag(Opt::Subscription, "subscription", Takes::Text, On::Both, "subscription, for azurecli").short('s'),
    flag(
        Opt::Legacy,
        "legacy",
        Takes::Switch,
        On::Both,
        "use the v1 protocol, for clusters of the integration before the managed one",
    ),
    flag(
        Opt::UseAzureRmEnvVars,
        "use-azurerm-env-vars",
        Takes::Switch,
        On::Both,
        "read the variables of the Terraform provider (ARM_…)",
    ),
    flag(Opt::PopEnabled, "pop-enabled", Takes::Switch, On::Both, "ask for a proof-of-possession token"),
    flag(Opt::PopClaims, "pop-claims", Takes::Text, On::Both, "claims of the proof-of-possession token: u=RESOURCE_ID"),
    flag(Opt::Timeout, "timeout", Takes::Duration, On::Network, "time for the whole run (default 1m0s)").kept(),
    flag(
        Opt::DisableEnvironmentOverride,
        "disable-environment-override",
        Takes::Switch,
        On::Both,
        "options are not replaced by environment variables",
    ),
    flag(
        Opt::DisableInstanceDiscovery,
        "disable-instance-discovery",
        Takes::Switch,
        On::Both,
        "ask nobody else about the token service",
    ),
    flag(
        Opt::RedirectUrl,
        "redirect-url",
        Takes::Text,
        On::Both,
        "address on this machine that takes the browser's answer, for interactive",
    ),
    flag(Opt::LoginHint, "login-hint", Takes::Text, On::Both, "user name to sign in, for interactive"),
    flag(
        Opt::CertificateAuthority,
        "certificate-authority",
        Takes::Text,
        On::Network,
        "PEM file with more trusted authorities for the token service",
    )
    .value(Value::File)
    .kept(),
    flag(
        Opt::CertificateAuthorityData,
        "certificate-authority-data",
        Takes::Text,
        On::Network,
        "the same as a kubeconfig carries it: PEM in base64",
    )
    .kept(),
    flag(Opt::Account, "account", Takes::Text, On::Person, "user name of the person, where several are signed in").kept(),
    flag(Opt::CacheStorage, "cache-storage", Takes::Text, On::Cache, "where the cache's key lies: auto, keyring, file or none")
        .value(Value::Of(&["auto", "file", "keyring", "none"]))
        .kept(),
    flag(Opt::Kubeconfig, "kubeconfig", Takes::Text, On::Kubeconfig, "the kubeconfig file").value(Value::File),
    flag(Opt::Context, "context", Takes::Text, On::Kubeconfig, "this context's user only").value(Value::Context),
    flag(Opt::AzureConfigDir, "azure-config-dir", Takes::Text, On::Convert, "folder of the Azure CLI's settings, for azurecli")
        .value(Value::Folder),
    flag(Opt::Strict, "strict", Takes::Switch, On::Convert, "fail, and write nothing, if any user cannot be converted"),
    flag(Opt::DryRun, "dry-run", Takes::Switch, On::Convert, "print the change and write nothing"),
    flag(Opt::NoDescriptions, "no-descriptions", Takes::Switch, On::Completion, "offer words without their descriptions"),
    flag(Opt::All, "all", Takes::Switch, On::Logout, "everybody who is signed in"),
    flag(Opt::Fix, "fix", Takes::Switch, On::Doctor, "put right what can be put right here"),
    flag(Opt::Output, "output", Takes::Text, On::Everywhere, "text or json, for results and for messages")
        .value(Value::Of(&["json", "text"]))
        .short('o'),
    flag(Opt::LogFormat, "log-format", Takes::Text, On::Everywhere, "text or json, for messages on standard error")
        .value(Value::Of(&["json", "text"]))
        .kept(),
    flag(Opt::ExitCodes, "exit-codes", Takes::Switch, On::Everywhere, "tell the kind of a failure by the exit code (2 to 6)")
        .kept(),
    flag(Opt::Verbosity, "v", Takes::Number, On::Everywhere, "how much to tell on standard error").kept().short('v'),
    flag(Opt::LogToStderr, "logtostderr", Takes::Switch, On::Everywhere, "kept for compatibility"),
    flag(Opt::Help, "help", Takes::Switch, On::Everywhere, "this text").short('h'),
    flag(Opt::Version, "version", Takes::Switch, On::Everywhere, "version and build"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_their_ids_and_names_are_unique() {
        for (at, row) in FLAGS.iter().enumerate() {
            assert_eq!(row.id as usize, at, "{}", row.name);
            assert_eq!(FLAGS.iter().filter(|other| other.name == row.name).count(), 1);
            assert!(row.short.is_none_or(|short| FLAGS.iter().filter(|other| other.short == Some(short)).count() == 1));
        }
    }
}
