//! The sealed door of a cluster, as the server remembers it: when it was made, for whom, and when it was last tried.

use jiff::{SignedDuration, Timestamp};

use crate::id::{ClusterUid, DoorId, TenantId};
use crate::recovery::Recovery;

/// A door whose key nobody has until enough recovery keys come together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedDoor {
    /// Its id: the same from sealing to sealing, until it was opened or other keys were named.
    pub id: DoorId,
    /// The cluster's tenant.
    pub tenant: TenantId,
    /// Which cluster.
    pub cluster: ClusterUid,
    /// The sealed file, as it is handed out.
    pub file: String,
    /// The certificate that is sealed in it, PEM; its key is nowhere else.
    pub certificate: String,
    /// The digest of what only somebody who opened the file knows.
    pub proof: String,
    /// When it was sealed.
    pub sealed: Timestamp,
    /// Until when its certificate is good.
    pub until: Timestamp,
    /// Who can open it together.
    pub recovery: Recovery,
    /// When the server last rehearsed an opening without the keys.
    pub rehearsed: Option<Timestamp>,
    /// When people last opened the file in a drill, with their keys.
    pub drilled: Option<Timestamp>,
    /// When the server learned that it was opened in earnest: from then on it is spent.
    pub opened: Option<Timestamp>,
}

/// What is to be done about a cluster's sealed door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// Nothing.
    Keep,
    /// A new file for the same door; copies of the old one stay good until their own end.
    Renew,
    /// A new door; the old one, if there is any, is refused from now on.
    Replace,
    /// None: it is refused from now on.
    Remove,
}

impl SealedDoor {
    /// How long a sealed certificate is good: a server may be dead for weeks, and a copy in a safe is renewed by people.
    pub const LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
    /// How old a sealing gets before the server makes the next.
    pub const RENEW_AFTER: SignedDuration = SignedDuration::from_hours(24);
    /// How long a drill counts.
    pub const DRILL_COUNTS: SignedDuration = SignedDuration::from_hours(90 * 24);

    /// What is to be done. `wanted`: the recovery keys of a cluster with local accounts; `spent_open`: it was opened in
    /// earnest, and the door that came of it is not shut yet.
    pub fn due(current: Option<&Self>, wanted: Option<&Recovery>, spent_open: bool, now: Timestamp) -> Sealing {
        match (current, wanted) {
            (None, Some(_)) => Sealing::Replace,
            // Whoever is in shall not be thrown out by housekeeping; closing that door is a matter of its own.
            (Some(door), _) if door.opened.is_some() && spent_open => Sealing::Keep,
            (Some(_), None) => Sealing::Remove,
            (Some(door), Some(wanted)) if door.recovery != *wanted || door.opened.is_some() => Sealing::Replace,
            // A clock that was set back must not keep it from being renewed.
            (Some(door), Some(_)) if now.duration_since(door.sealed).abs() >= Self::RENEW_AFTER => Sealing::Renew,
            (None, None) | (Some(_), Some(_)) => Sealing::Keep,
        }
    }

    /// What people should know about it.
    pub fn warnings(&self, now: Timestamp) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        let last = self.drilled.unwrap_or(self.sealed);
        match self.drilled {
            None => warnings.push(
                "It was never drilled: nobody has shown yet that the recovery keys open it. Use `entrance break-glass drill`.",
            ),
            Some(_) if now.duration_since(last) > Self::DRILL_COUNTS => {
                warnings.push("The last drill was more than 90 days ago. Use `entrance break-glass drill`.");
            }
            Some(_) => {}
        }
        if now.duration_since(self.sealed) > Self::RENEW_AFTER * 7 {
            warnings.push("It has not been renewed for more than a week; look at the server's log.");
        }
        if self.opened.is_some() {
            warnings.push("It was opened; once that door is closed, a new one is sealed and copies of this file open nothing.");
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recovery(n: u8) -> Recovery {
        let key = crate::recovery::RecoveryKey::from_bytes([n; 32]).to_string();
        Recovery::new(&[&key], None).expect("fine").expect("a key")
    }

    fn door(now: Timestamp) -> SealedDoor {
        SealedDoor {
            id: DoorId::from_uuid(uuid::Uuid::from_u128(1)),
            tenant: TenantId::from_uuid(uuid::Uuid::nil()),
            cluster: ClusterUid::from_uuid(uuid::Uuid::nil()),
            file: String::new(),
            certificate: String::new(),
            proof: String::new(),
            sealed: now,
            until: now + SealedDoor::LIFE,
            recovery: recovery(9),
            rehearsed: None,
            drilled: None,
            opened: None,
        }
    }

    #[test]
    fn a_door_is_made_renewed_replaced_and_removed_in_time() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().expect("a time");
        let (mine, other, fresh) = (recovery(9), recovery(8), door(now));
        let day = SealedDoor::RENEW_AFTER;
        let due = |door, wanted, open, now| SealedDoor::due(door, wanted, open, now);
        assert_eq!(due(None, None, false, now), Sealing::Keep);
        assert_eq!(due(None, Some(&mine), false, now), Sealing::Replace);
        assert_eq!(due(Some(&fresh), None, false, now), Sealing::Remove);
        assert_eq!(due(Some(&fresh), Some(&mine), false, now + day / 2), Sealing::Keep);
        assert_eq!(due(Some(&fresh), Some(&mine), false, now + day), Sealing::Renew);
        assert_eq!(due(Some(&fresh), Some(&mine), false, now - day), Sealing::Renew, "a clock that went back");
        assert_eq!(due(Some(&fresh), Some(&other), false, now), Sealing::Replace);
        let spent = SealedDoor { opened: Some(now), ..door(now) };
        for wanted in [Some(&mine), Some(&other), None] {
            assert_eq!(due(Some(&spent), wanted, true, now + day), Sealing::Keep, "whoever is in stays in");
        }
        assert_eq!(due(Some(&spent), Some(&mine), false, now), Sealing::Replace);
        assert_eq!(due(Some(&spent), None, false, now), Sealing::Remove);
    }

    #[test]
    fn a_drill_counts_for_ninety_days() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().expect("a time");
        assert_eq!(door(now).warnings(now).len(), 1, "never drilled");
        let drilled = |ago: SignedDuration| SealedDoor { drilled: Some(now - ago), ..door(now) };
        assert!(drilled(SealedDoor::DRILL_COUNTS).warnings(now).is_empty());
        assert_eq!(drilled(SealedDoor::DRILL_COUNTS + SignedDuration::from_secs(1)).warnings(now).len(), 1);
    }
}
