//! Whether an object, as Graph answers it, meets a condition. Depth is bounded by the parser.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{End, Filter, Literal, Op, Path, Quantifier};

/// The object, and the range variables of the lambdas around.
struct Scope<'v> {
    object: &'v Map<String, Value>,
    variables: Vec<(&'v str, &'v Value)>,
}

impl Filter {
    /// Whether the object meets the condition.
    pub fn matches(&self, object: &Map<String, Value>) -> bool {
        Scope { object, variables: Vec::new() }.holds(self)
    }
}

impl<'v> Scope<'v> {
    fn holds(&mut self, filter: &'v Filter) -> bool {
        match filter {
            Filter::And(all) => all.iter().all(|one| self.holds(one)),
            Filter::Or(all) => all.iter().any(|one| self.holds(one)),
            Filter::Not(inner) => !self.holds(inner),
            Filter::Compare { path, op, value } => compare(self.value(path), *op, value),
            Filter::In { path, values } => values.iter().any(|value| compare(self.value(path), Op::Eq, value)),
            Filter::Affix { path, end, text } => {
                let (have, text) = (folded(self.value(path)), text.to_lowercase());
                have.is_some_and(|have| match end {
                    End::Start => have.starts_with(&text),
                    End::End => have.ends_with(&text),
                })
            }
            Filter::Lambda { path, of, variable, body } => {
                let elements = self.value(path).as_array().map_or(&[][..], Vec::as_slice);
                let Some(body) = body else {
                    return !elements.is_empty();
                };
                let mut one = |element| {
                    self.variables.push((variable, element));
                    let holds = self.holds(body);
                    self.variables.pop();
                    holds
                };
                match of {
                    Quantifier::Any => elements.iter().any(&mut one),
                    Quantifier::All => elements.iter().all(&mut one),
                }
            }
            Filter::Count { path, op, value } => {
                let length = self.value(path).as_array().map_or(0, Vec::len);
                i64::try_from(length).is_ok_and(|length| holds(*op, length.cmp(value)))
            }
        }
    }

    fn value(&self, path: &Path) -> &'v Value {
        let mut names = path.0.iter();
        let first = names.next().map_or("", String::as_str);
        let variable = self.variables.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(first));
        let start = variable.map_or_else(|| member(self.object, first), |(_, value)| value);
        names.fold(start, |value, name| value.as_object().map_or(&Value::Null, |object| member(object, name)))
    }
}

fn member<'v>(object: &'v Map<String, Value>, name: &str) -> &'v Value {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or(&Value::Null, |(_, value)| value)
}

fn compare(have: &Value, op: Op, with: &Literal) -> bool {
    let order = match with {
        Literal::Text(text) | Literal::Guid(text) => folded(have).map(|have| have.cmp(&text.to_lowercase())),
        Literal::Bool(value) => have.as_bool().map(|have| have.cmp(value)),
        Literal::Number(number) => have.as_i64().map(|have| have.cmp(number)),
        Literal::Time(time) => have.as_str().and_then(|have| have.parse::<Timestamp>().ok()).map(|have| have.cmp(time)),
        Literal::Null => have.is_null().then_some(Ordering::Equal),
    };
    // What cannot be compared is different, neither greater nor smaller.
    order.map_or(op == Op::Ne, |order| holds(op, order))
}

fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
    }
}

fn folded(value: &Value) -> Option<String> {
    value.as_str().map(str::to_lowercase)
}
