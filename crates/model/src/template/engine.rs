//! Evaluating: values with expressions in them become values.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::budget::Budget;
use super::document::Template;
use super::error::{Halt, Outcome, Place, cut, wrong};
use super::expression::{Expression, Step, Written, parse, written};
use super::lambdas::Locals;
use super::plan::Resources;
use super::value::{in_object, kind};
use super::world::World;
use super::{copy, parameters};

/// Evaluates one template.
pub(super) struct Engine<'t> {
    pub(super) template: &'t Template,
    pub(super) world: &'t World,
    /// Parameters that came with the request.
    pub(super) given: &'t Map<String, Value>,
    pub(super) budget: Budget,
    /// How many times `newGuid` was called.
    pub(super) guids: Cell<u32>,
    parameters: RefCell<BTreeMap<String, Slot>>,
    variables: RefCell<BTreeMap<String, Slot>>,
}

/// A value that is evaluated when it is asked for.
enum Slot {
    UnderWay,
    Ready(Value),
}

/// What is evaluated: it decides what may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Default,
    Variable,
    Function,
    Resource,
    Output,
}

/// One turn of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) name: String,
    pub(super) index: usize,
}

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Site<'s> {
    pub(super) part: Part,
    /// The loops around it, the innermost last.
    pub(super) turns: &'s [Turn],
    /// The arguments of the user-defined function it is in.
    pub(super) arguments: Option<&'s Map<String, Value>>,
    /// The resources that `reference` sees.
    pub(super) resources: Option<Resources<'s>>,
    /// Where resources that are not known yet are written down; the values that need them are `null` then.
    pub(super) late: Option<&'s RefCell<BTreeSet<String>>>,
    /// The names that lambdas around it gave.
    pub(super) locals: Option<&'s Locals<'s>>,
}

impl Site<'_> {
    pub(super) const fn of(part: Part) -> Self {
        Self { part, turns: &[], arguments: None, resources: None, late: None, locals: None }
    }
}

impl<'t> Engine<'t> {
    pub(super) fn new(template: &'t Template, world: &'t World, given: &'t Map<String, Value>) -> Self {
        Self {
            template,
            world,
            given,
            budget: Budget::default(),
            guids: Cell::new(0),
            parameters: RefCell::default(),
            variables: RefCell::default(),
        }
    }

    /// A value with everything in it evaluated.
    pub(super) fn value(&self, site: Site<'_>, value: &Value) -> Outcome<Value> {
        self.budget.step()?;
        match value {
            Value::String(text) => match (self.text(site, text), site.late) {
                (Err(Halt::Late(id)), Some(late)) => {
                    late.borrow_mut().insert(id);
                    Ok(Value::Null)
                }
                (outcome, _) => outcome,
            },
            Value::Array(items) => self.budget.deeper(|| {
                let each = |(at, item)| self.value(site, item).map_err(|halt| halt.under(&Place::default().then(at)));
                items.iter().enumerate().map(each).collect()
            }),
            Value::Object(members) => self.budget.deeper(|| self.object(site, members).map(Value::Object)),
            plain => Ok(plain.clone()),
        }
    }

    fn object(&self, site: Site<'_>, members: &Map<String, Value>) -> Outcome<Map<String, Value>> {
        let mut out = Map::new();
        for (name, value) in members {
            let here = Place::of([name.as_str()]);
            if let Some(loops) = copy::of_properties(name, value) {
                for (at, each) in loops.iter().enumerate() {
                    let place = here.then(at);
                    let (name, list) = copy::property(self, site, each).map_err(|halt| halt.under(&place))?;
                    out.insert(name, list);
                }
                continue;
            }
            let key = match self.text(site, name).map_err(|halt| halt.under(&here))? {
                Value::String(key) => key,
                other => {
                    return wrong(format!("The name of a member is a string, not {}.", kind(&other)))
                        .map_err(|h: Halt| h.under(&here));
                }
            };
            out.insert(key, self.value(site, value).map_err(|halt| halt.under(&here))?);
        }
        Ok(out)
    }

    /// A text: itself, or what its expression says.
    pub(super) fn text(&self, site: Site<'_>, text: &str) -> Outcome<Value> {
        match written(text) {
            Written::Plain(text) => {
                self.budget.spend(text.len())?;
                Ok(text.into())
            }
            Written::Evaluated(inner) => {
                self.budget.spend(inner.len().saturating_mul(4))?;
                let expression = parse(inner).or_else(|bad| wrong(bad.to_string()))?;
                self.expression(site, &expression)
            }
        }
    }

    pub(super) fn expression(&self, site: Site<'_>, expression: &Expression) -> Outcome<Value> {
        self.budget.step()?;
        match expression {
            Expression::Text(text) => {
                self.budget.spend(text.len())?;
                Ok(text.as_str().into())
            }
            Expression::Number(number) => Ok((*number).into()),
            Expression::Call { name, arguments } => self.budget.deeper(|| self.call(site, name, arguments)),
            Expression::Access { base, steps } => self.budget.deeper(|| {
                let mut value = self.expression(site, base)?;
                for step in steps {
                    value = match step {
                        Step::Member(name) => taken(value, &name.as_str().into())?,
                        Step::Item(item) => taken(value, &self.expression(site, item)?)?,
                    };
                }
                Ok(value)
            }),
        }
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, site: Site<'_>, name: &str) -> Outcome<Value> {
        if let Some(arguments) = site.arguments {
            let found = in_object(arguments, name);
            return found.map_or_else(
                || wrong(format!("The function has no parameter '{}'.", cut(name))),
                |value| self.budget.copy(value),
            );
        }
        let Some((known, declared)) = find(&self.template.parameters, name) else {
            return wrong(format!("The template has no parameter '{}'.", cut(name)));
        };
        self.slot(&self.parameters, known, "parameter", || parameters::value(self, known, declared))
    }

    /// The value of a variable.
    pub(super) fn variable(&self, site: Site<'_>, name: &str) -> Outcome<Value> {
        if matches!(site.part, Part::Default | Part::Function) {
            return wrong("Variables cannot be used in the defaults of parameters and in functions.");
        }
        let here = Site::of(Part::Variable);
        if let Some((known, value)) = find(&self.template.variables, name).filter(|(known, _)| *known != "copy") {
            return self.slot(&self.variables, known, "variable", || {
                self.value(here, value).map_err(|halt| halt.under(&Place::of(["variables", known])))
            });
        }
        let loops = find(&self.template.variables, "copy").and_then(|(key, value)| copy::of_properties(key, value));
        let each = loops
            .unwrap_or_default()
            .iter()
            .enumerate()
            .find(|(_, each)| copy::name(each).is_some_and(|known| super::value::same(known, name)));
        let Some((at, each)) = each else { return wrong(format!("The template has no variable '{}'.", cut(name))) };
        let place = Place::of(["variables", "copy"]).then(at);
        let known = copy::name(each).unwrap_or_default();
        self.slot(&self.variables, known, "variable", || {
            copy::property(self, here, each).map(|(_, list)| list).map_err(|halt| halt.under(&place))
        })
    }

    fn slot(
        &self,
        slots: &RefCell<BTreeMap<String, Slot>>,
        name: &str,
        what: &str,
        evaluate: impl FnOnce() -> Outcome<Value>,
    ) -> Outcome<Value> {
        match slots.borrow().get(name) {
            Some(Slot::Ready(value)) => return self.budget.copy(value),
            Some(Slot::UnderWay) => return wrong(format!("The {what} '{}' is made of itself.", cut(name))),
            None => {}
        }
        slots.borrow_mut().insert(name.to_owned(), Slot::UnderWay);
        let value = self.budget.deeper(evaluate)?;
        let copied = self.budget.copy(&value)?;
        slots.borrow_mut().insert(name.to_owned(), Slot::Ready(value));
        Ok(copied)
    }
}

fn find<'m>(members: &'m Map<String, Value>, name: &str) -> Option<(&'m str, &'m Value)> {
    members.iter().find(|(known, _)| super::value::same(known, name)).map(|(known, value)| (known.as_str(), value))
}

/// `value.key` or `value[key]`.
fn taken(value: Value, key: &Value) -> Outcome<Value> {
    match (value, key) {
        (Value::Object(mut members), Value::String(name)) => {
            let known = members
                .keys()
                .find(|known| *known == name)
                .or_else(|| members.keys().find(|known| super::value::same(known, name)));
            let Some(known) = known.cloned() else {
                let names: Vec<&str> = members.keys().map(String::as_str).take(20).collect();
                return wrong(format!("The object has no member '{}'; it has {}.", cut(name), cut(&names.join(", "))));
            };
            Ok(members.swap_remove(&known).unwrap_or_default())
        }
        (Value::Array(mut items), Value::Number(at)) => {
            let place = at.as_u64().and_then(|at| usize::try_from(at).ok()).filter(|at| *at < items.len());
            match place {
                Some(at) => Ok(items.swap_remove(at)),
                None => wrong(format!("The array has {} items, and none at {at}.", items.len())),
            }
        }
        (value, key) => wrong(format!("A value of type {} has nothing at a key of type {}.", kind(&value), kind(key))),
    }
}
