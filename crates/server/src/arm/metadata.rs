//! `GET /metadata/endpoints`: what `az cloud register` asks for, without a token.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

use crate::app::App;

/// One object; the array form is for clients that replace all their built-in clouds (`ARM_CLOUD_METADATA_URL`).
pub(super) async fn endpoints(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Json<Value> {
    let base = app.base();
    let document = json!({
        "name": "Entrance",
        "portal": format!("{base}/"),
        "authentication": {
            "loginEndpoint": base,
            "audiences": [format!("{base}/arm"), "https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD"
        },
        "resourceManager": format!("{base}/"),
        "microsoftGraphResourceId": format!("{base}/"),
        "graphAudience": format!("{base}/"),
        "graph": format!("{base}/"),
        "suffixes": {}
    });
    let wants_array = query.is_some_and(|query| query.split('&').any(|part| part == "api-version=2019-05-01"));
    Json(if wants_array { json!([document]) } else { document })
}
