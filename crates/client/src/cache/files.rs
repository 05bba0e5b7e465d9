//! Files of one person: made private, replaced whole.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A folder that only its owner enters; the ones above it as well, where they are made here.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes beside the file and renames: a reader sees the old or the new one, whole.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = unfinished(file);
    write_private(&beside, bytes)?;
    std::fs::rename(&beside, file).inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

/// A name that no other process takes, on no machine that shares this folder.
pub(super) fn unfinished(file: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    file.with_extension(format!("{}-{}.{NEW}", std::process::id(), now.subsec_nanos()))
}

/// A file that only its owner reads, whole or not there.
pub(super) fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(bytes).inspect_err(|_| drop(std::fs::remove_file(file)))
}

/// What a process that was killed while it wrote has left behind, once it is old enough not to be another's work.
pub(super) fn sweep_unfinished(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_old = || {
            let changed = entry.metadata().and_then(|facts| facts.modified()).ok();
            changed.is_some_and(|at| at.elapsed().is_ok_and(|age| age > UNFINISHED))
        };
        if path.extension().is_some_and(|extension| extension == NEW) && is_old() {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The last part of the name of a file that is not finished.
const NEW: &str = "new";
const UNFINISHED: Duration = Duration::from_mins(10);
