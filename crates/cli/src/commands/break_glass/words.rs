//! Doors in words and tables.

use std::fmt::Write as _;

use entrance_model::cluster::door::Way;
use serde_json::Value;

/// A text of the server, safe to print; `-` for nothing.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => entrance_client::printable(text).into_owned(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

/// Somebody, by name if they have one.
pub(super) fn person(name: &Value, id: &Value) -> String {
    text(if name.is_null() { id } else { name })
}

/// One line for each door.
pub(super) fn table(doors: &[Value]) -> String {
    let head = ["ID", "STATE", "HOLDER", "OPENED", "UNTIL", "WHY"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(doors.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..5).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row[..5].iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}  {}", cells.collect::<Vec<_>>().join("  "), row[5])
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn row(door: &Value) -> [String; 6] {
    let properties = &door["properties"];
    let state = match properties["closedWhy"].as_str() {
        Some(why) => format!("Closed ({why})"),
        None => text(&properties["state"]),
    };
    let until = if properties["approveBefore"].is_null() { &properties["validUntil"] } else { &properties["approveBefore"] };
    [
        text(&door["name"]),
        state,
        person(&properties["holderName"], &properties["holder"]),
        seconds(&properties["openedAt"]),
        seconds(until),
        text(&properties["reason"]),
    ]
}

/// Times as people read them: to the second.
fn seconds(value: &Value) -> String {
    match value.as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()) {
        Some(at) => format!("{at:.0}"),
        None => text(value),
    }
}

/// Everything about one door.
pub(super) fn door(door: &Value) -> String {
    let properties = &door["properties"];
    let mut out = String::new();
    let mut fact = |name: &str, value: String| {
        if value != "-" {
            let _ = writeln!(out, "{name:<12} {value}");
        }
    };
    fact("door", text(&door["name"]));
    fact("state", text(&properties["state"]));
    fact("holder", person(&properties["holderName"], &properties["holder"]));
    fact("reason", text(&properties["reason"]));
    fact("requested", seconds(&properties["requestedAt"]));
    fact("approve by", seconds(&properties["approveBefore"]));
    fact("opened", seconds(&properties["openedAt"]));
    fact("approved by", person(&properties["approverName"], &properties["approver"]));
    fact("until", seconds(&properties["validUntil"]));
    fact("user", text(&properties["user"]));
    fact("group", text(&properties["group"]));
    if let Some(why) = properties["closedWhy"].as_str() {
        let by = person(&properties["closedByName"], &properties["closedBy"]);
        fact(
            "closed",
            format!(
                "{} ({why}{})",
                seconds(&properties["closedAt"]),
                if by == "-" { by.replace('-', "") } else { format!(", by {by}") }
            ),
        );
        fact(
            "shut",
            if properties["isShut"] == true { "yes".to_owned() } else { "not yet; the server goes on trying".to_owned() },
        );
    }
    for proof in properties["refused"].as_array().into_iter().flatten() {
        let _ = writeln!(
            out,
            "refused      by {}: {} ms after its binding was deleted, {} ms after its root was dropped; aggregated servers forgot it within {} ms",
            text(&proof["server"]),
            text(&proof["withoutBindingMs"]),
            text(&proof["withoutRootMs"]),
            text(&proof["listMs"])
        );
    }
    for proof in properties["severed"].as_array().into_iter().flatten() {
        let _ = writeln!(
            out,
            "severed      {}: streams ended after {} ms, ready again after {} ms",
            text(&proof["server"]),
            text(&proof["streamEndedMs"]),
            text(&proof["readyMs"])
        );
    }
    left_behind(&mut out, &properties["leftBehind"]);
    out.truncate(out.trim_end().len());
    out
}

fn left_behind(out: &mut String, left: &Value) {
    if left.is_null() {
        return;
    }
    let items = left["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        let _ = writeln!(out, "left behind  nothing that opens the cluster again");
    } else {
        let _ = writeln!(out, "left behind");
    }
    for item in items {
        let place = match (item["namespace"].as_str(), item["name"].as_str()) {
            (Some(namespace), name) => format!("{namespace}/{}", name.unwrap_or("(name made by the API server)")),
            (None, name) => name.unwrap_or("(name made by the API server)").to_owned(),
        };
        let there = match item["there"].as_bool() {
            Some(true) => "still there",
            Some(false) => "gone",
            None => "not known whether it is there",
        };
        let seen = match item["seen"].as_str() {
            Some("time") => "; written meanwhile, not known by whom",
            _ => "",
        };
        let what = format!("{} {} {}", text(&item["verb"]), text(&item["resource"]), entrance_client::printable(&place));
        let _ = writeln!(out, "  {what} ({there}{seen}): {}", advice(&item["way"]));
    }
    if let Some(more @ 1..) = left["more"].as_u64() {
        let _ = writeln!(out, "  and {more} more");
    }
    if let Some(writes @ 1..) = left["otherWrites"].as_u64() {
        let _ = writeln!(out, "other writes {writes}");
    }
    for unseen in left["unseen"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "note         {}", text(unseen));
    }
}

/// What to think of a finding; a server that is newer than this program may know other kinds.
fn advice(way: &Value) -> &'static str {
    serde_json::from_value::<Way>(way.clone()).map_or("look at it", Way::advice)
}
