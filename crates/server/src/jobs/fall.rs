//! The part of the fault switch that concerns operations: the server dies at a step, as by `kill -9`.
//!
//! Without the switch there is no way to it. The file says `operation=STEP:before` or `operation=STEP:after`, with the step's
//! name as records of operations spell it.

use entrance_model::cluster::Step;
use rustix::process::{Signal, getpid, kill_process};

use crate::app::App;

/// At which side of a step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    /// It is written down that it is to be taken.
    Before,
    /// It was taken, and nobody has written that down.
    After,
}

/// Dies here if the file says so.
pub(super) fn fall(app: &App, step: Step, moment: Moment) {
    if !app.config.faults {
        return;
    }
    let Ok(file) = std::fs::read_to_string(app.data.join("faults")) else { return };
    let side = match moment {
        Moment::Before => "before",
        Moment::After => "after",
    };
    let name = serde_json::to_value(step).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default();
    let wanted = format!("operation={name}:{side}");
    if file.lines().any(|line| line.trim() == wanted) {
        tracing::warn!(step = step.as_str(), side, "THE FAULT SWITCH ENDS THE SERVER HERE");
        // Nothing is left to do if the system does not let us.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
