//! `GET …/resources`: everything in one list, as `az resource list` shows it.

use axum::Json;
use axum::extract::Path;
use entrance_model::arm::filter::{Comparison, Term};
use entrance_model::arm::tags::{self, Tags};
use entrance_model::cluster::Cluster;
use serde_json::{Value, json};

use super::clusters::{CLUSTERS, in_place};
use super::ctx::Ctx;
use super::error::ArmError;
use super::groups::place;
use super::query::Query;
use super::tags::of_cluster;

/// All resources of a subscription that the caller may see.
pub(super) async fn list(ctx: Ctx, Path(subscription): Path<String>, query: Query) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&subscription).await?;
    let asked = Asked::of(&query)?;
    in_place(&ctx, &query, (subscription.id, None), |cluster| asked.fits(cluster), |cluster| asked.show(cluster)).await
}

/// All resources of a group that the caller may see.
pub(super) async fn list_in_group(
    ctx: Ctx,
    Path((subscription, group)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Value>, ArmError> {
    let (subscription, name) = place(&ctx, &subscription, &group).await?;
    let asked = Asked::of(&query)?;
    in_place(&ctx, &query, (subscription, Some(&name)), |cluster| asked.fits(cluster), |cluster| asked.show(cluster)).await
}

/// What is wanted.
struct Asked {
    filter: Vec<Term>,
    expand: Vec<String>,
}

impl Asked {
    fn of(query: &Query) -> Result<Self, ArmError> {
        let filter = query.filter()?;
        let known = ["resourcetype", "name", "location", "resourcegroup", "tagname", "tagvalue"];
        if let Some(term) = filter.iter().find(|t| t.comparison != Comparison::Equal || !known.contains(&t.name.as_str())) {
            return Err(term.unknown("resourceType, name, location, resourceGroup, tagName and tagValue with eq").into());
        }
        let expand = query.get("$expand").unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        Ok(Self { filter, expand })
    }

    fn fits(&self, cluster: &Cluster) -> bool {
        let plain = |term: &&Term| !term.name.starts_with("tag");
        self.filter.iter().filter(plain).all(|term| {
            let is = |text: &str| text.eq_ignore_ascii_case(&term.value);
            match term.name.as_str() {
                "resourcetype" => is(CLUSTERS),
                "name" => is(cluster.address.name.as_str()),
                "location" => is(cluster.location().as_str()),
                _ => is(cluster.address.group.as_str()),
            }
        }) && fits_tags(&self.filter, &of_cluster(cluster))
    }

    fn show(&self, cluster: &Cluster) -> Value {
        let mut shown = json!({
            "id": cluster.address.to_string(),
            "name": cluster.address.name.as_str(),
            "type": CLUSTERS,
            "location": cluster.document.text("location"),
            "tags": cluster.document.tags(),
            "identity": cluster.document.at("identity"),
            "sku": cluster.document.at("sku")
        });
        for (name, value) in [
            ("createdTime", json!(cluster.created.to_string())),
            ("changedTime", json!(cluster.modified.to_string())),
            ("provisioningState", json!(cluster.state.provisioning())),
        ] {
            if self.expand.contains(&name.to_ascii_lowercase()) {
                shown[name] = value;
            }
        }
        shown
    }
}

/// Whether tags fit the comparisons of `tagName` and `tagValue`: the value is that of the name beside it, or of any tag.
pub(super) fn fits_tags(filter: &[Term], known: &Tags) -> bool {
    let asked = |name: &str| filter.iter().find(|term| term.name == name).map(|term| term.value.as_str());
    match (asked("tagname"), asked("tagvalue")) {
        (None, None) => true,
        (Some(name), value) => {
            tags::find(known, name).is_some_and(|(_, text)| value.is_none_or(|value| value.eq_ignore_ascii_case(text)))
        }
        (None, Some(value)) => known.values().any(|text| value.eq_ignore_ascii_case(text)),
    }
}
