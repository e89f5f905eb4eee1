//! Batches where several replicas share limits: what the calls of one hold is held for all replicas, and settled once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use futures_util::future::join_all;
use llm_gateway::limits::{Limit, LimitMeter, Scope, Standing};
use llm_gateway::record::CallStatus;
use llm_gateway::store::query;
use llm_tests::live::Replicas;
use serde_json::json;

use crate::provider::{Provider, State};
use crate::{Caller, config, lines, of_batches};

/// What a call of a batch costs, in billionths of a US dollar: half of 100 prompt tokens at 1 USD for a million and 10
/// answered ones at 2.
const COST: i64 = 60_000;

/// What is counted of a limit in SQL.
async fn in_sql(replicas: &Replicas, limit: &Limit) -> i64 {
    let counted = query("SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM counters WHERE limit_id = $1");
    counted.bind(limit.id.as_str()).one::<(i64,)>(replicas.all[0].gateway.db()).await.unwrap().0
}

/// What is counted of a limit in Redis.
fn in_redis(replicas: &Replicas, limit: &Limit) -> i64 {
    let counted = replicas.redis.counted();
    counted.iter().find(|(name, _)| name.ends_with(limit.id.as_str())).map_or(0, |(_, sum)| *sum)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_batch_holds_is_seen_by_every_replica_and_settled_once() {
    let provider = Provider::start().await;
    let mut replicas = Replicas::start("30s", &config(&provider, "20ms")).await;
    // Of calls of the model: sending files up and looking at batches are requests, too.
    let limits = json!([{"meter": "requests", "window": "total", "amount": 10, "models": ["fast"]},
                        {"meter": "spend", "window": "total", "amount": "1.00", "models": ["fast"]}]);
    let key = replicas.all[0].key(json!({ "limits": limits })).await;
    replicas.refresh().await;
    let keys = replicas.all[0].gateway.keys();
    let id = keys.authenticate(&key, jiff::Timestamp::now()).unwrap().id.clone();
    let limits = keys.limits_of(&Scope::key(id.as_str()));
    let of = |meter: LimitMeter| Limit::clone(limits.iter().find(|limit| limit.spec.meter == meter).unwrap());
    let (requests, spend) = (of(LimitMeter::Requests), of(LimitMeter::Spend));

    let six = ["a", "b", "c", "d", "e", "f"];
    let caller = |place: usize| Caller { gateway: &replicas.all[place], key: &key };
    let first = caller(0).made(&lines("fast", &six)).await;
    replicas.agree(&requests, 0, 6).await;
    let held = replicas.statuses(&spend)[0].reserved;
    assert!(held > 0);

    // Another replica has room for four more, and takes nothing of a batch that does not fit.
    let file = caller(1).upload(&lines("fast", &six[..5])).await.json()["id"].as_str().unwrap().to_owned();
    let refused = caller(1).create(&file).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
    replicas.agree(&requests, 0, 6).await;
    replicas.agree(&spend, 0, held).await;
    let second = caller(1).made(&lines("fast", &["v", "w", "x", "y"])).await;
    replicas.agree(&requests, 0, 10).await;
    let body = json!({"model": "fast", "max_tokens": 1, "messages": [{"role": "user", "content": "Hello"}]});
    let full = replicas.all[2].post("/v1/chat/completions", &key, body.to_string()).await;
    assert_eq!(full.status, 429, "{}", full.text);

    // What is held is said again where it was lost.
    replicas.redis.stop();
    replicas.stand(Standing::Apart).await;
    replicas.redis.restart();
    replicas.together().await;
    replicas.agree(&requests, 0, 10).await;
    assert_eq!(in_redis(&replicas, &requests), 10);

    // It ends while all replicas look at it, again and again.
    let is_over = AtomicBool::new(false);
    let lookers = (0..3).map(async |place: usize| {
        let mut looks = 0;
        while !is_over.load(SeqCst) {
            for batch in [&first, &second] {
                let caller = Caller { gateway: &replicas.all[place], key: &key };
                let batch = caller.get(&format!("/v1/batches/{batch}")).await;
                assert_eq!(batch.status, 200, "{}", batch.text);
                if let Some(file) = batch.json()["output_file_id"].as_str() {
                    assert_eq!(caller.get(&format!("/v1/files/{file}/content")).await.status, 200);
                    looks += 1;
                }
            }
        }
        looks
    });
    let end = async {
        provider.end(&first, State::Completed);
        replicas.agree(&requests, 6, 4).await;
        provider.end(&second, State::Completed);
        replicas.agree(&requests, 10, 0).await;
        replicas.agree(&spend, 10 * COST, 0).await;
        is_over.store(true, SeqCst);
    };
    let (looks, ()) = tokio::join!(join_all(lookers), end);
    assert!(looks.iter().sum::<usize>() > 0, "nobody has seen results");

    for replica in &replicas.all {
        replica.gateway.flush().await.unwrap();
    }
    let calls = of_batches(replicas.all[2].calls().await);
    let ids: BTreeSet<_> = calls.iter().map(|call| call.batch.as_ref().unwrap().custom_id.clone()).collect();
    assert_eq!((calls.len(), ids.len()), (10, 10));
    assert!(calls.iter().all(|call| call.status == CallStatus::Ok && call.cost_usd.unwrap().0 == COST), "{calls:?}");
    for (limit, amount) in [(&requests, 10), (&spend, 10 * COST)] {
        assert_eq!((in_sql(&replicas, limit).await, in_redis(&replicas, limit)), (amount, amount));
    }
}
