//! DESIGN 4.1: a cluster's own application id, which nobody registers.

use entrance_testkit::{Entrance, PASSWORD};
use serde_json::{Value, json};

use super::{AKS, AKS_CLIENT, AZ, refusal, secret, text, verified};
use crate::arm::{C1, World, cluster};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";
const C2: &str = "/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/c2";

async fn made(world: &World, path: &str, audience: &str) -> String {
    let mut body = cluster(Some(json!({"managed": true, "adminGroupObjectIDs": []})));
    body["properties"]["dnsPrefix"] = path.rsplit('/').next().into();
    body["properties"]["entranceProfile"] = json!({"tokenAudience": audience});
    let put = world.put(path, body).await;
    assert_eq!(put.status, 201, "{}", put.body);
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    caught_up(world).await;
    text(&world.get(path).await.body["properties"]["entranceProfile"], "serverAppId").to_owned()
}

/// Waits until the directory in memory holds everything that was written.
async fn caught_up(world: &World) {
    let app = world.entrance.app();
    let head = app.store.read().await.expect("reads").feed_position().await.expect("a position").head;
    app.people.reached(head).await;
}

/// A person's token by name and password; `resource` is asked as each endpoint wants it.
async fn person(world: &Entrance, version: &str, client: &str, resource: &str) -> reqwest::Response {
    let scope = format!("{resource}/.default openid offline_access");
    let (path, asked) = match version {
        "v1" => (format!("/{}/oauth2/token", world.tenant), ("resource", resource)),
        _ => (format!("/{}/oauth2/v2.0/token", world.tenant), ("scope", scope.as_str())),
    };
    let form =
        [("grant_type", "password"), ("client_id", client), ("username", "alice@contoso.example"), ("password", PASSWORD), asked];
    world.post(&path, &form).await
}

#[tokio::test]
async fn a_cluster_with_its_own_audience_can_be_asked_for_by_people_and_applications_and_by_both_endpoints() {
    let world = World::start().await;
    world.group().await;
    let own = made(&world, C1, "cluster").await;
    assert_ne!(own, AKS);
    let entrance = &world.entrance;
    entrance.user("alice").await;
    for (version, client) in [("v1", AKS_CLIENT), ("v2", AKS_CLIENT), ("v1", AZ), ("v2", AZ)] {
        let answer = person(entrance, version, client, &own).await;
        assert_eq!(answer.status(), 200, "{version} {client}: {}", answer.text().await.unwrap_or_default());
        let tokens: Value = answer.json().await.expect("JSON");
        let claims = verified(entrance, text(&tokens, "access_token")).await;
        assert_eq!((text(&claims, "aud"), text(&claims, "scp")), (own.as_str(), "user.read"), "{version} {client}");
        assert_eq!(text(&claims, "ver"), "1.0", "webhooks take v1 tokens");
        assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(900));
        // A refresh token of kubelogin opens clusters, this one too.
        let refresh = text(&tokens, "refresh_token");
        let scope = format!("{own}/.default");
        let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", refresh), ("scope", &scope)];
        let again = entrance.post(&format!("/{}/oauth2/v2.0/token", entrance.tenant), &form).await;
        assert_eq!(again.status(), 200, "{version} {client}");
    }
    let upper = person(entrance, "v2", AZ, &format!("spn:{}", own.to_uppercase())).await;
    let tokens: Value = upper.json().await.expect("JSON");
    assert_eq!(text(&verified(entrance, text(&tokens, "access_token")).await, "aud"), format!("spn:{own}"));

    let (app, _) = entrance.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let (id, scope) = (app.app_id.to_string(), format!("{own}/.default"));
    for (path, asked) in [("oauth2/v2.0/token", ("scope", scope.as_str())), ("oauth2/token", ("resource", own.as_str()))] {
        let form = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", SECRET), asked];
        let answer = entrance.post(&format!("/{}/{path}", entrance.tenant), &form).await;
        assert_eq!(answer.status(), 200, "{path}");
        let tokens: Value = answer.json().await.expect("JSON");
        assert_eq!(text(&verified(entrance, text(&tokens, "access_token")).await, "aud"), own);
    }
    // The device code is refused or begun before anybody signs in, by the same rule.
    let device = [("client_id", AKS_CLIENT), ("scope", &format!("{own}/.default"))];
    assert_eq!(entrance.post(&format!("/{}/oauth2/v2.0/devicecode", entrance.tenant), &device).await.status(), 200);
}

#[tokio::test]
async fn an_own_audience_exists_only_for_a_cluster_that_is_there_and_has_it() {
    let world = World::start().await;
    world.group().await;
    let entrance = &world.entrance;
    entrance.user("alice").await;
    let gone = async |resource: &str| refusal(person(entrance, "v2", AKS_CLIENT, resource).await).await;
    let unknown = (400, "invalid_resource".to_owned(), 500_011);
    assert_eq!(gone("11111111-1111-4111-8111-111111111111").await, unknown);

    let own = made(&world, C1, "cluster").await;
    let other = made(&world, C2, "cluster").await;
    assert_ne!(own, other, "each cluster has its own");
    assert_eq!(person(entrance, "v2", AKS_CLIENT, &own).await.status(), 200);

    // A cluster that goes back to the shared id loses its own.
    let mut body = world.get(C2).await.body;
    body["properties"]["entranceProfile"]["tokenAudience"] = "shared".into();
    let put = world.put(C2, body).await;
    assert_eq!(world.settled(&put).await["status"], "Succeeded", "{}", put.body);
    caught_up(&world).await;
    assert_eq!(gone(&other).await, unknown);

    let deleted = world.delete(C1).await;
    assert_eq!(world.settled(&deleted).await["status"], "Succeeded");
    caught_up(&world).await;
    assert_eq!(gone(&own).await, unknown);
}

#[tokio::test]
async fn an_own_audience_exists_for_no_other_directory() {
    let world = World::start().await;
    world.group().await;
    let own = made(&world, C1, "cluster").await;
    let fabrikam = world.entrance.fabrikam().await;
    caught_up(&world).await;
    let device = [("client_id", AKS_CLIENT), ("scope", &format!("{own}/.default"))];
    let answer = world.entrance.post(&format!("/{}/oauth2/v2.0/devicecode", fabrikam.id), &device).await;
    assert_eq!(refusal(answer).await, (400, "invalid_resource".into(), 500_011));
}
