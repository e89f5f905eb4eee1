//! What one gateway changes is in force at the others.

use std::time::{Duration, Instant};

use http::StatusCode;

use super::load::{Load, add_up, call, gateway, key, revoked, upstream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_by_every_gateway_within_a_second_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let url = llm_gateway::testing::postgres(&folder.path().join("shared.db"));
    let upstream = upstream().await;
    let gateways = [gateway(&upstream, &url).await, gateway(&upstream, &url).await];
    let spender = key(&gateways).await;
    let load = Load::on(&gateways, &spender, 8);

    let mut slowest = Duration::ZERO;
    for round in 0..6 {
        let [one, other] = if round % 2 == 0 { [&gateways[0], &gateways[1]] } else { [&gateways[1], &gateways[0]] };
        let stolen = key(std::slice::from_ref(one)).await;
        let made = Instant::now();
        while call(other, &stolen).await != StatusCode::OK {
            assert!(made.elapsed() < Duration::from_secs(1), "a new key is not known yet");
        }
        slowest = slowest.max(revoked(one, other, &stolen).await);
        one.gateway.keys().delete(&stolen.key.id).await.unwrap();
    }
    let made = load.end().await;
    println!("a revoked key was dead on the other gateway after at most {slowest:?}, among {made} calls");
    add_up(&gateways, &spender, made).await;
}
