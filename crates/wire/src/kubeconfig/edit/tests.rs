use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn edit(text: &str, place: usize, exec: Value) -> Edited {
    Document::read(text.to_owned()).expect("a kubeconfig").edited(&Changes::from([(place, exec)]))
}

fn kubelogin(args: &[&str]) -> Value {
    json!({ "args": args, "command": "kubelogin" })
}

#[test]
fn comments_order_and_everything_else_stay() {
    let text = "# mine\nusers: # all of them\n# first\n- user:\n    exec:\n      # the program\n      command: kubelogin # old\n      args:\n      # what it does\n      - get-token # always\n      - --login\n      - devicecode # slow\n      # behind\n\n  # his name\n  name: u\n- name: v\n  user:\n    token: t # secret\n\nkind: Config\nx-mine: [1, 2]\n";
    let edited = edit(text, 0, kubelogin(&["get-token", "--login", "azurecli"]));
    assert_eq!(edited.text, text.replace("devicecode # slow", "azurecli"));
    assert!(!edited.anew);
    assert_eq!(edited.edits.len(), 2);
}

#[test]
fn new_members_stand_in_the_order_of_the_alphabet_and_old_ones_go() {
    let text = "users:\n- name: u\n  user:\n    exec:\n      args: [get-token]\n      command: kubelogin\n      interactiveMode: Never\n      # last\n";
    let exec = json!({ "apiVersion": "v", "args": ["get-token", "x"], "command": "kubelogin", "env": null });
    assert_eq!(
        edit(text, 0, exec).text,
        "users:\n- name: u\n  user:\n    exec:\n      apiVersion: v\n      args:\n      - get-token\n      - x\n      command: kubelogin\n      env: null\n      # last\n"
    );
}

#[test]
fn a_provider_becomes_exec_in_its_place_whatever_the_indentation() {
    let text = "users:\n  - name: \"u\"\n    user:\n        auth-provider:\n            name: azure\n            config:\n                client-id: c\n        token: t\n";
    assert_eq!(
        edit(text, 0, kubelogin(&["--x"])).text,
        "users:\n  - name: \"u\"\n    user:\n        exec:\n          args:\n          - --x\n          command: kubelogin\n        token: t\n"
    );
    let both = "users:\n- name: u\n  user:\n    auth-provider:\n      name: azure\n    exec:\n      command: kubelogin\n";
    assert_eq!(
        edit(both, 0, kubelogin(&["--x"])).text,
        "users:\n- name: u\n  user:\n    exec:\n      args:\n      - --x\n      command: kubelogin\n"
    );
}

#[test]
fn line_breaks_of_windows_and_a_missing_last_one_are_no_reason_to_write_anew() {
    let text = "users:\r\n- name: u # his\r\n  user:\r\n    exec:\r\n      args:\r\n      - a\r\n      command: kubelogin\r\n";
    let edited = edit(text, 0, kubelogin(&["a", "b"]));
    assert_eq!((edited.text, edited.anew), (text.replace("- a\r\n", "- a\r\n      - b\r\n"), false));
    let edited = edit("users:\n- name: u # his\n  user:\n    exec:\n      command: kubelogin", 0, kubelogin(&["a"]));
    assert!(!edited.anew && edited.text.contains("# his"), "{}", edited.text);
}

#[test]
fn other_layouts_are_written_anew_and_say_the_same() {
    for text in [
        "users: [{name: u, user: {exec: {command: kubelogin}}}]\n",
        "{\"users\":[{\"name\":\"u\",\"user\":{\"exec\":{\"command\":\"kubelogin\"}}}]}",
        "users:\n- name: u\n  user: {exec: {command: kubelogin}}\n",
    ] {
        let edited = edit(text, 0, kubelogin(&["--x"]));
        assert_eq!(
            edited.text,
            "users:\n- name: u\n  user:\n    exec:\n      args:\n      - --x\n      command: kubelogin\napiVersion: v1\nkind: Config\n"
        );
        assert!(edited.anew);
    }
}

#[test]
fn an_anchor_that_others_use_is_not_lost() {
    let text = "users:\n- name: u\n  user:\n    exec: &e\n      command: kubelogin\n- name: v\n  user:\n    exec: *e\n";
    let value = yaml::parse(&edit(text, 0, kubelogin(&["--x"])).text).expect("YAML");
    assert_eq!(value["users"][0]["user"]["exec"]["args"], json!(["--x"]));
    assert_eq!(value["users"][1]["user"]["exec"], json!({ "command": "kubelogin" }));
}

#[test]
fn long_values_stay_whole_wherever_they_stand() {
    let long = "QUJD".repeat(300);
    let text = format!(
        "clusters:\n- name: c\n  cluster:\n    certificate-authority-data: {long} # ca\nusers:\n- name: u\n  user:\n    exec:\n      command: kubelogin\n      env:\n      - name: A\n        value: |\n          token: {long}\n- name: v\n  user: {{token: {long}}}\n"
    );
    let document = Document::read(text.clone()).expect("a kubeconfig");
    let mut exec = document.users().next().and_then(|user| user.exec.cloned()).expect("exec");
    assert_eq!(exec["env"][0]["value"], json!(format!("token: {long}\n")));
    exec["command"] = json!("other");
    assert_eq!(edit(&text, 0, exec).text, text.replace("command: kubelogin", "command: other"));
    // Written anew: read again from the whole text.
    let flow = format!("{{users: [{{name: u, user: {{token: {long}, exec: {{command: kubelogin}}}}}}]}}");
    let value = yaml::parse(&edit(&flow, 0, kubelogin(&["a"])).text).expect("YAML");
    assert_eq!(value["users"][0]["user"]["token"], json!(long));
}

#[test]
fn what_kubectl_refuses_is_refused() {
    let read = |text: &str| Document::read(text.to_owned()).map(|_| ()).expect_err("refused").to_string();
    assert_eq!(read("users:\n- name: u\n- name: u\n"), "there are two users named \"u\"");
    assert_eq!(read("- a\n"), "it is not a kubeconfig");
    assert!(read("users: [\n").contains("line"), "{}", read("users: [\n"));
}

/// A file as kubectl writes it, with this many users.
fn large(users: usize) -> String {
    let mut text = String::from("apiVersion: v1\nkind: Config\nusers:\n");
    for user in 0..users {
        let _ = write!(
            text,
            "# number {user}\n- name: u{user}\n  user:\n    exec:\n      apiVersion: v1beta1\n      args:\n      - get-token\n      - --login\n      - devicecode\n      command: kubelogin\n"
        );
    }
    text
}

#[test]
fn the_work_grows_with_the_lines_and_not_faster() {
    let looks = |users: usize| {
        let text = large(users);
        let document = Document::read(text.clone()).expect("a kubeconfig");
        let changes: Changes = (0..users).map(|place| (place, kubelogin(&["get-token", "--login", "azurecli"]))).collect();
        let lines = Lines::of(&text);
        let edits = edits(&lines, &document.value, &changes).expect("in place");
        assert_eq!(document.edited(&changes).edits, edits);
        // Each member that changes is two edits at most, and each edit holds its own lines only.
        assert!(edits.len() <= 4 * users && edits.iter().all(|edit| edit.text.lines().count() <= 3));
        lines.looks.get()
    };
    let (few, many) = (looks(100), looks(1_000));
    assert!(few > 1_000 && many <= few * 10 + 100, "{few} looks at the lines of 100 users, {many} at those of 1000");
}

/// Texts that a kubeconfig could hold, and lines that break it.
fn pieces() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("users:"),
        Just("- name: u"),
        Just("- user:"),
        Just("  name: u"),
        Just("  user:"),
        Just("    exec:"),
        Just("    exec: &e"),
        Just("    exec: *e"),
        Just("    auth-provider:"),
        Just("      name: azure"),
        Just("      command: kubelogin # c"),
        Just("      command: |"),
        Just("      args:"),
        Just("      - get-token"),
        Just("        - --login=x"),
        Just("      - |"),
        Just("        # not a comment"),
        Just("      # a comment"),
        Just("# a comment"),
        Just(""),
        Just("    token: \"a"),
        Just("      b\""),
        Just("clusters: []"),
        Just("- x"),
        Just("---"),
        Just("..."),
        Just("\u{feff}"),
        Just("\t"),
        Just("    <<: *e"),
        Just("? a"),
        Just("    exec: {command: kubelogin}"),
    ];
    let breaks = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("")];
    prop::collection::vec((line, breaks), 0..24).prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_edited_says_what_was_meant_and_nothing_else(text in pieces(), arg in "[ -~\u{e9}\n]{0,12}") {
        crate::fuzz::kubeconfig_with(text.as_bytes(), &arg);
    }
}
