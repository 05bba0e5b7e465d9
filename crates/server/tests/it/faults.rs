//! The fault switch: the listener fails as it is told, nothing else does, and without the switch there is no way to it.

use std::time::{Duration, Instant};

use entrance_testkit::Entrance;

use crate::audit::Asking;

/// What becomes of a review: its status, or how the connection failed.
async fn review(asking: &Asking, client: &reqwest::Client) -> String {
    match asking.ask(client, &asking.token("t")).await {
        Ok(answer) => answer.status().as_u16().to_string(),
        Err(error) if error.is_timeout() => "no answer".to_owned(),
        Err(error) if error.is_connect() => "refused".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

fn turn(asking: &Asking, fault: &str) {
    std::fs::write(asking.world.app().data.join("faults"), fault).expect("the file is written");
}

async fn until(asking: &Asking, wanted: &str) {
    let begun = Instant::now();
    loop {
        // A new connection each time, as after a time-out.
        let got = review(asking, &asking.api_server(Duration::from_millis(500))).await;
        if got == wanted {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{got} instead of {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_listener_stops_swallows_breaks_and_is_slow_as_it_is_told_and_comes_back() {
    let asking = Asking::over(Entrance::start_with(|config| config.faults = true).await).await;
    let kept = asking.api_server(Duration::from_millis(500));
    until(&asking, "200").await;
    assert_eq!(review(&asking, &kept).await, "200");
    for (fault, wanted) in [("stop", "refused"), ("blackhole", "no answer"), ("500", "500")] {
        turn(&asking, &format!("webhook={fault}\n"));
        until(&asking, wanted).await;
        // A connection that was open fails in the same way.
        assert_eq!(review(&asking, &kept).await, wanted);
        assert_eq!(asking.world.get("/livez").await.status(), 200);
        turn(&asking, "webhook=ok");
        until(&asking, "200").await;
    }
    turn(&asking, "webhook=slow:200");
    let begun = Instant::now();
    loop {
        let asked = Instant::now();
        assert_eq!(review(&asking, &kept).await, "200");
        if asked.elapsed() >= Duration::from_millis(200) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it is not slow");
    }
}

#[tokio::test]
async fn without_the_switch_the_file_means_nothing() {
    let asking = Asking::new().await;
    turn(&asking, "webhook=stop");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(review(&asking, &asking.api_server(Duration::from_secs(20))).await, "200");
}
