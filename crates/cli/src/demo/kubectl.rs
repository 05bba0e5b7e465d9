//! The real `kubectl` with our `kubelogin`, as one person on one machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use entrance_server::clusters::local::Binary;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use super::Journey;
use super::person::Person as Browser;

/// Where somebody's kubectl runs: a home and a kubeconfig of their own.
pub(crate) struct Kubectl<'a> {
    journey: &'a Journey,
    program: PathBuf,
    kubelogin_folder: PathBuf,
    home: PathBuf,
    environment: Vec<(&'static str, String)>,
}

/// What a run gave.
pub(crate) struct Ran {
    pub(crate) ok: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A kubectl that talks to a healthy API server is done long before.
const LIMIT: Duration = Duration::from_mins(1);

impl<'a> Kubectl<'a> {
    /// Writes the kubeconfig into a fresh home.
    pub(crate) fn new(journey: &'a Journey, who: &str, kubeconfig: &str) -> Result<Self> {
        let home = journey.data.join("demo-homes").join(who);
        if home.exists() {
            std::fs::remove_dir_all(&home).with_context(|| format!("`{}` cannot be emptied", home.display()))?;
        }
        std::fs::create_dir_all(home.join(".kube"))?;
        std::fs::write(home.join(".kube/config"), kubeconfig)?;
        let beside = std::env::current_exe()?.parent().context("this program has no folder")?.to_owned();
        if !beside.join("kubelogin").exists() {
            bail!("`kubelogin` is not beside `entrance` in `{}`; build both with `make build`", beside.display());
        }
        let program = Binary::find(journey.controlplane.as_deref())?.path().to_owned();
        Ok(Self { journey, program, kubelogin_folder: beside, home, environment: Vec::new() })
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    fn command(&self, program: &Path) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", format!("{}:{path}", self.kubelogin_folder.display()))
            .env("SSL_CERT_FILE", &self.journey.ca)
            // There is no terminal here, but there is somebody who reads the prompt.
            .env("KUBELOGIN_FORCE_PROMPT", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs `kubelogin` itself.
    pub(crate) async fn kubelogin(&self, arguments: &[&str]) -> Result<Ran> {
        let program = self.kubelogin_folder.join("kubelogin");
        let output = tokio::time::timeout(LIMIT, self.command(&program).args(arguments).output())
            .await
            .context("kubelogin did not end")??;
        Ok(Ran {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs kubectl; when kubelogin shows a device code, this person approves it in a browser.
    pub(crate) async fn run(&self, arguments: &[&str], person: Option<(&str, &str)>) -> Result<Ran> {
        let mut child =
            self.command(&self.program).arg("kubectl").args(arguments).spawn().context("kubectl cannot be started")?;
        let mut stdout = child.stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
        let talk = async {
            let mut said = String::new();
            while let Some(line) = lines.next_line().await? {
                if let (Some(code), Some((upn, password))) = (code_in(&line), person) {
                    Browser::new(&self.journey.api).approve_device(code, upn, password).await?;
                } else {
                    said.push_str(&line);
                    said.push('\n');
                }
            }
            anyhow::Ok(said)
        };
        let result = async {
            let mut text = String::new();
            stdout.read_to_string(&mut text).await?;
            anyhow::Ok(text)
        };
        let work = async { tokio::try_join!(talk, result) };
        let (stderr, stdout) = tokio::time::timeout(LIMIT, work).await.context("kubectl did not end within a minute")??;
        let ok = child.wait().await?.success();
        Ok(Ran { ok, stdout, stderr })
    }
}

impl Ran {
    /// The output of a run that had to go well.
    pub(crate) fn expect_ok(self) -> Result<String> {
        if self.ok { Ok(self.stdout) } else { bail!("kubectl failed: {}", self.stderr.trim()) }
    }
}

/// The device code in a line of kubelogin's prompt.
fn code_in(line: &str) -> Option<&str> {
    let rest = line.split_once("enter the code ")?.1;
    rest.split_once(" to authenticate").map(|(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_off_the_prompt() {
        let line = "To sign in, open the page https://localhost:8443/devicelogin and enter the code ABCDE1234 to authenticate.";
        assert_eq!(code_in(line), Some("ABCDE1234"));
        assert_eq!(code_in("error: you must be logged in"), None);
    }
}
