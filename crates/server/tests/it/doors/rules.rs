//! Who opens, agrees and closes, and what is written down about it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use entrance_model::directory::{Member, MemberKind, User};
use entrance_testkit::minutes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::arm::{Answer, C1, World, cluster};

const DOORS: &str = "/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/c1/breakGlassDoors";

struct Scene {
    world: World,
    alice: User,
    bob: User,
}

impl Scene {
    /// A cluster with these terms; alice and bob may take the admin file.
    async fn start(break_glass: Value) -> Self {
        let world = World::start().await;
        world.group().await;
        let admins = world.entrance.group("platform").await;
        let mut body = cluster(Some(json!({"managed": true, "adminGroupObjectIDs": [admins.id]})));
        body["properties"]["entranceProfile"] = json!({ "breakGlass": break_glass });
        let put = world.put(C1, body).await;
        assert_eq!(put.status, 201, "{}", put.body);
        assert_eq!(world.settled(&put).await["status"], "Succeeded");
        let (alice, bob) = (world.entrance.user("alice").await, world.entrance.user("bob").await);
        let scene = Self { world, alice, bob };
        for person in [&scene.alice, &scene.bob] {
            scene.world.assign(person.id.into(), built_in::CLUSTER_ADMIN, &scene.here()).await;
        }
        scene
    }

    fn here(&self) -> Scope {
        format!("/subscriptions/{}{C1}", self.world.subscription).parse().expect("a scope")
    }

    async fn post(&self, who: &User, path: &str, body: Value) -> Answer {
        self.world.ask(who, Method::POST, &format!("{DOORS}{path}"), Some(body)).await
    }

    async fn open(&self, who: &User, duration: &str) -> Answer {
        self.post(who, "", json!({"properties": {"reason": "INC-4711: sign-in is down", "duration": duration}})).await
    }

    async fn show(&self, id: &str) -> Value {
        let shown = self.world.ask(&self.alice, Method::GET, &format!("{DOORS}/{id}"), None).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        shown.body["properties"].clone()
    }

    async fn az(&self, who: &User) -> Answer {
        self.world.ask(who, Method::POST, &format!("{C1}/listClusterAdminCredential"), None).await
    }

    async fn disable_local_accounts(&self, disabled: bool) -> Value {
        let change = json!({"location": "eastus", "properties": {"disableLocalAccounts": disabled}});
        let put = self.world.put(C1, change).await;
        assert_eq!(put.status, 200, "{}", put.body);
        self.world.settled(&put).await
    }

    /// The kinds of break-glass events, oldest first.
    async fn trail(&self) -> Vec<String> {
        let mut reader = self.world.entrance.app().store.read().await.expect("the store reads");
        let rows = reader.audit_trail(self.world.entrance.tenant, 200).await.expect("the trail");
        let kinds = rows.into_iter().map(|row| row.kind).filter(|kind| kind.starts_with("breakGlass."));
        let mut kinds: Vec<String> = kinds.collect();
        kinds.reverse();
        kinds
    }
}

fn id(answer: &Answer) -> String {
    answer.body["name"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

fn file(answer: &Answer) -> String {
    let value = answer.body["kubeconfigs"][0]["value"].as_str().unwrap_or_else(|| panic!("{}", answer.body));
    String::from_utf8(BASE64.decode(value).expect("base64")).expect("text")
}

#[tokio::test]
async fn a_door_has_a_reason_a_bounded_duration_one_holder_and_an_end() {
    let scene = Scene::start(json!({"validity": "PT2H"})).await;
    let (alice, bob) = (&scene.alice, &scene.bob);
    for (properties, refusal) in [
        (json!({}), "400 InvalidParameter R-013"),
        (json!({"reason": "  "}), "400 InvalidParameter R-013"),
        (json!({"reason": "x", "duration": "soon"}), "400 InvalidParameter R-542"),
        (json!({"reason": "x", "duration": "3h"}), "400 InvalidParameter R-542"),
        (json!({"reason": "x", "duration": 7}), "400 InvalidParameter R-013"),
    ] {
        assert_eq!(scene.post(alice, "", json!({"properties": properties})).await.refusal(), refusal, "{properties}");
    }
    let opened = scene.open(alice, "90m").await;
    assert_eq!(opened.status, 201, "{}", opened.body);
    let (id, properties) = (id(&opened), &opened.body["properties"]);
    assert_eq!(properties["state"], "Open");
    assert_eq!(
        (properties["holderName"].as_str(), properties["duration"].as_str()),
        (Some("alice@contoso.example"), Some("PT1H30M"))
    );
    assert_eq!(properties["validUntil"], "2026-01-01T01:30:00Z");

    let credential = format!("/{id}/credential");
    let file_of_alice = scene.post(alice, &credential, json!({})).await;
    assert_eq!(file_of_alice.header("cache-control"), "no-store");
    assert!(file(&file_of_alice).contains("client-certificate-data"));
    assert_eq!(scene.post(bob, &credential, json!({})).await.refusal(), "403 AuthorizationFailed R-541", "the holder only");
    assert_eq!(file(&scene.az(alice).await), file(&file_of_alice), "az takes the file of the open door");
    assert_eq!(scene.world.planes.doors(), 1);

    let closed = scene.post(bob, &format!("/{id}/close"), json!({})).await;
    assert_eq!(closed.status, 200, "{}", closed.body);
    let properties = &closed.body["properties"];
    assert_eq!(
        (&properties["state"], &properties["closedWhy"], &properties["isShut"]),
        (&json!("Closed"), &json!("byHand"), &json!(true))
    );
    assert_eq!(properties["closedByName"], "bob@contoso.example");
    assert_eq!(properties["refused"][0]["withoutRootMs"], 2);
    assert_eq!(properties["leftBehind"]["otherWrites"], 7);
    assert_eq!(scene.world.planes.doors(), 0);
    assert_eq!(scene.world.planes.shown(), [true], "the very certificate was tried");
    assert_eq!(scene.post(alice, &credential, json!({})).await.refusal(), "409 OperationNotAllowed R-207");
    assert_eq!(scene.post(bob, &format!("/{id}/close"), json!({})).await.refusal(), "409 OperationNotAllowed R-207");
    let severed = scene.post(bob, &format!("/{id}/close"), json!({"properties": {"sever": true}})).await;
    assert_eq!(severed.body["properties"]["severed"][0]["streamEndedMs"], 3, "also later: {}", severed.body);
    assert_eq!(scene.trail().await, ["breakGlass.opened", "breakGlass.closed", "breakGlass.shut", "breakGlass.severed"]);
    let listed = scene.world.ask(alice, Method::GET, DOORS, None).await;
    assert_eq!(listed.body["value"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn rights_to_doors_are_those_of_the_admin_file() {
    let scene = Scene::start(json!({})).await;
    let opened = scene.open(&scene.alice, "1h").await;
    let path = format!("{DOORS}/{}", id(&opened));
    let (stranger, reader) = (scene.world.entrance.user("stan").await, scene.world.entrance.user("rita").await);
    scene.world.assign(reader.id.into(), built_in::READER, &scene.here()).await;
    let verbs = [
        (Method::GET, DOORS.to_owned()),
        (Method::GET, path.clone()),
        (Method::POST, DOORS.to_owned()),
        (Method::POST, format!("{path}/approve")),
        (Method::POST, format!("{path}/credential")),
        (Method::POST, format!("{path}/close")),
    ];
    let mut answers = Vec::new();
    for (method, path) in &verbs {
        let mut line = Vec::new();
        for who in [&stranger, &reader] {
            let body = (*method == Method::POST).then(|| json!({"properties": {"reason": "x"}}));
            line.push(scene.world.ask(who, method.clone(), path, body).await.status.as_u16());
        }
        answers.push(line);
    }
    assert_eq!(answers, [[403, 200], [403, 200], [403, 403], [403, 403], [403, 403], [403, 403]]);
    assert_eq!(scene.world.planes.doors(), 1, "nobody closed it");
    let unknown = scene.world.ask(&reader, Method::GET, &format!("{DOORS}/{}", scene.alice.id), None).await;
    assert_eq!(unknown.refusal(), "404 ResourceNotFound R-010");
    // Whoever may write the cluster may close, too.
    scene.world.assign(reader.id.into(), built_in::CONTRIBUTOR, &scene.here()).await;
    assert_eq!(scene.world.ask(&reader, Method::POST, &format!("{path}/close"), None).await.status, 200);
}

#[tokio::test]
async fn a_second_person_must_agree_and_cannot_be_the_first_in_disguise() {
    let scene = Scene::start(json!({"secondPerson": true})).await;
    let (alice, bob) = (&scene.alice, &scene.bob);
    let refused = scene.az(alice).await;
    assert_eq!(refused.refusal(), "409 SecondPersonRequired R-541");
    let words = refused.body["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(words.contains("entrance break-glass open -g rg1 -n c1"), "az cannot wait, so it says how to ask: {words}");

    let asked = scene.open(alice, "1h").await;
    assert_eq!((asked.status.as_u16(), &asked.body["properties"]["state"]), (201, &json!("Requested")));
    let id = id(&asked);
    assert_eq!(scene.post(alice, &format!("/{id}/credential"), json!({})).await.refusal(), "409 OperationNotAllowed R-207");
    assert_eq!(scene.world.planes.doors(), 0);
    assert_eq!(scene.post(alice, &format!("/{id}/approve"), json!({})).await.refusal(), "403 SecondPersonRequired R-541");

    // An application that alice owns: the object itself, or its service principal.
    let (application, robot) = scene.world.entrance.application("robot", |_| {}).await;
    scene.world.assign(robot.id.into(), built_in::CLUSTER_ADMIN, &scene.here()).await;
    let mut tx = scene.world.entrance.app().store.write().await.expect("the store writes");
    let owner = Member { id: alice.id.into(), kind: MemberKind::User };
    tx.directory().add_owner(scene.world.entrance.tenant, &application.id.to_string(), owner).await.expect("she is new");
    tx.commit().await.expect("the store commits");
    let (robots, path) = (scene.world.token_of_application(&robot), format!("{DOORS}/{id}/approve"));
    let refused = scene.world.ask_with(&robots, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(refused.refusal(), "403 SecondPersonRequired R-541", "{}", refused.body);

    let approved = scene.post(bob, &format!("/{id}/approve"), json!({})).await;
    assert_eq!(approved.status, 200, "{}", approved.body);
    assert_eq!(approved.body["properties"]["approverName"], "bob@contoso.example");
    assert!(file(&scene.post(alice, &format!("/{id}/credential"), json!({})).await).contains("client-key-data"));
    assert!(file(&scene.az(alice).await).contains("client-key-data"), "and now az hands it out as well");
    assert_eq!(scene.post(bob, &format!("/{id}/approve"), json!({})).await.refusal(), "409 OperationNotAllowed R-207", "twice");
    assert_eq!(
        scene.trail().await,
        ["breakGlass.requested", "breakGlass.approvalRefused", "breakGlass.approvalRefused", "breakGlass.opened"]
    );
}

#[tokio::test]
async fn a_request_waits_a_quarter_of_an_hour() {
    let scene = Scene::start(json!({"secondPerson": true})).await;
    let late = id(&scene.open(&scene.alice, "1h").await);
    scene.world.entrance.sleep(minutes(15));
    let refused = scene.post(&scene.bob, &format!("/{late}/approve"), json!({})).await.refusal();
    assert!(["409 RequestExpired R-207", "409 OperationNotAllowed R-207"].contains(&refused.as_str()), "{refused}");
    scene.world.entrance.app().doors.wake();
    closed(&scene, &late, "expired").await;
    assert_eq!(scene.world.planes.shown(), [false; 0], "nothing had been opened, so there is nothing to shut");
}

async fn closed(scene: &Scene, id: &str, why: &str) -> Value {
    for _ in 0..500 {
        let shown = scene.show(id).await;
        if shown["isShut"] == true {
            assert_eq!(shown["closedWhy"], why);
            return shown;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{}", scene.show(id).await)
}

#[tokio::test]
async fn r_560_r_562_and_r_563_disabling_local_accounts_closes_every_door_and_enabling_them_opens_none() {
    let scene = Scene::start(json!({})).await;
    let doors = [id(&scene.open(&scene.alice, "1h").await), id(&scene.open(&scene.bob, "1h").await)];
    assert_eq!(scene.world.planes.doors(), 2);
    let file_before = file(&scene.az(&scene.alice).await);
    assert_eq!(scene.disable_local_accounts(true).await["status"], "Succeeded");
    assert_eq!(scene.world.planes.doors(), 0, "when the operation ends, the old files are refused");
    for door in &doors {
        let shown = scene.show(door).await;
        assert_eq!((&shown["closedWhy"], &shown["isShut"]), (&json!("localAccountsDisabled"), &json!(true)));
        assert_eq!(shown["closedByName"], "olivia@contoso.example");
    }
    assert_eq!(scene.az(&scene.alice).await.refusal(), "400 BadRequest R-203");
    assert_eq!(scene.open(&scene.alice, "1h").await.refusal(), "400 BadRequest R-203");

    assert_eq!(scene.disable_local_accounts(false).await["status"], "Succeeded");
    assert_eq!(scene.world.planes.doors(), 0);
    assert_eq!(scene.show(&doors[0]).await["state"], "Closed");
    assert_ne!(file(&scene.az(&scene.alice).await), file_before, "a new door, a new file");
}

#[tokio::test]
async fn disabling_local_accounts_fails_aloud_while_the_cluster_cannot_prove_it() {
    let scene = Scene::start(json!({})).await;
    let door = id(&scene.open(&scene.alice, "1h").await);
    scene.world.planes.deaf(true);
    let ended = scene.disable_local_accounts(true).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("Failed"), &json!("BreakGlassStillOpen")));
    let shown = scene.show(&door).await;
    assert_eq!((&shown["state"], &shown["isShut"]), (&json!("Closed"), &json!(false)), "closed, and not yet proved");
    scene.world.planes.deaf(false);
    scene.world.entrance.app().doors.wake();
    closed(&scene, &door, "localAccountsDisabled").await;
    assert_eq!(scene.world.planes.doors(), 0);
}

#[tokio::test]
async fn a_door_closes_in_writing_when_the_cluster_does_not_answer_and_is_shut_when_it_does() {
    let scene = Scene::start(json!({})).await;
    let door = id(&scene.open(&scene.alice, "1h").await);
    scene.world.planes.deaf(true);
    let refused = scene.post(&scene.alice, &format!("/{door}/close"), json!({})).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(scene.show(&door).await["state"], "Closed");
    assert_eq!(scene.world.planes.doors(), 1, "the binding is still there");
    scene.world.planes.deaf(false);
    scene.world.entrance.app().doors.wake();
    closed(&scene, &door, "byHand").await;
    assert_eq!(scene.world.planes.doors(), 0);
}

#[tokio::test]
async fn a_holder_who_is_disabled_or_revoked_loses_the_door_as_well() {
    let scene = Scene::start(json!({})).await;
    let doors = [id(&scene.open(&scene.alice, "1h").await), id(&scene.open(&scene.bob, "1h").await)];
    scene.world.entrance.sleep(minutes(1));
    let (app, tenant) = (scene.world.entrance.app(), scene.world.entrance.tenant);
    let mut alice = scene.alice.clone();
    alice.sessions_valid_from = app.now();
    let mut tx = app.store.write().await.expect("the store writes");
    tx.directory().update_user(tenant, &alice).await.expect("she is there");
    tx.commit().await.expect("the store commits");
    // Nobody wakes the sweep: the change itself does.
    let viewer = &scene.bob;
    for _ in 0..500 {
        let shown = scene.world.ask(viewer, Method::GET, &format!("{DOORS}/{}", doors[0]), None).await;
        if shown.body["properties"]["isShut"] == true {
            assert_eq!(shown.body["properties"]["closedWhy"], "holderRevoked");
            assert_eq!(scene.world.planes.doors(), 1, "the other one is open as before");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the door stays open");
}

#[tokio::test]
async fn a_cluster_has_at_most_fifty_doors_at_a_time() {
    let scene = Scene::start(json!({"secondPerson": true})).await;
    for _ in 0..50 {
        assert_eq!(scene.open(&scene.alice, "1h").await.status, 201);
    }
    assert_eq!(scene.open(&scene.bob, "1h").await.refusal(), "409 OperationNotAllowed R-207");
}

#[tokio::test]
async fn a_cluster_that_is_deleted_takes_its_doors_with_it() {
    let scene = Scene::start(json!({})).await;
    scene.open(&scene.alice, "1h").await;
    let gone = scene.world.delete(C1).await;
    assert_eq!(scene.world.settled(&gone).await["status"], "Succeeded");
    assert_eq!(scene.trail().await.last().map(String::as_str), Some("breakGlass.closed"));
    assert_eq!(scene.world.get(DOORS).await.refusal(), "404 ResourceNotFound R-010");
}

#[tokio::test]
async fn the_terms_of_a_cluster_are_checked_when_they_are_set() {
    let scene = Scene::start(json!({"validity": "PT2H"})).await;
    for (validity, status) in [("PT25H", 400), ("soon", 400), ("PT0S", 400), ("PT24H", 200), ("30m", 200)] {
        let change = json!({"location": "eastus", "properties": {"entranceProfile": {"breakGlass": {"validity": validity}}}});
        let put = scene.world.put(C1, change).await;
        assert_eq!(put.status, status, "{validity}: {}", put.body);
        if status == 200 {
            scene.world.settled(&put).await;
        }
    }
    assert_eq!(scene.open(&scene.alice, "1h").await.refusal(), "400 InvalidParameter R-542", "30 minutes is the most now");
}
