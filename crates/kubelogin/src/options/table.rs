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
    Account,
    CacheStorage,
    Kubeconfig,
    Context,
    AzureConfigDir,
    Strict,
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

/// The commands that know an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// All.
    Everywhere,
    /// `get-token` and `convert-kubeconfig`, and what asks the same questions: `whoami` and `doctor`.
    Both,
    /// `convert-kubeconfig` only.
    Convert,
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
    /// The name to use instead.
    pub(crate) deprecated: Option<&'static str>,
    pub(crate) help: &'static str,
}

const fn flag(id: Opt, name: &'static str, takes: Takes, on: On, help: &'static str) -> Flag {
    Flag { id, name, short: None, takes, on, deprecated: None, help }
}

impl Flag {
    const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    const fn deprecated(self, instead: &'static str) -> Self {
        Self { deprecated: Some(instead), ..self }
    }
}

/// The rows, in the order of [`Opt`].
pub(crate) const FLAGS: &[Flag] = &[
    flag(Opt::Login, "login", Takes::Text, On::Both, "how to sign in").short('l'),
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
    ),
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
    ),
    flag(Opt::AuthorityHost, "authority-host", Takes::Text, On::Both, "token service, such as https://login.example.com/"),
    flag(
        Opt::ServiceConnectionId,
        "azure-pipelines-service-connection-id",
        Takes::Text,
        On::Both,
        "service connection, for azurepipelines",
    ),
    flag(Opt::Environment, "environment", Takes::Text, On::Both, "name of the cloud").short('e'),
    flag(Opt::CacheDir, "cache-dir", Takes::Text, On::Cache, "folder of the token cache"),
    flag(Opt::TokenCacheDir, "token-cache-dir", Takes::Text, On::Cache, "folder of the token cache").deprecated("cache-dir"),
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
    flag(Opt::Timeout, "timeout", Takes::Duration, On::Network, "time for the whole run (default 1m0s)"),
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
    ),
    flag(Opt::Account, "account", Takes::Text, On::Person, "user name of the person, where several are signed in"),
    flag(Opt::CacheStorage, "cache-storage", Takes::Text, On::Cache, "where the cache's key lies: auto, keyring, file or none"),
    flag(Opt::Kubeconfig, "kubeconfig", Takes::Text, On::Kubeconfig, "the kubeconfig file"),
    flag(Opt::Context, "context", Takes::Text, On::Kubeconfig, "this context's user only"),
    flag(Opt::AzureConfigDir, "azure-config-dir", Takes::Text, On::Convert, "folder of the Azure CLI's settings, for azurecli"),
    flag(Opt::Strict, "strict", Takes::Switch, On::Convert, "fail if any user could not be converted"),
    flag(Opt::All, "all", Takes::Switch, On::Logout, "everybody who is signed in"),
    flag(Opt::Fix, "fix", Takes::Switch, On::Doctor, "put right what can be put right here"),
    flag(Opt::Output, "output", Takes::Text, On::Everywhere, "text or json, for results and for messages").short('o'),
    flag(Opt::LogFormat, "log-format", Takes::Text, On::Everywhere, "text or json, for messages on standard error"),
    flag(Opt::ExitCodes, "exit-codes", Takes::Switch, On::Everywhere, "tell the kind of a failure by the exit code (2 to 6)"),
    flag(Opt::Verbosity, "v", Takes::Number, On::Everywhere, "how much to tell on standard error").short('v'),
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
