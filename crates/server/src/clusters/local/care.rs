//! Looks whether a control plane that shall run does, and says in words what keeps it from it.

use std::time::Duration;

use entrance_model::id::ClusterUid;

use super::home::{ClusterHome, Record};
use super::planes::Planes;
use super::process::Process;
use super::{LocalError, Part, Progress, Step};

/// How a control plane is that shall run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It is ready.
    Well,
    /// It is on its way, and there is no reason to worry yet.
    Coming,
    /// It does not come up; why.
    Down(String),
    /// Its folder or its data is gone; which.
    Missing(String),
}

impl Planes {
    /// What is missing of a cluster that was made once.
    pub fn what_is_missing(&self, uid: ClusterUid) -> Result<Option<String>, LocalError> {
        Ok(what_is_missing(&self.home(uid))?.err())
    }

    /// Looks, and takes care of it again if nobody does.
    pub async fn look_after(&self, uid: ClusterUid) -> Result<Health, LocalError> {
        let home = self.home(uid);
        let record = match what_is_missing(&home)? {
            Ok(record) => record,
            Err(missing) => {
                end_what_works_nowhere(&home).await?;
                return Ok(Health::Missing(missing));
            }
        };
        let Some(progress) = self.observe(uid).await else {
            self.take_care_of(uid, record).await?;
            return Ok(Health::Coming);
        };
        if !record.running {
            // Its folder was put back from a time when it did not run.
            self.take_care_of(uid, record).await?;
            return Ok(Health::Coming);
        }
        if Part::ALL.iter().filter_map(|part| progress.part(*part).pid).any(Process::is_nowhere) {
            end_what_works_nowhere(&home).await?;
            return Ok(Health::Coming);
        }
        if progress.reached(Step::Rbac) && progress.reached(Step::Controllers) && progress.reached(Step::Nodes) {
            return Ok(Health::Well);
        }
        Ok(match trouble(&home, &record, &progress) {
            Some(why) => Health::Down(why),
            None if self.unready_for(uid).await > GRACE => Health::Down(lateness(&home)),
            None => Health::Coming,
        })
    }
}

/// What is written down about the cluster, or what is missing of it.
fn what_is_missing(home: &ClusterHome) -> Result<Result<Record, String>, LocalError> {
    let gone = |what: &str| format!("{what} `{}` is not there", home.dir().display());
    if !home.dir().exists() {
        return Ok(Err(gone("its folder")));
    }
    let Some(record) = home.record()? else { return Ok(Err(gone("the record `plane.json` in its folder"))) };
    if record.made && !home.path(DATA).exists() {
        return Ok(Err(gone(&format!("the database `{DATA}` in its folder"))));
    }
    Ok(Ok(record))
}

/// A process whose folder was removed writes into nothing: what it still answers would be lost.
async fn end_what_works_nowhere(home: &ClusterHome) -> Result<(), LocalError> {
    let failed = |what| move |source| LocalError::Process { what, part: Part::ApiServer, source };
    for mut process in Process::find_all(home).map_err(failed("look for"))? {
        if process.works_nowhere() {
            tracing::error!(cluster = %home.uid(), pid = process.pid(), "a part of a control plane worked in a folder that was removed");
            process.kill().await.map_err(failed("end"))?;
        }
    }
    Ok(())
}

/// The part that keeps ending, and what it said.
fn trouble(home: &ClusterHome, record: &Record, progress: &Progress) -> Option<String> {
    let (part, why) = progress.crashing()?;
    let log = home.log(part);
    let hint = if why.starts_with("port ") {
        format!("; end what else uses port {}, `ss -ltnp` shows it", record.port)
    } else {
        format!("; its log is `{}`", log.display())
    };
    Some(format!("{part} ends again and again ({why}){hint}"))
}

fn lateness(home: &ClusterHome) -> String {
    format!("its API server is not ready after {} s; its log is `{}`", GRACE.as_secs(), home.log(Part::ApiServer).display())
}

/// Where the database is.
pub(super) const DATA: &str = "etcd";
/// How long one that runs may take to be ready before somebody is told; a slow machine has needed a minute.
const GRACE: Duration = Duration::from_mins(3);
