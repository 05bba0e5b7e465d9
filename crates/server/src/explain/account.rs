//! Whose sign-in is explained: an account that somebody names, or the one that a token speaks for.

use entrance_model::Timestamp;
use entrance_model::directory::Group;
use entrance_model::id::{AppId, GroupId, PrincipalId, TenantId};
use entrance_model::review::Gate;
use entrance_model::well_known::AKS_CLIENT;
use entrance_store::StoreError;
use serde_json::{Value, json};

use crate::app::App;
use crate::authority::token::{AccessToken, IdentityType};

/// An account of the directory, or an id that had one.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Its object id.
    pub(crate) oid: PrincipalId,
    /// What people call it.
    pub(crate) name: Option<String>,
    /// A person or an application.
    pub(crate) kind: IdentityType,
    app: AppId,
}

impl Account {
    /// The account of a tenant that a text names: a UPN, or an object id that may belong to nobody any more.
    pub(crate) async fn find(app: &App, tenant: TenantId, named: &str) -> Result<Option<Self>, StoreError> {
        let mut reader = app.store.read().await?;
        let mut directory = reader.directory();
        if let Ok(oid) = named.parse::<PrincipalId>() {
            if let Some(principal) = directory.service_principal(tenant, oid.as_service_principal()).await? {
                let name = Some(principal.display_name);
                return Ok(Some(Self { oid, name, kind: IdentityType::App, app: principal.app_id }));
            }
            if let Ok(app_id) = named.parse::<AppId>()
                && let Some(principal) = directory.service_principal_of(tenant, app_id).await?
            {
                let name = Some(principal.display_name);
                return Ok(Some(Self { oid: principal.id.into(), name, kind: IdentityType::App, app: app_id }));
            }
            let user = directory.user(tenant, oid.as_user()).await?;
            let name = user.map(|user| user.upn.to_string());
            return Ok(Some(Self { oid, name, kind: IdentityType::User, app: AKS_CLIENT }));
        }
        let Ok(upn) = named.parse() else { return Ok(None) };
        let user = directory.user_by_upn(tenant, &upn).await?;
        Ok(user.map(|user| Self {
            oid: user.id.into(),
            name: Some(user.upn.to_string()),
            kind: IdentityType::User,
            app: AKS_CLIENT,
        }))
    }

    /// The account that a token of ours speaks for.
    pub(crate) fn of(token: &AccessToken) -> Self {
        Self { oid: token.oid, name: token.upn.clone(), kind: token.idtyp, app: token.app_id }
    }

    /// What a token would say that the account got at this moment.
    pub(crate) fn fresh_token(&self, app: &App, gate: &Gate, now: Timestamp) -> AccessToken {
        let seconds = now.as_second();
        AccessToken {
            aud: gate.audience.to_string(),
            iss: app.issuer_v1(gate.tenant),
            iat: seconds,
            nbf: seconds,
            exp: seconds + 3600,
            ver: "1.0".to_owned(),
            tid: gate.tenant,
            oid: self.oid,
            app_id: self.app,
            idtyp: self.kind,
            upn: self.name.clone(),
            name: None,
            scp: (self.kind == IdentityType::User).then(|| "user.read".to_owned()),
            roles: Vec::new(),
            uti: String::new(),
            sid: None,
            xms_cc: Vec::new(),
            cnf: None,
            // It would be made after every revocation there is.
            rev: Some(i64::MAX),
        }
    }

    /// As it stands in an answer.
    pub(crate) fn shown(&self) -> Value {
        let kind = match self.kind {
            IdentityType::User => "user",
            IdentityType::App => "servicePrincipal",
        };
        json!({ "objectId": self.oid, "name": self.name, "type": kind })
    }
}

/// Groups with their names, as far as they still exist.
pub(crate) async fn named(app: &App, tenant: TenantId, ids: impl IntoIterator<Item = GroupId>) -> Result<Vec<Value>, StoreError> {
    let mut reader = app.store.read().await?;
    let mut shown = Vec::new();
    for id in ids {
        let name = reader.directory().group(tenant, id).await?.map(|group: Group| group.display_name);
        shown.push(json!({ "id": id, "name": name }));
    }
    Ok(shown)
}
