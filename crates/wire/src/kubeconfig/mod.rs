//! The kubeconfigs that a managed cluster hands out: the user file in its two forms and the admin file; and kubeconfigs of people, [edited](edit).
//!
//! Members stand in one fixed order and equal input gives equal bytes, because `az` replaces an entry silently only when it is equal.

pub mod edit;
mod lines;
pub mod secrets;

use serde_json::{Value, json};

use crate::yaml;

/// What every file of a cluster says: where it is and how to trust it.
#[derive(Debug, Clone, Copy)]
pub struct Cluster<'a> {
    /// The resource's name: name of cluster and context.
    pub name: &'a str,
    /// The resource group, part of the user's name.
    pub resource_group: &'a str,
    /// `https://HOST:PORT`.
    pub server: &'a str,
    /// The cluster's certificate authority in PEM.
    pub authority_pem: &'a str,
}

/// How somebody signs in to the cluster.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// The application whose token the API server accepts.
    pub server_id: &'a str,
    /// The public application that asks for the token.
    pub client_id: &'a str,
    /// The tenant of the cluster's people.
    pub tenant_id: &'a str,
    /// The token service, `https://HOST/` with the slash, where it is not one that the plugin knows by name.
    pub authority_host: Option<&'a str>,
    /// The integration before the managed one: other audience, other protocol version.
    pub legacy: bool,
}

/// R-520, R-525: the user file for the exec plugin.
///
/// # Examples
/// ```
/// use entrance_wire::kubeconfig::{Cluster, SignIn, user_exec};
/// let cluster = Cluster { name: "prod", resource_group: "web", server: "https://127.0.0.1:6443", authority_pem: "CA" };
/// let sign_in = SignIn { server_id: "S", client_id: "C", tenant_id: "T", authority_host: Some("https://localhost:8443/"), legacy: false };
/// assert!(user_exec(&cluster, &sign_in).contains("current-context: prod\n"));
/// ```
pub fn user_exec(cluster: &Cluster<'_>, sign_in: &SignIn<'_>) -> String {
    let mut args = vec![
        "get-token",
        "--environment",
        PUBLIC_CLOUD,
        "--server-id",
        sign_in.server_id,
        "--client-id",
        sign_in.client_id,
        "--tenant-id",
        sign_in.tenant_id,
        // R-524: `az` looks for these two words.
        "--login",
        "devicecode",
    ];
    if sign_in.legacy {
        args.push("--legacy");
    }
    if let Some(host) = sign_in.authority_host {
        args.extend(["--authority-host", host, "--disable-instance-discovery"]);
    }
    let exec = json!({
        "apiVersion": EXEC_V1BETA1,
        "args": args,
        "command": "kubelogin",
        "env": null,
        "installHint": INSTALL_HINT,
        "provideClusterInfo": false,
    });
    file(cluster, &user_name("clusterUser", cluster), &json!({ "exec": exec }))
}

/// R-521, R-522: the user file for the plugin that kubectl had built in until 1.25. It has no place for the token service.
pub fn user_azure(cluster: &Cluster<'_>, sign_in: &SignIn<'_>) -> String {
    let mut config = json!({ "apiserver-id": sign_in.server_id, "client-id": sign_in.client_id });
    if !sign_in.legacy {
        config["config-mode"] = json!("1");
    }
    config["environment"] = json!(PUBLIC_CLOUD);
    config["tenant-id"] = json!(sign_in.tenant_id);
    file(cluster, &user_name("clusterUser", cluster), &json!({ "auth-provider": { "config": config, "name": "azure" } }))
}

/// R-540 to R-542: the admin file with a client certificate.
pub fn admin_certificate(cluster: &Cluster<'_>, certificate_pem: &str, key_pem: &str) -> String {
    file(cluster, &user_name("clusterAdmin", cluster), &certificate(certificate_pem, key_pem))
}

/// R-523: the user file of a cluster without the integration; the same power under the user's name.
pub fn user_certificate(cluster: &Cluster<'_>, certificate_pem: &str, key_pem: &str) -> String {
    file(cluster, &user_name("clusterUser", cluster), &certificate(certificate_pem, key_pem))
}

/// The text that kubectl shows to people who lack the plugin.
pub const INSTALL_HINT: &str = "\nkubelogin is not installed which is required to connect to AAD enabled cluster.\n\nTo learn more, please go to \
                                https://azure.github.io/kubelogin/\n";

/// The version of the plugin interface that the service writes.
pub const EXEC_V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

const PUBLIC_CLOUD: &str = "AzurePublicCloud";

fn user_name(prefix: &str, cluster: &Cluster<'_>) -> String {
    format!("{prefix}_{}_{}", cluster.resource_group, cluster.name)
}

fn certificate(certificate_pem: &str, key_pem: &str) -> Value {
    json!({ "client-certificate-data": base64(certificate_pem), "client-key-data": base64(key_pem) })
}

fn file(cluster: &Cluster<'_>, user: &str, credential: &Value) -> String {
    yaml::show(&json!({
        "apiVersion": "v1",
        "clusters": [{
            "cluster": { "certificate-authority-data": base64(cluster.authority_pem), "server": cluster.server },
            "name": cluster.name,
        }],
        "contexts": [{ "context": { "cluster": cluster.name, "user": user }, "name": cluster.name }],
        "current-context": cluster.name,
        "kind": "Config",
        "preferences": {},
        "users": [{ "name": user, "user": credential }],
    }))
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: Cluster<'_> =
        Cluster { name: "c1", resource_group: "rg", server: "https://127.0.0.1:6443", authority_pem: "CA" };
    const SIGN_IN: SignIn<'_> = SignIn {
        server_id: "srv",
        client_id: "cli",
        tenant_id: "ten",
        authority_host: Some("https://localhost:8443/"),
        legacy: false,
    };

    #[test]
    fn r_520_the_exec_form() {
        let text = user_exec(&CLUSTER, &SIGN_IN);
        assert_eq!(
            text,
            "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://127.0.0.1:6443
  name: c1
contexts:
- context:
    cluster: c1
    user: clusterUser_rg_c1
  name: c1
current-context: c1
kind: Config
preferences: {}
users:
- name: clusterUser_rg_c1
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - get-token
      - --environment
      - AzurePublicCloud
      - --server-id
      - srv
      - --client-id
      - cli
      - --tenant-id
      - ten
      - --login
      - devicecode
      - --authority-host
      - https://localhost:8443/
      - --disable-instance-discovery
      command: kubelogin
      env: null
      installHint: |2

        kubelogin is not installed which is required to connect to AAD enabled cluster.

        To learn more, please go to https://azure.github.io/kubelogin/
      provideClusterInfo: false
"
        );
    }

    #[test]
    fn r_521_the_azure_form_quotes_its_mode() {
        let text = user_azure(&CLUSTER, &SIGN_IN);
        let user = text.split("- name: clusterUser").nth(1).expect("the user's part");
        assert_eq!(
            user,
            "_rg_c1
  user:
    auth-provider:
      config:
        apiserver-id: srv
        client-id: cli
        config-mode: \"1\"
        environment: AzurePublicCloud
        tenant-id: ten
      name: azure
"
        );
    }

    #[test]
    fn r_522_legacy_has_no_mode_and_its_own_word() {
        let legacy = SignIn { legacy: true, ..SIGN_IN };
        assert!(!user_azure(&CLUSTER, &legacy).contains("config-mode"));
        assert!(user_exec(&CLUSTER, &legacy).contains("- devicecode\n      - --legacy\n"));
    }

    #[test]
    fn r_524_and_r_525_the_words_that_az_rewrites_stand_together_and_the_file_says_where_to_sign_in() {
        let text = user_exec(&CLUSTER, &SIGN_IN);
        assert!(text.contains("      - --login\n      - devicecode\n"));
        assert!(text.contains("      - --authority-host\n      - https://localhost:8443/\n"));
        assert_eq!(text.matches("- name: clusterUser_").count(), 1, "az looks at the first user only");
    }

    #[test]
    fn r_540_the_admin_file_is_a_certificate_only() {
        let text = admin_certificate(&CLUSTER, "CERT", "KEY");
        assert!(text.ends_with(
            "- name: clusterAdmin_rg_c1\n  user:\n    client-certificate-data: Q0VSVA==\n    client-key-data: S0VZ\n"
        ));
        assert!(text.contains("    user: clusterAdmin_rg_c1\n  name: c1\ncurrent-context: c1\n"));
    }

    #[test]
    fn equal_input_gives_equal_bytes() {
        assert_eq!(user_exec(&CLUSTER, &SIGN_IN), user_exec(&CLUSTER, &SIGN_IN));
    }
}
