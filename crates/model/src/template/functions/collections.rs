//! Lists and objects, and what texts have in common with them.

use serde_json::{Map, Value, json};

use super::super::budget::Budget;
use super::super::error::{Outcome, wrong};
use super::super::value::{Arguments, in_object, plain, same};
use super::Function;

pub(super) const ALL: &[(&str, Function)] = &[
    ("concat", concat),
    ("length", length),
    ("empty", empty),
    ("contains", contains),
    ("first", |a, b| edge(a, b, Edge::First)),
    ("last", |a, b| edge(a, b, Edge::Last)),
    ("indexOf", |a, _| index(a, Edge::First)),
    ("lastIndexOf", |a, _| index(a, Edge::Last)),
    ("array", array),
    ("createArray", |a, b| a.all().iter().map(|value| b.copy(value)).collect::<Outcome<Vec<_>>>().map(Value::from)),
    ("createObject", create_object),
    ("union", union),
    ("intersection", intersection),
    ("skip", |a, b| cut(a, b, Edge::Last)),
    ("take", |a, b| cut(a, b, Edge::First)),
    ("items", items),
    ("objectKeys", |a, _| a.between(1, 1).and_then(|()| Ok(a.object(0)?.keys().cloned().collect()))),
    ("flatten", flatten),
    ("tryGet", try_get),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    First,
    Last,
}

fn concat(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, usize::MAX)?;
    if matches!(a.get(0), Value::Array(_)) {
        let mut out = Vec::new();
        for at in 0..a.len() {
            for item in a.list(at)? {
                out.push(budget.copy(item)?);
            }
        }
        return Ok(out.into());
    }
    let parts = a.texts()?;
    budget.spend(parts.iter().map(String::len).sum())?;
    Ok(parts.concat().into())
}

fn length(a: &Arguments, _: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    match a.get(0) {
        Value::String(text) => Ok(text.chars().count().into()),
        Value::Array(items) => Ok(items.len().into()),
        Value::Object(members) => Ok(members.len().into()),
        _ => a.unfit(0, "a string, an array or an object"),
    }
}

fn empty(a: &Arguments, _: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    match a.get(0) {
        Value::Null => Ok(true.into()),
        Value::String(text) => Ok(text.is_empty().into()),
        Value::Array(items) => Ok(items.is_empty().into()),
        Value::Object(members) => Ok(members.is_empty().into()),
        _ => a.unfit(0, "a string, an array or an object"),
    }
}

fn contains(a: &Arguments, _: &Budget) -> Outcome<Value> {
    a.between(2, 2)?;
    match a.get(0) {
        Value::String(text) => {
            let part = plain(a.get(1)).map_or_else(|| a.unfit(1, "a string"), Ok)?;
            Ok(text.contains(&part).into())
        }
        Value::Array(items) => Ok(items.contains(a.get(1)).into()),
        Value::Object(members) => Ok(in_object(members, a.text(1)?).is_some().into()),
        _ => a.unfit(0, "a string, an array or an object"),
    }
}

fn edge(a: &Arguments, budget: &Budget, edge: Edge) -> Outcome<Value> {
    a.between(1, 1)?;
    match a.get(0) {
        Value::String(text) => {
            let letter = if edge == Edge::First { text.chars().next() } else { text.chars().last() };
            Ok(letter.map(String::from).unwrap_or_default().into())
        }
        Value::Array(items) => {
            let item = if edge == Edge::First { items.first() } else { items.last() };
            item.map_or(Ok(Value::Null), |item| budget.copy(item))
        }
        _ => a.unfit(0, "a string or an array"),
    }
}

fn index(a: &Arguments, edge: Edge) -> Outcome<Value> {
    a.between(2, 2)?;
    let found = match a.get(0) {
        Value::Array(items) if edge == Edge::First => items.iter().position(|item| item == a.get(1)),
        Value::Array(items) => items.iter().rposition(|item| item == a.get(1)),
        _ => {
            let (text, part) = (a.text(0)?.to_lowercase(), a.text(1)?.to_lowercase());
            let byte = if edge == Edge::First { text.find(&part) } else { text.rfind(&part) };
            byte.map(|byte| text[..byte].chars().count())
        }
    };
    Ok(found.map_or_else(|| json!(-1), |at| json!(at)))
}

fn array(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let value = budget.copy(a.get(0))?;
    Ok(if value.is_array() { value } else { json!([value]) })
}

fn create_object(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    if !a.len().is_multiple_of(2) {
        return wrong("`createObject` takes pairs of a name and a value.");
    }
    let mut out = Map::new();
    for at in (0..a.len()).step_by(2) {
        out.insert(a.text(at)?.to_owned(), budget.copy(a.get(at + 1))?);
    }
    Ok(out.into())
}

fn union(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, usize::MAX)?;
    if matches!(a.get(0), Value::Array(_)) {
        let mut out: Vec<Value> = Vec::new();
        for at in 0..a.len() {
            for item in a.list(at)? {
                // Each item is compared with all before it.
                budget.spend(out.len())?;
                if !out.contains(item) {
                    out.push(budget.copy(item)?);
                }
            }
        }
        return Ok(out.into());
    }
    let mut out = Map::new();
    for at in 0..a.len() {
        for (name, value) in a.object(at)? {
            merge(&mut out, name, budget.copy(value)?);
        }
    }
    Ok(out.into())
}

// Objects in both are joined member by member; anything else is replaced by the later one.
fn merge(into: &mut Map<String, Value>, name: &str, value: Value) {
    let known = into.keys().find(|key| same(key, name)).cloned().unwrap_or_else(|| name.to_owned());
    match (into.get_mut(&known), value) {
        (Some(Value::Object(before)), Value::Object(after)) => {
            for (name, value) in after {
                merge(before, &name, value);
            }
        }
        (_, value) => {
            into.insert(known, value);
        }
    }
}

fn intersection(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, usize::MAX)?;
    if matches!(a.get(0), Value::Array(_)) {
        let mut out: Vec<Value> = Vec::new();
        for item in a.list(0)? {
            budget.spend(out.len())?;
            let mut is_everywhere = !out.contains(item);
            for at in 1..a.len() {
                let others = a.list(at)?;
                budget.spend(others.len())?;
                is_everywhere &= others.contains(item);
            }
            if is_everywhere {
                out.push(budget.copy(item)?);
            }
        }
        return Ok(out.into());
    }
    let mut out = Map::new();
    for (name, value) in a.object(0)? {
        let mut is_everywhere = true;
        for at in 1..a.len() {
            is_everywhere &= in_object(a.object(at)?, name) == Some(value);
        }
        if is_everywhere {
            out.insert(name.clone(), budget.copy(value)?);
        }
    }
    Ok(out.into())
}

fn cut(a: &Arguments, budget: &Budget, keep: Edge) -> Outcome<Value> {
    a.between(2, 2)?;
    let count = usize::try_from(a.int(1)?.max(0)).unwrap_or(usize::MAX);
    budget.copy(a.get(0)).and_then(|value| match value {
        Value::String(text) if keep == Edge::First => Ok(text.chars().take(count).collect::<String>().into()),
        Value::String(text) => Ok(text.chars().skip(count).collect::<String>().into()),
        Value::Array(items) if keep == Edge::First => Ok(items.into_iter().take(count).collect()),
        Value::Array(items) => Ok(items.into_iter().skip(count).collect()),
        _ => a.unfit(0, "a string or an array"),
    })
}

fn items(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let members = a.object(0)?;
    budget.spend(super::super::budget::weight(a.get(0)).saturating_mul(2))?;
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_by(|one, two| one.0.cmp(two.0));
    Ok(sorted.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect())
}

fn flatten(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let mut out = Vec::new();
    for list in a.list(0)? {
        let Value::Array(inner) = list else { return a.unfit(0, "an array of arrays") };
        for item in inner {
            out.push(budget.copy(item)?);
        }
    }
    Ok(out.into())
}

fn try_get(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(2, usize::MAX)?;
    let mut value = a.get(0);
    for key in &a.all()[1..] {
        let next = match (value, key) {
            (Value::Object(members), Value::String(name)) => in_object(members, name),
            (Value::Array(items), Value::Number(at)) => {
                at.as_u64().and_then(|at| usize::try_from(at).ok()).and_then(|at| items.get(at))
            }
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return Ok(Value::Null),
        }
    }
    budget.copy(value)
}
