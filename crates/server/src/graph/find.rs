//! From the key in a path to the object, in whatever form the key comes (G-002).

use entrance_model::directory::{Application, Group, Member, MemberKind, ServicePrincipal, User};
use entrance_model::directory_rules::members::is_role_assignable;
use entrance_model::id::PrincipalId;
use entrance_model::name::Upn;
use entrance_store::directory::Directory;
use entrance_wire::graph::Object as Shown;
use serde_json::json;

use super::ctx::{Ctx, Object};
use super::error::GraphError;
use super::show::{self, KeyMaterial};

impl Ctx {
    /// A person by object id or name.
    pub(super) async fn user<M>(&self, directory: &mut Directory<'_, M>, key: &str) -> Result<User, GraphError> {
        let found = match key.parse() {
            Ok(id) => directory.user(self.tenant, id).await?,
            Err(_) => match key.parse::<Upn>() {
                Ok(upn) => directory.user_by_upn(self.tenant, &upn).await?,
                Err(_) => None,
            },
        };
        found.ok_or_else(|| GraphError::not_found(key))
    }

    /// A group by object id.
    pub(super) async fn group<M>(&self, directory: &mut Directory<'_, M>, key: &str) -> Result<Group, GraphError> {
        let found = match key.parse() {
            Ok(id) => directory.group(self.tenant, id).await?,
            Err(_) => None,
        };
        found.ok_or_else(|| GraphError::not_found(key))
    }

    /// An application by object id, or by client id as `appid=…`.
    pub(super) async fn application<M>(&self, directory: &mut Directory<'_, M>, key: &str) -> Result<Application, GraphError> {
        let found = if let Some(app) = key.strip_prefix("appid=") {
            match app.parse() {
                Ok(app) => directory.application_by_app_id(self.tenant, app).await?,
                Err(_) => None,
            }
        } else {
            match key.parse() {
                Ok(id) => directory.application(self.tenant, id).await?,
                Err(_) => None,
            }
        };
        found.ok_or_else(|| GraphError::not_found(key))
    }

    /// A service principal by object id, or by client id as `appid=…`.
    pub(super) async fn service_principal<M>(
        &self,
        directory: &mut Directory<'_, M>,
        key: &str,
    ) -> Result<ServicePrincipal, GraphError> {
        let found = if let Some(app) = key.strip_prefix("appid=") {
            match app.parse() {
                Ok(app) => directory.service_principal_of(self.tenant, app).await?,
                Err(_) => None,
            }
        } else {
            match key.parse() {
                Ok(id) => directory.service_principal(self.tenant, id).await?,
                Err(_) => None,
            }
        };
        found.ok_or_else(|| GraphError::not_found(key))
    }

    /// Anything that can be in a group, by object id.
    pub(super) async fn principal<M>(&self, directory: &mut Directory<'_, M>, key: &str) -> Result<Member, GraphError> {
        let id: PrincipalId = key.parse().map_err(|_| GraphError::not_found(key))?;
        let kind = directory.principal_kind(self.tenant, id).await?.ok_or_else(|| GraphError::not_found(key))?;
        Ok(Member { id, kind })
    }

    /// What the path is about: `/users/{key}/…`, `/groups/{key}/…`, `/me/…`.
    pub(super) async fn subject<M>(&self, directory: &mut Directory<'_, M>) -> Result<Member, GraphError> {
        let mut segments = self.path.split('/').skip(1);
        let (collection, key) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let key = key.replace("%23", "#");
        match collection {
            "me" => Ok(Member { id: self.me()?.into(), kind: MemberKind::User }),
            "users" => Ok(Member { id: self.user(directory, &key).await?.id.into(), kind: MemberKind::User }),
            "groups" => Ok(Member { id: self.group(directory, &key).await?.id.into(), kind: MemberKind::Group }),
            "serviceprincipals" => {
                let id = self.service_principal(directory, &key).await?.id;
                Ok(Member { id: id.into(), kind: MemberKind::ServicePrincipal })
            }
            _ => self.principal(directory, &key).await,
        }
    }

    /// A principal as a list of mixed objects shows it: complete, with its type; `None` when it went away meanwhile.
    pub(super) async fn show_principal<M>(
        &self,
        directory: &mut Directory<'_, M>,
        member: Member,
    ) -> Result<Option<Shown>, GraphError> {
        let (odata, shown) = match member.kind {
            MemberKind::User => ("user", directory.user(self.tenant, member.id.as_user()).await?.map(|user| show::user(&user))),
            MemberKind::Group => {
                ("group", directory.group(self.tenant, member.id.as_group()).await?.map(|group| show::group(&group)))
            }
            MemberKind::ServicePrincipal => {
                let found = directory.service_principal(self.tenant, member.id.as_service_principal()).await?;
                let shown = match found {
                    Some(principal) => Some(self.show_service_principal(directory, &principal, KeyMaterial::Hidden).await?),
                    None => None,
                };
                ("servicePrincipal", shown)
            }
        };
        Ok(shown.map(|shown| typed(odata, shown)))
    }

    /// A service principal with what its application says.
    pub(super) async fn show_service_principal<M>(
        &self,
        directory: &mut Directory<'_, M>,
        principal: &ServicePrincipal,
        keys: KeyMaterial,
    ) -> Result<Shown, GraphError> {
        let app = directory.application_by_app_id(self.tenant, principal.app_id).await?;
        Ok(show::service_principal(principal, app.as_ref(), self.tenant, keys))
    }
}

/// Puts `@odata.type` in front (G-006).
pub(super) fn typed(odata: &str, shown: Shown) -> Shown {
    let mut object = Shown::new();
    object.insert("@odata.type".into(), json!(format!("#microsoft.graph.{odata}")));
    object.extend(shown);
    object
}

/// What authorization has to know of a person.
pub(super) fn user_target(user: &User) -> Object {
    Object { is_privileged: user.is_directory_admin, ..Object::plain(user.id.uuid()) }
}

/// What authorization has to know of a group.
pub(super) fn group_target(group: &Group) -> Object {
    Object { is_privileged: is_role_assignable(group), ..Object::plain(group.id.uuid()) }
}

/// What authorization has to know of a service principal.
pub(super) fn service_principal_target(principal: &ServicePrincipal) -> Object {
    Object { is_first_party: principal.is_first_party, ..Object::plain(principal.id.uuid()) }
}
