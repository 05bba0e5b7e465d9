//! `entrance policy`: who may sign in to what, from where and how; kept in files, tried before it counts.

mod apply;
mod delete;
mod list;
mod location;
mod rules;
mod show;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use crate::connect::Server;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance policy apply -f second-factor.json --report-only
  entrance policy list
  entrance policy rules --device-code same-network
Policies are files in the form of Microsoft Graph's conditionalAccessPolicy; docs/policies.md tells what is served.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the policies.
    List(list::Args),
    /// Print one policy as a file that `apply` takes.
    Show(show::Args),
    /// Make a policy from a file, or change the one that has its id or name.
    Apply(apply::Args),
    /// Remove a policy.
    Delete(delete::Args),
    /// Name networks that policies can use.
    Location(location::Args),
    /// Show or change the tenant's rules: device codes, the password grant, how long the sign-in log is kept.
    Rules(rules::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::List(args) => list::run(args).await,
            Command::Show(args) => show::run(args).await,
            Command::Apply(args) => apply::run(args).await,
            Command::Delete(args) => delete::run(args).await,
            Command::Location(args) => location::run(args).await,
            Command::Rules(args) => rules::run(args).await,
        }
    })
}

const POLICIES: &str = "/identity/conditionalAccess/policies";

/// The policies of the tenant.
async fn all(server: &Server) -> Result<Vec<Value>> {
    let answer = server.graph(Method::GET, POLICIES, None).await?;
    Ok(answer["value"].as_array().cloned().unwrap_or_default())
}

/// The policy with this id or name.
async fn one(server: &Server, key: &str) -> Result<Value> {
    let found = named(all(server).await?, key)?;
    found.ok_or_else(|| anyhow::anyhow!("there is no policy `{key}`; `entrance policy list` shows those there are"))
}

/// The one that has this id or, if it is the only one, this name.
fn named(all: Vec<Value>, key: &str) -> Result<Option<Value>> {
    let mut found: Vec<Value> = all
        .into_iter()
        .filter(|policy| policy["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(key)) || policy["displayName"] == key)
        .collect();
    if found.len() > 1 {
        bail!("{} are called `{key}`; use an id", found.len());
    }
    Ok(found.pop())
}

/// A policy as it is kept in a file: without what only the server fills.
fn as_file(mut policy: Value) -> Value {
    if let Some(members) = policy.as_object_mut() {
        members.retain(|name, _| !name.starts_with('@') && name != "createdDateTime" && name != "modifiedDateTime");
    }
    policy
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_is_found_by_its_id_or_by_a_name_that_only_it_has() {
        let all = || vec![json!({"id": "A1", "displayName": "x"}), json!({"id": "b2", "displayName": "x"})];
        assert_eq!(named(all(), "a1").expect("one").expect("is there")["id"], "A1");
        assert!(named(all(), "x").is_err());
        assert!(named(all(), "y").expect("none").is_none());
    }

    #[test]
    fn a_file_holds_what_can_be_sent_back() {
        let file = as_file(json!({"@odata.context": "c", "id": "a", "createdDateTime": "t", "displayName": "x"}));
        assert_eq!(file, json!({"id": "a", "displayName": "x"}));
    }
}
