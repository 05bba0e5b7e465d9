//! An authenticator with one passkey, from `WebAuthn` Level 2: ES256, no attestation.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_testkit::Page;
use serde_json::{Value, json};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;
const ATTESTED: u8 = 64;

pub(super) struct Authenticator {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    user: String,
    pub(super) counter: u32,
    pub(super) origin: String,
    pub(super) rp: String,
    pub(super) verifies: bool,
}

/// What a page asks an authenticator.
pub(super) fn options(page: &Page, kind: &str) -> Value {
    serde_json::from_str(&page.attribute(&format!("data-passkey=\"{kind}\""), "data-options")).expect("JSON")
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

impl Authenticator {
    /// Makes a passkey; answers it with what the page gets.
    pub(super) fn create(options: &Value, origin: &str) -> (Self, String) {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let mut id = vec![0; 32];
        rand::fill(&mut id).expect("randomness");
        let user = options["user"]["id"].as_str().expect("a user handle").to_owned();
        let rp = options["rp"]["id"].as_str().expect("a relying party").to_owned();
        let made = Self { key, id, user, counter: 1, origin: origin.to_owned(), rp, verifies: true };
        let answer = made.attestation(options);
        (made, answer)
    }

    /// What the page gets for a new passkey.
    pub(super) fn attestation(&self, options: &Value) -> String {
        let point = self.key.public_key().as_ref();
        // COSE: kty EC2, alg ES256, crv P-256, x, y.
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend_from_slice(&point[1..33]);
        cose.extend_from_slice(&[0x22, 0x58, 0x20]);
        cose.extend_from_slice(&point[33..65]);
        let mut data = self.data(ATTESTED);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(self.id.len()).expect("short").to_be_bytes());
        data.extend_from_slice(&self.id);
        data.extend_from_slice(&cose);
        let mut object = vec![0xa3, 0x63];
        object.extend_from_slice(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(data.len()).expect("fewer than 256 bytes"));
        object.extend_from_slice(&data);
        self.credential(&json!({
            "attestationObject": URL_SAFE_NO_PAD.encode(&object),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create", options)),
        }))
    }

    /// Answers a question, and counts it.
    pub(super) fn get(&mut self, options: &Value) -> String {
        self.counter += 1;
        self.signed(options)
    }

    /// Answers a question with the counter as it is.
    pub(super) fn signed(&self, options: &Value) -> String {
        let client = self.client_data("webauthn.get", options);
        let data = self.data(0);
        let message = [data.as_slice(), &sha256(client.as_bytes())].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).expect("signs");
        self.credential(&json!({
            "authenticatorData": URL_SAFE_NO_PAD.encode(&data),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "userHandle": self.user,
        }))
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let mut data = sha256(self.rp.as_bytes());
        data.push(USER_PRESENT | if self.verifies { USER_VERIFIED } else { 0 } | more);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false }).to_string()
    }

    fn credential(&self, response: &Value) -> String {
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} }).to_string()
    }
}
