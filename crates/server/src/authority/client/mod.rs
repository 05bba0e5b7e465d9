//! Who asks: the client of a request, and how it proved itself (S-203).

mod assertion;
mod certificate;
mod federated;
pub(crate) mod key;
mod secret;

use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::directory::{Application, Credential, Redirects, ServicePrincipal, Tenant};
use entrance_model::id::AppId;
use entrance_model::signin::Aadsts;
use entrance_model::signin::client::built_in_redirects;
use entrance_model::signin::manifest::Manifest;
use entrance_model::signin::pkce::PkceRules;
use entrance_model::signin::redirect::Platform;
use entrance_model::signin::resource::{Identifier, identify};
use entrance_model::well_known;
use entrance_store::Tx;
use entrance_wire::oauth::form::Form;

pub(crate) use assertion::Spend;

use super::ctx::Ctx;
use super::memory;
use super::refused::Refused;

/// A client of a tenant.
pub(crate) struct Client {
    /// Its id.
    pub(crate) app: AppId,
    /// Its identity in the tenant.
    pub(crate) principal: Arc<ServicePrincipal>,
    /// Its registration; built-in clients have none.
    registration: Option<Arc<Application>>,
    /// What the registration says about ID tokens.
    manifest: Manifest,
}

/// How a client proved itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Not at all: a public client.
    None,
    /// With a secret.
    Secret,
    /// With a certificate or a federated token; what to remember so that it is used once.
    Assertion(Option<Spend>),
}

impl Proof {
    /// `appidacr`.
    pub(crate) fn acr(&self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Secret => "1",
            Self::Assertion(_) => "2",
        }
    }

    /// Whether the client proved itself.
    pub(crate) fn is_some(&self) -> bool {
        *self != Self::None
    }

    /// Uses up what may be shown once (S-241), in the transaction of the answer that it gets.
    pub(crate) async fn spend(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Refused> {
        let Self::Assertion(Some(spend)) = self else { return Ok(()) };
        spend.spend(tx, now).await?
    }
}

impl Client {
    /// The client with this id in a tenant.
    pub(crate) async fn find(ctx: &Ctx, tenant: &Tenant, id: &str) -> Result<Arc<Self>, Refused> {
        let unknown = || Refused::from(Aadsts::UnauthorizedClientAppNotFound).about("application", id);
        let app: AppId = id.parse().map_err(|_| unknown())?;
        let (edition, clients) = (memory::edition(&ctx.app), &ctx.app.authority.memory.clients);
        let read = async {
            let principal = memory::principal(ctx, tenant, app).await?.ok_or_else(unknown)?;
            if !principal.enabled {
                return Err(Refused::from(Aadsts::UnauthorizedClientApplicationDisabled).of(principal.id));
            }
            let registration = memory::application(ctx, tenant, app).await?;
            let manifest = registration.as_ref().map(|app| Manifest::of(&app.other)).unwrap_or_default();
            Ok(Arc::new(Self { app, principal, registration, manifest }))
        };
        clients.or_read((tenant.id, app), edition, read).await
    }

    /// Its name, as people read it.
    pub(crate) fn name(&self) -> &str {
        self.registration.as_ref().map_or(&self.principal.display_name, |app| &app.display_name)
    }

    /// Its registration; built-in clients have none.
    pub(crate) fn registration(&self) -> Option<&Application> {
        self.registration.as_deref()
    }

    /// Whether it is one of the built-in applications.
    pub(crate) fn is_built_in(&self) -> bool {
        well_known::first_party(self.app).is_some()
    }

    /// Whether ID tokens may go to it through the browser (`web.implicitGrantSettings.enableIdTokenIssuance`).
    pub(crate) fn may_get_id_token(&self) -> bool {
        let web = self.registration.as_ref().and_then(|app| app.other.get("web"));
        let setting = web.and_then(|web| web.pointer("/implicitGrantSettings/enableIdTokenIssuance"));
        setting.and_then(serde_json::Value::as_bool).unwrap_or(false)
    }

    /// What is demanded of its proof keys (S-106): `S256`, unless its registration says less. Only a client that proves
    /// itself may come without one.
    pub(crate) fn pkce_rules(&self, platform: Platform) -> PkceRules {
        let profile = self.registration.as_ref().and_then(|app| app.other.get("entranceProfile"));
        let is_set = |name| profile.and_then(|profile| profile.get(name)).and_then(serde_json::Value::as_bool).unwrap_or(false);
        PkceRules { plain: is_set("allowPlainPkce"), none: platform == Platform::Web && is_set("allowNoPkce") }
    }

    /// Whether it may use the grants of public clients.
    pub(crate) fn is_public(&self) -> bool {
        match well_known::first_party(self.app) {
            Some(known) => known.kind == well_known::Kind::PublicClient,
            None => self.registration.as_ref().is_some_and(|app| app.is_public_client),
        }
    }

    /// Its registered addresses.
    pub(crate) fn redirects(&self, base: &str) -> Redirects {
        match (&self.registration, well_known::first_party(self.app)) {
            (Some(app), _) => app.redirects.clone(),
            (None, Some(known)) if known.kind == well_known::Kind::PublicClient => built_in_redirects(self.app, base),
            (None, _) => Redirects::default(),
        }
    }

    /// What its registration says about ID tokens.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether a token was made for this client: its client id, or an identifier of its registration (S-260).
    pub(crate) fn is_meant_by(&self, audience: &str, base: &str) -> bool {
        match identify(audience, base) {
            Identifier::App(app) => app == self.app,
            Identifier::Uri(uri) => {
                let uri = uri.trim_end_matches('/');
                let own = self.registration.iter().flat_map(|app| &app.identifier_uris);
                own.into_iter().any(|known| known.trim_end_matches('/') == uri)
            }
        }
    }

    /// Whether a browser may ask for its tokens from pages of this origin (S-019).
    pub(crate) fn has_page_at(&self, origin: &str) -> bool {
        let pages = self.registration.iter().flat_map(|app| &app.redirects.spa);
        pages.into_iter().any(|page| url::Url::parse(page).is_ok_and(|page| page.origin().ascii_serialization() == origin))
    }

    /// Whether its refresh tokens are shared in family `1`.
    pub(crate) fn family(&self) -> Option<&'static str> {
        well_known::first_party(self.app).filter(|known| known.family).map(|_| "1")
    }

    fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.registration.iter().flat_map(|app| &app.credentials).chain(&self.principal.credentials)
    }

    /// Demands that a confidential client proved itself.
    pub(crate) fn demand(&self, proof: &Proof) -> Result<(), Refused> {
        if proof.is_some() || self.is_public() { Ok(()) } else { Err(Aadsts::ClientCredentialRequired.into()) }
    }
}

/// The names of all parameters that prove a client.
pub(crate) const PARAMETERS: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Finds the client of a token request and checks how it proves itself.
pub(crate) async fn authenticate(
    ctx: &Ctx,
    tenant: &Tenant,
    form: &Form,
    basic: Option<(String, String)>,
) -> Result<(Arc<Client>, Proof), Refused> {
    let secret = form.get("client_secret");
    let assertion = form.get("client_assertion");
    if usize::from(secret.is_some()) + usize::from(assertion.is_some()) + usize::from(basic.is_some()) > 1 {
        return Err(
            Refused::from(Aadsts::InvalidRequest).saying("The client proves itself in two ways at once; one is needed.".into())
        );
    }
    let in_assertion = || assertion.and_then(assertion::subject);
    let id = match (form.get("client_id"), &basic) {
        (Some(id), Some((other, _))) if !id.eq_ignore_ascii_case(other) => {
            return Err(Refused::from(Aadsts::InvalidRequest).saying("The header and the body name different clients.".into()));
        }
        (Some(id), _) => id.to_owned(),
        (None, Some((id, _))) => id.clone(),
        (None, None) => in_assertion().ok_or_else(|| Refused::missing("client_id"))?,
    };
    let client = Client::find(ctx, tenant, &id).await?;
    let secret = secret.map(str::to_owned).or(basic.map(|(_, secret)| secret));
    if secret.is_none() && assertion.is_none() {
        return Ok((client, Proof::None));
    }
    let has_none = client.credentials().next().is_none();
    if client.is_public() && has_none {
        return Err(Refused::from(Aadsts::PublicClientWithCredential).of(client.principal.id));
    }
    let proof = match (secret, assertion) {
        (Some(secret), _) => secret::check(ctx, &client, &secret).await,
        (None, Some(text)) if form.get("client_assertion_type") == Some(ASSERTION_TYPE) => {
            assertion::check(ctx, tenant, &client, text.trim()).await
        }
        (None, _) => Err(Refused::missing("client_assertion_type")),
    };
    let principal = client.principal.id;
    Ok((client, proof.map_err(|refused| refused.of(principal))?))
}
