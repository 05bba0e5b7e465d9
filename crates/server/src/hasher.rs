//! Password hashing: argon2id on a bounded pool, because one hash is tens of milliseconds of a core and holds its memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::config::PasswordCost;

/// Hashes and checks passwords, at most one per core at a time.
#[derive(Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    slots: Arc<Semaphore>,
    /// Checked against when there is no such person, so that the work is the same.
    decoy: Arc<str>,
    load: Arc<Load>,
}

/// What the pool has to do.
#[derive(Debug, Default)]
struct Load {
    /// Hashes that wait for a core or have one.
    waiting: AtomicUsize,
    /// Hashes that were made since the start.
    done: AtomicU64,
}

impl Hasher {
    /// A hasher with this cost.
    ///
    /// # Panics
    ///
    /// When argon2 does not take the cost; both costs of [`PasswordCost`] are taken.
    pub fn new(cost: PasswordCost) -> Self {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).expect("argon2 takes this cost");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let decoy = argon2.hash_password(b"nobody has this password").expect("argon2 hashes").to_string();
        Self { argon2, slots: Arc::new(Semaphore::new(cores)), decoy: decoy.into(), load: Arc::default() }
    }

    /// The PHC string of a password.
    pub async fn hash(&self, password: Zeroizing<String>) -> String {
        let argon2 = self.argon2.clone();
        self.on_pool(move || argon2.hash_password(password.as_bytes()).expect("argon2 hashes any text").to_string()).await
    }

    /// Whether the password is the one behind the hash; `None` does the same work and says no.
    pub async fn verify(&self, phc: Option<String>, password: Zeroizing<String>) -> bool {
        let argon2 = self.argon2.clone();
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.decoy.to_string());
        self.on_pool(move || {
            let matches = PasswordHash::new(&phc).is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok());
            matches && known
        })
        .await
    }

    /// How many hashes were computed since the start: the same number for a name that exists and one that does not.
    pub fn done(&self) -> u64 {
        self.load.done.load(Ordering::Relaxed)
    }

    /// Whether so many passwords wait that the next one would wait for seconds.
    pub fn is_swamped(&self) -> bool {
        self.load.waiting.load(Ordering::Relaxed) >= MOST_WAITING
    }

    async fn on_pool<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let waits = Waits::begin(Arc::clone(&self.load));
        let slot = Arc::clone(&self.slots).acquire_owned().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let result = work();
            waits.0.done.fetch_add(1, Ordering::Relaxed);
            result
        })
        .await
        .expect("hashing does not panic")
    }
}

/// One that waits; it stops waiting also when the request went away.
struct Waits(Arc<Load>);

impl Waits {
    fn begin(load: Arc<Load>) -> Self {
        load.waiting.fetch_add(1, Ordering::Relaxed);
        Self(load)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A hash is some tens of milliseconds of a core.
const MOST_WAITING: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits_and_nobody_fits_nobody() {
        let hasher = Hasher::new(PasswordCost::LEAST);
        let phc = hasher.hash(Zeroizing::new("correct horse".into())).await;
        assert!(phc.starts_with("$argon2id$"));
        assert!(hasher.verify(Some(phc.clone()), Zeroizing::new("correct horse".into())).await);
        assert!(!hasher.verify(Some(phc), Zeroizing::new("wrong horse".into())).await);
        assert!(!hasher.verify(None, Zeroizing::new("nobody has this password".into())).await);
    }
}
