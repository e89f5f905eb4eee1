//! A line to the database that goes silent: no answer, no error, no end.

use std::time::{Duration, Instant};

use llm_gateway::store::{Db, query};
use llm_gateway::testing;
use llm_tests::live::Line;

use super::load::{Load, add_up, gateway, key, more, revoked, upstream};

/// How long calls may be on their way into the database once there is a way again. A server may hold what a silent
/// connection had begun for 10 seconds.
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_goes_silent_delays_nothing_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let direct = testing::postgres(&folder.path().join("shared.db"));
    let (server, name) = direct.rsplit_once('/').unwrap();
    let line = Line::to(server.rsplit('@').next().unwrap());
    let url = format!("postgres://postgres@{}/{name}", line.place());
    let upstream = upstream().await;
    let gateways = [gateway(&upstream, &url).await, gateway(&upstream, &direct).await];
    let spender = key(&gateways).await;
    // Those of the gateway at the end of the line, as somebody else sees them.
    let db = Db::open(&direct).await.unwrap();
    let moved = async || query("SELECT count(*) FROM calls").one::<(i64,)>(&db).await.unwrap().0;

    let load = Load::on(&gateways[..1], &spender, 4);
    while moved().await < 100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    line.cut();
    // Calls go on, also while connections are tried that get no answer.
    let cut = Instant::now();
    while cut.elapsed() < Duration::from_secs(3) {
        more(&upstream, 20).await;
    }
    assert!(gateways[0].gateway.is_ready());
    let made = load.end().await;
    let kept = i64::try_from(made).unwrap() - moved().await;
    assert!(kept > 0, "nothing was cut off");
    line.mend();
    let mended = Instant::now();
    while moved().await < i64::try_from(made).unwrap() {
        assert!(mended.elapsed() < PATIENCE, "calls wait for a connection that is gone");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{kept} calls that were made in the silence were in the database {:?} after it", mended.elapsed());
    // A look for changes that was under way when the line was cut is given up after a while.
    gateways[0].gateway.keys().refresh().await.unwrap();
    // Ledgers of gateways that share no Redis know their own calls only.
    add_up(&gateways[..1], &spender, made).await;
    revoked(&gateways[1], &gateways[0], &spender).await;
}
