//! New keys and certificates for a cluster that is there (contract R, 4.5).
//!
//! A whole set is made beside the one in use and moved into its place by two renames; whatever was done when somebody is
//! killed, the next look goes on from it or back. A new signing key has a file of its own, named by the operation that made it,
//! so that those processes start anew whose arguments name it.

use std::fs;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::cluster::Keys;
use entrance_model::id::{ClusterUid, OperationId};

use super::error::At as _;
use super::home::{ClusterHome, KEYS, Record};
use super::planes::Planes;
use super::{LocalError, Part, Probe, Step, api, files, pki, probe};

impl Planes {
    /// Which keys and certificates a cluster has.
    pub fn keys(&self, uid: ClusterUid) -> Result<Keys, LocalError> {
        let home = self.home(uid);
        let signing = home.record()?.and_then(|record| record.signing);
        Ok(Keys { in_use: made_by(&home)?, next: made_by(&home.with_keys(NEXT))?, old: home.dir().join(OLD).exists(), signing })
    }

    /// Makes a whole new set of keys and certificates beside the one in use.
    pub async fn make_keys(&self, uid: ClusterUid, by: OperationId) -> Result<(), LocalError> {
        let (home, record, now) = (self.home(uid), self.recorded(uid)?, self.now());
        super::planes::blocking(move || make(&home, &record, by, now)).await
    }

    /// Ends every process, for a certificate in memory would outlive its file, and puts the new set in the place of the old.
    pub async fn swap_keys(&self, uid: ClusterUid, by: OperationId) -> Result<(), LocalError> {
        self.halt(uid).await?;
        let _one_at_a_time = self.alone().await;
        swap(&self.home(uid), by)
    }

    /// Proves at the API server that the old certificates open nothing, makes the cluster forget them, and removes them.
    pub async fn drop_old_keys(&self, uid: ClusterUid) -> Result<(), LocalError> {
        let (home, record) = (self.home(uid), self.recorded(uid)?);
        let old = home.with_keys(OLD);
        if !home.dir().join(OLD).exists() {
            return files::remove(&home.dir().join(NEXT));
        }
        let mut holders = vec![pki::issue_operator(&old, self.now())?];
        // The one that may do anything at the service; here nobody holds such a one, and none shall count.
        holders.push(pki::issue_bootstrap(&old, self.now())?);
        for holder in &holders {
            match probe(&api::client(&home, &record, holder)?).await? {
                Probe::Unknown => {}
                Probe::Allowed | Probe::Forbidden => return Err(LocalError::StillKnown),
            }
            if probe(&api::client(&old, &record, holder)?).await.is_ok() {
                return Err(LocalError::StillKnown);
            }
        }
        self.forget_dropped(uid).await?;
        files::remove(&home.dir().join(OLD))
    }

    /// Puts the old set back, or throws a new one away that was never used.
    pub async fn restore_keys(&self, uid: ClusterUid) -> Result<(), LocalError> {
        let home = self.home(uid);
        if home.dir().join(OLD).exists() {
            self.halt(uid).await?;
        }
        let _one_at_a_time = self.alone().await;
        restore(&home)
    }

    /// Signs service account tokens with a new key from now on. Those that the old ones signed stay good until they end.
    pub async fn renew_signing_key(&self, uid: ClusterUid, by: OperationId) -> Result<(), LocalError> {
        let (home, record, now) = (self.home(uid), self.recorded(uid)?, self.now());
        if record.signing != Some(by) {
            let before = record.signing_key();
            let next = Record { signing: Some(by), ..record };
            super::planes::blocking(move || retire(&home, &before, &next, now)).await?;
            self.restart_for(uid, &[Part::ApiServer, Part::ControllerManager], |record| record.signing = Some(by)).await?;
        }
        self.wait(uid, Step::Rbac).await?;
        let current = self.recorded(uid)?.signing_key();
        forget_private_keys(&self.home(uid), &current)
    }
}

/// Finishes an exchange of folders that somebody was killed in.
pub(super) fn heal(home: &ClusterHome) -> Result<(), LocalError> {
    let dir = home.dir();
    if !dir.exists() || dir.join(KEYS).exists() {
        return Ok(());
    }
    for spare in [NEXT, OLD] {
        if dir.join(spare).exists() {
            return rename(home, spare, KEYS);
        }
    }
    Ok(())
}

/// The public keys of signing keys that were in use within the longest time a token may live.
pub(super) fn retired(home: &ClusterHome, now: Timestamp) -> Result<Vec<String>, LocalError> {
    let folder = home.path(RETIRED);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).at("read", &folder)? {
        let path = entry.at("read", &folder)?.path();
        let since = path.file_stem().and_then(|name| name.to_str()?.parse::<i64>().ok());
        let Some(since) = since.and_then(|second| Timestamp::from_second(second).ok()) else { continue };
        if now > since + LONGEST_TOKEN {
            files::remove(&path)?;
        } else {
            all.push((since, files::read(&path)?.unwrap_or_default()));
        }
    }
    all.sort();
    Ok(all.into_iter().map(|(_, key)| key).collect())
}

fn make(home: &ClusterHome, record: &Record, by: OperationId, now: Timestamp) -> Result<(), LocalError> {
    if made_by(home)? == Some(by) || made_by(&home.with_keys(NEXT))? == Some(by) {
        return Ok(());
    }
    for leftover in [MAKING, NEXT] {
        files::remove(&home.dir().join(leftover))?;
    }
    files::private_folder(&home.dir().join(MAKING))?;
    let making = home.with_keys(MAKING);
    pki::ensure(&making, record, now)?;
    files::write(&making.path(MADE_BY), by.to_string().as_bytes())?;
    rename(home, MAKING, NEXT)
}

fn swap(home: &ClusterHome, by: OperationId) -> Result<(), LocalError> {
    heal(home)?;
    if made_by(home)? == Some(by) {
        return Ok(());
    }
    if made_by(&home.with_keys(NEXT))? != Some(by) {
        return Err(LocalError::Damaged { path: home.dir().join(NEXT), why: "the new keys are not there".to_owned() });
    }
    files::remove(&home.dir().join(OLD))?;
    // Sealed with the old authority, and for a signer that is gone.
    files::remove(&home.path(super::sealed::FILE))?;
    rename(home, KEYS, OLD)?;
    rename(home, NEXT, KEYS)
}

fn restore(home: &ClusterHome) -> Result<(), LocalError> {
    if home.dir().join(OLD).exists() {
        files::remove(&home.dir().join(NEXT))?;
        files::remove(&home.dir().join(KEYS))?;
        return rename(home, OLD, KEYS);
    }
    files::remove(&home.dir().join(MAKING))?;
    files::remove(&home.dir().join(NEXT))
}

/// Writes the public part of the present signing key beside the new key, before anybody signs with the new one.
fn retire(home: &ClusterHome, before: &str, next: &Record, now: Timestamp) -> Result<(), LocalError> {
    let old = pki::signing_key(home, before)?;
    files::private_folder(&home.path(RETIRED))?;
    if !retired(home, now)?.contains(&old) {
        files::write(&home.path(&format!("{RETIRED}/{}.pub", now.as_second())), old.as_bytes())?;
    }
    pki::ensure(home, next, now)
}

/// Nobody signs with an old key again.
fn forget_private_keys(home: &ClusterHome, current: &str) -> Result<(), LocalError> {
    let (folder, current) = (home.path("pki/."), home.path(current));
    for entry in fs::read_dir(&folder).at("read", &folder)? {
        let path = entry.at("read", &folder)?.path();
        let is_private = path.extension().is_some_and(|kind| kind == "key");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_private && name.starts_with("sa") && path.file_name() != current.file_name() {
            files::remove(&path)?;
        }
    }
    Ok(())
}

fn made_by(home: &ClusterHome) -> Result<Option<OperationId>, LocalError> {
    Ok(files::read(&home.path(MADE_BY))?.and_then(|text| text.trim().parse().ok()))
}

fn rename(home: &ClusterHome, from: &str, to: &str) -> Result<(), LocalError> {
    let (from, to) = (home.dir().join(from), home.dir().join(to));
    fs::rename(&from, &to).at("move", &from)?;
    fs::File::open(home.dir()).and_then(|folder| folder.sync_all()).at("write", home.dir())
}

/// A set that is being made, one that is complete, and the one before.
const MAKING: &str = "pki.making";
const NEXT: &str = "pki.next";
const OLD: &str = "pki.old";
/// Names the operation that made a set.
const MADE_BY: &str = "pki/made-by";
const RETIRED: &str = "pki/retired";
/// The API server gives pods tokens for a year, and a little more.
const LONGEST_TOKEN: Duration = Duration::from_hours(24 * 370);

#[cfg(test)]
#[path = "rotate_tests.rs"]
mod tests;
