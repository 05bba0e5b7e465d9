//! Templates: what a JSON template with its parameters asks for (contract azure-cli, 4.8).
//!
//! Reading one is pure: a [`Template`] and a [`World`] make a [`Program`], which has a [`Plan`] of resources. What depends on
//! resources that are only being made is evaluated once they are known. Nothing here looks at what exists.

mod budget;
mod calls;
mod copy;
mod document;
mod engine;
mod error;
mod expression;
mod functions;
mod lambdas;
mod order;
mod parameters;
mod plan;
mod record;
mod scope_ids;
mod value;
mod what_if;
mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use document::{DEPLOYMENTS, Template};
pub use error::{Part, Place, TemplateError};
pub use expression::{BadExpression, Expression, Step, Written, parse, written};
pub use plan::{Plan, Planned, normal};
pub use record::{BadDeploymentName, Deployment, DeploymentAddress, DeploymentName, Input, Made, MadeState, Progress};
pub use what_if::{Change, Changed, changes};
pub use world::World;

use engine::{Engine, Site};
use error::{Halt, wrong};
use plan::Resources;
use value::{in_object, member};

/// A template with its parameters.
#[derive(Debug, Clone)]
pub struct Program {
    template: Template,
    world: World,
    parameters: Map<String, Value>,
}

/// Why a value is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotYet {
    /// The resource with this key (see [`normal`]) has to be known first.
    Needs(String),
    /// It never will be.
    Wrong(TemplateError),
}

impl Program {
    /// A template with the parameters of a request.
    pub fn new(template: Template, sent: &Value, world: World) -> Result<Self, TemplateError> {
        let given = parameters::given(&template, sent)?;
        Self::with(template, &given, world)
    }

    /// The same with the values of all parameters, as [`Program::parameters`] gave them.
    pub fn with(template: Template, given: &Map<String, Value>, world: World) -> Result<Self, TemplateError> {
        let values = {
            let engine = Engine::new(&template, &world, given);
            let mut values = Map::new();
            for name in template.parameters.keys() {
                let value = engine.parameter(Site::of(engine::Part::Resource), name);
                values.insert(name.clone(), value.map_err(|halt| unsaid(halt.now(&Place::default()), &template, given))?);
            }
            values
        };
        Ok(Self { template, world, parameters: values })
    }

    /// The template.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Where it is deployed.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The values of all parameters, secrets too.
    pub fn parameters(&self) -> &Map<String, Value> {
        &self.parameters
    }

    /// The parameters as answers show them: no value of a secret.
    pub fn shown_parameters(&self) -> Value {
        let show = |(name, value): (&String, &Value)| {
            let declared = in_object(&self.template.parameters, name).unwrap_or(&Value::Null);
            let mut shown = json!({ "type": parameters::type_word(&self.template, declared) });
            if !parameters::is_secret(&self.template, declared) {
                shown["value"] = value.clone();
            }
            (name.clone(), shown)
        };
        self.parameters.iter().map(show).collect::<Map<_, _>>().into()
    }

    /// The same without the texts that say a secret parameter.
    pub fn hide(&self, value: Value) -> Value {
        fn hide(value: Value, secrets: &[String]) -> Value {
            match value {
                Value::String(text) if parameters::says(&text, secrets) => "*******".into(),
                Value::Array(items) => items.into_iter().map(|item| hide(item, secrets)).collect(),
                Value::Object(members) => {
                    members.into_iter().map(|(name, value)| (name, hide(value, secrets))).collect::<Map<_, _>>().into()
                }
                plain => plain,
            }
        }
        let secrets = parameters::secrets(&self.template, &self.parameters);
        if secrets.is_empty() { value } else { hide(value, &secrets) }
    }

    fn engine(&self) -> Engine<'_> {
        Engine::new(&self.template, &self.world, &self.parameters)
    }

    /// What it asks for.
    pub fn plan(&self) -> Result<Plan, TemplateError> {
        Plan::of(&self.engine()).map_err(|error| self.unsaid(error))
    }

    /// What a resource of the plan shall be, from what is known of others by their keys.
    pub fn body(&self, plan: &Plan, at: usize, known: &BTreeMap<String, Value>) -> Result<Value, NotYet> {
        let place = &plan.resources[at].place;
        plan.body(&self.engine(), at, known).map_err(|halt| self.later(halt, place))
    }

    /// The outputs, once everything is known.
    pub fn outputs(&self, plan: &Plan, known: &BTreeMap<String, Value>) -> Result<Value, NotYet> {
        let engine = self.engine();
        let resources = Some(Resources { plan, known });
        let site = Site { resources, ..Site::of(engine::Part::Output) };
        let mut out = Map::new();
        for (name, declared) in &self.template.outputs {
            let place = Place::of(["outputs", name.as_str()]);
            if let Some(shown) = self.output(&engine, site, name, declared).map_err(|halt| self.later(halt, &place))? {
                out.insert(name.clone(), self.hide(shown));
            }
        }
        Ok(out.into())
    }

    fn output(&self, engine: &Engine<'_>, site: Site<'_>, name: &str, declared: &Value) -> error::Outcome<Option<Value>> {
        let Value::Object(members) = declared else { return wrong("An output is declared as an object.") };
        if let Some(condition) = in_object(members, "condition") {
            match engine.value(site, condition).map_err(|halt| halt.under(&Place::of(["condition"])))? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(None),
                _ => return wrong("`condition` is a bool."),
            }
        }
        let value = match (in_object(members, "value"), in_object(members, "copy")) {
            (Some(value), _) => engine.value(site, value).map_err(|halt| halt.under(&Place::of(["value"])))?,
            (None, Some(each)) => copy::list(engine, site, name, each).map_err(|halt| halt.under(&Place::of(["copy"])))?,
            (None, None) => return wrong("An output needs a `value`."),
        };
        let shape = parameters::Shape::of(&self.template, members)?;
        shape.check("output", &value)?;
        let mut shown = json!({ "type": parameters::type_word(&self.template, declared) });
        if !parameters::is_secret(&self.template, declared) {
            shown["value"] = value;
        }
        Ok(Some(shown))
    }

    fn unsaid(&self, error: TemplateError) -> TemplateError {
        unsaid(error, &self.template, &self.parameters)
    }

    fn later(&self, halt: Halt, place: &Place) -> NotYet {
        match halt {
            Halt::Late(id) => NotYet::Needs(id),
            wrong @ Halt::Wrong { .. } => NotYet::Wrong(self.unsaid(wrong.now(place))),
        }
    }

    /// Everything that can be found wrong before something is made.
    pub fn check(&self) -> Result<Plan, TemplateError> {
        let plan = self.plan()?;
        match self.outputs(&plan, &BTreeMap::new()) {
            Err(NotYet::Wrong(error)) => Err(error),
            Ok(_) | Err(NotYet::Needs(_)) => Ok(plan),
        }
    }
}

// Whatever an error repeats, it repeats no secret.
fn unsaid(error: TemplateError, template: &Template, values: &Map<String, Value>) -> TemplateError {
    let secrets = parameters::secrets(template, values);
    TemplateError { message: parameters::unsaid(error.message, &secrets), ..error }
}

/// The templates of the deployments in a template's resources: `(template, parameters)` of one body.
pub fn nested(body: &Value) -> Option<(&Value, &Value)> {
    let properties = member(body, "properties")?;
    Some((member(properties, "template")?, member(properties, "parameters").unwrap_or(&Value::Null)))
}
