//! Which actions roles can name: `GET /providers/{namespace}/operations` and `az provider operation`. They are the same for
//! everybody who signed in, and tell nothing of anybody.

use axum::Json;
use axum::extract::Path;
use axum::routing::get;
use entrance_model::access::{Action, DataActions};
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::error::{ArmError, Refusal};
use super::providers;
use super::routes::Routes;

/// The routes of actions.
pub(super) fn router() -> Routes {
    let all = "/providers/microsoft.authorization/provideroperations";
    Routes::new()
        .route("/providers/microsoft.containerservice/operations", get(of_clusters))
        .route(all, get(list))
        .route(&format!("{all}/{{namespace}}"), get(one))
}

/// `GET /providers/Microsoft.ContainerService/operations`: what a guard reads the data actions from.
async fn of_clusters(_: Ctx) -> Json<Value> {
    let shown = actions("Microsoft.ContainerService").into_iter().map(|(name, is_data)| {
        let (resource, verb) = name.rsplit_once('/').unwrap_or((&name, ""));
        let display = json!({
            "provider": "Microsoft.ContainerService", "resource": resource, "operation": verb, "description": ""
        });
        json!({ "name": name, "isDataAction": is_data, "display": display })
    });
    Json(json!({ "value": shown.collect::<Vec<_>>() }))
}

/// `GET /providers/Microsoft.Authorization/providerOperations`.
async fn list(_: Ctx) -> Json<Value> {
    Json(json!({ "value": providers::namespaces().map(show).collect::<Vec<_>>() }))
}

/// `GET /providers/Microsoft.Authorization/providerOperations/{namespace}`.
async fn one(_: Ctx, Path(namespace): Path<String>) -> Result<Json<Value>, ArmError> {
    let known = providers::namespaces().find(|known| known.eq_ignore_ascii_case(&namespace));
    let unknown = || Refusal::NoSuchType { what: format!("namespace {}", namespace.chars().take(64).collect::<String>()) };
    Ok(Json(show(known.ok_or_else(unknown)?)))
}

fn show(namespace: &str) -> Value {
    let operation = |(name, is_data): &(String, bool)| json!({ "name": name, "displayName": name, "description": "", "origin": "user,system", "isDataAction": is_data });
    // Those of one type stand together, in the order they are known in.
    let mut types: Vec<(String, Vec<Value>)> = Vec::new();
    for one in actions(namespace) {
        let name = one.0.split('/').nth(1).unwrap_or_default().to_owned();
        match types.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.push(operation(&one)),
            None => types.push((name, vec![operation(&one)])),
        }
    }
    let types = types.into_iter().map(|(name, all)| json!({ "name": name, "displayName": name, "operations": all }));
    json!({
        "id": format!("/providers/Microsoft.Authorization/providerOperations/{namespace}"),
        "name": namespace,
        "type": "Microsoft.Authorization/providerOperations",
        "displayName": namespace,
        "operations": [],
        "resourceTypes": types.collect::<Vec<_>>()
    })
}

/// The actions of a namespace, and whether each is one inside clusters.
fn actions(namespace: &str) -> Vec<(String, bool)> {
    let prefix = format!("{namespace}/").to_lowercase();
    let control = Action::ALL.iter().map(|action| (action.as_str().to_owned(), false));
    let data = DataActions::all();
    let data = data.iter().flat_map(DataActions::names).map(|name| (name, true));
    control.chain(data).filter(|(name, _)| name.to_lowercase().starts_with(&prefix)).collect()
}
