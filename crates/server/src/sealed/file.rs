//! Reading, sealing and opening the file.

use std::str;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, DoorId};
use entrance_model::recovery::shares::{self, Secret, Share};
use entrance_model::recovery::{Recovery, RecoveryKey};
use entrance_wire::kubeconfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::age::{self, AgeError, Identity};
use crate::hex::sha256_hex;

/// The file as it is kept and handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sealed {
    /// Which format this is.
    format: Format,
    /// What anybody may know of it. It is repeated inside, so a change is noticed when the file is opened.
    pub about: About,
    /// One share for each recovery key, in their order.
    shares: Vec<String>,
    /// The kubeconfig.
    payload: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "entrance-sealed-door/1")]
    One,
}

/// What can be told of a sealed door without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct About {
    /// The door.
    pub door: DoorId,
    /// Which cluster it leads into.
    pub cluster: ClusterUid,
    /// The cluster's name.
    pub name: String,
    /// The cluster's resource group.
    pub resource_group: String,
    /// Where its API server answers.
    pub server: String,
    /// When it was sealed.
    #[serde(with = "moment")]
    pub sealed: Timestamp,
    /// Until when its certificate is good.
    #[serde(with = "moment")]
    pub until: Timestamp,
    /// How many recovery keys are needed.
    pub threshold: u8,
    /// The recovery keys.
    pub recipients: Vec<RecoveryKey>,
}

/// Why a file does not open. Each says what to do next in [`OpenError::next`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is something else.
    #[error("this is no sealed door that can be read here: {0}")]
    NotAFile(String),
    /// A key that this file is not for.
    #[error("the recovery key `{0}` is none of those that this door is sealed to")]
    NotAmong(RecoveryKey),
    /// More keys are needed.
    #[error("{needed} different recovery keys are needed, and {given} were given")]
    TooFew {
        /// How many were given.
        given: usize,
        /// How many it takes.
        needed: u8,
    },
    /// A share is not what was written.
    #[error("the share of recovery key `{key}` cannot be opened: {why}")]
    Share {
        /// Whose it is.
        key: RecoveryKey,
        /// Why.
        why: AgeError,
    },
    /// The shares, the kubeconfig or what is said about it do not belong together.
    #[error("the sealed file was changed or damaged: {0}")]
    Damaged(&'static str),
    /// It is too old.
    #[error("the certificate in this sealed door ended on {0:.0}")]
    Expired(Timestamp),
}

impl OpenError {
    /// What would help.
    pub const fn next(&self) -> &'static str {
        match self {
            Self::NotAFile(_) => {
                "`entrance break-glass sealed export` writes such a file; beside the cluster it is called `sealed-door.json`"
            }
            Self::NotAmong(_) => {
                "look at `about.recipients` in the file for the keys that open it; perhaps it was sealed to newer ones"
            }
            Self::TooFew { .. } => "name the key files of further holders with `--key`",
            Self::Share { .. } | Self::Damaged(_) => {
                "use another copy of the file: the one beside the cluster, or an export of another day"
            }
            Self::Expired(_) => {
                "use a newer copy: the one beside the cluster is renewed every day while the server runs. If this machine's clock is wrong, set it"
            }
        }
    }
}

/// What was in a file. Has no `Debug`.
pub struct Opened {
    /// What it said about itself.
    pub about: About,
    /// The cluster's certificate authority, PEM.
    pub authority: String,
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PEM.
    pub key: Zeroizing<String>,
    /// Shows the server that the file was opened, and nothing else.
    pub proof: Zeroizing<String>,
}

/// What goes into a file besides what is said about it.
pub struct Content<'a> {
    /// The cluster's certificate authority, PEM.
    pub authority: &'a str,
    /// The certificate, PEM.
    pub certificate: &'a str,
    /// Its key, PEM.
    pub key: &'a str,
}

impl Sealed {
    /// Seals a kubeconfig to the recovery keys named in `about`. Also tells the digest by which [`Opened::proof`] is known.
    pub fn seal(about: About, content: &Content<'_>) -> (Self, String) {
        let proof = Zeroizing::new(sha256_hex(random().as_ref()));
        let payload = Zeroizing::new(plain(&about, content, &proof).to_string());
        let ours = Identity::generate();
        let coefficients: Vec<Secret> = (1..about.threshold).map(|_| random()).collect();
        let n = u8::try_from(about.recipients.len()).expect("`Recovery` has at most 16 keys");
        let shares = shares::split(ours.secret(), &coefficients, n);
        let shares = shares.iter().zip(&about.recipients).map(|(share, key)| age::seal(&written(about.door, share), key));
        let sealed =
            Self { format: Format::One, shares: shares.collect(), payload: age::seal(payload.as_bytes(), &ours.public()), about };
        (sealed, sha256_hex(proof.as_bytes()))
    }

    /// Reads a file.
    pub fn read(text: &str) -> Result<Self, OpenError> {
        if text.len() > LONGEST {
            return Err(OpenError::NotAFile("it is far too long".to_owned()));
        }
        let file: Self = serde_json::from_str(text).map_err(|error| OpenError::NotAFile(error.to_string()))?;
        let keys: Vec<String> = file.about.recipients.iter().map(ToString::to_string).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        match Recovery::new(&keys, Some(file.about.threshold.into())) {
            Ok(Some(_)) if file.shares.len() == keys.len() => Ok(file),
            Ok(_) => Err(OpenError::Damaged("it has not one share for each recovery key")),
            Err(_) => Err(OpenError::Damaged("its recovery keys and their number do not go together")),
        }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("it has only texts and numbers");
        text.push('\n');
        text
    }

    /// Opens it with recovery keys; those more than needed do no harm.
    pub fn open(&self, keys: &[Identity], now: Timestamp) -> Result<Opened, OpenError> {
        let mut found: Vec<Share> = Vec::with_capacity(keys.len());
        for key in keys {
            let at = self.about.recipients.iter().position(|known| *known == key.public());
            let at = at.ok_or_else(|| OpenError::NotAmong(key.public()))?;
            let share = self.share(at, key)?;
            if found.iter().all(|other| other.x != share.x) {
                found.push(share);
            }
        }
        if found.len() < usize::from(self.about.threshold) {
            return Err(OpenError::TooFew { given: found.len(), needed: self.about.threshold });
        }
        let secret = shares::combine(&found).ok_or(OpenError::Damaged("its shares do not go together"))?;
        let payload = age::open(&self.payload, &Identity::from_secret(secret));
        let payload = payload.map_err(|_| OpenError::Damaged("its shares do not open its kubeconfig"))?;
        let opened = Opened::read(&payload).ok_or(OpenError::Damaged("there is no kubeconfig in it"))?;
        if opened.about != self.about {
            return Err(OpenError::Damaged("what it says about itself is not what was sealed"));
        }
        if now >= opened.about.until {
            return Err(OpenError::Expired(opened.about.until));
        }
        Ok(opened)
    }

    fn share(&self, at: usize, key: &Identity) -> Result<Share, OpenError> {
        let public = key.public();
        let plain = age::open(&self.shares[at], key).map_err(|why| OpenError::Share { key: public, why })?;
        let share = read_share(&plain).ok_or(OpenError::Share { key: public, why: AgeError::Unreadable })?;
        if share.0 != self.about.door || usize::from(share.1.x) != at + 1 {
            return Err(OpenError::Damaged("a share belongs to another door or another key"));
        }
        Ok(share.1)
    }
}

impl Opened {
    /// The kubeconfig for people.
    pub fn kubeconfig(&self) -> Zeroizing<String> {
        let cluster = kubeconfig::Cluster {
            name: &self.about.name,
            resource_group: &self.about.resource_group,
            server: &self.about.server,
            authority_pem: &self.authority,
        };
        Zeroizing::new(kubeconfig::admin_certificate(&cluster, &self.certificate, &self.key))
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let plain: Value = serde_json::from_slice(payload).ok()?;
        let text = |at: &str| Some(Zeroizing::new(String::from_utf8(STANDARD.decode(plain.pointer(at)?.as_str()?).ok()?).ok()?));
        let ours = plain.pointer("/extensions/0/extension")?;
        Some(Self {
            about: serde_json::from_value(ours.get("about")?.clone()).ok()?,
            authority: text("/clusters/0/cluster/certificate-authority-data")?.to_string(),
            certificate: text("/users/0/user/client-certificate-data")?.to_string(),
            key: text("/users/0/user/client-key-data")?,
            proof: Zeroizing::new(ours.get("proof")?.as_str()?.to_owned()),
        })
    }
}

/// A kubeconfig that kubectl takes as it is; what is said about the door is an extension of it.
fn plain(about: &About, content: &Content<'_>, proof: &str) -> Value {
    let user = format!("sealed-door_{}", about.name);
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": about.name, "cluster": {
            "server": about.server,
            "certificate-authority-data": STANDARD.encode(content.authority),
        }}],
        "contexts": [{ "name": about.name, "context": { "cluster": about.name, "user": user } }],
        "current-context": about.name,
        "users": [{ "name": user, "user": {
            "client-certificate-data": STANDARD.encode(content.certificate),
            "client-key-data": STANDARD.encode(content.key),
        }}],
        "extensions": [{ "name": "entrance.sealed-door", "extension": { "about": about, "proof": proof } }],
    })
}

fn written(door: DoorId, share: &Share) -> Zeroizing<Vec<u8>> {
    let y = Zeroizing::new(STANDARD.encode(share.y.as_ref()));
    Zeroizing::new(json!({ "door": door, "x": share.x, "y": *y }).to_string().into_bytes())
}

fn read_share(plain: &[u8]) -> Option<(DoorId, Share)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        door: DoorId,
        x: u8,
        y: String,
    }
    let read: Written = serde_json::from_slice(plain).ok()?;
    let text = Zeroizing::new(read.y);
    let y = Zeroizing::new(STANDARD.decode(text.as_bytes()).ok()?);
    Some((read.door, Share { x: read.x, y: Zeroizing::new(y.as_slice().try_into().ok()?) }))
}

fn random() -> Secret {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut()).expect("the machine has randomness");
    bytes
}

/// Times as people write them.
mod moment {
    use entrance_model::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// 16 shares and a kubeconfig have a few tens of kilobytes.
const LONGEST: usize = 1 << 20;

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
