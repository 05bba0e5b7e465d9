//! Which cluster a command means, named as `az aks` names it.

use anyhow::{Context as _, Result, bail};
use reqwest::Method;

use super::Server;

/// A cluster in the resource manager.
#[derive(clap::Args, Debug, Clone)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct Cluster {
    /// Resource group of the cluster.
    #[arg(long, short = 'g', value_name = "GROUP")]
    resource_group: String,
    /// Name of the cluster.
    #[arg(long, short, value_name = "NAME")]
    name: String,
    /// Subscription, by id or name; else the only one there is.
    #[arg(long, value_name = "SUBSCRIPTION", env = "AZURE_SUBSCRIPTION_ID")]
    subscription: Option<String>,
}

impl Cluster {
    /// A cluster that was named by other flags.
    pub(crate) fn named(resource_group: &str, name: &str, subscription: Option<&str>) -> Self {
        Self { resource_group: resource_group.to_owned(), name: name.to_owned(), subscription: subscription.map(str::to_owned) }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its resource group.
    pub(crate) fn resource_group(&self) -> &str {
        &self.resource_group
    }

    /// Its path in the resource manager.
    pub(crate) async fn path(&self, server: &Server) -> Result<String> {
        let subscription = self.subscription(server).await?;
        for part in [&self.resource_group, &self.name] {
            // Names of resources have no such characters, and a path must not change its meaning by one.
            if part.is_empty() || part.contains(['/', '?', '#', '%', '\\']) || part.chars().any(char::is_control) {
                bail!("`{}` is no name of a resource", entrance_client::printable(part));
            }
        }
        Ok(format!(
            "/subscriptions/{subscription}/resourceGroups/{}/providers/Microsoft.ContainerService/managedClusters/{}",
            self.resource_group, self.name
        ))
    }

    async fn subscription(&self, server: &Server) -> Result<String> {
        if let Some(id) = self.subscription.as_deref().filter(|text| text.parse::<uuid::Uuid>().is_ok()) {
            return Ok(id.to_owned());
        }
        let listed = server.arm(Method::GET, "/subscriptions", None).await?;
        let all = listed["value"].as_array().context("the list of subscriptions cannot be read")?;
        let text = |one: &serde_json::Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let wanted: Vec<_> = all
            .iter()
            .filter(|one| self.subscription.as_deref().is_none_or(|name| text(one, "displayName").eq_ignore_ascii_case(name)))
            .collect();
        match wanted.as_slice() {
            [one] => Ok(text(one, "subscriptionId")),
            [] if all.is_empty() => bail!("you have a role in no subscription; ask for one, or sign in as somebody else"),
            [] => bail!("there is no such subscription; `az account list` shows yours"),
            _ => bail!("you have {} subscriptions; name one with `--subscription`", wanted.len()),
        }
    }
}
