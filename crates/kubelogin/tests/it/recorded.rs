//! The program against what the original was seen to do: same input, same outcome.
//!
//! The original itself runs over the same cases in the same run, where it was built; cases with the tag `deficiency` are its alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use crate::support::programs;

#[test]
fn convert_kubeconfig_does_what_was_recorded() {
    all_pass("convert-cases.yaml", 99, 108);
}

#[test]
fn get_token_does_what_was_recorded() {
    all_pass("get-token-cases.yaml", 40, 41);
}

fn all_pass(file: &str, ours: usize, all: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let cases = entrance_wire::yaml::parse(&fs::read_to_string(path).expect("the cases")).expect("YAML");
    for (name, program) in programs() {
        let (mut passed, mut failed) = (0, Vec::new());
        for case in cases["cases"].as_array().expect("a list") {
            if name == "ours" && case["tags"].as_array().is_some_and(|tags| tags.contains(&json!("deficiency"))) {
                continue;
            }
            let problems = Run::of(&program, case).problems(&case["expect"]);
            if problems.is_empty() {
                passed += 1;
            } else {
                failed.push(format!("{}\n    {}", text(&case["id"]), problems.join("\n    ")));
            }
        }
        assert!(failed.is_empty(), "{name}: {passed} passed, {} failed\n{}", failed.len(), failed.join("\n"));
        let least = if name == "ours" { ours } else { all };
        assert!(passed >= least, "{name}: only {passed} cases ran");
        eprintln!("{file}, {name}: {passed} passed, 0 failed");
    }
}

/// One run and what it left behind.
struct Run {
    folder: tempfile::TempDir,
    before: BTreeMap<String, Vec<u8>>,
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(program: &Path, case: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = fs::canonicalize(folder.path()).expect("a folder").display().to_string();
        let put = |text: &str| text.replace("${DIR}", &root);
        fs::create_dir(folder.path().join("home")).expect("a folder");
        let mut before = BTreeMap::new();
        for (name, spec) in case["files"].as_object().unwrap_or(&Map::new()) {
            let (body, mode) = spec
                .as_str()
                .map_or_else(|| (text(&spec["text"]), text(&spec["mode"])), |body| (body.to_owned(), "0600".to_owned()));
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, put(&body)).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(u32::from_str_radix(&mode, 8).expect("octal"))).expect("set");
            before.insert(name.clone(), put(&body).into_bytes());
        }
        let mut command = Command::new(program);
        command
            .args(case["args"].as_array().expect("a list").iter().map(|word| put(&text(word))))
            .current_dir(folder.path())
            .stdin(Stdio::null());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder.path().join("home"));
        for (name, value) in case["env"].as_object().unwrap_or(&Map::new()) {
            command.env(name, put(&text(value)));
        }
        let out = command.output().expect("the program runs");
        let read = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(&root, "${DIR}");
        Self { before, exit: out.status.code(), stdout: read(out.stdout), stderr: read(out.stderr), folder }
    }

    fn problems(&self, expect: &Value) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |good: bool, problem: String| {
            if !good {
                found.push(problem);
            }
        };
        check(
            expect["exit"] == json!(self.exit),
            format!("exit {:?}, not {}: {}", self.exit, expect["exit"], self.stderr.trim()),
        );
        if let Some(stdout) = expect["stdout"].as_str() {
            check(stdout == self.stdout, format!("stdout {:?}, not {stdout:?}", self.stdout));
        }
        for part in list(&expect["stderr_has"]) {
            check(self.stderr.contains(&part), format!("stderr has no {part:?}: {:?}", self.stderr));
        }
        for name in list(&expect["unchanged"]) {
            check(self.file(&name).as_ref() == self.before.get(&name), format!("{name} changed"));
        }
        for name in list(&expect["absent"]) {
            check(self.file(&name).is_none(), format!("{name} exists"));
        }
        for (name, mode) in expect["modes"].as_object().unwrap_or(&Map::new()) {
            let got =
                fs::metadata(self.folder.path().join(name)).map(|meta| format!("{:04o}", meta.permissions().mode() & 0o7777));
            check(got.as_ref().ok() == Some(&text(mode)), format!("{name} has mode {got:?}, not {mode}"));
        }
        for (name, wanted) in expect["files"].as_object().unwrap_or(&Map::new()) {
            let bytes = self.file(name).unwrap_or_default();
            let body = String::from_utf8_lossy(&bytes)
                .replace(&fs::canonicalize(self.folder.path()).expect("a folder").display().to_string(), "${DIR}");
            let got = entrance_wire::yaml::parse(&body).map(|value| comparable(&value));
            check(got.as_ref().ok() == Some(&comparable(wanted)), format!("{name}:\n{body}"));
        }
        found
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.path().join(name)).ok()
    }
}

/// A kubeconfig without what makes no difference: order of named lists, members that are nothing, defaults.
fn comparable(value: &Value) -> Value {
    let mut value = meaningful(value);
    let Value::Object(map) = &mut value else { return value };
    for key in ["clusters", "contexts", "users"] {
        if let Some(Value::Array(items)) = map.get_mut(key) {
            items.sort_by_key(|item| text(&item["name"]));
        }
    }
    map.retain(|key, value| !(value == &json!([]) || (key == "current-context" && value == &json!(""))));
    value
}

fn meaningful(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(meaningful).collect(),
        Value::Object(map) => {
            let optional_mode = map.contains_key("command") && text(&value["apiVersion"]).ends_with("beta1");
            let says_nothing = |key: &str, value: &Value| match key {
                "preferences" => value == &json!({}),
                "provideClusterInfo" => value == &json!(false),
                "interactiveMode" => optional_mode && value == &json!("IfAvailable"),
                _ => false,
            };
            map.iter()
                .filter(|(key, value)| !value.is_null() && !says_nothing(key, value))
                .map(|(key, value)| (key.clone(), meaningful(value)))
                .collect()
        }
        other => other.clone(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().map(|items| items.iter().map(text).collect()).unwrap_or_default()
}
