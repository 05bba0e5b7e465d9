//! Who can be in a group, and who can stop owning one (G-302).

use crate::directory::{Group, Member};
use crate::id::PrincipalId;

/// Why an edge is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// A group in itself.
    #[error("A group cannot be a member of itself.")]
    Itself,
    /// A group in a group that may hold directory roles.
    #[error("Groups cannot be members of a group that is assignable to roles.")]
    Nested,
    /// A group as an owner.
    #[error("Only users and service principals can be owners.")]
    GroupOwner,
    /// The last owner leaves.
    #[error("The group must have at least one owner, hence this owner cannot be removed.")]
    LastOwner,
}

/// Whether something can become a direct member. Cycles over several groups are possible and harmless.
pub fn may_join(group: &Group, member: Member) -> Result<(), MemberError> {
    use crate::directory::MemberKind;
    if member.id == PrincipalId::from(group.id) {
        return Err(MemberError::Itself);
    }
    if member.kind == MemberKind::Group && is_role_assignable(group) {
        return Err(MemberError::Nested);
    }
    Ok(())
}

/// Whether something can own a group or an application.
pub fn may_own(owner: Member) -> Result<(), MemberError> {
    if owner.kind == crate::directory::MemberKind::Group { Err(MemberError::GroupOwner) } else { Ok(()) }
}

/// Who removes an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remover {
    /// Somebody who administers the directory, and can give the group a new owner.
    Administrator,
    /// Anybody else.
    Other,
}

/// Whether an owner can be removed. A group never loses its last owner by their own hand; an administrator may take a
/// security group over, as `az ad group owner remove` does with its only owner. A Microsoft 365 group always keeps one.
pub fn may_leave_ownership(group: &Group, owners: &[Member], owner: PrincipalId, by: Remover) -> Result<(), MemberError> {
    let is_last = owners.iter().all(|one| one.id == owner);
    let may_be_empty = by == Remover::Administrator && !group.mail_enabled;
    if is_last && !may_be_empty { Err(MemberError::LastOwner) } else { Ok(()) }
}

/// Whether the group may hold directory roles.
pub fn is_role_assignable(group: &Group) -> bool {
    group.other.get("isAssignableToRole").and_then(serde_json::Value::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Timestamp;
    use crate::directory::MemberKind;
    use crate::id::GroupId;

    fn group() -> Group {
        Group {
            id: GroupId::from_uuid(Uuid::from_u128(1)),
            display_name: "platform".into(),
            mail_nickname: "platform".into(),
            description: None,
            security_enabled: true,
            mail_enabled: false,
            created: Timestamp::UNIX_EPOCH,
            other: serde_json::Map::new(),
        }
    }

    fn member(n: u128, kind: MemberKind) -> Member {
        Member { id: PrincipalId::from_uuid(Uuid::from_u128(n)), kind }
    }

    #[test]
    fn g_302_a_group_is_never_its_own_member() {
        assert_eq!(may_join(&group(), member(1, MemberKind::Group)), Err(MemberError::Itself));
        assert_eq!(may_join(&group(), member(2, MemberKind::Group)), Ok(()));
    }

    #[test]
    fn g_302_a_role_assignable_group_takes_no_groups() {
        let mut privileged = group();
        privileged.other.insert("isAssignableToRole".into(), true.into());
        assert_eq!(may_join(&privileged, member(2, MemberKind::Group)), Err(MemberError::Nested));
        assert_eq!(may_join(&privileged, member(2, MemberKind::User)), Ok(()));
    }

    #[test]
    fn g_302_the_last_owner_stays_unless_an_administrator_takes_over() {
        let (group, alice, bob) = (group(), member(2, MemberKind::User), member(3, MemberKind::User));
        assert_eq!(may_leave_ownership(&group, &[alice], alice.id, Remover::Other), Err(MemberError::LastOwner));
        assert_eq!(may_leave_ownership(&group, &[alice, bob], alice.id, Remover::Other), Ok(()));
        assert_eq!(may_leave_ownership(&group, &[alice], alice.id, Remover::Administrator), Ok(()));
        assert_eq!(may_own(member(4, MemberKind::Group)), Err(MemberError::GroupOwner));
    }
}
