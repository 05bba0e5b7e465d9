//! The person at the browser, as a script: reads forms, fills them in, sends them off.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use super::api::Api;

/// A browser with its cookies.
pub(crate) struct Person<'a> {
    api: &'a Api,
    cookies: BTreeMap<String, String>,
}

/// A form of a page.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    action: String,
    fields: BTreeMap<String, String>,
}

/// How many pages a sign-in may have.
const MAX_PAGES: usize = 12;

impl<'a> Person<'a> {
    pub(crate) fn new(api: &'a Api) -> Self {
        Self { api, cookies: BTreeMap::new() }
    }

    /// Types a device code, signs in, and says yes.
    pub(crate) async fn approve_device(&mut self, code: &str, upn: &str, password: &str) -> Result<()> {
        let mut url = Url::parse(&format!("{}/devicelogin", self.api.base()))?;
        let mut page = self.open(&mut url).await?;
        for _ in 0..MAX_PAGES {
            if page.contains("data-testid=\"device-done\"") {
                return Ok(());
            }
            let mut form =
                Form::first(&page).with_context(|| format!("the page at `{}` has no form: {}", url.path(), text_of(&page)))?;
            let has = |name: &str| page.contains(&format!("name=\"{name}\""));
            if has("otc") {
                form.fields.insert("otc".into(), code.into());
            } else if has("passwd") {
                if page.contains("data-testid=\"signin-error\"") {
                    bail!("the sign-in page said no: {}", text_of(&page));
                }
                form.fields.insert("login".into(), upn.into());
                form.fields.insert("passwd".into(), password.into());
            } else if has("decision") {
                form.fields.insert("decision".into(), "approve".into());
                if has("confirm_device") {
                    form.fields.insert("confirm_device".into(), "on".into());
                }
            } else if !has("account") {
                bail!("a page nobody expected came: {}", text_of(&page));
            }
            url = url.join(&form.action)?;
            page = self.send(&mut url, &form).await?;
        }
        bail!("the sign-in did not end after {MAX_PAGES} pages")
    }

    async fn open(&mut self, url: &mut Url) -> Result<String> {
        let answer = self.api.client().get(url.clone()).header(COOKIE, self.cookie_header()).send().await?;
        self.follow(url, answer).await
    }

    async fn send(&mut self, url: &mut Url, form: &Form) -> Result<String> {
        let answer = self.api.client().post(url.clone()).header(COOKIE, self.cookie_header()).form(&form.fields).send().await?;
        self.follow(url, answer).await
    }

    async fn follow(&mut self, url: &mut Url, mut answer: reqwest::Response) -> Result<String> {
        for _ in 0..MAX_PAGES {
            for cookie in answer.headers().get_all(SET_COOKIE) {
                if let Some((name, value)) = cookie.to_str().ok().and_then(|text| text.split(';').next()?.split_once('=')) {
                    self.cookies.insert(name.trim().to_owned(), value.to_owned());
                }
            }
            let Some(location) = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection()) else {
                return Ok(answer.text().await?);
            };
            *url = url.join(location.to_str()?)?;
            answer = self.api.client().get(url.clone()).header(COOKIE, self.cookie_header()).send().await?;
        }
        bail!("the pages led in a circle")
    }

    fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

impl Form {
    /// The first form of a page with its fields that have values. Our own pages are simple enough for this.
    fn first(page: &str) -> Option<Self> {
        let start = page.find("<form")?;
        let form = &page[start..page[start..].find("</form>").map_or(page.len(), |end| start + end)];
        let action = attribute(form.split('>').next()?, "action").unwrap_or_default();
        let mut fields = BTreeMap::new();
        for tag in form.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("button")) {
            let tag = tag.split('>').next().unwrap_or_default();
            let is_choice = matches!(attribute(tag, "type").as_deref(), Some("checkbox" | "radio"));
            // Of several buttons with one name the first counts, as if it was pressed.
            if let (Some(name), Some(value), false) = (attribute(tag, "name"), attribute(tag, "value"), is_choice) {
                fields.entry(name).or_insert(value);
            }
        }
        Some(Self { action, fields })
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..];
    Some(unescaped(&value[..value.find('"')?]))
}

fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&")
        .replace("&amp;", "&")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#x2F;", "/")
        .replace("&#39;", "'")
}

/// What a person would read, cut short; for errors.
fn text_of(page: &str) -> String {
    let body = page.find("<main").map_or(page, |start| &page[start..]);
    let mut text = String::new();
    for part in body.split('<').skip(1) {
        if let Some((_, words)) = part.split_once('>') {
            text.push_str(words.trim());
            text.push(' ');
        }
    }
    text.split_whitespace().take(40).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_hidden_fields() {
        let page = r#"<main><form method="post" action="/signin?a=1&#38;b=2"><input type="hidden" name="csrf" value="x&#34;y">
            <input id="username" name="login" required><input type="checkbox" name="keep" value="1">
            <button name="step" value="password">Sign in</button></form></main>"#;
        let form = Form::first(page).expect("a form");
        assert_eq!(form.action, "/signin?a=1&b=2");
        assert_eq!(
            form.fields.into_iter().collect::<Vec<_>>(),
            [("csrf".into(), "x\"y".into()), ("step".into(), "password".into())]
        );
    }
}
