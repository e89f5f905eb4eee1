//! The matrix: its limits and callers, on one gateway or on several, and what must be true of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use llm_gateway::limits::{LimitMeter, ScopeKind};
use llm_gateway::record::{CallRecord, CallStatus};
use llm_tests::live::{TestGateway, Upstream, eventually};

use super::group::Group;
use crate::callers::{Caller, Manner};

/// Calls of one limit at the same time.
const CALLERS: usize = 500;

/// What all gateways of a matrix are configured with.
pub(super) fn config(upstream: &Upstream, combinations: &[(ScopeKind, LimitMeter)]) -> String {
    let provider = format!("[providers.mock]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"\n", upstream.url);
    combinations.iter().fold(provider, |config, &(kind, meter)| config + &Group::model(kind, meter))
}

/// At which of some gateways a caller calls: whatever else his number decides, some of each kind call at each.
pub(super) fn place_of(number: usize, gateways: usize) -> usize {
    number / 3 % gateways
}

/// Limits, and five hundred callers who go from one to the next.
pub(super) struct Matrix<'a> {
    pub(super) groups: Vec<Arc<Group>>,
    gateways: &'a [TestGateway],
    upstream: &'a Upstream,
    is_over: AtomicBool,
}

/// A burst of calls under one limit while it goes on.
pub(super) struct Burst<'a> {
    pub(super) group: &'a Group,
    pub(super) gateways: &'a [TestGateway],
    upstream: &'a Upstream,
    is_over: &'a AtomicBool,
}

impl Burst<'_> {
    /// By how much calls in flight may pass the limit because nobody bounds their answers.
    pub(super) fn excess(&self) -> i64 {
        self.group.excess(self.upstream.most_at_once())
    }

    /// How many call at each gateway.
    pub(super) fn callers(&self) -> Vec<i64> {
        let mut callers = vec![0; self.gateways.len()];
        (0..CALLERS).for_each(|number| callers[place_of(number, self.gateways.len())] += 1);
        callers
    }

    /// Whether all have been answered.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }
}

impl<'a> Matrix<'a> {
    pub(super) async fn new(
        upstream: &'a Upstream,
        gateways: &'a [TestGateway],
        combinations: &[(ScopeKind, LimitMeter)],
    ) -> Self {
        let mut groups = Vec::new();
        for &(kind, meter) in combinations {
            groups.push(Arc::new(Group::make(&gateways[0], kind, meter).await));
        }
        for gateway in gateways {
            gateway.gateway.keys().refresh().await.unwrap();
        }
        Self { groups, gateways, upstream, is_over: AtomicBool::new(false) }
    }

    /// The most that may be had and held of a limit at any time. What the provider has answered and its gateway has not
    /// yet settled is in flight as well: on a busy machine as many again.
    pub(super) fn most(&self, group: &Group) -> i64 {
        group.amount + group.excess(2 * self.upstream.most_at_once())
    }

    /// Looks again and again while the matrix runs, and gives all that was found.
    pub(super) async fn watched(&self, look: impl Fn() -> Vec<String>) -> Vec<String> {
        let mut found = Vec::new();
        while !self.is_over.load(SeqCst) {
            found.extend(look());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        found
    }

    /// Runs all of it. `meanwhile` happens during each burst of calls, and says how much more may pass for its
    /// sake, or how much less.
    pub(super) async fn run(&self, mut meanwhile: impl AsyncFnMut(Burst<'_>) -> i64) {
        let begun = Instant::now();
        let places: Arc<[String]> =
            self.gateways.iter().map(|gateway| gateway.url.trim_start_matches("http://").to_owned()).collect();
        let mut callers: Vec<Caller> = (0..CALLERS).map(|_| Caller::default()).collect();
        let mut passed = Vec::new();
        for group in &self.groups {
            let (admitted, is_over) = (Arc::new(AtomicUsize::new(0)), AtomicBool::new(false));
            let burst = Burst { group, gateways: self.gateways, upstream: self.upstream, is_over: &is_over };
            let calls = async {
                let callers = group.clone().burst(places.clone(), callers, admitted.clone()).await;
                is_over.store(true, SeqCst);
                callers
            };
            let (back, more) = tokio::join!(calls, meanwhile(burst));
            callers = back;
            passed.push((admitted.load(SeqCst), more));
        }
        for (group, (admitted, more)) in self.groups.iter().zip(passed) {
            self.settled(group).await;
            self.has_room_for_no_more(group, admitted, more, &places, &mut callers).await;
        }
        self.is_over.store(true, SeqCst);
        let calls = self.agrees_with_the_records().await;
        println!("{} limits, {calls} calls in {:?}", self.groups.len(), begun.elapsed());
    }

    /// Waits until nobody holds anything and all know the same. Calls that were left by their callers end by themselves.
    async fn settled(&self, group: &Group) {
        let told = || self.gateways.iter().map(|one| group.status(one)).map(|status| (status.used, status.reserved));
        let told = || told().collect::<Vec<_>>();
        let is_settled = || told().iter().all(|&one| one == (told()[0].0, 0));
        eventually(is_settled, || format!("{} at rest: {:?}", group.name, told())).await;
    }

    /// What was allowed has passed, and no more: what is refused now would not fit, though nobody else calls.
    async fn has_room_for_no_more(
        &self,
        group: &Group,
        admitted: usize,
        more: i64,
        places: &[String],
        callers: &mut [Caller],
    ) {
        let before = group.status(&self.gateways[0]);
        assert!(before.used <= self.most(group) + more.max(0), "{}: {before:?}, {more} more", group.name);
        if group.meter == LimitMeter::Requests {
            assert_eq!(before.used, admitted as i64, "{}", group.name);
            assert!(admitted as i64 >= group.amount + more || more > 0, "{}: {admitted}", group.name);
        }
        if group.meter == LimitMeter::Concurrency {
            assert!(admitted >= group.amount as usize, "{}: {admitted}", group.name);
            assert_eq!(group.call(&places[0], &mut callers[1], 1, Manner::Patient).await, 200);
            return;
        }
        let (mut refused, mut rounds) = (false, 0);
        while !refused && rounds < CALLERS {
            let number = 3 * (rounds % places.len()) + 1;
            let place = &places[place_of(number, places.len())];
            refused = group.call(place, &mut callers[number], 1, Manner::Patient).await == 429;
            rounds += 1;
        }
        self.settled(group).await;
        let after = group.status(&self.gateways[0]);
        assert!(refused && after.remaining < group.smallest(), "{}: {after:?}", group.name);
    }

    /// What the limits have counted is what the records say, and what was refused reached nobody. Gives the number of
    /// records.
    async fn agrees_with_the_records(&self) -> usize {
        for gateway in self.gateways {
            gateway.gateway.flush().await.unwrap();
        }
        let calls = self.gateways[0].calls().await;
        for group in &self.groups {
            let own: Vec<&CallRecord> = calls.iter().filter(|call| *call.model == *group.name).collect();
            let used: i64 = own.iter().map(|call| group.used_by(call)).sum();
            self.settled(group).await;
            assert_eq!(group.status(&self.gateways[0]).used, used, "{}", group.name);
            assert!(own.len() <= 2 * CALLERS + 1 && own.len() > CALLERS * 2 / 3, "{}: {}", group.name, own.len());
            for refused in own.iter().filter(|call| call.status == CallStatus::Refused) {
                assert!(refused.attempts.is_empty() && refused.usage.is_zero(), "{refused:?}");
            }
            let is_within = |call: &&CallRecord| call.overrun_usd.0 == 0;
            assert!(group.excess(1) > 0 || own.iter().all(is_within), "{}", group.name);
        }
        let attempts: usize = calls.iter().map(|call| call.attempts.len()).sum();
        // A caller can be gone before its request has left.
        let sent = self.upstream.seen().len();
        assert!(sent <= attempts && sent * 10 > attempts * 9, "{sent} of {attempts}");
        calls.len()
    }
}
