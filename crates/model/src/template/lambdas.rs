//! Functions of lists that take a function: `map(list, lambda('each', …))`, as Bicep writes `map(list, each => …)`.

use serde_json::{Map, Value};

use super::engine::{Engine, Site};
use super::error::{Outcome, cut, wrong};
use super::expression::Expression;
use super::value::{kind, plain, same};

/// The names that a lambda gives to what it is called with, the innermost first.
#[derive(Clone, Copy)]
pub(super) struct Locals<'l> {
    name: &'l str,
    value: &'l Value,
    outer: Option<&'l Locals<'l>>,
}

struct Lambda<'e> {
    names: Vec<&'e str>,
    body: &'e Expression,
}

const ALL: &[&str] = &["map", "filter", "reduce", "sort", "toObject", "mapValues", "groupBy", "lambda", "lambdaVariables"];

/// The value of a call to one of these; `None` when it is none of them.
pub(super) fn call(e: &Engine<'_>, s: Site<'_>, name: &str, arguments: &[Expression]) -> Option<Outcome<Value>> {
    let known = ALL.iter().find(|known| same(known, name))?;
    Some(match (*known, arguments) {
        ("map", [list, each]) => map(e, s, list, each),
        ("filter", [list, each]) => filter(e, s, list, each),
        ("reduce", [list, first, each]) => reduce(e, s, list, first, each),
        ("sort", [list, before]) => sort(e, s, list, before),
        ("toObject", [list, key]) => to_object(e, s, list, key, None),
        ("toObject", [list, key, value]) => to_object(e, s, list, key, Some(value)),
        ("mapValues", [object, each]) => map_values(e, s, object, each),
        ("groupBy", [list, key]) => group_by(e, s, list, key),
        ("lambdaVariables", [name]) => variable(e, s, name),
        ("lambda", _) => wrong("`lambda` stands only where a function is asked for, such as in `map`."),
        (known, _) => wrong(format!("`{known}` does not take {} arguments.", arguments.len())),
    })
}

impl<'e> Lambda<'e> {
    fn read(expression: &'e Expression) -> Outcome<Self> {
        if let Expression::Call { name, arguments } = expression
            && same(name, "lambda")
            && let Some((body, names)) = arguments.split_last()
        {
            let names: Option<Vec<&str>> = names
                .iter()
                .map(|name| match name {
                    Expression::Text(name) => Some(name.as_str()),
                    _ => None,
                })
                .collect();
            if let Some(names) = names {
                return Ok(Self { names, body });
            }
        }
        wrong("A `lambda` with names and a value is needed here.")
    }

    fn apply(&self, e: &Engine<'_>, s: Site<'_>, values: &[Value]) -> Outcome<Value> {
        if self.names.len() > values.len() {
            return wrong(format!("The lambda takes {} values and is given {}.", self.names.len(), values.len()));
        }
        bound(e, s, &self.names, values, s.locals, self.body)
    }

    fn flag(&self, e: &Engine<'_>, s: Site<'_>, values: &[Value]) -> Outcome<bool> {
        match self.apply(e, s, values)? {
            Value::Bool(flag) => Ok(flag),
            other => wrong(format!("The lambda must say a bool here, not a value of type {}.", kind(&other))),
        }
    }

    fn text(&self, e: &Engine<'_>, s: Site<'_>, values: &[Value]) -> Outcome<String> {
        let value = self.apply(e, s, values)?;
        plain(&value)
            .map_or_else(|| wrong(format!("The lambda must say a string here, not a value of type {}.", kind(&value))), Ok)
    }
}

fn bound(
    e: &Engine<'_>,
    s: Site<'_>,
    names: &[&str],
    values: &[Value],
    outer: Option<&Locals<'_>>,
    body: &Expression,
) -> Outcome<Value> {
    match (names, values) {
        ([name, names @ ..], [value, values @ ..]) => bound(e, s, names, values, Some(&Locals { name, value, outer }), body),
        _ => e.expression(Site { locals: outer, ..s }, body),
    }
}

fn variable(e: &Engine<'_>, s: Site<'_>, name: &Expression) -> Outcome<Value> {
    let Expression::Text(name) = name else { return wrong("`lambdaVariables` takes a name.") };
    let mut at = s.locals;
    while let Some(local) = at {
        if same(local.name, name) {
            return e.budget.copy(local.value);
        }
        at = local.outer;
    }
    wrong(format!("No lambda around it has the name '{}'.", cut(name)))
}

fn list(e: &Engine<'_>, s: Site<'_>, expression: &Expression) -> Outcome<Vec<Value>> {
    match e.expression(s, expression)? {
        Value::Array(items) => Ok(items),
        other => wrong(format!("An array is needed, not a value of type {}.", kind(&other))),
    }
}

fn map(e: &Engine<'_>, s: Site<'_>, items: &Expression, each: &Expression) -> Outcome<Value> {
    let each = Lambda::read(each)?;
    list(e, s, items)?.into_iter().enumerate().map(|(at, item)| each.apply(e, s, &[item, at.into()])).collect()
}

fn filter(e: &Engine<'_>, s: Site<'_>, items: &Expression, each: &Expression) -> Outcome<Value> {
    let each = Lambda::read(each)?;
    let mut out = Vec::new();
    for (at, item) in list(e, s, items)?.into_iter().enumerate() {
        let values = [item, at.into()];
        if each.flag(e, s, &values)? {
            let [item, _] = values;
            out.push(item);
        }
    }
    Ok(out.into())
}

fn reduce(e: &Engine<'_>, s: Site<'_>, items: &Expression, first: &Expression, each: &Expression) -> Outcome<Value> {
    let each = Lambda::read(each)?;
    let mut value = e.expression(s, first)?;
    for (at, item) in list(e, s, items)?.into_iter().enumerate() {
        value = each.apply(e, s, &[value, item, at.into()])?;
    }
    Ok(value)
}

/// Each item goes behind all that are not to stand after it: what is equal keeps its order.
fn sort(e: &Engine<'_>, s: Site<'_>, items: &Expression, before: &Expression) -> Outcome<Value> {
    let before = Lambda::read(before)?;
    let mut out: Vec<Value> = Vec::new();
    for item in list(e, s, items)? {
        let (mut low, mut high) = (0, out.len());
        while low < high {
            let middle = low.midpoint(high);
            if before.flag(e, s, &[e.budget.copy(&item)?, e.budget.copy(&out[middle])?])? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        out.insert(low, item);
    }
    Ok(out.into())
}

fn to_object(e: &Engine<'_>, s: Site<'_>, items: &Expression, key: &Expression, value: Option<&Expression>) -> Outcome<Value> {
    let (key, value) = (Lambda::read(key)?, value.map(Lambda::read).transpose()?);
    let mut out = Map::new();
    for item in list(e, s, items)? {
        let values = [item];
        let name = key.text(e, s, &values)?;
        let said = value.as_ref().map(|value| value.apply(e, s, &values)).transpose()?;
        let [item] = values;
        out.insert(name, said.unwrap_or(item));
    }
    Ok(out.into())
}

fn map_values(e: &Engine<'_>, s: Site<'_>, object: &Expression, each: &Expression) -> Outcome<Value> {
    let each = Lambda::read(each)?;
    match e.expression(s, object)? {
        Value::Object(members) => {
            let said = members.into_iter().map(|(name, value)| Ok((name, each.apply(e, s, &[value])?)));
            said.collect::<Outcome<Map<_, _>>>().map(Value::Object)
        }
        other => wrong(format!("An object is needed, not a value of type {}.", kind(&other))),
    }
}

fn group_by(e: &Engine<'_>, s: Site<'_>, items: &Expression, key: &Expression) -> Outcome<Value> {
    let key = Lambda::read(key)?;
    let mut out = Map::new();
    for item in list(e, s, items)? {
        let values = [item];
        let name = key.text(e, s, &values)?;
        let [item] = values;
        if let Value::Array(group) = out.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            group.push(item);
        }
    }
    Ok(out.into())
}
