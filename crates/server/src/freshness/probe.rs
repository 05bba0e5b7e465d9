//! Principals that exist for one measurement.

use entrance_model::directory::{Group, Member, MemberKind, ServicePrincipal};
use entrance_model::id::{AppId, GroupId, ServicePrincipalId, TenantId};
use entrance_model::review::Gate;
use entrance_model::signin::revocation::Target;
use entrance_store::StoreError;
use entrance_store::authority::Revoke;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::authority::keys::Header;

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    /// The account is disabled.
    Account,
    /// The membership in a group ends.
    Membership,
    /// Everything that the account holds is revoked.
    Sessions,
}

/// What the API server makes of a probe's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The right is still there.
    WithTheRight,
    /// It is gone.
    WithoutIt,
}

/// One principal and the right that it will lose.
pub(super) struct Probe {
    right: Right,
    tenant: TenantId,
    principal: ServicePrincipal,
    group: Option<Group>,
}

/// All of one measurement.
pub(super) struct Probes {
    all: Vec<Probe>,
}

/// What is written down, so that nothing stays after a server that was killed.
#[derive(Serialize, Deserialize)]
struct Left {
    tenant: TenantId,
    principals: Vec<ServicePrincipalId>,
    groups: Vec<GroupId>,
}

impl Probes {
    /// Makes them; what they are is written down in the same transaction.
    pub(super) async fn make(app: &App, gate: &Gate) -> Result<Self, StoreError> {
        let rights = [Right::Account, Right::Membership, Right::Sessions];
        let all: Vec<Probe> = rights.into_iter().map(|right| Probe::new(app, gate.tenant, right)).collect();
        let left = Left {
            tenant: gate.tenant,
            principals: all.iter().map(|probe| probe.principal.id).collect(),
            groups: all.iter().filter_map(|probe| probe.group.as_ref()).map(|group| group.id).collect(),
        };
        let mut tx = app.store.write().await?;
        for probe in &all {
            tx.directory().insert_service_principal(probe.tenant, &probe.principal).await?;
            if let Some(group) = &probe.group {
                tx.directory().insert_group(probe.tenant, group).await?;
                tx.directory().add_member(probe.tenant, group.id, probe.member()).await?;
            }
        }
        tx.settings().set(SETTING, &serde_json::to_string(&left).unwrap_or_default()).await?;
        tx.commit().await?;
        Ok(Self { all })
    }

    pub(super) fn all(&self) -> &[Probe] {
        &self.all
    }

    /// Takes them out of the directory.
    pub(super) async fn remove(&self, app: &App) -> Result<(), StoreError> {
        Self::remove_leftovers(app).await
    }

    /// Takes whatever was written down out of the directory.
    pub(super) async fn remove_leftovers(app: &App) -> Result<(), StoreError> {
        let Some(left) = app.store.read().await?.settings().get(SETTING).await? else { return Ok(()) };
        let Ok(left) = serde_json::from_str::<Left>(&left) else { return Ok(()) };
        let mut tx = app.store.write().await?;
        for id in &left.groups {
            if let Some(group) = tx.directory().group(left.tenant, *id).await? {
                tx.directory().delete_group(left.tenant, &group, app.now()).await?;
            }
        }
        for id in &left.principals {
            if let Some(principal) = tx.directory().service_principal(left.tenant, *id).await? {
                tx.directory().delete_service_principal(left.tenant, &principal, app.now()).await?;
            }
        }
        tx.settings().set(SETTING, "").await?;
        tx.commit().await
    }
}

impl Probe {
    fn new(app: &App, tenant: TenantId, right: Right) -> Self {
        let now = app.now();
        let note = serde_json::Map::from_iter([("description".to_owned(), json!("Measures how soon a removed right counts."))]);
        let principal = ServicePrincipal {
            id: ServicePrincipalId::from_uuid(Uuid::new_v4()),
            app_id: AppId::from_uuid(Uuid::new_v4()),
            display_name: NAME.to_owned(),
            enabled: true,
            is_first_party: false,
            assignment_required: true,
            credentials: Vec::new(),
            created: now,
            other: note,
        };
        let group = (right == Right::Membership).then(|| Group {
            id: GroupId::from_uuid(Uuid::new_v4()),
            display_name: NAME.to_owned(),
            mail_nickname: NAME.to_owned(),
            description: None,
            security_enabled: true,
            mail_enabled: false,
            created: now,
            other: serde_json::Map::new(),
        });
        Self { right, tenant, principal, group }
    }

    fn member(&self) -> Member {
        Member { id: self.principal.id.into(), kind: MemberKind::ServicePrincipal }
    }

    /// What it loses, for people.
    pub(super) fn right(&self) -> &'static str {
        match self.right {
            Right::Account => "account disabled",
            Right::Membership => "group membership removed",
            Right::Sessions => "access revoked",
        }
    }

    /// A token for the cluster. Nobody but this server ever has it.
    pub(super) fn token(&self, app: &App, gate: &Gate) -> String {
        let at = app.now().as_second();
        let unique = Uuid::new_v4().to_string();
        let claims = json!({
            "aud": gate.audience, "iss": app.issuer_v1(gate.tenant), "iat": at, "nbf": at, "exp": at + LIFE, "ver": "1.0",
            "tid": gate.tenant, "oid": self.principal.id, "sub": self.principal.id, "appid": self.principal.app_id,
            "idtyp": "app", "uti": unique, "jti": unique,
        });
        app.keys.sign(&claims, Header::V1)
    }

    /// What the API server's answer means for this probe.
    pub(super) fn judge(&self, groups: Option<&[String]>) -> Seen {
        let has_it = match (groups, &self.group) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(groups), Some(group)) => groups.contains(&group.id.to_string()),
        };
        if has_it { Seen::WithTheRight } else { Seen::WithoutIt }
    }

    /// Takes the right away, as an administrator would.
    pub(super) async fn take_away(&self, app: &App) -> Result<(), StoreError> {
        let mut tx = app.store.write().await?;
        match (self.right, &self.group) {
            (Right::Membership, Some(group)) => {
                tx.directory().remove_member(self.tenant, group.id, self.principal.id.into()).await?;
            }
            (Right::Sessions, _) => {
                let target = Target::Application(self.principal.app_id);
                let revoke = Revoke { target: &target, only: None, reason: NAME, by: None, at: app.now() };
                tx.authority().revoke(self.tenant, &revoke).await?;
            }
            (Right::Account | Right::Membership, _) => {
                let disabled = ServicePrincipal { enabled: false, ..self.principal.clone() };
                tx.directory().update_service_principal(self.tenant, &disabled).await?;
            }
        }
        tx.commit().await
    }
}

const NAME: &str = "entrance-freshness-probe";
const SETTING: &str = "freshness.probes";
/// Long enough for one measurement.
const LIFE: i64 = 600;
