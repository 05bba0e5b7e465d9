//! What a user entry says about its sign-in, in either of its two forms.

use entrance_wire::kubeconfig::edit::User;
use serde_json::{Value, json};

use crate::options::{Given, Opt, Settings};

/// The values of one user that is ours.
pub(super) struct Input {
    /// From `auth-provider`, which wins over the words.
    provider: Option<Provider>,
    /// The words of `exec`.
    words: Given,
    has_foreign_words: bool,
    /// The program's path.
    pub(super) command: Option<String>,
    pub(super) install_hint: Option<String>,
    env: Vec<Value>,
}

struct Provider {
    server: Option<String>,
    client: Option<String>,
    tenant: Option<String>,
    environment: Option<String>,
    legacy: bool,
}

impl Input {
    /// The values, if the entry is for us: the provider `azure`, or a program whose name holds `kubelogin`.
    pub(super) fn of(user: &User<'_>) -> Option<Self> {
        let provider = user.provider.filter(|provider| text(provider, "name").as_deref() == Some("azure"));
        let exec = user
            .exec
            .filter(|exec| text(exec, "command").is_some_and(|command| command.to_ascii_lowercase().contains("kubelogin")));
        if provider.is_none() && exec.is_none() {
            return None;
        }
        let words: Vec<String> = exec
            .and_then(|exec| exec.get("args"))
            .and_then(Value::as_array)
            .map(|args| args.iter().map(as_text).collect())
            .unwrap_or_default();
        Some(Self {
            provider: provider.map(Provider::of),
            has_foreign_words: words.iter().any(|word| word.starts_with("--oidc-")),
            words: Given::read_leniently(&words),
            command: exec.and_then(|exec| text(exec, "command")),
            install_hint: exec.and_then(|exec| text(exec, "installHint")),
            env: exec.and_then(|exec| exec.get("env")).and_then(Value::as_array).cloned().unwrap_or_default(),
        })
    }

    /// A user of the other program of the same name, which speaks to any OIDC provider.
    pub(super) fn is_foreign(&self) -> bool {
        self.provider.is_none() && self.has_foreign_words && !self.words.has(Opt::ServerId)
    }

    /// One of the values that both forms have, or a word.
    pub(super) fn text(&self, id: Opt) -> Option<&str> {
        if let Some(provider) = &self.provider {
            let value = match id {
                Opt::ServerId => &provider.server,
                Opt::ClientId => &provider.client,
                Opt::TenantId => &provider.tenant,
                Opt::Environment => &provider.environment,
                _ => return self.word(id),
            };
            return value.as_deref();
        }
        self.word(id)
    }

    /// A switch among the words.
    pub(super) fn is_on(&self, id: Opt) -> bool {
        self.words.is_on(id)
    }

    /// The integration before the managed one.
    pub(super) fn is_legacy(&self) -> bool {
        self.provider.as_ref().map_or_else(|| self.words.is_on(Opt::Legacy), |provider| provider.legacy)
    }

    /// There is no place in the provider's form for a token service.
    pub(super) fn is_provider(&self) -> bool {
        self.provider.is_some()
    }

    /// The variables for the program: those that were there, and the Azure CLI's folder if that was named.
    pub(super) fn environment(&self, settings: &Settings) -> Value {
        let mut env = self.env.clone();
        if settings.login == crate::login::Login::AzureCli
            && let Some(folder) = settings.flag(Opt::AzureConfigDir)
        {
            env.retain(|entry| text(entry, "name").as_deref() != Some("AZURE_CONFIG_DIR"));
            env.push(json!({ "name": "AZURE_CONFIG_DIR", "value": folder }));
        }
        if env.is_empty() { Value::Null } else { Value::Array(env) }
    }

    fn word(&self, id: Opt) -> Option<&str> {
        self.words.text(id).filter(|text| !text.is_empty())
    }
}

impl Provider {
    fn of(provider: &Value) -> Self {
        let config = provider.get("config").unwrap_or(&Value::Null);
        let text = |key: &str| text(config, key).filter(|text| !text.is_empty());
        Self {
            server: text("apiserver-id"),
            client: text("client-id"),
            tenant: text("tenant-id"),
            environment: text("environment"),
            legacy: text("config-mode").is_none_or(|mode| mode == "0"),
        }
    }
}

/// A member as text; people forget quotes around numbers.
fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).filter(|value| !value.is_null()).map(as_text)
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
