//! `entrance break-glass drill`: shows that the sealed door would open, without opening it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use entrance_server::sealed::{OpenError, OpeningError, Record, Sealed, rehearse};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::files::{self, hinted};
use super::offline::{host, introduce, user};
use crate::connect::{self, Output, progress};
use crate::output::{Style, line, styled, talk};

#[derive(clap::Args)]
#[command(
    after_help = "Without keys the server tries what it can: that the file is the newest one, and that the API server takes an opening by a\ncertificate of the same signer. With keys the file itself is opened here, and its own certificate is tried.\nNothing is left behind in the cluster.\n\nExample: entrance break-glass drill -g web -n prod --key alice.key --key bob.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: connect::Cluster,
    /// File with a recovery key; once for each holder.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Try this copy of the sealed file instead of the server's newest.
    #[arg(long, value_name = "FILE", requires = "keys")]
    sealed: Option<PathBuf>,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let path = format!("{}/sealedDoor", args.cluster.path(&server).await?);
    let mut body = json!({});
    if !args.keys.is_empty() {
        let sealed = if let Some(file) = &args.sealed {
            files::sealed(file)?
        } else {
            let file = server.arm(Method::POST, &format!("{path}/export"), None).await?;
            Sealed::read(&file.to_string()).map_err(|error| hinted(error, OpenError::next))?
        };
        introduce(&sealed.about);
        body["proof"] = json!(*tried(&sealed, &args.keys).await?);
        talk(&format!(
            "{} opened with {} recovery keys, and its own certificate was taken",
            styled(Style::Good, "✔"),
            args.keys.len()
        ));
    }
    let passed = at_the_server(&server, &path, &body).await?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has the server try what it can, tells how it went, and whether everything passed.
pub(crate) async fn at_the_server(server: &connect::Server, door: &str, body: &Value) -> Result<bool> {
    let answer = server.arm(Method::POST, &format!("{door}/drill"), Some(body)).await?;
    let drill = &answer["properties"]["drill"];
    match server.output() {
        Output::Json => line(&answer.to_string()),
        Output::Text => {
            for check in drill["checks"].as_array().into_iter().flatten() {
                line(&told(check));
            }
            for warning in answer["properties"]["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                talk(&format!("{} {warning}", styled(Style::Bad, "warning:")));
            }
        }
    }
    drill["passed"].as_bool().context("the server did not say how the drill ended")
}

/// Opens the file here, and has the API server rehearse the opening by its own certificate.
async fn tried(sealed: &Sealed, keys: &[PathBuf]) -> Result<zeroize::Zeroizing<String>> {
    let opened = sealed.open(&files::keys(keys)?, Timestamp::now()).map_err(|error| hinted(error, OpenError::next))?;
    let record = Record::new(&user(), "drill", &host(), Timestamp::now());
    let bar = progress("rehearsing");
    let rehearsed = rehearse(&opened, &record).await;
    bar.finish_and_clear();
    rehearsed.map_err(|error| hinted(error, OpeningError::next))?;
    Ok(opened.proof)
}

fn told(check: &Value) -> String {
    let mark = if check["passed"] == json!(true) { styled(Style::Good, "✔") } else { styled(Style::Bad, "✘") };
    let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
    format!("{mark} {:<30} {}", text("name"), text("detail"))
}
