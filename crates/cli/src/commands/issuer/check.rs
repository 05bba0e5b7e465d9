//! `entrance issuer check`

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;

use super::{Named, PATH, find, text};
use crate::connect::Output;
use crate::output::line;

pub(super) async fn run(args: &Named) -> Result<ExitCode> {
    let server = args.server.open()?;
    let found = find(&server, &args.issuer).await?;
    let told = server.graph(Method::POST, &format!("{PATH}/{}/check", text(&found, "id")), None).await?;
    match server.output() {
        Output::Json => line(&told.to_string()),
        Output::Text => say(&told),
    }
    Ok(if told["isReachable"] == true { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Tells an issuer with its keys.
pub(super) fn say(told: &Value) {
    line(&format!("issuer  {}", text(told, "issuer")));
    line(&format!("source  {}", text(told, "source")));
    if told["isReachable"] == false {
        line(&format!("keys    cannot be had: {}", text(told, "reason")));
    }
    for key in told["keys"].as_array().into_iter().flatten() {
        let use_ = if key["isUsable"] == true { "" } else { "  (not of a kind that is used here)" };
        line(&format!("key     {} {}{use_}", text(key, "kty"), text(key, "kid")));
    }
}
