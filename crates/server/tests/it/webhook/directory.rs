//! What the directory says counts at every review, also for a token that is remembered.

use entrance_model::directory::{Member, MemberKind, User};
use entrance_model::id::UserId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, person};

fn member(user: &User) -> Member {
    Member { id: user.id.into(), kind: MemberKind::User }
}

async fn groups(world: &World, token: &str) -> Value {
    world.ask(world.cluster.uid, token).await["status"]["user"]["groups"].clone()
}

#[tokio::test]
async fn a_remembered_token_opens_nothing_more_once_the_account_is_disabled_or_gone() {
    let world = World::start().await;
    let token = world.token(|_| {});
    assert_eq!(world.whoami(&token).await, "alice@contoso.example");
    let mut disabled = world.alice.clone();
    disabled.enabled = false;
    let mut tx = world.app().store.write().await.expect("begins");
    tx.directory().update_user(world.tenant, &disabled).await.expect("updates");
    tx.commit().await.expect("commits");
    world.settle().await;
    assert_eq!(world.whoami(&token).await, "refused: the account is disabled");
    let mut tx = world.app().store.write().await.expect("begins");
    tx.directory().delete_user(world.tenant, &world.alice, world.clock.now()).await.expect("deletes");
    tx.commit().await.expect("commits");
    world.settle().await;
    assert_eq!(world.whoami(&token).await, "refused: the person does not exist in the directory any more");
    // Somebody new under the old name is somebody else.
    let heir = User { id: UserId::from_uuid(Uuid::new_v4()), ..person("alice", world.clock.now()) };
    let mut tx = world.app().store.write().await.expect("begins");
    let made = tx.directory().insert_user(world.tenant, &heir).await;
    if made.is_ok() {
        tx.commit().await.expect("commits");
        world.settle().await;
    }
    assert_eq!(world.whoami(&token).await, "refused: the person does not exist in the directory any more");
    world.stop().await;
}

#[tokio::test]
async fn a_group_with_the_display_name_of_an_admin_group_or_of_system_masters_is_only_its_id() {
    let world = World::start().await;
    let admins = world.add_group("Platform Admins", &[]).await;
    let copy = world.add_group("Platform Admins", &[member(&world.alice)]).await;
    let masters = world.add_group("system:masters", &[member(&world.alice)]).await;
    let mut expected = vec![copy.id, masters.id];
    expected.sort();
    let told = groups(&world, &world.token(|_| {})).await;
    assert_eq!(told, json!(expected));
    assert!(!told.to_string().contains(&admins.id.to_string()));
    world.stop().await;
}

#[tokio::test]
async fn rights_go_down_from_a_group_to_its_members_and_never_up() {
    let world = World::start().await;
    // alice is in `outer`; `inner` is in `outer`. Being in `outer` makes nobody a member of `inner`.
    let inner = world.add_group("inner", &[]).await;
    let outer = world.add_group("outer", &[member(&world.alice), Member { id: inner.id.into(), kind: MemberKind::Group }]).await;
    assert_eq!(groups(&world, &world.token(|_| {})).await, json!([outer.id]));
    world.stop().await;
}

#[tokio::test]
async fn a_group_that_was_deleted_and_made_again_under_its_name_gives_its_members_nothing() {
    let world = World::start().await;
    let first = world.add_group("team", &[member(&world.alice)]).await;
    let token = world.token(|_| {});
    assert_eq!(groups(&world, &token).await, json!([first.id]));
    let mut tx = world.app().store.write().await.expect("begins");
    tx.directory().delete_group(world.tenant, &first, world.clock.now()).await.expect("deletes");
    tx.commit().await.expect("commits");
    world.settle().await;
    let second = world.add_group("team", &[]).await;
    assert_ne!(first.id, second.id);
    assert_eq!(groups(&world, &token).await, Value::Null);
    world.stop().await;
}
