//! What a demo tenant was made of: names, ids and the secrets that scripts need.
//!
//! The server keeps only hashes, so this file (`DATA/demo.json`, 0600) is the one place that knows them. It is written
//! before the tenant is committed: a demo that is killed in between goes on with the same facts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use entrance_model::id::{AppId, AppObjectId, CredentialId, GroupId, ServicePrincipalId, SubscriptionId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::seed::{Part, Person, Seed};

/// The facts of a demo tenant.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoFacts {
    /// People and groups, complete with ids and passwords.
    pub seed: Seed,
    /// The tenant.
    pub tenant: TenantId,
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// The resource group of the journey.
    pub resource_group: String,
    /// The cluster of the journey.
    pub cluster: String,
    /// The pipeline: a service principal with secret, certificate and federated credential.
    pub pipeline: DemoApp,
    /// An API application with a secret.
    pub api: DemoApp,
    /// A web application with a redirect and a logout address.
    pub web: DemoApp,
    /// Where the web application's sign-in answers go.
    pub redirect_uri: String,
    /// Where the browser goes after a sign-out.
    pub post_logout_uri: String,
}

/// An application of the demo.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoApp {
    /// Client id.
    pub app_id: AppId,
    /// Object id of the registration.
    pub object_id: AppObjectId,
    /// Object id of the service principal.
    pub principal: ServicePrincipalId,
    /// Id of the secret.
    pub secret_id: CredentialId,
    /// The secret.
    pub secret: String,
}

impl DemoApp {
    fn new() -> Self {
        Self {
            app_id: AppId::from_uuid(Uuid::new_v4()),
            object_id: AppObjectId::from_uuid(Uuid::new_v4()),
            principal: ServicePrincipalId::from_uuid(Uuid::new_v4()),
            secret_id: CredentialId::from_uuid(Uuid::new_v4()),
            secret: client_secret(),
        }
    }
}

impl DemoFacts {
    /// New ids and secrets for a completed seed.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            tenant: TenantId::from_uuid(Uuid::new_v4()),
            subscription: SubscriptionId::from_uuid(Uuid::new_v4()),
            resource_group: "web".to_owned(),
            cluster: "prod".to_owned(),
            pipeline: DemoApp::new(),
            api: DemoApp::new(),
            web: DemoApp::new(),
            redirect_uri: "https://localhost:9443/signed-in".to_owned(),
            post_logout_uri: "https://localhost:9443/signed-out".to_owned(),
        }
    }

    /// The person who plays a part; a completed seed has one for each.
    ///
    /// # Panics
    ///
    /// When the seed was never completed.
    pub fn person(&self, part: Part) -> &Person {
        self.seed.plays(part).expect("the seed was completed")
    }

    /// The admin group of the cluster.
    ///
    /// # Panics
    ///
    /// When the seed was never completed.
    pub fn admin_group(&self) -> GroupId {
        self.seed.groups.iter().find(|group| group.cluster_admins).and_then(|group| group.id).expect("the seed was completed")
    }

    /// Shell `export` lines for scripts.
    pub fn env(&self, url: &str, ca: &Path, data: &Path) -> String {
        let mut text = String::from("# The demo tenant, for scripts: `. demo.env`. It holds passwords and secrets.\n");
        let files = DemoFiles::in_data(data);
        let person = |part| {
            let person = self.person(part);
            (person.upn.clone(), person.password.clone().unwrap_or_default())
        };
        let (admin, user, other, lock) =
            (person(Part::Administrator), person(Part::Member), person(Part::Outsider), person(Part::LockedOut));
        for (name, value) in [
            ("ENTRANCE_URL", url.to_owned()),
            ("ENTRANCE_CA", ca.display().to_string()),
            ("TENANT", self.tenant.to_string()),
            ("TENANT_DOMAIN", self.seed.domain.clone()),
            ("SUBSCRIPTION", self.subscription.to_string()),
            ("RESOURCE_GROUP", self.resource_group.clone()),
            ("CLUSTER", self.cluster.clone()),
            ("ADMIN_UPN", admin.0),
            ("ADMIN_PASSWORD", admin.1),
            ("USER_UPN", user.0),
            ("USER_PASSWORD", user.1),
            ("OTHER_UPN", other.0),
            ("OTHER_PASSWORD", other.1),
            ("LOCK_UPN", lock.0),
            ("LOCK_PASSWORD", lock.1),
            ("ADMIN_GROUP_ID", self.admin_group().to_string()),
            ("SP_APP_ID", self.pipeline.app_id.to_string()),
            ("SP_SECRET", self.pipeline.secret.clone()),
            ("SP_CERT", files.certificate.display().to_string()),
            ("SP_FIC_TOKEN", files.federated_token.display().to_string()),
            ("API_APP", self.api.app_id.to_string()),
            ("API_SECRET", self.api.secret.clone()),
            ("OIDC_CLIENT_ID", self.web.app_id.to_string()),
            ("OIDC_CLIENT_SECRET", self.web.secret.clone()),
            ("OIDC_REDIRECT_URI", self.redirect_uri.clone()),
            ("POST_LOGOUT_URI", self.post_logout_uri.clone()),
        ] {
            writeln!(text, "export {name}={}", shell_quoted(&value)).expect("a string takes text");
        }
        text
    }
}

/// Files beside the facts.
#[derive(Debug, Clone)]
pub struct DemoFiles {
    /// The facts themselves.
    pub facts: PathBuf,
    /// The same for shells.
    pub env: PathBuf,
    /// The pipeline's private key and certificate, PEM.
    pub certificate: PathBuf,
    /// A token that matches the pipeline's federated credential.
    pub federated_token: PathBuf,
    /// The public keys of that token's issuer.
    pub issuer_keys: PathBuf,
}

impl DemoFiles {
    /// The files of a demo in this data directory.
    pub fn in_data(data: &Path) -> Self {
        Self {
            facts: data.join("demo.json"),
            env: data.join("demo.env"),
            certificate: data.join("demo-pipeline.pem"),
            federated_token: data.join("demo-pipeline.token"),
            issuer_keys: data.join("demo-issuer-keys.json"),
        }
    }
}

/// A text as a single word of a shell.
pub fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A client secret: 233 random bits, with the sign that scanners look for in such secrets. It begins with a letter: a hyphen
/// would be taken for an option on a command line.
pub fn client_secret() -> String {
    let mut bytes = [0_u8; 30];
    rand::fill(&mut bytes).expect("the machine has randomness");
    bytes[0] &= 0x7f;
    let mut secret = BASE64URL.encode(bytes);
    secret.replace_range(3..4, "~");
    secret
}

/// A password that people can read and type: 80 random bits in four groups.
pub fn password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).expect("the machine has randomness");
    let mut password = String::with_capacity(19);
    for (n, byte) in bytes.iter().enumerate() {
        if n > 0 && n % 4 == 0 {
            password.push('-');
        }
        password.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_one_word_of_a_shell() {
        assert_eq!(shell_quoted("it's $HOME"), r"'it'\''s $HOME'");
        let facts = DemoFacts::new(Seed::default().complete(password).expect("complete"));
        let env = facts.env("https://localhost:8443", Path::new("/d/ca.pem"), Path::new("/d"));
        assert_eq!(env.lines().filter(|line| line.starts_with("export ")).count(), 26);
        assert!(env.contains("export TENANT_DOMAIN='contoso.example'"));
    }

    #[test]
    fn secrets_are_long_and_never_the_same() {
        assert_eq!(client_secret().len(), 40);
        assert!(client_secret().contains('~'));
        assert_ne!(client_secret(), client_secret());
        assert_eq!(password().len(), 19);
    }
}
