//! `entrance doctor`: does everything work that a sign-in at a cluster needs?

use std::process::ExitCode;

use anyhow::Result;
use entrance_client::printable;
use reqwest::Method;
use serde_json::Value;

use crate::connect::{self, Output};
use crate::output::{Style, line, styled};

#[derive(clap::Args)]
#[command(after_help = "Exit code 1 when something does not work. Example: entrance doctor -g rg -n prod")]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: connect::Cluster,
    #[command(flatten)]
    server: connect::Args,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        let server = args.server.open()?;
        let path = format!("{}/diagnose", args.cluster.path(&server).await?);
        let bar = connect::progress("looking at the cluster from both sides");
        let told = server.arm(Method::POST, &path, None).await;
        bar.finish_and_clear();
        let told = told?;
        match server.output() {
            Output::Json => line(&told.to_string()),
            Output::Text => {
                for finding in told["findings"].as_array().into_iter().flatten() {
                    show(finding);
                }
            }
        }
        Ok(if told["healthy"] == true { ExitCode::SUCCESS } else { ExitCode::from(1) })
    })
}

fn show(finding: &Value) {
    let text = |name: &str| printable(finding[name].as_str().unwrap_or_default()).into_owned();
    let (word, style) = match finding["result"].as_str() {
        Some("ok") => ("ok", Style::Good),
        Some("warn") => ("warn", Style::Strong),
        _ => ("failed", Style::Bad),
    };
    line(&format!("{} {}: {}", styled(style, &format!("{word:<6}")), text("check"), text("message")));
    if finding["nextStep"].is_string() {
        line(&format!("       next step: {}", text("nextStep")));
    }
}
