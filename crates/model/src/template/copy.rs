//! Loops: `copy` of resources, properties, variables and outputs, and `copyIndex` inside them.

use serde_json::{Map, Value};

use super::engine::{Engine, Part, Site, Turn};
use super::error::{Outcome, Place, cut, wrong};
use super::value::{in_object, member, same};

/// The most turns of one loop (the original's limit).
pub(super) const MOST: usize = 800;

/// The loops that stand in an object in the place of members: `"copy": [{ name, count, input }]`.
pub(super) fn of_properties<'v>(name: &str, value: &'v Value) -> Option<&'v [Value]> {
    let loops = value.as_array().filter(|loops| same(name, "copy") && !loops.is_empty())?;
    let is_loop = |each: &Value| member(each, "count").is_some() && member(each, "input").is_some();
    loops.iter().all(is_loop).then_some(loops.as_slice())
}

/// The member that a loop makes.
pub(super) fn name(each: &Value) -> Option<&str> {
    member(each, "name")?.as_str()
}

/// The member that a loop makes, and its list.
pub(super) fn property(engine: &Engine<'_>, site: Site<'_>, each: &Value) -> Outcome<(String, Value)> {
    let Some(name) = name(each) else { return wrong("A loop needs a `name`.") };
    let list = list(engine, site, name, each)?;
    Ok((name.to_owned(), list))
}

/// The list of a loop's turns.
pub(super) fn list(engine: &Engine<'_>, site: Site<'_>, name: &str, each: &Value) -> Outcome<Value> {
    let count = member(each, "count").cloned().unwrap_or_default();
    let count = turns(engine, site, &count)?;
    let Some(input) = member(each, "input") else { return wrong("A loop needs an `input`.") };
    let mut out = Vec::new();
    let mut around = site.turns.to_vec();
    around.push(Turn { name: name.to_owned(), index: 0 });
    for index in 0..count {
        if let Some(turn) = around.last_mut() {
            turn.index = index;
        }
        let inside = Site { turns: &around, ..site };
        out.push(engine.value(inside, input).map_err(|halt| halt.under(&Place::of(["input"])))?);
    }
    Ok(out.into())
}

/// How many turns a loop has.
pub(super) fn turns(engine: &Engine<'_>, site: Site<'_>, count: &Value) -> Outcome<usize> {
    // The number must be known before anything is deployed.
    let value = engine.value(Site { late: None, ..site }, count).map_err(|halt| halt.under(&Place::of(["count"])))?;
    match value.as_u64().and_then(|count| usize::try_from(count).ok()) {
        Some(count) if count <= MOST => Ok(count),
        _ => wrong(format!("The `count` of a loop is an int from 0 to {MOST}.")),
    }
}

/// `copyIndex([name], [offset])`.
pub(super) fn index(site: Site<'_>, arguments: &[Value]) -> Outcome<Value> {
    let (name, offset) = match arguments {
        [] => (None, 0),
        [Value::String(name)] => (Some(name.as_str()), 0),
        [Value::Number(offset)] => (None, offset.as_i64().unwrap_or(0)),
        [Value::String(name), Value::Number(offset)] => (Some(name.as_str()), offset.as_i64().unwrap_or(0)),
        _ => return wrong("`copyIndex` takes the name of a loop, an int, both or neither."),
    };
    let turn = match name {
        Some(name) => site.turns.iter().rev().find(|turn| same(&turn.name, name)),
        // Without a name: the loop of the resource, not that of a property in it.
        None if site.part == Part::Resource => site.turns.first(),
        None => site.turns.last(),
    };
    let Some(turn) = turn else {
        return wrong(match name {
            Some(name) => format!("`copyIndex` names the loop '{}', and none around it has that name.", cut(name)),
            None => "`copyIndex` stands in no loop.".to_owned(),
        });
    };
    match i64::try_from(turn.index).ok().and_then(|index| index.checked_add(offset)) {
        Some(index) => Ok(index.into()),
        None => wrong("`copyIndex` with this offset does not fit."),
    }
}

/// The loop of a resource.
pub(super) struct ResourceLoop {
    pub(super) name: String,
    pub(super) count: Value,
    /// How many may be made at the same time; `None`: all.
    pub(super) batch: Option<usize>,
}

/// Reads `copy` of a resource.
pub(super) fn of_resource(members: &Map<String, Value>) -> Outcome<Option<ResourceLoop>> {
    let Some(copy) = in_object(members, "copy").filter(|copy| !copy.is_null()) else { return Ok(None) };
    let here = Place::of(["copy"]);
    let read = || -> Outcome<ResourceLoop> {
        let Some(name) = name(copy) else { return wrong("The loop of a resource needs a `name`.") };
        let Some(count) = member(copy, "count") else { return wrong("The loop of a resource needs a `count`.") };
        let batch = match member(copy, "batchSize") {
            None | Some(Value::Null) => 1,
            Some(size) => match size.as_u64().and_then(|size| usize::try_from(size).ok()) {
                Some(size) if size > 0 => size,
                _ => return wrong("`batchSize` is an int of at least 1."),
            },
        };
        let batch = match member(copy, "mode").and_then(Value::as_str) {
            None => None,
            Some(mode) if same(mode, "parallel") => None,
            Some(mode) if same(mode, "serial") => Some(batch),
            Some(mode) => return wrong(format!("'{}' is no `mode` of a loop; use parallel or serial.", cut(mode))),
        };
        Ok(ResourceLoop { name: name.to_owned(), count: count.clone(), batch })
    };
    read().map(Some).map_err(|halt| halt.under(&here))
}
