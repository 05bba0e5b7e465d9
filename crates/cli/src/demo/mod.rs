//! The journey: what the project is for, driven over TLS as `az` and `kubectl` would, told step by step.
//!
//! Nothing here looks into the server: each step is a request that a client could send, or a run of the real `kubectl`
//! with our `kubelogin`. Only the person at the browser is a script.

mod api;
mod closing;
mod kubectl;
mod person;
mod report;
mod steps;

use std::path::{Path, PathBuf};

use anyhow::Result;
use entrance_server::App;
use entrance_server::setup::facts::DemoFacts;

pub(crate) use closing::After;
pub(crate) use report::Report;

use api::Api;

/// One walk through the journey.
pub(crate) struct Journey {
    base: String,
    ca: PathBuf,
    data: PathBuf,
    facts: DemoFacts,
    api: Api,
    controlplane: Option<PathBuf>,
}

impl Journey {
    pub(crate) fn new(app: &App, ca: &Path, facts: DemoFacts) -> Result<Self> {
        let base = app.base();
        Ok(Self {
            api: Api::new(base, ca)?,
            base: base.to_owned(),
            ca: ca.to_owned(),
            data: app.data.path().to_owned(),
            facts,
            controlplane: app.config.controlplane.clone(),
        })
    }

    /// Walks all steps; `false` when one failed. A failed step ends the walk, because later ones stand on it.
    pub(crate) async fn walk(&mut self, report: &mut Report) -> bool {
        match steps::all(self, report).await {
            Ok(()) => true,
            Err(error) => {
                report.failed(&error);
                false
            }
        }
    }

    /// Deletes what the journey made, so that `--once` leaves no process behind.
    pub(crate) async fn tidy_up(&mut self) -> Result<()> {
        steps::delete_cluster(self).await
    }
}
