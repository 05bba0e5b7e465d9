//! Where a server of this data directory listens, for programs on the same machine (`entrance env`).

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data_dir::write_whole;

/// Written at each start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// The public origin, without a trailing slash.
    pub url: String,
    /// The certificate authority to trust.
    pub ca: PathBuf,
    /// The process.
    pub pid: u32,
}

const FILE: &str = "endpoint.json";

impl Endpoint {
    /// The last one written in this data directory.
    pub fn read(data: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(data.join(FILE))?)?)
    }

    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        write_whole(&data.join(FILE), &serde_json::to_vec_pretty(self)?, 0o600)
    }
}
