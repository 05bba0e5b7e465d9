//! Directory objects as Graph shows them: complete, before an answer cuts them to what was asked for.

use entrance_model::Timestamp;
use entrance_model::directory::{Application, Credential, Group, Proof, Redirects, ServicePrincipal, SubjectRule, User};
use entrance_model::id::TenantId;
use entrance_model::signin::manifest::AppRole;
use entrance_model::signin::permission;
use entrance_model::signin::resource::built_in;
use entrance_model::well_known;
use entrance_wire::graph::Object;
use entrance_wire::graph::entity::Entity;
use entrance_wire::graph::tables::{APPLICATION, FEDERATED_CREDENTIAL, GROUP, SERVICE_PRINCIPAL, USER};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whether certificates are shown whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyMaterial {
    /// `key` is `null`.
    Hidden,
    /// `$select=keyCredentials` on one object (G-101).
    Shown,
}

fn complete(entity: &Entity, other: &Object, own: Value) -> Object {
    let mut values = other.clone();
    if let Value::Object(own) = own {
        values.extend(own);
    }
    entity.complete(values)
}

/// A person.
pub(super) fn user(user: &User) -> Object {
    let own = json!({
        "id": user.id.to_string(),
        "displayName": user.display_name,
        "givenName": user.given_name,
        "mail": user.mail,
        "surname": user.surname,
        "userPrincipalName": user.upn.as_str(),
        "accountEnabled": user.enabled,
        "createdDateTime": user.created.to_string(),
        "mailNickname": user.mail_nickname,
        "signInSessionsValidFromDateTime": user.sessions_valid_from.to_string(),
        "securityIdentifier": security_identifier(user.id.uuid()),
        "userType": user.other.get("userType").and_then(Value::as_str).unwrap_or("Member"),
        "identities": [{
            "signInType": "userPrincipalName",
            "issuer": user.upn.domain(),
            "issuerAssignedId": user.upn.as_str(),
        }],
    });
    complete(&USER, &user.other, own)
}

/// A group.
pub(super) fn group(group: &Group) -> Object {
    let mail = group.mail_enabled.then(|| group.other.get("mail").cloned()).flatten();
    let own = json!({
        "id": group.id.to_string(),
        "createdDateTime": group.created.to_string(),
        "description": group.description,
        "displayName": group.display_name,
        "mail": mail,
        "mailEnabled": group.mail_enabled,
        "mailNickname": group.mail_nickname,
        "renewedDateTime": group.created.to_string(),
        "securityEnabled": group.security_enabled,
        "securityIdentifier": security_identifier(group.id.uuid()),
    });
    complete(&GROUP, &group.other, own)
}

/// An application registration.
pub(super) fn application(app: &Application, publisher: Option<&str>, keys: KeyMaterial) -> Object {
    let own = json!({
        "id": app.id.to_string(),
        "appId": app.app_id.to_string(),
        "api": api(app),
        "createdDateTime": app.created.to_string(),
        "displayName": app.display_name,
        "identifierUris": app.identifier_uris,
        "info": app.other.get("info").cloned().unwrap_or_else(no_info),
        "isFallbackPublicClient": app.is_public_client,
        "keyCredentials": key_credentials(&app.credentials, keys),
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "passwordCredentials": password_credentials(&app.credentials),
        "publicClient": {"redirectUris": app.redirects.public_client},
        "publisherDomain": publisher,
        "signInAudience": app.other.get("signInAudience").cloned().unwrap_or_else(|| "AzureADMyOrg".into()),
        "spa": {"redirectUris": app.redirects.spa},
        "verifiedPublisher": {"displayName": null, "verifiedPublisherId": null, "addedDateTime": null},
        "web": web(app),
    });
    complete(&APPLICATION, &app.other, own)
}

fn no_info() -> Value {
    json!({"logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null, "termsOfServiceUrl": null})
}

/// What is kept of a member that is an object, over its defaults, under what has fields of its own.
fn layered(defaults: Value, kept: Option<&Value>, own: Value) -> Value {
    let mut all = Object::new();
    for layer in [Some(defaults), kept.cloned(), Some(own)] {
        if let Some(Value::Object(layer)) = layer {
            all.extend(layer);
        }
    }
    Value::Object(all)
}

fn api(app: &Application) -> Value {
    let defaults = json!({
        "acceptMappedClaims": null, "knownClientApplications": [], "requestedAccessTokenVersion": null,
        "oauth2PermissionScopes": [], "preAuthorizedApplications": [],
    });
    let version = if app.token_version == 2 { json!(2) } else { Value::Null };
    layered(defaults, app.other.get("api"), json!({"requestedAccessTokenVersion": version}))
}

fn web(app: &Application) -> Value {
    let Redirects { web, logout, .. } = &app.redirects;
    let defaults = json!({
        "homePageUrl": null, "logoutUrl": null, "redirectUris": [],
        "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false},
    });
    let settings: Vec<_> = web.iter().map(|uri| json!({"uri": uri, "index": null})).collect();
    layered(defaults, app.other.get("web"), json!({"redirectUris": web, "logoutUrl": logout, "redirectUriSettings": settings}))
}

/// An application's identity; `app` is its registration, which the built-in ones do not have.
pub(super) fn service_principal(
    principal: &ServicePrincipal,
    app: Option<&Application>,
    tenant: TenantId,
    keys: KeyMaterial,
) -> Object {
    let owner = if principal.is_first_party { BUILT_IN_OWNER.to_owned() } else { tenant.to_string() };
    let api = app.and_then(|app| app.other.get("api"));
    let redirects = app.map(|app| &app.redirects);
    let reply_urls: Vec<_> = redirects.iter().flat_map(|r| r.web.iter().chain(&r.spa).chain(&r.public_client)).collect();
    let own = json!({
        "id": principal.id.to_string(),
        "accountEnabled": principal.enabled,
        "appDisplayName": app.map_or(&principal.display_name, |app| &app.display_name),
        "appId": principal.app_id.to_string(),
        "appOwnerOrganizationId": owner,
        "appRoleAssignmentRequired": principal.assignment_required,
        "appRoles": app.and_then(|app| app.other.get("appRoles")).cloned().unwrap_or_else(|| own_roles(principal)),
        "createdDateTime": principal.created.to_string(),
        "displayName": principal.display_name,
        "info": no_info(),
        "keyCredentials": key_credentials(&principal.credentials, keys),
        "oauth2PermissionScopes": api.and_then(|api| api.get("oauth2PermissionScopes")).cloned().unwrap_or_else(|| offered(principal)),
        "passwordCredentials": password_credentials(&principal.credentials),
        "replyUrls": reply_urls,
        "servicePrincipalNames": names(principal, app),
        "servicePrincipalType": "Application",
        "signInAudience": app.map_or("AzureADMultipleOrgs", |_| "AzureADMyOrg"),
        "verifiedPublisher": {"displayName": null, "verifiedPublisherId": null, "addedDateTime": null},
    });
    complete(&SERVICE_PRINCIPAL, &principal.other, own)
}

/// The roles of a built-in application.
fn own_roles(principal: &ServicePrincipal) -> Value {
    let roles = built_in(principal.app_id).map(|kind| kind.manifest().roles).unwrap_or_default();
    let show = |role: &AppRole| {
        json!({
            "allowedMemberTypes": ["Application"], "description": role.value, "displayName": role.value, "id": role.id,
            "isEnabled": true, "origin": "Application", "value": role.value,
        })
    };
    roles.iter().map(show).collect()
}

/// The delegated permissions of a built-in resource.
fn offered(principal: &ServicePrincipal) -> Value {
    let known = built_in(principal.app_id).map(permission::built_in).unwrap_or_default();
    let scopes = known.iter().map(|one| {
        json!({
            "adminConsentDescription": one.value,
            "adminConsentDisplayName": one.value,
            "id": one.id.to_string(),
            "isEnabled": true,
            "type": if one.admin_only { "Admin" } else { "User" },
            "userConsentDescription": null,
            "userConsentDisplayName": null,
            "value": one.value,
        })
    });
    scopes.collect()
}

/// The organisation that owns the built-in applications in every tenant of the original.
const BUILT_IN_OWNER: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// The client id and everything else that tokens can be asked for by (G-108).
fn names(principal: &ServicePrincipal, app: Option<&Application>) -> Vec<String> {
    let mut names = vec![principal.app_id.to_string()];
    names.extend(app.into_iter().flat_map(|app| app.identifier_uris.iter().cloned()));
    if principal.app_id == well_known::GRAPH {
        names.push("https://graph.microsoft.com".into());
    } else if principal.app_id == well_known::ARM {
        names.extend(["https://management.azure.com/".into(), "https://management.core.windows.net/".into()]);
    }
    names
}

fn key_credentials(all: &[Credential], keys: KeyMaterial) -> Value {
    let certificates = all.iter().filter_map(|one| match &one.proof {
        Proof::Certificate { der, sha1, .. } => Some(json!({
            "customKeyIdentifier": sha1,
            "displayName": one.display_name,
            "endDateTime": one.end.to_string(),
            "key": (keys == KeyMaterial::Shown).then_some(der),
            "keyId": one.id.to_string(),
            "startDateTime": one.start.to_string(),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        })),
        _ => None,
    });
    certificates.collect()
}

fn password_credentials(all: &[Credential]) -> Value {
    all.iter().filter_map(|one| password_credential(one, None)).collect()
}

/// A secret; its text only in the answer that made it.
pub(super) fn password_credential(credential: &Credential, text: Option<&str>) -> Option<Value> {
    let Proof::Secret { hint, .. } = &credential.proof else { return None };
    Some(json!({
        "customKeyIdentifier": null,
        "displayName": credential.display_name,
        "endDateTime": credential.end.to_string(),
        "hint": hint,
        "keyId": credential.id.to_string(),
        "secretText": text,
        "startDateTime": credential.start.to_string(),
    }))
}

/// A federated credential.
pub(super) fn federated(credential: &Credential) -> Option<Object> {
    let Proof::Federated { name, issuer, subject, audiences, description } = &credential.proof else { return None };
    let own = json!({
        "id": credential.id.to_string(),
        "name": name,
        "issuer": issuer,
        "subject": subject.exact(),
        "claimsMatchingExpression": match subject {
            SubjectRule::Exact(_) => Value::Null,
            SubjectRule::Matching(expression) => json!({ "value": expression.as_str(), "languageVersion": 1 }),
        },
        "description": description,
        "audiences": audiences,
    });
    Some(complete(&FEDERATED_CREDENTIAL, &Object::new(), own))
}

/// The security identifier that belongs to an object id: its four little-endian words (G-301).
pub(super) fn security_identifier(id: Uuid) -> String {
    let bytes = id.to_bytes_le();
    let words = bytes.chunks_exact(4).map(|word| word.iter().rev().fold(0_u32, |all, byte| (all << 8) | u32::from(*byte)));
    words.fold("S-1-12-1".to_owned(), |text, word| format!("{text}-{word}"))
}

/// A moment that a client wrote.
pub(super) fn time(value: Option<&Value>) -> Option<Timestamp> {
    value.and_then(Value::as_str).and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g_301_the_security_identifier_follows_from_the_object_id() {
        let id = uuid::uuid!("0b5c1bd1-b5c3-4b5b-8ac1-02b9d2b0e0e4");
        assert_eq!(security_identifier(id), "S-1-12-1-190585809-1264301507-3103965578-3839930578");
    }
}
