//! `entrance explain`: why somebody may enter a cluster, or may not.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use entrance_client::printable;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connect::{self, Output};
use crate::output::{Style, line, styled};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  entrance explain -g rg -n prod                                   about yourself\n  \
    entrance explain -g rg -n prod --user alice@contoso.example\n  \
    entrance explain -g rg -n prod --user alice@contoso.example --can get pods/web-0 --namespace shop")]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: connect::Cluster,
    /// Whose sign-in: a UPN, an object id, an application's client id, or `me`.
    #[arg(long, value_name = "WHO", default_value = "me", conflicts_with = "token")]
    user: String,
    /// A file with the token that was refused; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Ask the cluster too whether they may do something, such as `get pods` or `delete deployments.apps/web`.
    #[arg(long, num_args = 2, value_names = ["VERB", "RESOURCE[/NAME]"])]
    can: Option<Vec<String>>,
    /// Namespace of what `--can` names; else all of them.
    #[arg(long, value_name = "NAMESPACE", requires = "can")]
    namespace: Option<String>,
    #[command(flatten)]
    server: connect::Args,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        let body = question(args)?;
        let server = args.server.open()?;
        let path = format!("{}/explain", args.cluster.path(&server).await?);
        let told = server.arm(Method::POST, &path, Some(&body)).await?;
        match server.output() {
            Output::Json => line(&told.to_string()),
            Output::Text => show(&told),
        }
        let may = told["allowed"] == true && told["can"].is_null() || told["can"]["allowed"] == true;
        Ok(if may { ExitCode::SUCCESS } else { ExitCode::from(1) })
    })
}

fn question(args: &Args) -> Result<Value> {
    let mut body = match &args.token {
        Some(file) => json!({ "token": read(file)? }),
        None if args.user == "me" => json!({}),
        None => json!({ "user": args.user }),
    };
    if let Some(can) = &args.can {
        body["can"] = wanted(&can[0], &can[1], args.namespace.as_deref());
    }
    Ok(body)
}

fn read(file: &PathBuf) -> Result<String> {
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?
    };
    // What a credential plugin printed is taken too.
    let token = match serde_json::from_str::<Value>(&text) {
        Ok(credential) => credential["status"]["token"].as_str().map(str::to_owned),
        Err(_) => Some(text.trim().to_owned()),
    };
    let Some(token) = token else { bail!("`{}` holds neither a token nor what kubelogin prints", file.display()) };
    ensure!(!token.contains(char::is_whitespace), "`{}` holds more than a token", file.display());
    Ok(token)
}

/// `RESOURCE[/NAME]`; a path of the API server begins with a slash.
fn wanted(verb: &str, what: &str, namespace: Option<&str>) -> Value {
    match what.split_once('/') {
        Some((resource, name)) if !resource.is_empty() => {
            json!({ "verb": verb, "resource": resource, "name": name, "namespace": namespace })
        }
        _ => json!({ "verb": verb, "resource": what, "namespace": namespace }),
    }
}

fn show(told: &Value) {
    let text = |value: &Value| printable(value.as_str().unwrap_or_default()).into_owned();
    let account = match (told["account"]["name"].as_str(), told["account"]["objectId"].as_str()) {
        (Some(name), Some(id)) => format!("`{}` ({id})", printable(name)),
        (None, Some(id)) => format!("`{id}`"),
        _ => "the holder of this token".to_owned(),
    };
    if told["allowed"] == true {
        line(&format!("{} {account} enters as `{}`", styled(Style::Good, "allowed:"), text(&told["name"])));
    } else {
        line(&format!("{} {account}: {}", styled(Style::Bad, "refused:"), text(&told["message"])));
        line(&format!("next step: {}", text(&told["nextStep"])));
    }
    line("\nchecks, in their order:");
    for check in told["checks"].as_array().into_iter().flatten() {
        let (word, style) = match check["result"].as_str() {
            Some("passed") => ("ok", Style::Good),
            Some("failed") => ("failed", Style::Bad),
            _ => ("-", Style::Dim),
        };
        line(&format!("  {} {:<12} {}", styled(style, &format!("{word:<7}")), text(&check["check"]), text(&check["message"])));
    }
    groups(&told["groups"]);
    if let Some(bindings) = told["bindings"].as_array() {
        line(if bindings.is_empty() {
            "\nno binding of the cluster names them or a group of theirs"
        } else {
            "\nbindings of the cluster that count for them:"
        });
        for binding in bindings {
            let place = binding["namespace"].as_str().map(|ns| format!(" in `{}`", printable(ns))).unwrap_or_default();
            line(&format!(
                "  {} `{}`{place}: {} `{}` through {} `{}`",
                text(&binding["kind"]),
                text(&binding["name"]),
                text(&binding["roleKind"]),
                text(&binding["role"]),
                text(&binding["subjectKind"]).to_lowercase(),
                text(&binding["subject"])
            ));
        }
    }
    if told["can"].is_object() {
        let can = &told["can"];
        let answer = if can["allowed"] == true { styled(Style::Good, "yes") } else { styled(Style::Bad, "no") };
        let reason = can["reason"].as_str().filter(|reason| !reason.is_empty()).map(|reason| format!(": {}", printable(reason)));
        line(&format!("\nmay {} {}: {answer}{}", text(&can["verb"]), text(&can["resource"]), reason.unwrap_or_default()));
    }
    if let Some(error) = told["clusterError"].as_str() {
        line(&format!("\n{} {}", styled(Style::Bad, "the cluster could not be asked:"), printable(error)));
    }
    line("\nwhat a removed right does not end:");
    for note in told["notCovered"].as_array().into_iter().flatten() {
        line(&format!("  {}", text(note)));
    }
}

fn groups(groups: &Value) {
    let Some(count) = groups["count"].as_u64() else { return };
    let referred = match groups["referredTo"].as_u64() {
        Some(referred) => format!("the cluster refers to {referred} of them"),
        None => "which of them the cluster refers to is not known at the moment".to_owned(),
    };
    line(&format!("\ngroups: {count}; {referred}; an answer carries at most {}", groups["mostCarried"]));
    let names = |list: &Value| {
        let one = |group: &Value| match group["name"].as_str() {
            Some(name) => format!("`{}` ({})", printable(name), group["id"].as_str().unwrap_or_default()),
            None => format!("{} (gone from the directory)", group["id"].as_str().unwrap_or_default()),
        };
        list.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(", ")
    };
    let (has, lacks) = (names(&groups["adminGroups"]["memberOf"]), names(&groups["adminGroups"]["missing"]));
    match (has.is_empty(), lacks.is_empty()) {
        (true, true) => line("admin groups: the cluster has none"),
        (true, false) => line(&format!("admin groups: in none of them; missing: {lacks}")),
        _ => line(&format!("admin groups: {has}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_would_do_is_written_as_kubectl_writes_it() {
        assert_eq!(
            wanted("get", "pods/web-0", Some("shop")),
            json!({"verb": "get", "resource": "pods", "name": "web-0", "namespace": "shop"})
        );
        assert_eq!(wanted("list", "deployments.apps", None)["resource"], "deployments.apps");
        assert_eq!(wanted("get", "/metrics", None), json!({"verb": "get", "resource": "/metrics", "namespace": null}));
    }
}
