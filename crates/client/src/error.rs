//! Why a sign-in did not work, in words that lead to the next step.

use std::time::Duration;

use entrance_wire::oauth_client::Refusal;

use crate::text::first_line;

/// A sign-in failed. The message has at most three lines and never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No connection.
    #[error("cannot reach {host}: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The innermost cause.
        reason: String,
    },
    /// The server's certificate is not signed by anyone we trust.
    #[error(
        "{host} shows a certificate from an authority that this machine does not trust\nhint: name its file with `--certificate-authority FILE` or `SSL_CERT_FILE`"
    )]
    Untrusted {
        /// Host and port.
        host: String,
    },
    /// The server's certificate is for somebody else.
    #[error(
        "{host} shows a certificate that is made out to another name\nhint: check the name in `--authority-host`; something between here and there may answer in its place"
    )]
    OtherName {
        /// Host and port.
        host: String,
    },
    /// The server's certificate is too old or too new for this machine's clock.
    #[error(
        "the certificate of {host} {state}\nhint: check this machine's clock; if it is right, the server needs a new certificate"
    )]
    CertificateTime {
        /// Host and port.
        host: String,
        /// What the clock says about it.
        state: &'static str,
    },
    /// The certificate authority cannot be used.
    #[error("the certificate authority {file} cannot be used: {reason}")]
    BadTrust {
        /// Its path, or that it was given as data.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something answered, but it is not a token service.
    #[error("{host} does not answer like a token service: {reason}\nhint: check `--authority-host` and the tenant")]
    NotAnAuthority {
        /// Host and port.
        host: String,
        /// What came instead.
        reason: String,
    },
    /// The service says no.
    #[error("{}", told(.0))]
    Refused(Refusal),
    /// The person took longer than the code lives.
    #[error("the code expired before it was used\nhint: run the command again for a new one")]
    CodeExpired,
    /// Another person signed in than the one who was asked for.
    #[error("{who} signed in, but `--account` asks for {wanted}\nhint: run the command again and sign in as {wanted}")]
    SomebodyElse {
        /// Who it was.
        who: String,
        /// Who was asked for.
        wanted: String,
    },
    /// The person said no.
    #[error("the sign-in was declined")]
    Declined,
    /// The time for the whole call is over.
    #[error("timed out after {} s\nhint: `--timeout` gives more time", .0.as_secs_f32())]
    TimedOut(Duration),
    /// Nobody is there to be asked.
    #[error("a person has to sign in, but nobody can be asked here\nhint: run this once in a terminal: {command}")]
    NobodyToAsk {
        /// What to run.
        command: String,
    },
    /// The address of the token service cannot be used.
    #[error("{0}")]
    BadAuthority(#[from] crate::authority::BadAuthority),
    /// `az` or `azd` did not give a token.
    #[error("{0}")]
    Child(#[from] crate::child::ChildError),
    /// The browser sign-in could not be completed.
    #[error("the browser sign-in failed: {0}")]
    Browser(String),
    /// The provider of a federated token did not give one.
    #[error("{0}")]
    Federation(String),
    /// The key that should sign the client's assertion cannot be used.
    #[error("{0}")]
    Key(String),
    /// The machine did something unexpected.
    #[error("{doing}: {source}")]
    Machine {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What kind of failure it is, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that was given cannot be used.
    Usage,
    /// A person has to sign in.
    PromptNeeded,
    /// The service, or the person, said no.
    Denied,
    /// The service cannot be reached or believed.
    Network,
    /// It took too long.
    Timeout,
    /// Anything else.
    Other,
}

impl SignInError {
    /// What kind of failure this is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::BadTrust { .. } | Self::BadAuthority(_) | Self::Key(_) => Kind::Usage,
            Self::NobodyToAsk { .. } => Kind::PromptNeeded,
            Self::Refused(_) | Self::Declined | Self::SomebodyElse { .. } => Kind::Denied,
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::OtherName { .. }
            | Self::CertificateTime { .. }
            | Self::NotAnAuthority { .. } => Kind::Network,
            Self::CodeExpired | Self::TimedOut(_) | Self::Child(crate::child::ChildError::TooSlow { .. }) => Kind::Timeout,
            Self::Child(_) | Self::Browser(_) | Self::Federation(_) | Self::Machine { .. } => Kind::Other,
        }
    }

    /// The refresh token is worth nothing any more, for anything.
    pub fn ends_the_sign_in(&self) -> bool {
        // These are about one cluster, one place or one moment.
        const PASSING: [u64; 9] = [50_076, 50_079, 50_105, 50_131, 50_196, 53_003, 65_001, 501_051, 530_032];
        matches!(self, Self::Refused(refusal)
            if refusal.error == "invalid_grant" && !refusal.error_codes.iter().any(|code| PASSING.contains(code)))
    }

    /// Another token needs a person.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, Self::Refused(refusal) if matches!(refusal.error.as_str(), "invalid_grant" | "interaction_required" | "login_required" | "consent_required"))
    }
}

/// What the service said: its first line, the plain meaning of its number, and what finds the request in its logs.
fn told(refusal: &Refusal) -> String {
    let said = first_line(&refusal.error_description, 300);
    let mut out = if said.is_empty() { format!("the token service refused: {}", refusal.error) } else { said };
    let meaning = refusal.error_codes.iter().find_map(|code| meaning(*code)).map(ToOwned::to_owned);
    let clock = refusal.clock_is_off.map(crate::clock::told);
    let hints: Vec<String> = meaning.into_iter().chain(clock).collect();
    if !hints.is_empty() {
        out.push_str("\nhint: ");
        out.push_str(&hints.join("; "));
    }
    if !refusal.correlation_id.is_empty() && !out.contains(&refusal.correlation_id) {
        out.push_str("\ncorrelation id: ");
        out.push_str(&first_line(&refusal.correlation_id, 80));
    }
    crate::printable(&out).into_owned()
}

/// The numbers that people meet, and what helps.
fn meaning(code: u64) -> Option<&'static str> {
    Some(match code {
        50034 => "the account does not exist in this tenant; check `--tenant-id` and the name",
        50053 => "the account is locked for a while after too many wrong passwords",
        50055 => "the password has expired; set a new one on the sign-in page",
        50057 => "the account is disabled; an administrator can enable it",
        50059 | 50128 | 90019 => "the tenant cannot be told from the request; give `--tenant-id`",
        50076 | 50079 => "the sign-in needs a second factor; use `--login devicecode` or `--login interactive`",
        50105 | 501_051 => "the cluster's application wants people and applications assigned to it; an administrator can do that",
        50126 => "the user name or the password is wrong",
        50131 | 53003 => "a policy of the organisation blocks this sign-in; ask an administrator which one",
        50173 => "the earlier sign-in was revoked, or the password was changed; sign in again",
        50194 => "the application belongs to one tenant; give its `--tenant-id`",
        50196 => "the same sign-in was repeated too often; wait a minute",
        65001 => "the application was not consented to; an administrator can do that",
        65002 | 65005 | 650_053 | 650_057 => {
            "the application may not ask for this cluster; check `--client-id` and `--server-id`"
        }
        70001 | 7_000_112 => "the application is disabled in this tenant; an administrator can enable it",
        70043 | 700_082 | 700_084 => "the earlier sign-in has ended; sign in again",
        90002 => "the tenant does not exist here; check `--tenant-id` and `--authority-host`",
        500_011 => "the cluster's application is not known in this tenant; check `--server-id`",
        530_032 => "a policy of the organisation forbids this way to sign in; try `--login interactive`",
        700_016 => "the application is not known in this tenant; check `--client-id` and `--tenant-id`",
        700_024 | 700_027 => "the certificate or the clock does not fit; check both",
        700_025 => "this application proves itself with nothing; leave secret and certificate out",
        7_000_215 => "the client secret is wrong; it must be the secret's value, not its id",
        7_000_216 | 7_000_218 => "the application needs a secret or a certificate for this way to sign in",
        7_000_222 => "the client secret has expired; make a new one",
        700_211..=700_213 => "no federated credential of the application matches the token's issuer, subject and audience",
        9_001_023 => "this way to sign in needs a tenant; give `--tenant-id`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_13_a_refusal_is_three_lines_at_most() {
        let refusal: Refusal = serde_json::from_str(
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\u001b[31m Trace ID: x\r\nCorrelation ID: y","error_codes":[7000215],"correlation_id":"c0"}"#,
        )
        .expect("JSON");
        let text = SignInError::Refused(refusal).to_string();
        assert_eq!(
            text,
            "AADSTS7000215: Invalid client secret provided.\\u{1b}[31m Trace ID: x\nhint: the client secret is wrong; it must be the secret's value, not its id\ncorrelation id: c0"
        );
    }
}
