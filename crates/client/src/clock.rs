//! This machine's clock beside the server's: a difference explains refusals that nobody understands otherwise.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use reqwest::Response;
use reqwest::header::DATE;

/// What the servers' answers told about the time.
#[derive(Debug)]
pub(crate) struct Clock(AtomicI64);

impl Default for Clock {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl Clock {
    /// Looks at the `Date` of an answer.
    pub(crate) fn compare(&self, reply: &Response) {
        let date = reply.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(read);
        if let Some(there) = date {
            self.0.store(there.duration_since(Timestamp::now()).as_secs(), Ordering::Relaxed);
        }
    }

    /// How far the server is ahead.
    pub(crate) fn difference(&self) -> Option<SignedDuration> {
        let seconds = self.0.load(Ordering::Relaxed);
        (seconds != UNKNOWN).then(|| SignedDuration::from_secs(seconds))
    }

    /// The difference in seconds, where it is more than tokens forgive.
    pub(crate) fn is_off(&self) -> Option<i64> {
        self.difference().map(|difference| difference.as_secs()).filter(|seconds| seconds.abs() > FORGIVEN)
    }
}

/// What a person reads about a clock that is off by so many seconds.
pub(crate) fn told(ahead: i64) -> String {
    let (seconds, word) = (ahead.unsigned_abs(), if ahead > 0 { "behind" } else { "ahead of" });
    let length = if seconds < 600 { format!("{seconds} s") } else { format!("{} min", seconds / 60) };
    format!("this machine's clock is {length} {word} the server's; set it right")
}

fn read(date: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(date).ok().map(|zoned| zoned.timestamp())
}

const FORGIVEN: i64 = 60;
const UNKNOWN: i64 = i64::MIN;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read() {
        let at = read("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        assert_eq!(at.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(read("yesterday"), None);
    }

    #[test]
    fn row_25_a_difference_is_told_in_words() {
        assert_eq!(told(300), "this machine's clock is 300 s behind the server's; set it right");
        assert_eq!(told(-7200), "this machine's clock is 120 min ahead of the server's; set it right");
    }
}
