//! The command line of each part of a cluster. Paths are relative: every part is started inside the cluster's folder.

use super::config::{self, AUDIT_POLICY, AUTHORIZATION, TOKEN_WEBHOOK};
use super::home::Record;
use super::pki::CLIENT_CA;
use super::{Part, home::Pool};

/// The arguments of `part`, its command first. Equal records have equal arguments.
pub(super) fn arguments(part: Part, record: &Record) -> Vec<String> {
    let mut args = vec![part.command().to_owned()];
    args.extend(match part {
        Part::Etcd => Vec::new(),
        Part::ApiServer => api_server(record),
        Part::ControllerManager => controller_manager(record),
        Part::Scheduler => scheduler(),
        Part::Nodes => nodes(&record.pools),
    });
    args
}

fn api_server(record: &Record) -> Vec<String> {
    let issuer = format!("https://localhost:{}", record.port);
    let mut args: Vec<String> = vec![
        // The address of the socket may have 107 bytes, so it is named from inside the folder.
        "--etcd-servers=unix://etcd.sock".into(),
        format!("--bind-address={}", record.listen),
        format!("--secure-port={}", record.port),
        format!("--advertise-address={}", record.address().ip()),
        "--endpoint-reconciler-type=none".into(),
        "--tls-cert-file=pki/serving.pem".into(),
        "--tls-private-key-file=pki/serving.pem".into(),
        format!("--client-ca-file={CLIENT_CA}"),
        format!("--service-account-issuer={issuer}"),
        "--service-account-key-file=pki/sa.pub".into(),
        format!("--service-account-signing-key-file={}", record.signing_key()),
        "--service-cluster-ip-range=10.96.0.0/16".into(),
        "--requestheader-client-ca-file=pki/front-proxy-ca.crt".into(),
        "--requestheader-allowed-names=front-proxy-client".into(),
        "--requestheader-username-headers=X-Remote-User".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
        "--proxy-client-cert-file=pki/front-proxy-client.pem".into(),
        "--proxy-client-key-file=pki/front-proxy-client.pem".into(),
    ];
    // At birth, so that turning the integration on later needs no restart: with it off, the webhook's answer is a constant.
    args.extend([
        format!("--authentication-token-webhook-config-file={TOKEN_WEBHOOK}"),
        "--authentication-token-webhook-version=v1".into(),
        "--authentication-token-webhook-cache-ttl=0s".into(),
        format!("--authorization-config={AUTHORIZATION}"),
    ]);
    args.extend([
        format!("--audit-policy-file={AUDIT_POLICY}"),
        "--audit-log-path=logs/audit.log".into(),
        "--audit-log-maxsize=10".into(),
        "--audit-log-maxbackup=2".into(),
        "--enable-admission-plugins=NodeRestriction".into(),
        "--allow-privileged=true".into(),
        "--profiling=false".into(),
    ]);
    args
}

fn controller_manager(record: &Record) -> Vec<String> {
    let kubeconfig = config::kubeconfig_of("controller-manager");
    vec![
        format!("--kubeconfig={kubeconfig}"),
        "--leader-elect=false".into(),
        "--use-service-account-credentials=true".into(),
        format!("--service-account-private-key-file={}", record.signing_key()),
        "--root-ca-file=pki/ca.crt".into(),
        "--cluster-signing-cert-file=pki/ca.crt".into(),
        "--cluster-signing-key-file=pki/ca.pem".into(),
        "--secure-port=0".into(),
        "--profiling=false".into(),
        // With the defaults (20/30) the first service accounts are six seconds late.
        "--kube-api-qps=300".into(),
        "--kube-api-burst=600".into(),
    ]
}

fn scheduler() -> Vec<String> {
    let kubeconfig = config::kubeconfig_of("scheduler");
    vec![
        format!("--kubeconfig={kubeconfig}"),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
        "--profiling=false".into(),
    ]
}

fn nodes(pools: &[Pool]) -> Vec<String> {
    let kubeconfig = config::kubeconfig_of("nodes");
    let mut args = vec![format!("--kubeconfig={kubeconfig}")];
    args.extend(pools.iter().map(|pool| format!("--pool={}={}", pool.prefix, pool.count)));
    args
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::super::Authorizer;
    use super::*;

    fn record(listen: &str) -> Record {
        Record {
            name: "prod".to_owned(),
            listen: listen.parse::<IpAddr>().expect("an address"),
            port: 21_000,
            names: Vec::new(),
            pools: vec![Pool { prefix: "a-".to_owned(), count: 2 }, Pool { prefix: "b-".to_owned(), count: 0 }],
            webhook: "https://127.0.0.1:8444/clusters/x".to_owned(),
            authorizer: Authorizer::Rbac,
            running: true,
            signing: None,
            made: false,
        }
    }

    #[test]
    fn r_402_the_token_webhook_and_the_authorization_file_are_there_from_birth() {
        let args = arguments(Part::ApiServer, &record("127.0.0.1"));
        for wanted in [
            "--authentication-token-webhook-cache-ttl=0s",
            "--authentication-token-webhook-version=v1",
            "--authorization-config=config/authorization.yaml",
            "--client-ca-file=pki/client-ca.crt",
            "--secure-port=21000",
        ] {
            assert!(args.iter().any(|arg| arg == wanted), "{wanted} is missing");
        }
        assert!(!args.iter().any(|arg| arg.starts_with("--authorization-mode")), "the file replaces the flag");
        assert!(!args.iter().any(|arg| arg.contains("=/")), "no flag depends on where the folder is");
    }

    #[test]
    fn the_api_servers_own_audit_log_is_there_from_birth_and_takes_a_bounded_room() {
        let args = arguments(Part::ApiServer, &record("127.0.0.1"));
        for wanted in [
            "--audit-policy-file=config/audit-policy.yaml",
            "--audit-log-path=logs/audit.log",
            "--audit-log-maxsize=10",
            "--audit-log-maxbackup=2",
        ] {
            assert!(args.iter().any(|arg| arg == wanted), "{wanted} is missing");
        }
    }

    #[test]
    fn a_server_on_all_addresses_still_advertises_one() {
        let args = arguments(Part::ApiServer, &record("0.0.0.0"));
        assert!(args.contains(&"--bind-address=0.0.0.0".to_owned()));
        assert!(args.contains(&"--advertise-address=127.0.0.1".to_owned()));
    }

    #[test]
    fn each_pool_is_a_flag_of_the_simulator() {
        assert_eq!(
            arguments(Part::Nodes, &record("127.0.0.1")),
            ["nodes", "--kubeconfig=config/nodes.kubeconfig", "--pool=a-=2", "--pool=b-=0"]
        );
    }

    #[test]
    fn the_root_that_is_published_to_every_namespace_has_no_key() {
        let args = arguments(Part::ControllerManager, &record("127.0.0.1"));
        assert!(args.contains(&"--root-ca-file=pki/ca.crt".to_owned()));
    }
}
