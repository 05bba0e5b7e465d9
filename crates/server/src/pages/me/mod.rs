//! A person's own page (W-4.12): where they are signed in, what they sign in with, what they allowed applications, how the
//! pages look to them. Complete
//! without script, but for passkeys, which browsers give to scripts only.

mod factors;
mod grants;
mod guard;
mod sessions;
mod show;

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::directory::User;
use entrance_model::id::TenantId;
use entrance_model::signin::session::BrowserSession;
use entrance_wire::oauth::form::Form;

use super::flow::Guard;
use super::page::see_other;
use super::texts::Texts;
use super::{PageError, cookies, query};
use crate::authority::ctx::Ctx;

/// Who looks at their own page.
struct Me {
    tenant: TenantId,
    session: BrowserSession,
    user: User,
    /// The proof that a form came from a page that this session was shown.
    csrf: String,
}

impl Me {
    /// The person who signed in last in this browser.
    async fn find(ctx: &Ctx, headers: &HeaderMap) -> Result<Option<Self>, PageError> {
        let Some(browser) = cookies::browser(headers) else { return Ok(None) };
        let mut reader = ctx.app.store.read().await?;
        for (tenant, session) in reader.authority().browser_sessions(&browser).await? {
            let user = reader.directory().user(tenant, session.user).await?;
            if let Some(user) = user.filter(|user| session.is_live(user, ctx.now()))
                && let Some(csrf) = cookies::session_csrf(headers, &csrf_purpose(&session))
            {
                return Ok(Some(Self { tenant, session, user, csrf }));
            }
        }
        Ok(None)
    }

    /// Whether a form came from a page of this session.
    fn sent(&self, headers: &HeaderMap, form: &Form) -> bool {
        cookies::is_session_csrf(headers, &csrf_purpose(&self.session), form.get("csrf"))
    }
}

fn csrf_purpose(session: &BrowserSession) -> String {
    format!("me/{}", session.id)
}

/// The addresses that show something.
pub(super) const PAGES: [&str; 5] = ["/me", "/me/add", "/me/codes", "/me/factor", "/me/password"];
/// The addresses that take a form.
pub(super) const FORMS: [&str; 6] = ["/me/add", "/me/codes", "/me/factor", "/me/grants", "/me/sessions", "/me/preferences"];

/// `GET /me…`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, path: &str, text: &str) -> Result<Response, PageError> {
    match path {
        "/me/add" => factors::add_page(ctx, headers).await,
        "/me/codes" => factors::codes_page(ctx, headers).await,
        "/me/factor" => factors::one(ctx, headers, text).await,
        "/me/password" => password(ctx, headers).await,
        _ => match guard::signed_in(ctx, headers).await? {
            Ok(me) => show::page(ctx, headers, &me, query(text, "done").as_deref()).await,
            Err(elsewhere) => Ok(elsewhere),
        },
    }
}

/// `POST /me…`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, path: &str, form: &Form) -> Result<Response, PageError> {
    match path {
        "/me/add" => factors::add(ctx, headers, form).await,
        "/me/codes" => factors::keep_codes(ctx, headers, form).await,
        "/me/factor" => factors::change(ctx, headers, form).await,
        "/me/grants" => grants::withdraw(ctx, headers, form).await,
        "/me/sessions" => sessions::end(ctx, headers, form).await,
        _ => preferences(ctx, headers, form).await,
    }
}

/// `GET /me/password`: the page is the one of the sign-in; it leads back here.
async fn password(ctx: &Ctx, headers: &HeaderMap) -> Result<Response, PageError> {
    let me = match guard::signed_in(ctx, headers).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    guard::leave(ctx, headers, &me, "/me?done=password", Guard::SignedIn, Some("/signin/password")).await
}

/// `POST /me/preferences`: language and theme (W-046, W-047).
async fn preferences(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let me = match guard::signed_in(ctx, headers).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !me.sent(headers, form) {
        return Err(PageError::Forged);
    }
    let mut response = see_other("/me?done=preferences");
    let headers = response.headers_mut();
    if let Some(language) = form.get("lang") {
        let known = Texts::ALL.into_iter().map(Texts::tag).find(|tag| *tag == language);
        cookies::set_preference(headers, cookies::LANGUAGE, known);
    }
    if let Some(theme) = form.get("theme") {
        let known = ["light", "dark"].into_iter().find(|known| *known == theme);
        cookies::set_preference(headers, cookies::THEME, known);
    }
    Ok(response)
}
