//! What holds for every surface: TLS, host names, request ids, keys that survive.

use entrance_server::{Clock, Config, Mode, PasswordCost, Server, StartError};
use entrance_testkit::Entrance;

#[tokio::test]
async fn s_017_every_answer_carries_a_request_id_and_echoes_the_clients() {
    let world = Entrance::start().await;
    let id = "11111111-2222-4333-8444-555555555555";
    let answer = world.client.get(world.url("/readyz")).header("client-request-id", id).send().await.expect("answers");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["client-request-id"], id);
    assert_eq!(answer.headers()["x-ms-request-id"].len(), 36);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
}

#[tokio::test]
async fn s_018_a_request_for_another_host_is_refused() {
    let world = Entrance::start().await;
    let answer = world.client.get(world.url("/livez")).header("host", "login.example").send().await.expect("answers");
    assert_eq!(answer.status(), 421);
}

#[tokio::test]
async fn a_second_server_in_the_same_folder_is_refused() {
    let world = Entrance::start().await;
    let mut config = Config::new(Mode::Demo, world.app().config.data.clone());
    config.listen.set_port(0);
    config.password_cost = PasswordCost::LEAST;
    assert!(matches!(Server::start(config, Clock::system()).await, Err(StartError::DataDir(_))));
}

#[tokio::test]
async fn the_demo_listens_on_loopback_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::new(Mode::Demo, folder.path().join("data"));
    config.listen = "0.0.0.0:0".parse().expect("an address");
    assert!(matches!(Server::start(config, Clock::system()).await, Err(StartError::NotLoopback(_))));
}
