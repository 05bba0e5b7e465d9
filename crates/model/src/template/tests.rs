//! Templates as people write them.

mod functions;

use proptest::prelude::*;

use super::*;
use crate::id::{PrincipalId, SubscriptionId, TenantId};

const S: &str = "22222222-bbbb-4bbb-8bbb-00000000000a";

fn world() -> World {
    World {
        subscription: S.parse::<SubscriptionId>().expect("a GUID"),
        subscription_name: "Test".into(),
        tenant: "33333333-cccc-4ccc-8ccc-00000000000b".parse::<TenantId>().expect("a GUID"),
        group: "rg1".parse().expect("a name"),
        location: "eastus".parse().expect("a location"),
        tags: json!({ "team": "shop" }),
        deployment: "d1".into(),
        deployer: "44444444-dddd-4ddd-8ddd-00000000000c".parse::<PrincipalId>().expect("a GUID"),
        now: "2026-01-31T23:59:58.5Z".parse().expect("a moment"),
        seed: uuid::Uuid::from_u128(7),
        base: "https://localhost:8443".into(),
    }
}

fn template(mut parts: Value) -> Value {
    let members = parts.as_object_mut().expect("an object");
    members.insert("$schema".into(), json!("https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"));
    members.insert("contentVersion".into(), json!("1.0.0.0"));
    parts
}

fn program(parts: Value, sent: &Value) -> Result<Program, TemplateError> {
    Program::new(Template::read(&template(parts))?, sent, world())
}

fn plan(parts: Value) -> Result<Plan, TemplateError> {
    program(parts, &Value::Null)?.check()
}

fn fault<T: std::fmt::Debug>(outcome: Result<T, TemplateError>) -> String {
    let error = outcome.expect_err("it is refused");
    format!("{}: {}", error.place, error.message)
}

/// The value of an expression in an output.
fn said(expression: &str) -> Result<Value, TemplateError> {
    let parts = json!({
        "variables": { "v": { "Name": "x", "list": [1, 2, 3] } },
        "outputs": { "o": { "type": "array", "value": [expression] } }
    });
    let program = program(parts, &Value::Null)?;
    match program.outputs(&program.plan()?, &BTreeMap::new()) {
        Ok(outputs) => Ok(outputs["o"]["value"][0].clone()),
        Err(NotYet::Wrong(error)) => Err(error),
        Err(NotYet::Needs(id)) => panic!("it waits for {id}"),
    }
}

fn evaluate(expression: &str) -> Value {
    said(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))
}

#[test]
fn parameters_fit_what_is_declared() {
    let declared = json!({ "parameters": {
        "name": { "type": "string", "minLength": 2, "maxLength": 4 },
        "count": { "type": "int", "defaultValue": 3, "minValue": 1, "maxValue": 5 },
        "tier": { "type": "string", "defaultValue": "Free", "allowedValues": ["Free", "Standard"] },
        "key": { "type": "securestring", "defaultValue": "s3cret" },
        "when": { "type": "string", "defaultValue": "[utcNow('yyyy-MM-dd')]" },
        "id": { "type": "string", "defaultValue": "[newGuid()]" },
        "twice": { "type": "string", "defaultValue": "[concat(parameters('name'), parameters('NAME'))]" }
    } });
    let given = |sent: Value| program(declared.clone(), &sent);
    let shown = given(json!({ "Name": { "value": "ab" } })).expect("it fits").shown_parameters();
    assert_eq!(shown["count"], json!({ "type": "Int", "value": 3 }));
    assert_eq!(shown["key"], json!({ "type": "SecureString" }));
    assert_eq!((shown["when"]["value"].clone(), shown["twice"]["value"].clone()), (json!("2026-01-31"), json!("abab")));
    assert_eq!(shown["id"]["value"].as_str().map(str::len), Some(36));
    for (sent, words) in [
        (json!({}), "parameters.name: Parameter 'name' is needed and was not given."),
        (json!({ "name": { "value": "abcde" } }), "parameters.name: The parameter 'name' breaks `maxLength`: 4 is the limit."),
        (json!({ "name": { "value": 7 } }), "parameters.name: The parameter 'name' is of type String, and 7 is not."),
        (
            json!({ "name": { "value": "ab" }, "count": { "value": 9 } }),
            "parameters.count: The parameter 'count' breaks `maxValue`: 5 is the limit.",
        ),
        (
            json!({ "name": { "value": "ab" }, "tier": { "value": "Gold" } }),
            "parameters.tier: The parameter 'tier' cannot be 'Gold'; allowed are 'Free', 'Standard'.",
        ),
        (
            json!({ "name": { "value": "ab" }, "key": { "value": 5 } }),
            "parameters.key: The parameter 'key' is of type SecureString, and the given value is not.",
        ),
        (
            json!({ "name": { "reference": { "keyVault": {} } } }),
            "name.reference: Parameter 'name' points to a key vault, and there is none here; give its `value`.",
        ),
        (
            json!({ "nome": { "value": "ab" } }),
            "nome: The template has no parameter 'nome'. It has: name, count, tier, key, when, id, twice.",
        ),
        (json!({ "name": "ab" }), "name: Parameter 'name' is given as an object with a `value`."),
    ] {
        assert_eq!(fault(given(sent)), words);
    }
}

#[test]
fn a_resumed_program_has_the_parameters_it_had() {
    let parts = json!({ "parameters": { "id": { "type": "string", "defaultValue": "[newGuid()]" } } });
    let first = program(parts.clone(), &Value::Null).expect("it fits");
    let other = World { seed: uuid::Uuid::from_u128(8), ..world() };
    let read = Template::read(&template(parts)).expect("a template");
    assert_eq!(Program::with(read, first.parameters(), other).expect("it fits").parameters(), first.parameters());
}

#[test]
fn values_made_of_themselves_are_found() {
    let parts = json!({ "variables": { "a": "[variables('b')]", "b": "[variables('a')]" }, "outputs": { "o": { "type": "string", "value": "[variables('a')]" } } });
    assert!(fault(plan(parts)).ends_with("The variable 'a' is made of itself."));
    let parts = json!({ "parameters": { "a": { "type": "string", "defaultValue": "[parameters('a')]" } } });
    assert!(fault(plan(parts)).ends_with("The parameter 'a' is made of itself."));
}

fn assignment(name: &str) -> Value {
    json!({ "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": name, "properties": { "principalId": "p" } })
}

fn cluster(name: &str) -> Value {
    json!({ "type": "Microsoft.ContainerService/managedClusters", "apiVersion": "2025-01-01", "name": name, "location": "eastus", "properties": {} })
}

#[test]
fn resources_wait_for_what_they_depend_on() {
    let id = "[resourceId('Microsoft.ContainerService/managedClusters', 'c1')]";
    for waits in [id, "c1", "Microsoft.ContainerService/managedClusters/c1"] {
        let mut second = assignment("a1");
        second["dependsOn"] = json!([waits]);
        let plan = plan(json!({ "resources": [second, cluster("c1")] })).expect("a plan");
        assert_eq!(plan.resources[0].after, [1].into(), "{waits}");
    }
    let mut ring = (cluster("c1"), cluster("c2"), cluster("c3"));
    ring.0["dependsOn"] = json!(["c2"]);
    ring.1["dependsOn"] = json!(["c1"]);
    ring.2["dependsOn"] = json!(["c1"]);
    let found = fault(plan(json!({ "resources": [ring.2, ring.0, ring.1] })));
    assert_eq!(found, "resources[1]: Circular dependency: c1 waits for c2 waits for c1.");
    let mut lost = cluster("c1");
    lost["dependsOn"] = json!(["nobody"]);
    assert_eq!(fault(plan(json!({ "resources": [lost] }))), "resources[0].dependsOn[0]: The template has no resource 'nobody'.");
    let found = fault(plan(json!({ "resources": [cluster("c1"), cluster("C1")] })));
    assert!(found.ends_with("managedClusters/C1 twice."), "{found}");
}

#[test]
fn what_is_referred_to_is_waited_for_and_then_known() {
    let mut late = assignment("a1");
    late["properties"]["principalId"] = json!("[reference('c1', '2025-01-01', 'Full').identity.principalId]");
    let parts = json!({
        "resources": [late, cluster("c1")],
        "outputs": { "fqdn": { "type": "string", "value": "[reference(resourceId('Microsoft.ContainerService/managedClusters', 'c1')).fqdn]" } }
    });
    let program = program(parts, &Value::Null).expect("it fits");
    let plan = program.check().expect("a plan");
    assert_eq!((plan.resources[0].after.clone(), plan.resources[0].body.clone()), ([1].into(), None));
    let key = normal(&plan.resources[1].id);
    assert_eq!(program.body(&plan, 0, &BTreeMap::new()), Err(NotYet::Needs(key.clone())));
    let known = BTreeMap::from([(key, json!({ "identity": { "principalId": "me" }, "properties": { "fqdn": "f" } }))]);
    assert_eq!(program.body(&plan, 0, &known).expect("it is known")["properties"]["principalId"], "me");
    assert_eq!(program.outputs(&plan, &known).expect("it is known"), json!({ "fqdn": { "type": "String", "value": "f" } }));
}

#[test]
fn conditions_leave_resources_out() {
    let mut left_out = cluster("c1");
    left_out["condition"] = json!("[equals(1, 2)]");
    left_out["properties"] = json!("[nothing()]");
    let mut waits = assignment("a1");
    waits["dependsOn"] = json!(["c1"]);
    let made = plan(json!({ "resources": [left_out.clone(), waits] })).expect("a plan");
    assert_eq!((made.resources.len(), made.resources[0].after.len()), (1, 0));
    let mut refers = assignment("a1");
    refers["properties"]["x"] = json!("[reference('c1')]");
    assert!(fault(plan(json!({ "resources": [left_out, refers] }))).ends_with("'c1' is not deployed: its condition is false."));
}

#[test]
fn loops_make_resources_properties_variables_and_outputs() {
    let mut many = assignment("[guid(concat('a', copyIndex()))]");
    many["copy"] = json!({ "name": "all", "count": 3, "mode": "serial" });
    many["properties"] =
        json!({ "copy": [{ "name": "list", "count": 2, "input": "[add(copyIndex('list', 1), mul(10, copyIndex()))]" }] });
    let mut last = cluster("c1");
    last["dependsOn"] = json!(["all"]);
    let parts = json!({
        "variables": { "copy": [{ "name": "names", "count": 2, "input": "[concat('n', copyIndex('names'))]" }] },
        "resources": [many, last],
        "outputs": {
            "names": { "type": "array", "value": "[variables('names')]" },
            "squares": { "type": "array", "copy": { "count": 3, "input": "[mul(copyIndex(), copyIndex())]" } }
        }
    });
    let program = program(parts, &Value::Null).expect("it fits");
    let plan = program.check().expect("a plan");
    assert_eq!(plan.resources[2].body.as_ref().expect("it is known")["properties"]["list"], json!([21, 22]));
    assert_eq!((plan.resources[2].after.clone(), plan.resources[3].after.clone()), ([1].into(), [0, 1, 2].into()));
    let outputs = program.outputs(&plan, &BTreeMap::new()).expect("they are known");
    assert_eq!((outputs["names"]["value"].clone(), outputs["squares"]["value"].clone()), (json!(["n0", "n1"]), json!([0, 1, 4])));
}

#[test]
fn bicep_names_its_resources_and_looks_at_existing_ones() {
    let parts = json!({
        "languageVersion": "2.0",
        "resources": {
            "aks": { "existing": true, "type": "Microsoft.ContainerService/managedClusters", "apiVersion": "2025-01-01", "name": "c1" },
            "roles": {
                "copy": { "name": "roles", "count": 2 },
                "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
                "scope": "[format('Microsoft.ContainerService/managedClusters/{0}', 'c1')]",
                "name": "[guid(string(copyIndex()))]",
                "properties": { "principalId": "[reference('aks', '2025-01-01', 'full').identity.principalId]" },
                "dependsOn": ["aks"]
            },
            "last": {
                "type": "Microsoft.ContainerService/managedClusters", "apiVersion": "2025-01-01", "name": "c2",
                "tags": { "id": "[resourceInfo('aks').name]" }, "dependsOn": ["roles[1]"]
            }
        }
    });
    let plan = plan(parts).expect("a plan");
    assert!(plan.resources[0].is_existing && plan.resources[1].body.is_none());
    assert!(plan.resources[1].id.contains("/managedClusters/c1/providers/Microsoft.Authorization/roleAssignments/"));
    assert_eq!(
        (plan.resources[3].after.clone(), plan.resources[3].body.as_ref().expect("known")["tags"]["id"].clone()),
        ([2].into(), json!("c1"))
    );
}

#[test]
fn children_and_extensions_get_the_ids_of_their_parents() {
    let mut parent = cluster("c1");
    parent["resources"] = json!([{ "type": "agentPools", "apiVersion": "2025-01-01", "name": "np2", "properties": {} }]);
    let old = json!({
        "type": "Microsoft.ContainerService/managedClusters/providers/roleAssignments", "apiVersion": "2022-04-01",
        "name": "c1/Microsoft.Authorization/r1", "properties": {}
    });
    let plan = plan(json!({ "resources": [parent, old] })).expect("a plan");
    let ids: Vec<&str> = plan.resources.iter().map(|r| r.id.split("/managedClusters/").nth(1).expect("a cluster")).collect();
    assert_eq!(ids, ["c1", "c1/agentPools/np2", "c1/providers/Microsoft.Authorization/roleAssignments/r1"]);
    assert_eq!(plan.resources[1].after, [0].into());
    let mut wrong = cluster("c1/x");
    wrong["scope"] = json!("/subscriptions/other");
    let found = fault(super::tests::plan(json!({ "resources": [wrong] })));
    assert_eq!(
        found,
        "resources[0].scope: '/subscriptions/other' is not in resource group rg1, which this deployment writes to."
    );
}

#[test]
fn a_nested_template_is_its_own_to_evaluate_when_it_says_so() {
    let nested_in = |scope: &str| {
        plan(json!({
            "variables": { "v": "outer" },
            "resources": [{
                "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inside",
                "properties": {
                    "mode": "Incremental", "expressionEvaluationOptions": { "scope": scope },
                    "template": template(json!({ "resources": [], "outputs": { "o": { "type": "string", "value": "[variables('v')]" } } }))
                }
            }]
        }))
    };
    let value = |scope: &str| {
        let plan = nested_in(scope).expect("a plan");
        let body = plan.resources[0].body.clone().expect("it is known");
        nested(&body).expect("a template").0["outputs"]["o"]["value"].clone()
    };
    assert_eq!((value("inner"), value("outer")), (json!("[variables('v')]"), json!("outer")));
}

#[test]
fn functions_of_the_template_see_only_their_arguments() {
    let with = |expression: &str| {
        json!({
            "functions": [{ "namespace": "contoso", "members": { "twice": {
                "parameters": [{ "name": "text", "type": "string" }], "output": { "type": "string", "value": expression }
            } } }],
            "variables": { "v": "x" },
            "outputs": { "o": { "type": "string", "value": "[contoso.twice('a')]" } }
        })
    };
    let good = program(with("[concat(parameters('text'), parameters('text'))]"), &Value::Null).expect("it fits");
    assert_eq!(good.outputs(&good.plan().expect("a plan"), &BTreeMap::new()).expect("known")["o"]["value"], "aa");
    assert!(fault(plan(with("[variables('v')]"))).contains("Variables cannot be used"));
    assert!(fault(plan(with("[resourceGroup().name]"))).contains("sees nothing but its arguments"));
}

#[test]
fn secrets_are_in_no_output_and_no_error() {
    let secret = "hunter2hunter2";
    let declared = |value: &str| {
        json!({
            "parameters": { "key": { "type": "secureString" } },
            "outputs": { "o": { "type": "secureString", "value": value } }
        })
    };
    let sent = json!({ "key": { "value": secret } });
    let good = program(declared("[parameters('key')]"), &sent).expect("it fits");
    assert_eq!(
        good.outputs(&good.plan().expect("a plan"), &BTreeMap::new()).expect("known"),
        json!({ "o": { "type": "SecureString" } })
    );
    for wrong in [
        "[int(parameters('key'))]",
        "[parameters('key').x]",
        "[json(parameters('key'))]",
        "[format(parameters('key'))]",
        "[base64ToString(parameters('key'))]",
        "[createObject('a', 1)[parameters('key')]]",
        "[uri(parameters('key'), 'x')]",
        "[if(parameters('key'), 1, 2)]",
        "[bool(parameters('key'))]",
    ] {
        let text = program(declared(wrong), &sent)
            .expect("it fits")
            .check()
            .map_or_else(|error| format!("{error:?}"), |_| String::new());
        assert!(!text.contains(secret), "{wrong}: {text}");
    }
}

#[test]
fn a_template_cannot_ask_for_the_world() {
    // Each variable is twice the one before.
    let mut variables = Map::new();
    variables.insert("v0".into(), json!("x".repeat(64)));
    for at in 1..30 {
        variables.insert(format!("v{at}"), json!(format!("[concat(variables('v{0}'), variables('v{0}'))]", at - 1)));
    }
    let parts = json!({ "variables": variables, "outputs": { "o": { "type": "string", "value": "[variables('v29')]" } } });
    assert!(fault(plan(parts)).ends_with("The values of the template take more than 64 MiB."));
    let mut variables = Map::new();
    variables.insert("v0".into(), json!(1));
    for at in 1..250 {
        variables.insert(format!("v{at}"), json!(format!("[variables('v{}')]", at - 1)));
    }
    let parts = json!({ "variables": variables, "outputs": { "o": { "type": "int", "value": "[variables('v249')]" } } });
    assert!(fault(plan(parts)).contains("levels deep"));
    let mut many = assignment("[guid(string(copyIndex()))]");
    many["copy"] = json!({ "name": "all", "count": 801 });
    assert!(fault(plan(json!({ "resources": [many.clone()] }))).ends_with("The `count` of a loop is an int from 0 to 800."));
    many["copy"]["count"] = json!(800);
    assert!(
        fault(plan(json!({ "resources": [many, cluster("c1")] }))).ends_with("The template asks for more than 800 resources.")
    );
    let deep = format!("[{}1{}]", "string(".repeat(47), ")".repeat(47));
    let mut value = json!(deep);
    for _ in 0..60 {
        value = json!([value]);
    }
    assert!(plan(json!({ "outputs": { "o": { "type": "array", "value": value } } })).is_ok());
}

#[test]
fn what_is_no_template_is_refused() {
    let read = |value: Value| fault(Template::read(&value));
    assert_eq!(read(json!([])), ": A template is an object, not array.");
    assert!(read(json!({ "contentVersion": "1.0.0.0" })).starts_with("$schema: "));
    assert!(read(template(json!({ "resource": [] }))).starts_with("resource: 'resource' is no member of a template"));
    assert!(read(template(json!({ "languageVersion": "3" }))).starts_with("languageVersion: "));
    assert!(read(template(json!({ "resources": {} }))).starts_with("resources: "));
    assert!(read(template(json!({ "resources": [7] }))).starts_with("resources[0]: "));
}

#[test]
fn changes_are_what_is_sent_and_not_there() {
    let before = json!({ "location": "eastus", "tags": { "a": "1" }, "properties": { "count": 1, "list": [{ "name": "x", "state": "on" }] } });
    let after =
        json!({ "Location": "EastUS", "tags": { "a": "2", "b": "3" }, "properties": { "list": [{ "name": "x" }], "empty": "" } });
    assert_eq!(
        changes(&before, &after),
        [
            Change { path: "tags.a".into(), changed: Changed::Modify(json!("1"), json!("2")) },
            Change { path: "tags.b".into(), changed: Changed::Create(json!("3")) },
        ]
    );
}

proptest! {
    #[test]
    fn no_expression_breaks_anything(text in "\\[[a-z]{0,3}(concat|range|format|split|substring|padLeft|copyIndex|reference|if|json)?[(),' 0-9a-z.{}\\[\\]-]{0,30}\\]") {
        let _ = said(&text);
    }

    #[test]
    fn functions_take_anything_without_breaking(name in 0..60_usize, arguments in proptest::collection::vec("(-?[0-9]{1,19}|'[a{}0:ä]{0,5}'|true\\(\\)|null\\(\\)|createArray\\(1\\)|createObject\\('a', 1\\))", 0..4)) {
        const NAMES: &[&str] = &[
            "concat", "format", "string", "toLower", "trim", "substring", "replace", "split", "join", "startsWith", "padLeft", "base64", "base64ToString",
            "json", "uri", "uriComponent", "uriComponentToString", "guid", "uniqueString", "int", "add", "sub", "mul", "div", "mod", "min", "max", "range",
            "length", "empty", "contains", "first", "last", "indexOf", "lastIndexOf", "array", "createArray", "createObject", "union", "intersection",
            "skip", "take", "items", "objectKeys", "flatten", "tryGet", "equals", "not", "less", "greater", "bool", "if", "and", "or", "coalesce",
            "resourceId", "subscriptionResourceId", "tenantResourceId", "extensionResourceId", "copyIndex",
        ];
        let _ = said(&format!("[{}({})]", NAMES[name], arguments.join(", ")));
    }
}
