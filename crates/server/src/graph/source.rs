//! Where a list comes from, a page of complete objects at a time.

use entrance_model::directory::Member;
use entrance_model::id::{AppId, GroupId};
use entrance_model::name::Upn;
use entrance_store::directory::{Directory, PageAfter};
use entrance_wire::graph::Object;
use entrance_wire::graph::entity::Entity;
use entrance_wire::graph::filter::Filter;
use entrance_wire::graph::tables::{APPLICATION, GROUP, SERVICE_PRINCIPAL, USER};

use super::ctx::Ctx;
use super::error::GraphError;
use super::show::{self, KeyMaterial};

/// What a list is of.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// All people.
    Users,
    /// All groups.
    Groups,
    /// All application registrations.
    Applications,
    /// All service principals.
    ServicePrincipals,
    /// Direct members of a group.
    Members(GroupId),
    /// These, ordered by id.
    Fixed(Vec<Member>),
}

impl Source {
    /// The types that a list holds: one, or all that can be members.
    pub(super) fn entities(&self) -> &'static [&'static Entity] {
        match self {
            Self::Users => USERS,
            Self::Groups => GROUPS,
            Self::Applications => APPLICATIONS,
            Self::ServicePrincipals => SERVICE_PRINCIPALS,
            Self::Members(_) | Self::Fixed(_) => PRINCIPALS,
        }
    }

    /// The fragment of its `@odata.context`.
    pub(super) fn fragment(&self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Applications => "applications",
            Self::ServicePrincipals => "servicePrincipals",
            Self::Members(_) | Self::Fixed(_) => "directoryObjects",
        }
    }

    /// The next objects after an id, complete.
    pub(super) async fn page<M>(
        &self,
        ctx: &Ctx,
        directory: &mut Directory<'_, M>,
        page: PageAfter<'_>,
    ) -> Result<Vec<Object>, GraphError> {
        let tenant = ctx.tenant;
        Ok(match self {
            Self::Users => directory.users(tenant, page).await?.iter().map(show::user).collect(),
            Self::Groups => directory.groups(tenant, page).await?.iter().map(show::group).collect(),
            Self::Applications => {
                let publisher = ctx.organization(directory).await?.domains.into_iter().next();
                let show = |app| show::application(app, publisher.as_deref(), KeyMaterial::Hidden);
                directory.applications(tenant, page).await?.iter().map(show).collect()
            }
            Self::ServicePrincipals => {
                let mut shown = Vec::new();
                for principal in directory.service_principals(tenant, page).await? {
                    shown.push(ctx.show_service_principal(directory, &principal, KeyMaterial::Hidden).await?);
                }
                shown
            }
            Self::Members(group) => {
                let members = directory.members(tenant, *group, page).await?;
                show_all(ctx, directory, &members).await?
            }
            Self::Fixed(all) => {
                let begin = all.partition_point(|member| member.id.to_string().as_str() <= page.after);
                let end = all.len().min(begin.saturating_add(page.limit as usize));
                show_all(ctx, directory, &all[begin..end]).await?
            }
        })
    }

    /// The only objects that can match, when the filter names a unique key; `None` means that all have to be looked at.
    pub(super) async fn indexed<M>(
        &self,
        ctx: &Ctx,
        directory: &mut Directory<'_, M>,
        filter: &Filter,
    ) -> Result<Option<Vec<Object>>, GraphError> {
        let tenant = ctx.tenant;
        match self {
            Self::Users => {
                let Some(Ok(upn)) = filter.requires("userPrincipalName").map(str::parse::<Upn>) else { return Ok(None) };
                let found = directory.user_by_upn(tenant, &upn).await?;
                Ok(Some(found.iter().map(show::user).collect()))
            }
            Self::Applications => {
                let Some(Ok(app)) = filter.requires("appId").map(str::parse::<AppId>) else { return Ok(None) };
                let publisher = ctx.organization(directory).await?.domains.into_iter().next();
                let found = directory.application_by_app_id(tenant, app).await?;
                Ok(Some(found.iter().map(|app| show::application(app, publisher.as_deref(), KeyMaterial::Hidden)).collect()))
            }
            Self::ServicePrincipals => {
                let by_name = filter.requires("servicePrincipalNames").or_else(|| filter.requires("appId"));
                let Some(Ok(app)) = by_name.map(str::parse::<AppId>) else { return Ok(None) };
                let Some(principal) = directory.service_principal_of(tenant, app).await? else { return Ok(Some(Vec::new())) };
                Ok(Some(vec![ctx.show_service_principal(directory, &principal, KeyMaterial::Hidden).await?]))
            }
            Self::Groups | Self::Members(_) | Self::Fixed(_) => Ok(None),
        }
    }
}

static USERS: &[&Entity] = &[&USER];
static GROUPS: &[&Entity] = &[&GROUP];
static APPLICATIONS: &[&Entity] = &[&APPLICATION];
static SERVICE_PRINCIPALS: &[&Entity] = &[&SERVICE_PRINCIPAL];
static PRINCIPALS: &[&Entity] = &[&USER, &GROUP, &SERVICE_PRINCIPAL];

async fn show_all<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, members: &[Member]) -> Result<Vec<Object>, GraphError> {
    let mut shown = Vec::with_capacity(members.len());
    for member in members {
        shown.extend(ctx.show_principal(directory, *member).await?);
    }
    Ok(shown)
}
