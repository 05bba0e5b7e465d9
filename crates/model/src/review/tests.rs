use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::well_known::{AKS_CLIENT, AKS_SERVER, GRAPH};

fn tenant(n: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(n))
}

const RESOURCE: &str = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a/resourceGroups/web/providers/Microsoft.ContainerService/managedClusters/prod";

fn gate() -> Gate {
    Gate {
        resource: RESOURCE.parse().expect("a resource id"),
        tenant: tenant(1),
        audience: AKS_SERVER,
        names: UserName::Upn,
        groups_max: 3,
        pinned: vec![group(9)],
        needs_proof: false,
    }
}

fn group(n: u128) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(n))
}

fn token() -> Token<'static> {
    Token {
        id: "token-1",
        tenant: tenant(1),
        subject: Subject::Person,
        app: AKS_CLIENT,
        session: None,
        audience: "6dae42f8-4368-4678-94ff-3960e28e3630",
        issued: Timestamp::UNIX_EPOCH,
        has_scope: true,
        possession: Possession::Bearer,
    }
}

fn alice() -> Principal {
    Principal::Person { upn: "alice@contoso.example".parse().expect("a UPN"), enabled: true, valid_from: Timestamp::UNIX_EPOCH }
}

fn robot(enabled: bool) -> Principal {
    Principal::Application { app: GRAPH, enabled }
}

fn why(token: Token<'_>, principal: Option<&Principal>) -> &'static str {
    review(&token, &gate(), principal).map_or_else(Refusal::code, |_| "allowed")
}

#[test]
fn s_431_a_proof_counts_for_five_minutes_a_minute_ahead_and_at_one_cluster() {
    let now = Timestamp::from_second(1_000_000).expect("a time");
    let at = |made, place| Proof { made, place }.check(&gate(), now).map_err(Refusal::code);
    for made in [1_000_000, 1_000_000 - Proof::LIFE, 1_000_000 + Proof::AHEAD] {
        assert_eq!(at(made, RESOURCE), Ok(()));
    }
    let shouted = RESOURCE.to_uppercase();
    assert_eq!(at(1_000_000, &shouted), Ok(()));
    for made in [1_000_000 - Proof::LIFE - 1, 0, -1, i64::MIN] {
        assert_eq!(at(made, RESOURCE), Err("proof-old"), "{made}");
    }
    for made in [1_000_000 + Proof::AHEAD + 1, i64::MAX] {
        assert_eq!(at(made, RESOURCE), Err("proof-not-yet"), "{made}");
    }
    let (slash, host) = (format!("{RESOURCE}/"), format!("https://management.example{RESOURCE}"));
    // U+212A is a K whose lower case is an ordinary k: the case of letters is folded in ASCII only.
    let (other, kelvin) = (RESOURCE.replace("prod", "prod2"), RESOURCE.replace("web", "we\u{212a}"));
    assert!(
        Gate { resource: RESOURCE.replace("web", "wek").parse().expect("a resource id"), ..gate() }
            .is_called(&RESOURCE.replace("web", "WEK"))
    );
    assert!(!Gate { resource: RESOURCE.replace("web", "wek").parse().expect("a resource id"), ..gate() }.is_called(&kelvin));
    for place in ["", "/", &slash, &host, &other, &kelvin, &RESOURCE[1..], &RESOURCE[..RESOURCE.len() - 1]] {
        assert_eq!(at(1_000_000, place), Err("proof-elsewhere"), "{place}");
    }
}

#[test]
fn r_420_people_are_called_by_upn_or_oid_as_the_cluster_is_set() {
    let alice = alice();
    assert_eq!(review(&token(), &gate(), Some(&alice)), Ok(Entrant::ByUpn(&"alice@contoso.example".parse().expect("a UPN"))));
    assert_eq!(review(&token(), &Gate { names: UserName::Oid, ..gate() }, Some(&alice)), Ok(Entrant::ByOid));
    let app = Token { subject: Subject::Application, has_scope: false, ..token() };
    assert_eq!(review(&app, &gate(), Some(&robot(true))), Ok(Entrant::ByOid));
}

#[test]
fn r_423_the_audience_may_carry_spn_and_any_case_and_nothing_else() {
    let at = |audience| why(Token { audience, ..token() }, Some(&alice()));
    assert_eq!(at("spn:6dae42f8-4368-4678-94ff-3960e28e3630"), "allowed");
    assert_eq!(at("6DAE42F8-4368-4678-94FF-3960E28E3630"), "allowed");
    for other in [
        "",
        "spn:",
        "00000003-0000-0000-c000-000000000000",
        "spn:spn:6dae42f8-4368-4678-94ff-3960e28e3630",
        "6dae42f8-4368-4678-94ff-3960e28e3630/",
        "https://kubernetes.default.svc",
    ] {
        assert_eq!(at(other), "other-audience", "{other}");
    }
}

#[test]
fn each_check_has_a_reason_of_its_own() {
    let alice = alice();
    let Principal::Person { upn, .. } = alice.clone() else { unreachable!("alice is a person") };
    let disabled = Principal::Person { upn: upn.clone(), enabled: false, valid_from: Timestamp::UNIX_EPOCH };
    let revoked = Principal::Person { upn, enabled: true, valid_from: Timestamp::from_second(1).expect("a time") };
    let app = Token { subject: Subject::Application, has_scope: false, ..token() };
    assert_eq!(why(Token { tenant: tenant(2), ..token() }, Some(&alice)), "other-tenant");
    assert_eq!(why(Token { has_scope: false, ..token() }, Some(&alice)), "not-an-access-token");
    assert_eq!(why(Token { possession: Possession::Unproven, ..token() }, Some(&alice)), "proof-missing");
    assert_eq!(review(&token(), &Gate { needs_proof: true, ..gate() }, Some(&alice)), Err(Refusal::ProofMissing));
    let proven = Token { possession: Possession::Proven, ..token() };
    assert_eq!(why(proven, Some(&alice)), "allowed");
    assert!(review(&proven, &Gate { needs_proof: true, ..gate() }, Some(&alice)).is_ok());
    assert_eq!(why(token(), None), "unknown-person");
    assert_eq!(why(token(), Some(&robot(true))), "unknown-person");
    assert_eq!(why(token(), Some(&disabled)), "disabled");
    assert_eq!(why(token(), Some(&revoked)), "revoked");
    let upn = "alice@contoso.example".parse().expect("a UPN");
    let just_made = Principal::Person { upn, enabled: true, valid_from: Timestamp::from_microsecond(900_000).expect("a time") };
    assert_eq!(why(token(), Some(&just_made)), "allowed");
    assert_eq!(why(app, None), "unknown-application");
    assert_eq!(why(app, Some(&alice)), "unknown-application");
    assert_eq!(why(app, Some(&robot(false))), "disabled");
}

#[test]
fn r_421_groups_above_the_budget_are_never_cut_silently() {
    let all: Vec<_> = (1..=9).map(group).collect();
    let (few, many): (BTreeSet<_>, BTreeSet<_>) = (BTreeSet::from([group(2), group(70)]), all.iter().copied().collect());
    assert_eq!(within(all[..3].to_vec(), &gate(), Referred::Unknown), Ok(all[..3].to_vec()));
    assert_eq!(within(all.clone(), &gate(), Referred::Unknown), Err(Refusal::TooManyGroups { count: 9, max: 3 }));
    assert_eq!(within(all.clone(), &gate(), Referred::Known(&few)), Ok(vec![group(2), group(9)]));
    assert_eq!(within(all, &gate(), Referred::Known(&many)), Err(Refusal::TooManyReferredGroups { count: 9, max: 3 }));
}

fn gate_of(properties: &serde_json::Value) -> Option<Gate> {
    let mut all = serde_json::json!({"location": "westeurope", "properties": {"agentPoolProfiles": [{"name": "nodepool1"}]}});
    all["properties"].as_object_mut().expect("an object").extend(properties.as_object().expect("an object").clone());
    let document = serde_json::from_value(all).expect("a document");
    Gate::of(ClusterUid::from_uuid(Uuid::from_u128(7)), gate().resource, &Spec::read(&document).expect("it was accepted once"))
}

#[test]
fn a_gate_is_what_the_clusters_profile_says() {
    let tenant = "00000000-0000-0000-0000-000000000001";
    let managed = serde_json::json!({"managed": true, "adminGroupObjectIDs": [], "tenantID": tenant});
    assert_eq!(gate_of(&serde_json::json!({})), None, "without the integration nobody enters");
    let shared = gate_of(&serde_json::json!({"aadProfile": managed})).expect("a gate");
    assert_eq!(
        (shared.tenant, shared.audience, shared.names, shared.groups_max),
        (self::tenant(1), AKS_SERVER, UserName::Upn, 450)
    );

    // DESIGN 4.1: a token of the shared audience is worthless at a cluster that has its own, and the other way round.
    let profile = serde_json::json!({"tokenAudience": "cluster", "userName": "oid", "groupsMax": 7, "requirePop": true});
    let own = gate_of(&serde_json::json!({"aadProfile": managed, "entranceProfile": profile})).expect("a gate");
    assert_eq!((own.names, own.groups_max, own.needs_proof), (UserName::Oid, 7, true));
    assert!(!is_audience(token().audience, own.audience));
    assert!(!is_audience(&own.audience.to_string(), shared.audience));

    // a cluster of the retired kind takes tokens for the customer's application only.
    let legacy = serde_json::json!({"clientAppID": "x", "serverAppID": GRAPH.to_string(), "tenantID": tenant});
    assert_eq!(gate_of(&serde_json::json!({"aadProfile": legacy})).expect("a gate").audience, GRAPH);
    let nonsense = serde_json::json!({"clientAppID": "x", "serverAppID": "y", "tenantID": tenant});
    assert_eq!(gate_of(&serde_json::json!({"aadProfile": nonsense})), None);
}
