//! A policy as Graph writes it, and back (G-503). What is not served is refused by its name: a condition that is silently
//! left out would let people in, or keep them out, whom nobody meant.

use entrance_model::Timestamp;
use entrance_model::id::{AppId, LocationId, PolicyId, UserId};
use entrance_model::signin::policy::{
    Applications, ClientKind, Control, DeviceCode, Frequency, People, PlaceSet, Places, Policy, Principals, State, Who,
};
use serde_json::{Map, Value};

use super::members::{BadPolicy, Members};

/// When a policy was made and changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dates {
    pub(super) created: Timestamp,
    pub(super) modified: Option<Timestamp>,
}

/// Reads a policy.
pub(super) fn read(id: PolicyId, body: &Map<String, Value>, dates: Dates) -> Result<Policy, BadPolicy> {
    let top = Members::of("", body);
    top.only(
        &["id", "displayName", "state", "conditions", "grantControls", "sessionControls"],
        &["templateId", "description", "partialEnablementStrategy", "deletedDateTime"],
        &["createdDateTime", "modifiedDateTime"],
    )?;
    let name = top.text("displayName")?.ok_or_else(|| top.missing("displayName"))?;
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(top.wrong("displayName", name));
    }
    let state = match top.text("state")?.ok_or_else(|| top.missing("state"))? {
        "enabled" => State::Enabled,
        "disabled" => State::Disabled,
        "enabledForReportingButNotEnforced" => State::ReportOnly,
        other => return Err(top.wrong("state", other)),
    };
    let conditions = top.object("conditions")?.ok_or_else(|| top.missing("conditions"))?;
    conditions.only(
        &["applications", "users", "clientApplications", "clientAppTypes", "locations", "authenticationFlows"],
        &[
            "platforms",
            "devices",
            "deviceStates",
            "userRiskLevels",
            "signInRiskLevels",
            "servicePrincipalRiskLevels",
            "insiderRiskLevels",
            "agentIdRiskLevels",
            "times",
        ],
        &[],
    )?;
    let who = who(&conditions)?;
    let control = control(&top)?;
    let frequency = frequency(&top)?;
    let control = match (control, frequency) {
        (None, None) => return Err(BadPolicy::Empty),
        (Some(Control::Block), Some(_)) => return Err(BadPolicy::BlockWithMore),
        (control, _) => control.unwrap_or(Control::Nothing),
    };
    if matches!(who, Who::Applications { .. }) && control != Control::Block {
        return Err(BadPolicy::ApplicationsOnlyBlock);
    }
    Ok(Policy {
        id,
        name: name.to_owned(),
        state,
        who,
        applications: applications(&conditions)?,
        clients: clients(&conditions)?,
        places: places(&conditions)?,
        device_code: device_code(&conditions)?,
        control,
        frequency,
        created: dates.created,
        modified: dates.modified.map(Timestamp::as_microsecond),
    })
}

fn who(conditions: &Members<'_>) -> Result<Who, BadPolicy> {
    let applications = conditions.object("clientApplications")?;
    let users = conditions.object("users")?;
    if let Some(applications) = applications {
        applications.only(&["includeServicePrincipals", "excludeServicePrincipals"], &["servicePrincipalFilter"], &[])?;
        let include = applications.texts("includeServicePrincipals")?;
        if !include.is_empty() {
            if let Some(users) = users
                && !people(&users, "include")?.eq(&People::default())
            {
                return Err(BadPolicy::PeopleAndApplications);
            }
            let include = if include.contains(&"ServicePrincipalsInMyTenant") {
                Principals::All
            } else {
                Principals::These(applications.ids("includeServicePrincipals", &include)?)
            };
            let exclude = applications.texts("excludeServicePrincipals")?;
            return Ok(Who::Applications { include, exclude: applications.ids("excludeServicePrincipals", &exclude)? });
        }
    }
    let users = users.ok_or_else(|| conditions.missing("users"))?;
    users.only(
        &["includeUsers", "excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles"],
        &["includeGuestsOrExternalUsers", "excludeGuestsOrExternalUsers"],
        &[],
    )?;
    Ok(Who::People { include: people(&users, "include")?, exclude: people(&users, "exclude")? })
}

fn people(users: &Members<'_>, which: &str) -> Result<People, BadPolicy> {
    let mut people = People::default();
    let (named, groups, roles) = (format!("{which}Users"), format!("{which}Groups"), format!("{which}Roles"));
    for word in users.texts(&named)? {
        match word {
            "All" => people.all = true,
            "None" => {}
            "GuestsOrExternalUsers" => people.guests = true,
            id => people.users.push(id.parse::<UserId>().map_err(|_| users.wrong(&named, id))?),
        }
    }
    people.groups = users.ids(&groups, &users.texts(&groups)?)?;
    for role in users.texts(&roles)? {
        if !role.eq_ignore_ascii_case(GLOBAL_ADMINISTRATOR) {
            return Err(
                users.not_served(&roles, "only Global Administrator (62e90394-69f5-4237-9190-012177145e10) is a role here")
            );
        }
        people.administrators = true;
    }
    Ok(people)
}

fn applications(conditions: &Members<'_>) -> Result<Applications, BadPolicy> {
    let given = conditions.object("applications")?.ok_or_else(|| conditions.missing("applications"))?;
    given.only(
        &["includeApplications", "excludeApplications"],
        &[
            "includeUserActions",
            "includeAuthenticationContextClassReferences",
            "applicationFilter",
            "networkAccess",
            "globalSecureAccess",
        ],
        &[],
    )?;
    let mut read = Applications::default();
    for word in given.texts("includeApplications")? {
        match word {
            "All" => read.all = true,
            "None" => {}
            id => read.include.push(given.app("includeApplications", id)?),
        }
    }
    for id in given.texts("excludeApplications")? {
        read.exclude.push(given.app("excludeApplications", id)?);
    }
    Ok(read)
}

fn clients(conditions: &Members<'_>) -> Result<Vec<ClientKind>, BadPolicy> {
    let given = conditions.texts("clientAppTypes")?;
    if given.contains(&"all") {
        return if given.len() == 1 { Ok(Vec::new()) } else { Err(conditions.wrong("clientAppTypes", "all")) };
    }
    let kinds = given.into_iter().map(|word| {
        CLIENTS
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, kind)| *kind)
            .ok_or_else(|| conditions.wrong("clientAppTypes", word))
    });
    kinds.collect()
}

fn places(conditions: &Members<'_>) -> Result<Option<Places>, BadPolicy> {
    let Some(given) = conditions.object("locations")? else { return Ok(None) };
    given.only(&["includeLocations", "excludeLocations"], &[], &[])?;
    let set = |name: &str| -> Result<PlaceSet, BadPolicy> {
        let mut set = PlaceSet::default();
        for word in given.texts(name)? {
            match word {
                "All" => set.all = true,
                "AllTrusted" => set.trusted = true,
                id => set.named.push(id.parse::<LocationId>().map_err(|_| given.wrong(name, id))?),
            }
        }
        Ok(set)
    };
    let places = Places { include: set("includeLocations")?, exclude: set("excludeLocations")? };
    if places == Places::default() {
        return Ok(None);
    }
    if places.include == PlaceSet::default() {
        return Err(given.missing("includeLocations"));
    }
    Ok(Some(places))
}

fn device_code(conditions: &Members<'_>) -> Result<Option<DeviceCode>, BadPolicy> {
    let Some(given) = conditions.object("authenticationFlows")? else { return Ok(None) };
    given.only(&["transferMethods", "deviceNetwork"], &[], &[])?;
    let mut is_device_code = false;
    for word in given.text("transferMethods")?.unwrap_or("none").split(',').map(str::trim) {
        match word {
            "deviceCodeFlow" => is_device_code = true,
            // Beside the device code it may stand: nothing here transfers sign-ins, so there is nothing to stop.
            "none" | "authenticationTransfer" => {}
            other => return Err(given.wrong("transferMethods", other)),
        }
    }
    let network = match given.text("deviceNetwork")? {
        None | Some("any") => DeviceCode::Any,
        Some("different") => DeviceCode::OtherNetwork,
        Some(other) => return Err(given.wrong("deviceNetwork", other)),
    };
    let transfers = given.text("transferMethods")?.is_some_and(|text| text.contains("authenticationTransfer"));
    match (is_device_code, transfers) {
        (true, _) => Ok(Some(network)),
        (false, true) => {
            Err(given.not_served("transferMethods", "sign-ins are not transferred here; `deviceCodeFlow` is served"))
        }
        (false, false) => Ok(None),
    }
}

fn control(top: &Members<'_>) -> Result<Option<Control>, BadPolicy> {
    let Some(given) = top.object("grantControls")? else { return Ok(None) };
    given.only(
        &["operator", "builtInControls", "authenticationStrength"],
        &["customAuthenticationFactors", "termsOfUse"],
        &[],
    )?;
    let all = match given.text("operator")?.unwrap_or("OR") {
        "OR" => false,
        "AND" => true,
        other => return Err(given.wrong("operator", other)),
    };
    let mut controls = Vec::new();
    for word in given.texts("builtInControls")? {
        controls.push(match word {
            "block" => Control::Block,
            "mfa" => Control::SecondFactor,
            other => return Err(given.not_served("builtInControls", &format!("`{other}`; `block` and `mfa` are"))),
        });
    }
    if let Some(strength) = given.object("authenticationStrength")? {
        controls.push(match strength.text("id")? {
            Some(STRENGTH_MFA) => Control::SecondFactor,
            Some(STRENGTH_PASSKEY) => Control::Passkey,
            _ => {
                let known = "`…0002` (multifactor) and `…0004` (phishing-resistant: a passkey) are";
                return Err(given.not_served("authenticationStrength", known));
            }
        });
    }
    let (block, passkey, second) =
        (controls.contains(&Control::Block), controls.contains(&Control::Passkey), controls.contains(&Control::SecondFactor));
    Ok(match (block, passkey, second) {
        (true, false, false) => Some(Control::Block),
        (true, ..) => return Err(BadPolicy::BlockWithMore),
        // One of the two is enough, or both: a passkey is both.
        (false, true, true) if !all => Some(Control::SecondFactor),
        (false, true, _) => Some(Control::Passkey),
        (false, false, true) => Some(Control::SecondFactor),
        (false, false, false) => None,
    })
}

fn frequency(top: &Members<'_>) -> Result<Option<Frequency>, BadPolicy> {
    let Some(given) = top.object("sessionControls")? else { return Ok(None) };
    given.only(
        &["signInFrequency"],
        &[
            "applicationEnforcedRestrictions",
            "cloudAppSecurity",
            "continuousAccessEvaluation",
            "disableResilienceDefaults",
            "persistentBrowser",
            "secureSignInSession",
            "globalSecureAccessFilteringProfile",
        ],
        &[],
    )?;
    let Some(frequency) = given.object("signInFrequency")? else { return Ok(None) };
    frequency.only(&["value", "type", "isEnabled", "frequencyInterval", "authenticationType"], &[], &[])?;
    if frequency.get("isEnabled").and_then(Value::as_bool) == Some(false) {
        return Ok(None);
    }
    if let Some(kind) = frequency.text("authenticationType")?
        && kind != "primaryAndSecondaryAuthentication"
    {
        return Err(frequency.not_served("authenticationType", "`primaryAndSecondaryAuthentication` is"));
    }
    match frequency.text("frequencyInterval")?.unwrap_or("timeBased") {
        "everyTime" => return Ok(Some(Frequency::EveryTime)),
        "timeBased" => {}
        other => return Err(frequency.wrong("frequencyInterval", other)),
    }
    let value = frequency.get("value").ok_or_else(|| frequency.missing("value"))?;
    let number = value.as_u64().and_then(|value| u16::try_from(value).ok()).filter(|value| *value > 0);
    let number = number.ok_or_else(|| frequency.wrong("value", &value.to_string()))?;
    match frequency.text("type")?.ok_or_else(|| frequency.missing("type"))? {
        "hours" if number <= 23 => Ok(Some(Frequency::Hours(number))),
        "days" if number <= 365 => Ok(Some(Frequency::Days(number))),
        "hours" | "days" => Err(frequency.wrong("value", &number.to_string())),
        other => Err(frequency.wrong("type", other)),
    }
}

impl Members<'_> {
    /// The ids of a list.
    fn ids<T: std::str::FromStr>(&self, name: &str, words: &[&str]) -> Result<Vec<T>, BadPolicy> {
        words.iter().map(|word| word.parse().map_err(|_| self.wrong(name, word))).collect()
    }

    /// A client id; the names of whole families of applications are not served.
    fn app(&self, name: &str, word: &str) -> Result<AppId, BadPolicy> {
        word.parse().map_err(|_| match word {
            "Office365" | "MicrosoftAdminPortals" => {
                self.not_served(name, &format!("`{word}`; there is no such application here"))
            }
            _ => self.wrong(name, word),
        })
    }
}

/// Programs by Graph's words.
pub(super) const CLIENTS: [(&str, ClientKind); 4] = [
    ("browser", ClientKind::Browser),
    ("mobileAppsAndDesktopClients", ClientKind::Native),
    ("exchangeActiveSync", ClientKind::ActiveSync),
    ("other", ClientKind::Other),
];
/// The only role of a directory here.
pub(super) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// Any second factor.
const STRENGTH_MFA: &str = "00000000-0000-0000-0000-000000000002";
/// Phishing-resistant.
pub(super) const STRENGTH_PASSKEY: &str = "00000000-0000-0000-0000-000000000004";
const LONGEST_NAME: usize = 256;
