//! The rules of PUT and PATCH, each by its number.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::arm::{ClusterAddress, Location, Ruled};
use crate::id::{ClusterUid, GroupId, TenantId};
use crate::well_known::FIRST_PARTY;

const TENANT: &str = "11111111-aaaa-4aaa-8aaa-000000000001";
const OTHER: &str = "11111111-aaaa-4aaa-8aaa-000000000002";
const GROUP: &str = "c3000000-0000-4000-8000-000000000001";
const APP: &str = "d3000000-0000-4000-8000-000000000001";

struct World {
    locations: Vec<Location>,
    versions: Versions,
    loose: bool,
    knows_server: bool,
    used: usize,
}

impl World {
    fn new() -> Self {
        Self {
            locations: ["eastus", "chinaeast"].map(|l| l.parse().expect("a location")).into(),
            versions: Versions::new(["1.36.4", "1.37.2"].map(|v| v.parse().expect("a version"))),
            loose: false,
            knows_server: true,
            used: 0,
        }
    }

    fn loose() -> Self {
        Self { loose: true, ..Self::new() }
    }

    fn with<T>(&self, then: impl FnOnce(&House<'_>) -> T) -> T {
        let known: GroupId = GROUP.parse().expect("a group");
        then(&House {
            locations: &self.locations,
            versions: &self.versions,
            tenant: TENANT.parse().expect("a tenant"),
            max_admin_groups: 20,
            allow_foreign_tenant: self.loose,
            allow_lockout: self.loose,
            allow_legacy_create: self.loose,
            token_audience: TokenAudience::Shared,
            user_name: UserName::Upn,
            quota: Quota { used: self.used, max: 100 },
            is_group: &|id| id == known,
            is_registered: &|_| self.knows_server,
        })
    }

    fn create(&self, body: Value) -> Result<Accepted, Unacceptable> {
        self.with(|house| create(&address(), uid(), body, house))
    }

    fn cluster(&self, body: Value) -> Cluster {
        let accepted = self.create(body).expect("is accepted");
        let version = self.versions.resolve(Some(&accepted.spec.kubernetes)).expect("is offered");
        let now = jiff::Timestamp::UNIX_EPOCH;
        Cluster {
            uid: uid(),
            address: address(),
            tenant: TENANT.parse().expect("a tenant"),
            applied: Some(accepted.document.clone()),
            document: accepted.document,
            version,
            state: State::Ready,
            power: Power::Running,
            endpoint: None,
            revision: 1,
            created: now,
            created_by: None,
            modified: now,
            modified_by: None,
        }
    }

    fn update(&self, before: Value, change: Value) -> Result<Accepted, Unacceptable> {
        let cluster = self.cluster(before);
        self.with(|house| update(&cluster, change, house))
    }
}

fn address() -> ClusterAddress {
    ClusterAddress {
        subscription: "22222222-bbbb-4bbb-8bbb-00000000000a".parse().expect("a subscription"),
        group: "rg1".parse().expect("a group"),
        name: "c1".parse().expect("a name"),
    }
}

fn uid() -> ClusterUid {
    ClusterUid::from_uuid(Uuid::from_u128(7))
}

fn body(properties: Value) -> Value {
    let mut all = json!({
        "location": "eastus",
        "properties": {"dnsPrefix": "c1", "kubernetesVersion": "", "agentPoolProfiles": [{"name": "nodepool1", "count": 3, "vmSize": "", "orchestratorVersion": ""}]}
    });
    let Value::Object(properties) = properties else { panic!("an object") };
    all["properties"].as_object_mut().expect("an object").extend(properties);
    all
}

fn managed() -> Value {
    body(json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": [GROUP]}}))
}

fn change(properties: Value) -> Value {
    Value::Object([("location".to_owned(), json!("eastus")), ("properties".to_owned(), properties)].into_iter().collect())
}

/// `rule code target`, as tests and clients see a refusal.
fn refused(result: Result<Accepted, Unacceptable>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(e) => format!("{} {} {} {}", e.rule(), e.status(), e.code(), e.target().unwrap_or_default()),
    }
}

fn legacy() -> Value {
    body(json!({"aadProfile": {"clientAppID": APP, "serverAppID": APP, "serverAppSecret": "s"}}))
}

fn aad(accepted: Result<Accepted, Unacceptable>) -> Value {
    accepted.expect("is accepted").document.at("properties.aadProfile").cloned().unwrap_or(Value::Null)
}

#[test]
fn a_body_as_the_command_line_sends_it_is_accepted() {
    let accepted = World::new().create(managed()).expect("is accepted");
    assert_eq!(
        accepted.document.at("properties.aadProfile"),
        Some(&json!({"managed": true, "enableAzureRBAC": false, "adminGroupObjectIDs": [GROUP], "tenantID": TENANT}))
    );
    assert_eq!(accepted.document.text("properties.kubernetesVersion"), Some("1.37.2"));
    assert_eq!(accepted.document.text("properties.nodeResourceGroup"), Some("MC_rg1_c1_eastus"));
    assert_eq!(accepted.document.text("properties.agentPoolProfiles"), None);
    assert_eq!(accepted.spec.nodes(), 3);
    assert_eq!(accepted.spec.entrance.groups_max, 450);
    assert!(accepted.document.text("properties.identityProfile.kubeletidentity.objectId").is_some());
    assert!(accepted.warnings.is_empty());
}

#[test]
fn r_014_to_r_020_where_and_what_it_is_called() {
    let world = World::new();
    let mut nowhere = managed();
    nowhere.as_object_mut().expect("an object").remove("location");
    assert_eq!(refused(world.create(nowhere)), "R-014 400 LocationRequired location");
    let mut mars = managed();
    mars["location"] = json!("Mars North");
    assert_eq!(refused(world.create(mars)), "R-015 400 LocationNotAvailableForResourceType location");
    assert_eq!(refused(world.update(managed(), json!({"location": "China East"}))), "R-016 409 InvalidResourceLocation location");
    assert_eq!(refused(world.create(body(json!({"dnsPrefix": "a.b"})))), "R-018 400 InvalidParameter dnsPrefix");
    assert_eq!(refused(world.create(body(json!({"dnsPrefix": ""})))), "R-019 400 InvalidParameter dnsPrefix");
    let mut other = managed();
    other["name"] = json!("c2");
    assert_eq!(refused(world.create(other)), "R-020 400 InvalidRequestContent name");
    let mut same = managed();
    same["Name"] = json!("C1");
    assert_eq!(refused(world.create(same)), "accepted");
}

#[test]
fn r_021_and_r_022_tags() {
    let world = World::new();
    let cluster = world.cluster(managed());
    let ruled = |result: Result<Document, Unacceptable>| result.map_or_else(|e| e.rule(), |_| "accepted");
    assert_eq!(ruled(retag(&cluster, json!({"tags": {"a": "b"}}))), "accepted");
    assert_eq!(ruled(retag(&cluster, json!({"properties": {}}))), "R-021");
    assert_eq!(ruled(retag(&cluster, json!({"tags": {"a": "b".repeat(257)}}))), "R-022");
    let many: serde_json::Map<_, _> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
    assert_eq!(ruled(retag(&cluster, json!({"tags": many}))), "R-022");
}

#[test]
fn r_023_what_was_decided_at_creation_stays() {
    let world = World::new();
    for (member, value) in [
        ("dnsPrefix", json!("other")),
        ("nodeResourceGroup", json!("other")),
        ("enableRBAC", json!(false)),
        ("networkProfile", json!({"podCidr": "10.0.0.0/8"})),
        ("servicePrincipalProfile", json!({"clientId": "other"})),
        ("apiServerAccessProfile", json!({"enablePrivateCluster": true})),
    ] {
        let answer = refused(world.update(managed(), change(json!({member: value}))));
        assert!(answer.starts_with(&format!("R-023 400 PropertyChangeNotAllowed {member}")), "{answer}");
    }
    assert_eq!(refused(world.update(managed(), change(json!({"networkProfile": {"outboundType": "none"}})))), "accepted");
}

#[test]
fn r_028_to_r_034_limits_versions_and_pools() {
    let full = World { used: 100, ..World::new() };
    assert_eq!(refused(full.create(managed())), "R-028 400 ManagedClusterCountExceedsQuotaLimit ");
    let world = World::new();
    assert_eq!(
        refused(world.create(body(json!({"kubernetesVersion": "1.20"})))),
        "R-029 400 K8sVersionNotSupported kubernetesVersion"
    );
    assert_eq!(
        refused(world.update(managed(), change(json!({"kubernetesVersion": "1.36"})))),
        "R-030 400 OperationNotAllowed kubernetesVersion"
    );
    for pools in [json!([]), json!([{"name": "A"}]), json!([{"name": "a"}, {"name": "a"}]), json!([{"name": "a", "count": 9999}])]
    {
        assert_eq!(
            refused(world.create(body(json!({"agentPoolProfiles": pools})))),
            "R-034 400 InvalidParameter agentPoolProfiles"
        );
    }
}

#[test]
fn r_101_the_managed_integration_stays() {
    let world = World::new();
    for profile in [Value::Null, json!({"managed": false})] {
        assert_eq!(
            refused(world.update(managed(), change(json!({"aadProfile": profile})))),
            "R-101 400 PropertyChangeNotAllowed aadProfile.managed"
        );
    }
    let answer = world.update(managed(), change(json!({"aadProfile": null}))).expect_err("is refused");
    assert!(answer.to_string().contains("cannot be removed"));
}

#[test]
fn r_102_there_is_no_way_back_to_own_applications() {
    let world = World::loose();
    for profile in [json!({"clientAppID": APP, "serverAppID": APP}), json!({"managed": false, "serverAppSecret": "s"})] {
        assert_eq!(
            refused(world.update(managed(), change(json!({"aadProfile": profile})))),
            "R-102 400 PropertyChangeNotAllowed aadProfile.managed"
        );
    }
}

#[test]
fn r_103_own_applications_cannot_stand_beside_managed() {
    let profile = json!({"managed": true, "serverAppID": APP});
    assert_eq!(
        refused(World::new().create(body(json!({"aadProfile": profile})))),
        "R-103 400 InvalidParameter aadProfile.serverAppID"
    );
}

#[test]
fn r_104_the_integration_needs_kubernetes_rbac() {
    let world = World::new();
    let profile = json!({"managed": true});
    assert_eq!(
        refused(world.create(body(json!({"enableRBAC": false, "aadProfile": profile})))),
        "R-104 400 BadRequest enableRBAC"
    );
    assert_eq!(
        refused(world.update(body(json!({"enableRBAC": false})), change(json!({"aadProfile": profile})))),
        "R-104 400 BadRequest enableRBAC"
    );
}

#[test]
fn r_105_and_r_106_settings_of_the_integration_need_it() {
    let world = World::new();
    let create = |profile: Value| refused(world.create(body(json!({"aadProfile": profile}))));
    assert_eq!(create(json!({"enableAzureRBAC": true})), "R-105 400 BadRequest aadProfile.enableAzureRBAC");
    assert_eq!(create(json!({"adminGroupObjectIDs": [GROUP]})), "R-106 400 InvalidParameter aadProfile");
    assert_eq!(create(json!({"tenantID": TENANT})), "R-106 400 InvalidParameter aadProfile");
    assert_eq!(create(json!({"managed": false, "adminGroupObjectIDs": []})), "accepted");
    assert_eq!(create(json!({})), "accepted");
}

#[test]
fn r_107_r_108_and_r_109_admin_groups_are_guids_folded_and_few() {
    let world = World::new();
    let create = |ids: Value| world.create(body(json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": ids}})));
    assert_eq!(refused(create(json!(["platform"]))), "R-107 400 InvalidParameter aadProfile.adminGroupObjectIDs");
    let twice = create(json!([GROUP, GROUP.to_uppercase()])).expect("is accepted");
    assert_eq!(twice.spec.admins().len(), 1);
    let many: Vec<String> = (0..21).map(|n| Uuid::from_u128(n).to_string()).collect();
    assert_eq!(refused(create(json!(many))), "R-109 400 InvalidParameter aadProfile.adminGroupObjectIDs");
}

#[test]
fn r_110_an_unknown_group_is_accepted_with_a_warning() {
    let profile = json!({"managed": true, "adminGroupObjectIDs": [GROUP, OTHER]});
    let accepted = World::new().create(body(json!({"aadProfile": profile}))).expect("is accepted");
    assert_eq!(accepted.warnings, [Warning::UnknownGroup(OTHER.parse().expect("a group"))]);
    assert!(accepted.warnings[0].to_string().contains("does not exist in the directory"));
}

#[test]
fn r_111_to_r_114_the_tenant_is_the_subscriptions() {
    let create = |world: World, tenant: &str, rbac: bool| {
        refused(world.create(body(json!({"aadProfile": {"managed": true, "tenantID": tenant, "enableAzureRBAC": rbac}}))))
    };
    assert_eq!(create(World::new(), "contoso", false), "R-111 400 InvalidParameter aadProfile.tenantID");
    assert_eq!(create(World::new(), OTHER, false), "R-112 400 InvalidParameter aadProfile.tenantID");
    assert_eq!(create(World::loose(), OTHER, false), "accepted");
    assert_eq!(create(World::loose(), OTHER, true), "R-113 400 InvalidParameter aadProfile.tenantID");
    let moved = World::loose().update(managed(), change(json!({"aadProfile": {"tenantID": OTHER}}))).expect("is accepted");
    assert_eq!(moved.spec.sign_in.managed().map(|m| m.tenant), OTHER.parse::<TenantId>().ok());
}

#[test]
fn r_115_own_applications_are_retired() {
    assert_eq!(refused(World::new().create(legacy())), "R-115 400 BadRequest aadProfile");
    assert_eq!(aad(World::loose().create(legacy())), json!({"clientAppID": APP, "serverAppID": APP, "tenantID": TENANT}));
}

#[test]
fn r_115_the_server_application_is_the_customers_own() {
    let create = |knows_server: bool, profile: Value| {
        refused(World { knows_server, ..World::loose() }.create(body(json!({"aadProfile": profile}))))
    };
    let unknown = "R-115 400 InvalidParameter aadProfile.serverAppID";
    assert_eq!(create(false, json!({"clientAppID": APP, "serverAppID": APP})), unknown);
    for platforms in FIRST_PARTY {
        assert_eq!(create(true, json!({"clientAppID": APP, "serverAppID": platforms.app_id})), unknown, "{}", platforms.name);
    }
    assert_eq!(
        create(true, json!({"clientAppID": "kubectl", "serverAppID": APP})),
        "R-115 400 InvalidParameter aadProfile.clientAppID"
    );
    let of_tenant = |tenant: &str| create(true, json!({"clientAppID": APP, "serverAppID": APP, "tenantID": tenant}));
    assert_eq!(of_tenant("contoso"), "R-111 400 InvalidParameter aadProfile.tenantID");
    assert_eq!(of_tenant(OTHER), "accepted");
}

#[test]
fn r_204_to_r_206_only_own_applications_can_be_reset_and_only_as_a_whole() {
    let world = World::loose();
    let reset = |before: Value, profile: Value| {
        let cluster = world.cluster(before);
        world.with(|house| reset_sign_in(&cluster, profile, house))
    };
    let whole = json!({"clientAppID": OTHER, "SERVERAPPID": OTHER, "serverAppSecret": "new", "tenantID": null});
    let after = reset(legacy(), whole.clone()).expect("is accepted");
    assert_eq!(
        after.document.at("properties.aadProfile"),
        Some(&json!({"clientAppID": OTHER, "serverAppID": OTHER, "tenantID": TENANT}))
    );
    assert_eq!(refused(reset(managed(), whole.clone())), "R-204 400 BadRequest ");
    assert_eq!(refused(reset(body(json!({})), whole)), "R-205 400 BadRequest ");
    for part in [
        json!({}),
        json!(null),
        json!({"managed": true, "clientAppID": OTHER, "serverAppID": OTHER, "serverAppSecret": "new"}),
        json!({"clientAppID": OTHER, "serverAppID": OTHER}),
        json!({"clientAppID": OTHER, "serverAppSecret": "new"}),
        json!({"serverAppID": OTHER, "serverAppSecret": "new"}),
    ] {
        assert_eq!(refused(reset(legacy(), part.clone())), "R-206 400 BadRequest ", "{part}");
    }
    assert_eq!(refused(reset(legacy(), json!("x"))), "R-013 400 InvalidRequestContent aadProfile");
}

#[test]
fn r_125_and_r_205_a_service_principal_is_reset_where_there_is_one() {
    let world = World::new();
    let with_principal = body(json!({"servicePrincipalProfile": {"clientId": APP, "secret": "s"}}));
    let reset = |before: Value, profile: Value| reset_service_principal(&world.cluster(before), profile);
    let after = reset(with_principal.clone(), json!({"CLIENTID": OTHER, "secret": "very-secret"})).expect("is accepted");
    assert_eq!(after.document.at("properties.servicePrincipalProfile"), Some(&json!({"clientId": OTHER})));
    assert_eq!(refused(reset(body(json!({})), json!({"clientId": OTHER, "secret": "s"}))), "R-205 400 BadRequest ");
    for part in [json!({}), json!({"clientId": OTHER}), json!({"secret": "s"}), json!({"clientId": "x", "secret": "s"})] {
        assert_eq!(refused(reset(with_principal.clone(), part.clone())), "R-206 400 BadRequest ", "{part}");
    }
}

#[test]
fn r_116_own_applications_are_changed_elsewhere() {
    let world = World::loose();
    let change_to = |profile: Value| refused(world.update(legacy(), change(json!({"aadProfile": profile}))));
    assert_eq!(change_to(json!({"serverAppSecret": "new"})), "R-116 400 PropertyChangeNotAllowed aadProfile.serverAppSecret");
    assert_eq!(change_to(json!({"serverAppID": OTHER})), "R-116 400 PropertyChangeNotAllowed aadProfile.serverAppID");
    assert_eq!(change_to(json!({"clientAppID": APP, "serverAppID": APP, "tenantID": TENANT})), "accepted");
    let none = refused(world.update(body(json!({})), change(json!({"aadProfile": {"clientAppID": APP, "serverAppID": APP}}))));
    assert_eq!(none, "R-116 400 PropertyChangeNotAllowed aadProfile.serverAppID");
}

#[test]
fn r_117_a_legacy_cluster_becomes_managed_and_its_applications_vanish() {
    let after =
        aad(World::loose().update(legacy(), change(json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": [GROUP]}}))));
    assert_eq!(after, json!({"managed": true, "enableAzureRBAC": false, "adminGroupObjectIDs": [GROUP], "tenantID": TENANT}));
}

#[test]
fn r_118_a_cluster_without_integration_becomes_managed() {
    let after =
        World::new().update(body(json!({})), change(json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": [GROUP]}})));
    assert!(after.expect("is accepted").spec.sign_in.managed().is_some());
}

#[test]
fn r_119_and_r_120_nobody_is_locked_out_by_accident() {
    let world = World::new();
    assert_eq!(refused(world.create(body(json!({"disableLocalAccounts": true})))), "R-119 400 BadRequest disableLocalAccounts");
    assert_eq!(refused(World::loose().create(body(json!({"disableLocalAccounts": true})))), "accepted");
    let risky = world.create(body(json!({"disableLocalAccounts": true, "aadProfile": {"managed": true}}))).expect("is accepted");
    assert_eq!(risky.warnings, [Warning::NobodyCanEnter]);
}

#[test]
fn r_121_role_based_decisions_can_be_switched_either_way() {
    let world = World::new();
    let on =
        world.update(managed(), change(json!({"aadProfile": {"managed": true, "enableAzureRBAC": true}}))).expect("is accepted");
    assert!(on.spec.sign_in.managed().is_some_and(|m| m.azure_rbac && m.admins.len() == 1), "what was not sent is kept");
}

#[test]
fn r_122_automatic_clusters_decide_by_roles() {
    let mut automatic = body(json!({}));
    automatic["sku"] = json!({"name": "Automatic", "tier": "Standard"});
    let accepted = World::new().create(automatic.clone()).expect("is accepted");
    assert!(accepted.spec.sign_in.managed().is_some_and(|m| m.azure_rbac) && !accepted.spec.local_accounts);
    automatic["properties"]["aadProfile"] = json!({"managed": true, "enableAzureRBAC": false});
    assert_eq!(refused(World::new().create(automatic)), "R-122 400 BadRequest aadProfile.enableAzureRBAC");
}

#[test]
fn r_123_and_r_124_the_issuer_stays_and_workload_identity_needs_it() {
    let world = World::new();
    let with = body(json!({"oidcIssuerProfile": {"enabled": true}}));
    assert_eq!(
        refused(world.update(with, change(json!({"oidcIssuerProfile": {"enabled": false}})))),
        "R-123 400 PropertyChangeNotAllowed oidcIssuerProfile.enabled"
    );
    let identity = body(json!({"securityProfile": {"workloadIdentity": {"enabled": true}}}));
    assert_eq!(refused(world.create(identity)), "R-124 400 BadRequest securityProfile.workloadIdentity");
}

#[test]
fn r_125_secrets_are_in_no_answer() {
    let world = World::loose();
    let mut with = legacy();
    with["properties"]["servicePrincipalProfile"] = json!({"clientId": APP, "secret": "very-secret"});
    let shown = show(&world.cluster(with), Showing { dns_suffix: "x.test", base: "https://x.test" }).to_string();
    assert!(!shown.contains("very-secret") && !shown.contains("serverAppSecret"), "{shown}");
}

#[test]
fn r_127_and_r_128_the_same_again_is_a_success_and_changes_nothing() {
    let world = World::new();
    let cluster = world.cluster(managed());
    let read = show(&cluster, Showing { dns_suffix: "x.test", base: "https://x.test" });
    let again = world.with(|house| update(&cluster, read, house)).expect("is accepted");
    assert_eq!(again.document, cluster.document);
}

#[test]
fn what_others_wrote_survives_a_client_that_does_not_know_it() {
    let world = World::new();
    let mut with = managed();
    with["properties"]["futureProfile"] = json!({"A": {"b": 1}});
    with["properties"]["aadProfile"]["futureMember"] = json!("kept");
    let after =
        world.update(with, change(json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": []}}))).expect("is accepted");
    assert_eq!(after.document.at("properties.futureProfile.A.b"), Some(&json!(1)));
    assert_eq!(after.document.text("properties.aadProfile.futureMember"), Some("kept"));
    assert!(after.spec.admins().is_empty());
}

#[test]
fn a_plan_ends_when_everything_is_there() {
    let spec = World::new().create(managed()).expect("is accepted").spec;
    let nothing = Observed::default();
    assert_eq!(
        plan(Desired::Present(&spec), &nothing),
        [Step::Prepare, Step::Start, Step::AwaitReady, Step::Nodes, Step::BindAdmins, Step::Enforce]
    );
    let all = Observed::as_wished(&spec);
    assert_eq!(plan(Desired::Present(&spec), &all), []);
    assert_eq!(plan(Desired::Absent, &all), [Step::Erase]);
    assert_eq!(plan(Desired::Absent, &nothing), []);
    assert_eq!(plan(Desired::Stopped, &all), [Step::Halt]);
    let asleep = Observed { stage: Stage::Incomplete, lives: false, admins: None, ..all.clone() };
    assert_eq!(plan(Desired::Stopped, &asleep), []);
    assert_eq!(
        plan(Desired::Present(&spec), &asleep),
        [Step::Prepare, Step::Start, Step::AwaitReady, Step::BindAdmins, Step::Enforce]
    );
    // Turning the integration on, or changing who administers, touches no process.
    let other = Observed { admins: Some(Vec::new()), in_force: false, ..all };
    assert_eq!(plan(Desired::Present(&spec), &other), [Step::BindAdmins, Step::Enforce]);
}

#[test]
fn r_013_recovery_keys_are_real_keys_and_r_563_copies_of_the_sealed_door_end_aloud() {
    let key = |n: u8| crate::recovery::RecoveryKey::from_bytes([n; 32]).to_string();
    let sealed = |keys: &[String], threshold: Value| {
        json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": [GROUP]},
            "entranceProfile": {"breakGlass": {"recoveryKeys": keys, "threshold": threshold}}})
    };
    let world = World::new();
    let two = [key(1), key(2)];
    let spec = world.create(body(sealed(&two, json!(2)))).expect("is accepted").spec;
    assert_eq!(spec.entrance.recovery.map(|recovery| (recovery.keys().len(), recovery.threshold())), Some((2, 2)));
    for (keys, threshold, member) in [
        (&["age1qqqq".to_owned()][..], json!(1), "recoveryKeys"),
        (&[key(1), key(1)], json!(1), "recoveryKeys"),
        (&two, json!(3), "threshold"),
        (&two, json!(-1), "threshold"),
        (&two, Value::Null, "threshold"),
    ] {
        let told = refused(world.create(body(sealed(keys, threshold))));
        assert_eq!(told, format!("R-013 400 InvalidParameter entranceProfile.breakGlass.{member}"));
    }

    let warned = |to: Value| world.update(body(sealed(&two, json!(2))), change(to)).expect("is accepted").warnings;
    let ends = |because| vec![Warning::SealedDoorEnds { because }];
    assert_eq!(warned(json!({"disableLocalAccounts": true})), ends("local accounts are disabled"));
    assert_eq!(warned(sealed(&two, json!(1))), ends("its recovery keys are others now"));
    assert_eq!(warned(sealed(&[], json!(1))), ends("it has no recovery keys any more"));
    assert_eq!(warned(json!({})), []);
}
