//! `convert-kubeconfig` beyond what the original was seen to do: nothing is lost, whatever happens to the process, the disk or the file.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A folder with kubeconfigs, and somebody who converts them.
pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn with(text: &str) -> Self {
        let desk = Self::new();
        desk.put("config", text);
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("written");
        path
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("it is there")
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        let mut names: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().display().to_string()).collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubelogin"));
        command.env_clear().env("HOME", self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.arg("convert-kubeconfig").args(words);
        command
    }

    pub(crate) fn convert(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("the program runs")
    }

    pub(crate) fn converts(&self, words: &[&str]) -> String {
        let out = self.convert(words);
        assert!(out.status.success(), "{}", stderr(&out));
        stderr(&out)
    }

    /// The one sentence that it fails with, on which it must not have written anything.
    pub(crate) fn refuses(&self, words: &[&str]) -> String {
        let before = self.names();
        let out = self.convert(words);
        assert_eq!(out.status.code(), Some(1), "{}", stderr(&out));
        assert!(out.stdout.is_empty());
        assert_eq!(self.names(), before);
        let text = stderr(&out);
        assert!(text.starts_with("Error: ") && text.lines().count() <= 3 && !text.contains("panicked"), "{text}");
        text
    }
}

pub(crate) fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// A kubeconfig with users as clusters hand them out.
pub(crate) fn config(users: usize) -> String {
    let mut text = String::from("# mine\napiVersion: v1\nkind: Config\ncurrent-context: c0\ncontexts:\n");
    for at in 0..users {
        let _ = write!(text, "- context:\n    cluster: c{at}\n    user: u{at}\n  name: c{at}\n");
    }
    text += "users:\n";
    for at in 0..users {
        text += &user(&format!("u{at}"), "devicecode");
    }
    text
}

pub(crate) fn user(name: &str, login: &str) -> String {
    format!(
        "# {name}\n- name: {name}\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      args:\n      - get-token\n      - --server-id\n      - SERVER # theirs\n      - --client-id\n      - CLIENT\n      - --tenant-id\n      - TENANT\n      - --login\n      - {login}\n      command: kubelogin\n"
    )
}

pub(crate) const AZURE_CLI: [&str; 4] = ["--kubeconfig", "config", "-l", "azurecli"];

#[test]
fn row_16_comments_order_and_unknown_members_stay() {
    let text = format!("{}      x-mine: 1 # kept\n      interactiveMode: Never\n# the end\n", config(1));
    let desk = Desk::with(&text);
    assert_eq!(desk.converts(&AZURE_CLI), "");
    let after = desk.text("config");
    let removed: Vec<&str> = text.lines().filter(|line| !after.contains(*line)).collect();
    assert_eq!(removed, ["      - --client-id", "      - CLIENT", "      - --tenant-id", "      - TENANT", "      - devicecode"]);
    for kept in ["# mine", "# u0", "- SERVER # theirs", "x-mine: 1 # kept", "interactiveMode: Never", "# the end"] {
        assert!(after.contains(kept), "{kept} in {after}");
    }
    assert_eq!(desk.converts(&AZURE_CLI), "");
    assert_eq!(desk.text("config"), after, "a second time changes nothing");
}

#[test]
fn row_16_words_of_the_same_way_to_sign_in_are_kept_in_every_spelling() {
    let words = |desk: &Desk| {
        let after = entrance_wire::yaml::parse(&desk.text("config")).expect("YAML");
        let args = after["users"][0]["user"]["exec"]["args"].as_array().expect("a list").clone();
        args.iter().filter_map(|word| word.as_str().map(ToOwned::to_owned)).collect::<Vec<_>>().join(" ")
    };
    for (login, kept) in [
        ("msi", "--client-id C"),
        ("azurecli", "--tenant-id T --subscription X"),
        ("azd", "--tenant-id T"),
        ("spn", "--client-id C --tenant-id T --client-certificate /c.pem"),
        ("ropc", "--client-id C --tenant-id T --username ann"),
        ("azurepipelines", "--tenant-id T --azure-pipelines-service-connection-id Z"),
        ("devicecode", "--client-id C --tenant-id T"),
    ] {
        let all = "--client-id=C, -t, T, -sX, --client-certificate, /c.pem, --username, ann, --azure-pipelines-service-connection-id=Z, --client-secret, S3CRET, --password=S3CRET";
        let desk = Desk::with(&format!(
            "users: [{{name: u, user: {{exec: {{command: kubelogin, args: [get-token, -l{login}, --server-id, S, {all}]}}}}}}]\n"
        ));
        desk.converts(&["--kubeconfig", "config", "-l", login]);
        assert_eq!(words(&desk), format!("get-token --login {login} --server-id S {kept}"));
    }
    let text = "users:\n- name: u\n  user:\n    exec:\n      command: /opt/bin/KubeLogin\n      args: [get-token, -l=workloadidentity, --server-id=S, -tT, --federated-token-file=/run/t, --authority-host=https://h.test/, --timeout=9s, -v, 3]\n      env: [{name: A, value: b}]\n";
    let desk = Desk::with(text);
    desk.converts(&["--kubeconfig", "config", "-l", "workloadidentity"]);
    let after = entrance_wire::yaml::parse(&desk.text("config")).expect("YAML");
    let exec = &after["users"][0]["user"]["exec"];
    assert_eq!(
        words(&desk),
        "get-token --login workloadidentity --server-id S --tenant-id T --authority-host https://h.test/ --federated-token-file /run/t --timeout 9s --v 3"
    );
    assert_eq!((&exec["command"], &exec["env"][0]["value"]), (&"/opt/bin/KubeLogin".into(), &"b".into()));
}

#[test]
fn row_16_of_one_name_in_two_files_the_first_counts() {
    let desk = Desk::new();
    let first = desk.put("a", &format!("users:\n{}", user("same", "devicecode")));
    let second = desk.put("b", &format!("users:\n{}{}", user("same", "spn"), user("other", "spn")));
    let before = desk.text("b");
    let list = format!("{}:{}", first.display(), second.display());
    let out = desk.command(&["-l", "azurecli"]).env("KUBECONFIG", list).output().expect("it runs");
    assert!(out.status.success(), "{}", stderr(&out));
    assert!(desk.text("a").contains("azurecli"));
    let same = user("same", "spn");
    assert!(desk.text("b").contains(&same) && before.contains(&same), "the second one is hidden by the first");
    assert!(desk.text("b").contains("azurecli"), "the other user of the second file is not");
}

#[test]
fn row_16_one_user_that_cannot_be_converted_stops_the_others_only_when_strict() {
    let broken = "- name: broken\n  user:\n    exec:\n      command: kubelogin\n      args: [get-token]\n";
    let desk = Desk::with(&format!("{}{broken}", config(1)));
    let before = desk.text("config");
    let told = desk.refuses(&[&AZURE_CLI[..], &["--strict"]].concat());
    assert_eq!(told, "Error: user \"broken\": --server-id is required\n");
    assert_eq!(desk.text("config"), before);
    assert_eq!(desk.converts(&AZURE_CLI), "Warning: user \"broken\" stays as it is: --server-id is required\n");
    assert!(desk.text("config").contains("azurecli") && desk.text("config").contains(broken));
}

#[test]
fn row_16_users_of_the_other_program_stay_with_a_note() {
    let other =
        "- name: oidc\n  user:\n    exec:\n      command: kubelogin\n      args: [get-token, --oidc-issuer-url=https://x]\n";
    let desk = Desk::with(&format!("{}{other}", config(1)));
    let told = desk.converts(&AZURE_CLI);
    assert!(told.contains("\"oidc\"") && told.contains("another program"), "{told}");
    assert!(desk.text("config").contains(other));
}

#[test]
fn row_17_mode_links_and_neighbours_stay() {
    let desk = Desk::new();
    let real = desk.put("real/config", &config(1));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("set");
    std::os::unix::fs::symlink(&real, desk.path("config")).expect("linked");
    desk.converts(&AZURE_CLI);
    assert!(fs::symlink_metadata(desk.path("config")).expect("there").is_symlink());
    assert!(desk.text("real/config").contains("azurecli"));
    assert_eq!(fs::metadata(&real).expect("there").permissions().mode() & 0o7777, 0o640);
    assert_eq!(desk.names(), ["config", "real"]);
    assert_eq!(fs::read_dir(desk.path("real")).expect("a folder").count(), 1);
}

#[test]
fn row_17_a_dry_run_prints_the_change_and_makes_none() {
    let desk = Desk::with(&config(2));
    let before = desk.text("config");
    let out = desk.convert(&[&AZURE_CLI[..], &["--dry-run", "--context", "c1"]].concat());
    let diff = String::from_utf8(out.stdout).expect("text");
    assert!(out.status.success() && diff.starts_with("--- config\n+++ config\n@@ "), "{diff}");
    assert!(diff.contains("\n-      - devicecode\n") && diff.contains("\n+      - azurecli\n"), "{diff}");
    assert_eq!((desk.text("config"), desk.names()), (before, vec!["config".to_owned()]));
    // What it shows is what happens: `patch` understands it where the machine has it.
    desk.put("diff", &diff);
    desk.put("copy", &desk.text("config"));
    if let Ok(done) = Command::new("patch").args(["-s", "copy", "diff"]).current_dir(desk.folder.path()).output() {
        assert!(done.status.success(), "{}", stderr(&done));
        desk.converts(&[&AZURE_CLI[..], &["--context", "c1"]].concat());
        assert_eq!(desk.text("copy"), desk.text("config"));
    }
    let nothing = desk.convert(&[&AZURE_CLI[..], &["--dry-run", "--context", "c1"]].concat());
    assert_eq!((stderr(&nothing).as_str(), nothing.stdout.len()), ("Nothing would change.\n", 0));
}

#[test]
fn row_17_a_lock_that_was_left_behind_is_broken() {
    let desk = Desk::with(&config(1));
    let lock = fs::File::create(desk.path("config.lock")).expect("made");
    lock.set_permissions(fs::Permissions::from_mode(0o0)).expect("set");
    lock.set_modified(std::time::SystemTime::now() - Duration::from_mins(1)).expect("set");
    desk.converts(&AZURE_CLI);
    assert_eq!(desk.names(), ["config"]);
}

#[test]
fn row_17_a_program_that_writes_meanwhile_is_waited_for_and_its_change_stays() {
    let desk = Desk::with(&config(1));
    let lock = desk.put("config.lock", "");
    let running = desk.command(&AZURE_CLI).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(300));
    desk.put("config", &config(1).replace("current-context: c0", "current-context: other"));
    fs::remove_file(lock).expect("removed");
    let out = running.wait_with_output().expect("it ends");
    assert!(out.status.success(), "{}", stderr(&out));
    let after = desk.text("config");
    assert!(after.contains("current-context: other") && after.contains("azurecli"), "{after}");
}

#[test]
fn row_17_many_at_once_leave_one_whole_file() {
    let desk = Desk::with(&config(50));
    let running: Vec<_> = ["azurecli", "devicecode", "azd", "interactive"]
        .iter()
        .cycle()
        .take(12)
        .map(|login| {
            desk.command(&["--kubeconfig", "config", "-l", login, "--client-id", "C", "-t", "T"]).spawn().expect("it starts")
        })
        .collect();
    for child in running {
        let out = child.wait_with_output().expect("it ends");
        assert!(out.status.success(), "{}", stderr(&out));
    }
    let after = entrance_wire::yaml::parse(&desk.text("config")).expect("YAML");
    let login = |user: &serde_json::Value| user["user"]["exec"]["args"][2].clone();
    let users = after["users"].as_array().expect("a list");
    assert!(users.len() == 50 && users.iter().all(|user| login(user) == login(&users[0])), "half a file was converted");
    assert_eq!(desk.names(), ["config"]);
}

#[test]
fn row_17_killed_at_any_moment_the_file_is_the_old_one_or_the_new_one() {
    let old = config(300);
    let desk = Desk::with(&old);
    desk.converts(&AZURE_CLI);
    let new = desk.text("config");
    let (mut kept, mut replaced) = (0, 0);
    for round in 0..60_u64 {
        desk.put("config", &old);
        let mut child = desk.command(&AZURE_CLI).spawn().expect("it starts");
        // Early, late, and often while it writes: when the new text or the lock appears.
        if round % 3 == 0 {
            std::thread::sleep(Duration::from_micros(round * 700));
        } else {
            let file = desk.path(if round % 3 == 1 { "config.kubelogin-new" } else { "config.lock" });
            for _ in 0..200_000 {
                if file.exists() || child.try_wait().expect("asked").is_some() {
                    break;
                }
            }
            std::thread::sleep(Duration::from_micros((round % 10) * 60));
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
        let after = desk.text("config");
        assert!(after == old || after == new, "round {round}: half a file of {} bytes", after.len());
        if after == old { kept += 1 } else { replaced += 1 }
    }
    assert!(kept > 5, "{kept} times killed before, {replaced} times after");
    // Nothing that was left behind is in the way of the next one.
    let left = desk.names();
    desk.put("config", &old);
    desk.converts(&AZURE_CLI);
    assert_eq!((desk.text("config"), desk.names()), (new, vec!["config".to_owned()]), "left: {left:?}");
}

#[test]
fn bad_files_are_refused_in_one_sentence_and_keep_every_byte() {
    let bomb = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        text + &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "))
    });
    for (text, part) in [
        ("users: [\n".to_owned(), "line "),
        ("users:\n- name: u\n  user:\n\texec: x\n".to_owned(), "unable to load kubeconfig"),
        ("a: b: c\n".to_owned(), "unable to load kubeconfig"),
        ("just words\n".to_owned(), "it is not a kubeconfig"),
        ("users:\n- name: u\n- name: u\n".to_owned(), "two users named \"u\""),
        ("[".repeat(100_000), "unable to load kubeconfig"),
        (bomb, "unable to load kubeconfig"),
        (format!("a: {}\nusers:\n{}", "\u{1b}[31m", config(1)), "unable to load kubeconfig"),
    ] {
        let desk = Desk::with(&text);
        let told = desk.refuses(&AZURE_CLI);
        assert!(told.contains(part) && told.contains("config") && !told.contains('\u{1b}') && told.len() < 600, "{told}");
        assert_eq!(desk.text("config"), text);
    }
    let desk = Desk::new();
    fs::write(desk.path("config"), b"users: \xff\xfe\n").expect("written");
    assert_eq!(desk.refuses(&AZURE_CLI), "Error: unable to load kubeconfig: config: it is not UTF-8 text\n");
    fs::create_dir(desk.path("folder")).expect("a folder");
    assert!(desk.refuses(&["--kubeconfig", "folder"]).contains("folder"));
}

#[test]
fn a_file_that_is_too_large_is_not_read_and_a_large_one_is_converted() {
    let desk = Desk::new();
    let file = fs::File::create(desk.path("config")).expect("made");
    file.set_len(70 << 20).expect("sparse");
    assert_eq!(desk.refuses(&AZURE_CLI), "Error: unable to load kubeconfig: config: it has 70 MiB; more than 32 are not read\n");
    let with_certificate = |size: usize| {
        let certificate = "QUJD".repeat(size / 4);
        (format!("clusters:\n- cluster:\n    certificate-authority-data: {certificate}\n  name: c\n{}", config(1)), certificate)
    };
    let (text, certificate) = with_certificate(1 << 20);
    let desk = Desk::with(&text);
    desk.converts(&AZURE_CLI);
    assert!(desk.text("config").contains(&certificate) && desk.text("config").contains("azurecli"));
    // One that would not be read again is not written.
    let (text, _) = with_certificate((32 << 20) - 500);
    let desk = Desk::with(&text);
    assert!(text.len() < 32 << 20, "it is read");
    assert_eq!(
        desk.refuses(&AZURE_CLI),
        "Error: config would have more than 32 MiB, which are not read again; nothing was changed\n"
    );
    assert_eq!(desk.text("config"), text);
}

#[test]
fn values_with_quotes_and_line_breaks_come_out_as_they_went_in() {
    let nasty = "a'b\"c\nd: #e $(touch x) `touch y` \u{1b}[0m \\";
    let desk = Desk::with(&config(1));
    desk.converts(&["--kubeconfig", "config", "-l", "spn", "--client-id", nasty, "--client-secret", nasty]);
    let after = entrance_wire::yaml::parse(&desk.text("config")).expect("YAML");
    let args = after["users"][0]["user"]["exec"]["args"].as_array().expect("a list");
    assert_eq!(args.iter().filter(|word| word.as_str() == Some(nasty)).count(), 2, "{args:?}");
    assert_eq!(desk.names(), ["config"]);
}

#[test]
fn a_disk_that_takes_no_more_changes_nothing() {
    let desk = Desk::new();
    let (first, second) = (desk.put("a", &format!("users:\n{}", user("first", "devicecode"))), desk.put("config", &config(300)));
    let before = (desk.text("a"), desk.text("config"));
    // The shell's limit ends a file after 8 KiB; the signal that would come with it is ignored.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" convert-kubeconfig -l azurecli";
    let mut command = Command::new("bash");
    command.env_clear().env("HOME", desk.folder.path()).env("KUBECONFIG", format!("{}:{}", first.display(), second.display()));
    let out = command.args(["-c", script, env!("CARGO_BIN_EXE_kubelogin")]).output().expect("bash runs");
    let told = stderr(&out);
    assert_eq!(out.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot write") && told.ends_with("; nothing was changed\n"), "{told}");
    assert_eq!((desk.text("a"), desk.text("config")), before, "neither the file that fits nor the one that does not");
    assert_eq!(desk.names(), ["a", "config"]);
}

#[test]
fn a_folder_that_may_not_be_written_is_said() {
    let desk = Desk::with(&config(1));
    let before = desk.text("config");
    fs::set_permissions(desk.folder.path(), fs::Permissions::from_mode(0o555)).expect("set");
    let probe = desk.path("probe");
    // Whoever may do everything meets no such folder.
    let as_nobody = fs::write(&probe, "").is_ok();
    let _ = fs::remove_file(&probe);
    let mut command = desk.command(&AZURE_CLI);
    if as_nobody {
        fs::set_permissions(desk.path("config"), fs::Permissions::from_mode(0o644)).expect("set");
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
    }
    let out = command.output().expect("it runs");
    fs::set_permissions(desk.folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    let told = stderr(&out);
    assert!(out.status.code() == Some(1) && told.contains("cannot write config") && told.contains("ermission denied"), "{told}");
    assert_eq!((desk.text("config"), desk.names()), (before, vec!["config".to_owned()]));
}

#[test]
fn row_24_a_policy_of_kubectl_that_is_in_the_way_is_told_with_the_line_that_helps() {
    let allowlist = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n";
    for (kuberc, told) in [
        (
            format!("{allowlist}- command: aws\n"),
            "--policy Allowlist --allowlist-entry command=aws --allowlist-entry command=kubelogin",
        ),
        ("credentialPluginPolicy: DenyAll\n".to_owned(), "DenyAll"),
        (format!("{allowlist}- command: kubelogin\n"), ""),
        (String::new(), ""),
    ] {
        let desk = Desk::with(&config(1));
        let kuberc = desk.put(".kube/kuberc", &kuberc);
        let text = desk.converts(&AZURE_CLI);
        assert!(text.contains(told) && (told.is_empty() == text.is_empty()), "{text}");
        assert!(Path::new(&kuberc).exists());
    }
}
