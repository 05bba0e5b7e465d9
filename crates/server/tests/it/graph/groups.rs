//! Groups, members and owners (G-300 to G-306).

use entrance_model::directory::{Member, MemberKind};
use entrance_testkit::Entrance;
use serde_json::{Value, json};

use super::{Caller, link, new_group};

#[tokio::test]
async fn g_300_a_group_is_made_shown_changed_and_deleted() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let made = admin.post(&world, "/v1.0/groups", new_group("admins")).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.body["mailEnabled"], false);
    assert_eq!(made.body["groupTypes"], json!([]));
    assert_eq!(made.body["visibility"], Value::Null);
    let path = format!("/v1.0/groups/{}", made.text("id"));
    assert_eq!(admin.patch(&world, &path, json!({"description": "who may enter", "theme": "Blue"})).await.outcome(), "204");
    let shown = admin.get(&world, &path).await;
    assert_eq!((shown.text("description"), shown.text("theme")), ("who may enter".into(), "Blue".into()));
    assert_eq!(admin.patch(&world, &path, json!({})).await.outcome(), "204");
    assert_eq!(admin.delete(&world, &path).await.outcome(), "204");
    assert_eq!(admin.get(&world, &path).await.status, 404);
    assert_eq!(admin.delete(&world, &path).await.status, 404);
}

#[tokio::test]
async fn g_300_what_cannot_be_a_group_is_refused() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let outcome = async |name: &str, value: Value| {
        let mut body = new_group("admins");
        body[name] = value;
        admin.post(&world, "/v1.0/groups", body).await.outcome()
    };
    assert!(outcome("securityEnabled", json!(false)).await.starts_with("400 Request_BadRequest: A group must be"));
    assert!(
        outcome("mailEnabled", json!(true))
            .await
            .starts_with("400 Request_BadRequest: Invalid value specified for property 'mailEnabled'")
    );
    assert!(outcome("groupTypes", json!(["DynamicMembership"])).await.starts_with("400 "));
    assert!(outcome("mailNickname", json!("a b")).await.starts_with("400 "));
}

#[tokio::test]
async fn g_302_members_are_added_listed_checked_and_removed() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let alice = world.user("alice").await;
    let group = admin.post(&world, "/v1.0/groups", new_group("admins")).await.text("id");
    let members = format!("/v1.0/groups/{group}/members");
    let add = format!("{members}/$ref");
    assert_eq!(admin.post(&world, &add, link(&world, &alice.id)).await.outcome(), "204");
    assert_eq!(
        admin.post(&world, &add, link(&world, &alice.id)).await.outcome(),
        "400 Request_BadRequest: One or more added object references already exist for the following modified properties: 'members'."
    );
    let listed = admin.get(&world, &members).await;
    assert_eq!(listed.each("@odata.type"), ["#microsoft.graph.user"]);
    assert_eq!(listed.each("userPrincipalName"), ["alice@contoso.example"]);
    assert_eq!(admin.get(&world, &format!("{members}/microsoft.graph.user")).await.each("id"), [alice.id.to_string()]);
    assert_eq!(admin.get(&world, &format!("{members}/microsoft.graph.group")).await.each("id").len(), 0);
    let check = format!("/v1.0/directoryObjects/{}/checkMemberGroups", alice.id);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let checked = admin.post(&world, &check, json!({"groupIds": [group, unknown]})).await;
    assert_eq!(checked.body["value"], json!([group]));
    let remove = format!("{members}/{}/$ref", alice.id);
    assert_eq!(admin.delete(&world, &remove).await.outcome(), "204");
    assert_eq!(admin.delete(&world, &remove).await.status, 404);
    assert_eq!(admin.post(&world, &check, json!({"groupIds": [group]})).await.body["value"], json!([]));
}

#[tokio::test]
async fn g_302_a_reference_to_nothing_or_to_elsewhere_is_refused() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let group = admin.post(&world, "/v1.0/groups", new_group("admins")).await.text("id");
    let add = format!("/v1.0/groups/{group}/members/$ref");
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert_eq!(admin.post(&world, &add, link(&world, &nobody)).await.status, 404);
    assert_eq!(admin.post(&world, &add, link(&world, &group)).await.status, 400, "itself");
    let elsewhere = json!({"@odata.id": format!("https://evil.example/v1.0/directoryObjects/{group}")});
    assert_eq!(admin.post(&world, &add, elsewhere).await.status, 400);
    assert_eq!(admin.post(&world, &add, json!({})).await.status, 400);
}

#[tokio::test]
async fn g_009_a_delete_without_ref_deletes_nobody() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (alice, group) = (world.user("alice").await, world.group("admins").await);
    world.join(&alice, &group).await;
    let answer = admin.delete(&world, &format!("/v1.0/groups/{}/members/{}", group.id, alice.id)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.message().contains("/$ref to remove a reference."));
    assert_eq!(admin.get(&world, &format!("/v1.0/users/{}", alice.id)).await.status, 200);
}

#[tokio::test]
async fn g_008_members_bound_by_patch_add_all_or_nothing() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (alice, bob, group) = (world.user("alice").await, world.user("bob").await, world.group("admins").await);
    let path = format!("/v1.0/groups/{}", group.id);
    let bind = |ids: &[String]| {
        let links: Vec<_> = ids.iter().map(|id| link(&world, id)["@odata.id"].clone()).collect();
        json!({"members@odata.bind": links})
    };
    let nobody = "00000000-0000-4000-8000-000000000000".to_owned();
    assert_eq!(admin.patch(&world, &path, bind(&[alice.id.to_string(), nobody])).await.status, 404);
    assert_eq!(admin.get(&world, &format!("{path}/members")).await.each("id").len(), 0);
    assert_eq!(admin.patch(&world, &path, bind(&[alice.id.to_string(), bob.id.to_string()])).await.outcome(), "204");
    assert_eq!(admin.get(&world, &format!("{path}/members")).await.each("id").len(), 2);
    let member = Caller::member(&world, "carol").await;
    assert_eq!(member.patch(&world, &path, bind(&[member.user.id.to_string()])).await.status, 403);
    assert_eq!(admin.patch(&world, &path, bind(&vec![alice.id.to_string(); 21])).await.status, 400);
}

#[tokio::test]
async fn g_303_membership_flows_from_child_to_parent_and_cycles_end() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (alice, inner, outer) = (world.user("alice").await, world.group("inner").await, world.group("outer").await);
    world.join(&alice, &inner).await;
    world.add(&outer, Member { id: inner.id.into(), kind: MemberKind::Group }).await;
    world.add(&inner, Member { id: outer.id.into(), kind: MemberKind::Group }).await;
    let groups =
        admin.post(&world, "/v1.0/users/alice@contoso.example/getMemberGroups", json!({"securityEnabledOnly": true})).await;
    let mut both = [inner.id.to_string(), outer.id.to_string()];
    both.sort();
    assert_eq!(groups.body["value"], json!(both));
    let transitive = admin.get(&world, &format!("/v1.0/groups/{}/transitiveMembers", outer.id)).await.each("id");
    assert_eq!(transitive.len(), 2, "alice and inner, never itself");
    assert!(!transitive.contains(&outer.id.to_string()));
    let direct = admin.get(&world, &format!("/v1.0/users/{}/memberOf", alice.id)).await.each("displayName");
    assert_eq!(direct, ["inner"]);
    let up = admin.get(&world, &format!("/v1.0/groups/{}/transitiveMemberOf", inner.id)).await.each("displayName");
    assert_eq!(up, ["outer"]);
}

#[tokio::test]
async fn g_304_the_flag_is_required_and_chooses_security_groups() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let path = "/v1.0/me/getMemberGroups";
    assert_eq!(admin.post(&world, path, json!({})).await.status, 400);
    let mail = json!({"displayName": "news", "mailNickname": "news", "mailEnabled": true, "securityEnabled": false, "groupTypes": ["Unified"]});
    let news = admin.post(&world, "/v1.0/groups", mail).await.text("id");
    admin.post(&world, &format!("/v1.0/groups/{news}/members/$ref"), link(&world, &admin.user.id)).await;
    assert_eq!(admin.post(&world, path, json!({"securityEnabledOnly": true})).await.body["value"], json!([]));
    assert_eq!(admin.post(&world, path, json!({"securityEnabledOnly": false})).await.body["value"], json!([news]));
}

#[tokio::test]
async fn g_305_more_than_twenty_groups_are_not_checked_at_once() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let body = json!({"groupIds": vec!["00000000-0000-4000-8000-000000000000"; 21]});
    assert_eq!(admin.post(&world, "/v1.0/me/checkMemberGroups", body).await.status, 400);
}

#[tokio::test]
async fn g_306_ids_become_objects_and_unknown_ones_are_left_out() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (alice, group) = (world.user("alice").await, world.group("admins").await);
    let ids = json!([alice.id, group.id, "00000000-0000-4000-8000-000000000000", "nonsense"]);
    let all = admin.post(&world, "/v1.0/directoryObjects/getByIds", json!({"ids": ids})).await;
    assert_eq!(all.each("displayName"), ["alice", "admins"]);
    let types = json!(["group", "directoryObjectPartnerReference"]);
    let groups = admin.post(&world, "/v1.0/directoryObjects/getByIds", json!({"ids": ids, "types": types})).await;
    assert_eq!(groups.each("@odata.type"), ["#microsoft.graph.group"]);
    let too_many = json!({"ids": vec![alice.id; 1001]});
    assert_eq!(admin.post(&world, "/v1.0/directoryObjects/getByIds", too_many).await.status, 400);
}

#[tokio::test]
async fn g_302_owners_change_what_they_own_and_the_last_one_stays() {
    let world = Entrance::start().await;
    let (admin, owner) = (Caller::admin(&world).await, Caller::member(&world, "alice").await);
    let (group, bob) = (world.group("platform").await, world.user("bob").await);
    let path = format!("/v1.0/groups/{}", group.id);
    assert_eq!(owner.patch(&world, &path, json!({"description": "mine"})).await.status, 403);
    assert_eq!(admin.post(&world, &format!("{path}/owners/$ref"), link(&world, &owner.user.id)).await.outcome(), "204");
    assert_eq!(
        admin.post(&world, &format!("{path}/owners/$ref"), link(&world, &owner.user.id)).await.message(),
        "One or more added object references already exist for the following modified properties: 'owners'."
    );
    assert_eq!(owner.patch(&world, &path, json!({"description": "mine"})).await.outcome(), "204");
    assert_eq!(owner.post(&world, &format!("{path}/members/$ref"), link(&world, &bob.id)).await.outcome(), "204");
    assert_eq!(admin.get(&world, &format!("{path}/owners")).await.each("displayName"), ["alice"]);
    assert_eq!(owner.get(&world, "/v1.0/me/ownedObjects").await.each("displayName"), ["platform"]);
    let leave = format!("{path}/owners/{}/$ref", owner.user.id);
    assert_eq!(
        owner.delete(&world, &leave).await.message(),
        "The group must have at least one owner, hence this owner cannot be removed."
    );
    assert_eq!(admin.delete(&world, &leave).await.outcome(), "204");
    assert_eq!(owner.patch(&world, &path, json!({"description": "mine"})).await.status, 403);
}

#[tokio::test]
async fn a_deleted_person_leaves_their_groups() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (alice, group) = (world.user("alice").await, world.group("admins").await);
    world.join(&alice, &group).await;
    assert_eq!(admin.delete(&world, &format!("/v1.0/users/{}", alice.id)).await.outcome(), "204");
    assert_eq!(admin.get(&world, &format!("/v1.0/groups/{}/members", group.id)).await.each("id").len(), 0);
}

#[tokio::test]
async fn every_change_is_told_in_the_audit_trail() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let alice = world.user("alice").await;
    let group = admin.post(&world, "/v1.0/groups", new_group("admins")).await.text("id");
    admin.post(&world, &format!("/v1.0/groups/{group}/members/$ref"), link(&world, &alice.id)).await;
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 2).await.expect("reads");
    let told: Vec<_> = trail.iter().map(|row| (row.kind.as_str(), row.actor, row.target.clone())).collect();
    let actor = Some(admin.user.id.into());
    assert_eq!(told, [("group.memberAdded", actor, Some(group.clone())), ("group.created", actor, Some(group))]);
    assert_eq!(trail[0].detail["member"], alice.id.to_string());
    assert_eq!(trail[0].detail["because"], "administrator");
}
