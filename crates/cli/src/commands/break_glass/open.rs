//! `entrance break-glass open`: asks, waits for the second person where one is needed, and writes the kubeconfig.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use super::{door_path, offline, words};
use crate::connect::{self, Output, Server, progress};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  entrance break-glass open -g rg -n prod --reason 'INC-4711: sign-in is down' --duration 2h\n  \
    entrance break-glass open -g rg -n prod --reason INC-4711 --file emergency.kubeconfig --wait\n  \
    entrance break-glass open --offline --sealed sealed-door.json --key alice.key --key bob.key --reason INC-4711"
)]
pub(crate) struct Args {
    /// Why; the second person and the audit trail see it.
    #[arg(long, short, value_name = "TEXT", required_unless_present = "door")]
    reason: Option<String>,
    /// For how long, such as `2h` or `PT90M`; default and most: what the cluster allows.
    #[arg(long, short, value_name = "TIME")]
    duration: Option<String>,
    /// Write the kubeconfig to this new file (`-` prints it); default: merge it into yours, as az does.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Wait until the second person agrees, where the cluster wants one.
    #[arg(long)]
    wait: bool,
    /// Take the file of a door that was approved meanwhile, instead of asking for another.
    #[arg(long, value_name = "ID", conflicts_with_all = ["reason", "duration", "wait"])]
    door: Option<String>,
    #[command(flatten)]
    cluster: Online,
    #[command(flatten)]
    server: connect::Args,
    #[command(flatten)]
    offline: offline::Args,
}

/// The cluster, where a server is asked.
#[derive(clap::Args)]
#[command(next_help_heading = "Cluster")]
struct Online {
    /// Resource group of the cluster.
    #[arg(long, short = 'g', value_name = "GROUP", required_unless_present = "offline")]
    resource_group: Option<String>,
    /// Name of the cluster.
    #[arg(long, short, value_name = "NAME", required_unless_present = "offline")]
    name: Option<String>,
    /// Subscription, by id or name; else the only one there is.
    #[arg(long, value_name = "SUBSCRIPTION", env = "AZURE_SUBSCRIPTION_ID")]
    subscription: Option<String>,
}

impl Online {
    fn cluster(&self) -> connect::Cluster {
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        connect::Cluster::named(&text(&self.resource_group), &text(&self.name), self.subscription.as_deref())
    }
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    if args.offline.is_wanted() {
        return offline::run(&args.offline, args.reason.as_deref(), args.file.as_ref()).await;
    }
    let named = args.cluster.cluster();
    let server = args.server.open()?;
    let cluster = named.path(&server).await?;
    let mut door = if let Some(id) = &args.door {
        server.arm(Method::GET, &door_path(&cluster, id)?, None).await?
    } else {
        let wanted = json!({ "properties": { "reason": args.reason, "duration": args.duration } });
        server.arm(Method::POST, &format!("{cluster}/breakGlassDoors"), Some(&wanted)).await?
    };
    let id = door["name"].as_str().context("the server names no door")?.to_owned();
    let path = door_path(&cluster, &id)?;
    if door["properties"]["state"] == "Requested" {
        let (group, name) = (named.resource_group(), named.name());
        talk(&format!("Another person must agree until {}:", words::text(&door["properties"]["approveBefore"])));
        talk(&format!("  entrance break-glass approve {id} -g {group} -n {name}"));
        if !args.wait {
            tell(&server, &door);
            talk(&format!("Then take the file: entrance break-glass open -g {group} -n {name} --door {id}"));
            return Ok(ExitCode::SUCCESS);
        }
        door = approved(&server, &path).await?;
    }
    let answer = server.arm(Method::POST, &format!("{path}/credential"), Some(&json!({}))).await?;
    let file = answer["kubeconfigs"][0]["value"].as_str().context("the server sent no kubeconfig")?;
    let file = BASE64.decode(file).context("the kubeconfig cannot be read")?;
    match &args.file {
        Some(to) if to.as_os_str() == "-" => {
            line(String::from_utf8(file).context("the kubeconfig cannot be read")?.trim_end());
            return Ok(ExitCode::SUCCESS);
        }
        Some(to) => {
            write_new(to, &file)?;
            talk(&format!("Written to `{}`; only you can read it.", to.display()));
        }
        None => {
            let context = merge(&file)?;
            talk(&format!("Merged into your kubeconfig; the current context is `{context}`."));
        }
    }
    tell(&server, &door);
    Ok(ExitCode::SUCCESS)
}

fn tell(server: &Server, door: &Value) {
    match server.output() {
        Output::Json => line(&door.to_string()),
        Output::Text => line(&words::door(door)),
    }
}

/// Asks again and again until the door is open or will never be.
async fn approved(server: &Server, path: &str) -> Result<Value> {
    let bar = progress("waiting for the second person");
    loop {
        let door = server.arm(Method::GET, path, None).await?;
        let properties = &door["properties"];
        match properties["state"].as_str() {
            Some("Open") => {
                bar.finish_and_clear();
                talk(&format!("Approved by {}.", words::person(&properties["approverName"], &properties["approver"])));
                return Ok(door);
            }
            Some("Requested") => tokio::time::sleep(POLL).await,
            _ => {
                bar.finish_and_clear();
                bail!("the request ended without a second person ({})", words::text(&properties["closedWhy"]));
            }
        }
    }
}

/// A new file that only its owner reads; one that exists is not overwritten, whatever it is.
fn write_new(to: &Path, text: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .with_context(|| format!("`{}` cannot be made; it must not exist yet", to.display()))?;
    Ok(file.write_all(text)?)
}

/// Merges as kubectl itself reads several files: what comes first wins, so the new one does. The context is called `NAME-admin`, as az calls it.
fn merge(file: &[u8]) -> Result<String> {
    let to = std::env::var_os("KUBECONFIG")
        .and_then(|all| std::env::split_paths(&all).find(|path| !path.as_os_str().is_empty()))
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".kube/config")))
        .context("neither KUBECONFIG nor HOME is set; name a file with `--file`")?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let fresh = folder.join(format!(".entrance-{}", uuid::Uuid::new_v4()));
    let guard = Remove(fresh.clone());
    write_new(&fresh, file)?;
    let kubectl = |args: &[&str], files: &std::ffi::OsStr| -> Result<Vec<u8>> {
        let done = Command::new("kubectl").args(args).env("KUBECONFIG", files).output();
        let done = done.context("kubectl is needed to merge kubeconfigs; name a file with `--file`")?;
        ensure!(done.status.success(), "kubectl: {}", String::from_utf8_lossy(&done.stderr).trim());
        Ok(done.stdout)
    };
    let name = kubectl(&["config", "current-context"], fresh.as_os_str())?;
    let name = String::from_utf8(name)?.trim().to_owned();
    let context = format!("{name}-admin");
    kubectl(&["config", "rename-context", &name, &context], fresh.as_os_str())?;
    let files = std::env::join_paths([fresh.as_path(), to.as_path()])?;
    let merged = kubectl(&["config", "view", "--flatten", "--raw"], &files)?;
    let whole = Remove(folder.join(format!(".entrance-{}", uuid::Uuid::new_v4())));
    write_new(&whole.0, &merged)?;
    std::fs::rename(&whole.0, &to).with_context(|| format!("`{}` cannot be written", to.display()))?;
    drop(guard);
    Ok(context)
}

/// A file with a key in it does not outlive the command.
struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0); // it may have been moved
    }
}

const POLL: Duration = Duration::from_secs(2);
