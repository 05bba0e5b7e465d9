//! Finding, reading and writing kubeconfigs as kubectl does, but whole files in one step.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use entrance_wire::yaml;
use serde_json::Value;

use super::ConvertError;
use super::document::{self, Changes};
use crate::options::home;

/// All files together; of two users with one name the first counts.
pub(super) struct Kubeconfigs {
    files: Vec<Kubeconfig>,
}

struct Kubeconfig {
    path: PathBuf,
    text: String,
    value: Value,
    changes: Changes,
}

/// A user's entry and the file it stands in.
pub(super) struct User {
    file: usize,
    pub(super) name: String,
    pub(super) entry: Value,
}

impl Kubeconfigs {
    /// `explicit`, else the list in `KUBECONFIG`, else the file in the home folder.
    pub(super) fn load(explicit: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConvertError> {
        let (paths, must_exist): (Vec<PathBuf>, bool) = if let Some(file) = explicit {
            (vec![file.into()], true)
        } else {
            let listed: Vec<PathBuf> = env("KUBECONFIG")
                .map(|list| std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect())
                .unwrap_or_default();
            (if listed.is_empty() { vec![home(env).join(".kube/config")] } else { listed }, false)
        };
        let mut files: Vec<Kubeconfig> = Vec::new();
        for path in paths {
            match std::fs::read_to_string(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {}
                Err(error) => return Err(ConvertError::Load(format!("{}: {error}", path.display()))),
                Ok(_) if files.iter().any(|known| known.path == path) => {}
                Ok(text) => files.push(Kubeconfig::read(path, text)?),
            }
        }
        Ok(Self { files })
    }

    /// The user of a context.
    pub(super) fn user_of(&self, context: &str) -> Option<String> {
        let entries = self.files.iter().flat_map(|file| named(&file.value, "contexts"));
        let (_, entry) = entries.into_iter().find(|(name, _)| name == context)?;
        Some(entry.get("context").and_then(|context| context.get("user")).and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// The users of all files.
    pub(super) fn users(&self) -> Vec<User> {
        let mut seen = std::collections::HashSet::new();
        let all = self.files.iter().enumerate().flat_map(|(file, config)| {
            named(&config.value, "users").into_iter().map(move |(name, entry)| User {
                file,
                name,
                entry: entry.get("user").cloned().unwrap_or_default(),
            })
        });
        all.filter(|user| seen.insert(user.name.clone())).collect()
    }

    /// Remembers a new entry for the file that the user came from.
    pub(super) fn change(&mut self, user: User, entry: Value) {
        self.files[user.file].changes.insert(user.name, entry);
    }

    /// Writes the files in which something changed.
    pub(super) fn write(&self) -> Result<(), ConvertError> {
        for file in self.files.iter().filter(|file| !file.changes.is_empty()) {
            let text = document::edited(&file.text, &file.value, &file.changes);
            if text != file.text {
                replace(&file.path, &text)
                    .map_err(|source| ConvertError::Write { file: file.path.display().to_string(), source })?;
            }
        }
        Ok(())
    }
}

impl Kubeconfig {
    fn read(path: PathBuf, text: String) -> Result<Self, ConvertError> {
        let bad = |reason: &str| ConvertError::Load(format!("{}: {reason}", path.display()));
        let value = yaml::parse(&text).map_err(|error| bad(&error.to_string()))?;
        if !value.is_object() && !value.is_null() {
            return Err(bad("it is not a kubeconfig"));
        }
        Ok(Self { path, text, value, changes: Changes::new() })
    }
}

/// The items of a list that have a name.
fn named<'a>(value: &'a Value, list: &str) -> Vec<(String, &'a Value)> {
    let items = value.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| Some((item.get("name")?.as_str()?.to_owned(), item))).collect()
}

/// Writes beside the file and renames, under kubectl's lock, through symbolic links, with the same mode and owner.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let target = std::fs::canonicalize(path)?;
    let _lock = Lock::take(path)?;
    let beside = with_suffix(&target, &format!(".{}.new", std::process::id()));
    let written = write_like(&target, &beside, text).and_then(|()| std::fs::rename(&beside, &target));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_like(model: &Path, file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let like = std::fs::metadata(model)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let ours = out.metadata()?;
        if (ours.uid(), ours.gid()) != (like.uid(), like.gid()) {
            std::os::unix::fs::fchown(&out, Some(like.uid()), Some(like.gid()))?;
        }
    }
    out.set_permissions(like.permissions())?;
    out.write_all(text.as_bytes())?;
    out.sync_all()
}

/// kubectl's lock: a file beside the kubeconfig that exists while somebody writes.
struct Lock(PathBuf);

impl Lock {
    fn take(path: &Path) -> std::io::Result<Self> {
        let file = with_suffix(path, ".lock");
        let start = Instant::now();
        loop {
            match std::fs::OpenOptions::new().write(true).create_new(true).open(&file) {
                Ok(_) => return Ok(Self(file)),
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
                Err(_) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
                // Whoever made it is gone: writing a kubeconfig takes milliseconds.
                Err(_) => std::fs::remove_file(&file)?,
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

const PATIENCE: Duration = Duration::from_secs(5);
