//! Replicas that do not reach Redis all at the same time.

use llm_gateway::limits::{Reservation, Scope, Standing};
use llm_tests::live::{CALL, Door, Replicas, TestRedis, eventually, key};

/// Three replicas, each with a door of its own to Redis.
pub(super) async fn start() -> (Replicas, Vec<Door>) {
    let redis = TestRedis::start();
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = Replicas { all: Vec::new(), redis, config: String::new(), folder };
    let mut doors = Vec::new();
    for _ in 0..3 {
        let door = Door::to(replicas.redis.port()).await;
        replicas.config = format!("redis = \"redis://127.0.0.1:{}\"\nredis_deadline = \"30s\"", door.port());
        doors.push(door);
        replicas.add().await;
    }
    replicas.together().await;
    (replicas, doors)
}

fn standing(replicas: &Replicas, place: usize) -> Option<Standing> {
    replicas.all[place].gateway.ledger().standing()
}

/// All that one of them is granted.
async fn all_granted(replicas: &Replicas, place: usize) -> Vec<Reservation> {
    let mut held = Vec::new();
    while let Ok(reservation) = replicas.admit(place, &key(), CALL).await {
        held.push(reservation);
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_redis_emptied_and_is_alone_there_spends_no_more_than_its_share() {
    let (mut replicas, doors) = start().await;
    let limit = replicas.put(Scope::key("k"), "requests=300/total");
    let (mut held, _) = replicas.storm(90, &key(), CALL).await;
    replicas.agree(&limit, 0, 90).await;
    doors.iter().for_each(Door::shut);
    replicas.stand(Standing::Apart).await;
    replicas.redis.restart();

    // The others live, as the database knows, and are not heard: what is there is not trusted, nor is their number.
    doors[0].open();
    eventually(|| standing(&replicas, 0) == Some(Standing::Joining), || "one that is back".to_owned()).await;
    for place in 0..3 {
        let granted = all_granted(&replicas, place).await;
        assert_eq!((place, granted.len()), (place, (300 - 90) / 3));
        held.extend(granted);
    }
    assert_ne!(standing(&replicas, 0), Some(Standing::Together));
    doors.iter().for_each(Door::open);
    replicas.together().await;
    replicas.agree(&limit, 0, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_while_redis_was_away_is_forgotten_by_all() {
    let (replicas, doors) = start().await;
    let places = replicas.put(Scope::key("k"), "concurrency=40");
    let (held, _) = replicas.storm(40, &key(), CALL).await;
    replicas.agree(&places, 0, 40).await;
    doors.iter().for_each(Door::shut);
    replicas.stand(Standing::Apart).await;
    replicas.redis.empty();
    held.into_iter().for_each(Reservation::cancel);
    doors.iter().for_each(Door::open);
    replicas.together().await;
    // Nobody holds anything any more, so nobody says anything of the limit; and that is told by silence.
    let all: Vec<_> = replicas.statuses(&places).iter().map(|status| status.reserved).collect();
    assert_eq!(all, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_alone_loses_the_line_spends_its_share_beside_the_others() {
    let (replicas, doors) = start().await;
    let limit = replicas.put(Scope::key("k"), "requests=300/total");
    let (mut held, _) = replicas.storm(90, &key(), CALL).await;
    replicas.agree(&limit, 0, 90).await;
    doors[2].shut();
    eventually(|| standing(&replicas, 2) == Some(Standing::Apart), || "one that is cut off".to_owned()).await;
    for (place, granted) in [(2, 70), (0, 210), (1, 0)] {
        let all = all_granted(&replicas, place).await;
        assert_eq!((place, all.len()), (place, granted));
        held.extend(all);
    }
    doors[2].open();
    replicas.together().await;
    replicas.agree(&limit, 0, 370).await;
}
