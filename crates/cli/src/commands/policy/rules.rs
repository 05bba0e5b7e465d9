//! `entrance policy rules`: the tenant's switches.

use std::process::ExitCode;

use anyhow::Result;
use entrance_client::printable;
use reqwest::Method;
use serde_json::{Map, Value};

use crate::connect::{self, Output};
use crate::output::line;

#[derive(clap::Args)]
#[command(
    after_help = "Without options the rules are shown. `--password-grant` takes `off`, `on`, or client ids with commas between."
)]
pub(crate) struct Args {
    /// Whether devices may sign in by a code.
    #[arg(long, value_enum, value_name = "WHEN")]
    device_code: Option<DeviceCode>,
    /// Which programs may send names and passwords.
    #[arg(long, value_name = "WHO")]
    password_grant: Option<String>,
    /// How many days the sign-in log is kept.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    keep_sign_in_log_days: Option<u16>,
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::ValueEnum, Debug, Clone, Copy)]
enum DeviceCode {
    /// Never.
    Off,
    /// Where the browser is in the device's network.
    SameNetwork,
    /// Always.
    On,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let change = change(args);
    let rules = if change.is_empty() {
        server.graph(Method::GET, RULES, None).await?
    } else {
        server.graph(Method::PATCH, RULES, Some(&Value::Object(change))).await?
    };
    match server.output() {
        Output::Json => line(&rules.to_string()),
        Output::Text => {
            let grant = match &rules["passwordGrant"] {
                Value::Array(apps) => apps.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
                other => other.as_str().unwrap_or("-").to_owned(),
            };
            let device = match rules["deviceCode"].as_str() {
                Some("sameNetwork") => "same-network",
                Some(other) => other,
                None => "-",
            };
            line(&format!("device-code            {}", printable(device)));
            line(&format!("password-grant         {}", printable(&grant)));
            line(&format!("keep-sign-in-log-days  {}", rules["keepSignInLogDays"]));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn change(args: &Args) -> Map<String, Value> {
    let mut change = Map::new();
    if let Some(when) = args.device_code {
        let word = match when {
            DeviceCode::Off => "off",
            DeviceCode::SameNetwork => "sameNetwork",
            DeviceCode::On => "on",
        };
        change.insert("deviceCode".into(), word.into());
    }
    if let Some(who) = &args.password_grant {
        let value = match who.as_str() {
            "off" | "on" => who.as_str().into(),
            apps => apps.split(',').map(str::trim).filter(|app| !app.is_empty()).collect(),
        };
        change.insert("passwordGrant".into(), value);
    }
    if let Some(days) = args.keep_sign_in_log_days {
        change.insert("keepSignInLogDays".into(), days.into());
    }
    change
}

const RULES: &str = "/entrance/signInRules";
