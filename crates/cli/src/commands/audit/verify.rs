//! `entrance audit verify`: counts the hashes again, here, and trusts nothing but a key.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use entrance_server::DataDir;
use entrance_store::audit::{Checker, Exported, Head, PublicKey, head_from_json};
use entrance_store::{SealingKey, Store};
use serde_json::{Value, json};

use super::export;
use super::walk::walk;
use crate::connect::{self, Output};
use crate::output::{Style, line, styled, talk};

#[derive(clap::Args)]
#[command(
    after_help = "Examples: entrance audit verify --head head.json\n          entrance audit verify --file export.jsonl\n          \
    entrance audit verify --store /var/lib/entrance\n\
    Exit code 1: something does not fit; what comes first is named."
)]
pub(crate) struct Args {
    /// Verify an export instead of a server; nothing else is asked.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    file: Option<PathBuf>,
    /// Verify the data directory of a server that is not running: all tenants, and also what only its sealing key can show.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// A head that was saved before (`entrance audit head`); the log has to pass through it, signed by the same key. May be
    /// repeated.
    #[arg(long, value_name = "FILE")]
    head: Vec<PathBuf>,
    /// The public key that has to have signed, in hexadecimal.
    #[arg(long, value_name = "KEY", conflicts_with = "store")]
    key: Option<PublicKey>,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let saved = args.head.iter().map(|file| read_head(file)).collect::<Result<Vec<_>>>()?;
    if let Some(data) = &args.store {
        return store(data, &saved, args.server.output()).await;
    }
    let mut checker = Checker::new(args.key);
    let walked = match &args.file {
        Some(file) => from_file(&mut checker, file, &saved),
        None => from_server(&mut checker, args, &saved).await,
    };
    told(&checker, walked, args)
}

fn from_file(checker: &mut Checker, path: &Path, saved: &[(Head, PublicKey)]) -> Result<()> {
    let file = File::open(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let mut lines = BufReader::new(file).lines().enumerate();
    let Some((_, first)) = lines.next() else { bail!("`{}` is empty", path.display()) };
    let first = export::read(&first?).context("line 1")?;
    expect(checker, &first, saved)?;
    checker.take(&first)?;
    for (n, text) in lines {
        let exported = export::read(&text?).with_context(|| format!("line {}", n + 1))?;
        checker.take(&exported).with_context(|| format!("line {}", n + 1))?;
    }
    Ok(())
}

async fn from_server(checker: &mut Checker, args: &Args, saved: &[(Head, PublicKey)]) -> Result<()> {
    let server = args.server.open()?;
    walk(&server, None, |line| {
        let exported = Exported::read(line).context("the server sent a line that is none")?;
        if checker.position().is_none() {
            expect(checker, &exported, saved)?;
        }
        Ok(checker.take(&exported)?)
    })
    .await
}

/// Heads of the chain that is looked at; one of another chain is a mistake.
fn expect(checker: &mut Checker, first: &Exported, saved: &[(Head, PublicKey)]) -> Result<()> {
    let Exported::Start(start) = first else { return Ok(()) };
    for (head, key) in saved {
        if head.position.chain != start.chain {
            bail!("the saved head is of chain `{}`, and this is `{}`", head.position.chain, start.chain);
        }
        checker.expect(head, *key)?;
    }
    Ok(())
}

fn told(checker: &Checker, walked: Result<()>, args: &Args) -> Result<ExitCode> {
    let outcome = walked.and_then(|()| checker.end().map_err(anyhow::Error::from));
    let is_json = args.server.output() == Output::Json;
    let before = match outcome {
        Ok(before) => before,
        // What could not be asked or read is no finding about the log.
        Err(error) if !is_finding(&error) => return Err(error),
        Err(error) => {
            let why = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
            if is_json {
                line(&json!({ "ok": false, "finding": why, "rows": checker.rows, "leftOut": checker.left_out }).to_string());
            } else {
                line(&format!("{} {why}", styled(Style::Bad, "not whole:")));
            }
            return Ok(ExitCode::from(1));
        }
    };
    let Some(at) = checker.position() else { bail!("nothing was there to verify") };
    let key = checker.key().map(|key| key.to_string());
    if is_json {
        let (number, hash) = (at.number, at.hash.to_string());
        let told = json!({
            "ok": true, "chain": at.chain.to_string(), "rows": checker.rows, "leftOut": checker.left_out, "number": number,
            "hash": hash, "publicKey": key,
        });
        line(&told.to_string());
    } else {
        let left_out = if checker.left_out > 0 { format!(", {} left out", checker.left_out) } else { String::new() };
        line(&format!(
            "{} {} rows{left_out}; chain {} up to number {}, signed by key {}",
            styled(Style::Good, "whole:"),
            checker.rows,
            at.chain,
            at.number,
            key.as_deref().unwrap_or("-")
        ));
    }
    if before > 0 {
        talk(&format!("{before} saved heads are from before the beginning of this export and were not compared"));
    }
    if args.head.is_empty() && args.key.is_none() {
        talk(
            "hint: whether it was cut off or made anew shows only against a head that was kept elsewhere; see `entrance audit head --help`",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn is_finding(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<entrance_store::audit::BadExport>() || cause.is::<entrance_store::audit::BadLine>())
}

async fn store(data: &Path, saved: &[(Head, PublicKey)], output: Output) -> Result<ExitCode> {
    if !data.join("entrance.db").exists() {
        bail!("`{}` is no data directory of a server", data.display());
    }
    // Locked, so that no server changes it meanwhile.
    let data = DataDir::open(data)?;
    let seal = SealingKey::load(&data.join("seal.key"))?;
    let mut reader = Store::look(&data.join("entrance.db"), seal).await?;
    let heads: Vec<Head> = saved.iter().map(|(head, _)| head.clone()).collect();
    let report = reader.trail().verify(&heads).await?;
    let is_whole = report.faults.is_empty();
    if output == Output::Json {
        let chains = report.heads.iter().map(|head| {
            let at = head.position;
            let (chain, hash) = (at.chain.to_string(), at.hash.to_string());
            json!({ "chain": chain, "number": at.number, "hash": hash, "at": head.at.to_string() })
        });
        let findings = report.faults.iter().map(|fault| json!({ "row": fault.seq(), "says": fault.to_string() }));
        let told = json!({
            "ok": is_whole, "rows": report.rows, "notSealed": report.unsealed,
            "chains": chains.collect::<Vec<_>>(), "findings": findings.collect::<Vec<_>>(),
        });
        line(&told.to_string());
    } else if is_whole {
        line(&format!("{} {} rows in {} chains", styled(Style::Good, "whole:"), report.rows, report.heads.len()));
        if report.unsealed > 0 {
            line(&format!("{} of them wait for their link; the next start of the server makes it", report.unsealed));
        }
    } else {
        for fault in &report.faults {
            line(&format!("{} {fault}", styled(Style::Bad, "not whole:")));
        }
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read_head(path: &Path) -> Result<(Head, PublicKey)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    // The last line of an export is a head, too.
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let value: Value = serde_json::from_str(last).with_context(|| format!("`{}` is no saved head", path.display()))?;
    head_from_json(&value).with_context(|| format!("`{}` is no saved head", path.display()))
}
