//! What the fuzz targets call, and the tests that replay their corpora: each function panics when something read from
//! outside was taken for two things at once.

use entrance_model::Timestamp;
use entrance_model::access::{Attributes, Condition};
use entrance_model::directory::Redirects;
use entrance_model::signin::federation::Expression;
use entrance_model::signin::redirect::registered;
use entrance_model::signin::scope::Asked;
use entrance_model::template::{Program, Template, World};
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use crate::authority::grants::capabilities;
use crate::authority::token::AccessToken;
use crate::clusters::references::mentions;

/// The claims of a token of ours: whatever the times in it, it never counts at its end and after.
pub fn access_token(claims: &[u8]) {
    let Ok(token) = serde_json::from_slice::<AccessToken>(claims) else { return };
    for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, token.ends(), Timestamp::MAX] {
        let _ = token.in_time(at);
    }
    assert!(token.in_time(token.ends()).is_err() || token.ends().as_second() < token.exp);
}

/// An object that is watched in a cluster: as often as it is read, it mentions the same.
pub fn watched_object(text: &[u8]) {
    let Ok(object) = serde_json::from_slice::<serde_json::Value>(text) else { return };
    let found = mentions::mentions(&object);
    let again = serde_json::from_slice(&serde_json::to_vec(&object).expect("JSON is written")).expect("and read");
    assert_eq!(found, mentions::mentions(&again));
    if let Some(read) = mentions::read(object) {
        assert!(read.mentions.groups.is_subset(&found.groups));
    }
}

/// A scope: what an answer echoes of it is a scope again, and asks for nothing that was not asked.
pub fn scope(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(asked) = Asked::parse(text) else { return };
    let Ok(Some(resource)) = asked.single() else { return };
    let granted: Vec<&str> = resource.named.iter().map(String::as_str).collect();
    let echoed = Asked::parse(&asked.echo(&granted, true)).expect("an echo is a scope");
    assert_eq!(echoed.resources, asked.resources);
}

/// An expression of a federated credential: what is shown of its comparisons is read as the same, and no empty token fits.
pub fn expression(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(expression) = text.parse::<Expression>() else { return };
    let shown = expression.terms().iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let again: Expression = shown.parse().expect("what is shown is no longer than what was read, and an expression");
    assert_eq!(again.terms(), expression.terms());
    assert!(!expression.matches(&serde_json::Map::new()));
}

/// A condition of a role assignment: it is read within its budget, and an attribute that is not there lets nothing be compared.
pub fn condition(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let kept = Condition::kept(text.to_owned());
    let holds = kept.holds("Microsoft.Authorization/roleAssignments/write", &Attributes::default());
    match Condition::read(text) {
        Ok(condition) => assert_eq!(condition, kept),
        Err(_) => assert!(!holds, "what cannot be read holds never"),
    }
}

/// A redirect address, asked (second line) against a registered one (first line): they match only where a browser would go
/// to the same place, or to another port of the same loopback name.
pub fn redirect(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Some((known, asked)) = text.split_once('\n') else { return };
    let of = |known: &str| vec![known.to_owned()];
    let web = Redirects { web: of(known), spa: vec![], public_client: vec![], logout: None };
    assert_eq!(registered(&web, asked).is_some(), known == asked && asked.len() <= 2048);
    let native = Redirects { web: vec![], spa: vec![], public_client: of(known), logout: None };
    if registered(&native, asked).is_none() || known == asked {
        return;
    }
    let (known, asked) = (Url::parse(known).expect("a loopback address"), Url::parse(asked).expect("a loopback address"));
    assert!(matches!(asked.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")), "{asked}");
    assert_eq!((known.scheme(), known.host_str(), known.path()), (asked.scheme(), asked.host_str(), asked.path()));
    assert!(asked.username().is_empty() && asked.password().is_none());
    assert!(asked.query().is_none() && asked.fragment().is_none());
}

/// The `claims` parameter: only JSON is taken, and a challenge can be answered only where the word stands in it.
pub fn claims(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(can_answer) = capabilities(Some(text)) {
        let value: serde_json::Value = serde_json::from_str(text).expect("only JSON is taken");
        assert!(!can_answer || value.to_string().to_ascii_lowercase().contains("cp1"));
    }
}

/// The `Cookie` header: a value of ours stands in it as it is, behind the whole name.
pub fn cookie(text: &[u8]) {
    let Ok(line) = HeaderValue::from_bytes(text) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, line);
    let name = "__Host-entrance-session";
    if let Some(value) = crate::pages::cookie(&headers, name) {
        assert_eq!(value.len(), 43);
        let text = std::str::from_utf8(text).expect("it was a cookie");
        assert!(text.split(';').any(|pair| pair.trim() == format!("{name}={value}")), "{text}");
    }
}

/// An expression of a template, in every part that evaluates one: it ends, within its budget, and ends the same again.
pub fn template(expression: &[u8]) {
    let Ok(expression) = std::str::from_utf8(expression) else { return };
    let template = serde_json::json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": { "p": { "type": "object", "defaultValue": { "a": [1, "two", null] } } },
        "variables": { "v": expression },
        "resources": [{
            "type": "Microsoft.ContainerService/managedClusters", "apiVersion": "2025-05-01", "name": "[concat('c', copyIndex())]",
            "copy": { "name": "many", "count": 2 }, "properties": { "a": expression }
        }],
        "outputs": { "o": { "type": "object", "value": { "a": expression, "v": "[variables('v')]" } } }
    });
    let nil = uuid::Uuid::nil();
    let world = World {
        subscription: entrance_model::id::SubscriptionId::from_uuid(nil),
        subscription_name: "one".to_owned(),
        tenant: entrance_model::id::TenantId::from_uuid(nil),
        group: "rg".parse().expect("a name"),
        location: "eastus".parse().expect("a location"),
        tags: serde_json::json!({}),
        deployment: "d".to_owned(),
        deployer: entrance_model::id::PrincipalId::from_uuid(nil),
        now: Timestamp::UNIX_EPOCH,
        seed: nil,
        base: "https://localhost:8443".to_owned(),
    };
    let read = || Template::read(&template).and_then(|template| Program::new(template, &serde_json::Value::Null, world.clone()));
    let outcome = |program: Program| {
        let plan = program.plan().map_err(|error| error.to_string())?;
        let bodies: Vec<_> = plan.resources.iter().map(|resource| resource.body.clone()).collect();
        Ok::<_, String>((bodies, program.outputs(&plan, &std::collections::BTreeMap::new())))
    };
    let (one, two) = (read().map_err(|error| error.to_string()), read().map_err(|error| error.to_string()));
    assert_eq!(one.and_then(outcome), two.and_then(outcome));
}
