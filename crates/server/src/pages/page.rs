//! What every page has: its frame, its headers (W-020…W-023), and how text of others is shown (W-050).

use askama::Template;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use entrance_model::id::TenantId;

use super::texts::Texts;
use super::{assets, cookies};
use crate::authority::ctx::Ctx;
use crate::config::Mode;

/// The frame around a page.
pub(crate) struct Frame {
    pub(crate) lang: &'static str,
    pub(crate) theme: Option<&'static str>,
    pub(crate) tenant: String,
    pub(crate) demo: bool,
    pub(crate) css: &'static str,
    pub(crate) js: &'static str,
    pub(crate) icon: &'static str,
}

impl Frame {
    /// The frame of a tenant's page; of the only tenant, where the page belongs to none.
    pub(crate) async fn of(ctx: &Ctx, headers: &HeaderMap, tenant: Option<TenantId>) -> Self {
        let name = async {
            let mut reader = ctx.app.store.read().await?;
            let mut directory = reader.directory();
            if let Some(id) = tenant {
                return directory.tenant(id).await.map(|tenant| tenant.map(|tenant| tenant.display_name));
            }
            let tenants = directory.tenants().await?;
            Ok::<_, entrance_store::StoreError>(if let [only] = tenants.as_slice() {
                Some(only.display_name.clone())
            } else {
                None
            })
        };
        // A page about a store that does not answer is still a page.
        let tenant = name.await.ok().flatten().map_or_else(|| "Entrance".to_owned(), |name| shown(&name));
        Self {
            lang: Texts::of(ctx, headers).tag(),
            theme: cookies::theme(headers),
            tenant,
            demo: ctx.app.config.mode == Mode::Demo,
            css: assets::css(),
            js: assets::js(),
            icon: assets::icon(),
        }
    }
}

/// Text of others, fit to be shown: no control or direction characters, at most 80 characters.
pub(crate) fn shown(text: &str) -> String {
    let is_direction =
        |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}');
    text.chars().filter(|c| !c.is_control() && !is_direction(*c)).take(80).collect()
}

/// A page as an answer. `form_action` is where its form may end beside our own origin.
pub(crate) fn render(status: StatusCode, page: &impl Template, form_action: Option<&str>) -> Response {
    let html = page.render().expect("a page of ours has all it shows");
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'{}; \
         frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        form_action.map(|source| format!(" {source}")).unwrap_or_default()
    );
    let mut set = |name: HeaderName, value: &str| {
        headers.insert(name, HeaderValue::from_str(value).expect("the source of a registered address is ASCII"));
    };
    set(header::CONTENT_SECURITY_POLICY, &policy);
    set(header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)",
    );
    protect(headers);
    response
}

/// Tells which language a page speaks, and that another browser may get another one. What is no page stays as it is.
pub(crate) fn speak(response: &mut Response, texts: Texts) {
    if response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(texts.tag()));
        headers.insert(header::VARY, HeaderValue::from_static("Cookie, Accept-Language"));
    }
}

/// The headers of everything that a browser gets from the gate, redirects too.
pub(crate) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Sends the browser on, with a GET whatever the request was (O-10).
pub(crate) fn see_other(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(to) {
        Ok(location) => response.headers_mut().insert(header::LOCATION, location),
        // An address that no header takes was never registered by anybody who meant it.
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    };
    protect(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_050_names_of_others_cannot_turn_the_page_around() {
        assert_eq!(shown("a\u{202E}b\r\nc"), "abc");
        assert_eq!(shown(&"x".repeat(100)).len(), 80);
    }
}
