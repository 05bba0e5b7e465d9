//! `entrance issuer trust`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use entrance_model::signin::federation::issuer::preset;
use reqwest::Method;
use serde_json::json;

use super::{PATH, check};
use crate::connect::{self, Output};
use crate::output::{line, talk};

#[derive(clap::Args)]
pub(super) struct Args {
    /// `github`, `gitlab`, `terraform`, or the issuer as its tokens write it.
    #[arg(required_unless_present = "cluster", conflicts_with = "cluster")]
    issuer: Option<String>,
    /// A cluster of ours, by its resource id: its service accounts' tokens. The keys are read from the cluster itself.
    #[arg(long, value_name = "RESOURCE_ID")]
    cluster: Option<String>,
    /// The issuer is inside a private network or on the server's machine; without this such addresses are refused.
    #[arg(long, conflicts_with = "cluster")]
    private_network: bool,
    /// PEM file with the authority of the issuer's certificate.
    #[arg(long, value_name = "FILE", conflicts_with = "cluster")]
    issuer_ca: Option<PathBuf>,
    /// File with the issuer's keys (JWKS), for an issuer that the server cannot reach.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cluster", "private_network", "issuer_ca"])]
    jwks: Option<PathBuf>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let file = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()));
    let known = args.issuer.as_deref().and_then(preset);
    let body = json!({
        "issuer": known.map_or(args.issuer.as_deref(), |preset| Some(preset.issuer)),
        "clusterId": args.cluster,
        "privateNetwork": args.private_network,
        "caCertificate": args.issuer_ca.as_ref().map(file).transpose()?,
        "jwks": args.jwks.as_ref().map(file).transpose()?,
        "description": args.description,
    });
    let server = args.server.open()?;
    let made = server.graph(Method::POST, PATH, Some(&body)).await?;
    match server.output() {
        Output::Json => line(&made.to_string()),
        Output::Text => {
            check::say(&made);
            let subject = match known {
                Some(preset) => preset.subject,
                None if args.cluster.is_some() => "system:serviceaccount:NAMESPACE:NAME",
                None => "SUBJECT",
            };
            talk("an application says whose tokens of it are meant:");
            talk(&format!(
                "  az ad app federated-credential create --id APP --parameters '{{\"name\": \"NAME\", \"issuer\": \"{}\",\n    \
                 \"subject\": \"{subject}\", \"audiences\": [\"api://AzureADTokenExchange\"]}}'",
                super::text(&made, "issuer")
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}
