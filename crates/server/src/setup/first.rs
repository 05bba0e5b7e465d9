//! The first tenant of a server: nobody has a default password.

use std::path::PathBuf;

use entrance_model::access::{Assignment, PrincipalType, built_in};
use entrance_model::arm::{Scope, Subscription};
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{AssignmentId, SubscriptionId, TenantId, UserId};
use entrance_model::name::{Upn, is_domain};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::facts::password;
use super::seed::SeedError;
use super::{SetupError, insert_tenant};
use crate::app::App;
use crate::data_dir::write_whole;

/// The file that holds the first administrator's name and password.
const FILE: &str = "first-administrator";

/// Makes the first tenant, its subscription and its administrator in a new data directory, and names the file (0600)
/// with the administrator's random password. `None` when there is a tenant already.
pub async fn tenant(app: &App, name: &str, domain: &str) -> Result<Option<PathBuf>, SetupError> {
    if !app.store.read().await?.directory().tenants().await?.is_empty() {
        return Ok(None);
    }
    let domain = domain.to_ascii_lowercase();
    if !is_domain(&domain) {
        return Err(SetupError::Seed(SeedError::Invalid(domain, "domain")));
    }
    let upn: Upn = format!("admin@{domain}").parse().expect("the domain was checked");
    let secret = password();
    let hash = app.hasher.hash(Zeroizing::new(secret.clone())).await;
    // Written first: a tenant whose administrator nobody can be would be worse than a file that is not true yet.
    let file = app.data.join(FILE);
    write_whole(&file, format!("{upn}\n{secret}\n").as_bytes(), 0o600)
        .map_err(|e| SetupError::File(file.clone(), e.to_string()))?;
    let now = app.now();
    let mut salt = vec![0; 32];
    aws_lc_rs::rand::fill(&mut salt).expect("the machine has randomness");
    let tenant = Tenant {
        id: TenantId::from_uuid(Uuid::new_v4()),
        display_name: name.to_owned(),
        domains: vec![domain],
        salt,
        created: now,
    };
    let administrator = User {
        id: UserId::from_uuid(Uuid::new_v4()),
        mail_nickname: upn.local_part().to_owned(),
        upn,
        display_name: "Administrator".to_owned(),
        given_name: None,
        surname: None,
        mail: None,
        enabled: true,
        must_change_password: false,
        sessions_valid_from: now,
        is_directory_admin: true,
        created: now,
        other: serde_json::Map::new(),
    };
    let subscription =
        Subscription { id: SubscriptionId::from_uuid(Uuid::new_v4()), tenant: tenant.id, name: name.to_owned(), created: now };
    let owner = Assignment {
        id: AssignmentId::from_uuid(Uuid::new_v4()),
        tenant: tenant.id,
        scope: Scope::subscription(subscription.id),
        role: built_in::OWNER,
        principal: administrator.id.into(),
        principal_type: PrincipalType::User,
        description: None,
        condition: None,
        created: now,
        created_by: None,
        updated: now,
        updated_by: None,
    };
    let mut tx = app.store.write().await?;
    insert_tenant(&mut tx, &tenant, now).await?;
    tx.directory().insert_user(tenant.id, &administrator).await?;
    tx.directory().set_password_hash(tenant.id, administrator.id, &hash).await?;
    tx.arm().insert_subscription(&subscription).await?;
    tx.arm().insert_assignment(&owner).await?;
    tx.commit().await?;
    Ok(Some(file))
}
