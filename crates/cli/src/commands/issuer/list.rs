//! `entrance issuer list`

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;

use super::{PATH, Which, text};
use crate::connect::Output;
use crate::output::{line, talk};

pub(super) async fn run(args: &Which) -> Result<ExitCode> {
    let server = args.server.open()?;
    let all = server.graph(Method::GET, PATH, None).await?;
    let rows = all["value"].as_array().map(Vec::as_slice).unwrap_or_default();
    match server.output() {
        Output::Json => line(&all["value"].to_string()),
        Output::Text => {
            for row in rows {
                line(&format!("{}  {:<9}  {}", text(row, "id"), text(row, "source"), text(row, "issuer")));
            }
            if rows.is_empty() {
                talk("no issuer is trusted; add one with `entrance issuer trust`");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
