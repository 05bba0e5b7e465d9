//! `GET|POST /{tenant}/oauth2/v2.0/authorize` and `/{tenant}/oauth2/authorize` (S-100…S-110).

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::directory::Tenant;
use entrance_model::id::{SessionId, UserId};
use entrance_model::signin::authorize::{AuthorizeRequest, Next, Prompt, ResponseMode, ResponseType, next};
use entrance_model::signin::claims_request::ClaimsRequest;
use entrance_model::signin::pkce::Challenge;
use entrance_model::signin::redirect::{Platform, registered};
use entrance_model::signin::scope::Oidc;
use entrance_model::signin::session::BrowserSession;
use entrance_model::signin::steps::Step;
use entrance_model::signin::{Aadsts, Endpoint};
use entrance_wire::oauth::form::{Form, LONGEST_QUERY};
use uuid::Uuid;

use super::client::Client;
use super::ctx::Ctx;
use super::id_hint::Hint;
use super::place::Place;
use super::refused::Refused;
use super::token_endpoint::refused_form;
use super::{grants, issue, policies};
use crate::pages::flow::{Flow, Purpose, sessions};
use crate::pages::page::see_other;
use crate::pages::texts::Texts;
use crate::pages::{FlowCookie, PageError, app_name, returning, shown, steps};

const KNOWN: [&str; 21] = [
    "mkt",
    "ui_locales",
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "resource",
    "response_mode",
    "state",
    "nonce",
    "prompt",
    "login_hint",
    "id_token_hint",
    "domain_hint",
    "claims",
    "code_challenge",
    "code_challenge_method",
    "max_age",
    "sid",
    "client_info",
    "request",
];
/// A session that no browser has.
const NOBODY: SessionId = SessionId::from_uuid(Uuid::nil());
/// A person whom no directory has.
const NO_PERSON: UserId = UserId::from_uuid(Uuid::nil());
const LONGEST_STATE: usize = 2048;
const LONGEST_NONCE: usize = 512;
const LONGEST_HINT: usize = 256;

/// Answers an authorization request with a page, or with a redirect to the application.
pub(super) async fn answer(ctx: &Ctx, segment: &str, headers: &HeaderMap, text: &[u8]) -> Response {
    shown(ctx, headers, begin(ctx, segment, headers, text).await).await
}

async fn begin(ctx: &Ctx, segment: &str, headers: &HeaderMap, text: &[u8]) -> Result<Response, PageError> {
    // S-100: until the address is known to be the application's, nothing is sent there.
    if text.len() > LONGEST_QUERY {
        return Err(Aadsts::QueryStringTooLong.into());
    }
    let place = Place::find(&ctx.app, segment).await?;
    let form = Form::parse(text, LONGEST_QUERY, &KNOWN).map_err(|error| refused_form(&error))?;
    let hint = form.get("id_token_hint").map(|token| Hint::read(ctx, token));
    let tenant = &hinted(ctx, &place, &form, hint.as_ref().and_then(Option::as_ref)).await?;
    ctx.language.read(|name| form.get(name).map(str::to_owned));
    let id = form.get("client_id").ok_or_else(|| Refused::missing("client_id"))?;
    let client = Client::find(ctx, tenant, id).await?;
    let redirect = form.get("redirect_uri").ok_or(Refused::from(Aadsts::InvalidReplyTo))?;
    let platform = registered(&client.redirects(ctx.app.base()), redirect).ok_or(Refused::from(Aadsts::InvalidReplyTo))?;

    // From here on the application is told.
    let kind = ResponseType::guess(form.get("response_type"));
    let mode = ResponseMode::parse(form.get("response_mode"), kind);
    let mut request = AuthorizeRequest {
        tenant: tenant.id,
        app: client.app,
        endpoint: ctx.endpoint,
        redirect: redirect.to_owned(),
        mode: mode.unwrap_or(if kind.has_id_token() { ResponseMode::Fragment } else { ResponseMode::Query }),
        state: form.get("state").filter(|state| state.len() <= LONGEST_STATE).map(str::to_owned),
        nonce: form.get("nonce").map(str::to_owned),
        scope: String::new(),
        challenge: None,
        prompt: Prompt::Auto,
        login_hint: form.get("login_hint").filter(|hint| hint.len() <= LONGEST_HINT).map(str::to_owned),
        sid: form.get("sid").map(|sid| sid.parse().unwrap_or(NOBODY)),
        only: None,
        max_age: None,
        client_info: form.get("client_info") == Some("1"),
        response: kind,
        consent: Prompt::asks_consent(form.get("prompt")),
        auth_time: false,
    };
    let app = app_name(Texts::of(ctx, headers), client.app, client.name());
    let outcome = match mode {
        Ok(_) => check(ctx, tenant, (&client, platform), &form, &mut request).await,
        Err(number) => Err(number.into()),
    };
    if let Some(hint) = hint {
        mean(&mut request, hint.filter(|hint| hint.tid == tenant.id && hint.aud == client.app.to_string()));
    }
    let tell = async |refused: &Refused| {
        ctx.record(ctx.decision("authorize", request.tenant, Some(request.app)), refused).await;
        let fields = returning::refusal(ctx, &request, refused);
        returning::answer(ctx, headers, &request, &app, &fields).await
    };
    if let Err(refused) = outcome {
        return Ok(tell(&refused).await);
    }
    let live = sessions(ctx, headers, tenant.id).await?;
    let known: Vec<(&BrowserSession, &str)> = live.iter().map(|(session, user)| (session, user.upn.as_str())).collect();
    match next(&request, &known, ctx.now()) {
        // OpenID Connect Core §3.1.2.1: whoever is signed in here is not the one that the application means.
        Next::Refuse(number) if request.only.is_some() => Ok(tell(&Refused::from(number).error("login_required")).await),
        Next::Refuse(number) => Ok(tell(&number.into()).await),
        Next::Use(id) => {
            let (session, user) = live.iter().find(|(session, _)| session.id == id).expect("it was chosen from these");
            let purpose = Purpose::Authorize { request: Box::new(request.clone()) };
            let step = steps::of(ctx, &purpose, tenant.id, ctx.now(), (session, user)).await?;
            // Something is missing that a page can ask for.
            if step != Step::Return && request.prompt != Prompt::None {
                return page(ctx, headers, &request, app, step, Some(session.id)).await;
            }
            // What was not shown says itself how it can be put right; an age is judged by the policies first.
            if matches!(step, Step::SecondFactor | Step::Enroll | Step::PasswordChange) {
                return Ok(tell(&steps::refusal(step).of(user.id)).await);
            }
            if let Err(refused) = policies::for_session(ctx, tenant, user, &request, session).await {
                return Ok(tell(&refused).await);
            }
            if step != Step::Return {
                return Ok(tell(&steps::refusal(step).of(user.id)).await);
            }
            let answer = returning::make(ctx, &request, session, user).await?;
            let mut tx = ctx.app.store.write().await?;
            let fields = returning::keep(ctx, &mut tx, &request, session, user, answer).await?;
            tx.commit().await?;
            Ok(returning::answer(ctx, headers, &request, &app, &fields).await)
        }
        Next::SignIn => page(ctx, headers, &request, app, Step::SignIn, None).await,
        Next::Pick => page(ctx, headers, &request, app, Step::Account, None).await,
    }
}

/// The tenant of the address; where that is none of several, the one that a hint names.
async fn hinted(ctx: &Ctx, place: &Place, form: &Form, hint: Option<&Hint>) -> Result<Arc<Tenant>, Refused> {
    let domain = form.get("login_hint").and_then(|hint| hint.rsplit_once('@')).map(|(_, domain)| domain);
    let domain = domain.or(form.get("domain_hint").filter(|hint| *hint != "organizations"));
    match (place.tenant(), hint, domain) {
        (Ok(tenant), ..) => Ok(Arc::clone(tenant)),
        (Err(_), Some(hint), _) => Place::find(&ctx.app, &hint.tid.to_string()).await?.tenant().cloned(),
        (Err(_), None, Some(domain)) => place.tenant_of(&ctx.app, &domain.to_ascii_lowercase()).await,
        (Err(refused), None, None) => Err(refused),
    }
}

/// Keeps whom an ID token names. One that says nothing to us is somebody who is not here; where there are pages, they ask.
fn mean(request: &mut AuthorizeRequest, hint: Option<Hint>) {
    match hint {
        Some(hint) => {
            request.only = Some(hint.oid);
            let name = hint.name().filter(|name| name.len() <= LONGEST_HINT);
            request.login_hint = request.login_hint.take().or(name.map(str::to_owned));
        }
        None if request.prompt == Prompt::None => request.only = Some(NO_PERSON),
        None => {}
    }
}

/// Begins a flow and sends the browser to one of its pages.
async fn page(
    ctx: &Ctx,
    headers: &HeaderMap,
    request: &AuthorizeRequest,
    app: String,
    step: Step,
    session: Option<SessionId>,
) -> Result<Response, PageError> {
    let cookie = FlowCookie::or_new(headers);
    let purpose = Purpose::Authorize { request: Box::new(request.clone()) };
    let id = Flow::begin_with(ctx, &cookie, request.tenant, app, purpose.clone(), session).await?;
    let mut response = see_other(&format!("{}{}", ctx.app.base(), steps::address(step, &purpose, &id)));
    cookie.set(response.headers_mut());
    Ok(response)
}

/// Checks what the application asks; a failure is told to it.
async fn check(
    ctx: &Ctx,
    tenant: &Tenant,
    (client, platform): (&Client, Platform),
    form: &Form,
    request: &mut AuthorizeRequest,
) -> Result<(), Refused> {
    if form.get("state").is_some_and(|state| state.len() > LONGEST_STATE)
        || request.nonce.as_ref().is_some_and(|nonce| nonce.len() > LONGEST_NONCE)
    {
        return Err(Aadsts::InvalidUserInput.into());
    }
    let kind = form.get("response_type").ok_or_else(|| Refused::missing("response_type"))?;
    request.response = match ResponseType::parse(kind, client.may_get_id_token()) {
        Ok(response) => response,
        Err(number @ Aadsts::UnsupportedResponseType) => return Err(Refused::from(number).about("response_type", kind)),
        Err(number) => return Err(number.into()),
    };
    if request.response.has_id_token() && request.nonce.is_none() {
        return Err(Refused::missing("nonce"));
    }
    let name = if ctx.endpoint == Endpoint::V1 { "resource" } else { "scope" };
    if ctx.endpoint == Endpoint::V2 && form.get("resource").is_some() {
        return Err(Aadsts::ResourceParameterUnsupported.into());
    }
    let scope = match (ctx.endpoint, form.get(name)) {
        (_, Some(scope)) => scope,
        (Endpoint::V2, None) => return Err(Refused::missing("scope")),
        (Endpoint::V1, None) => "https://graph.windows.net",
    };
    scope.clone_into(&mut request.scope);
    let (challenge, method) = (form.get("code_challenge"), form.get("code_challenge_method"));
    if request.response.has_code() {
        let rules = client.pkce_rules(platform);
        request.challenge = Challenge::parse(challenge, method, rules).map_err(|error| Refused::from(error.number()))?;
    }
    request.prompt = Prompt::parse(form.get("prompt"))?;
    request.max_age = match form.get("max_age").map(str::parse::<i64>) {
        None => None,
        Some(Ok(age)) if age >= 0 => Some(age),
        Some(_) => return Err(Aadsts::InvalidUserInput.into()),
    };
    let claims = ClaimsRequest::parse(form.get("claims")).map_err(|_| Refused::from(Aadsts::InvalidRequest))?;
    request.auth_time = claims.auth_time;
    let asked = grants::asked(ctx.endpoint, Some(scope))?;
    // Several resources may be named here; each token request asks for one of them, and is checked then.
    if request.response.has_id_token() && !asked.has(Oidc::Openid) {
        return Err(Refused::from(Aadsts::InvalidScope).about("scope", scope));
    }
    if asked.resources.len() <= 1 {
        issue::permitted(ctx, tenant, client, &asked).await?;
    }
    Ok(())
}
