//! Follows the calendar of the signing keys (S-810): makes keys in the background, lets the next one take over, and takes
//! keys away, while tokens are signed and verified all the time.

use std::sync::Arc;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::{PrincipalId, TenantId};
use entrance_model::signin::keys::{Order, Step, plan};
use entrance_store::{AuditEvent, SealedKey, Store, StoreError, Tx};
use serde_json::json;

use super::key::{Key, generate, times};
use super::{KeyRing, PURPOSE, Ring};
use crate::app::App;

/// Who wants keys to change, and why; nobody, where the calendar says so.
#[derive(Debug, Clone, Default)]
pub struct Because {
    /// The tenant of whoever asks.
    pub tenant: Option<TenantId>,
    /// Who asks.
    pub actor: Option<PrincipalId>,
    /// Their reason.
    pub reason: Option<String>,
}

/// What happened to the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Keys that were made.
    pub made: Vec<String>,
    /// Keys whose first signature was set to another time.
    pub began: Vec<(String, Timestamp)>,
    /// Keys that will be taken away.
    pub ends: Vec<(String, Timestamp)>,
    /// Keys that were taken away.
    pub gone: Vec<String>,
}

impl Changed {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// How often the calendar is looked at.
const LOOK: Duration = Duration::from_mins(1);

/// Follows the calendar until the server stops.
pub(crate) async fn follow(app: std::sync::Weak<App>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(app) = app.upgrade() else { return };
        match app.keys.maintain(&app.store, app.now()).await {
            Ok(changed) if changed.is_nothing() => {}
            Ok(changed) => tracing::info!(?changed, "the signing keys changed"),
            Err(error) => tracing::error!(%error, "the signing keys could not be looked after"),
        }
    }
}

impl KeyRing {
    /// Does what the calendar says. Cheap when there is nothing to do.
    pub async fn maintain(&self, store: &Store, now: Timestamp) -> Result<Changed, StoreError> {
        if plan(&self.ring.load().times(), Order::Due, now).is_empty() {
            // The next key may have taken over since.
            self.sort(now);
            return Ok(Changed::default());
        }
        self.change(store, Order::Due, &Because::default(), now).await
    }

    /// Lets the next key sign as soon as it was published for a day, and says what was settled.
    pub async fn rotate(&self, store: &Store, because: &Because, now: Timestamp) -> Result<Changed, StoreError> {
        self.change(store, Order::Rotate, because, now).await
    }

    /// Takes a key away for good, as after it leaked: what it signed is refused from now on, here and after every restart.
    /// Another key signs from now on. Nothing happens when there is no such key.
    pub async fn retire(&self, store: &Store, kid: &str, because: &Because, now: Timestamp) -> Result<Changed, StoreError> {
        if !self.ring.load().keys.iter().any(|key| key.times.name == kid) {
            return Ok(Changed::default());
        }
        self.change(store, Order::Remove(kid), because, now).await
    }

    /// Reads all keys again.
    pub(super) async fn reload(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        self.change(store, Order::Due, &Because::default(), now).await.map(drop)
    }

    fn sort(&self, now: Timestamp) {
        let ring = self.ring.load();
        let sorted = Ring::of(ring.keys.clone(), ring.generation, now);
        if sorted.keys.first().map(|key| &key.times.name) != ring.keys.first().map(|key| &key.times.name) {
            self.ring.store(Arc::new(sorted));
        }
    }

    async fn change(&self, store: &Store, order: Order<'_>, because: &Because, now: Timestamp) -> Result<Changed, StoreError> {
        let _one_at_a_time = self.changing.lock().await;
        let mut made = Vec::new();
        loop {
            let known = store.read().await?.keys().all(&self.purpose).await?;
            let needed = plan(&known.iter().map(times).collect::<Vec<_>>(), order, now).iter().filter(|step| makes(step)).count();
            // A key takes a tenth of a second and more: outside of the transaction, away from requests.
            let missing = needed.saturating_sub(made.len());
            let new = tokio::task::spawn_blocking(move || (0..missing).map(|_| generate(now)).collect::<Vec<_>>()).await;
            made.extend(new.expect("making keys does not panic"));
            let mut tx = store.write().await?;
            let keys = tx.keys().all(&self.purpose).await?;
            let steps = plan(&keys.iter().map(times).collect::<Vec<_>>(), order, now);
            if steps.iter().filter(|step| makes(step)).count() > made.len() {
                // Another server was here in between.
                continue;
            }
            let changed = self.take(&mut tx, &steps, made, (order, because), now).await?;
            let keys = tx.keys().all(&self.purpose).await?;
            tx.commit().await?;
            self.publish(&keys, now)?;
            return Ok(changed);
        }
    }

    async fn take(
        &self,
        tx: &mut Tx,
        steps: &[Step],
        made: Vec<SealedKey>,
        (order, because): (Order<'_>, &Because),
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let (mut changed, mut made) = (Changed::default(), made.into_iter());
        for step in steps {
            let (told, kid, mut detail) = match step {
                Step::Make { starts } => {
                    let key = SealedKey { starts: *starts, ..made.next().expect("as many were made as are needed") };
                    tx.keys().insert(&self.purpose, &key).await?;
                    changed.made.push(key.name.clone());
                    ("signingKey.made", key.name, json!({ "signsFrom": starts.to_string() }))
                }
                Step::Begin { name, at } => {
                    tx.keys().start(&self.purpose, name, *at).await?;
                    changed.began.push((name.clone(), *at));
                    ("signingKey.rotated", name.clone(), json!({ "signsFrom": at.to_string() }))
                }
                Step::End { name, at } => {
                    tx.keys().end(&self.purpose, name, *at).await?;
                    changed.ends.push((name.clone(), *at));
                    ("signingKey.succeeded", name.clone(), json!({ "goneFrom": at.to_string() }))
                }
                Step::Forget { name } => {
                    tx.keys().delete(&self.purpose, name).await?;
                    changed.gone.push(name.clone());
                    let kind = if order == Order::Remove(name) { "signingKey.retired" } else { "signingKey.ended" };
                    (kind, name.clone(), json!({}))
                }
            };
            if *self.purpose != *PURPOSE {
                continue;
            }
            if let Some(reason) = &because.reason {
                detail["reason"] = reason.clone().into();
            }
            let event = AuditEvent { kind: told, tenant: because.tenant, actor: because.actor, target: Some(kid), detail };
            tx.audit(now, &event).await?;
        }
        Ok(changed)
    }

    /// Signs and verifies with these keys from now on. Keys that stay are not read again.
    fn publish(&self, keys: &[SealedKey], now: Timestamp) -> Result<(), StoreError> {
        let before = self.ring.load();
        let read = |sealed: &SealedKey| {
            let times = times(sealed);
            match before.keys.iter().find(|known| known.times == times) {
                Some(known) => Ok(Arc::clone(known)),
                None => Key::read(sealed).map(Arc::new),
            }
        };
        let keys = keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let has_gone = before.keys.iter().any(|known| !keys.iter().any(|key| key.times.name == known.times.name));
        let generation = before.generation + u64::from(has_gone);
        self.ring.store(Arc::new(Ring::of(keys, generation, now)));
        Ok(())
    }
}

fn makes(step: &Step) -> bool {
    matches!(step, Step::Make { .. })
}
