//! `entrance revoke list` and `entrance revoke sessions`.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;

use crate::connect::{self, Output, Server};
use crate::output::line;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
pub(crate) struct SessionArgs {
    /// Whose: an object id, a name, or `all`; without it your own.
    #[arg(long, value_name = "WHO")]
    user: Option<String>,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn revocations(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let all = server.graph(Method::GET, "/entrance/revocations", None).await?;
    show(&server, &all["value"], "nothing is revoked", |one| {
        let text = |name: &str| told(one, name);
        let through = match one["through"]["kind"].as_str() {
            Some(kind) => format!(" (with its {kind})"),
            None => String::new(),
        };
        format!("{}  {:<11} {}{through}  {}", text("revokedDateTime"), text("kind"), text("id"), text("reason"))
    });
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn sessions(args: &SessionArgs) -> Result<ExitCode> {
    let server = args.server.open()?;
    let query = match &args.user {
        Some(user) => format!("?{}", url_encoded(user)),
        None => String::new(),
    };
    let all = server.graph(Method::GET, &format!("/entrance/sessions{query}"), None).await?;
    show(&server, &all["value"], "nobody is signed in", |one| {
        let text = |name: &str| told(one, name);
        let current = if one["isCurrent"] == true { "  (this one)" } else { "" };
        format!(
            "{}  {}\n  {} with {} at {}, since {}, last used {} from {}\n  device {}{current}",
            text("id"),
            text("userPrincipalName"),
            text("place"),
            text("clientDisplayName"),
            text("ipAddress"),
            text("createdDateTime"),
            text("lastUsedDateTime"),
            text("lastUsedIpAddress"),
            text("deviceId"),
        )
    });
    Ok(ExitCode::SUCCESS)
}

fn show(server: &Server, all: &Value, none: &str, text: impl Fn(&Value) -> String) {
    match server.output() {
        Output::Json => line(&all.to_string()),
        Output::Text => {
            let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
            if all.is_empty() {
                line(none);
            }
            for one in all {
                line(&text(one));
            }
        }
    }
}

/// A member as text; reasons and names are somebody else's words.
fn told(one: &Value, name: &str) -> String {
    entrance_client::printable(one[name].as_str().unwrap_or("-")).into_owned()
}

fn url_encoded(user: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair("user", user).finish()
}
