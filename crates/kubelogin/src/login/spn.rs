//! `--login spn`: an application with a secret or a certificate.

use entrance_client::cache::Subject;
use entrance_client::grant::{self, Request, assertion};
use entrance_client::key::Certificate;
use entrance_client::{Http, Secret, SignInError, SignedIn};

use zeroize::Zeroizing;

use super::{BadLogin, pop};
use crate::options::{Opt, Settings};

pub(crate) struct Spn {
    pub(super) request: Request,
    proof: Proof,
}

enum Proof {
    Secret(Secret),
    Certificate(Box<Certificate>),
}

impl Spn {
    pub(super) fn of(settings: &Settings) -> Result<Self, BadLogin> {
        let certificate = settings.text(Opt::ClientCertificate);
        let secret = settings.text(Opt::ClientSecret);
        pop::check(settings)?;
        let request = Request { legacy: settings.is_on(Opt::Legacy), ..super::request(settings)? };
        let proof = match (certificate, secret) {
            (Some(file), _) => Proof::Certificate(Box::new(read(file, settings.text(Opt::ClientCertificatePassword))?)),
            (None, Some(secret)) => Proof::Secret(Secret::new(secret.to_owned())),
            (None, None) => return Err(BadLogin::NoSecret),
        };
        Ok(Self { request, proof })
    }

    pub(super) fn subject(&self) -> Subject {
        Subject::Application(match &self.proof {
            Proof::Secret(secret) => secret.fingerprint(),
            Proof::Certificate(certificate) => certificate.fingerprint(),
        })
    }

    pub(super) async fn sign_in(&self, http: &Http) -> Result<SignedIn, SignInError> {
        match &self.proof {
            Proof::Secret(secret) => grant::client_secret(http, &self.request, secret).await,
            Proof::Certificate(certificate) => assertion::sign_in(http, &self.request, certificate).await,
        }
    }
}

/// PEM or PKCS#12, whatever its name says; the password opens what is protected.
fn read(file: &str, password: Option<&str>) -> Result<Certificate, BadLogin> {
    let bytes = std::fs::read(file).map(Zeroizing::new);
    let bytes = bytes.map_err(|source| BadLogin::CertificateFile { file: file.to_owned(), source })?;
    Certificate::read(&bytes, password).map_err(|source| BadLogin::Certificate { file: file.to_owned(), source })
}
