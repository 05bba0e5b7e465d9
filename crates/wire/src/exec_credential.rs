//! What kubectl and a credential plugin say to each other (`client.authentication.k8s.io`).

use serde::{Deserialize, Serialize};

/// The versions of the interface that kubectl still speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExecVersion {
    /// `client.authentication.k8s.io/v1`
    V1,
    /// `client.authentication.k8s.io/v1beta1`, the one in the kubeconfigs that clusters hand out.
    #[default]
    V1Beta1,
}

/// What kubectl tells in `KUBERNETES_EXEC_INFO`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecInfo {
    /// The version that the answer must have.
    pub version: ExecVersion,
    /// Whether the plugin may ask the person; `None` when nobody said.
    pub interactive: Option<bool>,
    /// The API server's address, with `provideClusterInfo`.
    pub server: Option<String>,
    /// Whether a Kubernetes client asks at all, and not somebody by hand.
    pub is_from_kubectl: bool,
}

/// `KUBERNETES_EXEC_INFO` cannot be answered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadExecInfo {
    /// Not the JSON that it should be.
    #[error("cannot unmarshal {text:?} to ExecCredential: {reason}")]
    Unreadable {
        /// What stood there.
        text: String,
        /// Why it is not readable.
        reason: String,
    },
    /// A version nobody speaks any more, or not yet.
    #[error("api version: {0} is not supported")]
    Version(String),
}

impl ExecInfo {
    /// Reads the variable's value; absent or empty means a call by hand.
    pub fn read(text: Option<&str>) -> Result<Self, BadExecInfo> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Self::default()) };
        let read: Input = serde_json::from_str(text)
            .map_err(|error| BadExecInfo::Unreadable { text: text.chars().take(200).collect(), reason: error.to_string() })?;
        let version = match read.api_version.as_str() {
            "" | V1BETA1 => ExecVersion::V1Beta1,
            V1 => ExecVersion::V1,
            other => return Err(BadExecInfo::Version(other.chars().take(100).collect())),
        };
        let spec = read.spec.unwrap_or_default();
        let server = spec.cluster.and_then(|cluster| cluster.server);
        Ok(Self { version, interactive: spec.interactive, server, is_from_kubectl: true })
    }
}

impl ExecVersion {
    /// As it stands in `apiVersion`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => V1,
            Self::V1Beta1 => V1BETA1,
        }
    }
}

/// The plugin's answer, one line without its newline. `expires` is an RFC 3339 time in UTC with whole seconds.
#[expect(clippy::missing_panics_doc, reason = "text and booleans are always JSON")]
pub fn credential(version: ExecVersion, token: &str, expires: &str) -> String {
    let answer = Answer {
        kind: "ExecCredential",
        api_version: version.as_str(),
        spec: AnswerSpec { interactive: false },
        status: AnswerStatus { expiration_timestamp: expires, token },
    };
    serde_json::to_string(&answer).expect("text and booleans are always JSON")
}

const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

#[derive(Deserialize)]
struct Input {
    #[serde(default, rename = "apiVersion")]
    api_version: String,
    spec: Option<InputSpec>,
}

#[derive(Deserialize, Default)]
struct InputSpec {
    interactive: Option<bool>,
    cluster: Option<InputCluster>,
}

#[derive(Deserialize)]
struct InputCluster {
    server: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    spec: AnswerSpec,
    status: AnswerStatus<'a>,
}

#[derive(Serialize)]
struct AnswerSpec {
    interactive: bool,
}

#[derive(Serialize)]
struct AnswerStatus<'a> {
    #[serde(rename = "expirationTimestamp")]
    expiration_timestamp: &'a str,
    token: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_members_in_their_order() {
        assert_eq!(
            credential(ExecVersion::V1, "t", "2026-11-24T07:33:00Z"),
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false},"status":{"expirationTimestamp":"2026-11-24T07:33:00Z","token":"t"}}"#
        );
    }

    #[test]
    fn the_version_is_the_one_asked_for() {
        let version = |text| ExecInfo::read(text).map(|info| info.version);
        assert_eq!(version(None), Ok(ExecVersion::V1Beta1));
        assert_eq!(version(Some("")), Ok(ExecVersion::V1Beta1));
        assert_eq!(version(Some("{}")), Ok(ExecVersion::V1Beta1));
        assert_eq!(version(Some(r#"{"apiVersion":"client.authentication.k8s.io/v1"}"#)), Ok(ExecVersion::V1));
        assert!(matches!(
            version(Some(r#"{"apiVersion":"client.authentication.k8s.io/v1alpha1"}"#)),
            Err(BadExecInfo::Version(_))
        ));
        assert!(matches!(version(Some("{")), Err(BadExecInfo::Unreadable { .. })));
    }

    #[test]
    fn what_kubectl_says_about_the_person_and_the_cluster_is_kept() {
        let info = ExecInfo::read(Some(r#"{"spec":{"interactive":false,"cluster":{"server":"https://c.test","config":null}}}"#))
            .expect("readable");
        assert_eq!((info.interactive, info.server.as_deref()), (Some(false), Some("https://c.test")));
    }
}
