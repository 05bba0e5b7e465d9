//! Replaces files that other programs write too, such as kubeconfigs: under kubectl's lock, through symbolic links, in one step, with the mode
//! and the owner they had. Whoever reads meanwhile, and whoever comes after a crash, finds the old file or the new one, whole.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A new text that lies beside its file, whole and on the disk. Dropped without [`Staged::place`] it is gone.
pub(crate) struct Staged {
    target: PathBuf,
    beside: PathBuf,
    /// The folder lets nobody put another file in the place of this one.
    in_place: bool,
    placed: bool,
}

impl Staged {
    /// Writes `text` beside the file that `path` leads to. The caller holds the [`Locks`].
    pub(crate) fn write(path: &Path, text: &str) -> Result<Self> {
        let target = std::fs::canonicalize(path)?;
        // A file that may not be written is not replaced either, although the folder would allow it.
        OpenOptions::new().write(true).open(&target)?;
        let beside = with_suffix(&target, SUFFIX);
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut staged = Self { target, beside, in_place: false, placed: false };
        staged.in_place = !staged.fill(text)?;
        Ok(staged)
    }

    /// Puts the new text in the place of the old one.
    pub(crate) fn place(mut self) -> Result<()> {
        if !self.in_place {
            match std::fs::rename(&self.beside, &self.target) {
                // A file that is a mount of its own, as in many containers.
                Err(error) if matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::CrossesDevices) => self.in_place = true,
                done => {
                    done?;
                    self.placed = true;
                    sync_folder(&self.target);
                    return Ok(());
                }
            }
        }
        // The new text stays beside the file until the file has it, so that a crash in between loses nothing.
        let (new, old) = (std::fs::read(&self.beside)?, std::fs::read(&self.target)?);
        overwrite(&self.target, &new).inspect_err(|_| {
            // The disk is full, most likely; the room of the old text is still its own. Else the new one is the only whole one.
            self.placed = overwrite(&self.target, &old).is_err();
        })
    }

    /// False where the new file could not get the owner of the old one.
    fn fill(&self, text: &str) -> Result<bool> {
        let like = std::fs::metadata(&self.target)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(&self.beside)?;
        let same_owner = give_to_owner_of(&like, &out)?;
        out.set_permissions(like.permissions())?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        Ok(same_owner)
    }
}

/// Writes over a text, and gives no room back before all of the new one is there.
fn overwrite(file: &Path, text: &[u8]) -> Result<()> {
    let mut out = OpenOptions::new().write(true).open(file)?;
    out.write_all(text)?;
    out.set_len(text.len() as u64)?;
    out.sync_all()
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.placed {
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}

#[cfg(unix)]
fn give_to_owner_of(like: &std::fs::Metadata, file: &File) -> Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    if (ours.uid(), ours.gid()) == (like.uid(), like.gid()) {
        return Ok(true);
    }
    match std::os::unix::fs::fchown(file, Some(like.uid()), Some(like.gid())) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
        done => done.map(|()| true),
    }
}

#[cfg(not(unix))]
fn give_to_owner_of(_: &std::fs::Metadata, _: &File) -> Result<bool> {
    Ok(true)
}

/// Makes the new name outlive a power cut, where folders can be opened.
fn sync_folder(file: &Path) {
    if let Some(folder) = file.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

/// The right to write a file: its lock under the name by which it was called, and under the name that this leads to.
pub(crate) struct Locks {
    _all: Vec<Lock>,
}

impl Locks {
    /// Waits for all of them; in one order, so that two processes do not wait for each other.
    pub(crate) fn take<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Self> {
        let mut files = Vec::new();
        for path in paths {
            files.push(with_suffix(&std::fs::canonicalize(path)?, ".lock"));
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
            files.push(with_suffix(&std::fs::canonicalize(folder)?.join(name), ".lock"));
        }
        files.sort();
        files.dedup();
        let all: Result<Vec<Lock>> = files.into_iter().map(Lock::take).collect();
        Ok(Self { _all: all? })
    }
}

/// kubectl's lock: a file that exists while somebody writes. Ours is also locked by the system, so that one that was left behind is known.
struct Lock {
    file: PathBuf,
    _held: File,
}

impl Lock {
    fn take(file: PathBuf) -> Result<Self> {
        let start = Instant::now();
        loop {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(&file) {
                Ok(mut held) => {
                    // Locked first and signed then: a signed one that is not locked belongs to nobody.
                    if held.try_lock().is_ok() {
                        let _ = held.write_all(SIGNATURE);
                    }
                    return Ok(Self { file, _held: held });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // Windows says so while the last handle of a deleted file closes.
                Err(error) if cfg!(windows) && error.kind() == ErrorKind::PermissionDenied && start.elapsed() < PATIENCE => {}
                Err(error) => return Err(Error::new(error.kind(), format!("{} cannot be made: {error}", file.display()))),
            }
            let waited = start.elapsed();
            if take_away_left(&file, waited) {
                continue;
            }
            if waited > PATIENCE {
                return Err(Error::new(ErrorKind::TimedOut, format!("another program holds {} all the time", file.display())));
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Removes a lock whose maker is gone: ours that the system freed, and any that is older than a write can take.
fn take_away_left(file: &Path, waited: Duration) -> bool {
    let Ok(found) = std::fs::symlink_metadata(file) else { return true };
    let made = found.modified().unwrap_or_else(|_| SystemTime::now());
    let old = made.elapsed().is_ok_and(|age| age >= PATIENCE) || waited >= PATIENCE && made.elapsed().is_err();
    let Ok(mut left) = File::open(file) else {
        // kubectl makes them unreadable.
        return old && std::fs::remove_file(file).is_ok();
    };
    let mut text = Vec::new();
    let signed = (&mut left).take(64).read_to_end(&mut text).is_ok() && text == SIGNATURE;
    if signed && left.try_lock().is_err() || !signed && !old {
        return false;
    }
    // Somebody else may have taken it away and a third made the next one.
    is_same(file, &left) && std::fs::remove_file(file).is_ok()
}

#[cfg(unix)]
fn is_same(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(one), Ok(other)) = (std::fs::symlink_metadata(path), file.metadata()) else { return false };
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(path: &Path, file: &File) -> bool {
    let (Ok(one), Ok(other)) = (std::fs::symlink_metadata(path), file.metadata()) else { return false };
    one.modified().ok() == other.modified().ok()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// One name, not one for each process: what a crash leaves behind is replaced by the next run, which holds the lock.
const SUFFIX: &str = ".kubelogin-new";
const SIGNATURE: &[u8] = b"kubelogin\n";
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config");
        std::fs::write(&file, text).expect("written");
        (folder, file)
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_left_behind_whether_it_is_placed_or_not() {
        let (folder, path) = file("old");
        let locks = Locks::take([path.as_path()]).expect("locks");
        drop(Staged::write(&path, "dropped").expect("written"));
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "old");
        Staged::write(&path, "new").expect("written").place().expect("placed");
        assert_eq!(names(&folder), ["config", "config.lock"]);
        drop(locks);
        assert_eq!(
            (names(&folder), std::fs::read_to_string(&path).expect("read")),
            (vec!["config".to_owned()], "new".to_owned())
        );
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let (folder, path) = file("old");
        let other = folder.path().join("other");
        std::fs::write(&other, "precious").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&other, folder.path().join("config.kubelogin-new")).expect("linked");
        Staged::write(&path, "new").expect("written").place().expect("placed");
        assert_eq!(std::fs::read_to_string(&other).expect("read"), "precious");
    }

    #[test]
    fn a_lock_that_a_dead_kubelogin_left_counts_for_nothing_and_a_living_one_is_waited_for() {
        let (folder, path) = file("old");
        let lock = folder.path().join("config.lock");
        std::fs::write(&lock, SIGNATURE).expect("written");
        let held = Locks::take([path.as_path()]).expect("the dead one's");
        assert!(!take_away_left(&lock, Duration::ZERO) && !take_away_left(&lock, PATIENCE * 2) && lock.exists());
        drop(held);
        assert!(!lock.exists());
    }

    #[test]
    fn a_lock_of_another_program_counts_until_it_is_older_than_a_write_can_take() {
        let (folder, path) = file("old");
        let lock = folder.path().join("config.lock");
        let left = File::create(&lock).expect("made");
        assert!(!take_away_left(&lock, Duration::ZERO) && lock.exists());
        left.set_modified(SystemTime::now() - Duration::from_secs(6)).expect("set");
        drop(Locks::take([path.as_path()]).expect("taken away"));
        assert!(!lock.exists());
    }

    #[cfg(unix)]
    #[test]
    fn both_names_of_a_linked_file_are_locked() {
        let (folder, path) = file("old");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        let held = Locks::take([link.as_path(), path.as_path()]).expect("locks");
        assert_eq!(names(&folder), ["config", "config.lock", "link", "link.lock"]);
        drop(held);
        assert_eq!(names(&folder), ["config", "link"]);
    }
}
