//! What is wrong with a control plane that shall run, in words that a person can act on, and how it shows in the resource.

use super::state::{Failure, State};

/// What keeps a control plane from being what it shall be, and cannot be put right from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ailment {
    /// Its data is not where it shall be.
    DataMissing {
        /// What is missing.
        what: String,
    },
    /// It does not come up, however often it is started.
    Down {
        /// What happens instead.
        why: String,
    },
    /// Nobody can look after it here.
    Unwatched {
        /// Why not.
        why: String,
    },
}

/// What somebody saw who looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It is what it shall be.
    Well,
    /// It is on its way, which says nothing yet.
    Coming,
    /// It is not, and that cannot be put right from here.
    Ill(Ailment),
}

impl Ailment {
    /// What `status.provisioningError` says.
    pub fn failure(&self) -> Failure {
        let message = match self {
            Self::DataMissing { what } => format!(
                "The control plane's data is missing: {what}. Put it back from a backup and it starts by itself, or delete the cluster; nothing is made in its place."
            ),
            Self::Down { why } => {
                format!("The control plane does not come up: {why}. It is started again by itself, at least every 30 seconds.")
            }
            Self::Unwatched { why } => {
                format!("The control plane cannot be looked after: {why}. What runs of it is left alone until that is put right.")
            }
        };
        Failure { code: self.code().to_owned(), message }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::DataMissing { .. } => DATA_MISSING,
            Self::Down { .. } => DOWN,
            Self::Unwatched { .. } => UNWATCHED,
        }
    }
}

impl State {
    /// What becomes of the state when somebody looked; `None` when nothing does. What an operation left is not covered up,
    /// and an ailment that lasts is told once.
    pub fn seen(&self, seen: &Condition) -> Option<Self> {
        let known = match self {
            Self::Ready => None,
            Self::Failed { why, usable: true } if is_ailment(why) => Some(why.code.as_str()),
            Self::Failed { .. } | Self::Canceled { .. } | Self::Working { .. } | Self::Gone => return None,
        };
        match seen {
            Condition::Ill(ailment) if known != Some(ailment.code()) => {
                Some(Self::Failed { why: ailment.failure(), usable: true })
            }
            Condition::Well if known.is_some() => Some(Self::Ready),
            Condition::Ill(_) | Condition::Well | Condition::Coming => None,
        }
    }
}

fn is_ailment(why: &Failure) -> bool {
    [DATA_MISSING, DOWN, UNWATCHED].contains(&why.code.as_str())
}

const DATA_MISSING: &str = "ControlPlaneDataMissing";
const DOWN: &str = "ControlPlaneDown";
const UNWATCHED: &str = "ControlPlaneUnwatched";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ailment_shows_once_and_goes_when_it_is_over() {
        let down = Condition::Ill(Ailment::Down { why: "port 21000 cannot be used".into() });
        let later = Condition::Ill(Ailment::Down { why: "port 21000 cannot be used, still".into() });
        let shown = State::Ready.seen(&down).expect("it shows");
        assert!(matches!(&shown, State::Failed { why, usable: true } if why.message.contains("port 21000")), "{shown:?}");
        assert_eq!(shown.seen(&later), None, "not a new state every time somebody looks");
        let missing = Condition::Ill(Ailment::DataMissing { what: "its folder".into() });
        assert!(shown.seen(&missing).is_some(), "another reason does show");
        assert_eq!(shown.seen(&Condition::Coming), None, "what is on its way is not there yet");
        assert_eq!(shown.seen(&Condition::Well), Some(State::Ready));
        assert_eq!([State::Ready.seen(&Condition::Well), State::Ready.seen(&Condition::Coming)], [None, None]);
    }

    #[test]
    fn r_129_what_an_operation_left_is_not_covered_up() {
        let down = Condition::Ill(Ailment::Down { why: "x".into() });
        let why = Failure { code: "ControlPlaneFailed".to_owned(), message: "etcd did not come up".to_owned() };
        for state in [State::Failed { why, usable: true }, State::Canceled { usable: true }, State::Gone] {
            assert_eq!((state.seen(&down), state.seen(&Condition::Well)), (None, None), "{state:?}");
        }
    }
}
