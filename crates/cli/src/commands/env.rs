//! `entrance env`: what a shell needs to use other people's programs with a running server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use entrance_server::Endpoint;
use entrance_server::setup::facts::shell_quoted;

use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Use it as `eval \"$(entrance env)\"`. Then, once: az cloud register -n entrance \
    --endpoint-resource-manager \"$ENTRANCE_URL/\" && az cloud set -n entrance")]
pub(crate) struct Args {
    /// Data directory of the server; default: the demo's.
    #[arg(long, value_name = "DIR", env = "ENTRANCE_DATA")]
    data: Option<PathBuf>,
    /// Print a JSON object instead of shell lines.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let data = match &args.data {
        Some(data) => data.clone(),
        None => super::demo_data()?,
    };
    let data = data
        .canonicalize()
        .with_context(|| format!("no server has run in `{}`; start one with `entrance demo`", data.display()))?;
    let endpoint = Endpoint::read(&data)
        .with_context(|| format!("no server has run in `{}`; start one with `entrance demo`", data.display()))?;
    let variables = variables(&endpoint)?;
    if args.json {
        let object: serde_json::Map<_, _> = variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        line(&serde_json::Value::Object(object).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    for (name, value) in variables {
        line(&format!("export {name}={}", shell_quoted(&value)));
    }
    if let Some(folder) = std::env::current_exe()?.parent() {
        line(&format!("export PATH={}:\"$PATH\"", shell_quoted(&folder.display().to_string())));
    }
    Ok(ExitCode::SUCCESS)
}

/// Each variable with the program that reads it.
fn variables(endpoint: &Endpoint) -> Result<Vec<(&'static str, String)>> {
    let ca = endpoint.ca.display().to_string();
    let home = std::env::var("HOME").context("HOME is not set")?;
    Ok(vec![
        ("ENTRANCE_URL", endpoint.url.clone()),
        ("ENTRANCE_CA", ca.clone()),
        // az: the one variable that MSAL, azure-core and its own requests all obey.
        ("REQUESTS_CA_BUNDLE", ca.clone()),
        // kubelogin, kubectl, helm and other Go programs.
        ("SSL_CERT_FILE", ca.clone()),
        ("CURL_CA_BUNDLE", ca.clone()),
        ("NODE_EXTRA_CA_CERTS", ca),
        // Keeps a real Azure sign-in apart.
        ("AZURE_CONFIG_DIR", format!("{home}/.azure-entrance")),
        ("AZURE_AUTHORITY_HOST", format!("{}/", endpoint.url)),
        // Else MSAL asks a host of Microsoft's whether ours is known.
        ("AZURE_CORE_INSTANCE_DISCOVERY", "false".to_owned()),
        ("AZURE_CORE_COLLECT_TELEMETRY", "no".to_owned()),
        ("AZURE_CORE_LOGIN_EXPERIENCE_V2", "off".to_owned()),
        ("AZURE_EXTENSION_USE_DYNAMIC_INSTALL", "no".to_owned()),
    ])
}
