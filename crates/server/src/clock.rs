//! The only place that asks what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use entrance_model::Timestamp;

/// A clock: the machine's, or one that a test moves.
#[derive(Clone, Default)]
pub struct Clock {
    frozen: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at a moment until [`Clock::advance`] moves it.
    pub fn frozen(at: Timestamp) -> Self {
        Self { frozen: Some(Arc::new(AtomicI64::new(at.as_microsecond()))) }
    }

    /// Now, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        if let Some(at) = &self.frozen {
            return Timestamp::from_microsecond(at.load(Ordering::SeqCst)).expect("it was made from a timestamp");
        }
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Moves a frozen clock; the machine's clock stays as it is.
    pub fn advance(&self, by: std::time::Duration) {
        if let Some(at) = &self.frozen {
            at.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}
