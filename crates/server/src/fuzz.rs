//! What the fuzz targets call, and the tests that replay their corpora: each function panics when something read from
//! outside was taken for two things at once.

use entrance_model::Timestamp;

use crate::authority::token::AccessToken;
use crate::clusters::references::mentions;

/// The claims of a token of ours: whatever the times in it, it never counts at its end and after.
pub fn access_token(claims: &[u8]) {
    let Ok(token) = serde_json::from_slice::<AccessToken>(claims) else { return };
    for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, token.ends(), Timestamp::MAX] {
        let _ = token.in_time(at);
    }
    assert!(token.in_time(token.ends()).is_err() || token.ends().as_second() < token.exp);
}

/// An object that is watched in a cluster: as often as it is read, it mentions the same.
pub fn watched_object(text: &[u8]) {
    let Ok(object) = serde_json::from_slice::<serde_json::Value>(text) else { return };
    let found = mentions::mentions(&object);
    let again = serde_json::from_slice(&serde_json::to_vec(&object).expect("JSON is written")).expect("and read");
    assert_eq!(found, mentions::mentions(&again));
    if let Some(read) = mentions::read(object) {
        assert!(read.mentions.groups.is_subset(&found.groups));
    }
}
