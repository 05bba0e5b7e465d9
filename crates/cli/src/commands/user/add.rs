//! `entrance user add`: one person.

use std::process::ExitCode;

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::{first, link, password_from_stdin};
use crate::connect::{self, Output};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance user add --first admin --data /var/lib/entrance     the first administrator, on the server's own machine
  entrance user add alice@contoso.example --display-name Alice
  pass show alice | entrance user add alice@contoso.example --password-stdin")]
pub(crate) struct Args {
    /// The name to sign in with, such as `alice@contoso.example`.
    pub(super) name: String,
    /// The name that others see; else the part before the `@`.
    #[arg(long, value_name = "NAME")]
    pub(super) display_name: Option<String>,
    /// Make the first administrator of the server in `--data`, with the code from its file.
    #[arg(long)]
    first: bool,
    /// Read the password from standard input, instead of a one-time code (`--first`: instead of a random password).
    #[arg(long)]
    pub(super) password_stdin: bool,
    /// How long the one-time code is good, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, conflicts_with = "password_stdin")]
    minutes: u32,
    #[command(flatten)]
    pub(super) server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    if args.first {
        return first::run(args).await;
    }
    let Some((nickname, _)) = args.name.split_once('@') else {
        bail!("`{}` has no domain; a name looks like `alice@contoso.example`", args.name);
    };
    let mut user = json!({
        "accountEnabled": true,
        "displayName": args.display_name.as_deref().unwrap_or(nickname),
        "mailNickname": nickname,
        "userPrincipalName": args.name,
    });
    if args.password_stdin {
        let password = password_from_stdin()?;
        user["passwordProfile"] = json!({"password": password.as_str(), "forceChangePasswordNextSignIn": false});
    }
    let server = args.server.open()?;
    let body = json!({"users": [user], "passes": true, "lifetimeInMinutes": args.minutes});
    let answer = server.graph(Method::POST, "/entrance/importUsers", Some(&body)).await.map_err(without_place)?;
    let made = &answer["value"][0];
    match server.output() {
        Output::Json => line(&made.to_string()),
        Output::Text => {
            line(&format!("name  {}", made["userPrincipalName"].as_str().unwrap_or_default()));
            line(&format!("id    {}", made["id"].as_str().unwrap_or_default()));
            if let Some(code) = made["temporaryAccessPass"].as_str() {
                link::say(&server, code, &made["endDateTime"]);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// There is only one entry, so its place says nothing.
fn without_place(error: anyhow::Error) -> anyhow::Error {
    let told = error.downcast_ref::<connect::Refused>().and_then(|refused| refused.details.first());
    match told {
        Some((_, why)) => anyhow::anyhow!("{why}"),
        None => error,
    }
}

/// What a value says, or nothing.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
