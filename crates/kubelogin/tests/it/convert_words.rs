//! `convert-kubeconfig` and the words it finds: which of them stay, and which nobody gets to see.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::convert::{AZURE_CLI, Desk, config, stderr};

/// A user whose program has these words.
fn with_words(words: &str) -> Desk {
    Desk::with(&format!("users:\n- name: u\n  user:\n    exec:\n      command: kubelogin\n      args: [get-token, {words}]\n"))
}

/// The words after a conversion.
fn converted(words: &str, to: &[&str]) -> String {
    let desk = with_words(words);
    desk.converts(&[&["--kubeconfig", "config"], to].concat());
    let after = entrance_wire::yaml::parse(&desk.text("config")).expect("YAML");
    let args = after["users"][0]["user"]["exec"]["args"].as_array().expect("a list").clone();
    args.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(" ")
}

#[test]
fn row_16_which_variables_count_is_kept_for_the_same_way_to_sign_in() {
    let ids = "--server-id, S, --client-id, C, --tenant-id, T";
    let both = format!("-lspn, {ids}, --use-azurerm-env-vars, --disable-environment-override");
    let kept = "get-token --login spn --server-id S --client-id C --tenant-id T";
    let spn = |more: &[&str]| converted(&both, &[&["-l", "spn"], more].concat());
    assert_eq!(spn(&[]), format!("{kept} --use-azurerm-env-vars --disable-environment-override"));
    assert_eq!(spn(&["--use-azurerm-env-vars=false"]), format!("{kept} --disable-environment-override"));
    assert_eq!(spn(&["--disable-environment-override"]), format!("{kept} --disable-environment-override --use-azurerm-env-vars"));
    assert_eq!(converted(&both, &["-l", "azurecli"]), "get-token --login azurecli --server-id S");
    // Without a word the way to sign in is the device code.
    assert_eq!(
        converted(&format!("{ids}, --disable-environment-override"), &[]),
        "get-token --login devicecode --server-id S --client-id C --tenant-id T --disable-environment-override"
    );
}

#[test]
fn row_16_what_the_conversion_is_told_about_itself_is_not_written() {
    let own = ["-l", "azurecli", "-v", "1", "--log-format", "json", "--exit-codes", "--timeout", "9s"];
    assert_eq!(converted("--server-id, S", &own), "get-token --login azurecli --server-id S --timeout 9s");
    assert_eq!(
        converted("--server-id, S, -v, '3', --log-format=text, --exit-codes", &own),
        "get-token --login azurecli --server-id S --timeout 9s --log-format text --exit-codes --v 3"
    );
}

#[test]
fn row_16_paths_above_the_folder_stay_as_they_are() {
    let text = "clusters:\n- name: c\n  cluster:\n    certificate-authority: ../../etc/ca.pem\nusers:\n- name: u\n  user:\n    client-key: ../key.pem\n    exec:\n      args:\n      - get-token\n      - --login\n      - spn\n      - --server-id\n      - S\n      - --client-id\n      - C\n      - --tenant-id\n      - T\n      - --client-certificate\n      - ../certs/c.pem\n      command: ../bin/kubelogin\n";
    let desk = Desk::with(text);
    desk.converts(&["--kubeconfig", "config", "-l", "spn"]);
    let after = desk.text("config");
    assert!(text.lines().all(|line| after.lines().any(|other| other == line)), "{after}");
}

#[test]
fn row_21_an_environment_of_ones_own_is_kept_and_a_cloud_is_not_where_the_original_drops_it() {
    let words = |environment: &str| format!("--server-id, S, --tenant-id, T, --environment, {environment}");
    for (login, rest) in [("workloadidentity", ""), ("azurepipelines", " --tenant-id T")] {
        let to = ["-l", login];
        let plain = format!("get-token --login {login} --server-id S{rest}");
        assert_eq!(converted(&words("contoso"), &to), format!("{plain} --environment contoso"));
        assert_eq!(converted(&words("AzureChinaCloud"), &to), plain);
        let address = converted(&words("contoso"), &["-l", login, "--authority-host", "https://login.test/"]);
        assert!(!address.contains("contoso") && address.contains("https://login.test/"), "{address}");
    }
}

#[test]
fn row_17_a_dry_run_shows_no_secret_in_any_layout() {
    let block = "users:\n- name: u\n  user:\n    token: T0-S3CRET\n    exec:\n      args:\n      -   get-token\n      -   --client-secret\n      -   A0-S3CRET\n      -   --server-id\n      -   S\n      command: kubelogin\n      env:\n      - name: AZURE_CLIENT_SECRET\n        value: E0-S3CRET\n      - name: B\n        value: |\n          E1-S3CRET\n          E2-S3CRET\n";
    let value = entrance_wire::yaml::parse(block).expect("YAML");
    let indented = serde_json::to_string_pretty(&value).expect("JSON");
    let flow = indented.replace('"', "").replace("\\n", " ");
    for text in [block.to_owned(), indented, flow, serde_json::to_string(&value).expect("JSON")] {
        let desk = Desk::with(&text);
        let out = desk.convert(&[&AZURE_CLI[..], &["--dry-run"]].concat());
        let shown = String::from_utf8(out.stdout).expect("text");
        assert!(out.status.success() && shown.contains("azurecli") && shown.contains("[hidden]"), "{shown}");
        assert!(!shown.contains("S3CRET"), "{shown}");
        assert_eq!(desk.text("config"), text);
    }
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let desk = Desk::new();
    let pipe = desk.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let start = Instant::now();
    let mut child = desk.command(&["--kubeconfig", "pipe", "-l", "azurecli"]).spawn().expect("it starts");
    while child.try_wait().expect("asked").is_none() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let told = stderr(&child.wait_with_output().expect("it ends"));
    assert_eq!(told, "Error: unable to load kubeconfig: pipe: it is no regular file\n");

    let script = "cat config | \"$0\" convert-kubeconfig --kubeconfig /dev/stdin -l azurecli";
    let desk = Desk::with(&config(1));
    let mut shell = Command::new("bash");
    shell.current_dir(desk.folder.path()).stdin(Stdio::null());
    let out = shell.args(["-c", script, env!("CARGO_BIN_EXE_kubelogin")]).output().expect("bash runs");
    assert!(out.status.code() == Some(1) && stderr(&out).contains("/dev/stdin: it is no regular file"), "{}", stderr(&out));

    let desk = Desk::new();
    let out = desk.command(&["-l", "azurecli"]).env("KUBECONFIG", "/dev/null").output().expect("it runs");
    assert_eq!((out.status.code(), stderr(&out).as_str()), (Some(0), ""), "nothing to convert");
}
