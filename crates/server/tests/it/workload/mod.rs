//! First administrators, one-time codes, tokens of other issuers, and identities of this machine.

mod checklist;
mod directory;
mod federated;
mod first;
mod identity;
mod import;
mod issuer;
mod passes;

use entrance_testkit::Entrance;
use serde_json::Value;

/// The kinds of the audit events whose name begins like this, oldest first.
async fn told(world: &Entrance, begins: &str) -> Vec<String> {
    let admin = world.directory_admin(&format!("auditor{}", begins.replace('.', ""))).await;
    let token = world.graph_token(&admin);
    let answer = world.graph(&token, "GET", &format!("/v1.0/entrance/audit/newest?$top=200&kind={begins}"), Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut kinds = answer.each("kind");
    kinds.reverse();
    kinds
}
