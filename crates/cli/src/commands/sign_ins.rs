//! `entrance sign-ins`: who signed in, who did not, and why.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use entrance_client::printable;
use reqwest::Method;
use serde_json::Value;

use crate::connect::{self, Output, Server};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance sign-ins --user alice@contoso.example --since 24h
  entrance sign-ins --failed --follow")]
pub(crate) struct Args {
    /// Only those of this person or service principal, by name or object id.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only those with this program, by client id.
    #[arg(long, value_name = "APPID")]
    app: Option<String>,
    /// Only those that were refused.
    #[arg(long)]
    failed: bool,
    /// Not before this time, or this long ago: `2027-01-31T08:00:00Z`, `45m`, `24h`, `7d`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=999))]
    limit: u32,
    /// Go on and print those to come, until Ctrl-C.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    server: connect::Args,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        let server = args.server.open()?;
        let since = args.since.as_deref().map(|text| moment(text, jiff::Timestamp::now())).transpose()?;
        let mut found = newest(&server, args, since.as_deref(), args.limit).await?;
        found.reverse();
        if !args.follow && server.output() == Output::Json {
            line(&Value::Array(found).to_string());
            return Ok(ExitCode::SUCCESS);
        }
        for one in &found {
            print(&server, one);
        }
        if args.follow { follow(&server, args, found.pop()).await } else { Ok(ExitCode::SUCCESS) }
    })
}

/// Prints what comes after an entry, until somebody stops it.
async fn follow(server: &Server, args: &Args, mut last: Option<Value>) -> Result<ExitCode> {
    loop {
        tokio::select! {
            told = super::told_to_stop() => { told?; return Ok(ExitCode::SUCCESS) }
            () = tokio::time::sleep(PAUSE) => {}
        }
        let since = last.as_ref().and_then(|one| one["createdDateTime"].as_str()).map(str::to_owned);
        let mut new = newest(server, args, since.as_deref(), MOST).await?;
        if let Some(known) = last.as_ref().and_then(|last| new.iter().position(|one| one["id"] == last["id"])) {
            new.truncate(known);
        }
        new.reverse();
        for one in &new {
            print(server, one);
        }
        last = new.pop().or(last);
    }
}

/// The newest entries first.
async fn newest(server: &Server, args: &Args, since: Option<&str>, limit: u32) -> Result<Vec<Value>> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("$top", &limit.to_string());
    let filter = filter(args, since)?;
    if !filter.is_empty() {
        query.append_pair("$filter", &filter);
    }
    let mut path = format!("/auditLogs/signIns?{}", query.finish());
    let mut all: Vec<Value> = Vec::new();
    // A page may hold fewer than asked for, where much had to be looked through.
    for _ in 0..PAGES {
        let answer = server.graph(Method::GET, &path, None).await?;
        all.extend(answer["value"].as_array().cloned().unwrap_or_default());
        let next = answer["@odata.nextLink"].as_str().and_then(|link| link.split_once("/v1.0")).map(|(_, rest)| rest.to_owned());
        match next {
            Some(next) if all.len() < limit as usize => path = next,
            _ => break,
        }
    }
    all.truncate(limit as usize);
    Ok(all)
}

fn filter(args: &Args, since: Option<&str>) -> Result<String> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut all = Vec::new();
    if let Some(user) = &args.user {
        let is_name = user.contains('@');
        if is_name {
            all.push(format!("userPrincipalName eq {}", quoted(user)));
        } else {
            all.push(format!("(userId eq {0} or servicePrincipalId eq {0})", quoted(user)));
        }
    }
    if let Some(app) = &args.app {
        let is_id = app.len() == 36 && app.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if !is_id {
            bail!("`{app}` is no client id; `az ad app list` shows them");
        }
        all.push(format!("appId eq {}", quoted(app)));
    }
    if args.failed {
        all.push("status/errorCode ne 0".to_owned());
    }
    if let Some(since) = since {
        all.push(format!("createdDateTime ge {since}"));
    }
    Ok(all.join(" and "))
}

/// A moment, given as such or as how long ago it was.
fn moment(text: &str, now: jiff::Timestamp) -> Result<String> {
    let wrong = || format!("`{text}` is no time; write `2027-01-31T08:00:00Z`, `45m`, `24h` or `7d`");
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.to_string());
    }
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).with_context(wrong)?;
    let number: i64 = number.parse::<u16>().with_context(wrong)?.into();
    let minutes = match unit {
        "m" => number,
        "h" => number * 60,
        "d" => number * 60 * 24,
        _ => bail!(wrong()),
    };
    Ok((now - jiff::SignedDuration::from_mins(minutes)).to_string())
}

fn print(server: &Server, one: &Value) {
    match server.output() {
        Output::Json => line(&one.to_string()),
        Output::Text => line(&told(one)),
    }
}

fn told(one: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let who = [&one["userPrincipalName"], &one["servicePrincipalName"], &one["userId"]];
    let who = who.into_iter().find_map(Value::as_str).unwrap_or("an unknown name");
    let outcome = match one["status"]["errorCode"].as_u64() {
        Some(0) => "ok".to_owned(),
        Some(code) => format!("AADSTS{code}"),
        None => "-".to_owned(),
    };
    let to = one["resourceDisplayName"].as_str().map(|to| format!(" to {to}")).unwrap_or_default();
    let line = format!(
        "{}  {outcome:<12}  {who} with {}{to} from {}: {}",
        text(&one["createdDateTime"]),
        text(&one["appDisplayName"]),
        text(&one["ipAddress"]),
        text(&one["status"]["additionalDetails"]),
    );
    printable(&line).into_owned()
}

const PAUSE: Duration = Duration::from_secs(2);
const MOST: u32 = 999;
const PAGES: u32 = 50;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_a_moment_or_how_long_ago_it_was() {
        let now: jiff::Timestamp = "2027-01-31T08:00:00Z".parse().expect("a time");
        assert_eq!(moment("2027-01-01T00:00:00Z", now).expect("a time"), "2027-01-01T00:00:00Z");
        assert_eq!(moment("45m", now).expect("a time"), "2027-01-31T07:15:00Z");
        assert_eq!(moment("7d", now).expect("a time"), "2027-01-24T08:00:00Z");
        for bad in ["", "h", "-1h", "3w", "soon", "99999999h"] {
            assert!(moment(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_entry_is_told_in_a_line_and_the_words_of_others_stay_harmless() {
        let one = json!({
            "createdDateTime": "2027-01-31T08:00:00Z", "userPrincipalName": "alice@contoso.example", "appDisplayName": "Azure\u{1b}CLI",
            "ipAddress": "192.0.2.1", "status": {"errorCode": 50126, "additionalDetails": "wrong password"},
        });
        let told = told(&one);
        assert!(told.starts_with("2027-01-31T08:00:00Z  AADSTS50126   alice@contoso.example with Azure"), "{told}");
        assert!(!told.contains('\u{1b}'));
    }
}
