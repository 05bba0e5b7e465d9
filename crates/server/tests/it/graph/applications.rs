//! Applications, their credentials and their service principals (G-400 to G-409).

use entrance_model::well_known;
use entrance_testkit::Entrance;
use serde_json::{Value, json};

use super::{Caller, link};

async fn new_app(world: &Entrance, admin: &Caller, name: &str) -> (String, String) {
    let app = admin.post(world, "/v1.0/applications", json!({"displayName": name, "keyCredentials": []})).await;
    assert_eq!(app.status, 201, "{}", app.body);
    (app.text("id"), app.text("appId"))
}

#[tokio::test]
async fn g_409_an_application_for_rbac_is_made_as_az_does_it() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (id, app_id) = new_app(&world, &admin, "ci").await;
    let secret = json!({"passwordCredential": {"displayName": "rbac", "endDateTime": "2027-01-01T00:00:00Z", "startDateTime": "2026-01-01T00:00:00Z"}});
    let secret = admin.post(&world, &format!("/v1.0/applications/{id}/addPassword"), secret).await;
    assert_eq!(secret.status, 200);
    let text = secret.text("secretText");
    assert_eq!((text.len(), text.contains('~')), (40, true));
    assert_eq!(secret.text("hint"), text[..3]);
    assert_eq!(secret.text("endDateTime"), "2027-01-01T00:00:00Z");
    let principal = admin.post(&world, "/v1.0/servicePrincipals", json!({"appId": app_id, "accountEnabled": true})).await;
    assert_eq!(principal.status, 201);
    assert_eq!(principal.body["servicePrincipalNames"], json!([app_id]));
    assert_eq!(principal.text("servicePrincipalType"), "Application");
    let shown = admin.get(&world, &format!("/v1.0/applications/{id}")).await;
    assert_eq!(shown.body["passwordCredentials"][0]["displayName"], "rbac");
    assert_eq!(shown.body["passwordCredentials"][0]["secretText"], Value::Null);
    assert!(!shown.body.to_string().contains(&text));
    let key_id = secret.text("keyId");
    let remove = format!("/v1.0/applications/{id}/removePassword");
    assert_eq!(admin.post(&world, &remove, json!({"keyId": key_id})).await.outcome(), "204");
    assert_eq!(
        admin.post(&world, &remove, json!({"keyId": key_id})).await.message(),
        format!("No password credential found with keyId '{key_id}'.")
    );
}

#[tokio::test]
async fn g_403_a_certificate_is_kept_with_its_thumbprint() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    // Made with openssl: RSA 2048, signed with SHA-1 as `az` does.
    let key = include_str!("certificate.b64").split_whitespace().collect::<String>();
    let credential = json!({
        "@odata.type": "#microsoft.graph.keyCredential", "displayName": null, "key": key,
        "keyId": "7d3f5a0e-6f0c-4a43-9a43-0d3c8f8d0a11", "type": "AsymmetricX509Cert", "usage": "Verify",
    });
    let body = json!({"displayName": "cicert", "keyCredentials": [credential]});
    let app = admin.post(&world, "/v1.0/applications", body).await;
    assert_eq!(app.status, 201, "{}", app.body);
    let shown = &app.body["keyCredentials"][0];
    assert_eq!(shown["keyId"], "7d3f5a0e-6f0c-4a43-9a43-0d3c8f8d0a11");
    assert_eq!(shown["key"], Value::Null);
    assert_eq!(shown["customKeyIdentifier"].as_str().map(str::len), Some(40));
    let path = format!("/v1.0/applications/{}", app.text("id"));
    let whole = admin.get(&world, &format!("{path}?$select=keyCredentials")).await;
    assert_eq!(whole.body["keyCredentials"][0]["key"], key);
    // Clients write back what they read, without the key.
    assert_eq!(admin.patch(&world, &path, json!({"keyCredentials": [shown]})).await.outcome(), "204");
    assert_eq!(admin.get(&world, &path).await.body["keyCredentials"].as_array().map(Vec::len), Some(1));
    assert_eq!(admin.patch(&world, &path, json!({"keyCredentials": []})).await.outcome(), "204");
    assert_eq!(admin.get(&world, &path).await.body["keyCredentials"], json!([]));
    let wrong = json!({"keyCredentials": [{"key": "bm8gY2VydGlmaWNhdGU=", "type": "AsymmetricX509Cert", "usage": "Verify"}]});
    assert_eq!(admin.patch(&world, &path, wrong).await.status, 400);
}

#[tokio::test]
async fn g_404_federated_credentials_go_by_id_or_name() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (id, _) = new_app(&world, &admin, "web").await;
    let path = format!("/v1.0/applications/{id}/federatedIdentityCredentials");
    let body = json!({"name": "github", "issuer": "https://ci.example", "subject": "repo:o/r", "audiences": ["api://AzureADTokenExchange"]});
    let made = admin.post(&world, &path, body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(
        made.text("@odata.context"),
        format!("{}/v1.0/$metadata#applications('{id}')/federatedIdentityCredentials/$entity", world.app().base())
    );
    assert_eq!(admin.post(&world, &path, body).await.status, 409);
    assert_eq!(admin.get(&world, &format!("{path}?$filter=name eq 'github'")).await.each("id"), [made.text("id")]);
    assert_eq!(admin.get(&world, &format!("{path}/GitHub")).await.text("subject"), "repo:o/r");
    assert_eq!(admin.patch(&world, &format!("{path}/github"), json!({"subject": "repo:o/s"})).await.outcome(), "204");
    assert_eq!(admin.get(&world, &format!("{path}/{}", made.text("id"))).await.text("subject"), "repo:o/s");
    assert_eq!(admin.delete(&world, &format!("{path}/github")).await.outcome(), "204");
    assert_eq!(admin.get(&world, &path).await.body["value"], json!([]));
    let incomplete = json!({"name": "github", "issuer": "https://ci.example"});
    assert_eq!(admin.post(&world, &path, incomplete).await.status, 400);
}

#[tokio::test]
async fn g_405_a_service_principal_needs_an_application_and_is_alone() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert_eq!(
        admin.post(&world, "/v1.0/servicePrincipals", json!({"appId": nobody})).await.outcome(),
        format!(
            "400 NoBackingApplicationObject: The appId '{nobody}' of the service principal does not reference a valid application object."
        )
    );
    let (_, app_id) = new_app(&world, &admin, "web").await;
    let body = json!({"appId": app_id});
    assert_eq!(admin.post(&world, "/v1.0/servicePrincipals", body.clone()).await.status, 201);
    let again = admin.post(&world, "/v1.0/servicePrincipals", body).await;
    assert_eq!(again.status, 409);
    assert!(again.message().ends_with(&format!("the service principal name {app_id} is already in use.")));
}

#[tokio::test]
async fn g_408_an_application_takes_its_service_principal_along_but_not_the_reverse() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (id, app_id) = new_app(&world, &admin, "web").await;
    let principal = admin.post(&world, "/v1.0/servicePrincipals", json!({"appId": app_id})).await.text("id");
    assert_eq!(admin.delete(&world, &format!("/v1.0/servicePrincipals/{principal}")).await.outcome(), "204");
    assert_eq!(admin.get(&world, &format!("/v1.0/applications/{id}")).await.status, 200);
    let principal = admin.post(&world, "/v1.0/servicePrincipals", json!({"appId": app_id})).await.text("id");
    assert_eq!(admin.delete(&world, &format!("/v1.0/applications(appId='{app_id}')")).await.outcome(), "204");
    assert_eq!(admin.get(&world, &format!("/v1.0/servicePrincipals/{principal}")).await.status, 404);
}

#[tokio::test]
async fn g_408_nobody_changes_what_is_built_in() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let path = format!("/v1.0/servicePrincipals(appId='{}')", well_known::AKS_SERVER);
    let aks = admin.get(&world, &path).await;
    assert_eq!(aks.text("displayName"), "Azure Kubernetes Service AAD Server");
    assert_eq!(admin.patch(&world, &path, json!({"accountEnabled": false})).await.status, 403);
    assert_eq!(admin.post(&world, &format!("{path}/addPassword"), json!({})).await.status, 403);
    assert_eq!(admin.post(&world, &format!("{path}/owners/$ref"), link(&world, &admin.user.id)).await.status, 403);
    assert_eq!(admin.delete(&world, &path).await.status, 403);
    assert_eq!(admin.delete(&world, &format!("/v1.0/directoryObjects/{}", aks.text("id"))).await.status, 403);
}

#[tokio::test]
async fn g_402_registrations_keep_to_their_rules() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (id, _) = new_app(&world, &admin, "web").await;
    let address = format!("/v1.0/applications/{id}");
    let patch = async |body: Value| admin.patch(&world, &address, body).await.status;
    assert_eq!(
        patch(json!({"web": {"redirectUris": ["https://web.example/cb"], "logoutUrl": "https://web.example/out"}})).await,
        204
    );
    assert_eq!(patch(json!({"web": {"homePageUrl": "https://web.example"}})).await, 204);
    assert_eq!(patch(json!({"web": {"redirectUris": ["http://web.example/cb"]}})).await, 400);
    assert_eq!(patch(json!({"identifierUris": ["https://elsewhere.example"]})).await, 400);
    assert_eq!(patch(json!({"api": {"requestedAccessTokenVersion": 2}, "isFallbackPublicClient": true})).await, 204);
    assert_eq!(patch(json!({"api": {"requestedAccessTokenVersion": 3}})).await, 400);
    let shown = admin.get(&world, &address).await.body;
    assert_eq!(shown["web"]["redirectUris"], json!(["https://web.example/cb"]));
    assert_eq!(shown["web"]["homePageUrl"], "https://web.example");
    assert_eq!(shown["api"]["requestedAccessTokenVersion"], 2);
    assert_eq!(shown["isFallbackPublicClient"], true);
    let role =
        |enabled: bool| json!({"appRoles": [{"id": "7d3f5a0e-6f0c-4a43-9a43-0d3c8f8d0a11", "isEnabled": enabled, "value": "x"}]});
    assert_eq!(patch(role(true)).await, 204);
    assert_eq!(patch(json!({"appRoles": []})).await, 400);
    assert_eq!(patch(role(false)).await, 204);
    assert_eq!(patch(json!({"appRoles": []})).await, 204);
}

#[tokio::test]
async fn g_004_an_application_by_itself_needs_a_grant() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (_, app_id) = new_app(&world, &admin, "robot").await;
    let principal = admin.post(&world, "/v1.0/servicePrincipals", json!({"appId": app_id})).await.text("id");
    let token = |roles: &[&str]| {
        world.token(&world.claims_of_app(principal.parse().expect("an id"), app_id.parse().expect("an id"), roles))
    };
    let denied = "403 Authorization_RequestDenied: Insufficient privileges to complete the operation.";
    assert_eq!(world.graph(&token(&[]), "GET", "/v1.0/groups", Value::Null).await.outcome(), denied);
    assert_eq!(world.graph(&token(&["Group.Read.All"]), "GET", "/v1.0/groups", Value::Null).await.outcome(), "200");
    assert_eq!(world.graph(&token(&["Group.Read.All"]), "POST", "/v1.0/groups", super::new_group("x")).await.outcome(), denied);
    let made = world.graph(&token(&["Group.ReadWrite.All"]), "POST", "/v1.0/groups", super::new_group("x")).await;
    let owners = admin.get(&world, &format!("/v1.0/groups/{}/owners", made.text("id"))).await;
    assert_eq!(owners.each("@odata.type"), ["#microsoft.graph.servicePrincipal"], "who makes a group can go on with it");
    let me = world.graph(&token(&[]), "GET", "/v1.0/me", Value::Null).await;
    assert_eq!(me.outcome(), "400 BadRequest: /me request is only valid with delegated authentication flow.");
}
