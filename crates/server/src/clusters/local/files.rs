//! Files that are whole or absent, and that only their owner reads.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::LocalError;
use super::error::At as _;

/// Writes a file, mode 0600, so that every reader sees the old or the new text, also after a power cut. Writes nothing when it already says so.
///
/// The API server watches some of these files: it must never see a half-written one, and a needless event costs it a reload.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<(), LocalError> {
    if fs::read(path).is_ok_and(|now| now == text) {
        return Ok(());
    }
    replace(path, text).at("write", path)
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    // One name per file: what a killed run left is overwritten by the next one.
    let fresh = folder.join(format!(".{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}

/// Reads a text file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, LocalError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).at("read", path),
    }
}

/// Makes a folder that only its owner enters, or makes sure that an existing one is.
pub(super) fn private_folder(path: &Path) -> Result<(), LocalError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).at("create", path)?;
    let mode = fs::metadata(path).at("look at", path)?.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 { Ok(()) } else { Err(LocalError::Exposed { path: path.to_owned(), mode }) }
}

/// Removes a file or a whole folder; one that is not there is fine.
pub(super) fn remove(path: &Path) -> Result<(), LocalError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e).at("remove", path),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_stays_private() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("ca.crt");
        fs::write(folder.path().join(".ca.crt.new"), "left by a killed run, and longer").expect("written");
        write(&path, b"one").expect("written");
        let first = fs::metadata(&path).expect("there").modified().expect("a time");
        write(&path, b"one").expect("written");
        assert_eq!(fs::metadata(&path).expect("there").modified().expect("a time"), first, "an equal text is not written again");
        write(&path, b"two").expect("written");
        assert_eq!(read(&path).expect("readable").as_deref(), Some("two"));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let inner = folder.path().join("a/b");
        private_folder(&inner).expect("made");
        private_folder(&inner).expect("still fine");
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o750)).expect("changed");
        assert!(matches!(private_folder(&inner), Err(LocalError::Exposed { mode: 0o750, .. })));
        remove(&inner).expect("removed");
        remove(&inner).expect("nothing to remove");
    }
}
