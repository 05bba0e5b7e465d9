//! The driver of a server that has no control planes to start: it says why, and removes what was never made.

use std::time::Duration;

use entrance_model::cluster::door::{LeftBehind, Refused, Severed};
use entrance_model::cluster::{Ailment, Cluster, Condition, Door, Endpoint, Observed, Spec, Step, Versions};
use entrance_model::id::{DoorId, PrincipalId};

use super::driver::{Certificate, Doing, Driver, DriverError, Shutting};

/// Why nothing can be started.
pub struct Unavailable(pub String);

impl Unavailable {
    fn refuse<T: Send + 'static>(&self) -> Doing<'_, T> {
        let why = DriverError::Unavailable(self.0.clone());
        Box::pin(async { Err(why) })
    }
}

impl Driver for Unavailable {
    // What is offered is what would run; the operation then tells what is missing.
    fn versions(&self) -> Versions {
        Versions::new("1.37.2".parse().ok())
    }

    fn adopt(&self) -> Doing<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn leave(&self) -> Doing<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn observe<'a>(&'a self, _: &'a Cluster) -> Doing<'a, Observed> {
        Box::pin(async { Ok(Observed::default()) })
    }

    fn look_after<'a>(&'a self, _: &'a Cluster, _: &'a Spec) -> Doing<'a, Condition> {
        Box::pin(async { Ok(Condition::Ill(Ailment::Unwatched { why: self.0.clone() })) })
    }

    fn apply<'a>(&'a self, _: &'a Cluster, _: &'a Spec, step: Step) -> Doing<'a, ()> {
        if step == Step::Erase { Box::pin(async { Ok(()) }) } else { self.refuse() }
    }

    fn endpoint<'a>(&'a self, _: &'a Cluster) -> Doing<'a, Endpoint> {
        self.refuse()
    }

    fn issue<'a>(&'a self, _: &'a Cluster, _: PrincipalId, _: DoorId, _: Duration) -> Doing<'a, Certificate> {
        self.refuse()
    }

    fn open_break_glass<'a>(&'a self, _: &'a Cluster, _: &'a Door) -> Doing<'a, ()> {
        self.refuse()
    }

    fn shut_break_glass<'a>(&'a self, _: &'a Cluster, _: Shutting<'a>) -> Doing<'a, Vec<Refused>> {
        self.refuse()
    }

    fn sever<'a>(&'a self, _: &'a Cluster) -> Doing<'a, Vec<Severed>> {
        self.refuse()
    }

    fn left_behind<'a>(&'a self, _: &'a Cluster, _: &'a Door) -> Doing<'a, LeftBehind> {
        self.refuse()
    }
}
