//! Reading the body of a request within a budget.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn s_200_a_body_within_its_budget_is_read_and_a_longer_one_is_not() {
        assert_eq!(read(Body::from("abc"), 3).await.as_deref(), Some(b"abc".as_slice()));
        assert_eq!(read(Body::from("abcd"), 3).await, None);
        assert_eq!(read(Body::from(vec![0; 4 * THROWN_AWAY]), 3).await, None);
        assert_eq!(read(Body::empty(), 0).await.as_deref(), Some([].as_slice()));
    }
}
