//! `client_info` (S-312): the key of an account in every client's cache.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// base64url of `{"uid":…,"utid":…}`, without padding.
pub fn client_info(object_id: &str, tenant: &str) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::json!({ "uid": object_id, "utid": tenant }).to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn s_312_client_info_is_base64url_without_padding() {
        assert_eq!(super::client_info("u", "t"), "eyJ1aWQiOiJ1IiwidXRpZCI6InQifQ");
    }
}
