//! Six scopes by six meters: five hundred callers at once, streaming and not, a third of whom hang up, while some of the
//! provider's answers fail. No limit is exceeded, what is refused takes nothing, and what is allowed passes: in one
//! process, on three replicas over Redis, and on three replicas while Redis is lost.
//!
//! Replicas run six of the combinations, in which each scope and each meter stands once; with `LLM_TEST_MATRIX=all`
//! (`cargo xtask soak limits`) they run all.

mod fleet;
mod group;
mod outage;
mod provider;

use llm_gateway::limits::{LimitMeter, ScopeKind};
use llm_tests::live::{Replicas, TestGateway, Upstream};

use fleet::{Matrix, config};
use group::Group;

fn all() -> Vec<(ScopeKind, LimitMeter)> {
    ScopeKind::ALL.iter().flat_map(|kind| LimitMeter::ALL.iter().map(|meter| (*kind, *meter))).collect()
}

/// Those that replicas run.
fn chosen() -> Vec<(ScopeKind, LimitMeter)> {
    if std::env::var("LLM_TEST_MATRIX").is_ok_and(|which| which == "all") {
        return all();
    }
    vec![
        (ScopeKind::Organization, LimitMeter::Tokens),
        (ScopeKind::Team, LimitMeter::Spend),
        (ScopeKind::User, LimitMeter::OutputTokens),
        (ScopeKind::Key, LimitMeter::InputTokens),
        (ScopeKind::EndUser, LimitMeter::Requests),
        (ScopeKind::Tag, LimitMeter::Concurrency),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_limit_of_any_scope_and_meter_is_exceeded() {
    let upstream = Upstream::start(provider::answer).await;
    let gateway = TestGateway::start(&config(&upstream, &all())).await;
    let matrix = Matrix::new(&upstream, std::slice::from_ref(&gateway), &all()).await;
    let passed = |group: &Group| {
        let (had, most) = (group.own_and_others(&gateway).0, matrix.most(group));
        (had > most).then(|| format!("{}: {had} of {most}", group.name))
    };
    let over = matrix.watched(|| matrix.groups.iter().filter_map(|group| passed(group)).collect());
    let ((), over) = tokio::join!(matrix.run(async |_| 0), over);
    assert!(over.is_empty(), "limits were passed for a while: {over:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_limit_is_exceeded_on_three_replicas() {
    let upstream = Upstream::start(provider::answer).await;
    let replicas = Replicas::start("30s", &config(&upstream, &chosen())).await;
    let matrix = Matrix::new(&upstream, &replicas.all, &chosen()).await;
    // Redis holds what all hold together; what a replica knows of the others is a little older.
    let passed = |(name, sum): &(String, i64)| {
        let group = matrix.groups.iter().find(|group| group.is_named(name))?;
        (*sum > matrix.most(group)).then(|| format!("{}: {sum} of {}", group.name, matrix.most(group)))
    };
    let over = matrix.watched(|| replicas.redis.counted().iter().filter_map(passed).collect());
    let ((), over) = tokio::join!(matrix.run(async |_| 0), over);
    assert!(over.is_empty(), "limits were passed for a while: {over:?}");
}

/// Law: without Redis, each replica spends what was left divided by the replicas there were. So none goes beyond what it
/// had when Redis was lost and its share, and all together pass a limit by a third of what each had not yet seen of the
/// others, which is what they took in the last moments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_that_lose_redis_spend_their_shares() {
    let upstream = Upstream::start(provider::answer).await;
    let mut replicas = Replicas::start("30s", &config(&upstream, &chosen())).await;
    let Replicas { all, redis, .. } = &mut replicas;
    let matrix = Matrix::new(&upstream, all, &chosen()).await;
    matrix.run(async |burst| outage::strike(burst, redis).await).await;
}
