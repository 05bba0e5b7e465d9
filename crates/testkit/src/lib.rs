//! A whole Entrance in a test: a real server on a free loopback port, a fresh data directory, a clock that stands still.
//!
//! ```no_run
//! # async fn story() {
//! let world = entrance_testkit::Entrance::start().await;
//! let alice = world.user("alice").await;
//! assert_eq!(world.get("/livez").await.status(), 200);
//! # }
//! ```

mod browser;
mod graph;
pub mod sample;

pub use browser::{Browser, Page};
pub use graph::Answer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use entrance_model::directory::{Application, Group, Member, MemberKind, ServicePrincipal, Tenant, User};
use entrance_model::id::TenantId;
use entrance_server::clusters::Driver;
use entrance_server::{App, Clock, Config, Mode, PasswordCost, Server};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A running server with one tenant, `contoso.example`.
pub struct Entrance {
    server: Server,
    clock: Clock,
    /// The tenant.
    pub tenant: TenantId,
    /// A client that trusts the server and follows no redirects.
    pub client: reqwest::Client,
    data: tempfile::TempDir,
}

/// Everyone's password in tests.
pub const PASSWORD: &str = "correct horse battery";

impl Entrance {
    /// Starts a server; the clock stands at 2026-01-01T00:00:00Z.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with other settings.
    pub async fn start_with(settle: impl FnOnce(&mut Config)) -> Self {
        Self::start_driven(settle, None).await
    }

    /// Starts a server whose clusters are somebody else's work.
    pub async fn start_driven(settle: impl FnOnce(&mut Config), driver: Option<Arc<dyn Driver>>) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut config = Config::new(Mode::Demo, data.path().join("data"));
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.webhook_listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.password_cost = PasswordCost::LEAST;
        settle(&mut config);
        let clock = Clock::frozen("2026-01-01T00:00:00Z".parse().expect("a time"));
        let server = Server::start_with(config, clock.clone(), driver).await.expect("the server starts");
        let ca = std::fs::read(server.ca_file()).expect("the authority is there");
        let client = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca).expect("a certificate"))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client");
        let tenant = Tenant {
            id: TenantId::from_uuid(Uuid::new_v4()),
            display_name: "Contoso".into(),
            domains: vec!["contoso.example".into()],
            salt: vec![7; 32],
            created: clock.now(),
        };
        entrance_server::setup::tenant(server.app(), &tenant).await.expect("the tenant is made");
        Self { server, clock, tenant: tenant.id, client, data }
    }

    /// Where the server keeps everything.
    pub fn data(&self) -> &std::path::Path {
        self.data.path()
    }

    /// The shared state of the server.
    pub fn app(&self) -> &Arc<App> {
        self.server.app()
    }

    /// Where the listener for clients that drop the port listens, if there is one.
    pub fn realm_address(&self) -> Option<SocketAddr> {
        self.server.realm_address()
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.app().base())
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.expect("the server answers")
    }

    /// Posts a form.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Response {
        self.client.post(self.url(path)).form(form).send().await.expect("the server answers")
    }

    /// Makes a person, `{name}@contoso.example`, with [`PASSWORD`].
    pub async fn user(&self, name: &str) -> User {
        let app = self.app();
        let user = sample::person(name, app.now());
        let hash = app.hasher.hash(Zeroizing::new(PASSWORD.into())).await;
        let mut tx = app.store.write().await.expect("the store writes");
        tx.directory().insert_user(self.tenant, &user).await.expect("the person is new");
        tx.directory().set_password_hash(self.tenant, user.id, &hash).await.expect("the password is set");
        tx.commit().await.expect("the store commits");
        user
    }

    /// Makes a second tenant, Fabrikam, on the same server. Nobody is in it.
    pub async fn fabrikam(&self) -> Tenant {
        let tenant = Tenant {
            id: TenantId::from_uuid(Uuid::new_v4()),
            display_name: "Fabrikam".into(),
            domains: vec!["fabrikam.example".into()],
            salt: vec![8; 32],
            created: self.app().now(),
        };
        entrance_server::setup::tenant(self.app(), &tenant).await.expect("the tenant is made");
        tenant
    }

    /// Makes a person who administers the directory.
    pub async fn directory_admin(&self, name: &str) -> User {
        let mut user = self.user(name).await;
        user.is_directory_admin = true;
        let mut tx = self.app().store.write().await.expect("the store writes");
        tx.directory().update_user(self.tenant, &user).await.expect("the person is there");
        tx.commit().await.expect("the store commits");
        user
    }

    /// Makes a security group.
    pub async fn group(&self, name: &str) -> Group {
        let group = sample::group(name, self.app().now());
        let mut tx = self.app().store.write().await.expect("the store writes");
        tx.directory().insert_group(self.tenant, &group).await.expect("the group is new");
        tx.commit().await.expect("the store commits");
        group
    }

    /// Puts a person into a group.
    pub async fn join(&self, user: &User, group: &Group) {
        self.add(group, Member { id: user.id.into(), kind: MemberKind::User }).await;
    }

    /// Puts anything into a group.
    pub async fn add(&self, group: &Group, member: Member) {
        let mut tx = self.app().store.write().await.expect("the store writes");
        tx.directory().add_member(self.tenant, group.id, member).await.expect("it is no member yet");
        tx.commit().await.expect("the store commits");
    }

    /// Registers an application without credentials, with its service principal. Change it before it is kept.
    pub async fn application(&self, name: &str, settle: impl FnOnce(&mut Application)) -> (Application, ServicePrincipal) {
        let (mut application, mut principal) = sample::application(name, self.app().now());
        settle(&mut application);
        principal.app_id = application.app_id;
        let mut tx = self.app().store.write().await.expect("the store writes");
        tx.directory().insert_application(self.tenant, &application).await.expect("the application is new");
        tx.directory().insert_service_principal(self.tenant, &principal).await.expect("its identity is new");
        tx.commit().await.expect("the store commits");
        (application, principal)
    }

    /// Moves the clock.
    pub fn sleep(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Stops the server.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Whole minutes, for [`Entrance::sleep`].
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// Parameters with changes, one after the other: each replaces what had its name, an empty value leaves it out.
pub fn changed<'a>(usual: &[(&'a str, &'a str)], change: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut parameters = usual.to_vec();
    for (name, value) in change {
        parameters.retain(|(known, _)| known != name);
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    parameters
}
