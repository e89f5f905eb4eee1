//! Several gateways over one Redis and one database.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use llm_core::NanoUsd;
use llm_gateway::config::Config;
use llm_gateway::limits::{Estimate, Limit, LimitStatus, Refusal, Reservation, Scope, Standing, Subject};
use tempfile::TempDir;

use super::{TestGateway, TestRedis};

/// How long anything may take that comes by itself.
const PATIENCE: Duration = Duration::from_secs(40);

/// Gateways that share everything.
#[derive(Debug)]
pub struct Replicas {
    /// Each.
    pub all: Vec<TestGateway>,
    /// By which they share their limits.
    pub redis: TestRedis,
    /// What each is configured with.
    pub config: String,
    /// Where their database is.
    pub folder: TempDir,
}

impl Replicas {
    /// Three of them, whose calls wait for at most `deadline`.
    pub async fn start(deadline: &str, more: &str) -> Self {
        let redis = TestRedis::start();
        let config = format!("redis = \"{}\"\nredis_deadline = \"{deadline}\"\n{more}", redis.url());
        let mut replicas = Self { all: Vec::new(), redis, config, folder: tempfile::tempdir().unwrap() };
        for _ in 0..3 {
            replicas.add().await;
        }
        replicas.together().await;
        replicas
    }

    /// One more.
    pub async fn add(&mut self) {
        let database = llm_gateway::testing::url(&self.folder.path().join("test.db"));
        let share = |config: &mut Config| config.database = database.parse().unwrap();
        let replica = TestGateway::start_with(&self.config, share).await;
        self.all.push(replica);
    }

    /// Waits until what was changed by any of them is in force in all.
    pub async fn refresh(&self) {
        for replica in &self.all {
            replica.gateway.keys().refresh().await.unwrap();
        }
    }

    /// Puts a limit in force in each.
    pub fn put(&self, scope: Scope, spec: &str) -> Limit {
        let limit = Limit::derived(scope, spec.parse().unwrap());
        self.all.iter().for_each(|replica| replica.gateway.ledger().put(limit.clone()).unwrap());
        limit
    }

    /// Reserves `estimate` in one of them.
    pub async fn admit(&self, place: usize, subject: &Subject<'_>, estimate: Estimate) -> Result<Reservation, Refusal> {
        let gateway = &self.all[place % self.all.len()].gateway;
        gateway.ledger().admit(gateway.now_ms(), subject, &estimate).await
    }

    /// Reserves it `count` times at once, in all of them.
    pub async fn storm(
        &self,
        count: usize,
        subject: &Subject<'_>,
        estimate: Estimate,
    ) -> (Vec<Reservation>, Vec<Refusal>) {
        let words = join_all((0..count).map(|place| self.admit(place, subject, estimate))).await;
        let (granted, refused): (Vec<_>, Vec<_>) = words.into_iter().partition(Result::is_ok);
        (granted.into_iter().map(Result::unwrap).collect(), refused.into_iter().map(Result::unwrap_err).collect())
    }

    /// What each knows of a limit.
    pub fn statuses(&self, limit: &Limit) -> Vec<LimitStatus> {
        let status = |replica: &TestGateway| {
            let gateway = &replica.gateway;
            gateway.ledger().status(gateway.now_ms(), &limit.id).unwrap()
        };
        self.all.iter().map(status).collect()
    }

    /// Waits until all know that this is used and reserved of a limit.
    pub async fn agree(&self, limit: &Limit, used: i64, reserved: i64) {
        let agrees = |status: &LimitStatus| (status.used, status.reserved) == (used, reserved);
        let told = || self.statuses(limit).iter().map(|status| (status.used, status.reserved)).collect::<Vec<_>>();
        eventually(|| self.statuses(limit).iter().all(agrees), || format!("{used} and {reserved} of {:?}", told()))
            .await;
    }

    /// Waits until the shared counters decide in all.
    pub async fn together(&self) {
        self.stand(Standing::Together).await;
    }

    /// Waits until all stand so.
    pub async fn stand(&self, standing: Standing) {
        let all = || self.all.iter().map(|replica| replica.gateway.ledger().standing()).collect::<Vec<_>>();
        eventually(|| all().iter().all(|one| *one == Some(standing)), || format!("{standing:?} of {:?}", all())).await;
    }
}

/// Waits until something is so.
pub async fn eventually(is: impl Fn() -> bool, what: impl Fn() -> String) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < PATIENCE, "it was awaited in vain: {}", what());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A subject that is its key.
pub fn key() -> Subject<'static> {
    Subject { key: "k", ..Subject::default() }
}

/// Some call.
pub const CALL: Estimate = Estimate { spend: Some(NanoUsd(10)), input_tokens: 3, output_tokens: 7 };
