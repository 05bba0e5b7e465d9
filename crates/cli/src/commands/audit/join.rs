//! `entrance audit join`: an API server's audit log says what was done, ours says which sign-in it was done with. The id of
//! the token stands in both.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use entrance_client::printable;
use reqwest::Method;
use serde_json::{Value, json};

use super::query;
use crate::connect::{self, Output, Server};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(after_help = "Example: entrance audit join --apiserver-log clusters/UID/logs/audit.log\n\
    Entries of service accounts and client certificates have no sign-in of ours and are left out.")]
pub(crate) struct Args {
    /// The API server's audit log: one event a line, as JSON. May be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    apiserver_log: Vec<PathBuf>,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let mut joiner = Joiner { server: &server, known: HashMap::new(), waiting: Vec::new(), joined: 0, strange: 0 };
    for file in &args.apiserver_log {
        joiner.read(file).await?;
    }
    joiner.flush().await?;
    talk(&format!("{} entries joined, {} with a token that this server does not know", joiner.joined, joiner.strange));
    Ok(ExitCode::SUCCESS)
}

/// Joins in batches, so that a log of any length takes little room.
struct Joiner<'a> {
    server: &'a Server,
    known: HashMap<String, Value>,
    waiting: Vec<(String, Value)>,
    joined: u64,
    strange: u64,
}

impl Joiner<'_> {
    async fn read(&mut self, path: &Path) -> Result<()> {
        let file = File::open(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        for text in BufReader::new(file).lines() {
            // The last line of a log that is being written may be half of one.
            let Ok(event) = serde_json::from_str::<Value>(&text?) else { continue };
            if event["stage"] != "ResponseComplete" {
                continue;
            }
            let id = event["user"]["extra"]["authentication.kubernetes.io/credential-id"][0].as_str();
            // Others name their credentials in the same place, such as `X509SHA256=…`.
            let Some(id) = id.filter(|id| id.starts_with("JTI=")).map(str::to_owned) else { continue };
            self.waiting.push((id, event));
            if self.waiting.len() >= ROUND {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let mut unknown: Vec<&str> =
            self.waiting.iter().map(|(id, _)| id.as_str()).filter(|id| !self.known.contains_key(*id)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let mut learned = Vec::new();
        for ids in unknown.chunks(ASKED) {
            let asked = query(&[("id", Some(ids.join(",")))]);
            let answer = self.server.graph(Method::GET, &format!("/entrance/audit/credentials?{asked}"), None).await?;
            learned.extend(answer["value"].as_array().cloned().unwrap_or_default());
        }
        if self.known.len() > KNOWN {
            self.known.clear();
        }
        for credential in learned {
            if let Some(id) = credential["credential"].as_str() {
                self.known.insert(id.to_owned(), credential.clone());
            }
        }
        for (id, event) in std::mem::take(&mut self.waiting) {
            let credential = self.known.get(&id).cloned().unwrap_or_default();
            let is_known = !credential["signIn"].is_null() || credential["reviews"].as_array().is_some_and(|all| !all.is_empty());
            if is_known {
                self.joined += 1;
            } else {
                self.strange += 1;
            }
            match self.server.output() {
                Output::Json => line(&json!({ "event": event, "credential": credential }).to_string()),
                Output::Text => line(&shown(&id, &event, &credential)),
            }
        }
        Ok(())
    }
}

fn shown(id: &str, event: &Value, credential: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let object = &event["objectRef"];
    let what = [&object["resource"], &object["subresource"], &object["namespace"], &object["name"]];
    let what: Vec<_> = what.iter().filter_map(|part| part.as_str()).collect();
    let what = if what.is_empty() { text(&event["requestURI"]) } else { what.join("/") };
    let sign_in = &credential["signIn"];
    let how = if sign_in.is_null() {
        "no sign-in is known".to_owned()
    } else {
        format!("{} at {} from {}", text(&sign_in["grant"]), text(&sign_in["at"]), text(&sign_in["address"]))
    };
    let line = format!(
        "{} {} {} {what} → {}; {id}: {how}",
        text(&event["requestReceivedTimestamp"]),
        text(&event["user"]["username"]),
        text(&event["verb"]),
        event["responseStatus"]["code"]
    );
    printable(&line).into_owned()
}

/// Entries that are joined in one go.
const ROUND: usize = 1000;
/// Credentials that the server is asked for in one go.
const ASKED: usize = 40;
/// Credentials that are remembered.
const KNOWN: usize = 20_000;
