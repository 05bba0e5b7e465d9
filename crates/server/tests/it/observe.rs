//! What operators see.

use std::time::Duration;

use entrance_server::observe::Freshness;
use entrance_server::{Clock, Config, Mode, PasswordCost, Server, StartError};
use entrance_testkit::Entrance;
use serde_json::Value;

use crate::audit::Asking;

async fn text(world: &Entrance, path: &str) -> (u16, String) {
    let answer = world.get(path).await;
    (answer.status().as_u16(), answer.text().await.expect("a text"))
}

#[tokio::test]
async fn readiness_tells_each_part_in_words() {
    let asking = Asking::over(Entrance::start_with(|config| config.faults = true).await).await;
    let (world, app) = (&asking.world, asking.world.app());
    assert_eq!(text(world, "/livez").await, (200, "ok\n".into()));
    assert_eq!(text(world, "/readyz").await, (200, "ok\n".into()));
    let (status, told) = text(world, "/readyz?verbose").await;
    assert_eq!(status, 200);
    for part in [
        "[+] store ok: written and read in ",
        "[+] directory ok: ",
        "[+] webhooks ok: listening on ",
        "[+] audit ok: sealed up to row ",
        "[+] clusters ok: 1 with sign-in, of 0 it is known which groups they refer to\n",
        "[+] freshness ok: not measured yet",
        "\nok\n",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let figure = Freshness { at: app.now(), cluster: "prod".into(), seconds: 10.25, bound: 11.0 };
    app.observed.measured(&app.store, asking.cluster, figure).await.expect("it is kept");
    assert!(text(world, "/readyz?verbose").await.1.contains("[+] freshness ok: 10.2 s of 11 s at `prod`, 0 min ago"));
    // What a proxy on this machine passes on is a stranger's question.
    let far =
        world.client.get(world.url("/readyz?verbose")).header("x-forwarded-for", "203.0.113.7").send().await.expect("answers");
    assert_eq!(far.text().await.expect("a text"), "ok\n");
    // A part that fails makes the whole server unready, and says why.
    std::fs::write(app.data.join("faults"), "webhook=stop").expect("the file is written");
    let begun = std::time::Instant::now();
    let (status, told) = loop {
        let (status, told) = text(world, "/readyz").await;
        if status == 503 || begun.elapsed() > Duration::from_secs(20) {
            break (status, told);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(status, 503);
    assert!(told.starts_with("[-] webhooks failed: nobody listens on ") && told.ends_with("\nnot ready\n"), "{told}");
    let json = world.client.get(world.url("/readyz")).header("accept", "application/json").send().await.expect("answers");
    let json: Value = json.json().await.expect("JSON");
    assert_eq!(
        (&json["ready"], &json["checks"][2]["name"], &json["checks"][2]["ok"]),
        (&false.into(), &"webhooks".into(), &false.into())
    );
}

#[tokio::test]
async fn metrics_count_what_happened_and_have_a_listener_of_their_own() {
    let asking = Asking::over(
        Entrance::start_with(|config| config.metrics_listen = Some("127.0.0.1:0".parse().expect("an address"))).await,
    )
    .await;
    let client = asking.api_server(Duration::from_secs(20));
    for token in ["garbage", "garbage", &asking.token("t")] {
        asking.ask(&client, token).await.expect("answers");
    }
    asking.until(|told| told.len() == 3).await;
    let address = asking.world.app().metrics_address().expect("it listens");
    let scrape = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.expect("answers");
    let answer = scrape("/metrics").await;
    assert!(answer.headers()["content-type"].to_str().expect("a text").starts_with("text/plain; version=0.0.4"));
    let text = answer.text().await.expect("a text");
    for sample in [
        "entrance_reviews_total{outcome=\"admitted\"} 1\n",
        "entrance_reviews_total{outcome=\"refused\"} 2\n",
        "entrance_reviews_refused_total{reason=\"malformed\"} 2\n",
        "entrance_review_seconds_bucket{le=\"+Inf\"} 3\n",
        "entrance_review_seconds_count 3\n",
        "entrance_webhooks_listening 1\n",
        "entrance_directory_ready 1\n",
        "entrance_feed_lag 0\n",
        "entrance_doors_open 0\n",
        "entrance_clusters{references=\"unknown\"} 1\n",
        "entrance_audit_events_total{kind=\"review.refused\"} 2\n",
    ] {
        assert!(text.contains(sample), "{sample} is not in {text}");
    }
    // Every line is a comment or a sample of the family before it.
    let mut family = String::new();
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(kind) => family = kind.split(' ').next().unwrap_or_default().to_owned(),
            None if line.starts_with("# HELP ") => {}
            None => {
                assert!(!family.is_empty() && line.starts_with(&family), "{line} in {family}");
                assert!(line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok()), "{line}");
            }
        }
    }
    assert_eq!(scrape("/readyz?verbose").await.status(), 200);
    assert_eq!(asking.world.get("/metrics").await.status(), 404, "the public listener has none");
}

#[tokio::test]
async fn metrics_are_for_this_machine_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::new(Mode::Demo, folder.path().join("data"));
    config.listen.set_port(0);
    config.webhook_listen.set_port(0);
    config.password_cost = PasswordCost::LEAST;
    config.metrics_listen = Some("0.0.0.0:0".parse().expect("an address"));
    assert!(matches!(Server::start(config, Clock::system()).await, Err(StartError::Listen(..))));
}

#[tokio::test]
async fn figures_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::new(Mode::Demo, folder.path().join("data"));
    config.listen.set_port(0);
    config.webhook_listen.set_port(0);
    config.password_cost = PasswordCost::LEAST;
    let first = Server::start(config.clone(), Clock::system()).await.expect("starts");
    let figure = Freshness { at: first.app().now(), cluster: "prod".into(), seconds: 10.25, bound: 11.0 };
    let cluster = entrance_model::id::ClusterUid::from_uuid(uuid::Uuid::from_u128(1));
    first.app().observed.measured(&first.app().store, cluster, figure.clone()).await.expect("it is kept");
    first.stop().await;
    let second = Server::start(config, Clock::system()).await.expect("starts");
    assert_eq!(second.app().observed.freshness(), [(cluster, figure)].into());
    second.stop().await;
}
