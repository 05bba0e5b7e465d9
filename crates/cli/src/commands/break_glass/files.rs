//! Files with secrets in them.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use entrance_server::sealed::age::Identity;
use entrance_server::sealed::{OpenError, Sealed};
use zeroize::Zeroizing;

/// Writes a file that must not exist yet and that only its owner reads.
pub(super) fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("`{}` cannot be created; an existing file is not written over", path.display()))?;
    file.write_all(content).and_then(|()| file.sync_all()).with_context(|| format!("`{}` cannot be written", path.display()))
}

/// A place for a secret that is not there yet: taken before the work begins, given back when it fails.
pub(super) struct Place<'p> {
    path: &'p Path,
    kept: bool,
}

impl<'p> Place<'p> {
    pub(super) fn take(path: &'p Path) -> Result<Self> {
        write_new(path, b"")?;
        Ok(Self { path, kept: false })
    }

    pub(super) fn fill(mut self, content: &[u8]) -> Result<()> {
        let written = OpenOptions::new().write(true).open(self.path).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        written.with_context(|| format!("`{}` cannot be written", self.path.display()))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(self.path);
        }
    }
}

/// Reads the secret keys of key files; `-` is standard input.
pub(super) fn keys(paths: &[std::path::PathBuf]) -> Result<Vec<Identity>> {
    paths.iter().map(|path| key(path)).collect()
}

fn key(path: &Path) -> Result<Identity> {
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(LONGEST).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text))
    };
    read.with_context(|| format!("the key file `{}` cannot be read", path.display()))?;
    text.parse().with_context(|| format!("`{}` is no key file", path.display()))
}

/// Reads a sealed file.
pub(super) fn sealed(path: &Path) -> Result<Sealed> {
    let text = fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    Sealed::read(&text).map_err(|error| hinted(error, OpenError::next))
}

/// An error with the step that would help.
pub(super) fn hinted<E: std::error::Error + Send + Sync + 'static>(
    error: E,
    next: impl FnOnce(&E) -> &'static str,
) -> anyhow::Error {
    let hint = next(&error);
    anyhow!(crate::output::Hinted::new(error, hint))
}

/// A key file has a few lines.
const LONGEST: u64 = 64 << 10;
