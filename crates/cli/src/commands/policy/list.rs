//! `entrance policy list`: a line a policy, in words.

use std::process::ExitCode;

use anyhow::Result;
use entrance_client::printable;
use serde_json::Value;

use crate::connect::{self, Output};
use crate::output::line;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let all = super::all(&server).await?;
    match server.output() {
        Output::Json => line(&Value::Array(all).to_string()),
        Output::Text if all.is_empty() => line("no policies: whoever knows their password may sign in"),
        Output::Text => all.iter().for_each(|policy| line(&told(policy))),
    }
    Ok(ExitCode::SUCCESS)
}

fn told(policy: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let state = match policy["state"].as_str() {
        Some("enabledForReportingButNotEnforced") => "reports",
        Some(state) => state,
        None => "-",
    };
    let line = format!("{}  {state:<8}  {}: {}", text(&policy["id"]), text(&policy["displayName"]), does(policy));
    printable(&line).into_owned()
}

/// What a policy does, in a few words.
fn does(policy: &Value) -> String {
    let words = |pointer: &str| -> Vec<String> {
        let list = policy.pointer(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut does: Vec<String> = words("/grantControls/builtInControls");
    if let Some(strength) = policy.pointer("/grantControls/authenticationStrength/displayName").and_then(Value::as_str) {
        does.push(strength.to_owned());
    }
    let frequency = &policy["sessionControls"]["signInFrequency"];
    match (frequency["frequencyInterval"].as_str(), frequency["value"].as_u64(), frequency["type"].as_str()) {
        (Some("everyTime"), ..) => does.push("a fresh sign-in every time".to_owned()),
        (_, Some(value), Some(kind)) => does.push(format!("a sign-in every {value} {kind}")),
        _ => {}
    }
    let people = ["includeUsers", "includeGroups", "includeRoles"].iter();
    let mut whom: Vec<String> = people.flat_map(|name| words(&format!("/conditions/users/{name}"))).collect();
    whom.extend(words("/conditions/clientApplications/includeServicePrincipals"));
    whom.retain(|word| word != "None");
    let spared = ["excludeUsers", "excludeGroups", "excludeRoles"].iter();
    let spared: usize = spared.map(|name| words(&format!("/conditions/users/{name}")).len()).sum();
    let but = if spared > 0 { format!(" but {spared}") } else { String::new() };
    let apps = words("/conditions/applications/includeApplications").join(", ");
    format!("{} for {}{but}, asking for {apps}", does.join(" and "), whom.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::does;

    #[test]
    fn a_policy_is_told_in_a_line() {
        let policy = json!({
            "conditions": {
                "users": {"includeUsers": ["All"], "excludeUsers": ["x"], "includeGroups": []},
                "applications": {"includeApplications": ["All"]},
            },
            "grantControls": {"builtInControls": ["mfa"]},
            "sessionControls": {"signInFrequency": {"value": 4, "type": "hours", "frequencyInterval": "timeBased"}},
        });
        assert_eq!(does(&policy), "mfa and a sign-in every 4 hours for All but 1, asking for All");
    }
}
