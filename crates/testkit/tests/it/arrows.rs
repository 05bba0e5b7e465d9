//! Who may know whom: the arrows between crates, read from `cargo metadata`.
//!
//! `docs/architecture.md` draws them. A crate that grows a new arrow has to change that picture and this table.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

#[test]
fn crates_know_only_whom_they_may() -> Result<()> {
    let found = dependencies()?;
    let mut wrong = Vec::new();
    for (name, uses) in &found {
        let Some(allowed) = ARROWS.iter().find(|(from, _)| from == name).map(|(_, to)| to) else {
            wrong.push(format!("`{name}` is not in the table: say whom it may know"));
            continue;
        };
        let ours = uses.iter().filter(|used| found.contains_key(*used));
        wrong.extend(ours.filter(|used| !allowed.contains(&used.as_str())).map(|used| format!("`{name}` may not know `{used}`")));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn heavy_libraries_stay_in_their_crate() -> Result<()> {
    let found = dependencies()?;
    let mut wrong = Vec::new();
    for (library, homes) in HOMES {
        let users = found.iter().filter(|(_, uses)| uses.contains(*library)).map(|(name, _)| name.as_str());
        wrong.extend(
            users.filter(|user| !homes.contains(user)).map(|user| format!("`{library}` belongs to {homes:?}, not to `{user}`")),
        );
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn the_rules_do_no_io() -> Result<()> {
    let found = dependencies()?;
    for pure in ["entrance-model", "entrance-wire"] {
        let uses = found.get(pure).with_context(|| format!("no crate `{pure}`"))?;
        let io: Vec<_> = IO.iter().filter(|library| uses.contains(**library)).collect();
        ensure!(io.is_empty(), "`{pure}` is rules and shapes only, but uses {io:?}");
    }
    Ok(())
}

/// Every crate of the workspace with what it really links: normal and build dependencies, not those of its tests.
fn dependencies() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    packages.iter().map(links).collect()
}

fn links(package: &Value) -> Result<(String, BTreeSet<String>)> {
    let name = package["name"].as_str().context("a package has a name")?.to_owned();
    let all = package["dependencies"].as_array().context("a package lists dependencies")?;
    let linked = all.iter().filter(|dependency| dependency["kind"] != "dev");
    Ok((name, linked.filter_map(|dependency| dependency["name"].as_str().map(str::to_owned)).collect()))
}

const ARROWS: &[(&str, &[&str])] = &[
    ("entrance-model", &[]),
    ("entrance-wire", &[]),
    ("entrance-store", &["entrance-model"]),
    ("entrance-server", &["entrance-model", "entrance-wire", "entrance-store"]),
    ("entrance-client", &["entrance-wire"]),
    ("kubelogin", &["entrance-client", "entrance-wire"]),
    ("entrance", &["entrance-server", "entrance-client", "entrance-wire", "entrance-model", "entrance-store"]),
    ("entrance-testkit", &["entrance-server", "entrance-store", "entrance-model", "entrance-wire"]),
];

const HOMES: &[(&str, &[&str])] = &[
    ("sqlx", &["entrance-store"]),
    ("kube", &["entrance-server"]),
    ("k8s-openapi", &["entrance-server"]),
    ("jsonwebtoken", &["entrance-server", "entrance-client"]),
    ("entrance-testkit", &[]),
];

const IO: &[&str] = &["tokio", "reqwest", "hyper", "axum", "sqlx", "kube", "rand", "rustix", "tempfile"];
