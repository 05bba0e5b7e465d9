//! `entrance user release-name`: first what the next holder would inherit, then the release.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connect::{self, Output};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance user release-name alice@contoso.example --show
  entrance user release-name alice@contoso.example --reason 'alice came back' --yes")]
pub(crate) struct Args {
    /// The name, such as `alice@contoso.example`.
    name: String,
    /// Only show who holds it and what names it.
    #[arg(long, conflicts_with_all = ["reason", "yes"])]
    show: bool,
    /// Why; it stands in the audit trail.
    #[arg(long, value_name = "TEXT", required_unless_present = "show")]
    reason: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Release it although some cluster does not tell at the moment what names it there.
    #[arg(long)]
    even_if_unknown: bool,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let path = format!("/entrance/heldNames/{}", super::segment(&args.name));
    let held = server.graph(Method::GET, &path, None).await?;
    let is_text = server.output() == Output::Text;
    if is_text {
        say(&held);
    }
    let Some(reason) = &args.reason else {
        if !is_text {
            line(&held.to_string());
        }
        return Ok(ExitCode::SUCCESS);
    };
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            bail!("nobody is there to confirm; look at it with `--show`, then pass `--yes`");
        }
        talk(&format!("release `{}`? whoever gets it has all of this [y/N]", args.name));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !answer.trim().eq_ignore_ascii_case("y") {
            bail!("nothing was released");
        }
    }
    let body = json!({"reason": reason, "evenIfUnknown": args.even_if_unknown});
    let released = server.graph(Method::POST, &format!("{path}/release"), Some(&body)).await?;
    if is_text {
        line("released");
    } else {
        line(&released.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn say(held: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    line(&format!("name      {}", text(&held["userPrincipalName"])));
    line(&format!("held for  {} since {}", text(&held["heldFor"]), text(&held["heldSinceDateTime"])));
    for cluster in held["clusters"].as_array().into_iter().flatten() {
        let entered = match cluster["firstEnteredDateTime"].as_str() {
            Some(at) => format!("entered first at {at}"),
            None => "never entered".to_owned(),
        };
        line(&format!("cluster   {} ({entered})", text(&cluster["clusterId"])));
        match cluster["references"].as_array() {
            None => line("  what names it there is not known now"),
            Some(all) if all.is_empty() => line("  nothing names it there"),
            Some(all) => {
                for one in all {
                    let role = one["role"].as_str().map(|role| format!(" gives {role}")).unwrap_or_default();
                    line(&format!("  {} {}{role}", text(&one["resource"]), text(&one["name"])));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(super::super::segment("a#b/../c@x.example"), "a%23b%2F..%2Fc@x.example");
    }
}
