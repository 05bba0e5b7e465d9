//! Every address is tried by nobody, by a stranger and by somebody of another directory. The list of addresses is the
//! router's own, so that a new one is tried as well.

use entrance_model::directory::User;
use entrance_server::authority::keys::Header;
use entrance_testkit::sample;
use reqwest::Method;
use serde_json::{Value, json};

use super::{C1, World, cluster};

/// Open to everybody: it is asked for before anybody can sign in.
const OPEN: &[&str] = &["/metadata/endpoints"];

/// Answers everybody who signed in, as far as it concerns them.
const OWN: &[&str] = &[
    "/tenants",
    "/subscriptions",
    "/providers/microsoft.containerservice/operations",
    "/providers/microsoft.authorization/provideroperations",
    "/providers/microsoft.authorization/provideroperations/{namespace}",
];

/// lists that show what the caller may see, and to a stranger nothing.
const LISTS: &[&str] = &[
    "/subscriptions/{subscription}/resources",
    "/subscriptions/{subscription}/resourcegroups",
    "/subscriptions/{subscription}/tagnames",
    "/subscriptions/{subscription}/resourcegroups/{group}/resources",
    "/subscriptions/{subscription}/providers/microsoft.containerservice/managedclusters",
    "/subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.containerservice/managedclusters",
];

/// What hangs on any place and is not in the router's list.
const AT_ANY_PLACE: &[&str] = &[
    "roleassignments",
    "roleassignments/{id}",
    "roledefinitions",
    "roledefinitions/{id}",
    "denyassignments",
    "denyassignments/{id}",
    "permissions",
    "checkaccess",
    "nothing",
];

const METHODS: [Method; 5] = [Method::GET, Method::PUT, Method::PATCH, Method::POST, Method::DELETE];

fn addresses() -> Vec<String> {
    let mut all = entrance_server::arm::addresses();
    assert!(all.len() > 30, "the list of addresses is empty");
    for place in ["/subscriptions/{subscription}", "/subscriptions/{subscription}/resourcegroups/{group}", CLUSTER] {
        all.extend(AT_ANY_PLACE.iter().map(|what| format!("{place}/providers/microsoft.authorization/{what}")));
    }
    all
}

const CLUSTER: &str =
    "/subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.containerservice/managedclusters/{name}";

/// A path with its names filled in; ids are those of nothing.
fn filled(address: &str, world: &World, group: &str, name: &str) -> String {
    let nothing = "c3000000-0000-4000-8000-00000000dead";
    let mut path = address
        .replace("{subscription}", &world.subscription.to_string())
        .replace("{group}", group)
        .replace("{name}", name)
        .replace("{namespace}", "microsoft.containerservice")
        .replace("{location}", "eastus")
        .replace("{role}", "clusterUser");
    while let Some((before, rest)) = path.split_once('{') {
        let (_, after) = rest.split_once('}').expect("a name ends");
        path = format!("{before}{nothing}{after}");
    }
    path
}

fn body(method: &Method) -> Option<Value> {
    matches!(*method, Method::PUT | Method::PATCH | Method::POST).then(|| json!({}))
}

/// A server with a cluster that somebody else is in charge of.
async fn start() -> (World, User) {
    let world = World::start().await;
    world.group().await;
    let made = world.put(C1, cluster(Some(json!({"managed": true})))).await;
    assert_eq!(world.settled(&made).await["status"], "Succeeded");
    let stranger = world.entrance.user("sam").await;
    (world, stranger)
}

/// Nothing was changed by whoever tried.
async fn as_before(world: &World, before: &Value) {
    assert_eq!(world.get(C1).await.body["eTag"], before["eTag"]);
    assert_eq!((world.planes.count(), world.planes.doors()), (1, 0));
}

#[tokio::test]
async fn r_001_every_address_refuses_nobody() {
    let (world, _) = start().await;
    let before = world.get(C1).await.body;
    for address in addresses() {
        for method in &METHODS {
            let url = world.entrance.url(&format!("{}?api-version=2026-06-01", filled(&address, &world, "rg1", "c1")));
            let answer = world.entrance.client.request(method.clone(), url).send().await.expect("answers");
            if OPEN.contains(&address.as_str()) && method == Method::GET {
                assert_eq!(answer.status(), 200, "{method} {address}");
                continue;
            }
            assert_eq!(answer.status(), 401, "{method} {address}");
            assert!(answer.headers().contains_key("www-authenticate"), "{method} {address}");
            assert!(answer.text().await.expect("it ends").contains("\"R-001\""), "{method} {address}");
        }
    }
    as_before(&world, &before).await;
}

#[tokio::test]
async fn r_301_and_r_302_every_address_tells_a_stranger_nothing() {
    let (world, stranger) = start().await;
    let before = world.get(C1).await.body;
    let mut refused = 0;
    for address in addresses() {
        let ask = async |method: &Method, group: &str, name: &str| {
            let path = format!("/{}", filled(&address, &world, group, name));
            world.ask(&stranger, method.clone(), &path, body(method)).await
        };
        for method in &METHODS {
            let there = ask(method, "rg1", "c1").await;
            let nowhere = ask(method, "rg-nowhere", "c-nowhere").await;
            assert_eq!((there.status, there.refusal()), (nowhere.status, nowhere.refusal()), "{method} {address}");
            match there.refusal().as_str() {
                "403 AuthorizationFailed R-005" => refused += 1,
                "405 MethodNotAllowed R-213" | "404 InvalidResourceType R-012" => {}
                _ if method == Method::GET && LISTS.contains(&address.as_str()) => {
                    assert_eq!((there.status.as_u16(), &there.body["value"]), (200, &json!([])), "{address}");
                }
                _ if method == Method::GET && (OWN.contains(&address.as_str()) || OPEN.contains(&address.as_str())) => {}
                other => panic!("{method} {address}: {other} {}", there.body),
            }
        }
    }
    assert!(refused > 40, "{refused} calls were refused");
    as_before(&world, &before).await;
}

#[tokio::test]
async fn r_004_every_address_of_a_subscription_refuses_another_directory() {
    let (world, stranger) = start().await;
    let before = world.get(C1).await.body;
    let fabrikam = world.entrance.fabrikam().await;
    let app = world.entrance.app();
    let frank = sample::person("frank", app.now());
    let mut tx = app.store.write().await.expect("the store writes");
    tx.directory().insert_user(fabrikam.id, &frank).await.expect("he is new");
    tx.commit().await.expect("the store commits");
    let now = app.now().as_second();
    let token = app.keys.sign(
        &json!({
            "aud": format!("{}/arm", app.base()), "iss": app.issuer_v1(fabrikam.id), "iat": now, "nbf": now, "exp": now + 3600,
            "ver": "1.0", "tid": fabrikam.id, "oid": frank.id, "appid": entrance_model::well_known::AZURE_CLI, "idtyp": "user",
            "upn": frank.upn, "scp": "user_impersonation", "uti": "u"
        }),
        Header::V1,
    );
    let subscriptions = world.ask_with(&token, Method::GET, "//subscriptions", None).await;
    assert_eq!(subscriptions.body["value"], json!([]), "he sees none of them");
    let mut refused = 0;
    for address in addresses().iter().filter(|address| address.contains("{subscription}")) {
        for method in &METHODS {
            let path = format!("/{}", filled(address, &world, "rg1", "c1"));
            let of_the_tenant = world.ask(&stranger, method.clone(), &path, body(method)).await.refusal();
            let answer = world.ask_with(&token, method.clone(), &path, body(method)).await;
            if answer.refusal() == "401 InvalidAuthenticationTokenTenant R-004" {
                refused += 1;
            } else {
                // What is no call at all is refused before anybody asks whose subscription it is.
                assert!(["404", "405"].iter().any(|status| of_the_tenant.starts_with(status)), "{method} {address}");
                assert_eq!(answer.refusal(), of_the_tenant, "{method} {address}");
            }
        }
    }
    assert!(refused > 40, "{refused} calls were refused");
    as_before(&world, &before).await;
}
