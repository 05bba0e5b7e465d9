//! What a kubeconfig says about the users that sign in with this program: for looking at, never for changing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use entrance_wire::yaml;
use serde_json::Value;

use crate::options::{Given, Opt, home};

/// The files as kubectl reads them together: of two entries with one name the first counts.
pub(super) struct Kubeconfig {
    files: Vec<Value>,
    /// Files that cannot be read or are none, and why.
    pub(super) broken: Vec<(PathBuf, String)>,
}

/// A user that gets its token from a program.
pub(super) struct ExecUser {
    pub(super) name: String,
    pub(super) command: String,
    pub(super) words: Vec<String>,
}

/// Where kubectl looks: at the file that is named, else the list in `KUBECONFIG`, else the file in the home folder. Only the first has to
/// be there.
pub(super) fn paths(named: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> (Vec<PathBuf>, bool) {
    if let Some(file) = named {
        return (vec![file.into()], true);
    }
    let list = env("KUBECONFIG").unwrap_or_default();
    let listed: Vec<PathBuf> = std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect();
    (if listed.is_empty() { vec![home(env).join(".kube/config")] } else { listed }, false)
}

/// The text of a kubeconfig, `None` where there is none and need not be, or why it cannot be read.
pub(super) fn read(path: &Path, must_exist: bool) -> Result<Option<String>, String> {
    let facts = match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !must_exist => return Ok(None),
        found => found.map_err(|error| error.to_string())?,
    };
    // How people say that there is none.
    if path == Path::new("/dev/null") {
        return Ok(None);
    }
    if !facts.is_file() {
        // Reading a pipe may never end, and it has no place for what a conversion writes.
        return Err("it is no regular file".to_owned());
    }
    if facts.len() > LARGEST {
        return Err(format!("it has {} MiB; more than {} are not read", facts.len().div_ceil(1 << 20), LARGEST >> 20));
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    })
}

impl Kubeconfig {
    /// `--kubeconfig`, else the list in `KUBECONFIG`, else the file in the home folder.
    pub(super) fn load(given: &Given, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut out = Self { files: Vec::new(), broken: Vec::new() };
        let (paths, must_exist) = paths(given.text(Opt::Kubeconfig), env);
        for path in paths {
            let read = read(&path, must_exist)
                .and_then(|text| text.map_or(Ok(Value::Null), |text| yaml::parse(&text).map_err(|error| error.to_string())));
            match read {
                Ok(value) if value.is_object() => out.files.push(value),
                Ok(_) => {}
                Err(why) => out.broken.push((path, why)),
            }
        }
        out
    }

    /// The context that is named or, without a name, the current one.
    pub(super) fn context(&self, name: Option<&str>) -> Option<(String, &Value)> {
        let current = || self.files.iter().find_map(|file| text(file, "current-context").filter(|name| !name.is_empty()));
        let name = name.map(ToOwned::to_owned).or_else(current)?;
        let context = self.entry("contexts", &name)?.get("context")?;
        Some((name, context))
    }

    /// The user of a context, if a program gives its tokens.
    pub(super) fn user_of(&self, context: &Value) -> Option<ExecUser> {
        let name = text(context, "user")?;
        exec_user(self.entry("users", &name)?)
    }

    /// Every user that gets its token from a program.
    pub(super) fn exec_users(&self) -> Vec<ExecUser> {
        self.files.iter().flat_map(|file| list(file, "users")).filter_map(exec_user).collect()
    }

    /// Users of the form that kubectl does not read any more.
    pub(super) fn provider_users(&self) -> Vec<String> {
        let users = self.files.iter().flat_map(|file| list(file, "users"));
        let is_old = |user: &&Value| user.pointer("/user/auth-provider/name").and_then(Value::as_str) == Some("azure");
        users.filter(is_old).filter_map(|user| text(user, "name")).collect()
    }

    fn entry(&self, kind: &str, name: &str) -> Option<&Value> {
        self.files.iter().flat_map(|file| list(file, kind)).find(|entry| text(entry, "name").as_deref() == Some(name))
    }
}

impl ExecUser {
    /// Whether the program is one of this name.
    pub(super) fn is_kubelogin(&self) -> bool {
        self.command.to_ascii_lowercase().contains("kubelogin")
    }

    /// Whether the words are those of the other program of this name.
    pub(super) fn is_foreign(&self) -> bool {
        self.words.iter().any(|word| word.starts_with("--oidc-"))
    }

    /// The words as this program reads them, without its command's name.
    pub(super) fn given(&self) -> Given {
        Given::read_leniently(&self.words)
    }
}

fn exec_user(entry: &Value) -> Option<ExecUser> {
    let exec = entry.pointer("/user/exec")?;
    let words = exec.get("args").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    Some(ExecUser { name: text(entry, "name")?, command: text(exec, "command")?, words: words.iter().map(word).collect() })
}

fn list<'a>(file: &'a Value, kind: &str) -> &'a [Value] {
    file.get(kind).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(ToOwned::to_owned)
}

/// Ten thousand clusters with their certificates. What a conversion makes of them is read again, and can be larger.
pub(super) const LARGEST: u64 = yaml::MAX_TEXT as u64 / 2;
