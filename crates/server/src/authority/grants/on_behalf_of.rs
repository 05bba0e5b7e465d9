//! An application asks for another one in the name of the person who called it (S-260).
//!
//! What it shows is the access token that the person sent. Everything about that token is checked as if it came to one of
//! our own APIs: who made it, whom it is for, whether it still counts, and that no key is bound to it.

use entrance_model::signin::policy::GrantKind;
use entrance_model::signin::refresh::Origin;
use entrance_model::signin::{Aadsts, SignIn};
use entrance_wire::oauth::token::Tokens;
use serde_json::Value;

use super::Request;
use crate::authority::behind::{self, Behind};
use crate::authority::issue::{ForPerson, for_person};
use crate::authority::keys::TokenError;
use crate::authority::refused::Refused;
use crate::authority::token::{AccessToken, IdentityType};

/// What the middle tier passes on, so that the person proves more (S-260).
const MORE: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"mfa"}}}"#;

/// Exchanges the token of a person.
pub(super) async fn redeem(request: &Request<'_>) -> Result<Tokens, Refused> {
    let Request { ctx, tenant, place, client, proof, form, .. } = request;
    if let Some(shared) = place.shared {
        return Err(Refused::from(Aadsts::GrantNotOverCommon).about("tenant", shared));
    }
    if form.get("requested_token_use") != Some("on_behalf_of") {
        return Err(Refused::missing("requested_token_use"));
    }
    let assertion = request.need("assertion")?;
    request.need(request.scope_name())?;
    // A client that anybody can pose as must not turn tokens into others.
    if !proof.is_some() {
        return Err(Aadsts::ClientCredentialRequired.into());
    }
    let wanted = request.wanted(None)?;
    let (token, behind) = presented(request, assertion)?;
    let person = token.oid.as_user();
    let mut reader = ctx.app.store.read().await?;
    let revoked = reader.authority().revoked(tenant.id, &token.issued()).await?;
    drop(reader);
    let user = request.user(person).await?;
    if revoked.is_some() || token.iat < user.sessions_valid_from.as_second() {
        return Err(Refused::from(Aadsts::FreshTokenNeeded).of(person).because("the person's token was revoked"));
    }
    let Behind { how, at } = Behind::of(behind.as_deref(), &user);
    let session = token.sid.ok_or_else(|| Refused::from(Aadsts::InvalidAssertion).of(person))?;
    let by = SignIn { user: person, at, how, session };
    let scope = form.get(request.scope_name()).unwrap_or_default();
    let lineage = request.lineage(&wanted, &by, Origin::OnBehalfOf, scope);
    let who = ForPerson { tenant, client, proof, user: &user, by: &by, kind: "on_behalf_of", grant: GrantKind::OnBehalfOf };
    let prepared = for_person(ctx, who, &wanted, lineage).await.map_err(stepping_up)?;
    let now = ctx.now();
    let mut tx = ctx.app.store.write().await?;
    proof.spend(&mut tx, now).await?;
    prepared.keep(&mut tx, now).await?;
    tx.commit().await?;
    Ok(prepared.tokens)
}

/// The token that was shown, and what it carries of the sign-in behind it.
fn presented(request: &Request<'_>, assertion: &str) -> Result<(AccessToken, Option<String>), Refused> {
    let Request { ctx, tenant, client, .. } = request;
    let bad = |why: &str| Refused::from(Aadsts::InvalidAssertion).because(why);
    let claims: Value = ctx.app.keys.verify_claims(assertion).map_err(|error| bad(&error.to_string()))?;
    if claims.get("idtyp").is_none() {
        return Err(Refused::from(Aadsts::IdTokenAsAssertion));
    }
    let behind = claims.get(behind::CLAIM).and_then(Value::as_str).map(str::to_owned);
    let token: AccessToken = serde_json::from_value(claims).map_err(|_| bad("a claim is missing or of another kind"))?;
    match token.in_time(ctx.now()) {
        Ok(()) => {}
        Err(TokenError::Expired(_)) => return Err(Aadsts::AssertionNotInTimeRange.into()),
        Err(error) => return Err(bad(&error.to_string())),
    }
    let is_ours = token.iss == ctx.app.issuer_v1(tenant.id) || token.iss == ctx.app.issuer_v2(tenant.id);
    if !is_ours || token.tid != tenant.id {
        return Err(bad("the token is of another tenant"));
    }
    if !client.is_meant_by(&token.aud, ctx.app.base()) {
        return Err(Refused::from(Aadsts::InvalidAssertionAudience).because("the token was made for another application"));
    }
    if token.idtyp == IdentityType::App {
        return Err(Aadsts::OboNotAllowed.into());
    }
    // Whoever holds such a token without its key is not the one it was made for (S-431).
    if token.cnf.is_some() {
        return Err(bad("the token is bound to a key"));
    }
    Ok((token, behind))
}

/// A second factor cannot be asked for here: the middle tier is told what to send the person back with.
fn stepping_up(refused: Refused) -> Refused {
    let needs_more = matches!(
        refused.number,
        Aadsts::UserStrongAuthClientAuthNRequired
            | Aadsts::UserStrongAuthEnrollmentRequired
            | Aadsts::UserStrongAuthExpired
            | Aadsts::BadTokenDueToSignInFrequency
    );
    if needs_more { refused.error("interaction_required").claims(MORE) } else { refused }
}
