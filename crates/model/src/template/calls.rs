//! Calls: what looks at the template, its place or its resources is here; what looks only at its arguments is in `functions`.

use serde_json::{Map, Value};

use super::engine::{Engine, Part, Site};
use super::error::{Outcome, Place, cut, wrong};
use super::expression::Expression;
use super::plan::Target;
use super::value::{Arguments, in_object, kind, member, same};
use super::{copy, functions, lambdas, parameters, scope_ids};

/// A function of where the call stands.
type Here = fn(&Engine<'_>, Site<'_>, &Arguments) -> Outcome<Value>;

const HERE: &[(&str, Here)] = &[
    ("parameters", |e, s, a| a.between(1, 1).and_then(|()| e.parameter(s, a.text(0)?))),
    ("variables", |e, s, a| a.between(1, 1).and_then(|()| e.variable(s, a.text(0)?))),
    ("copyIndex", |_, s, a| copy::index(s, a.all())),
    ("resourceGroup", |e, s, a| world(s, a).map(|()| e.world.group())),
    ("subscription", |e, s, a| world(s, a).map(|()| e.world.subscription())),
    ("tenant", |e, s, a| world(s, a).map(|()| e.world.tenant())),
    ("deployment", |e, s, a| world(s, a).map(|()| e.world.deployment(e.template))),
    ("deployer", |e, s, a| world(s, a).map(|()| e.world.deployer())),
    ("environment", |e, s, a| world(s, a).map(|()| e.world.environment())),
    ("resourceId", resource_id),
    ("subscriptionResourceId", subscription_resource_id),
    ("tenantResourceId", |_, _, a| {
        a.between(2, usize::MAX)?;
        Ok(scope_ids::under_provider(a.text(0)?, &texts(a, 1)?)?.into())
    }),
    ("extensionResourceId", |_, _, a| {
        a.between(3, usize::MAX)?;
        let scope = a.text(0)?.trim_end_matches('/');
        Ok(format!("{scope}{}", scope_ids::under_provider(a.text(1)?, &texts(a, 2)?)?).into())
    }),
    ("reference", reference),
    ("references", references),
    ("resourceInfo", resource_info),
    ("utcNow", utc_now),
    ("newGuid", new_guid),
];

/// Functions of the original that are left out, and why.
const REFUSED: &[(&str, &str)] = &[
    ("getSecret", "there are no key vaults here; use a parameter of type secureString"),
    ("pickZones", "there are no zones here"),
    ("managementGroup", "there are no management groups here"),
    ("managementGroupResourceId", "there are no management groups here"),
];

impl Engine<'_> {
    pub(super) fn call(&self, site: Site<'_>, name: &str, arguments: &[Expression]) -> Outcome<Value> {
        if name.contains('.') {
            return self.own_function(site, name, arguments);
        }
        // These decide which of their arguments are looked at.
        match name.to_ascii_lowercase().as_str() {
            "if" => return self.choose(site, arguments),
            "and" => return self.all(site, arguments, true),
            "or" => return self.all(site, arguments, false),
            "coalesce" => return self.coalesce(site, arguments),
            _ => {}
        }
        if let Some(outcome) = lambdas::call(self, site, name, arguments) {
            return outcome;
        }
        let evaluated = || arguments.iter().map(|each| self.expression(site, each)).collect::<Outcome<Vec<_>>>();
        if let Some((known, function)) = functions::find(name) {
            return function(&Arguments::new(known, evaluated()?), &self.budget);
        }
        if let Some((known, function)) = HERE.iter().find(|(known, _)| same(known, name)) {
            return function(self, site, &Arguments::new(known, evaluated()?));
        }
        if let Some((known, why)) = REFUSED.iter().find(|(known, _)| same(known, name)) {
            return wrong(format!("`{known}` cannot be used: {why}."));
        }
        if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("list")) {
            return wrong(format!("`{}` would hand out credentials into a template, and is not evaluated here.", cut(name)));
        }
        wrong(format!("There is no function `{}`.", cut(name)))
    }

    fn flag(&self, site: Site<'_>, name: &str, expression: &Expression) -> Outcome<bool> {
        match self.expression(site, expression)? {
            Value::Bool(flag) => Ok(flag),
            other => wrong(format!("`{name}` needs a bool, not a value of type {}.", kind(&other))),
        }
    }

    fn choose(&self, site: Site<'_>, arguments: &[Expression]) -> Outcome<Value> {
        let [condition, yes, no] = arguments else {
            return wrong(format!("`if` takes 3 arguments, not {}.", arguments.len()));
        };
        let chosen = if self.flag(site, "if", condition)? { yes } else { no };
        self.expression(site, chosen)
    }

    // The first that decides is the last one looked at.
    fn all(&self, site: Site<'_>, arguments: &[Expression], expected: bool) -> Outcome<Value> {
        let name = if expected { "and" } else { "or" };
        if arguments.len() < 2 {
            return wrong(format!("`{name}` takes at least 2 arguments, not {}.", arguments.len()));
        }
        for each in arguments {
            if self.flag(site, name, each)? != expected {
                return Ok((!expected).into());
            }
        }
        Ok(expected.into())
    }

    fn coalesce(&self, site: Site<'_>, arguments: &[Expression]) -> Outcome<Value> {
        for each in arguments {
            let value = self.expression(site, each)?;
            if !value.is_null() {
                return Ok(value);
            }
        }
        Ok(Value::Null)
    }

    /// A function that the template declares: it sees its arguments and nothing else.
    fn own_function(&self, site: Site<'_>, name: &str, arguments: &[Expression]) -> Outcome<Value> {
        if site.part == Part::Function {
            return wrong(format!("Function '{}' cannot be called from another one.", cut(name)));
        }
        let (namespace, function) = name.split_once('.').unwrap_or_default();
        let in_namespace =
            |each: &&Value| member(each, "namespace").and_then(Value::as_str).is_some_and(|known| same(known, namespace));
        let declared =
            self.template.functions.iter().filter(in_namespace).find_map(|each| member(member(each, "members")?, function));
        let Some(declared) = declared else { return wrong(format!("There is no function `{}`.", cut(name))) };
        let values = arguments.iter().map(|each| self.expression(site, each)).collect::<Outcome<Vec<_>>>()?;
        let arguments = parameters::arguments(declared, values, name)?;
        let Some(output) = member(declared, "output").and_then(|output| member(output, "value")) else {
            return wrong(format!("Function '{}' has no output.", cut(name)));
        };
        let inside = Site { arguments: Some(&arguments), ..Site::of(Part::Function) };
        self.value(inside, output)
    }
}

fn world(site: Site<'_>, a: &Arguments) -> Outcome<()> {
    if site.part == Part::Function {
        return wrong("A function of the template sees nothing but its arguments.");
    }
    a.between(0, 0)
}

fn texts(a: &Arguments, from: usize) -> Outcome<Vec<&str>> {
    (from..a.len()).map(|at| a.text(at)).collect()
}

/// `resourceId([subscription], [group], type, names…)`.
fn resource_id(e: &Engine<'_>, _: Site<'_>, a: &Arguments) -> Outcome<Value> {
    a.between(2, usize::MAX)?;
    let all = texts(a, 0)?;
    let at = all.iter().take(3).position(|text| text.contains('/'));
    let (before, kind, names) = match at {
        Some(at) => (&all[..at], all[at], &all[at + 1..]),
        None => return wrong("`resourceId` needs a type such as 'Microsoft.ContainerService/managedClusters'."),
    };
    let scope = match before {
        [] => e.world.scope(),
        [group] => format!("/subscriptions/{}/resourceGroups/{group}", e.world.subscription),
        [subscription, group, ..] => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
    };
    Ok(scope_ids::of_resource(&scope, kind, &names.join("/"))?.into())
}

/// `subscriptionResourceId([subscription], type, names…)`.
fn subscription_resource_id(e: &Engine<'_>, _: Site<'_>, a: &Arguments) -> Outcome<Value> {
    a.between(2, usize::MAX)?;
    let all = texts(a, 0)?;
    let (subscription, kind, names) = match all.as_slice() {
        [kind, names @ ..] if kind.contains('/') => (e.world.subscription.to_string(), *kind, names),
        [subscription, kind, names @ ..] => ((*subscription).to_owned(), *kind, names),
        _ => return a.unfit(0, "a type"),
    };
    Ok(format!("/subscriptions/{subscription}{}", scope_ids::under_provider(kind, names)?).into())
}

/// `reference(resource, [apiVersion], ['Full'])`: its properties as they are, once it is there.
fn reference(e: &Engine<'_>, s: Site<'_>, a: &Arguments) -> Outcome<Value> {
    a.between(1, 3)?;
    let Some(resources) = s.resources else {
        return wrong("`reference` cannot be used here: only properties of resources and outputs may need what is deployed.");
    };
    let id = match resources.find(e.world, a.text(0)?)? {
        Target::Planned(at) => resources.id(at),
        Target::Elsewhere(id) => id,
    };
    let value = resources.value(&id)?;
    let is_full = a.len() == 3 && same(a.text(2)?, "Full");
    e.budget.copy(if is_full { value } else { member(value, "properties").unwrap_or(&Value::Null) })
}

/// `references(loop, ['Full'])`: all of one loop.
fn references(e: &Engine<'_>, s: Site<'_>, a: &Arguments) -> Outcome<Value> {
    a.between(1, 2)?;
    let Some(resources) = s.resources else { return wrong("`references` cannot be used here.") };
    let is_full = a.len() == 2 && same(a.text(1)?, "Full");
    let mut out = Vec::new();
    for at in resources.all_of(a.text(0)?)? {
        let value = resources.value(&resources.id(at))?;
        out.push(e.budget.copy(if is_full { value } else { member(value, "properties").unwrap_or(&Value::Null) })?);
    }
    Ok(out.into())
}

/// `resourceInfo(symbol)`: what is known before it is deployed.
fn resource_info(e: &Engine<'_>, s: Site<'_>, a: &Arguments) -> Outcome<Value> {
    a.between(1, 1)?;
    let Some(resources) = s.resources else { return wrong("`resourceInfo` cannot be used here.") };
    match resources.find(e.world, a.text(0)?)? {
        Target::Planned(at) => Ok(resources.info(at)),
        Target::Elsewhere(_) => a.unfit(0, "the name of a resource of the template"),
    }
}

fn utc_now(e: &Engine<'_>, s: Site<'_>, a: &Arguments) -> Outcome<Value> {
    a.between(0, 1)?;
    if s.part != Part::Default {
        return wrong("`utcNow` can be used only in the default of a parameter, so that the same deployment is the same again.");
    }
    let format = if a.len() == 1 { Some(a.text(0)?) } else { None };
    functions::utc_now(e.world.now, format).map(Value::from)
}

fn new_guid(e: &Engine<'_>, s: Site<'_>, a: &Arguments) -> Outcome<Value> {
    a.between(0, 0)?;
    if s.part != Part::Default {
        return wrong("`newGuid` can be used only in the default of a parameter, so that the same deployment is the same again.");
    }
    e.guids.set(e.guids.get() + 1);
    Ok(uuid::Uuid::new_v5(&e.world.seed, &e.guids.get().to_be_bytes()).to_string().into())
}

/// Names of members that a nested template would evaluate itself are written so that they stay as they are.
pub(super) fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('[') && text.ends_with(']') => format!("[{text}").into(),
        Value::Array(items) => items.into_iter().map(escaped).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, escaped(value))).collect::<Map<_, _>>().into(),
        plain => plain,
    }
}

/// A member of a resource, evaluated to a text.
pub(super) fn text_member(e: &Engine<'_>, s: Site<'_>, members: &Map<String, Value>, name: &str) -> Outcome<Option<String>> {
    let here = Place::of([name]);
    match in_object(members, name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match e.value(Site { late: None, ..s }, value).map_err(|halt| halt.under(&here))? {
            Value::String(text) => Ok(Some(text)),
            other => wrong(format!("`{name}` is a string, not a value of type {}.", kind(&other)))
                .map_err(|halt: super::error::Halt| halt.under(&here)),
        },
    }
}
