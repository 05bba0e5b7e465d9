//! The lines that the server writes about its work.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use entrance_testkit::PASSWORD;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{by_password, world};

/// Everything that our own code writes on this thread, the whole server included.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).expect("a text takes everything");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("entrance")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().expect("nobody panicked").push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn s_503_no_line_of_the_log_has_the_full_name_of_a_person() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    // While there is one alone, whoever comes by a place in the code first decides for all threads that nobody listens there.
    let _second = tracing::Dispatch::new(lines.clone());
    let (world, root) = world().await;
    world.user("alice").await;
    assert_eq!(world.get("/common/userrealm/Alice@contoso.example?api-version=1.0").await.status(), 200);
    for path in [
        "/v1.0/users/alice@contoso.example",
        "/v1.0/users/Alice%40contoso.example/memberOf",
        "/v1.0/users('alice@contoso.example')",
        "/v1.0/entrance/users/alice@contoso.example/lockout",
    ] {
        assert_eq!(world.graph(&root, "GET", path, Value::Null).await.status, 200, "{path}");
    }
    by_password(&world, "alice", "wrong", "openid").await;
    by_password(&world, "alice", PASSWORD, "openid").await;
    let all = lines.0.lock().expect("nobody panicked").join("\n").to_lowercase();
    for told in ["path=/common/userrealm/•••• ", "path=/v1.0/users/•••• ", "path=/v1.0/users/••••/memberof ", "status=200"]
    {
        assert!(all.contains(told), "{told}: {all}");
    }
    assert!(!all.contains("alice@") && !all.contains("alice%40"), "{all}");
}
