//! `entrance demo`: a server with a ready tenant, and the journey told step by step.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use entrance_server::setup::demo;
use entrance_server::setup::seed::Seed;
use entrance_server::{Clock, Config, Mode, Server};

use super::Listen;
use crate::demo::{After, Journey, Report};
use crate::output;

#[derive(clap::Args)]
#[command(after_help = "The demo listens on this machine only. DATA/demo.env names people, secrets and ids for scripts.\n\
    Its clusters keep running when it is stopped with Ctrl-C; start it again to go on.")]
pub(crate) struct Args {
    /// Everything the demo keeps; default: ~/.local/share/entrance/demo.
    #[arg(long, value_name = "DIR", env = "ENTRANCE_DATA")]
    data: Option<PathBuf>,
    #[command(flatten)]
    listen: Listen,
    /// Walk through the journey, then stop everything and exit; not 0 if a step failed.
    #[arg(long)]
    once: bool,
    /// One JSON object per step on stdout.
    #[arg(long)]
    json: bool,
    /// People and groups of your own, instead of the built-in ones (YAML).
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    output::init_logging("warn", false);
    let data = match args.data {
        Some(data) => data,
        None => super::demo_data()?,
    };
    let seed = args.seed.as_deref().map(read_seed).transpose()?;
    super::runtime()?.block_on(async move {
        let mut report = Report::new(args.json);
        report.title();
        let started = Instant::now();
        let mut config = Config::new(Mode::Demo, data.clone());
        args.listen.apply(&mut config);
        config.trusted_issuers.push(demo::trusted_issuer(&data));
        let facts = demo::facts(&data, seed)?;
        let server = Server::start(config, Clock::system()).await?;
        demo::prepare(server.app(), &facts, &server.ca_file()).await?;
        report.done("The server is up, with a tenant of its own", None, started.elapsed());
        let mut journey = Journey::new(server.app(), &server.ca_file(), facts)?;
        let went_well = journey.walk(&mut report).await;
        if args.once {
            report.doing("the cluster is deleted");
            let tidied = journey.tidy_up().await;
            server.stop().await;
            // After a failed step the cluster may not even exist; the step's own error is the one to show.
            if went_well {
                tidied?;
            }
            report.closing(&journey, went_well, After::Stopped);
        } else {
            report.closing(&journey, went_well, After::Stays);
            super::told_to_stop().await?;
            server.stop().await;
        }
        Ok(if went_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
    })
}

fn read_seed(path: &Path) -> Result<Seed> {
    let text = std::fs::read_to_string(path).with_context(|| format!("the seed `{}` cannot be read", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("the seed `{}` is not what it should be", path.display()))
}
