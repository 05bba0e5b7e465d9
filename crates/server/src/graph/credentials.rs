//! `addPassword` and `removePassword` of applications and service principals (G-400).

use aws_lc_rs::rand;
use axum::extract::Path;
use entrance_model::directory::{Credential, Proof};
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::directory_rules::credentials::{remove_secret, room, secret_validity};
use entrance_model::id::CredentialId;
use entrance_wire::graph::Object;
use entrance_wire::graph::body::BadBody;
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{NoContent, Reply, Shown};
use super::{applications, service_principals, show};
use crate::hex::sha256_hex;

/// `POST /applications/{id}/addPassword`
pub(super) async fn add_to_application(ctx: Ctx, Path(key): Path<String>, body: Json) -> Reply<Shown> {
    let (credential, secret) = new_secret(&ctx, &body)?;
    let mut tx = ctx.app.store.write().await?;
    let (mut app, allowed) = applications::to_change(&ctx, &mut tx, &key, Action::ChangeCredentials(Area::Applications)).await?;
    room(&app.credentials)?;
    app.credentials.push(credential.clone());
    tx.directory().update_application(ctx.tenant, &app).await?;
    ctx.record(&mut tx, &allowed, "application.secretAdded", app.id.uuid(), told(&credential)).await?;
    tx.commit().await?;
    Ok(shown(&ctx, &credential, &secret))
}

/// `POST /applications/{id}/removePassword`
pub(super) async fn remove_from_application(ctx: Ctx, Path(key): Path<String>, body: Json) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let (mut app, allowed) = applications::to_change(&ctx, &mut tx, &key, Action::ChangeCredentials(Area::Applications)).await?;
    let id = key_id(&body)?;
    remove_secret(&mut app.credentials, id)?;
    tx.directory().update_application(ctx.tenant, &app).await?;
    ctx.record(&mut tx, &allowed, "application.secretRemoved", app.id.uuid(), json!({"keyId": id.to_string()})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `POST /servicePrincipals/{id}/addPassword`
pub(super) async fn add_to_service_principal(ctx: Ctx, Path(key): Path<String>, body: Json) -> Reply<Shown> {
    let (credential, secret) = new_secret(&ctx, &body)?;
    let mut tx = ctx.app.store.write().await?;
    let action = Action::ChangeCredentials(Area::ServicePrincipals);
    let (mut principal, allowed) = service_principals::to_change(&ctx, &mut tx, &key, action).await?;
    room(&principal.credentials)?;
    principal.credentials.push(credential.clone());
    tx.directory().update_service_principal(ctx.tenant, &principal).await?;
    ctx.record(&mut tx, &allowed, "servicePrincipal.secretAdded", principal.id.uuid(), told(&credential)).await?;
    tx.commit().await?;
    Ok(shown(&ctx, &credential, &secret))
}

/// `POST /servicePrincipals/{id}/removePassword`
pub(super) async fn remove_from_service_principal(ctx: Ctx, Path(key): Path<String>, body: Json) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let action = Action::ChangeCredentials(Area::ServicePrincipals);
    let (mut principal, allowed) = service_principals::to_change(&ctx, &mut tx, &key, action).await?;
    let id = key_id(&body)?;
    remove_secret(&mut principal.credentials, id)?;
    tx.directory().update_service_principal(ctx.tenant, &principal).await?;
    ctx.record(&mut tx, &allowed, "servicePrincipal.secretRemoved", principal.id.uuid(), json!({"keyId": id.to_string()}))
        .await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// A secret that is shown once; we keep its hash.
fn new_secret(ctx: &Ctx, body: &Json) -> Result<(Credential, Zeroizing<String>), GraphError> {
    let empty = Value::Null;
    // `{}` and no body at all ask for a secret with the usual validity.
    let asked = body.0.get("passwordCredential").unwrap_or(&empty);
    let moment = |name: &'static str| match asked.get(name).filter(|value| !value.is_null()) {
        None => Ok(None),
        value => show::time(value).map(Some).ok_or(BadBody::Value { property: name, entity: "PasswordCredential" }),
    };
    let (start, end) = secret_validity(moment("startDateTime")?, moment("endDateTime")?, ctx.now())?;
    let display_name = asked.get("displayName").and_then(Value::as_str).filter(|name| name.chars().count() <= 256);
    let secret = random_secret();
    let credential = Credential {
        id: CredentialId::from_uuid(Uuid::new_v4()),
        display_name: display_name.map(str::to_owned),
        start,
        end,
        proof: Proof::Secret { sha256: sha256_hex(secret.as_bytes()), hint: secret.chars().take(3).collect() },
    };
    Ok((credential, secret))
}

/// 40 characters, of which 36 are random (216 bits). The middle makes it recognisable to secret scanners, as the
/// original's are.
fn random_secret() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 37]);
    rand::fill(bytes.as_mut()).expect("the system gives random bytes");
    let mut secret = Zeroizing::new(String::with_capacity(40));
    for (at, byte) in bytes.iter().enumerate() {
        if at == 3 {
            secret.push_str("8Q~");
        }
        // A secret that begins with a hyphen would be taken for an option on a command line.
        let letters = if at == 0 { &ALPHABET[..32] } else { ALPHABET };
        secret.push(char::from(letters[usize::from(*byte) % letters.len()]));
    }
    secret
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn shown(ctx: &Ctx, credential: &Credential, secret: &str) -> Shown {
    let object = match show::password_credential(credential, Some(secret)) {
        Some(Value::Object(object)) => object,
        _ => Object::new(),
    };
    ctx.one("microsoft.graph.passwordCredential", object)
}

fn told(credential: &Credential) -> Value {
    json!({"keyId": credential.id.to_string(), "displayName": credential.display_name, "until": credential.end.to_string()})
}

fn key_id(body: &Json) -> Result<CredentialId, GraphError> {
    let id = body.required("keyId")?.as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| GraphError::bad_request("Invalid value specified for parameter 'keyId'."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g_400_a_secret_has_40_characters_and_a_tilde() {
        let (one, other) = (random_secret(), random_secret());
        assert_eq!(one.len(), 40);
        assert_eq!(&one[3..6], "8Q~");
        assert_ne!(*one, *other);
        assert!(one.starts_with(|c: char| c.is_ascii_alphabetic()));
    }
}
