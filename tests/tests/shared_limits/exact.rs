//! While Redis is there, a limit holds for all replicas together as it holds in one process.

use std::time::Duration;

use llm_core::{ErrorKind, NanoUsd};
use llm_gateway::limits::{Actual, Scope, ScopeKind, Subject};
use llm_tests::live::{CALL, Replicas, Seen, Upstream, key, openai};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn of_500_calls_at_once_exactly_as_many_pass_as_each_limit_has_room_for() {
    let replicas = Replicas::start("30s", "").await;
    let tags = ["t"];
    let cases = [
        (
            ScopeKind::Organization,
            Subject { organization: Some("o"), ..Subject::default() },
            "requests=57/minute",
            57,
            1,
        ),
        (ScopeKind::Team, Subject { team: Some("o"), ..Subject::default() }, "spend=0.000001234/month", 123, 10),
        (ScopeKind::User, Subject { user: Some("o"), ..Subject::default() }, "tokens=999/hour", 99, 10),
        (ScopeKind::Key, Subject { key: "o", ..Subject::default() }, "concurrency=41", 41, 1),
        (ScopeKind::EndUser, Subject { end_user: Some("o"), ..Subject::default() }, "input_tokens=300/24h", 100, 3),
        (ScopeKind::Tag, Subject { tags: &tags, ..Subject::default() }, "output_tokens=705/total", 100, 7),
    ];
    for (kind, subject, spec, room, each) in cases {
        let limit = replicas.put(Scope::new(kind, if kind == ScopeKind::Tag { "t" } else { "o" }), spec);
        let (granted, refused) = replicas.storm(500, &subject, CALL).await;
        assert_eq!((granted.len(), refused.len()), (room, 500 - room), "{kind} {spec}");
        let held = i64::try_from(room).unwrap() * each;
        replicas.agree(&limit, 0, held).await;
        // Who was refused has taken nothing: what is given back is there for others, everywhere.
        granted.into_iter().for_each(llm_gateway::limits::Reservation::cancel);
        replicas.agree(&limit, 0, 0).await;
        let (again, _) = replicas.storm(100, &subject, CALL).await;
        assert_eq!(again.len(), room.min(100), "{kind} {spec}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_limits_or_none_across_replicas() {
    let replicas = Replicas::start("30s", "").await;
    let wide = replicas.put(Scope::key("k"), "requests=1000/minute");
    let tight = replicas.put(Scope::key("k"), "spend=0.0000001/total");
    let (granted, refused) = replicas.storm(60, &key(), CALL).await;
    assert_eq!((granted.len(), refused.len()), (10, 50));
    replicas.agree(&wide, 0, 10).await;
    for held in granted {
        held.settle(&Actual { spend: Some(NanoUsd(4)), ..Actual::default() });
    }
    replicas.agree(&wide, 10, 0).await;
    replicas.agree(&tight, 40, 0).await;
    // What was not used is there again, for any of them.
    let (granted, _) = replicas.storm(60, &key(), CALL).await;
    assert_eq!(granted.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_is_left_and_when_it_frees_whoever_used_it() {
    let replicas = Replicas::start("30s", "").await;
    replicas.put(Scope::key("k"), "requests=2/minute");
    replicas.put(Scope::key("k"), "spend=5/month");
    for place in [0, 1] {
        replicas.admit(place, &key(), CALL).await.unwrap().settle(&Actual::default());
    }
    let refusal = replicas.admit(2, &key(), CALL).await.unwrap_err();
    assert_eq!(refusal.remaining(), 0);
    let wait = refusal.retry_after().unwrap();
    assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(61), "{wait:?}");
    assert_eq!(llm_core::Error::from(refusal).kind(), ErrorKind::RateLimited);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_while_he_waits_has_taken_nothing() {
    let replicas = Replicas::start("30s", "").await;
    let limit = replicas.put(Scope::key("k"), "spend=1/total");
    let (mut taken, mut left) = (0, 0);
    for step in 0..300 {
        let subject = key();
        // He leaves at once, a little later, and now and then not at all.
        let patience = async {
            match step % 10 {
                9 => std::future::pending().await,
                looks => {
                    for _ in 0..looks * looks {
                        tokio::task::yield_now().await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            word = replicas.admit(step, &subject, CALL) => {
                word.unwrap().cancel();
                taken += 1;
            }
            () = patience => left += 1,
        }
    }
    assert!(taken > 0 && left > 0, "{taken} stayed, {left} left");
    replicas.agree(&limit, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_configuration_hold_for_calls_through_any_replica() {
    let upstream = Upstream::start(|seen: &Seen| openai::echo(&seen.json(), &["a", "b"], 5)).await;
    let config = upstream.as_fast();
    let replicas = Replicas::start("30s", &config).await;
    let key = replicas.all[0].key(json!({"limits": [{"meter": "requests", "window": "hour", "amount": 30}]})).await;
    let known =
        || replicas.all.iter().all(|replica| replica.gateway.keys().authenticate(&key, jiff::Timestamp::now()).is_ok());
    llm_tests::live::eventually(known, || "the key everywhere".to_owned()).await;
    let body = json!({"model": "fast", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let calls = (0..90).map(|place| replicas.all[place % 3].post("/v1/chat/completions", &key, body.clone()));
    let answers = futures_util::future::join_all(calls).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(200), count(429)), (30, 60));
    assert_eq!(upstream.seen().len(), 30);
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert!(refused.headers.contains_key("retry-after"), "{:?}", refused.headers);
}
