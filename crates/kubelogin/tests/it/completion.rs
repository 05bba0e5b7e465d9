//! Completion in the shells themselves, and the manual page in the formatter; shells that the machine does not have are left to others.

use std::path::Path;
use std::process::{Command, Stdio};

fn kubelogin(words: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_kubelogin")).args(words).output().expect("the program runs");
    assert!(out.status.success(), "{words:?}");
    String::from_utf8(out.stdout).expect("text")
}

fn has(shell: &str) -> bool {
    Command::new(shell).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Runs a script of a shell with our program first on `PATH` and a kubeconfig at home.
fn run(shell: &str, words: &[&str], script: &str) -> String {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(home.path().join(".kube")).expect("a folder");
    std::fs::write(home.path().join(".kube/config"), "contexts:\n- name: prod\n- name: $(touch hacked)\n- name: a:b\n")
        .expect("written");
    std::fs::write(home.path().join("file.txt"), "").expect("written");
    let folder = Path::new(env!("CARGO_BIN_EXE_kubelogin")).parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let out = Command::new(shell)
        .args(words)
        .args(["-c", script])
        .current_dir(home.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", home.path())
        .output()
        .expect("the shell runs");
    assert!(!home.path().join("hacked").exists(), "a context's name was run");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{shell}: {text}{}", String::from_utf8_lossy(&out.stderr));
    text
}

/// What bash offers for a line that ends at the cursor.
fn bash(line: &str, kind: char) -> Vec<String> {
    let script = format!(
        "source <(kubelogin completion bash); COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE={}; __kubelogin; \
         ((${{#COMPREPLY[@]}} == 0)) || printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        u32::from(kind)
    );
    run("bash", &["--norc"], &script).lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_offers_words_with_descriptions_and_inserts_them_without() {
    assert_eq!(bash("kubelogin get-t", '\t'), ["get-token"]);
    assert_eq!(bash("kubelogin get-token -l inter", '\t'), ["interactive"]);
    assert_eq!(bash("kubelogin get-token --login=inter", '\t'), ["interactive"]);
    let shown = bash("kubelogin get-token --login az", '?');
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[0].starts_with("azd             (whoever"), "{shown:?}");
    assert_eq!(bash("kubelogin get-token --login az", '%'), ["azd", "azurecli", "azurepipelines"]);
    assert_eq!(bash("kubelogin get-token --server-id ", '\t'), [""; 0]);
}

#[test]
fn bash_quotes_the_names_of_contexts_and_runs_none() {
    assert_eq!(bash("kubelogin convert-kubeconfig --context ", '%'), ["\\$\\(touch\\ hacked\\)", "a:b", "prod"]);
    // Readline replaces what follows the colon only.
    assert_eq!(bash("kubelogin convert-kubeconfig --context a:", '\t'), ["b"]);
}

#[test]
fn fish_offers_words_contexts_and_files() {
    if !has("fish") {
        return;
    }
    let offers = |line: &str| {
        let script = format!("kubelogin completion fish | source; complete -C '{line}'");
        run("fish", &["--no-config"], &script)
            .lines()
            .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(offers("kubelogin get-token -l az"), ["azd", "azurecli", "azurepipelines"]);
    assert_eq!(offers("kubelogin get-token --login=az"), ["--login=azd", "--login=azurecli", "--login=azurepipelines"]);
    assert!(offers("kubelogin convert-kubeconfig --context ").contains(&"prod".to_owned()));
    assert!(offers("kubelogin convert-kubeconfig --kubeconfig fi").contains(&"file.txt".to_owned()));
    assert_eq!(offers("kubelogin get-token --server-id "), [""; 0]);
}

#[test]
fn zsh_loads_the_script_and_offers_words() {
    if !has("zsh") {
        return;
    }
    // Completion itself wants a terminal; what it would offer is asked of the functions it calls.
    let offers = |words: &str, current: usize| {
        let script = format!(
            "compdef() {{ :; }}; source <(kubelogin completion zsh); compset() {{ :; }}; _files() {{ print FILES \"$@\"; }}; \
             _describe() {{ local name=${{@[-1]}}; print -rl -- \"${{(@P)name}}\"; }}; words=({words}); CURRENT={current}; _kubelogin || true"
        );
        run("zsh", &["-f"], &script).lines().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(offers("kubelogin get-token -l azurec", 4), ["azurecli:whoever is signed in to the Azure CLI"]);
    assert_eq!(offers("kubelogin convert-kubeconfig --context ''", 4), ["$(touch hacked)", "a\\:b", "prod"]);
    assert_eq!(offers("kubelogin convert-kubeconfig --kubeconfig ''", 4), ["FILES"]);
    assert_eq!(offers("kubelogin remove-cache-dir --cache-dir ''", 4), ["FILES -/"]);
}

#[test]
fn the_protocol_is_the_one_that_installed_scripts_speak() {
    assert_eq!(
        kubelogin(&["__complete", "get-token", "--login", "dev"]),
        "devicecode\ta code that is entered in a browser on any device\n:4\n"
    );
    assert_eq!(kubelogin(&["__completeNoDesc", "get-token", "--login", "dev"]), "devicecode\n:4\n");
    assert_eq!(kubelogin(&["__complete", "convert-kubeconfig", "--kubeconfig", ""]), ":0\n");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(kubelogin(&["completion", shell]).contains("kubelogin __complete "));
        assert!(kubelogin(&["completion", shell, "--no-descriptions"]).contains("kubelogin __completeNoDesc "));
    }
}

#[test]
fn the_manual_page_is_taken_by_the_formatter_without_a_warning() {
    if !has("groff") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("kubelogin.1");
    std::fs::write(&page, kubelogin(&["man"])).expect("written");
    let out = Command::new("groff").args(["-man", "-ww", "-Tascii", "-P-cbou"]).arg(&page).output().expect("it runs");
    assert_eq!((out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned()), (true, String::new()));
    let text = String::from_utf8_lossy(&out.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["kubelogin - signs people", "--pop-claims TEXT", "AZURE_CLIENT_ID"] {
        assert!(text.contains(part), "{part}");
    }
}
