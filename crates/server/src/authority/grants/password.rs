//! Name and password sent by a program (S-250): for demos and tests, where no browser is at hand.

use entrance_model::id::{DeviceId, SessionId};
use entrance_model::signin::policy::GrantKind;
use entrance_model::signin::refresh::Origin;
use entrance_model::signin::session::{Place, Session};
use entrance_model::signin::{Method, SignIn};
use entrance_wire::oauth::token::Tokens;
use uuid::Uuid;

use super::Request;
use crate::authority::issue::{ForPerson, for_person};
use crate::authority::refused::Refused;
use crate::authority::{credentials, policies};

/// Signs a person in by name and password.
pub(super) async fn redeem(request: &Request<'_>) -> Result<Tokens, Refused> {
    let Request { ctx, tenant, client, proof, form, .. } = request;
    client.demand(proof)?;
    policies::password_grant(ctx, tenant, client.app).await?;
    let (name, password) = (request.need("username")?, request.need("password")?);
    let scope = form.get(request.scope_name()).unwrap_or_default().to_owned();
    let wanted = request.wanted(None)?;
    let proven = credentials::check(ctx, tenant, name, password).await?;
    let user = proven.user();
    let by = SignIn { user: user.id, at: ctx.now(), how: vec![Method::Pwd], session: SessionId::from_uuid(Uuid::new_v4()) };
    let lineage = request.lineage(&wanted, &by, Origin::Password, &scope);
    let who = ForPerson { tenant, client, proof, user, by: &by, kind: "password", grant: GrantKind::Password };
    let prepared = for_person(ctx, who, &wanted, lineage).await?;
    let session = Session {
        id: by.session,
        user: user.id,
        place: Place::Password,
        device: DeviceId::from_uuid(Uuid::new_v4()),
        parent: None,
        app: Some(client.app),
        address: ctx.address(),
        agent: ctx.info.user_agent.clone(),
        began: by.at,
        seen: by.at,
        seen_from: ctx.address(),
        until: by.at,
        ended: None,
    };
    let mut tx = ctx.app.store.write().await?;
    tx.authority().insert_session(tenant.id, &session).await?;
    proof.spend(&mut tx, ctx.now()).await?;
    prepared.keep(&mut tx, ctx.now()).await?;
    tx.commit().await?;
    Ok(prepared.tokens)
}
