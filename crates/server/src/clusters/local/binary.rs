//! Finds the `controlplane` program and asks it what it is.

use std::env;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::LocalError;

/// A `controlplane` program that was run once and told its versions.
#[derive(Debug, Clone)]
pub struct Binary {
    path: PathBuf,
    kubernetes: Version,
}

/// A Kubernetes version such as `v1.37.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// Without the `v`, as the resource manager spells it: `1.37.2`.
    pub fn number(&self) -> &str {
        self.0.trim_start_matches('v')
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Binary {
    /// The program at `configured`; without that the one beside this executable or in `controlplane/` beside it (as in a build tree), then on
    /// the PATH.
    pub fn find(configured: Option<&Path>) -> Result<Self, LocalError> {
        if let Some(path) = configured {
            return Self::at(path);
        }
        let beside = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
        let on_path = env::var_os("PATH").map(|all| env::split_paths(&all).collect::<Vec<_>>()).unwrap_or_default();
        let places = candidates(beside.as_deref(), &on_path);
        match places.iter().find(|place| is_program(place)) {
            Some(path) => Self::at(path),
            None => Err(LocalError::NoBinary { looked: "beside this program and on the PATH".to_owned() }),
        }
    }

    /// The program at exactly this path.
    pub fn at(path: &Path) -> Result<Self, LocalError> {
        let bad = |why: String| LocalError::BadBinary { path: path.to_owned(), why };
        if !path.exists() {
            return Err(LocalError::NoBinary { looked: format!("`{}`", path.display()) });
        }
        // Children run in folders of their own, so a relative path would not find it again.
        let path = path.canonicalize().map_err(|e| bad(e.to_string()))?;
        let told = Command::new(&path).arg("version").output().map_err(|e| bad(e.to_string()))?;
        let text = String::from_utf8_lossy(&told.stdout);
        match versions(&text) {
            Some(kubernetes) if told.status.success() => Ok(Self { path, kubernetes }),
            _ => Err(bad(format!("`version` ended with {} and told no Kubernetes version", told.status))),
        }
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The Kubernetes version that it is.
    pub fn kubernetes(&self) -> &Version {
        &self.kubernetes
    }
}

fn candidates(beside: Option<&Path>, on_path: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    // `target/debug/entrance` and `target/debug/deps/test-…` find `target/controlplane/controlplane`, too.
    for up in beside.into_iter().flat_map(Path::ancestors).take(3) {
        all.push(up.join(NAME));
        all.push(up.join(NAME).join(NAME));
    }
    all.extend(on_path.iter().map(|folder| folder.join(NAME)));
    all
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Reads `kubernetes v1.37.2` out of lines of that kind.
fn versions(text: &str) -> Option<Version> {
    let found = text.lines().find_map(|line| line.strip_prefix("kubernetes "))?;
    let rest = found.strip_prefix('v')?;
    rest.starts_with(|c: char| c.is_ascii_digit()).then(|| Version(found.to_owned()))
}

const NAME: &str = "controlplane";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_tree_and_the_path_are_searched_nearest_first() {
        let places = candidates(Some(Path::new("/r/target/debug")), &[PathBuf::from("/usr/bin")]);
        let places: Vec<_> = places.iter().map(|p| p.to_str().unwrap_or_default()).collect();
        assert_eq!(
            places,
            [
                "/r/target/debug/controlplane",
                "/r/target/debug/controlplane/controlplane",
                "/r/target/controlplane",
                "/r/target/controlplane/controlplane",
                "/r/controlplane",
                "/r/controlplane/controlplane",
                "/usr/bin/controlplane",
            ]
        );
    }

    #[test]
    fn another_program_of_that_name_is_refused() {
        assert_eq!(versions("kubernetes v1.37.2\netcd v3.7.0\n"), Some(Version("v1.37.2".to_owned())));
        assert_eq!(versions("controlplane 2.0\n"), None);
        assert_eq!(versions("kubernetes vX\n"), None);
        assert!(matches!(Binary::at(Path::new("/bin/true")), Err(LocalError::BadBinary { .. })));
        assert!(matches!(Binary::at(Path::new("/nowhere")), Err(LocalError::NoBinary { .. })));
    }
}
