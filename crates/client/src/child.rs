//! Tokens from other programs that are signed in: `az` and `azd`.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Deserialize;

use crate::text::first_line;
use crate::{Secret, SignedIn};

/// The program did not give a token.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// There is no such program.
    #[error("{credential}: executable not found on path\nhint: install `{program}`, or use another `--login`")]
    Missing {
        /// The name the original gives to this way of signing in.
        credential: &'static str,
        /// The program.
        program: &'static str,
    },
    /// It ended with an error of its own.
    #[error("{credential}: {said}")]
    Failed {
        /// The name the original gives to this way of signing in.
        credential: &'static str,
        /// What it printed.
        said: String,
    },
    /// It took too long.
    #[error("{credential}: `{program}` gave no answer within {} s (signal: killed)\nhint: `--timeout` gives more time", tenths(*.limit))]
    TooSlow {
        /// The name the original gives to this way of signing in.
        credential: &'static str,
        /// The program.
        program: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// It printed something else.
    #[error("{credential}: `{program}` printed something that is no token: {reason}")]
    Unreadable {
        /// The name the original gives to this way of signing in.
        credential: &'static str,
        /// The program.
        program: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// `az account get-access-token`.
pub fn azure_cli(
    resource: &str,
    tenant: Option<&str>,
    subscription: Option<&str>,
    limit: Duration,
) -> Result<SignedIn, ChildError> {
    let mut args = vec!["account", "get-access-token", "-o", "json", "--resource", resource];
    if let Some(tenant) = tenant {
        args.extend(["--tenant", tenant]);
    }
    if let Some(subscription) = subscription {
        args.extend(["--subscription", subscription]);
    }
    let child = Child { credential: "AzureCLICredential", program: "az" };
    let out: AzToken = child.run(&args, limit)?;
    let expires =
        out.expires_on.and_then(|at| Timestamp::from_second(at).ok()).or_else(|| out.local.as_deref().and_then(local_time));
    child.signed_in(out.token, expires)
}

/// `azd auth token`.
pub fn azure_developer_cli(scope: &str, tenant: Option<&str>, limit: Duration) -> Result<SignedIn, ChildError> {
    let mut args = vec!["auth", "token", "-o", "json", "--no-prompt", "--scope", scope];
    if let Some(tenant) = tenant {
        args.extend(["--tenant-id", tenant]);
    }
    let child = Child { credential: "AzureDeveloperCLICredential", program: "azd" };
    let out: AzdToken = child.run(&args, limit)?;
    child.signed_in(out.token, out.expires_on.parse().ok())
}

#[derive(Deserialize)]
struct AzToken {
    #[serde(rename = "accessToken")]
    token: String,
    expires_on: Option<i64>,
    #[serde(rename = "expiresOn")]
    local: Option<String>,
}

#[derive(Deserialize)]
struct AzdToken {
    token: String,
    #[serde(rename = "expiresOn")]
    expires_on: String,
}

struct Child {
    credential: &'static str,
    program: &'static str,
}

impl Child {
    fn run<T: for<'de> Deserialize<'de>>(&self, args: &[&str], limit: Duration) -> Result<T, ChildError> {
        let Self { credential, program } = *self;
        let spawned = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ChildError::Missing { credential, program });
            }
            Err(error) => return Err(ChildError::Failed { credential, said: format!("`{program}` cannot be started: {error}") }),
        };
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let until = Instant::now() + limit;
        let in_time = |part: &mpsc::Receiver<Vec<u8>>| part.recv_timeout(until.saturating_duration_since(Instant::now()));
        let (Ok(out), Ok(err)) = (in_time(&stdout), in_time(&stderr)) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(ChildError::TooSlow { credential, program, limit });
        };
        let status = child.wait().map_err(|error| ChildError::Failed { credential, said: error.to_string() })?;
        if !status.success() {
            let said = String::from_utf8_lossy(&err);
            let said = if said.trim().is_empty() { format!("`{program}` ended with {status}") } else { last_words(&said) };
            return Err(ChildError::Failed { credential, said });
        }
        serde_json::from_slice(&out).map_err(|error| {
            // Other messages quote what stood there, which may be a token.
            let said = error.to_string();
            let reason = if said.starts_with("missing field") { said } else { "it is not the JSON that was expected".into() };
            ChildError::Unreadable { credential, program, reason }
        })
    }

    fn signed_in(&self, token: String, expires: Option<Timestamp>) -> Result<SignedIn, ChildError> {
        let Some(expires) = expires else {
            return Err(ChildError::Unreadable {
                credential: self.credential,
                program: self.program,
                reason: "its time of expiry".into(),
            });
        };
        Ok(SignedIn { access_token: Secret::new(token), expires, refresh_token: None, user_name: None })
    }
}

/// Reads a pipe to its end in a thread, so that a full pipe never blocks the child.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(LARGEST).read_to_end(&mut bytes);
        }
        let _ = send.send(bytes);
    });
    receive
}

/// Seconds, as people say them.
fn tenths(limit: Duration) -> f32 {
    (limit.as_secs_f32() * 10.0).round() / 10.0
}

/// The line that tells most: the one that says so itself, else the first.
fn last_words(said: &str) -> String {
    let line = said.lines().find(|line| line.starts_with("ERROR")).unwrap_or(said);
    crate::printable(&first_line(line, 400)).into_owned()
}

/// `2027-01-01 10:00:00.000000`, in the machine's time zone.
fn local_time(text: &str) -> Option<Timestamp> {
    let time: jiff::civil::DateTime = text.replace(' ', "T").parse().ok()?;
    jiff::tz::TimeZone::system().to_timestamp(time).ok()
}

const LARGEST: u64 = 4 << 20;
