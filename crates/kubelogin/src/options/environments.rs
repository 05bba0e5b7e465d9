//! Environments of one's own: names for token services, as `--environment` takes them, in `~/.kube/kubelogin.yaml` (or the file that
//! `KUBELOGIN_CONFIG` names).
//!
//! ```yaml
//! environments:
//!   contoso:
//!     authority-host: https://login.contoso.example/
//!     certificate-authority: /etc/contoso/ca.pem
//! ```
//! It is read when a name is asked for that is no cloud's; the usual run never looks.

use std::path::{Path, PathBuf};

use entrance_client::Trust;
use entrance_wire::yaml;
use serde_json::Value;

use super::settings::{BadOption, check_authority, home};
use crate::commands::env;

/// One of them.
pub(super) struct Named {
    pub(super) authority_host: String,
    pub(super) trust: Trust,
}

impl Named {
    /// Looks a name up; capitals do not count.
    pub(super) fn find(name: &str) -> Result<Self, BadOption> {
        let file = env("KUBELOGIN_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from);
        let file = file.unwrap_or_else(|| home(&env).join(".kube/kubelogin.yaml"));
        let unknown = |reason: String| BadOption::Environment { name: name.to_owned(), file: file.display().to_string(), reason };
        let text = std::fs::read_to_string(&file).map_err(|error| unknown(error.to_string()))?;
        let whole = yaml::parse(&text).map_err(|error| unknown(first_line(&error.to_string())))?;
        let mut environments = whole["environments"].as_object().into_iter().flatten();
        let found = environments.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, found)| found);
        let found = found.ok_or_else(|| unknown("it is not there".into()))?;
        let value = |key: &str| found.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        let mut authority_host = value("authority-host").ok_or_else(|| unknown("its authority-host is missing".into()))?;
        if !authority_host.ends_with('/') {
            authority_host.push('/');
        }
        check_authority(&authority_host)?;
        // As in a kubeconfig: from the folder of the file that names it.
        let from_here = |named: String| file.parent().unwrap_or(Path::new("")).join(named);
        let trust = Trust { file: value("certificate-authority").map(from_here), data: value("certificate-authority-data") };
        Ok(Self { authority_host, trust })
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}
