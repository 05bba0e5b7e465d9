//! `entrance cluster verify`: measures what is promised, at the real API server.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::commands::break_glass::drill;
use crate::connect::{self, Output, Server};
use crate::output::{Style, line, styled};

#[derive(clap::Args)]
#[command(after_help = "Throw-away service principals get in and lose their rights; nothing of them stays. \
    Exit code 1 when a figure is beyond its bound, or the drill failed. With `--output json` each part is a line.\n\
    Example: entrance cluster verify --freshness --drill -g rg -n prod")]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: connect::Cluster,
    /// How soon a removed right counts: an account that is disabled, a membership that ends, access that is revoked.
    #[arg(long, required_unless_present = "drill")]
    freshness: bool,
    /// Whether the sealed door would open, as far as the server can try without recovery keys.
    #[arg(long)]
    drill: bool,
    /// Tokens for each kind of removal; their first use is spread over the time that an API server remembers a token.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=20))]
    samples: u8,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let cluster = args.cluster.path(&server).await?;
    let mut is_good = true;
    if args.freshness {
        is_good &= freshness(&server, &cluster, args.samples).await?;
    }
    if args.drill {
        is_good &= drill::at_the_server(&server, &format!("{cluster}/sealedDoor"), &json!({})).await?;
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Measures, tells, and says whether every figure is within its bound.
async fn freshness(server: &Server, cluster: &str, samples: u8) -> Result<bool> {
    let path = format!("{cluster}/verifyFreshness");
    let bar = connect::progress("letting probes in, then taking their rights away; about half a minute");
    let measured = server.arm(Method::POST, &path, Some(&json!({ "samples": samples }))).await;
    bar.finish_and_clear();
    let measured = measured?;
    match server.output() {
        Output::Json => line(&measured.to_string()),
        Output::Text => show(&measured),
    }
    Ok(measured["withinBound"] == true)
}

fn show(measured: &Value) {
    line(&format!("{:<26}{:>8}{:>10}{:>10}{:>12}", "right taken away", "samples", "p50", "longest", "our feed"));
    for right in measured["rights"].as_array().into_iter().flatten() {
        let seconds = |name: &str| format!("{:.2} s", right[name].as_f64().unwrap_or_default());
        let verdict = if right["withinBound"] == true { styled(Style::Good, "ok") } else { styled(Style::Bad, "too late") };
        line(&format!(
            "{:<26}{:>8}{:>10}{:>10}{:>12}  {verdict}",
            right["right"].as_str().unwrap_or_default(),
            right["samples"].to_string(),
            seconds("p50Seconds"),
            seconds("maxSeconds"),
            seconds("feedSeconds"),
        ));
    }
    line(&format!(
        "bound: {} s for a new request at the API server, {} s of it for our own feed",
        measured["boundSeconds"], measured["feedBoundSeconds"]
    ));
}
