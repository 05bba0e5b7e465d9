//! The plan: every resource of a template with its id, its body and what it waits for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::calls::{escaped, text_member};
use super::document::{DEPLOYMENTS, Raw};
use super::engine::{Engine, Part, Site, Turn};
use super::error::{Halt, Outcome, Place, TemplateError, cut, wrong};
use super::value::{in_object, member, same};
use super::world::World;
use super::{copy, order, parameters, scope_ids};

/// The most resources of one template (the original's limit).
const MOST: usize = 800;

/// A resource that a template asks for.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its resource id.
    pub id: String,
    /// Its whole type.
    pub kind: String,
    /// Its whole name.
    pub name: String,
    /// The version it was written for.
    pub api_version: String,
    /// What it hangs on: the group, or the resource that it extends.
    pub scope: String,
    /// The name it has in the template, if it has one.
    pub symbol: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// It is only looked at.
    pub is_existing: bool,
    /// Places in the plan of those that come first.
    pub after: BTreeSet<usize>,
    /// What it shall be; `None` while that depends on others.
    pub body: Option<Value>,
    is_absent: bool,
    members: Map<String, Value>,
    turns: Vec<Turn>,
}

/// What a template asks for, in an order in which it can be made.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The resources, as they stand in the template.
    pub resources: Vec<Planned>,
    index: Index,
}

#[derive(Debug, Clone, Default)]
struct Index {
    symbols: BTreeMap<String, Vec<usize>>,
    ids: BTreeMap<String, usize>,
    names: BTreeMap<String, Vec<usize>>,
    // Those whose condition is false: waiting for them waits for nothing.
    absent: BTreeSet<String>,
}

/// What an expression can see of the resources.
#[derive(Clone, Copy)]
pub(super) struct Resources<'r> {
    pub(super) plan: &'r Plan,
    pub(super) known: &'r BTreeMap<String, Value>,
}

/// What a reference leads to.
pub(super) enum Target {
    Planned(usize),
    Elsewhere(String),
}

impl Resources<'_> {
    pub(super) fn find(&self, world: &World, text: &str) -> Outcome<Target> {
        match self.plan.lookup(world, text) {
            Some(places) => match places.as_slice() {
                [one] => Ok(Target::Planned(*one)),
                [] => wrong(format!("'{}' is not deployed: its condition is false.", cut(text))),
                _ => wrong(format!("'{}' names {} resources; use its id.", cut(text), places.len())),
            },
            None if text.starts_with('/') => Ok(Target::Elsewhere(normal(text))),
            None => match absolute(world, text) {
                Some(id) => Ok(Target::Elsewhere(normal(&id))),
                None => wrong(format!("The template has no resource '{}'.", cut(text))),
            },
        }
    }

    pub(super) fn all_of(&self, name: &str) -> Outcome<Vec<usize>> {
        match self.plan.index.symbols.get(&name.to_lowercase()) {
            Some(places) => Ok(places.clone()),
            None => wrong(format!("The template has no loop '{}'.", cut(name))),
        }
    }

    pub(super) fn id(&self, at: usize) -> String {
        normal(&self.plan.resources[at].id)
    }

    pub(super) fn value(&self, id: &str) -> Outcome<&Value> {
        self.known.get(id).ok_or_else(|| Halt::Late(id.to_owned()))
    }

    pub(super) fn info(&self, at: usize) -> Value {
        let Planned { id, kind, name, api_version, .. } = &self.plan.resources[at];
        json!({ "id": id, "name": name, "type": kind, "apiVersion": api_version })
    }
}

/// The key that an id is looked up by.
pub fn normal(id: &str) -> String {
    id.trim_end_matches('/').to_lowercase()
}

/// `Namespace/type/name/type/name` in the group.
fn absolute(world: &World, text: &str) -> Option<String> {
    let segments: Vec<&str> = text.split('/').collect();
    let (namespace, pairs) = segments.split_first()?;
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) || !namespace.contains('.') || segments.iter().any(|s| s.is_empty()) {
        return None;
    }
    Some(format!("{}/providers/{text}", world.scope()))
}

impl Plan {
    /// The plan of a template.
    pub(super) fn of(engine: &Engine<'_>) -> Result<Self, TemplateError> {
        let mut plan = Self::default();
        for raw in &engine.template.resources {
            plan.add(engine, raw, None, &[])?;
        }
        let nothing = BTreeMap::new();
        for at in 0..plan.resources.len() {
            let place = plan.resources[at].place.clone();
            let (body, after) = plan.inside(engine, at, &nothing).map_err(|halt| halt.now(&place))?;
            let resource = &mut plan.resources[at];
            resource.body = body;
            resource.after.extend(after);
        }
        order::check(&plan)?;
        Ok(plan)
    }

    fn add(&mut self, engine: &Engine<'_>, raw: &Raw, parent: Option<&Planned>, around: &[Turn]) -> Result<(), TemplateError> {
        let here = |halt: Halt| halt.now(&raw.place);
        let site = Site { turns: around, ..Site::of(Part::Resource) };
        let Some(repeated) = copy::of_resource(&raw.members).map_err(here)? else {
            return self.one(engine, raw, parent, around, None).map(drop);
        };
        let count =
            copy::turns(engine, site, &repeated.count).map_err(|halt| halt.under(&Place::of(["copy"])).now(&raw.place))?;
        let mut turns = around.to_vec();
        turns.push(Turn { name: repeated.name.clone(), index: 0 });
        // Serial loops: each batch waits for the one before.
        let mut batches: Vec<Vec<usize>> = vec![Vec::new()];
        for index in 0..count {
            if let Some(turn) = turns.last_mut() {
                turn.index = index;
            }
            let made = self.one(engine, raw, parent, &turns, Some(&repeated.name))?;
            if let (Some(batch), Some(made)) = (repeated.batch, made) {
                if batches.last().is_some_and(|last| last.len() >= batch) {
                    batches.push(Vec::new());
                }
                if let [.., before, _] = batches.as_slice() {
                    self.resources[made].after.extend(before.iter().copied());
                }
                if let Some(last) = batches.last_mut() {
                    last.push(made);
                }
            }
        }
        Ok(())
    }

    fn one(
        &mut self,
        engine: &Engine<'_>,
        raw: &Raw,
        parent: Option<&Planned>,
        turns: &[Turn],
        repeated: Option<&str>,
    ) -> Result<Option<usize>, TemplateError> {
        let site = Site { turns, ..Site::of(Part::Resource) };
        let here = |halt: Halt| halt.now(&raw.place);
        let members = &raw.members;
        let needed = |name: &str| {
            let found = text_member(engine, site, members, name)?.filter(|text| !text.is_empty());
            found.map_or_else(|| wrong(format!("A resource needs a `{name}`.")), Ok)
        };
        let (mut kind, mut name) = (needed("type").map_err(here)?, needed("name").map_err(here)?);
        if let Some(parent) = parent {
            kind = format!("{}/{kind}", parent.kind);
            name = format!("{}/{name}", parent.name);
        }
        let api_version = needed("apiVersion").map_err(here)?;
        let scope = self.scope(engine, site, raw, &kind, parent).map_err(here)?;
        let id = scope_ids::of_resource(&scope, &kind, &name).map_err(|halt| halt.under(&Place::of(["name"])).now(&raw.place))?;
        let is_wanted = match in_object(members, "condition") {
            // What stands in a resource that is not deployed is not deployed either.
            _ if parent.is_some_and(|parent| parent.is_absent) => false,
            None => true,
            Some(condition) => {
                match engine.value(site, condition).map_err(|halt| halt.under(&Place::of(["condition"]))).map_err(here)? {
                    Value::Bool(flag) => flag,
                    other => {
                        let message = format!("`condition` is a bool, not a value of type {}.", super::value::kind(&other));
                        return Err(TemplateError::new(message, &raw.place.then("condition")));
                    }
                }
            }
        };
        let names = [raw.symbol.as_deref(), repeated];
        let loop_names = names.iter().flatten().map(|name| name.to_lowercase());
        if !is_wanted {
            self.index.absent.extend(loop_names.chain([normal(&id), name.to_lowercase(), last(&name).to_lowercase()]));
            let absent = Planned { id, kind, name, scope, is_absent: true, ..Planned::nowhere(raw) };
            for child in &raw.children {
                self.add(engine, child, Some(&absent), turns)?;
            }
            return Ok(None);
        }
        let at = self.resources.len();
        if at >= MOST {
            return Err(TemplateError::new(format!("The template asks for more than {MOST} resources."), &raw.place));
        }
        let is_existing = engine.template.is_symbolic && in_object(members, "existing") == Some(&Value::Bool(true));
        if let Some(before) = self.index.ids.insert(normal(&id), at)
            && !(is_existing || self.resources[before].is_existing)
        {
            return Err(TemplateError::new(format!("The template asks for {id} twice."), &raw.place));
        }
        let unique: BTreeSet<String> = loop_names.collect();
        for symbol in unique {
            self.index.symbols.entry(symbol).or_default().push(at);
        }
        for known in BTreeSet::from([name.to_lowercase(), last(&name).to_lowercase()]) {
            self.index.names.entry(known).or_default().push(at);
        }
        let planned = Planned {
            id,
            kind,
            name,
            api_version,
            scope,
            is_existing,
            after: parent.and_then(|parent| self.index.ids.get(&normal(&parent.id)).copied()).into_iter().collect(),
            turns: turns.to_vec(),
            ..Planned::nowhere(raw)
        };
        self.resources.push(planned.clone());
        for child in &raw.children {
            self.add(engine, child, Some(&planned), turns)?;
        }
        Ok(Some(at))
    }

    /// The group of the deployment, or the resource that an extension hangs on.
    fn scope(&self, engine: &Engine<'_>, site: Site<'_>, raw: &Raw, kind: &str, parent: Option<&Planned>) -> Outcome<String> {
        let group = engine.world.scope();
        if let Some(parent) = parent {
            return Ok(parent.scope.clone());
        }
        if same(kind, DEPLOYMENTS) {
            return deployment_scope(engine, site, raw, group);
        }
        let Some(scope) = text_member(engine, site, &raw.members, "scope")? else { return Ok(group) };
        let here = Place::of(["scope"]);
        let found = if scope.starts_with('/') {
            Some(scope.trim_end_matches('/').to_owned())
        } else {
            // A name of another resource, or `Namespace/type/name`.
            match self.index.symbols.get(&scope.to_lowercase()).map(Vec::as_slice) {
                Some([one]) => Some(self.resources[*one].id.clone()),
                _ => absolute(engine.world, &scope),
            }
        };
        let Some(found) = found else {
            return wrong(format!("'{}' is no id of a resource.", cut(&scope))).map_err(|halt: Halt| halt.under(&here));
        };
        let is_inside = normal(&found).strip_prefix(&normal(&group)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if is_inside || in_object(&raw.members, "existing") == Some(&Value::Bool(true)) {
            return Ok(found);
        }
        wrong(format!("'{}' is not in resource group {}, which this deployment writes to.", cut(&found), engine.world.group))
            .map_err(|halt: Halt| halt.under(&here))
    }

    /// The body of a resource, if it can be known, and what it waits for.
    fn inside(
        &self,
        engine: &Engine<'_>,
        at: usize,
        known: &BTreeMap<String, Value>,
    ) -> Outcome<(Option<Value>, BTreeSet<usize>)> {
        let resource = &self.resources[at];
        let mut after = BTreeSet::new();
        let late = RefCell::new(BTreeSet::new());
        let resources = Some(Resources { plan: self, known });
        let site = Site { turns: &resource.turns, resources, late: Some(&late), ..Site::of(Part::Resource) };
        if resource.is_existing {
            return Ok((None, after));
        }
        if let Some(waiting) = in_object(&resource.members, "dependsOn").filter(|list| !list.is_null()) {
            let here = Place::of(["dependsOn"]);
            let list = engine.value(Site { late: None, resources: None, ..site }, waiting).map_err(|halt| halt.under(&here))?;
            let Value::Array(list) = list else {
                return wrong("`dependsOn` is an array.").map_err(|halt: Halt| halt.under(&here));
            };
            for (number, each) in list.iter().enumerate() {
                let found = each.as_str().and_then(|text| self.lookup(engine.world, text));
                let Some(found) = found else {
                    let message = format!("The template has no resource {}.", super::value::shown(each));
                    return wrong(message).map_err(|halt: Halt| halt.under(&here.then(number)));
                };
                after.extend(found);
            }
        }
        let body = evaluated(engine, site, resource)?;
        let late = late.into_inner();
        after.extend(late.iter().filter_map(|id| self.index.ids.get(id)).copied());
        after.remove(&at);
        Ok((late.is_empty().then_some(body), after))
    }

    /// The body of a resource that waited for others.
    pub(super) fn body(&self, engine: &Engine<'_>, at: usize, known: &BTreeMap<String, Value>) -> Outcome<Value> {
        let resource = &self.resources[at];
        let site = Site { turns: &resource.turns, resources: Some(Resources { plan: self, known }), ..Site::of(Part::Resource) };
        evaluated(engine, site, resource)
    }

    /// The resources that a text names: an id, a symbol or a loop (`name`, `name[2]`), or a name.
    fn lookup(&self, world: &World, text: &str) -> Option<Vec<usize>> {
        let key = text.to_lowercase();
        if let Some(places) = self.index.symbols.get(&key) {
            return Some(places.clone());
        }
        if let Some((symbol, number)) = key.strip_suffix(']').and_then(|open| open.split_once('['))
            && let (Some(places), Ok(number)) = (self.index.symbols.get(symbol), number.parse::<usize>())
        {
            return places.get(number).map(|place| vec![*place]);
        }
        let id = normal(&if text.starts_with('/') { text.to_owned() } else { absolute(world, text).unwrap_or_default() });
        if let Some(place) = self.index.ids.get(&id) {
            return Some(vec![*place]);
        }
        if let Some(places) = self.index.names.get(&key) {
            return Some(places.clone());
        }
        (self.index.absent.contains(&id) || self.index.absent.contains(&key)).then(Vec::new)
    }
}

/// The body, with everything in it evaluated.
fn evaluated(engine: &Engine<'_>, site: Site<'_>, resource: &Planned) -> Outcome<Value> {
    let is_deployment = same(&resource.kind, DEPLOYMENTS);
    let mut out = Map::new();
    for (name, value) in &resource.members {
        if NOT_IN_BODY.iter().any(|known| same(known, name)) {
            continue;
        }
        let here = Place::of([name.as_str()]);
        let value = if is_deployment && same(name, "properties") {
            nested(engine, site, value).map_err(|halt| halt.under(&here))?
        } else {
            engine.value(site, value).map_err(|halt| halt.under(&here))?
        };
        out.insert(name.clone(), value);
    }
    Ok(out.into())
}

impl Planned {
    fn nowhere(raw: &Raw) -> Self {
        Self {
            id: String::new(),
            kind: String::new(),
            name: String::new(),
            api_version: String::new(),
            scope: String::new(),
            symbol: raw.symbol.clone(),
            place: raw.place.clone(),
            is_existing: false,
            is_absent: false,
            after: BTreeSet::new(),
            body: None,
            members: raw.members.clone(),
            turns: Vec::new(),
        }
    }
}

const NOT_IN_BODY: &[&str] = &[
    "apiVersion",
    "comments",
    "condition",
    "copy",
    "dependsOn",
    "existing",
    "metadata",
    "name",
    "resourceGroup",
    "resources",
    "scope",
    "subscriptionId",
    "type",
];

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A deployment in a deployment may write to another group of the same subscription.
fn deployment_scope(engine: &Engine<'_>, site: Site<'_>, raw: &Raw, group: String) -> Outcome<String> {
    let subscription = text_member(engine, site, &raw.members, "subscriptionId")?;
    if subscription.is_some_and(|id| !same(&id, &engine.world.subscription.to_string())) {
        return wrong("A nested deployment stays in its subscription.")
            .map_err(|halt: Halt| halt.under(&Place::of(["subscriptionId"])));
    }
    if in_object(&raw.members, "scope").is_some_and(|scope| !scope.is_null()) {
        return wrong("A nested deployment names a `resourceGroup`; other scopes are not deployed to.")
            .map_err(|halt: Halt| halt.under(&Place::of(["scope"])));
    }
    Ok(match text_member(engine, site, &raw.members, "resourceGroup")? {
        Some(name) => format!("/subscriptions/{}/resourceGroups/{name}", engine.world.subscription),
        None => group,
    })
}

/// `properties` of a nested deployment: its template is its own to evaluate when its scope is `inner`.
fn nested(engine: &Engine<'_>, site: Site<'_>, properties: &Value) -> Outcome<Value> {
    let Value::Object(members) = properties else { return wrong("`properties` is an object.") };
    let options = member(properties, "expressionEvaluationOptions").and_then(|options| member(options, "scope"));
    let is_inner = options.and_then(Value::as_str).is_some_and(|scope| same(scope, "inner"));
    let mut out = Map::new();
    for (name, value) in members {
        let here = Place::of([name.as_str()]);
        let value = match (same(name, "template"), is_inner) {
            (true, true) => engine.budget.copy(value)?,
            (true, false) => {
                let value = engine.value(site, value).map_err(|halt| halt.under(&here))?;
                let secrets = parameters::secrets(engine.template, engine.given);
                if !secrets.is_empty() && parameters::says(&value.to_string(), &secrets) {
                    return wrong(
                        "A secure parameter would be written into the nested template, where it is shown; set \
                        expressionEvaluationOptions.scope to inner and hand it on as a parameter.",
                    )
                    .map_err(|halt: Halt| halt.under(&here));
                }
                escaped(value)
            }
            (false, _) => engine.value(site, value).map_err(|halt| halt.under(&here))?,
        };
        out.insert(name.clone(), value);
    }
    Ok(out.into())
}
