//! `entrance cluster show`: the settings that decide who enters, without the rest of the resource.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connect::{self, Output};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Example: entrance cluster show -g rg -n prod")]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: connect::Cluster,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let cluster = server.arm(Method::GET, &args.cluster.path(&server).await?, None).await?;
    let properties = &cluster["properties"];
    let entrance = &properties["entranceProfile"];
    let shown = [
        ("name", cluster["name"].clone()),
        ("id", cluster["id"].clone()),
        ("state", properties["provisioningState"].clone()),
        ("kubernetesVersion", properties["currentKubernetesVersion"].clone()),
        ("managedIntegration", properties["aadProfile"]["managed"].as_bool().unwrap_or(false).into()),
        ("tenant", properties["aadProfile"]["tenantID"].clone()),
        ("adminGroups", properties["aadProfile"]["adminGroupObjectIDs"].clone()),
        ("tokenAudience", entrance["tokenAudience"].clone()),
        ("serverApp", entrance["serverAppId"].clone()),
        ("userName", entrance["userName"].clone()),
        ("requirePop", entrance["requirePop"].as_bool().unwrap_or(false).into()),
        ("localAccounts", (!properties["disableLocalAccounts"].as_bool().unwrap_or(false)).into()),
    ];
    match server.output() {
        Output::Json => {
            line(&Value::Object(shown.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).to_string());
        }
        Output::Text => shown.iter().for_each(|(name, value)| line(&format!("{name:<20} {}", words(value)))),
    }
    Ok(ExitCode::SUCCESS)
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => json!(other).to_string(),
    }
}
