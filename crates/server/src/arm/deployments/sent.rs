//! The body of a deployment: a template with comments, its parameters, and how it shall be deployed.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use entrance_wire::jsonc::{Budget, Node, parse};
use serde_json::Value;

use super::fault::Fault;
use crate::app::App;
use crate::arm::error::Refusal;

/// What was sent.
#[derive(Debug)]
pub(super) struct Sent {
    /// The template as it was written.
    pub(super) text: String,
    pub(super) template: Value,
    pub(super) parameters: Value,
    /// What a what-if shows: ids only, or everything.
    pub(super) ids_only: bool,
}

/// A template and its parameters (the original's limit), and a little for what stands around them.
const MAX: usize = 4 * 1024 * 1024;

impl FromRequest<Arc<App>> for Sent {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Fault> {
        let bytes = crate::http::body::read(request.into_body(), MAX).await.ok_or(Refusal::TooLarge(MAX))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Fault::request("The request content is not UTF-8."))?;
        Self::read(text)
    }
}

impl Sent {
    fn read(text: &str) -> Result<Self, Fault> {
        let node = parse(text, Budget { bytes: MAX, ..Budget::default() }).map_err(|bad| Fault::json(&bad))?;
        let properties = node.member("properties").ok_or_else(|| Fault::request("The body needs `properties`."))?;
        let word = |node: Option<&Node>| node.map(Node::value).and_then(|value| value.as_str().map(str::to_owned));
        let has = |name: &str| properties.member(name).is_some_and(|node| !node.value().is_null());
        for (name, instead) in [
            ("templateLink", "templates are not fetched from other places; send the text as `template` (az: --template-file)"),
            ("parametersLink", "parameters are not fetched from other places; send them as `parameters`"),
            ("onErrorDeployment", "nothing is rolled back by itself; deploy the earlier template again"),
        ] {
            if has(name) {
                return Err(Fault::request(&format!("`{name}` is refused: {instead}.")));
            }
        }
        let mode = word(properties.member("mode")).unwrap_or_else(|| "Incremental".to_owned());
        if !mode.eq_ignore_ascii_case("Incremental") {
            return Err(Fault::request(&format!(
                "Mode '{}' is refused: what a template does not mention is never deleted. Use Incremental.",
                mode.chars().take(40).collect::<String>()
            )));
        }
        let template = properties.member("template").ok_or_else(|| Fault::request("`properties.template` is needed."))?;
        let settings = properties.member("whatIfSettings").and_then(|node| node.member("resultFormat"));
        Ok(Self {
            text: text[template.start..template.end].to_owned(),
            template: template.value(),
            parameters: properties.member("parameters").map(Node::value).unwrap_or_default(),
            ids_only: word(settings).is_some_and(|format| format.eq_ignore_ascii_case("ResourceIdOnly")),
        })
    }
}
