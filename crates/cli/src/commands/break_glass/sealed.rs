//! `entrance break-glass sealed`: the sealed door while all is well.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use entrance_model::recovery::Recovery;
use entrance_server::sealed::{OpenError, Sealed};
use reqwest::Method;
use serde_json::{Value, json};

use super::files::{self, hinted};
use crate::connect::{self, Output, Server};
use crate::output::{Style, line, styled, talk};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show when it was sealed, for whom, and when it was last drilled.
    Show(Which),
    /// Get the sealed file, to keep a copy elsewhere.
    Export(Export),
    /// Seal it anew now; it happens by itself every day.
    Renew(Which),
    /// Name the recovery keys. Copies of the file that were sealed to others open nothing from then on.
    Keys(Keys),
}

#[derive(clap::Args)]
struct Which {
    #[command(flatten)]
    cluster: connect::Cluster,
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
struct Export {
    #[command(flatten)]
    which: Which,
    /// File for the copy, which must not exist yet; else it is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(
    after_help = "Example: entrance break-glass sealed keys -g web -n prod --recipient age1… --recipient age1… --threshold 2"
)]
struct Keys {
    #[command(flatten)]
    which: Which,
    /// The public half of a recovery key, `age1…`; once for each holder. None at all ends the sealed door.
    #[arg(long = "recipient", value_name = "KEY")]
    recipients: Vec<String>,
    /// How many of them are needed together.
    #[arg(long, value_name = "K")]
    threshold: Option<u64>,
    /// End the sealed door.
    #[arg(long, conflicts_with_all = ["recipients", "threshold"])]
    none: bool,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::Show(which) => {
            let (server, path) = which.open().await?;
            show(&server, &server.arm(Method::GET, &path, None).await?);
        }
        Command::Renew(which) => {
            let (server, path) = which.open().await?;
            show(&server, &server.arm(Method::POST, &format!("{path}/renew"), None).await?);
        }
        Command::Export(args) => return export(args).await,
        Command::Keys(args) => return keys(args).await,
    }
    Ok(ExitCode::SUCCESS)
}

impl Which {
    async fn open(&self) -> Result<(Server, String)> {
        let server = self.server.open()?;
        let path = self.cluster.path(&server).await?;
        Ok((server, format!("{path}/sealedDoor")))
    }
}

async fn export(args: &Export) -> Result<ExitCode> {
    let (server, path) = args.which.open().await?;
    let file = server.arm(Method::POST, &format!("{path}/export"), None).await?;
    let file = Sealed::read(&file.to_string()).map_err(|error| hinted(error, OpenError::next))?;
    match &args.out {
        Some(out) => {
            files::write_new(out, file.to_text().as_bytes())?;
            talk(&format!("`{}` is good until {:.0}; get a new copy before that.", out.display(), file.about.until));
        }
        None => line(file.to_text().trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

async fn keys(args: &Keys) -> Result<ExitCode> {
    if args.recipients.is_empty() && !args.none {
        bail!("name the recovery keys with `--recipient`, or end the sealed door with `--none`");
    }
    let given: Vec<&str> = args.recipients.iter().map(String::as_str).collect();
    // The server says the same; this is said before anything moves.
    let recovery = Recovery::new(&given, args.threshold)?;
    let server = args.which.server.open()?;
    let path = args.which.cluster.path(&server).await?;
    let mut cluster = server.arm(Method::GET, &path, None).await?;
    let profile = cluster["properties"]["entranceProfile"].as_object_mut().context("the cluster has no settings of Entrance")?;
    let break_glass = profile.entry("breakGlass").or_insert_with(|| json!({}));
    break_glass["recoveryKeys"] = json!(recovery.as_ref().map(Recovery::keys).unwrap_or_default());
    break_glass["threshold"] = json!(recovery.as_ref().map_or(1, Recovery::threshold));
    server.arm_to_the_end(Method::PUT, &path, Some(&cluster), "naming the recovery keys").await?;
    match recovery {
        Some(recovery) => talk(&format!(
            "{} of {} keys open the sealed door now. Get the new file with `entrance break-glass sealed export`, and drill it.",
            recovery.threshold(),
            recovery.keys().len()
        )),
        None => talk("The cluster has no sealed door any more: no copy of its file opens anything."),
    }
    Ok(ExitCode::SUCCESS)
}

fn show(server: &Server, door: &Value) {
    if server.output() == Output::Json {
        return line(&door.to_string());
    }
    let properties = &door["properties"];
    let text = |name: &str| properties[name].as_str().unwrap_or("never").to_owned();
    line(&format!("{:<16} {}", "door", door["name"].as_str().unwrap_or_default()));
    for (label, name) in [
        ("state", "state"),
        ("sealed", "sealedAt"),
        ("good until", "until"),
        ("rehearsed", "rehearsedAt"),
        ("drilled", "drilledAt"),
    ] {
        line(&format!("{label:<16} {}", text(name)));
    }
    line(&format!(
        "{:<16} {} of {}",
        "recovery keys",
        properties["threshold"],
        properties["recipients"].as_array().map_or(0, Vec::len)
    ));
    for key in properties["recipients"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        line(&format!("{:<16} {key}", ""));
    }
    for warning in properties["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        talk(&format!("{} {warning}", styled(Style::Bad, "warning:")));
    }
}
