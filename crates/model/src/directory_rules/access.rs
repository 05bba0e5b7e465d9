//! Who may read and change the directory (G-004, G-008): one function, which every route asks.
//!
//! A person can do what both they and the application they use may do; an application by itself can do what it was
//! granted. Administrators change everything, owners what they own, members read.

use uuid::Uuid;

use crate::id::{PrincipalId, ServicePrincipalId, UserId};

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A person, through an application that was granted these scopes.
    Person {
        /// Their object id.
        id: UserId,
        /// What they are in the directory.
        standing: Standing,
        /// Delegated permissions of the application.
        scopes: Vec<String>,
    },
    /// An application by itself, with its application permissions.
    Application {
        /// Object id of its service principal.
        id: ServicePrincipalId,
        /// What it was granted.
        roles: Vec<String>,
    },
}

/// What a person is in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Administers it.
    Administrator,
    /// Belongs to it.
    Member,
    /// Was invited and sees only themselves.
    Guest,
}

/// Which objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Area {
    /// People.
    Users,
    /// Groups.
    Groups,
    /// Application registrations.
    Applications,
    /// Their identities.
    ServicePrincipals,
    /// The tenant itself.
    Organization,
}

/// What is to be done: the effect counts, not the route that leads to it (G-008).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See oneself and what one belongs to.
    ReadOwn,
    /// See objects.
    Read(Area),
    /// Make an object.
    Create(Area),
    /// Change an object.
    Update(Area),
    /// Remove an object.
    Delete(Area),
    /// Change who is in a group.
    ChangeMembers,
    /// Change who owns an object.
    ChangeOwners(Area),
    /// Add or remove secrets, certificates, federated credentials.
    ChangeCredentials(Area),
    /// Set somebody's password.
    ResetPassword,
    /// See what somebody signs in with.
    ReadMethods,
    /// Take somebody's second factors away.
    ResetMethods,
    /// End somebody's sessions.
    RevokeSessions,
    /// End what an application holds, for itself and in people's names.
    RevokeApplication,
    /// See where somebody is signed in.
    ReadSessions,
    /// Read the audit log and the sign-in log.
    ReadAudit,
    /// See what applications were allowed in people's names.
    ReadGrants,
    /// Allow applications something in people's names, or take it back.
    ChangeGrants,
    /// Give somebody a role of an application, or take it away.
    AssignAppRoles,
    /// See and change the keys that tokens are signed with.
    SigningKeys,
    /// See sign-in policies.
    ReadPolicies,
    /// Change sign-in policies.
    ChangePolicies,
    /// Change the few facts that people keep about themselves.
    UpdateOwnProfile,
}

/// The object that is to be changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// Its object id.
    pub id: Uuid,
    /// Who owns it.
    pub owners: &'a [PrincipalId],
    /// One of the built-in applications.
    pub is_first_party: bool,
    /// A person who administers the directory, or a group that may hold directory roles.
    pub is_privileged: bool,
}

/// The proof that somebody may do something to one object; only [`allow`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    actor: PrincipalId,
    action: Action,
    target: Option<Uuid>,
    because: Because,
}

/// Why it is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It is about themselves.
    Oneself,
    /// Members read.
    Member,
    /// They administer the directory.
    Administrator,
    /// They own the object.
    Owner,
    /// The application was granted it.
    Granted,
}

impl Because {
    /// The reason in one word, for the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oneself => "oneself",
            Self::Member => "member",
            Self::Administrator => "administrator",
            Self::Owner => "owner",
            Self::Granted => "granted",
        }
    }
}

/// Why it is not allowed; the caller learns nothing but that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Insufficient privileges to complete the operation.")]
pub struct Denied;

impl Allowed {
    /// Who does it.
    pub const fn actor(&self) -> PrincipalId {
        self.actor
    }

    /// What they may do.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// To which object; `None` for what is about to be made or for a list.
    pub const fn target(&self) -> Option<Uuid> {
        self.target
    }

    /// Why.
    pub const fn because(&self) -> Because {
        self.because
    }
}

impl Caller {
    /// Its object id.
    pub fn id(&self) -> PrincipalId {
        match self {
            Self::Person { id, .. } => (*id).into(),
            Self::Application { id, .. } => (*id).into(),
        }
    }

    /// Whether they administer the directory themselves.
    pub fn is_administrator(&self) -> bool {
        matches!(self, Self::Person { standing: Standing::Administrator, .. })
    }
}

/// Whether the caller may do that to the object; the only place that decides it.
pub fn allow(caller: &Caller, action: Action, target: Option<&Target<'_>>) -> Result<Allowed, Denied> {
    let changes = !matches!(action, Action::ReadOwn | Action::Read(_));
    // The tokens of a built-in application can be ended, and its roles given, without changing it.
    let changes = changes && !matches!(action, Action::RevokeApplication | Action::AssignAppRoles);
    if changes && target.is_some_and(|target| target.is_first_party) {
        return Err(Denied);
    }
    let because = match caller {
        Caller::Person { id, standing, scopes } => {
            if !scopes.iter().any(|scope| covers(scope, action, Holder::Person)) {
                return Err(Denied);
            }
            person((*id).into(), *standing, action, target)?
        }
        Caller::Application { id, roles } => application((*id).into(), roles, action, target)?,
    };
    Ok(Allowed { actor: caller.id(), action, target: target.map(|target| target.id), because })
}

fn person(id: PrincipalId, standing: Standing, action: Action, target: Option<&Target<'_>>) -> Result<Because, Denied> {
    let is_self = target.is_some_and(|target| target.id == id.uuid());
    match action {
        Action::ReadOwn => return Ok(Because::Oneself),
        // What somebody allowed for themselves they may take back.
        Action::Read(_)
        | Action::UpdateOwnProfile
        | Action::RevokeSessions
        | Action::ReadSessions
        | Action::ReadMethods
        | Action::ReadGrants
        | Action::ChangeGrants
            if is_self =>
        {
            return Ok(Because::Oneself);
        }
        Action::Read(_) if standing == Standing::Member => return Ok(Because::Member),
        // Everything else is up to the standing and to ownership.
        _ => {}
    }
    if standing == Standing::Administrator {
        return Ok(Because::Administrator);
    }
    let can_own = matches!(
        action,
        Action::Update(_)
            | Action::Delete(_)
            | Action::ChangeMembers
            | Action::ChangeOwners(_)
            | Action::ChangeCredentials(_)
            | Action::RevokeApplication
            | Action::AssignAppRoles
    );
    let owns = target.is_some_and(|target| target.owners.contains(&id) && !target.is_privileged);
    if can_own && owns && standing != Standing::Guest { Ok(Because::Owner) } else { Err(Denied) }
}

fn application(id: PrincipalId, roles: &[String], action: Action, target: Option<&Target<'_>>) -> Result<Because, Denied> {
    // An application never gets at an administrator, whatever it was granted: that would be a way to become one.
    let reads = matches!(action, Action::Read(_) | Action::ReadGrants | Action::ReadSessions | Action::ReadMethods);
    if !reads && target.is_some_and(|target| target.is_privileged) {
        return Err(Denied);
    }
    if roles.iter().any(|role| covers(role, action, Holder::Application)) {
        return Ok(Because::Granted);
    }
    let owned_by = roles.iter().any(|role| role.eq_ignore_ascii_case("Application.ReadWrite.OwnedBy"));
    let is_own = target.is_some_and(|target| target.owners.contains(&id));
    match action {
        Action::Create(Area::Applications | Area::ServicePrincipals) if owned_by => Ok(Because::Granted),
        Action::Read(Area::Applications | Area::ServicePrincipals)
        | Action::Update(Area::Applications | Area::ServicePrincipals)
        | Action::Delete(Area::Applications | Area::ServicePrincipals)
        | Action::ChangeCredentials(_)
        | Action::RevokeApplication
        | Action::ChangeOwners(Area::Applications | Area::ServicePrincipals)
            if owned_by && is_own =>
        {
            Ok(Because::Owner)
        }
        _ => Err(Denied),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    Person,
    Application,
}

/// Whether a permission, delegated or of an application, reaches to the action.
fn covers(permission: &str, action: Action, holder: Holder) -> bool {
    let is = |known: &str| permission.eq_ignore_ascii_case(known);
    let any = |known: &[&str]| known.iter().any(|one| is(one));
    if holder == Holder::Person && any(&["user_impersonation", "Directory.AccessAsUser.All"]) {
        return true;
    }
    if is("Directory.ReadWrite.All") {
        // As in the original: the widest permission, but not over passwords, roles, keys and policies, and not into the logs.
        return !matches!(
            action,
            Action::ResetPassword
                | Action::ReadMethods
                | Action::ResetMethods
                | Action::ChangeGrants
                | Action::ReadAudit
                | Action::AssignAppRoles
                | Action::SigningKeys
                | Action::ReadPolicies
                | Action::ChangePolicies
        );
    }
    match action {
        Action::ReadOwn => {
            holder == Holder::Person
                && (any(&["User.Read", "User.ReadWrite", "User.ReadBasic.All", "openid", "profile"])
                    || covers(permission, Action::Read(Area::Users), holder))
        }
        Action::UpdateOwnProfile => is("User.ReadWrite") || covers(permission, Action::Update(Area::Users), holder),
        Action::Read(Area::Users) => any(&["Directory.Read.All", "User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All"]),
        Action::Read(Area::Groups) => any(&[
            "Directory.Read.All",
            "Group.Read.All",
            "GroupMember.Read.All",
            "Group.ReadWrite.All",
            "GroupMember.ReadWrite.All",
        ]),
        Action::Read(Area::Applications | Area::ServicePrincipals) => {
            any(&["Directory.Read.All", "Application.Read.All", "Application.ReadWrite.All"])
        }
        Action::Read(Area::Organization) => {
            any(&["Directory.Read.All", "Organization.Read.All", "User.Read", "Domain.Read.All"])
                || covers(permission, Action::Read(Area::Users), holder)
        }
        Action::Create(Area::Users) | Action::Update(Area::Users) | Action::Delete(Area::Users) => is("User.ReadWrite.All"),
        Action::ResetPassword => any(&["User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All"]),
        Action::ReadMethods => any(&["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"]),
        Action::ResetMethods => is("UserAuthenticationMethod.ReadWrite.All"),
        Action::RevokeSessions => any(&["User.ReadWrite.All", "User.RevokeSessions.All"]),
        Action::ReadAudit => is("AuditLog.Read.All"),
        Action::ReadGrants => any(&["Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All"]),
        Action::ChangeGrants => is("DelegatedPermissionGrant.ReadWrite.All"),
        // An application that gives roles could give itself all of them.
        Action::AssignAppRoles => holder == Holder::Person && is("AppRoleAssignment.ReadWrite.All"),
        Action::ReadPolicies => any(&["Policy.Read.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess"]),
        Action::ChangePolicies => is("Policy.ReadWrite.ConditionalAccess"),
        Action::ReadSessions => any(&["User.ReadWrite.All", "User.RevokeSessions.All", "AuditLog.Read.All"]),
        Action::ChangeMembers => any(&["Group.ReadWrite.All", "GroupMember.ReadWrite.All"]),
        Action::Create(Area::Groups)
        | Action::Update(Area::Groups)
        | Action::Delete(Area::Groups)
        | Action::ChangeOwners(Area::Groups) => is("Group.ReadWrite.All"),
        Action::Create(Area::Applications | Area::ServicePrincipals)
        | Action::Update(Area::Applications | Area::ServicePrincipals)
        | Action::Delete(Area::Applications | Area::ServicePrincipals)
        | Action::ChangeOwners(Area::Applications | Area::ServicePrincipals)
        | Action::ChangeCredentials(_)
        | Action::RevokeApplication => is("Application.ReadWrite.All"),
        Action::SigningKeys
        | Action::Create(Area::Organization)
        | Action::Update(Area::Organization)
        | Action::Delete(Area::Organization)
        | Action::ChangeOwners(Area::Users | Area::Organization) => false,
    }
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;

    const ME: Uuid = uuid!("00000000-0000-4000-8000-000000000001");
    const OTHER: Uuid = uuid!("00000000-0000-4000-8000-000000000002");

    fn person(standing: Standing, scope: &str) -> Caller {
        Caller::Person { id: UserId::from_uuid(ME), standing, scopes: vec![scope.into()] }
    }

    fn application(role: &str) -> Caller {
        Caller::Application { id: ServicePrincipalId::from_uuid(ME), roles: vec![role.into()] }
    }

    fn may(caller: &Caller, action: Action, target: Option<Target<'_>>) -> Option<Because> {
        allow(caller, action, target.as_ref()).ok().map(|allowed| allowed.because())
    }

    const ALL_CHANGES: [Action; 8] = [
        Action::Create(Area::Groups),
        Action::Update(Area::Groups),
        Action::Delete(Area::Applications),
        Action::ChangeMembers,
        Action::ChangeOwners(Area::Applications),
        Action::ChangeCredentials(Area::ServicePrincipals),
        Action::ResetPassword,
        Action::RevokeSessions,
    ];

    #[test]
    fn g_004_administrators_change_everything_but_what_is_built_in() {
        let admin = person(Standing::Administrator, "user_impersonation");
        for action in ALL_CHANGES {
            assert_eq!(
                may(&admin, action, Some(Target { id: OTHER, ..Target::default() })),
                Some(Because::Administrator),
                "{action:?}"
            );
            let built_in = Target { id: OTHER, is_first_party: true, ..Target::default() };
            assert_eq!(may(&admin, action, Some(built_in)), None, "{action:?}");
        }
    }

    #[test]
    fn g_004_members_read_and_change_nothing_that_they_do_not_own() {
        let member = person(Standing::Member, "user_impersonation");
        assert_eq!(may(&member, Action::Read(Area::Groups), None), Some(Because::Member));
        for action in ALL_CHANGES {
            assert_eq!(may(&member, action, Some(Target { id: OTHER, ..Target::default() })), None, "{action:?}");
        }
        let mine = Target { id: OTHER, owners: &[PrincipalId::from_uuid(ME)], ..Target::default() };
        assert_eq!(may(&member, Action::ChangeMembers, Some(mine)), Some(Because::Owner));
        assert_eq!(may(&member, Action::ChangeMembers, Some(Target { is_privileged: true, ..mine })), None);
        assert_eq!(may(&member, Action::ResetPassword, Some(mine)), None);
    }

    #[test]
    fn s_811_policies_are_read_and_changed_by_administrators_and_by_applications_with_just_that_permission() {
        let admin = person(Standing::Administrator, "user_impersonation");
        assert_eq!(may(&admin, Action::ReadPolicies, None), Some(Because::Administrator));
        assert_eq!(may(&admin, Action::ChangePolicies, None), Some(Because::Administrator));
        assert_eq!(may(&person(Standing::Administrator, "User.Read"), Action::ReadPolicies, None), None);
        for standing in [Standing::Member, Standing::Guest] {
            let somebody = person(standing, "user_impersonation");
            assert_eq!(may(&somebody, Action::ReadPolicies, None), None, "{standing:?}");
            assert_eq!(may(&somebody, Action::ChangePolicies, None), None, "{standing:?}");
        }
        let writer = application("Policy.ReadWrite.ConditionalAccess");
        assert_eq!(may(&writer, Action::ChangePolicies, None), Some(Because::Granted));
        assert_eq!(may(&application("Policy.Read.All"), Action::ChangePolicies, None), None);
        assert_eq!(may(&application("Directory.ReadWrite.All"), Action::ChangePolicies, None), None);
    }

    #[test]
    fn s_806_people_end_their_own_sessions_owners_their_applications_tokens_and_administrators_everybodys() {
        let (own, other) = (Target { id: ME, ..Target::default() }, Target { id: OTHER, ..Target::default() });
        let member = person(Standing::Member, "user_impersonation");
        let admin = person(Standing::Administrator, "user_impersonation");
        for action in [Action::RevokeSessions, Action::ReadSessions] {
            assert_eq!(may(&member, action, Some(own)), Some(Because::Oneself), "{action:?}");
            assert_eq!(may(&member, action, Some(other)), None, "{action:?}");
            assert_eq!(may(&member, action, None), None, "{action:?}");
            assert_eq!(may(&admin, action, Some(other)), Some(Because::Administrator), "{action:?}");
            assert_eq!(may(&person(Standing::Administrator, "User.Read"), action, Some(other)), None, "{action:?}");
        }
        let built_in = Target { is_first_party: true, ..other };
        let owned = Target { owners: &[PrincipalId::from_uuid(ME)], ..other };
        assert_eq!(may(&admin, Action::RevokeApplication, Some(built_in)), Some(Because::Administrator));
        assert_eq!(may(&member, Action::RevokeApplication, Some(other)), None);
        assert_eq!(may(&member, Action::RevokeApplication, Some(owned)), Some(Because::Owner));
        assert_eq!(may(&application("User.RevokeSessions.All"), Action::RevokeSessions, Some(other)), Some(Because::Granted));
        let administrator = Target { is_privileged: true, ..other };
        assert_eq!(may(&application("User.RevokeSessions.All"), Action::RevokeSessions, Some(administrator)), None);
    }

    #[test]
    fn the_audit_log_is_read_by_administrators_and_by_applications_that_were_granted_just_that() {
        let admin = person(Standing::Administrator, "user_impersonation");
        assert_eq!(may(&admin, Action::ReadAudit, None), Some(Because::Administrator));
        assert_eq!(
            may(&person(Standing::Administrator, "AuditLog.Read.All"), Action::ReadAudit, None),
            Some(Because::Administrator)
        );
        assert_eq!(may(&person(Standing::Administrator, "Directory.ReadWrite.All"), Action::ReadAudit, None), None);
        for standing in [Standing::Member, Standing::Guest] {
            assert_eq!(may(&person(standing, "user_impersonation"), Action::ReadAudit, None), None);
        }
        assert_eq!(may(&application("AuditLog.Read.All"), Action::ReadAudit, None), Some(Because::Granted));
        assert_eq!(may(&application("Directory.ReadWrite.All"), Action::ReadAudit, None), None);
    }

    #[test]
    fn s_810_signing_keys_are_for_administrators_and_for_no_application_by_itself() {
        let keys = |caller: &Caller| may(caller, Action::SigningKeys, None);
        assert_eq!(keys(&person(Standing::Administrator, "user_impersonation")), Some(Because::Administrator));
        assert_eq!(keys(&person(Standing::Administrator, "Directory.ReadWrite.All")), None);
        assert_eq!(keys(&person(Standing::Member, "user_impersonation")), None);
        for role in ["Directory.ReadWrite.All", "Application.ReadWrite.All", "AuditLog.Read.All"] {
            assert_eq!(keys(&application(role)), None, "{role}");
        }
    }

    #[test]
    fn g_407_roles_are_given_by_administrators_and_owners_and_by_no_application_by_itself() {
        let (other, built_in) =
            (Target { id: OTHER, ..Target::default() }, Target { id: OTHER, is_first_party: true, ..Target::default() });
        let owned = Target { owners: &[PrincipalId::from_uuid(ME)], ..other };
        let give = |caller: &Caller, target| may(caller, Action::AssignAppRoles, Some(target));
        let admin = person(Standing::Administrator, "AppRoleAssignment.ReadWrite.All");
        assert_eq!(give(&admin, other), Some(Because::Administrator));
        assert_eq!(give(&admin, built_in), Some(Because::Administrator));
        let member = person(Standing::Member, "user_impersonation");
        assert_eq!((give(&member, other), give(&member, owned)), (None, Some(Because::Owner)));
        for role in ["AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All", "Application.ReadWrite.All"] {
            assert_eq!(give(&application(role), other), None, "{role}");
        }
    }

    #[test]
    fn g_406_grants_are_changed_by_administrators_and_taken_back_by_whom_they_speak_for() {
        let (own, other) = (Target { id: ME, ..Target::default() }, Target { id: OTHER, ..Target::default() });
        let member = person(Standing::Member, "user_impersonation");
        for action in [Action::ReadGrants, Action::ChangeGrants] {
            assert_eq!(may(&member, action, Some(own)), Some(Because::Oneself), "{action:?}");
            assert_eq!(may(&member, action, Some(other)), None, "{action:?}");
            assert_eq!(may(&member, action, None), None, "{action:?}");
            assert_eq!(may(&person(Standing::Administrator, "user_impersonation"), action, None), Some(Because::Administrator));
            assert_eq!(may(&person(Standing::Administrator, "User.Read"), action, None), None, "{action:?}");
            assert_eq!(may(&application("DelegatedPermissionGrant.ReadWrite.All"), action, None), Some(Because::Granted));
        }
        // Whoever could write grants could give themselves everything else.
        assert_eq!(may(&application("Directory.ReadWrite.All"), Action::ChangeGrants, None), None);
    }

    #[test]
    fn g_004_guests_see_only_themselves() {
        let guest = person(Standing::Guest, "user_impersonation");
        assert_eq!(may(&guest, Action::Read(Area::Users), None), None);
        assert_eq!(may(&guest, Action::Read(Area::Users), Some(Target { id: OTHER, ..Target::default() })), None);
        assert_eq!(may(&guest, Action::Read(Area::Users), Some(Target { id: ME, ..Target::default() })), Some(Because::Oneself));
        assert_eq!(may(&guest, Action::ReadOwn, None), Some(Because::Oneself));
    }

    #[test]
    fn g_004_a_person_can_do_no_more_than_the_application_they_use() {
        let admin = person(Standing::Administrator, "User.Read");
        assert_eq!(may(&admin, Action::ReadOwn, None), Some(Because::Oneself));
        assert_eq!(may(&admin, Action::Read(Area::Groups), None), None);
        assert_eq!(may(&admin, Action::Create(Area::Groups), None), None);
        let reader = person(Standing::Administrator, "Group.Read.All");
        assert_eq!(may(&reader, Action::Read(Area::Groups), None), Some(Because::Administrator));
        assert_eq!(may(&reader, Action::ChangeMembers, None), None);
    }

    #[test]
    fn s_802_factors_are_reset_by_administrators_and_seen_by_their_owner() {
        let (mine, other) = (Target { id: ME, ..Target::default() }, Target { id: OTHER, ..Target::default() });
        let (admin, member) =
            (person(Standing::Administrator, "user_impersonation"), person(Standing::Member, "user_impersonation"));
        assert_eq!(may(&member, Action::ReadMethods, Some(mine)), Some(Because::Oneself));
        assert_eq!(may(&member, Action::ReadMethods, Some(other)), None);
        assert_eq!(may(&member, Action::ResetMethods, Some(mine)), None, "the own page asks for one of them first");
        assert_eq!(may(&admin, Action::ResetMethods, Some(other)), Some(Because::Administrator));
        let granted = application("UserAuthenticationMethod.ReadWrite.All");
        assert_eq!(may(&granted, Action::ResetMethods, Some(other)), Some(Because::Granted));
        let privileged = Target { is_privileged: true, ..other };
        assert_eq!(may(&granted, Action::ResetMethods, Some(privileged)), None);
        assert_eq!(may(&application("Directory.ReadWrite.All"), Action::ResetMethods, Some(other)), None);
        assert_eq!(may(&application("UserAuthenticationMethod.Read.All"), Action::ResetMethods, Some(other)), None);
    }

    #[test]
    fn g_004_an_application_by_itself_needs_a_grant() {
        let other = Target { id: OTHER, ..Target::default() };
        assert_eq!(may(&application("nothing"), Action::Read(Area::Users), None), None);
        assert_eq!(may(&application("user_impersonation"), Action::Read(Area::Users), None), None);
        assert_eq!(may(&application("User.ReadWrite.All"), Action::ResetPassword, Some(other)), Some(Because::Granted));
        let admin = Target { is_privileged: true, ..other };
        assert_eq!(may(&application("User.ReadWrite.All"), Action::ResetPassword, Some(admin)), None);
        let own = Target { owners: &[PrincipalId::from_uuid(ME)], ..other };
        let owned_by = application("Application.ReadWrite.OwnedBy");
        assert_eq!(may(&owned_by, Action::ChangeCredentials(Area::Applications), Some(own)), Some(Because::Owner));
        assert_eq!(may(&owned_by, Action::ChangeCredentials(Area::Applications), Some(other)), None);
        assert_eq!(may(&owned_by, Action::ReadOwn, None), None);
    }
}
