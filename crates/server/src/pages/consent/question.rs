//! What the consent page asks: which permissions of which resources, and whether this person may answer.

use std::fmt::Write as _;
use std::sync::Arc;

use entrance_model::directory::{Tenant, User};
use entrance_model::id::AppId;
use entrance_model::signin::consent::{For, UserConsent, needs_administrator};
use entrance_model::signin::permission::Permission;
use entrance_model::signin::scope::Asked;
use entrance_model::signin::{Aadsts, Endpoint};

use crate::authority::client::Client;
use crate::authority::consent::{self, Standing};
use crate::authority::ctx::Ctx;
use crate::authority::grants;
use crate::authority::refused::Refused;
use crate::authority::secret;
use crate::pages::flow::Purpose;

/// What is asked of whom.
pub(super) struct Question {
    /// The application.
    pub(super) client: Arc<Client>,
    /// What it asks, as it spelled it.
    pub(super) asked: Asked,
    /// Per resource, what is granted and what is missing.
    pub(super) parts: Vec<Standing>,
    /// It is asked although nothing is missing.
    pub(super) forced: bool,
    /// It is asked for everybody in the organisation.
    pub(super) for_everybody: bool,
}

impl Question {
    /// The question of a purpose; `None` where an application of ours asks, or nobody.
    pub(super) async fn of(ctx: &Ctx, tenant: &Tenant, purpose: &Purpose, user: &User) -> Result<Option<Self>, Refused> {
        let (app, endpoint, scope, forced, for_everybody) = match purpose {
            Purpose::Authorize { request } => {
                (request.app, request.endpoint, Some(request.scope.clone()), request.consent, false)
            }
            Purpose::AdminConsent { app, scope, .. } => (*app, Endpoint::V2, scope.clone(), true, true),
            Purpose::Device { grant, .. } => {
                let grant = ctx.app.store.read().await?.authority().device_grant(grant).await?;
                // One that was answered meanwhile asks nothing any more.
                let Some(request) = grant.as_ref().and_then(|grant| grant.state.open(ctx.now()).ok()) else { return Ok(None) };
                (request.app, request.endpoint, Some(request.scope.clone()), false, false)
            }
            Purpose::Own { .. } => return Ok(None),
        };
        let client = Client::find(ctx, tenant, &app.to_string()).await?;
        if client.is_built_in() {
            return Ok(None);
        }
        let asked = match scope {
            Some(scope) => grants::asked(endpoint, Some(&scope))?,
            None => registered(&client),
        };
        let mut parts = Vec::new();
        for part in &asked.resources {
            parts.push(consent::standing(ctx, tenant, &client, Some(part), Some(user.id)).await?);
        }
        Ok(Some(Self { client, asked, parts, forced, for_everybody }))
    }

    /// Whether somebody has to answer it.
    pub(super) fn is_open(&self) -> bool {
        self.forced || self.parts.iter().any(|part| !part.weighed.missing.is_empty())
    }

    /// What an answer keeps, of one resource. A person writes down only what they are asked for because it is missing: what
    /// others allowed is shown again where the application wants that, and stays theirs to take back.
    pub(super) fn kept<'p>(&self, part: &'p Standing, who: For) -> &'p [Permission] {
        match who {
            For::Everybody => self.wanted(part),
            For::Person(_) => &part.weighed.missing,
        }
    }

    /// What the page lists, of one resource.
    pub(super) fn wanted<'p>(&self, part: &'p Standing) -> &'p [Permission] {
        if self.forced { &part.weighed.asked } else { &part.weighed.missing }
    }

    /// What an answer is about, in one word: another question has another one. The form carries it, so that a yes is to what
    /// the page showed, and not to what the registrations say by the time of the click.
    pub(super) fn print(&self) -> String {
        // Lengths stand before texts, so that no two questions read the same.
        let mut said = format!("{}\0{}\0", self.client.app, self.for_everybody);
        let mut add = |text: &str| write!(said, "{}\0{text}", text.len()).expect("a text takes everything");
        add(self.client.name());
        for part in &self.parts {
            add(&part.resource.app.to_string());
            add(&part.principal.to_string());
            add(&part.name);
            add(&self.wanted(part).len().to_string());
            for permission in self.wanted(part) {
                add(&permission.id.to_string());
                add(&permission.value);
                add(permission.title.as_deref().unwrap_or_default());
                add(if permission.admin_only { "administrators" } else { "people" });
            }
        }
        secret::sha256(&said)
    }

    /// Whether this person may not answer it.
    pub(super) fn is_beyond(&self, policy: UserConsent, user: &User) -> bool {
        let missing = self.parts.iter().flat_map(|part| &part.weighed.missing);
        !user.is_directory_admin && (self.for_everybody || needs_administrator(policy, missing))
    }
}

/// All that the registration lists.
fn registered(client: &Client) -> Asked {
    let all = client.registration().map(consent::resources).unwrap_or_default();
    let scope: Vec<_> = all.into_iter().map(|app: AppId| format!("{app}/.default")).collect();
    Asked::parse(&scope.join(" ")).unwrap_or_default()
}

/// Whether the page has to be shown before a purpose is served.
pub(crate) async fn is_missing(ctx: &Ctx, tenant: &Tenant, purpose: &Purpose, user: &User) -> Result<bool, Refused> {
    match Question::of(ctx, tenant, purpose, user).await {
        Ok(question) => Ok(question.is_some_and(|question| question.is_open())),
        // Nothing that a page could ask for helps here: whoever answers the application refuses it.
        Err(refused) if matches!(refused.number, Aadsts::InvalidResourceForClient | Aadsts::InvalidScopeForResource) => Ok(false),
        Err(refused) => Err(refused),
    }
}
