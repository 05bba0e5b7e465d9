//! What an application's registration says about its tokens: groups, roles and optional claims (S-405, S-420).

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::groups::Memberships;

/// A role that an application defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRole {
    /// Its id; assignments name it.
    pub id: Uuid,
    /// What tokens say.
    pub value: String,
    /// People may have it.
    pub for_people: bool,
    /// Applications may have it.
    pub for_applications: bool,
}

/// What a registration says about tokens for it and about ID tokens of its people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Which groups.
    pub groups: Memberships,
    /// The roles that are switched on.
    pub roles: Vec<AppRole>,
    /// Optional claims of access tokens.
    pub access: BTreeSet<Optional>,
    /// Optional claims of ID tokens.
    pub id: BTreeSet<Optional>,
}

/// An optional claim that we make. Others are ignored, and none takes the place of a claim that a token has anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Optional {
    /// 0 for a member, 1 for a guest.
    Acct,
    /// When the person signed in.
    AuthTime,
    /// The mail address, in tokens whose request did not ask for it.
    Email,
    /// Family name.
    FamilyName,
    /// Given name.
    GivenName,
    /// Groups; asks for security groups where nothing else is asked.
    Groups,
    /// The address of the request.
    Ipaddr,
    /// What a sign-in page can be opened with for this person.
    LoginHint,
    /// The name as people see it.
    PreferredUsername,
    /// The session.
    Sid,
    /// The name that the person signs in with.
    Upn,
    /// The client can answer a claims challenge, and the application makes them.
    XmsCc,
}

impl Optional {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "acct" => Self::Acct,
            "auth_time" => Self::AuthTime,
            "email" => Self::Email,
            "family_name" => Self::FamilyName,
            "given_name" => Self::GivenName,
            "groups" => Self::Groups,
            "ipaddr" => Self::Ipaddr,
            "login_hint" => Self::LoginHint,
            "preferred_username" => Self::PreferredUsername,
            "sid" => Self::Sid,
            "upn" => Self::Upn,
            "xms_cc" => Self::XmsCc,
            _ => return None,
        })
    }
}

impl Manifest {
    /// Reads the properties of a registration, by their Graph names. What is malformed asks for nothing.
    pub fn of(registration: &Map<String, Value>) -> Self {
        let groups = registration.get("groupMembershipClaims").and_then(Value::as_str);
        let optional = |kind: &str| {
            let all = registration.get("optionalClaims").and_then(|all| all.get(kind)).and_then(Value::as_array);
            let names = all.into_iter().flatten().filter(|one| one.get("source").is_none_or(Value::is_null));
            names.filter_map(|one| Optional::parse(one.get("name")?.as_str()?)).collect()
        };
        let roles = registration.get("appRoles").and_then(Value::as_array);
        let (access, id): (BTreeSet<_>, BTreeSet<_>) = (optional("accessToken"), optional("idToken"));
        let mut groups = groups.map(Memberships::parse).unwrap_or_default();
        if !groups.any() && (access.contains(&Optional::Groups) || id.contains(&Optional::Groups)) {
            groups.security = true;
        }
        Self { groups, roles: roles.into_iter().flatten().filter_map(role).collect(), access, id }
    }

    /// What tokens say of the roles with these ids, sorted. Roles that are gone or switched off say nothing.
    pub fn values(&self, held: &[Uuid], for_people: bool) -> Vec<&str> {
        let fits = |role: &&AppRole| held.contains(&role.id) && if for_people { role.for_people } else { role.for_applications };
        let values: BTreeSet<&str> = self.roles.iter().filter(fits).map(|role| role.value.as_str()).collect();
        values.into_iter().collect()
    }
}

fn role(role: &Value) -> Option<AppRole> {
    let member_types = role.get("allowedMemberTypes").and_then(Value::as_array);
    let is_for = |kind: &str| member_types.is_none_or(|all| all.iter().any(|one| one.as_str() == Some(kind)));
    if role.get("isEnabled").and_then(Value::as_bool) == Some(false) {
        return None;
    }
    Some(AppRole {
        id: role.get("id")?.as_str()?.parse().ok()?,
        value: role.get("value")?.as_str().filter(|value| !value.is_empty())?.to_owned(),
        for_people: is_for("User"),
        for_applications: is_for("Application"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(value: Value) -> Manifest {
        let Value::Object(map) = value else { panic!("an object is needed") };
        Manifest::of(&map)
    }

    #[test]
    fn s_405_only_optional_claims_that_we_know_are_made() {
        let asked = manifest(json!({"optionalClaims": {
            "accessToken": [{"name": "ipaddr"}, {"name": "aud"}, {"name": "extension_1_iss", "source": "user"}],
            "idToken": [{"name": "upn", "essential": true}, {"name": "sub"}, {"name": "email", "source": "user"}],
        }}));
        assert_eq!(asked.access, BTreeSet::from([Optional::Ipaddr]));
        assert_eq!(asked.id, BTreeSet::from([Optional::Upn]));
        assert_eq!(manifest(json!({"optionalClaims": [1], "appRoles": {}, "groupMembershipClaims": 3})), Manifest::default());
    }

    #[test]
    fn s_400_roles_are_told_by_their_values_and_only_to_whom_they_are_for() {
        let id = |n: u128| Uuid::from_u128(n);
        let role = |n: u128, value: &str, kinds: &[&str], on: bool| json!({"id": id(n).to_string(), "value": value, "allowedMemberTypes": kinds, "isEnabled": on});
        let app = manifest(json!({"appRoles": [
            role(1, "write", &["User", "Application"], true), role(2, "admin", &["User"], true),
            role(3, "run", &["Application"], true), role(4, "old", &["User"], false),
        ]}));
        let all = [1, 2, 3, 4, 9].map(id);
        assert_eq!(app.values(&all, true), ["admin", "write"]);
        assert_eq!(app.values(&all, false), ["run", "write"]);
        assert_eq!(app.values(&[], true), [""; 0]);
    }
}
