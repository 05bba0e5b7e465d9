//! The directory API over TLS, as `az` and the SDKs ask it.

mod app_roles;
mod applications;
mod general;
mod groups;
mod pages;
mod strangers;
mod users;

use entrance_model::directory::User;
use entrance_testkit::{Answer, Entrance};
use serde_json::{Value, json};

/// A person with a token.
struct Caller {
    user: User,
    token: String,
}

impl Caller {
    async fn admin(world: &Entrance) -> Self {
        let user = world.directory_admin("admin").await;
        Self { token: world.graph_token(&user), user }
    }

    async fn member(world: &Entrance, name: &str) -> Self {
        let user = world.user(name).await;
        Self { token: world.graph_token(&user), user }
    }

    async fn get(&self, world: &Entrance, path: &str) -> Answer {
        world.graph(&self.token, "GET", path, Value::Null).await
    }

    async fn post(&self, world: &Entrance, path: &str, body: Value) -> Answer {
        world.graph(&self.token, "POST", path, body).await
    }

    async fn patch(&self, world: &Entrance, path: &str, body: Value) -> Answer {
        world.graph(&self.token, "PATCH", path, body).await
    }

    async fn delete(&self, world: &Entrance, path: &str) -> Answer {
        world.graph(&self.token, "DELETE", path, Value::Null).await
    }
}

fn new_group(name: &str) -> Value {
    json!({"displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true})
}

/// A reference to a directory object, as `az` writes it.
fn link(world: &Entrance, id: &impl std::fmt::Display) -> Value {
    json!({"@odata.id": format!("{}/v1.0/directoryObjects/{id}", world.app().base())})
}
