//! `entrance revoke KIND ID`: ends it, and says from when on API servers refuse.

use std::io::Read as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connect::{self, Output, Server};
use crate::output::{line, talk};

#[derive(clap::Args)]
pub(crate) struct What {
    /// What to revoke.
    id: String,
    /// Why; it stands in the audit trail.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(kind: &str, args: &What) -> Result<ExitCode> {
    let mut body = json!({"kind": kind, "reason": args.reason});
    match (kind, args.id.as_str()) {
        ("token", "-") => body["token"] = token()?.into(),
        (_, id) => {
            ensure!(!id.starts_with("eyJ"), "a token on a command line can be read by others; use `entrance revoke token -`");
            body["id"] = id.into();
        }
    }
    let server = args.server.open()?;
    let revoked = server.graph(Method::POST, "/entrance/revocations", Some(&body)).await?;
    let revoked = if revoked["isInForce"] == true { revoked } else { in_force(&server, revoked).await? };
    match server.output() {
        Output::Json => line(&revoked.to_string()),
        Output::Text => say(kind, &revoked),
    }
    Ok(ExitCode::SUCCESS)
}

fn say(kind: &str, revoked: &Value) {
    let text = |name: &str| revoked[name].as_str().unwrap_or("-");
    line(&format!("revoked     {kind} {}", text("id")));
    line(&format!("number      {}", revoked["number"]));
    if let Some(sessions) = revoked["sessionsEnded"].as_u64().filter(|sessions| *sessions > 0) {
        line(&format!("sessions    {sessions} ended"));
    }
    line(&format!("in force    since {}", text("inForceDateTime")));
    line(&format!("everywhere  by {} (an API server remembers a token for 10 s)", text("apiServersRefuseByDateTime")));
    match kind {
        "person" => talk("hint: they can sign in again; `az ad user update --account-enabled false` keeps them out"),
        "application" => talk("hint: its secrets still give new tokens; `az ad app credential delete` ends them"),
        _ => {}
    }
}

/// Waits until the server's directory in memory holds the revocation: only then reviews refuse.
async fn in_force(server: &Server, mut revoked: Value) -> Result<Value> {
    let bar = connect::progress("waiting until reviews refuse");
    let since = Instant::now();
    loop {
        let all = server.graph(Method::GET, "/entrance/revocations", None).await?;
        let found = all["value"].as_array().into_iter().flatten().find(|one| one["number"] == revoked["number"]);
        if let Some(found) = found.filter(|found| found["isInForce"] == true) {
            revoked["isInForce"] = found["isInForce"].clone();
            bar.finish_and_clear();
            return Ok(revoked);
        }
        if since.elapsed() > PATIENCE {
            bail!("it is revoked, but reviews do not know it yet after {PATIENCE:?}; look at the server's log");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn token() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST_TOKEN).read_to_string(&mut text).context("no token could be read from standard input")?;
    let text = text.trim();
    ensure!(!text.is_empty(), "standard input holds no token");
    Ok(text.to_owned())
}

const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_TOKEN: u64 = 64 * 1024;
