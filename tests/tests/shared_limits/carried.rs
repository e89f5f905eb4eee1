//! What was counted before it came here: every replica reads it, and it counts once.

use llm_gateway::keys::KeyDraft;
use llm_gateway::limits::{LimitDraft, Standing};
use llm_gateway::store::query;
use llm_tests::live::Replicas;
use serde_json::{from_value, json};

const COUNT: &str = "INSERT INTO counters (limit_id, bucket, until, amount, journal) VALUES ($1, 0, $2, $3, '')
    ON CONFLICT (limit_id, bucket, journal) DO UPDATE SET amount = excluded.amount";
const CHANGE: &str = "INSERT INTO changes (kind, id) VALUES ('limit', $1)";

#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_carries_over_counts_once_on_all_replicas() {
    let mut replicas = Replicas::start("30s", "").await;
    let (keys, db) = (replicas.all[0].gateway.keys().clone(), replicas.all[0].gateway.db().clone());
    let key = keys.create(from_value::<KeyDraft>(json!({"name": "k", "limits": []})).unwrap()).await.unwrap().key;
    let draft =
        json!({"scope": {"kind": "key", "id": key.id.as_str()}, "meter": "requests", "window": "total", "amount": 100});
    let limit = keys.create_limit(from_value::<LimitDraft>(draft).unwrap()).await.unwrap();
    replicas.refresh().await;
    // As an import does it, and does it again when more was spent in the old place.
    for amount in [40, 60] {
        query(COUNT).bind(limit.id.as_str()).bind(i64::MAX).bind(amount).execute(&db).await.unwrap();
        query(CHANGE).bind(limit.id.as_str()).execute(&db).await.unwrap();
        replicas.refresh().await;
        replicas.agree(&limit, amount, 0).await;
    }
    let subject = llm_gateway::limits::Subject { key: key.id.as_str(), ..Default::default() };
    let (granted, refused) = replicas.storm(50, &subject, llm_tests::live::CALL).await;
    assert_eq!((granted.len(), refused.len()), (40, 10));
    replicas.agree(&limit, 60, 40).await;
    granted.into_iter().for_each(llm_gateway::limits::Reservation::cancel);

    // All is put together again, from the replicas and the database.
    replicas.redis.stop();
    replicas.stand(Standing::Apart).await;
    replicas.redis.restart();
    replicas.together().await;
    replicas.agree(&limit, 60, 0).await;
    assert!(matches!(&replicas.redis.counted()[..], [(_, 60)]), "{:?}", replicas.redis.counted());
    // Who starts anew knows it, too.
    replicas.add().await;
    replicas.together().await;
    replicas.agree(&limit, 60, 0).await;
}
