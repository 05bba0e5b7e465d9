//! Walking along the chain of a tenant, page by page, from somewhere to its signed head.

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::query;
use crate::connect::Server;

/// Hands on each line of an export: where the chain was, the rows, and the head. `since` begins with the first row that is
/// not older.
pub(super) async fn walk(server: &Server, since: Option<&str>, mut take: impl FnMut(&Value) -> Result<()>) -> Result<()> {
    let mut asked = query(&[("since", since.map(str::to_owned)), ("$top", Some(PAGE.to_string()))]);
    let mut at: Option<i64> = None;
    loop {
        let page = server.graph(Method::GET, &format!("/entrance/audit?{asked}"), None).await?;
        if at.is_none() {
            take(&page["start"])?;
            at = Some(page["start"]["number"].as_i64().context("the server does not say where the chain begins")?);
        }
        let rows = page["value"].as_array().map(Vec::as_slice).unwrap_or_default();
        for row in rows {
            take(row)?;
            at = row["number"].as_i64().or(at);
        }
        if rows.is_empty() {
            let head = head(server).await?;
            let number = head["number"].as_i64();
            // Rows were sealed since the last page was read.
            if number > at {
                continue;
            }
            if number < at {
                bail!("the server's head is at number {}, and its log goes on to {}", head["number"], at.unwrap_or_default());
            }
            return take(&json!({ "head": head }));
        }
        asked = query(&[("after", at.map(|at| at.to_string())), ("$top", Some(PAGE.to_string()))]);
    }
}

/// The signed head of the tenant's chain.
pub(super) async fn head(server: &Server) -> Result<Value> {
    let mut answer = server.graph(Method::GET, "/entrance/audit/head", None).await?;
    Ok(answer["head"].take())
}

const PAGE: u32 = 500;
