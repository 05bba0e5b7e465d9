//! Reading the body of a request within a budget of bytes and of time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use tokio::time::{Instant, timeout_at};

/// How much of a body that is too long is still taken off the wire. A client that is answered while it writes sees its
/// connection break instead of the answer.
const THROWN_AWAY: usize = 1024 * 1024;

/// The whole body, unless it is longer than allowed or does not arrive.
pub(crate) async fn read(body: Body, longest: usize) -> Option<Bytes> {
    let mut parts = body.into_data_stream();
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(part) = parts.next().await {
        let part = part.ok()?;
        seen += part.len();
        if seen <= longest {
            kept.extend_from_slice(&part);
        } else if seen > longest + THROWN_AWAY {
            break;
        }
    }
    (seen <= longest).then(|| kept.freeze())
}

/// Whether a body took too long.
#[derive(Clone, Default)]
pub(crate) struct Late(Arc<AtomicBool>);

impl Late {
    /// It did.
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body that ends with an error where it does not arrive within this time, however steadily it trickles.
pub(crate) fn within(body: Body, time: Duration) -> (Body, Late) {
    let late = Late::default();
    if body.is_end_stream() {
        return (body, late);
    }
    let until = Instant::now() + time;
    let parts = unfold(Some((body.into_data_stream(), late.clone())), move |rest| async move {
        let (mut parts, late) = rest?;
        if let Ok(part) = timeout_at(until, parts.next()).await {
            return Some((part?, Some((parts, late))));
        }
        late.0.store(true, Ordering::Relaxed);
        Some((Err(axum::Error::new(TooSlow)), None))
    });
    (Body::from_stream(parts), late)
}

/// The body did not arrive in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream::{iter, pending};

    use super::*;

    #[tokio::test]
    async fn s_200_a_body_that_does_not_end_in_time_is_late_and_a_whole_one_is_read() {
        let (whole, late) = within(Body::from("abc"), Duration::from_mins(1));
        assert_eq!(read(whole, 3).await.as_deref(), Some(b"abc".as_slice()));
        assert!(!late.is_so());
        let begun = iter([Ok::<_, Infallible>(Bytes::from_static(b"a"))]).chain(pending());
        let (slow, late) = within(Body::from_stream(begun), Duration::from_millis(50));
        assert_eq!(read(slow, 3).await, None);
        assert!(late.is_so());
        let (empty, late) = within(Body::empty(), Duration::ZERO);
        assert_eq!(read(empty, 3).await.as_deref(), Some([].as_slice()));
        assert!(!late.is_so());
    }

    #[tokio::test]
    async fn s_200_a_body_within_its_budget_is_read_and_a_longer_one_is_not() {
        assert_eq!(read(Body::from("abc"), 3).await.as_deref(), Some(b"abc".as_slice()));
        assert_eq!(read(Body::from("abcd"), 3).await, None);
        assert_eq!(read(Body::from(vec![0; 4 * THROWN_AWAY]), 3).await, None);
        assert_eq!(read(Body::empty(), 0).await.as_deref(), Some([].as_slice()));
    }
}
