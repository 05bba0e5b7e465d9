//! Going through the sealed door: one request that records who goes in and why, and gives the power.
//!
//! Record and power are one object, the door's binding, so there is no power without a record; while the door is shut, an
//! admission rule inside the API server takes nothing else from its holder (`clusters::incluster::sealed`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrance_model::Timestamp;
use entrance_model::cluster::Door;
use entrance_model::id::DoorId;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::PostParams;
use kube::{Api, Client};
use serde::{Deserialize, Serialize};

use super::Opened;
use crate::clusters::incluster::{openings, sealed_binding};

/// Who went through the door, as it is written into the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who, by their own word: nobody else is there to ask.
    pub who: String,
    /// When, by their clock.
    pub when: String,
    /// Why.
    pub why: String,
    /// From which machine.
    pub host: String,
}

/// What the API server lets the holder of the certificate do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The door is shut: its holder may open it and nothing else.
    Shut,
    /// The holder may do everything.
    Open,
}

/// What an opening has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The binding that holds the record.
    pub binding: String,
    /// Who went through before, while the door was open.
    pub before: Vec<Record>,
}

/// Why a door that was unsealed does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// What is in the file is no certificate, key or address.
    #[error("the sealed file has no usable credential in it")]
    Credential(#[source] kube::Error),
    /// Nobody answers there.
    #[error("the API server at `{server}` does not answer")]
    Unreachable {
        /// Where it should be.
        server: String,
        /// What happened.
        source: kube::Error,
    },
    /// The certificate is not accepted any more.
    #[error("the API server does not accept this door's certificate: {0}")]
    NotAccepted(String),
    /// It accepts the certificate, but not the opening.
    #[error("the API server refused the opening: {0}")]
    Refused(String),
    /// The binding is there and gives no power.
    #[error("the door's binding is there, but after {} s it gives no power yet", .0.as_secs())]
    NoPower(Duration),
}

impl OpeningError {
    /// What would help.
    pub const fn next(&self) -> &'static str {
        match self {
            Self::Credential(_) => "use another copy of the file",
            Self::Unreachable { .. } => {
                "is the control plane running, and can this machine reach it? A door needs the API server and etcd, and nothing of Entrance"
            }
            Self::NotAccepted(_) => {
                "this door was closed, or sealed to other keys since: use the newest copy of the file. With access to the control plane's machine, the cluster's own CA is the last way in"
            }
            Self::Refused(_) => "the message is the API server's own; an administrator who is in can see what stands in the way",
            Self::NoPower(_) => "try the same command again; it goes on where it was",
        }
    }
}

/// Opens the door: writes the record and the binding, and returns once the power is there.
pub async fn admit(opened: &Opened, record: &Record) -> Result<Opening, OpeningError> {
    let client = client(opened)?;
    let server = &opened.about.server;
    let wanted = sealed_binding(opened.about.door, std::slice::from_ref(record));
    let name = Door::group(opened.about.door);
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let before = match bindings.create(&PostParams::default(), &wanted).await {
        Ok(_) => Vec::new(),
        // Open already: whoever comes later is written down, too.
        Err(kube::Error::Api(status)) if status.code == 409 => join(&bindings, opened.about.door, record, server).await?,
        Err(error) => return Err(judged(error, server)),
    };
    let began = tokio::time::Instant::now();
    while admission(&client, server).await? == Admission::Shut {
        if began.elapsed() > PATIENCE {
            return Err(OpeningError::NoPower(PATIENCE));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Opening { binding: name, before })
}

/// Rehearses the opening: the API server does everything but keep the result. Nothing is left behind.
pub async fn rehearse(opened: &Opened, record: &Record) -> Result<Admission, OpeningError> {
    let client = client(opened)?;
    let server = &opened.about.server;
    let wanted = sealed_binding(opened.about.door, std::slice::from_ref(record));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    match Api::<ClusterRoleBinding>::all(client.clone()).create(&dry, &wanted).await {
        Ok(_) => {}
        // It is open now; that it can be opened is shown by that.
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(judged(error, server)),
    }
    admission(&client, server).await
}

async fn join(
    bindings: &Api<ClusterRoleBinding>,
    door: DoorId,
    record: &Record,
    server: &str,
) -> Result<Vec<Record>, OpeningError> {
    let name = Door::group(door);
    let found = bindings.get(&name).await.map_err(|error| judged(error, server))?;
    let before = openings(&found);
    let mut all = before.clone();
    all.push(record.clone());
    let annotations = sealed_binding(door, &all).metadata.annotations;
    let mut joined = found;
    joined.metadata.annotations.get_or_insert_default().extend(annotations.unwrap_or_default());
    bindings.replace(&name, &PostParams::default(), &joined).await.map_err(|error| judged(error, server))?;
    Ok(before)
}

/// Asks the API server what it lets the holder do.
async fn admission(client: &Client, server: &str) -> Result<Admission, OpeningError> {
    let everything = ResourceAttributes {
        verb: Some("*".to_owned()),
        group: Some("*".to_owned()),
        resource: Some("*".to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(everything), non_resource_attributes: None };
    let ask = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let asked = Api::all(client.clone()).create(&PostParams::default(), &ask).await;
    let answer: SelfSubjectAccessReview = asked.map_err(|error| judged(error, server))?;
    Ok(if answer.status.is_some_and(|status| status.allowed) { Admission::Open } else { Admission::Shut })
}

fn client(opened: &Opened) -> Result<Client, OpeningError> {
    let uri = opened
        .about
        .server
        .parse::<http::Uri>()
        .map_err(|error| OpeningError::Credential(kube::Error::HttpError(error.into())))?;
    let mut config = kube::Config::new(uri);
    let ca = x509_parser::pem::parse_x509_pem(opened.authority.as_bytes()).map(|(_, block)| block.contents).unwrap_or_default();
    config.root_cert = Some(vec![ca]);
    config.connect_timeout = Some(REACH);
    config.auth_info.client_certificate_data = Some(STANDARD.encode(&opened.certificate));
    config.auth_info.client_key_data = Some(STANDARD.encode(opened.key.as_bytes()).into());
    Client::try_from(config).map_err(OpeningError::Credential)
}

fn judged(error: kube::Error, server: &str) -> OpeningError {
    match error {
        kube::Error::Api(status) if status.code == 401 => OpeningError::NotAccepted(one_line(&status.message)),
        kube::Error::Api(status) => OpeningError::Refused(one_line(&status.message)),
        source => OpeningError::Unreachable { server: server.to_owned(), source },
    }
}

/// What came from elsewhere and goes to a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(LONGEST).collect()
}

impl Record {
    /// A record of now.
    pub fn new(who: &str, why: &str, host: &str, now: Timestamp) -> Self {
        Self { who: one_line(who), when: format!("{now:.0}"), why: one_line(why), host: one_line(host) }
    }
}

const REACH: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: usize = 400;
