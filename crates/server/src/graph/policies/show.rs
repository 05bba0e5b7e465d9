//! Policies and named locations as Graph shows them.

use entrance_model::Timestamp;
use entrance_model::signin::policy::{
    Control, DeviceCode, Frequency, Location, People, PlaceSet, Policy, Principals, State, Who,
};
use entrance_wire::graph::Object;
use serde_json::{Value, json};

use super::shape::{CLIENTS, GLOBAL_ADMINISTRATOR, STRENGTH_PASSKEY};

/// A policy.
pub(super) fn policy(policy: &Policy) -> Object {
    let nobody = People::default();
    let (include, exclude) = match &policy.who {
        Who::People { include, exclude } => (include, exclude),
        Who::Applications { .. } => (&nobody, &nobody),
    };
    let users = json!({
        "includeUsers": users(include, true), "excludeUsers": users(exclude, false),
        "includeGroups": include.groups, "excludeGroups": exclude.groups,
        "includeRoles": roles(include), "excludeRoles": roles(exclude),
        "includeGuestsOrExternalUsers": null, "excludeGuestsOrExternalUsers": null,
    });
    let applications = json!({
        "includeApplications": applications(policy), "excludeApplications": policy.applications.exclude,
        "includeUserActions": [], "includeAuthenticationContextClassReferences": [], "applicationFilter": null,
    });
    let conditions = json!({
        "userRiskLevels": [], "signInRiskLevels": [], "servicePrincipalRiskLevels": [], "insiderRiskLevels": null,
        "clientAppTypes": clients(policy), "platforms": null, "devices": null,
        "locations": policy.places.as_ref().map(|places| json!({
            "includeLocations": places_of(&places.include), "excludeLocations": places_of(&places.exclude),
        })),
        "authenticationFlows": policy.device_code.map(|which| match which {
            DeviceCode::Any => json!({ "transferMethods": "deviceCodeFlow" }),
            DeviceCode::OtherNetwork => json!({ "transferMethods": "deviceCodeFlow", "deviceNetwork": "different" }),
        }),
        "applications": applications, "users": users, "clientApplications": client_applications(policy),
    });
    let shown = json!({
        "id": policy.id, "templateId": null, "displayName": policy.name,
        "createdDateTime": policy.created.to_string(), "modifiedDateTime": moment(policy.modified),
        "state": match policy.state {
            State::Enabled => "enabled",
            State::Disabled => "disabled",
            State::ReportOnly => "enabledForReportingButNotEnforced",
        },
        "conditions": conditions, "grantControls": grant(policy.control), "sessionControls": session(policy.frequency),
    });
    shown.as_object().cloned().unwrap_or_default()
}

/// A named location.
pub(super) fn location(location: &Location) -> Object {
    let ranges: Vec<Value> = location
        .ranges
        .iter()
        .map(|range| {
            let kind = if range.is_v4() { "#microsoft.graph.iPv4CidrRange" } else { "#microsoft.graph.iPv6CidrRange" };
            json!({ "@odata.type": kind, "cidrAddress": range.to_string() })
        })
        .collect();
    let shown = json!({
        "@odata.type": "#microsoft.graph.ipNamedLocation", "id": location.id, "displayName": location.name,
        "createdDateTime": location.created.to_string(), "modifiedDateTime": moment(location.modified),
        "isTrusted": location.is_trusted, "ipRanges": ranges,
    });
    shown.as_object().cloned().unwrap_or_default()
}

fn moment(micros: Option<i64>) -> Option<String> {
    micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()).map(|at| at.to_string())
}

fn users(people: &People, say_none: bool) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    words.extend(people.all.then(|| "All".to_owned()));
    words.extend(people.guests.then(|| "GuestsOrExternalUsers".to_owned()));
    words.extend(people.users.iter().map(ToString::to_string));
    if say_none && *people == People::default() {
        words.push("None".to_owned());
    }
    words
}

fn roles(people: &People) -> Vec<&'static str> {
    people.administrators.then_some(GLOBAL_ADMINISTRATOR).into_iter().collect()
}

fn applications(policy: &Policy) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    words.extend(policy.applications.all.then(|| "All".to_owned()));
    words.extend(policy.applications.include.iter().map(ToString::to_string));
    if words.is_empty() {
        words.push("None".to_owned());
    }
    words
}

fn clients(policy: &Policy) -> Vec<&'static str> {
    if policy.clients.is_empty() {
        return vec!["all"];
    }
    policy.clients.iter().filter_map(|kind| CLIENTS.iter().find(|(_, known)| known == kind).map(|(word, _)| *word)).collect()
}

fn places_of(set: &PlaceSet) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    words.extend(set.all.then(|| "All".to_owned()));
    words.extend(set.trusted.then(|| "AllTrusted".to_owned()));
    words.extend(set.named.iter().map(ToString::to_string));
    words
}

fn client_applications(policy: &Policy) -> Value {
    let Who::Applications { include, exclude } = &policy.who else { return Value::Null };
    let include = match include {
        Principals::All => vec!["ServicePrincipalsInMyTenant".to_owned()],
        Principals::These(these) => these.iter().map(ToString::to_string).collect(),
    };
    json!({ "includeServicePrincipals": include, "excludeServicePrincipals": exclude, "servicePrincipalFilter": null })
}

fn grant(control: Control) -> Value {
    let (built_in, strength) = match control {
        Control::Nothing => return Value::Null,
        Control::Block => (vec!["block"], Value::Null),
        Control::SecondFactor => (vec!["mfa"], Value::Null),
        Control::Passkey => {
            (Vec::new(), json!({ "id": STRENGTH_PASSKEY, "displayName": "Phishing-resistant MFA", "policyType": "builtIn" }))
        }
    };
    json!({
        "operator": "OR", "builtInControls": built_in, "customAuthenticationFactors": [], "termsOfUse": [],
        "authenticationStrength": strength,
    })
}

fn session(frequency: Option<Frequency>) -> Value {
    let Some(frequency) = frequency else { return Value::Null };
    let (value, kind, interval) = match frequency {
        Frequency::Hours(hours) => (Some(hours), Some("hours"), "timeBased"),
        Frequency::Days(days) => (Some(days), Some("days"), "timeBased"),
        Frequency::EveryTime => (None, None, "everyTime"),
    };
    json!({
        "applicationEnforcedRestrictions": null, "cloudAppSecurity": null, "persistentBrowser": null,
        "disableResilienceDefaults": null,
        "signInFrequency": {
            "value": value, "type": kind, "isEnabled": true, "frequencyInterval": interval,
            "authenticationType": "primaryAndSecondaryAuthentication",
        },
    })
}
