//! Doors that nobody asked for: opened with the sealed file, and found afterwards.

use jiff::Timestamp;

use super::{Door, DoorState, Life, Opening, Reason};
use crate::cluster::SealedDoor;
use crate::id::{DoorId, PrincipalId};

impl Door {
    /// What the user names in sealed doors' certificates begin with.
    pub const OFFLINE_USER: &str = "breakglass:offline:";

    /// The door that somebody opened with the sealed file while no server was there to ask. Nobody of the directory holds it;
    /// the reason tells who it was, by their own word.
    pub fn offline(sealed: &SealedDoor, reason: Reason, now: Timestamp) -> Self {
        let holder = PrincipalId::from_uuid(sealed.id.uuid());
        let until = Life::USUAL.after(now).min(sealed.until);
        let opening = Opening { certificate: sealed.certificate.clone(), at: now, until, by: holder };
        Self {
            id: sealed.id,
            tenant: sealed.tenant,
            cluster: sealed.cluster,
            holder,
            reason,
            life: Life::USUAL,
            asked: now,
            state: DoorState::Open(opening),
        }
    }

    /// Whether it was opened with the sealed file.
    pub fn is_offline(&self) -> bool {
        self.holder.uuid() == self.id.uuid()
    }

    /// The user name in its certificate.
    pub fn certificate_user(&self) -> String {
        if self.is_offline() { Self::offline_user(self.id) } else { Self::user(self.holder) }
    }

    /// The user name in a sealed door's certificate.
    pub fn offline_user(id: DoorId) -> String {
        format!("{}{id}", Self::OFFLINE_USER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ClusterUid, TenantId};
    use crate::recovery::{Recovery, RecoveryKey};

    #[test]
    fn an_offline_door_ends_by_itself_and_never_after_its_certificate() {
        let at = |hours: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hours);
        let key = RecoveryKey::from_bytes([9; 32]).to_string();
        let sealed = SealedDoor {
            id: DoorId::from_uuid(uuid::Uuid::from_u128(7)),
            tenant: TenantId::from_uuid(uuid::Uuid::nil()),
            cluster: ClusterUid::from_uuid(uuid::Uuid::nil()),
            file: String::new(),
            certificate: "the certificate".to_owned(),
            proof: String::new(),
            sealed: at(0),
            until: at(100),
            recovery: Recovery::new(&[&key], None).expect("fine").expect("a key"),
            rehearsed: None,
            drilled: None,
            opened: None,
        };
        let door = Door::offline(&sealed, Reason::of_record("carol:\u{1b}[2J gone"), at(1));
        assert!(door.is_offline() && door.is_open(at(8)) && !door.is_open(at(9)));
        assert_eq!(door.reason.as_str(), "carol: [2J gone");
        assert_eq!(door.certificate_user(), "breakglass:offline:00000000-0000-0000-0000-000000000007");
        let late = Door::offline(&sealed, Reason::of_record("late"), at(99));
        assert_eq!(late.opening().map(|opening| opening.until), Some(at(100)));
    }
}
