//! One process signs an account in; the others wait and then find the token.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

/// The right to sign an account in. The system takes it back when the process ends, however it ends.
pub struct AccountLock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLock {
    /// Another process held it all the time.
    Busy,
    /// The folder cannot be written, or its file system knows no locks.
    Impossible,
}

impl AccountLock {
    pub(super) fn take(file: &Path, limit: Duration, mut waiting: impl FnMut()) -> Result<Self, NoLock> {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(file).map_err(|_| NoLock::Impossible)?;
        let start = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if start.elapsed() < limit => {
                    if !told && start.elapsed() > QUIET {
                        told = true;
                        waiting();
                    }
                    std::thread::sleep(POLL);
                }
                Err(TryLockError::WouldBlock) => return Err(NoLock::Busy),
                Err(TryLockError::Error(_)) => return Err(NoLock::Impossible),
            }
        }
    }
}

const POLL: Duration = Duration::from_millis(20);
const QUIET: Duration = Duration::from_secs(3);
