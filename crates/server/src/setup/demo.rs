//! The demo tenant: a directory and a subscription in which the whole journey can be walked.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use entrance_model::Timestamp;
use entrance_model::access::{Assignment, PrincipalType, built_in};
use entrance_model::arm::{Scope, Subscription};
use entrance_model::directory::{
    Application, Credential, Group, Member, MemberKind, Proof, Redirects, ServicePrincipal, SubjectRule, Tenant, User,
};
use entrance_model::id::{AssignmentId, CredentialId, PrincipalId, RoleId};
use entrance_store::Tx;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::facts::{DemoApp, DemoFacts, DemoFiles, password};
use super::seed::{Part, Seed, SeedError};
use super::{SetupError, insert_tenant};
use crate::app::App;
use crate::authority::keys::{Header, KeyRing};
use crate::config::TrustedIssuer;
use crate::data_dir::write_whole;
use crate::hex::{sha1_hex, sha256_hex};
use crate::http::tls::validity;

/// The issuer of the demo's federated credential; nothing ever connects to it.
pub const ISSUER: &str = "https://issuer.demo.entrance.example";
const SUBJECT: &str = "system:serviceaccount:ci:deployer";
const FEDERATION_AUDIENCE: &str = "api://AzureADTokenExchange";
/// How long the demo's federated token is good; each start writes a new one.
const FEDERATED_LIFE: Duration = Duration::from_hours(24);
const CREDENTIAL_LIFE: Duration = Duration::from_hours(24 * 365);

/// The facts of the demo in this data directory, new ones for a new directory.
///
/// # Errors
///
/// A seed is given for a demo that exists already, a seed with a mistake, or files that cannot be read or written.
pub fn facts(data: &Path, seed: Option<Seed>) -> Result<DemoFacts, SetupError> {
    let path = DemoFiles::in_data(data).facts;
    match std::fs::read(&path) {
        Ok(_) if seed.is_some() => Err(SetupError::SeedComesTooLate(path)),
        Ok(text) => serde_json::from_slice(&text).map_err(|e| SetupError::File(path, e.to_string())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let seed = seed.unwrap_or_default().complete(password).map_err(|e: SeedError| SetupError::Seed(e))?;
            Ok(DemoFacts::new(seed))
        }
        Err(e) => Err(SetupError::File(path, e.to_string())),
    }
}

/// The issuer that a demo server trusts.
pub fn trusted_issuer(data: &Path) -> TrustedIssuer {
    TrustedIssuer { issuer: ISSUER.to_owned(), jwks: DemoFiles::in_data(data).issuer_keys }
}

/// Makes the tenant when it is not there yet, and writes the files for scripts.
pub async fn prepare(app: &App, facts: &DemoFacts, ca: &Path) -> Result<DemoFiles, SetupError> {
    let files = DemoFiles::in_data(app.data.path());
    let write =
        |path: &Path, text: &[u8]| write_whole(path, text, 0o600).map_err(|e| SetupError::File(path.to_owned(), e.to_string()));
    let exists = app.store.read().await?.directory().tenant(facts.tenant).await?.is_some();
    if !exists {
        write(&files.facts, &serde_json::to_vec_pretty(facts).expect("facts have only text keys"))?;
        let certificate = Certificate::make(app.now());
        write(&files.certificate, certificate.pem.as_bytes())?;
        insert(app, facts, &certificate).await?;
    }
    let issuer = KeyRing::open_for(&app.store, "demo-issuer", app.now()).await?;
    write(&files.issuer_keys, serde_json::json!({ "keys": issuer.published(None) }).to_string().as_bytes())?;
    let now = app.now().as_second();
    let claims = serde_json::json!({
        "iss": ISSUER, "sub": SUBJECT, "aud": FEDERATION_AUDIENCE, "iat": now, "nbf": now,
        "exp": now + i64::try_from(FEDERATED_LIFE.as_secs()).unwrap_or(i64::MAX), "jti": Uuid::new_v4(),
    });
    write(&files.federated_token, issuer.sign(&claims, Header::V2).as_bytes())?;
    write(&files.env, facts.env(app.base(), ca, app.data.path()).as_bytes())?;
    Ok(files)
}

/// The pipeline's certificate.
struct Certificate {
    /// Private key and certificate.
    pem: String,
    der: Vec<u8>,
}

impl Certificate {
    fn make(now: Timestamp) -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).expect("the library makes RSA keys");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "pipeline");
        (params.not_before, params.not_after) = validity(now, CREDENTIAL_LIFE);
        let certificate = params.self_signed(&key).expect("the parameters are complete");
        Self { pem: format!("{}{}", key.serialize_pem(), certificate.pem()), der: certificate.der().to_vec() }
    }

    fn proof(&self) -> Proof {
        Proof::Certificate {
            der: BASE64.encode(&self.der),
            sha1: sha1_hex(&self.der).to_ascii_uppercase(),
            sha256: sha256_hex(&self.der),
        }
    }
}

async fn insert(app: &App, facts: &DemoFacts, certificate: &Certificate) -> Result<(), SetupError> {
    let now = app.now();
    let mut hashes = Vec::with_capacity(facts.seed.people.len());
    for person in &facts.seed.people {
        hashes.push(app.hasher.hash(Zeroizing::new(person.password.clone().unwrap_or_default())).await);
    }
    let mut salt = vec![0; 32];
    aws_lc_rs::rand::fill(&mut salt).expect("the machine has randomness");
    let tenant = Tenant {
        id: facts.tenant,
        display_name: facts.seed.display_name.clone(),
        domains: vec![facts.seed.domain.clone()],
        salt,
        created: now,
    };
    // One transaction: a demo tenant is whole or not there.
    let mut tx = app.store.write().await?;
    insert_tenant(&mut tx, &tenant, now).await?;
    insert_people(&mut tx, facts, &hashes, now).await?;
    insert_apps(&mut tx, facts, certificate, now).await?;
    let subscription = Subscription {
        id: facts.subscription,
        tenant: facts.tenant,
        name: format!("{} demo", facts.seed.display_name),
        created: now,
    };
    tx.arm().insert_subscription(&subscription).await?;
    let person = |part| PrincipalId::from(facts.person(part).id.expect("the seed was completed"));
    for (role, principal, kind) in [
        (built_in::OWNER, person(Part::Administrator), PrincipalType::User),
        (built_in::READER, person(Part::Member), PrincipalType::User),
        (built_in::CLUSTER_USER, person(Part::Member), PrincipalType::User),
        (built_in::CLUSTER_USER, facts.pipeline.principal.into(), PrincipalType::ServicePrincipal),
        (built_in::READER, facts.pipeline.principal.into(), PrincipalType::ServicePrincipal),
    ] {
        assign(&mut tx, facts, role, principal, kind, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn insert_people(tx: &mut Tx, facts: &DemoFacts, hashes: &[String], now: Timestamp) -> Result<(), SetupError> {
    for (person, hash) in facts.seed.people.iter().zip(hashes) {
        let display_name = person.display_name.clone().unwrap_or_default();
        let user = User {
            id: person.id.expect("the seed was completed"),
            upn: person.upn.parse().expect("the seed was checked"),
            mail_nickname: person.upn.split('@').next().unwrap_or_default().to_owned(),
            given_name: display_name.split_once(' ').map(|(given, _)| given.to_owned()),
            surname: display_name.split_once(' ').map(|(_, family)| family.to_owned()),
            display_name,
            mail: None,
            enabled: true,
            must_change_password: false,
            sessions_valid_from: now,
            is_directory_admin: person.plays == Some(Part::Administrator),
            created: now,
            other: serde_json::Map::new(),
        };
        tx.directory().insert_user(facts.tenant, &user).await?;
        tx.directory().set_password_hash(facts.tenant, user.id, hash).await?;
    }
    for group in &facts.seed.groups {
        let row = Group {
            id: group.id.expect("the seed was completed"),
            display_name: group.name.clone(),
            mail_nickname: group.name.replace(' ', "-").to_ascii_lowercase(),
            description: None,
            security_enabled: true,
            mail_enabled: false,
            created: now,
            other: serde_json::Map::new(),
        };
        tx.directory().insert_group(facts.tenant, &row).await?;
    }
    let ids = facts.seed.ids();
    for group in &facts.seed.groups {
        for member in &group.members {
            let kind = if member.contains('@') { MemberKind::User } else { MemberKind::Group };
            let member = Member { id: PrincipalId::from_uuid(ids[member.as_str()]), kind };
            tx.directory().add_member(facts.tenant, group.id.expect("the seed was completed"), member).await?;
        }
    }
    let pipeline = Member { id: facts.pipeline.principal.into(), kind: MemberKind::ServicePrincipal };
    tx.directory().add_member(facts.tenant, facts.admin_group(), pipeline).await?;
    Ok(())
}

async fn insert_apps(tx: &mut Tx, facts: &DemoFacts, certificate: &Certificate, now: Timestamp) -> Result<(), SetupError> {
    let certificate = credential("certificate", certificate.proof(), now);
    let federated = Proof::Federated {
        name: "ci".to_owned(),
        issuer: ISSUER.to_owned(),
        subject: SubjectRule::Exact(SUBJECT.to_owned()),
        audiences: vec![FEDERATION_AUDIENCE.to_owned()],
        description: Some("The demo's pipeline".to_owned()),
    };
    let federated = credential("federated", federated, now);
    insert_app(tx, facts, &facts.pipeline, "pipeline", Redirects::default(), vec![certificate, federated], now).await?;
    insert_app(tx, facts, &facts.api, "orders-api", Redirects::default(), Vec::new(), now).await?;
    let redirects = Redirects {
        web: vec![facts.redirect_uri.clone(), facts.post_logout_uri.clone()],
        logout: Some(facts.post_logout_uri.clone()),
        ..Redirects::default()
    };
    insert_app(tx, facts, &facts.web, "shop", redirects, Vec::new(), now).await
}

fn credential(name: &str, proof: Proof, now: Timestamp) -> Credential {
    Credential {
        id: CredentialId::from_uuid(Uuid::new_v4()),
        display_name: Some(name.to_owned()),
        start: now,
        end: now.checked_add(CREDENTIAL_LIFE).unwrap_or(Timestamp::MAX),
        proof,
    }
}

async fn insert_app(
    tx: &mut Tx,
    facts: &DemoFacts,
    app: &DemoApp,
    name: &str,
    redirects: Redirects,
    mut credentials: Vec<Credential>,
    now: Timestamp,
) -> Result<(), SetupError> {
    let secret = Proof::Secret { sha256: sha256_hex(app.secret.as_bytes()), hint: app.secret[..3].to_owned() };
    credentials.push(Credential { id: app.secret_id, ..credential("secret", secret, now) });
    let registration = Application {
        id: app.object_id,
        app_id: app.app_id,
        display_name: name.to_owned(),
        identifier_uris: if name == "orders-api" { vec![format!("api://{}", app.app_id)] } else { Vec::new() },
        redirects,
        is_public_client: false,
        token_version: 2,
        credentials,
        created: now,
        other: serde_json::Map::new(),
    };
    tx.directory().insert_application(facts.tenant, &registration).await?;
    let principal = ServicePrincipal {
        id: app.principal,
        app_id: app.app_id,
        display_name: name.to_owned(),
        enabled: true,
        is_first_party: false,
        assignment_required: false,
        credentials: Vec::new(),
        created: now,
        other: serde_json::Map::new(),
    };
    tx.directory().insert_service_principal(facts.tenant, &principal).await?;
    Ok(())
}

async fn assign(
    tx: &mut Tx,
    facts: &DemoFacts,
    role: RoleId,
    principal: PrincipalId,
    principal_type: PrincipalType,
    now: Timestamp,
) -> Result<(), SetupError> {
    let assignment = Assignment {
        id: AssignmentId::from_uuid(Uuid::new_v4()),
        tenant: facts.tenant,
        scope: Scope::subscription(facts.subscription),
        role,
        principal,
        principal_type,
        description: None,
        condition: None,
        created: now,
        created_by: None,
        updated: now,
        updated_by: None,
    };
    tx.arm().insert_assignment(&assignment).await?;
    Ok(())
}
