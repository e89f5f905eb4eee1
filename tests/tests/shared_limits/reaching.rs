//! Reaching Redis: by TLS under a private authority, as a user with a password, and what can't hold shared counters.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use llm_gateway::Gateway;
use llm_gateway::config::Config;
use llm_gateway::limits::{Scope, Standing};
use llm_tests::live::{CALL, TestGateway, TestRedis, eventually, key};

/// A user who may do what a gateway does, and nothing else: `docs/replicas.md` names the same rights.
const USER: &str = "gateway on >hunter2 resetchannels ~llm-gateway:* &llm-gateway:* -@all +info +script|load +evalsha \
    +time +get +set +incr +del +exists +pexpire +hget +hset +hsetnx +hmget +hgetall +hdel +hexists +hincrby +sadd +srem \
    +sismember +zadd +zrem +zcount +zscore +zrange +zrangebyscore +publish +subscribe";

/// Within which time a program ends that can't start.
const PATIENCE: Duration = Duration::from_secs(30);

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

    // Who does not know the authority, or speaks in the clear, does not reach it, and serves by itself.
    for redis in [
        format!("redis = \"rediss://gateway:hunter2@{place}\""),
        format!("redis = \"redis://gateway:hunter2@{place}\""),
    ] {
        let alone = start(&redis).await;
        assert_eq!(alone.gateway.ledger().standing(), Some(Standing::Apart), "{redis}");
        alone.stop().await;
    }
}

/// Why a gateway does not start.
async fn refused(redis: &str) -> llm_core::Error {
    let folder = tempfile::tempdir().unwrap();
    let (mut config, _) = Config::parse("test.toml", redis, &|_| None).unwrap();
    llm_gateway::testing::settle(&mut config, folder.path());
    Gateway::open(config).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_stops_the_start() {
    let redis = TestRedis::with(&["--cluster-enabled", "yes"]);
    let error = refused(&format!("redis = \"{}\"", redis.url())).await;
    assert!(error.message().contains("clusters and sentinels are not supported"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_nobody_in_stops_the_start_and_one_that_is_down_does_not() {
    let mut redis = TestRedis::start();
    let place = format!("127.0.0.1:{}", redis.port());
    // Rights that are a few too few: by the first it can't be asked what it is, by the second it takes no scripts.
    let rights = USER.replace("gateway on", "blind on").replace(" +info", "");
    redis.configure(&["ACL", "SETUSER"], &rights);
    redis.configure(&["ACL", "SETUSER"], &USER.replace("gateway on", "mute on").replace(" +script|load", ""));
    redis.configure(&["CONFIG", "SET", "requirepass"], "hunter2");
    for (who, expected) in [
        ("", "wants a password"),
        (":wrong@", "refuses the user or the password"),
        ("default:wrong@", "refuses the user or the password"),
        ("nobody:hunter2@", "refuses the user or the password"),
        ("blind:hunter2@", "does not allow the user"),
        ("mute:hunter2@", "does not allow the user"),
    ] {
        let error = refused(&format!("redis = \"redis://{who}{place}\"")).await;
        assert!(error.message().contains(expected), "{who}: {error}");
        let told = format!("{error} {error:?} {:?}", error.hint());
        assert!(!told.contains("hunter2") && !told.contains("wrong@"), "{told}");
    }
    let shared = start(&format!("redis = \"redis://:hunter2@{place}\"")).await;
    assert_eq!(shared.gateway.ledger().standing(), Some(Standing::Together));
    shared.stop().await;

    // The same of the real program: it ends, says why, and does not repeat the password.
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway-under-test"));
    command.arg("serve").current_dir(folder.path()).env_clear().env("LLM_GATEWAY_LISTEN", "127.0.0.1:0");
    command.env("LLM_GATEWAY_REDIS", format!("redis://:swordfish@{place}"));
    let mut program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while program.try_wait().unwrap().is_none() && begin.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // One that goes on is ended, and then its status tells.
    let _ = program.kill();
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: the server of the shared limits refuses the user or the password"), "{said}");
    assert!(!said.contains("swordfish"), "{said}");

    redis.stop();
    let alone = start(&format!("redis = \"redis://:wrong@{place}\"")).await;
    assert_eq!(alone.gateway.ledger().standing(), Some(Standing::Apart));
    alone.stop().await;
}
