//! How long something may take: the run as a whole, and what it does within that.

use std::time::{Duration, Instant};

use entrance_client::SignInError;

/// A moment by which something has to be done, and how long it had when it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    until: Instant,
    of: Duration,
}

impl Limit {
    pub(super) fn from_now(of: Duration) -> Self {
        Self { until: Instant::now() + of, of }
    }

    /// The same, and no longer than this from now on.
    pub(super) fn at_most(self, of: Duration) -> Self {
        let other = Self::from_now(of);
        if other.until < self.until { other } else { self }
    }

    pub(super) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// What to say when it is over.
    pub(super) fn is_over(self) -> SignInError {
        SignInError::TimedOut(self.of)
    }

    /// Does the work, unless it takes longer.
    pub(super) async fn within<T>(self, work: impl Future<Output = Result<T, SignInError>>) -> Result<T, SignInError> {
        tokio::time::timeout(self.left(), work).await.unwrap_or(Err(self.is_over()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_one_counts_and_is_told() {
        let hour = Limit::from_now(Duration::from_hours(1));
        let told = |limit: Limit| limit.is_over().to_string().lines().next().map(str::to_owned);
        assert_eq!(told(hour.at_most(Duration::from_secs(1))), Some("timed out after 1 s".into()));
        assert_eq!(
            told(Limit::from_now(Duration::from_secs(2)).at_most(Duration::from_hours(1))),
            Some("timed out after 2 s".into())
        );
        assert_eq!(Limit::from_now(Duration::ZERO).left(), Duration::ZERO);
    }
}
