//! What a token says somebody is and may do: groups, roles of the application, directory roles (S-305, S-420…S-424).
//!
//! Read anew for each token, refreshed ones too. Groups come from the directory in memory, which has to hold everything
//! that was committed when the person was read.

use std::collections::BTreeSet;
use std::time::Duration;

use entrance_model::directory::{MemberKind, Tenant, User};
use entrance_model::id::{GroupId, PrincipalId};
use entrance_model::signin::Aadsts;
use entrance_model::signin::groups::{Groups, Memberships, Mode};
use entrance_model::signin::manifest::Manifest;
use entrance_model::signin::resource::{Kind, Resource};

use super::client::Client;
use super::ctx::Ctx;
use super::memory;
use super::refused::Refused;
use crate::directory::Snapshot;

/// Whom a token is about.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// A person.
    Person(&'a User),
    /// An application by itself.
    Application(PrincipalId),
}

impl Subject<'_> {
    fn id(self) -> PrincipalId {
        match self {
            Self::Person(user) => user.id.into(),
            Self::Application(id) => id,
        }
    }
}

/// What a token says about its subject besides the name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entitled {
    /// Groups.
    pub(crate) groups: Groups,
    /// Roles of the application, sorted.
    pub(crate) roles: Vec<String>,
    /// Directory roles, by their templates.
    pub(crate) wids: Vec<&'static str>,
}

/// The role of everyone who is a member of the directory, by its template.
const MEMBER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
/// Global Administrator, by its template.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// How long a token waits for the directory in memory to hold what was committed before.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds out what a token for a resource says; refuses whoever needs an assignment and has none.
pub(crate) async fn at(ctx: &Ctx, tenant: &Tenant, subject: Subject<'_>, resource: &Resource) -> Result<Entitled, Refused> {
    let manifest = &resource.manifest;
    let mut roles = Vec::new();
    if resource.assignment_required || !manifest.roles.is_empty() {
        let held = memory::roles_held(ctx, tenant, resource.principal, subject.id()).await?;
        if resource.assignment_required && held.is_empty() {
            let (number, why) = match subject {
                Subject::Person(_) => (Aadsts::EntitlementGrantsNotFound, "nobody assigned the person to the application"),
                Subject::Application(_) => (Aadsts::AppNotAssigned, "nobody assigned the application to the resource"),
            };
            return Err(Refused::from(number).of(subject.id()).because(why));
        }
        let for_people = matches!(subject, Subject::Person(_));
        roles.extend(manifest.values(&held, for_people).into_iter().map(str::to_owned));
    }
    // Read behind the person: what was answered before they were read is in it.
    let newest = ctx.app.store.head();
    let assigned = if manifest.groups.assigned { assigned(ctx, tenant, resource.principal).await? } else { Vec::new() };
    let groups = if manifest.groups.any() {
        let snapshot = current(ctx, newest).await?;
        let all = member_of(&snapshot, tenant, subject.id(), manifest.groups, &assigned);
        if resource.kind == Kind::Cluster { for_cluster(ctx, tenant, resource, &snapshot, all) } else { limited(all) }
    } else {
        Groups::None
    };
    // v1 tokens always tell the directory roles of a person, v2 tokens where the application asks (S-8).
    let tell = manifest.groups.roles || resource.version == 1;
    Ok(Entitled { groups, roles, wids: wids(subject, tell) })
}

/// Refuses to sign a person in to a client that wants an assignment and that nobody assigned them to (50105). That of a
/// group counts for its direct members, as for roles.
pub(crate) async fn admit(ctx: &Ctx, tenant: &Tenant, user: &User, client: &Client) -> Result<(), Refused> {
    let principal = &client.principal;
    if !principal.assignment_required {
        return Ok(());
    }
    if memory::roles_held(ctx, tenant, principal.id, user.id.into()).await?.is_empty() {
        let why = "nobody assigned the person to the application that they sign in to";
        return Err(Refused::from(Aadsts::EntitlementGrantsNotFound).of(user.id).because(why));
    }
    Ok(())
}

/// What an ID token says to a client.
pub(crate) async fn for_client(
    ctx: &Ctx,
    tenant: &Tenant,
    user: &User,
    manifest: &Manifest,
    client: entrance_model::id::ServicePrincipalId,
) -> Result<Entitled, Refused> {
    if manifest.roles.is_empty() && !manifest.groups.any() && !manifest.groups.roles {
        return Ok(Entitled::default());
    }
    let subject = Subject::Person(user);
    let held = memory::roles_held(ctx, tenant, client, subject.id()).await?;
    let roles = manifest.values(&held, true).into_iter().map(str::to_owned).collect();
    let newest = ctx.app.store.head();
    let assigned = if manifest.groups.assigned { assigned(ctx, tenant, client).await? } else { Vec::new() };
    let groups = if manifest.groups.any() {
        let snapshot = current(ctx, newest).await?;
        limited(member_of(&snapshot, tenant, subject.id(), manifest.groups, &assigned))
    } else {
        Groups::None
    };
    Ok(Entitled { groups, roles, wids: wids(subject, manifest.groups.roles) })
}

fn limited(groups: Vec<GroupId>) -> Groups {
    Groups::within(groups, Mode::Entra.limit())
}

/// The groups that are assigned to an application.
async fn assigned(ctx: &Ctx, tenant: &Tenant, resource: entrance_model::id::ServicePrincipalId) -> Result<Vec<GroupId>, Refused> {
    let all = ctx.app.store.glance().await?.directory().app_roles_at(tenant.id, resource).await?;
    let groups = all.iter().filter(|one| one.principal.kind == MemberKind::Group);
    Ok(groups.map(|one| one.principal.id.as_group()).collect())
}

/// The directory in memory, once it holds this change of the feed.
async fn current(ctx: &Ctx, head: i64) -> Result<std::sync::Arc<Snapshot>, Refused> {
    let not_ready = |why: String| Refused::from(Aadsts::DirectoryUnavailable).retry_after(1).because(why);
    let people = &ctx.app.people;
    let snapshot = people.snapshot(ctx.now()).map_err(|why| not_ready(why.to_string()))?;
    if snapshot.position().head >= head {
        return Ok(snapshot);
    }
    let waited = tokio::time::timeout(PATIENCE, people.reached(head)).await;
    waited.map_err(|_| not_ready("the directory in memory is behind".to_owned()))?;
    people.snapshot(ctx.now()).map_err(|why| not_ready(why.to_string()))
}

fn member_of(snapshot: &Snapshot, tenant: &Tenant, id: PrincipalId, asked: Memberships, assigned: &[GroupId]) -> Vec<GroupId> {
    if asked.all {
        return snapshot.all_groups_of(tenant.id, id);
    }
    let mut groups = snapshot.groups_of(tenant.id, id);
    if !asked.security {
        groups.retain(|group| assigned.contains(group));
    }
    groups
}

/// The claim of a token for a cluster is for other verifiers: our webhook reads the directory (S-422).
fn for_cluster(ctx: &Ctx, tenant: &Tenant, resource: &Resource, snapshot: &Snapshot, mut groups: Vec<GroupId>) -> Groups {
    let mode = ctx.app.config.groups_claim;
    if mode == Mode::Referenced
        && let Some(referenced) = referenced(ctx, tenant, resource, snapshot)
    {
        groups.retain(|group| referenced.contains(group));
    }
    Groups::within(groups, mode.limit())
}

/// The groups that the clusters behind an audience refer to; `None` where that is not known, or where no cluster of ours
/// takes such tokens.
fn referenced(ctx: &Ctx, tenant: &Tenant, resource: &Resource, snapshot: &Snapshot) -> Option<BTreeSet<GroupId>> {
    let mut all = BTreeSet::new();
    let mut is_any = false;
    for (uid, facts) in snapshot.clusters() {
        let gate = facts.gate.as_ref().filter(|gate| gate.tenant == tenant.id && gate.audience == resource.app);
        let Some(gate) = gate else { continue };
        is_any = true;
        all.extend(ctx.app.references.of(uid)?.iter().copied());
        all.extend(facts.admins.iter().flatten().copied());
        all.extend(gate.pinned.iter().copied());
    }
    is_any.then_some(all)
}

fn wids(subject: Subject<'_>, tell: bool) -> Vec<&'static str> {
    let Subject::Person(user) = subject else { return Vec::new() };
    if !tell || is_guest(user) {
        return Vec::new();
    }
    user.is_directory_admin.then_some(GLOBAL_ADMINISTRATOR).into_iter().chain([MEMBER]).collect()
}

/// Whether somebody was invited and belongs elsewhere.
pub(crate) fn is_guest(user: &User) -> bool {
    user.other.get("userType").and_then(serde_json::Value::as_str) == Some("Guest")
}
