//! The answer of the device authorization endpoint (S-230).

use serde::Serialize;

/// What a device is told. It has no `Debug`, because it holds codes.
pub struct DeviceAnswer<'a> {
    /// What the person types.
    pub user_code: &'a str,
    /// What the device polls with.
    pub device_code: &'a str,
    /// Where the person types it.
    pub verification_uri: &'a str,
    /// Seconds until the code is worthless.
    pub expires_in: i64,
    /// Seconds between polls.
    pub interval: u32,
}

#[derive(Serialize)]
struct V2<'a> {
    user_code: &'a str,
    device_code: &'a str,
    verification_uri: &'a str,
    expires_in: i64,
    interval: u32,
    message: String,
}

#[derive(Serialize)]
struct V1<'a> {
    user_code: &'a str,
    device_code: &'a str,
    verification_url: &'a str,
    expires_in: String,
    interval: String,
    message: String,
}

impl DeviceAnswer<'_> {
    /// The line that the tools print as it is; scripts cut address and code out of it.
    fn message(&self) -> String {
        format!(
            "To sign in, use a web browser to open the page {} and enter the code {} to authenticate.",
            self.verification_uri, self.user_code
        )
    }

    /// The JSON of the v2 endpoint.
    ///
    /// # Panics
    ///
    /// Never: the answer has only text keys.
    pub fn v2(&self) -> String {
        let answer = V2 {
            user_code: self.user_code,
            device_code: self.device_code,
            verification_uri: self.verification_uri,
            expires_in: self.expires_in,
            interval: self.interval,
            message: self.message(),
        };
        serde_json::to_string(&answer).expect("the answer has only text keys")
    }

    /// The JSON of the v1 endpoint: `verification_url`, and numbers as text.
    ///
    /// # Panics
    ///
    /// Never: the answer has only text keys.
    pub fn v1(&self) -> String {
        let answer = V1 {
            user_code: self.user_code,
            device_code: self.device_code,
            verification_url: self.verification_uri,
            expires_in: self.expires_in.to_string(),
            interval: self.interval.to_string(),
            message: self.message(),
        };
        serde_json::to_string(&answer).expect("the answer has only text keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_230_each_generation_has_its_own_spelling() {
        let answer = DeviceAnswer {
            user_code: "BCDFGH234",
            device_code: "d",
            verification_uri: "https://x/devicelogin",
            expires_in: 900,
            interval: 5,
        };
        assert!(answer.v2().contains(r#""verification_uri":"https://x/devicelogin","expires_in":900,"interval":5"#));
        assert!(answer.v1().contains(r#""verification_url":"https://x/devicelogin","expires_in":"900","interval":"5""#));
        assert!(answer.v2().contains(" open the page https://x/devicelogin and enter the code BCDFGH234 "));
    }
}
