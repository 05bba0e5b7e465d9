//! `/applications/{id}/federatedIdentityCredentials`: tokens of other issuers that an application proves itself with
//! (G-404).

use axum::extract::Path;
use entrance_model::directory::{Application, Credential, Proof, SubjectRule};
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::directory_rules::credentials::{FOR_EVER, federated};
use entrance_model::id::CredentialId;
use entrance_model::signin::federation::Expression;
use entrance_model::signin::federation::expression::BadExpression;
use entrance_wire::graph::body::{BadBody, Body, Mode};
use entrance_wire::graph::tables::FEDERATED_CREDENTIAL;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{NoContent, Reply, Shown};
use super::{applications, show};

const ACTION: Action = Action::ChangeCredentials(Area::Applications);

fn fragment(app: &Application) -> String {
    format!("applications('{}')/federatedIdentityCredentials", app.id)
}

async fn read(ctx: &Ctx, key: &str) -> Result<Application, GraphError> {
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let app = ctx.or_forbidden(Action::Read(Area::Applications), ctx.application(&mut directory, key).await)?;
    ctx.allow_on(&mut directory, Action::Read(Area::Applications), applications::target(&app)).await?;
    Ok(app)
}

/// The credential with this id or name.
fn position(app: &Application, key: &str) -> Result<usize, GraphError> {
    let is_it = |one: &Credential| match &one.proof {
        Proof::Federated { name, .. } => one.id.to_string() == key || name.eq_ignore_ascii_case(key),
        _ => false,
    };
    app.credentials.iter().position(is_it).ok_or_else(|| GraphError::not_found(key))
}

/// `GET …/federatedIdentityCredentials`
pub(super) async fn list(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let app = read(&ctx, &key).await?;
    let options = ctx.options()?;
    FEDERATED_CREDENTIAL.check_select(options.select.as_deref())?;
    let all = app.credentials.iter().filter_map(show::federated);
    let found = all.filter(|object| options.filter.as_ref().is_none_or(|filter| filter.matches(object)));
    let values = found.map(|object| Value::Object(FEDERATED_CREDENTIAL.cut(object, options.select.as_deref()))).collect();
    Ok(ctx.values(&fragment(&app), values))
}

/// `GET …/federatedIdentityCredentials/{id or name}`
pub(super) async fn show(ctx: Ctx, Path((key, credential)): Path<(String, String)>) -> Reply<Shown> {
    let app = read(&ctx, &key).await?;
    let at = position(&app, &credential)?;
    let object = show::federated(&app.credentials[at]).ok_or_else(|| GraphError::not_found(&credential))?;
    Ok(ctx.one(&format!("{}/$entity", fragment(&app)), object))
}

/// `POST …/federatedIdentityCredentials`
pub(super) async fn create(ctx: Ctx, Path(key): Path<String>, Json(body): Json) -> Reply<Shown> {
    let mut body = Body::read(&FEDERATED_CREDENTIAL, body, Mode::Create)?;
    let missing = |property| GraphError::from(BadBody::Missing { property, entity: FEDERATED_CREDENTIAL.name });
    let credential = Credential {
        id: CredentialId::from_uuid(Uuid::new_v4()),
        display_name: None,
        start: ctx.now(),
        // It does not end by itself; the tokens that it admits do.
        end: FOR_EVER,
        proof: Proof::Federated {
            name: body.take_text("name").flatten().ok_or_else(|| missing("name"))?,
            issuer: body.take_text("issuer").flatten().ok_or_else(|| missing("issuer"))?,
            subject: subject(&mut body)?.ok_or_else(|| missing("subject"))?,
            audiences: body.take_texts("audiences").ok_or_else(|| missing("audiences"))?,
            description: body.take_text("description").flatten(),
        },
    };
    let mut tx = ctx.app.store.write().await?;
    let (mut app, allowed) = applications::to_change(&ctx, &mut tx, &key, ACTION).await?;
    federated(&credential, &app.credentials)?;
    app.credentials.push(credential.clone());
    tx.directory().update_application(ctx.tenant, &app).await?;
    ctx.record(&mut tx, &allowed, "application.federationAdded", app.id.uuid(), told(&credential)).await?;
    tx.commit().await?;
    let object = show::federated(&credential).ok_or_else(|| GraphError::not_found(&key))?;
    Ok(ctx.created(&fragment(&app), &credential.id, object))
}

/// `PATCH …/federatedIdentityCredentials/{id or name}`
pub(super) async fn update(ctx: Ctx, Path((key, credential)): Path<(String, String)>, Json(body): Json) -> Reply<NoContent> {
    let mut body = Body::read(&FEDERATED_CREDENTIAL, body, Mode::Update)?;
    let mut tx = ctx.app.store.write().await?;
    let (mut app, allowed) = applications::to_change(&ctx, &mut tx, &key, ACTION).await?;
    let at = position(&app, &credential)?;
    let mut changed = app.credentials[at].clone();
    if let Proof::Federated { issuer, subject: rule, audiences, description, .. } = &mut changed.proof {
        if let Some(text) = body.take_text("issuer") {
            *issuer = text.unwrap_or_default();
        }
        if let Some(changed) = subject(&mut body)? {
            *rule = changed;
        }
        if let Some(all) = body.take_texts("audiences") {
            *audiences = all;
        }
        if let Some(text) = body.take_text("description") {
            *description = text;
        }
    }
    federated(&changed, &app.credentials)?;
    let detail = told(&changed);
    app.credentials[at] = changed;
    tx.directory().update_application(ctx.tenant, &app).await?;
    ctx.record(&mut tx, &allowed, "application.federationUpdated", app.id.uuid(), detail).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `DELETE …/federatedIdentityCredentials/{id or name}`
pub(super) async fn remove(ctx: Ctx, Path((key, credential)): Path<(String, String)>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let (mut app, allowed) = applications::to_change(&ctx, &mut tx, &key, ACTION).await?;
    let at = position(&app, &credential)?;
    let gone = app.credentials.remove(at);
    tx.directory().update_application(ctx.tenant, &app).await?;
    ctx.record(&mut tx, &allowed, "application.federationRemoved", app.id.uuid(), told(&gone)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Whose tokens are meant: a subject or an expression, never both. `None` when the body says nothing of it.
fn subject(body: &mut Body) -> Result<Option<SubjectRule>, GraphError> {
    let wrong = |property| GraphError::from(BadBody::Value { property, entity: FEDERATED_CREDENTIAL.name });
    let exact = body.take_text("subject").flatten();
    let Some(asked) = body.take_value("claimsMatchingExpression").filter(|value| !value.is_null()) else {
        return Ok(exact.map(SubjectRule::Exact));
    };
    if exact.is_some() {
        return Err(GraphError::bad_request("A credential has either 'subject' or 'claimsMatchingExpression'."));
    }
    // Some clients write the version as text.
    let version = asked.get("languageVersion").unwrap_or(&Value::Null);
    if !(version.is_null() || version == 1 || version == "1") {
        return Err(wrong("claimsMatchingExpression"));
    }
    let text = asked.get("value").and_then(Value::as_str).ok_or_else(|| wrong("claimsMatchingExpression"))?;
    let expression: Expression = text.parse().map_err(|error: BadExpression| {
        GraphError::bad_request(format!("Invalid value specified for property 'claimsMatchingExpression': {error}."))
    })?;
    Ok(Some(SubjectRule::Matching(expression)))
}

fn told(credential: &Credential) -> Value {
    match &credential.proof {
        Proof::Federated { name, issuer, subject, .. } => {
            let subject = match subject {
                SubjectRule::Exact(subject) => subject.as_str(),
                SubjectRule::Matching(expression) => expression.as_str(),
            };
            json!({"name": name, "issuer": issuer, "subject": subject})
        }
        _ => json!({}),
    }
}
