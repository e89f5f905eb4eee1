//! Reaching Redis: by TLS under a private authority, as a user with a password, and what can't hold shared counters.

use llm_gateway::Gateway;
use llm_gateway::config::Config;
use llm_gateway::limits::{Scope, Standing};
use llm_tests::live::{CALL, TestGateway, TestRedis, eventually, key};

/// A user who may do what a gateway does, and nothing else: `docs/replicas.md` names the same rights.
const USER: &str = "gateway on >hunter2 resetchannels ~llm-gateway:* &llm-gateway:* -@all +info +script|load +evalsha \
    +time +get +set +incr +del +exists +pexpire +hget +hset +hsetnx +hmget +hgetall +hdel +hexists +hincrby +sadd +srem \
    +sismember +zadd +zrem +zcount +zscore +zrange +zrangebyscore +publish +subscribe";

async fn start(redis: &str) -> TestGateway {
    TestGateway::start(&format!("redis_deadline = \"30s\"\n{redis}")).await
}

fn authority() -> String {
    format!("redis_ca = \"{}\"", TestRedis::authority().display())
}

/// Whether limits are shared, and if so, that they are.
async fn is_shared(gateway: &TestGateway, redis: &TestRedis) -> bool {
    if gateway.gateway.ledger().standing() != Some(Standing::Together) {
        return false;
    }
    let limit = llm_gateway::limits::Limit::derived(Scope::key("k"), "requests=5/total".parse().unwrap());
    gateway.gateway.ledger().put(limit).unwrap();
    let held = gateway.gateway.ledger().admit(gateway.gateway.now_ms(), &key(), &CALL).await.unwrap();
    let counted = redis.counted();
    held.cancel();
    matches!(&counted[..], [(name, 1)] if name.starts_with("requests/total/"))
}

#[tokio::test(flavor = "multi_thread")]
async fn by_tls_under_a_private_authority_as_a_user_with_few_rights() {
    let (redis, place) =
        TestRedis::with_tls(&["--user"].into_iter().chain(USER.split_whitespace()).collect::<Vec<_>>());
    let shared = start(&format!("redis = \"rediss://gateway:hunter2@{place}\"\n{}", authority())).await;
    assert!(is_shared(&shared, &redis).await);

    eventually(|| redis.listeners() == 1, || "someone who listens for changes".to_owned()).await;
    let told = shared.get("/readyz", "").await;
    assert!(!told.text.contains("hunter2"), "{}", told.text);
    shared.stop().await;

    // Who does not know the authority, or the password, does not get in, and serves by itself.
    for redis in [
        format!("redis = \"rediss://gateway:hunter2@{place}\""),
        format!("redis = \"rediss://gateway:wrong@{place}\"\n{}", authority()),
        format!("redis = \"redis://gateway:hunter2@{place}\""),
    ] {
        let alone = start(&redis).await;
        assert_eq!(alone.gateway.ledger().standing(), Some(Standing::Apart), "{redis}");
        alone.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_stops_the_start() {
    let redis = TestRedis::with(&["--cluster-enabled", "yes"]);
    let folder = tempfile::tempdir().unwrap();
    let (mut config, _) = Config::parse("test.toml", &format!("redis = \"{}\"", redis.url()), &|_| None).unwrap();
    llm_gateway::testing::settle(&mut config, folder.path());
    let error = Gateway::open(config).await.unwrap_err();
    assert!(error.message().contains("clusters and sentinels are not supported"), "{error}");
}
