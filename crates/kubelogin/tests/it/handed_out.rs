//! The kubeconfigs that a managed cluster hands out, through `convert-kubeconfig`.

use std::path::Path;
use std::process::{Command, Output};

use entrance_wire::kubeconfig::{Cluster, SignIn, user_azure, user_exec};
use entrance_wire::yaml;
use serde_json::{Value, json};

const CLUSTER: Cluster<'_> = Cluster { name: "c1", resource_group: "rg", server: "https://127.0.0.1:6443", authority_pem: "CA" };
const HOST: &str = "https://localhost:8443/";
const SIGN_IN: SignIn<'_> =
    SignIn { server_id: "srv", client_id: "cli", tenant_id: "ten", authority_host: Some(HOST), legacy: false };

fn convert(folder: &Path, text: &str, words: &[&str], env: &[(&str, &str)]) -> Output {
    std::fs::create_dir_all(folder.join(".kube")).expect("a folder");
    std::fs::write(folder.join(".kube/config"), text).expect("written");
    Command::new(env!("CARGO_BIN_EXE_kubelogin"))
        .arg("convert-kubeconfig")
        .args(words)
        .env_clear()
        .env("HOME", folder)
        .envs(env.iter().copied())
        .output()
        .expect("the program runs")
}

fn exec(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join(".kube/config")).expect("there");
    yaml::parse(&text).expect("YAML")["users"][0]["user"]["exec"].clone()
}

#[test]
fn row_16_the_authority_stays_through_every_conversion() {
    let home = tempfile::tempdir().expect("a folder");
    let out = convert(home.path(), &user_exec(&CLUSTER, &SIGN_IN), &["-l", "interactive"], &[]);
    assert!(out.status.success() && out.stdout.is_empty() && out.stderr.is_empty());
    let args = json!([
        "get-token",
        "--login",
        "interactive",
        "--server-id",
        "srv",
        "--client-id",
        "cli",
        "--tenant-id",
        "ten",
        "--environment",
        "AzurePublicCloud",
        "--authority-host",
        HOST,
        "--disable-instance-discovery"
    ]);
    assert_eq!(exec(home.path())["args"], args);
}

#[test]
fn what_az_calls_by_itself_converts_the_file_in_the_home_folder() {
    let home = tempfile::tempdir().expect("a folder");
    let before = user_exec(&CLUSTER, &SIGN_IN);
    let out = convert(home.path(), &before, &["-l", "azurecli"], &[]);
    assert!(out.status.success());
    let args = json!([
        "get-token",
        "--login",
        "azurecli",
        "--server-id",
        "srv",
        "--authority-host",
        HOST,
        "--disable-instance-discovery"
    ]);
    assert_eq!(exec(home.path())["args"], args);
    // Nothing but the words has changed.
    let text = std::fs::read_to_string(home.path().join(".kube/config")).expect("there");
    let rest = |text: &str| text.lines().filter(|line| !line.starts_with("      - ")).map(ToOwned::to_owned).collect::<Vec<_>>();
    assert_eq!(rest(&text), rest(&before));
}

#[test]
fn r_521_the_azure_form_learns_its_authority_from_whoever_converts() {
    let home = tempfile::tempdir().expect("a folder");
    let tail = |folder: &Path| exec(folder)["args"].as_array().map(|args| args[args.len() - 3..].to_vec());
    let wanted = json!(["--authority-host", HOST, "--disable-instance-discovery"]).as_array().cloned();
    assert!(convert(home.path(), &user_azure(&CLUSTER, &SIGN_IN), &["--authority-host", HOST], &[]).status.success());
    assert_eq!(tail(home.path()), wanted);
    assert!(
        convert(home.path(), &user_azure(&CLUSTER, &SIGN_IN), &[], &[("AZURE_AUTHORITY_HOST", "https://localhost:8443")])
            .status
            .success()
    );
    assert_eq!(tail(home.path()), wanted);
    // Nobody said where: the words are those of the original.
    assert!(convert(home.path(), &user_azure(&CLUSTER, &SIGN_IN), &[], &[]).status.success());
    assert_eq!(tail(home.path()), json!(["ten", "--environment", "AzurePublicCloud"]).as_array().cloned());
}

#[test]
fn converting_twice_changes_nothing_more() {
    let home = tempfile::tempdir().expect("a folder");
    for words in [&["-l", "devicecode"][..], &["-l", "spn"], &["-l", "interactive"]] {
        assert!(convert(home.path(), &user_exec(&CLUSTER, &SIGN_IN), words, &[]).status.success());
        let once = std::fs::read_to_string(home.path().join(".kube/config")).expect("there");
        assert!(convert(home.path(), &once, words, &[]).status.success());
        assert_eq!(std::fs::read_to_string(home.path().join(".kube/config")).expect("there"), once);
    }
}

#[test]
fn row_16_one_user_that_cannot_be_converted_does_not_block_the_others() {
    let home = tempfile::tempdir().expect("a folder");
    let broken = "- name: broken\n  user:\n    exec:\n      command: kubelogin\n      args: [get-token]\n";
    let text = user_exec(&CLUSTER, &SIGN_IN) + broken;
    let out = convert(home.path(), &text, &["-l", "azurecli"], &[]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success() && said.contains("Warning: user \"broken\" stays as it is: --server-id is required"), "{said}");
    assert_eq!(exec(home.path())["args"][2], json!("azurecli"));
    let out = convert(home.path(), &text, &["-l", "azurecli", "--strict"], &[]);
    assert!(!out.status.success());
    assert_eq!(std::fs::read_to_string(home.path().join(".kube/config")).expect("there"), text);
}
