//! `entrance user add --first`: the first administrator of a new server, by a script on the server's own machine.
//!
//! The code comes from the file in the data directory, so whoever can run this is whoever owns the server. It does what
//! the page `/first` does, at the same server.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{password_from_stdin, random_password};
use crate::connect::Output;
use crate::output::line;

pub(super) async fn run(args: &super::add::Args) -> Result<ExitCode> {
    let data = args.server.data()?;
    let file = data.join("bootstrap-code");
    let code = std::fs::read_to_string(&file).with_context(|| {
        format!("`{}` cannot be read; the file is there while a server runs that nobody administers", file.display())
    })?;
    let (http, base, _) = args.server.reach()?;
    let made_up = if args.password_stdin { None } else { Some(random_password()?) };
    let password = match &made_up {
        Some(password) => password.clone(),
        None => password_from_stdin()?,
    };
    let body = json!({
        "code": code.trim(),
        "userPrincipalName": args.name,
        "displayName": args.display_name.as_deref().unwrap_or_default(),
        "password": password.as_str(),
    });
    let answer = http.post(format!("{base}/first")).json(&body).send().await;
    let answer = answer.with_context(|| format!("{base} cannot be reached; is the server running?"))?;
    let status = answer.status();
    let said: Value = answer.json().await.unwrap_or_default();
    if !status.is_success() {
        bail!("{}", said["error"]["message"].as_str().unwrap_or("the server refused and gave no reason"));
    }
    let name = said["userPrincipalName"].as_str().unwrap_or(&args.name);
    match args.server.output() {
        Output::Json => {
            let password = made_up.as_ref().map(|password| password.as_str());
            line(&json!({"id": said["id"], "userPrincipalName": name, "password": password}).to_string());
        }
        Output::Text => {
            line(&format!("name      {name}"));
            if let Some(password) = &made_up {
                line(&format!("password  {}", password.as_str()));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
