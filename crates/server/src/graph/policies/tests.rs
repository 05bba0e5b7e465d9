use entrance_model::Timestamp;
use entrance_model::signin::policy::{Control, DeviceCode, Frequency, People, Who};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::shape::{Dates, read};
use super::*;

fn dates() -> Dates {
    Dates { created: Timestamp::UNIX_EPOCH, modified: None }
}

fn parsed(body: &Value) -> Result<Policy, BadPolicy> {
    read(PolicyId::from_uuid(Uuid::nil()), body.as_object().expect("an object"), dates())
}

fn block_all() -> Value {
    json!({
        "displayName": "p", "state": "enabled",
        "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]}, "users": {"includeUsers": ["All"]}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut body = block_all();
    let (parent, name) = pointer.rsplit_once('/').expect("a path");
    let parent = if parent.is_empty() { Some(&mut body) } else { body.pointer_mut(parent) };
    parent.and_then(Value::as_object_mut).expect("an object").insert(name.to_owned(), value);
    body
}

#[test]
fn g_503_what_is_not_served_is_refused_by_its_name_and_what_says_nothing_is_not() {
    for (pointer, value) in [
        ("/conditions/platforms", json!({"includePlatforms": ["android"]})),
        ("/conditions/devices", json!({"deviceFilter": {"mode": "include", "rule": "x"}})),
        ("/conditions/signInRiskLevels", json!(["high"])),
        ("/conditions/userRiskLevels", json!(["low"])),
        ("/conditions/applications/includeUserActions", json!(["urn:user:registersecurityinfo"])),
        ("/conditions/applications/applicationFilter", json!({"mode": "include", "rule": "x"})),
        ("/conditions/users/includeGuestsOrExternalUsers", json!({"guestOrExternalUserTypes": "b2bCollaborationGuest"})),
        ("/conditions/users/includeRoles", json!(["fe930be7-5e62-47db-91af-98c3a49a38b1"])),
        ("/conditions/authenticationFlows", json!({"transferMethods": "authenticationTransfer"})),
        ("/grantControls/builtInControls", json!(["compliantDevice"])),
        ("/grantControls/termsOfUse", json!(["x"])),
        ("/grantControls/authenticationStrength", json!({"id": "00000000-0000-0000-0000-000000000003"})),
        ("/sessionControls", json!({"persistentBrowser": {"mode": "never", "isEnabled": true}})),
    ] {
        let refused = parsed(&with(pointer, value)).expect_err(pointer).to_string();
        let name = pointer.trim_start_matches('/').replace('/', ".");
        assert!(refused.starts_with(&format!("'{name}")) && refused.contains("is not served here"), "{pointer}: {refused}");
    }
    for (pointer, value) in [
        ("/conditions/platforms", Value::Null),
        ("/conditions/signInRiskLevels", json!([])),
        (
            "/sessionControls",
            json!({"persistentBrowser": {"mode": "always", "isEnabled": false}, "disableResilienceDefaults": false}),
        ),
        ("/grantControls/termsOfUse", json!([])),
        ("/conditions/locations", Value::Null),
    ] {
        assert!(parsed(&with(pointer, value)).is_ok(), "{pointer}");
    }
}

#[test]
fn g_503_mistakes_are_told_by_their_place() {
    for (body, says) in [
        (with("/nonsense", json!(1)), "Invalid property 'nonsense'."),
        (with("/conditions/nonsense", json!(1)), "Invalid property 'conditions.nonsense'."),
        (with("/createdDateTime", json!("x")), "Property 'createdDateTime' is read-only and cannot be set."),
        (with("/state", json!("on")), "Invalid value 'on' specified for property 'state' of resource 'ConditionalAccessPolicy'."),
        (
            with("/displayName", json!("a\nb")),
            "Invalid value 'ab' specified for property 'displayName' of resource 'ConditionalAccessPolicy'.",
        ),
        (
            with("/conditions/users/includeUsers", json!(["alice"])),
            "Invalid value 'alice' specified for property 'conditions.users.includeUsers' of resource 'ConditionalAccessPolicy'.",
        ),
        (with("/grantControls", Value::Null), "A policy needs 'grantControls' or 'sessionControls.signInFrequency'."),
        (
            with("/grantControls/builtInControls", json!(["block", "mfa"])),
            "The control 'block' cannot be combined with other controls.",
        ),
        (
            with("/conditions/clientApplications", json!({"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]})),
            "A policy is about 'users' or about 'clientApplications'; with the latter, set 'includeUsers' to [\"None\"].",
        ),
    ] {
        assert_eq!(parsed(&body).expect_err(says).to_string(), says);
    }
}

#[test]
fn g_503_the_subset_is_read_as_graph_means_it() {
    let mut body = with("/conditions/authenticationFlows", json!({"transferMethods": "deviceCodeFlow,authenticationTransfer"}));
    body["conditions"]["users"]["includeRoles"] = json!(["62e90394-69f5-4237-9190-012177145e10"]);
    body["conditions"]["authenticationFlows"]["deviceNetwork"] = json!("different");
    let policy = parsed(&body).expect("a policy");
    assert_eq!((policy.device_code, policy.control), (Some(DeviceCode::OtherNetwork), Control::Block));
    let everybody = People { all: true, administrators: true, ..People::default() };
    assert_eq!(policy.who, Who::People { include: everybody, exclude: People::default() });

    let strength = json!({"operator": "AND", "builtInControls": ["mfa"], "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"}});
    assert_eq!(parsed(&with("/grantControls", strength.clone())).expect("a policy").control, Control::Passkey);
    let mut either = strength;
    either["operator"] = json!("OR");
    assert_eq!(parsed(&with("/grantControls", either)).expect("a policy").control, Control::SecondFactor);

    let mut frequency = with("/grantControls", Value::Null);
    frequency["sessionControls"] = json!({"signInFrequency": {"value": 4, "type": "hours", "isEnabled": true}});
    let policy = parsed(&frequency).expect("a policy");
    assert_eq!((policy.control, policy.frequency), (Control::Nothing, Some(Frequency::Hours(4))));
    frequency["sessionControls"]["signInFrequency"]["frequencyInterval"] = json!("everyTime");
    assert_eq!(parsed(&frequency).expect("a policy").frequency, Some(Frequency::EveryTime));
    frequency["sessionControls"]["signInFrequency"] = json!({"value": 24, "type": "hours", "isEnabled": true});
    assert!(parsed(&frequency).is_err(), "a day is said in days, as in the original");
}

#[test]
fn g_503_a_patch_replaces_what_it_names() {
    let mut shown = json!({"a": {"b": 1, "c": [1, 2]}, "d": 2});
    merge(&mut shown, json!({"a": {"c": [3]}, "d": null}));
    assert_eq!(shown, json!({"a": {"b": 1, "c": [3]}, "d": null}));
}

fn some_body() -> impl Strategy<Value = Value> {
    let id = Just(Uuid::from_u128(7).to_string());
    let words = |words: &'static [&'static str]| prop::sample::subsequence(words.to_vec(), 0..=words.len());
    let users = (words(&["All", "GuestsOrExternalUsers"]), prop::option::of(id.clone()))
        .prop_map(|(words, id)| words.into_iter().map(str::to_owned).chain(id).collect::<Vec<_>>());
    let clients = words(&["browser", "mobileAppsAndDesktopClients", "other", "exchangeActiveSync"]);
    let control = prop_oneof![
        Just(json!({"operator": "OR", "builtInControls": ["block"]})),
        Just(json!({"operator": "AND", "builtInControls": ["mfa"]})),
        Just(json!({"operator": "OR", "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"}})),
    ];
    let places = prop::option::of((words(&["All", "AllTrusted"]), id));
    ("[a-z ]{1,20}", users, clients, control, places, 0..3_usize).prop_map(|(name, users, clients, control, places, state)| {
        json!({
            "displayName": name, "state": (["enabled", "disabled", "enabledForReportingButNotEnforced"][state]),
            "conditions": {
                "clientAppTypes": clients, "applications": {"includeApplications": ["All"]},
                "users": {"includeUsers": users, "excludeUsers": [Uuid::from_u128(9)]},
                "locations": places.map(|(words, id)| json!({
                    "includeLocations": words.into_iter().map(str::to_owned).chain([id]).collect::<Vec<_>>(), "excludeLocations": ["AllTrusted"],
                })),
            },
            "grantControls": control,
        })
    })
}

proptest! {
    #[test]
    fn g_503_a_policy_that_is_shown_and_sent_back_is_the_same(body in some_body()) {
        let policy = parsed(&body).expect("a policy");
        let mut shown = Value::Object(show::policy(&policy));
        shown.as_object_mut().expect("an object").retain(|name, _| !name.ends_with("DateTime"));
        prop_assert_eq!(parsed(&shown).expect("a policy"), policy);
    }
}
