//! The folder of one cluster: everything that it is lies in it, and goes with it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use entrance_model::id::{ClusterUid, OperationId};
use serde::{Deserialize, Serialize};

use super::{LocalError, Part, files, rotate};

/// One cluster's folder, named by its uid.
#[derive(Debug, Clone)]
pub struct ClusterHome {
    uid: ClusterUid,
    dir: PathBuf,
    keys: &'static str,
}

impl ClusterHome {
    /// The folder that the cluster has, or would have, under `root`.
    pub fn under(root: &Path, uid: ClusterUid) -> Self {
        Self { uid, dir: root.join(uid.to_string()), keys: KEYS }
    }

    /// The cluster that lives here.
    pub fn uid(&self) -> ClusterUid {
        self.uid
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path inside the folder. Flags and configuration files name such paths without the folder: every process is started inside it, so the
    /// length and place of the folder do not matter to them.
    pub fn path(&self, inside: &str) -> PathBuf {
        match inside.strip_prefix(KEYS).and_then(|rest| rest.strip_prefix('/')) {
            Some(file) => self.dir.join(self.keys).join(file),
            None => self.dir.join(inside),
        }
    }

    /// The same folder with other keys and certificates than those in use.
    pub(super) fn with_keys(&self, keys: &'static str) -> Self {
        Self { keys, ..self.clone() }
    }

    /// Where a part's own output goes.
    pub fn log(&self, part: Part) -> PathBuf {
        self.path("logs").join(format!("{part}.log"))
    }

    /// Makes the folders.
    pub fn create(&self) -> Result<(), LocalError> {
        rotate::heal(self)?;
        for folder in ["", KEYS, "config", "webhook", "logs"] {
            files::private_folder(&self.path(folder))?;
        }
        Ok(())
    }

    /// What is written down about the cluster; `None` when it was never made.
    pub fn record(&self) -> Result<Option<Record>, LocalError> {
        let path = self.path(RECORD);
        let Some(text) = files::read(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|e| LocalError::Damaged { path, why: e.to_string() })
    }

    /// Writes down what the cluster is.
    pub fn write_record(&self, record: &Record) -> Result<(), LocalError> {
        let path = self.path(RECORD);
        let text =
            serde_json::to_vec_pretty(record).map_err(|e| LocalError::Damaged { path: path.clone(), why: e.to_string() })?;
        files::write(&path, &text)
    }

    /// The cluster's CA certificate, which people put into their kubeconfig.
    pub fn ca_pem(&self) -> Result<String, LocalError> {
        let path = self.path("pki/ca.crt");
        files::read(&path)?.ok_or_else(|| LocalError::Damaged { path, why: "it is missing".to_owned() })
    }
}

/// What a cluster is, apart from its secrets. Kept in its folder, so that a server that starts again knows it without asking anyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The resource's name, for logs and people.
    pub name: String,
    /// Where the API server listens.
    pub listen: IpAddr,
    /// Its one port: chosen once, kept for life.
    pub port: u16,
    /// Further names and addresses in its certificate.
    #[serde(default)]
    pub names: Vec<String>,
    /// The simulated nodes.
    #[serde(default)]
    pub pools: Vec<Pool>,
    /// Where tokens are reviewed.
    pub webhook: String,
    /// Whether the authorizer webhook is asked after RBAC.
    #[serde(default)]
    pub authorizer: Authorizer,
    /// Whether it is meant to run.
    pub running: bool,
    /// The operation that made the key with which service account tokens are signed; `None` for the one of its birth.
    #[serde(default)]
    pub signing: Option<OperationId>,
    /// Whether it was ever ready: then its database is there, and none is made in its place.
    #[serde(default)]
    pub made: bool,
}

/// A number of simulated nodes with a common beginning of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Node names are this and six digits in base 36, such as `aks-nodepool1-31718369-vmss` + `000000`.
    pub prefix: String,
    /// How many nodes.
    pub count: u16,
}

/// Who decides what a signed-in person may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authorizer {
    /// Kubernetes RBAC alone.
    #[default]
    Rbac,
    /// Kubernetes RBAC, then our webhook.
    RbacThenWebhook,
}

impl Record {
    /// Where programs on this machine reach the API server.
    pub fn address(&self) -> SocketAddr {
        let ip = if self.listen.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { self.listen };
        SocketAddr::new(ip, self.port)
    }

    /// The file of the key with which service account tokens are signed, inside the folder.
    pub fn signing_key(&self) -> String {
        match self.signing {
            None => "pki/sa.key".to_owned(),
            Some(made_by) => format!("pki/sa-{made_by}.key"),
        }
    }

    /// The API server's URL for programs on this machine, without a trailing slash.
    pub fn url(&self) -> String {
        format!("https://{}", self.address())
    }
}

/// The folder of the keys and certificates in use.
pub(super) const KEYS: &str = "pki";
const RECORD: &str = "plane.json";
