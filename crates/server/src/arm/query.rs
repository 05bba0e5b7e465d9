//! The parameters of a list: names compare without case, and a page is turned by the id that the last one ended with.

use std::convert::Infallible;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use entrance_model::arm::filter::{self, Term};
use serde_json::{Value, json};
use url::form_urlencoded::{Serializer, parse};

use super::error::{ArmError, Refusal};

/// The parameters of a request, and its path.
pub(super) struct Query {
    path: String,
    parameters: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self { path: parts.uri.path().to_owned(), parameters: parse(query.as_bytes()).into_owned().collect() })
    }
}

impl Query {
    /// A parameter that has a value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The comparisons of `$filter`.
    pub(super) fn filter(&self) -> Result<Vec<Term>, ArmError> {
        Ok(filter::terms(self.get("$filter").unwrap_or_default())?)
    }

    /// `$top`: how many are wanted at most on one page, `most` when it is not said.
    pub(super) fn top(&self, most: usize) -> Result<usize, ArmError> {
        let Some(text) = self.get("$top") else { return Ok(most) };
        let bad = || Refusal::Parameter { name: "$top", detail: "a number from 1 is needed".to_owned() };
        Ok(text.parse::<usize>().ok().filter(|top| *top > 0).ok_or_else(bad)?.min(most))
    }

    /// The place that the page before ended at.
    pub(super) fn after(&self) -> Result<Option<String>, ArmError> {
        let Some(token) = self.get("$skipToken") else { return Ok(None) };
        let text = BASE64_URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(Some(text.ok_or_else(no_such_page)?))
    }

    /// The address of the page behind this place.
    pub(super) fn next_link(&self, base: &str, last: &str) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.parameters.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("$skipToken")));
        query.append_pair("$skipToken", &BASE64_URL_SAFE_NO_PAD.encode(last));
        format!("{base}{}?{}", self.path, query.finish())
    }

    /// One page of things that stand in the order of their keys.
    pub(super) fn page<T>(
        &self,
        base: &str,
        all: impl IntoIterator<Item = (String, T)>,
        show: impl Fn(&T) -> Value,
    ) -> Result<Json<Value>, ArmError> {
        let (top, after) = (self.top(PAGE)?, self.after()?);
        let mut rest = all.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).peekable();
        let (mut value, mut last) = (Vec::new(), String::new());
        for (key, one) in rest.by_ref().take(top) {
            value.push(show(&one));
            last = key;
        }
        let mut shown = json!({ "value": value });
        if rest.peek().is_some() {
            shown["nextLink"] = json!(self.next_link(base, &last));
        }
        Ok(Json(shown))
    }
}

/// A place that no page of ours ended at.
pub(super) fn no_such_page() -> Refusal {
    Refusal::Parameter { name: "$skipToken", detail: "it is none of ours; begin with the first page".to_owned() }
}

/// As many as one page holds (contract R, 1.7).
pub(super) const PAGE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query { path: "/subscriptions/s/resources".to_owned(), parameters: parse(text.as_bytes()).into_owned().collect() }
    }

    fn page(text: &str, all: &[&str]) -> Value {
        let all = all.iter().map(|one| ((*one).to_owned(), *one));
        let Json(shown) = query(text).page("https://e", all, |one| json!(one)).expect("a page");
        shown
    }

    #[test]
    fn pages_follow_each_other_without_a_gap_and_the_last_one_has_no_link() {
        let (all, mut asked, mut seen) = (["a", "b", "c", "d", "e"], "api-version=1&$top=2&$filter=x".to_owned(), Vec::new());
        loop {
            let shown = page(&asked, &all);
            seen.extend(shown["value"].as_array().expect("a list").iter().map(|one| one.as_str().expect("a text").to_owned()));
            let Some(link) = shown["nextLink"].as_str() else { break };
            let rest = link.strip_prefix("https://e/subscriptions/s/resources?").expect("our own address");
            assert!(rest.contains("api-version=1") && rest.contains("%24filter=x"), "{rest}");
            rest.clone_into(&mut asked);
        }
        assert_eq!(seen, all);
        assert_eq!(page("$top=5", &all).get("nextLink"), None);
        assert_eq!(page("", &[])["value"], json!([]));
    }

    #[test]
    fn a_page_that_is_none_of_ours_is_refused() {
        assert!(query("$top=0").top(PAGE).is_err() && query("$TOP=x").top(PAGE).is_err());
        assert_eq!(query("$top=9999").top(PAGE).ok(), Some(PAGE));
        assert!(query("$skiptoken=%ff").after().is_err());
    }
}
