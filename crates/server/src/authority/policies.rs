//! Asks the tenant's policies (S-803): at every issuance, and on the pages that lead to one.
//!
//! Pages ask so that a person is told early what they have to show; what counts is the answer at the moment when a token is
//! made, and nobody gets around that one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{AppId, GroupId, ServicePrincipalId};
use entrance_model::signin::authorize::AuthorizeRequest;
use entrance_model::signin::client::opens_directory_with_arm;
use entrance_model::signin::device::DeviceRequest;
use entrance_model::signin::policy::{
    self, Applied, Context, Effect, GrantKind, Location, Policy, RuleBreach, SignInRules, State, Subject, Unmet, Verdict, Who,
};
use entrance_model::signin::resource::{Kind, Resource, of_scope};
use entrance_model::signin::session::BrowserSession;
use entrance_model::signin::{Aadsts, Endpoint, Method, SignIn};
use entrance_model::well_known::{AKS_SERVER, GRAPH};
use entrance_store::authority::Judged;
use serde_json::{Value, json};

use super::client::Client;
use super::ctx::{Ctx, event};
use super::refused::Refused;
use super::{entitled, grants, memory, target};
use crate::config::Mode;

/// Who asks for a token.
#[derive(Clone, Copy)]
pub(crate) enum Asker<'a> {
    /// A person.
    Person(&'a User),
    /// An application by itself.
    Application(ServicePrincipalId),
}

/// What the policies are asked about.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    /// Who asks.
    pub(crate) asker: Asker<'a>,
    /// With which program.
    pub(crate) client: &'a Client,
    /// For what.
    pub(crate) resources: &'a [Resource],
    /// How.
    pub(crate) grant: GrantKind,
    /// Where a device code was asked from, at the moment of its approval.
    pub(crate) asked_from: Option<&'a DeviceRequest>,
}

/// The tenant's switches.
pub(crate) async fn rules(ctx: &Ctx, tenant: &Tenant) -> Result<SignInRules, Refused> {
    Ok(rulebook(ctx, tenant).await?.rules.clone())
}

/// What a tenant's administrators decided about signing in.
pub(crate) struct Rulebook {
    /// The switches.
    rules: SignInRules,
    /// The policies.
    policies: Vec<Policy>,
    /// The networks that policies name.
    locations: Vec<Location>,
}

async fn rulebook(ctx: &Ctx, tenant: &Tenant) -> Result<Arc<Rulebook>, Refused> {
    let (edition, rulebooks) = (memory::edition(&ctx.app), &ctx.app.authority.memory.rulebooks);
    let read = async {
        let mut reader = ctx.app.store.read().await?;
        let rules = reader.policies().rules(tenant.id).await?.unwrap_or_else(|| default_rules(ctx.app.config.mode));
        let policies = reader.policies().all(tenant.id).await?;
        let locations = if policies.iter().any(|policy| policy.places.is_some()) {
            reader.policies().locations(tenant.id).await?
        } else {
            Vec::new()
        };
        Ok(Arc::new(Rulebook { rules, policies, locations }))
    };
    rulebooks.or_read(tenant.id, edition, read).await
}

/// The switches of a tenant where nobody has set any.
pub(crate) fn default_rules(mode: Mode) -> SignInRules {
    match mode {
        Mode::Serve => SignInRules::SERVE,
        Mode::Demo => SignInRules::DEMO,
    }
}

/// Refuses device codes before anybody types one, where the tenant has switched them off.
pub(crate) async fn device_codes(ctx: &Ctx, tenant: &Tenant) -> Result<(), Refused> {
    rules(ctx, tenant).await?.device(None).map_err(breach)
}

/// Refuses the password grant before anybody looks at a password, where it is off for this client (S-250).
pub(crate) async fn password_grant(ctx: &Ctx, tenant: &Tenant, client: AppId) -> Result<(), Refused> {
    rules(ctx, tenant).await?.password(client).map_err(breach)
}

/// What the policies say about a request from where this one comes from. A way in that is switched off is refused at once.
pub(crate) async fn verdict(ctx: &Ctx, tenant: &Tenant, question: &Question<'_>) -> Result<Verdict, Refused> {
    let rulebook = rulebook(ctx, tenant).await?;
    let groups = groups(ctx, tenant, question.asker, &rulebook.policies).await?;
    let subject = match question.asker {
        Asker::Person(user) => Subject::Person {
            id: user.id,
            groups: &groups,
            is_administrator: user.is_directory_admin,
            is_guest: user.other.get("userType").and_then(Value::as_str) == Some("Guest"),
        },
        Asker::Application(id) => Subject::Application(id),
    };
    let address: IpAddr = ctx.info.peer.ip();
    let context = Context {
        subject,
        client: question.client.app,
        is_public: question.client.is_public(),
        resources: &ids(question.resources),
        besides: besides(question.client.app, question.resources),
        grant: question.grant,
        address,
        nearness: question.asked_from.map(|request| ctx.nearness(request)),
    };
    rulebook.rules.admit(&context).map_err(|why| breach(why).judged(closed()))?;
    Ok(policy::decide(&rulebook.policies, &rulebook.locations, &context))
}

/// Judges a person's sign-in for a token: what the log will say, or why there is none.
pub(crate) async fn for_person(ctx: &Ctx, tenant: &Tenant, question: &Question<'_>, by: &SignIn) -> Result<Judged, Refused> {
    let verdict = verdict(ctx, tenant, question).await?;
    judge(&verdict, &by.how, by.at, ctx.now())
}

/// Judges an application that asks for itself.
pub(crate) async fn for_application(ctx: &Ctx, tenant: &Tenant, client: &Client, resource: &Resource) -> Result<Judged, Refused> {
    let question = Question {
        asker: Asker::Application(client.principal.id),
        client,
        resources: std::slice::from_ref(resource),
        grant: GrantKind::ClientCredentials,
        asked_from: None,
    };
    let verdict = verdict(ctx, tenant, &question).await?;
    let now = ctx.now();
    judge(&verdict, &[], now, now).map_err(|refused| refused.of(client.principal.id))
}

/// What the policies will say about an authorization request of a person, for the pages that lead to its code.
pub(crate) async fn of_authorize(
    ctx: &Ctx,
    tenant: &Tenant,
    user: &User,
    request: &AuthorizeRequest,
) -> Result<Verdict, Refused> {
    let client = Client::find(ctx, tenant, &request.app.to_string()).await?;
    // At this endpoint the application reads that it was the person who is not let in.
    entitled::admit(ctx, tenant, user, &client).await.map_err(|refused| refused.error("access_denied"))?;
    let asked = grants::asked(request.endpoint, Some(&request.scope))?;
    let mut resources = Vec::new();
    // Without a scope of its own it is about the directory; several are redeemed one by one, and met together here.
    let parts = if asked.resources.is_empty() { vec![None] } else { asked.resources.iter().map(Some).collect() };
    for part in parts {
        resources.push(Resource::clone(&*target::find(ctx, tenant, &of_scope(part)).await?));
    }
    let question =
        Question { asker: Asker::Person(user), client: &client, resources: &resources, grant: GrantKind::Code, asked_from: None };
    verdict(ctx, tenant, &question).await
}

/// What the policies say about a person's own page and about an administrator's consent, which both change what the directory
/// lets people in by: as about a sign-in to the directory in a browser.
pub(crate) async fn of_directory(ctx: &Ctx, tenant: &Tenant, user: &User) -> Result<Verdict, Refused> {
    let graph = GRAPH.to_string();
    let client = Client::find(ctx, tenant, &graph).await?;
    let resource = target::find(ctx, tenant, &graph).await?;
    let question = Question {
        asker: Asker::Person(user),
        client: &client,
        resources: std::slice::from_ref(&resource),
        grant: GrantKind::Code,
        asked_from: None,
    };
    verdict(ctx, tenant, &question).await
}

/// Lets a person change what the directory lets people in by, unless a policy refuses that; a refusal is logged.
pub(crate) async fn admit_to_directory(
    ctx: &Ctx,
    tenant: &Tenant,
    user: &User,
    (kind, app): (&'static str, Option<AppId>),
) -> Result<(), Refused> {
    let verdict = of_directory(ctx, tenant, user).await.map_err(|refused| refused.of(user.id))?;
    if verdict.blocked.is_none() {
        return Ok(());
    }
    let Err(refused) = judge(&verdict, &[], ctx.now(), ctx.now()) else { return Ok(()) };
    let refused = refused.of(user.id);
    let mut decision = ctx.decision(kind, tenant.id, app);
    decision.interactive = true;
    ctx.record(decision, &refused).await;
    Err(refused)
}

/// Judges a browser's session for an authorization code: the code would give nothing, where the token were refused.
pub(crate) async fn for_session(
    ctx: &Ctx,
    tenant: &Tenant,
    user: &User,
    request: &AuthorizeRequest,
    session: &BrowserSession,
) -> Result<Judged, Refused> {
    let verdict = of_authorize(ctx, tenant, user, request).await.map_err(|refused| refused.of(user.id))?;
    judge(&verdict, &session.how, session.at, ctx.now()).map_err(|refused| refused.of(user.id))
}

/// What the policies say about a device that a person is about to let in, with the networks of both compared (W-111).
pub(crate) async fn of_device(ctx: &Ctx, tenant: &Tenant, user: &User, request: &DeviceRequest) -> Result<Verdict, Refused> {
    let client = Client::find(ctx, tenant, &request.app.to_string()).await?;
    entitled::admit(ctx, tenant, user, &client).await?;
    let asked = grants::asked(request.endpoint, Some(&request.scope))?;
    let identifier = match request.endpoint {
        Endpoint::V1 => request.scope.clone(),
        Endpoint::V2 => of_scope(asked.single()?),
    };
    let resource = target::find(ctx, tenant, &identifier).await?;
    let question = Question {
        asker: Asker::Person(user),
        client: &client,
        resources: std::slice::from_ref(&resource),
        grant: GrantKind::DeviceCode,
        asked_from: Some(request),
    };
    verdict(ctx, tenant, &question).await.map_err(|refused| refused.of(user.id))
}

/// Lets a person answer a device, unless a policy or the tenant's rule refuses that; a refusal is logged as a risk (W-111).
pub(crate) async fn admit_device(ctx: &Ctx, tenant: &Tenant, user: &User, request: &DeviceRequest) -> Result<Verdict, Refused> {
    let refused = match of_device(ctx, tenant, user, request).await {
        Ok(verdict) if verdict.blocked.is_none() => return Ok(verdict),
        Ok(verdict) => match judge(&verdict, &[], ctx.now(), ctx.now()) {
            Ok(_) => return Ok(verdict),
            Err(refused) => refused.of(user.id),
        },
        Err(refused) => refused,
    };
    let mut decision = ctx.decision("device_confirm", tenant.id, Some(request.app));
    decision.interactive = true;
    ctx.record(decision, &refused).await;
    let detail = json!({
        "app": request.app, "from": request.from, "browser": ctx.address(), "error": refused.number.code(),
        "network": ctx.nearness(request).word(), "why": refused.why,
    });
    let mut tx = ctx.app.store.write().await?;
    let told = event("deviceCode.blocked", tenant.id, Some(user.id.into()), request.app.to_string(), detail);
    tx.audit(ctx.now(), &told).await?;
    tx.commit().await?;
    Err(refused)
}

/// Holds a sign-in against a verdict.
pub(crate) fn judge(verdict: &Verdict, how: &[Method], at: Timestamp, now: Timestamp) -> Result<Judged, Refused> {
    let Some(unmet) = verdict.unmet(how, at, now) else { return Ok(told(verdict, how, at, now, None)) };
    let why = match (&verdict.blocked, unmet) {
        (Some(name), _) => format!("blocked by policy `{name}`"),
        (None, unmet) => unmet.to_string(),
    };
    Err(Refused::from(unmet.number()).because(why).judged(told(verdict, how, at, now, Some(unmet))))
}

/// What the log tells of a verdict, in Graph's words.
fn told(verdict: &Verdict, how: &[Method], at: Timestamp, now: Timestamp, unmet: Option<Unmet>) -> Judged {
    let one = |applied: &Applied, met: &str, failed: &str| {
        let (controls, session) = match applied.effect {
            Effect::Blocks => (vec!["block"], Vec::new()),
            Effect::Demands(demands) => {
                let grant = [(demands.second_factor, "mfa"), (demands.passkey, "phishingResistantMfa")];
                let controls = grant.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
                (controls, demands.fresh_within.map(|_| "signInFrequency").into_iter().collect())
            }
        };
        let result = if applied.effect.unmet(how, at, now).is_some() { failed } else { met };
        json!({
            "id": applied.id, "displayName": applied.name, "enforcedGrantControls": controls,
            "enforcedSessionControls": session, "result": result,
        })
    };
    let mut all: Vec<Value> = verdict.applied.iter().map(|applied| one(applied, "success", "failure")).collect();
    all.extend(verdict.reports.iter().map(|applied| one(applied, "reportOnlySuccess", "reportOnlyFailure")));
    let status = match (unmet, verdict.applied.is_empty()) {
        (Some(_), _) => "failure",
        (None, false) => "success",
        (None, true) => "notApplied",
    };
    Judged {
        status,
        policies: (!all.is_empty()).then(|| Value::Array(all).to_string()),
        multi_factor: verdict.demands.second_factor || verdict.demands.passkey,
    }
}

fn closed() -> Judged {
    Judged { status: "failure", policies: None, multi_factor: false }
}

fn breach(why: RuleBreach) -> Refused {
    Refused::from(why.number()).because(why.to_string())
}

/// The ids that policies may know the resources by: a cluster with an application of its own is a cluster all the same.
fn ids(resources: &[Resource]) -> Vec<AppId> {
    let mut ids: Vec<AppId> = resources.iter().map(|resource| resource.app).collect();
    if resources.iter().any(|resource| resource.kind == Kind::Cluster) && !ids.contains(&AKS_SERVER) {
        ids.push(AKS_SERVER);
    }
    ids
}

/// What tokens for the resources open besides them: some clients reach the directory with one for the resource manager.
fn besides(client: AppId, resources: &[Resource]) -> &'static [AppId] {
    let opens = opens_directory_with_arm(client) && resources.iter().any(|resource| resource.kind == Kind::Arm);
    if opens { &[GRAPH] } else { &[] }
}

/// The groups of a person, where some policy asks for any. Waits until the directory in memory is as new as the store: who
/// was just put into a group is in it.
async fn groups(ctx: &Ctx, tenant: &Tenant, asker: Asker<'_>, policies: &[Policy]) -> Result<Vec<GroupId>, Refused> {
    let names_groups = |policy: &Policy| match &policy.who {
        Who::People { include, exclude } => {
            policy.state != State::Disabled && !(include.groups.is_empty() && exclude.groups.is_empty())
        }
        Who::Applications { .. } => false,
    };
    let Asker::Person(user) = asker else { return Ok(Vec::new()) };
    if !policies.iter().any(names_groups) {
        return Ok(Vec::new());
    }
    let unavailable = |why: String| Refused::from(Aadsts::DirectoryUnavailable).retry_after(1).because(why);
    let head = ctx.app.store.head();
    let reached = tokio::time::timeout(PATIENCE, ctx.app.people.reached(head)).await;
    reached.map_err(|_| unavailable("the directory in memory is behind the store".into()))?;
    let snapshot = ctx.app.people.snapshot(ctx.now()).map_err(|why| unavailable(why.to_string()))?;
    Ok(snapshot.groups_of(tenant.id, user.id.into()))
}

/// How long a token waits for the directory in memory.
const PATIENCE: Duration = Duration::from_secs(3);
