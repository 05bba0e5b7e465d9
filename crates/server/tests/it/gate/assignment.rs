use entrance_model::directory::{AppRoleAssignment, Member, MemberKind};
use entrance_testkit::{Entrance, PASSWORD};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TOKEN, answered, authorize, opened, redeemed};

/// An application that people sign in to only when somebody assigned them to it.
struct Closed {
    world: Entrance,
    client: String,
    principal: entrance_model::directory::ServicePrincipal,
}

impl Closed {
    async fn open() -> Self {
        let world = Entrance::start().await;
        let settle = |app: &mut entrance_model::directory::Application| {
            app.is_public_client = true;
            app.redirects.public_client = vec!["http://localhost".into()];
            app.other.insert("web".into(), json!({"implicitGrantSettings": {"enableIdTokenIssuance": true}}));
        };
        let (app, mut principal) = world.application("Closed", settle).await;
        principal.assignment_required = true;
        let mut tx = world.app().store.write().await.expect("writes");
        tx.directory().update_service_principal(world.tenant, &principal).await.expect("updates");
        tx.commit().await.expect("commits");
        Self { client: app.app_id.to_string(), world, principal }
    }

    async fn assign(&self, principal: Member) -> Uuid {
        let (id, created) = (Uuid::new_v4(), self.world.app().now());
        let assignment = AppRoleAssignment { id, principal, resource: self.principal.id, role: Uuid::nil(), created };
        let mut tx = self.world.app().store.write().await.expect("writes");
        tx.directory().insert_app_role(self.world.tenant, &assignment).await.expect("gives");
        tx.commit().await.expect("commits");
        id
    }

    async fn take(&self, assignment: Uuid) {
        let mut tx = self.world.app().store.write().await.expect("writes");
        tx.directory().delete_app_role(self.world.tenant, assignment).await.expect("takes");
        tx.commit().await.expect("commits");
    }

    async fn token(&self, form: &[(&str, &str)]) -> Value {
        let form = [&[("client_id", self.client.as_str())], form].concat();
        self.world.post(TOKEN, &form).await.json().await.expect("JSON")
    }

    async fn by_password(&self) -> Value {
        let who = [("username", "alice@contoso.example"), ("password", PASSWORD), ("scope", "openid offline_access")];
        self.token(&[&[("grant_type", "password")], &who[..]].concat()).await
    }

    /// The number that the application reads when alice comes with her browser; `None` when she is let in.
    async fn by_browser(&self, change: &[(&str, &str)]) -> Option<String> {
        let change = [&[("scope", "openid offline_access")], change].concat();
        let answer = answered(&opened(&mut self.world.browser(), &authorize(&self.client, &change), "alice").await);
        let said = answer.get("error_description")?;
        assert_eq!(answer["error"], "access_denied", "{answer:?}");
        assert!(!answer.contains_key("code") && !answer.contains_key("id_token"), "{answer:?}");
        said.split(':').next().map(str::to_owned)
    }

    async fn by_device(&self) -> String {
        let asked = [("client_id", self.client.as_str()), ("scope", "openid")];
        let begun: Value = self.world.post("/organizations/oauth2/v2.0/devicecode", &asked).await.json().await.expect("JSON");
        let mut browser = self.world.browser();
        let page = browser.get("/devicelogin").await;
        let page = browser.submit(&page, &[("otc", begun["user_code"].as_str().expect("a code"))]).await;
        let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
        if page.has("device-confirm-code") { "asked".into() } else { page.text("error-code") }
    }
}

#[tokio::test]
async fn s_305_who_is_not_assigned_signs_in_by_no_way_to_an_application_that_wants_an_assignment() {
    let closed = Closed::open().await;
    let alice = closed.world.user("alice").await;
    let number = |answer: &Value| answer["error_codes"][0].as_u64();
    let id_token = ("response_type", "id_token");

    assert_eq!(closed.by_browser(&[]).await.as_deref(), Some("AADSTS50105"));
    assert_eq!(closed.by_browser(&[id_token]).await.as_deref(), Some("AADSTS50105"));
    assert_eq!(closed.by_device().await, "AADSTS50105");
    assert_eq!(number(&closed.by_password().await), Some(50105));

    let buyers = closed.world.group("buyers").await;
    let given = closed.assign(Member { id: buyers.id.into(), kind: MemberKind::Group }).await;
    assert_eq!(number(&closed.by_password().await), Some(50105), "a group of others");
    closed.world.join(&alice, &buyers).await;
    assert_eq!(closed.by_browser(&[]).await, None);
    assert_eq!(closed.by_browser(&[id_token]).await, None);
    assert_eq!(closed.by_device().await, "asked");
    let tokens = closed.by_password().await;
    let refresh = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
    let mut browser = closed.world.browser();
    let code = answered(&opened(&mut browser, &authorize(&closed.client, &[("scope", "openid")]), "alice").await)["code"].clone();

    closed.take(given).await;
    let refreshed = closed.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    assert_eq!((number(&refreshed), refreshed["error"].as_str()), (Some(50105), Some("invalid_grant")), "{refreshed}");
    assert_eq!(number(&redeemed(&closed.world, &closed.client, &code).await.1), Some(50105));
    // A browser with a session reads the same without a page.
    let page = browser.get(&authorize(&closed.client, &[("scope", "openid"), ("prompt", "none")])).await;
    assert!(answered(&page)["error_description"].starts_with("AADSTS50105: "), "{:?}", page.left_to);
    closed.assign(Member { id: alice.id.into(), kind: MemberKind::User }).await;
    let refreshed = closed.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    assert!(refreshed.get("access_token").is_some(), "{refreshed}");
}
