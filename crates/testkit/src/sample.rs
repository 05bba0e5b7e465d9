//! Objects of a directory as stories need them: ordinary, new, and to be changed before they are kept.

use entrance_model::Timestamp;
use entrance_model::directory::{Application, Group, Redirects, ServicePrincipal, User};
use entrance_model::id::{AppId, AppObjectId, GroupId, ServicePrincipalId, UserId};
use uuid::Uuid;

/// A person of `contoso.example` who may sign in; tokens from before `now` are void.
pub fn person(name: &str, now: Timestamp) -> User {
    User {
        id: UserId::from_uuid(Uuid::new_v4()),
        upn: format!("{name}@contoso.example").parse().expect("a UPN"),
        display_name: name.into(),
        mail_nickname: name.into(),
        given_name: None,
        surname: None,
        mail: None,
        enabled: true,
        must_change_password: false,
        sessions_valid_from: now,
        is_directory_admin: false,
        created: now,
        other: serde_json::Map::new(),
    }
}

/// A security group without members.
pub fn group(name: &str, now: Timestamp) -> Group {
    Group {
        id: GroupId::from_uuid(Uuid::new_v4()),
        display_name: name.into(),
        mail_nickname: name.into(),
        description: None,
        security_enabled: true,
        mail_enabled: false,
        created: now,
        other: serde_json::Map::new(),
    }
}

/// An application without credentials, and its service principal.
pub fn application(name: &str, now: Timestamp) -> (Application, ServicePrincipal) {
    let application = Application {
        id: AppObjectId::from_uuid(Uuid::new_v4()),
        app_id: AppId::from_uuid(Uuid::new_v4()),
        display_name: name.into(),
        identifier_uris: Vec::new(),
        redirects: Redirects::default(),
        is_public_client: false,
        token_version: 1,
        credentials: Vec::new(),
        created: now,
        other: serde_json::Map::new(),
    };
    let principal = ServicePrincipal {
        id: ServicePrincipalId::from_uuid(Uuid::new_v4()),
        app_id: application.app_id,
        display_name: name.into(),
        enabled: true,
        is_first_party: false,
        assignment_required: false,
        credentials: Vec::new(),
        created: now,
        other: serde_json::Map::new(),
    };
    (application, principal)
}
