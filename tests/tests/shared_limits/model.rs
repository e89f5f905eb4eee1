//! Whatever happens in whatever order, replicas decide and count together as one ledger in memory does: lines break, what
//! is said comes late and twice, Redis forgets, and windows go by.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use llm_core::NanoUsd;
use llm_gateway::limits::{Actual, Estimate, Ledger, Limit, Reservation, Scope, Standing, Subject};
use llm_tests::live::{Door, Replicas, eventually};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::apart;

/// Each with its window; all are so tight that some calls are refused.
const LIMITS: [&str; 4] =
    ["requests=12/24h", "spend=0.0000006/total", "output_tokens=500/day", "input_tokens=14/month"];
/// The parts of the window that slides, in milliseconds. Days begin with one of them. Time is moved by them, and stands
/// still between, so nobody's clock is in another part than the others', though all but one go on a little.
const PART: i64 = 1_440_000;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A call of that size asks at a replica.
    Ask { place: usize, size: u8 },
    /// The same, and the line breaks meanwhile: before the question is sent, before the answer comes, or behind it.
    AskInVain { place: usize, size: u8, moment: u8 },
    /// A call under way ends, having used so many percent of what it held.
    Settle { call: usize, percent: u8 },
    /// A call under way was not made.
    Cancel { call: usize },
    /// A replica can reach Redis again.
    Open { place: usize },
    /// Redis forgets everything.
    Empty,
    /// A call of that size asks at a replica, or something else is said there: it is on its way when the line breaks.
    AskLate { place: usize, size: u8 },
    /// What is on its way comes, so many times.
    Arrive { place: usize, times: usize },
    /// So many parts of the window that slides go by.
    Pass { parts: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (place, size, call) = (0..3_usize, 1..=120_u8, any::<usize>());
    prop_oneof![
        8 => (place.clone(), size.clone()).prop_map(|(place, size)| Step::Ask { place, size }),
        2 => (place.clone(), size.clone(), 0..8_u8)
            .prop_map(|(place, size, moment)| Step::AskInVain { place, size, moment }),
        4 => (call, 0..=130_u8).prop_map(|(call, percent)| Step::Settle { call, percent }),
        2 => call.prop_map(|call| Step::Cancel { call }),
        2 => place.clone().prop_map(|place| Step::Open { place }),
        1 => Just(Step::Empty),
        2 => (place.clone(), size).prop_map(|(place, size)| Step::AskLate { place, size }),
        2 => (place, 1..=2_usize).prop_map(|(place, times)| Step::Arrive { place, times }),
        1 => (1..=5_i64).prop_map(|parts| Step::Pass { parts }),
        1 => (1..=130_i64).prop_map(|parts| Step::Pass { parts }),
    ]
}

fn estimate(size: u8) -> Estimate {
    Estimate { spend: Some(NanoUsd(i64::from(size))), input_tokens: 1, output_tokens: u64::from(size) }
}

/// The replicas, and the ledger that they must be like.
struct Case<'a> {
    replicas: &'a mut Replicas,
    doors: &'a [Door],
    key: String,
    limits: Vec<Limit>,
    model: Ledger,
    /// The time, in milliseconds since 1970. It is the future, which Redis is told to be in.
    time: &'a Cell<i64>,
    /// Each call under way, in both.
    calls: Vec<(Reservation, Reservation)>,
}

impl Case<'_> {
    fn now(&self) -> i64 {
        self.time.get()
    }

    /// Lets time pass, until whoever hears of it has.
    async fn pass(&self, parts: i64) {
        self.time.set(self.time.get() + parts * PART);
        self.replicas.redis.pass(self.time.get());
        let is_told = |place: usize| {
            let gateway = &self.replicas.all[place].gateway;
            gateway.ledger().clock(gateway.now_ms()) >= self.now()
        };
        let is_cut_off = |place| self.standing(place) != Some(Standing::Together);
        eventually(|| (0..3).all(|place| is_cut_off(place) || is_told(place)), || "all know the time".to_owned()).await;
    }

    fn standing(&self, place: usize) -> Option<Standing> {
        self.replicas.all[place].gateway.ledger().standing()
    }

    fn all_together(&self) -> bool {
        (0..3).all(|place| self.standing(place) == Some(Standing::Together))
    }

    /// Whether Redis holds what the model does.
    fn is_counted(&self) -> bool {
        let counted = self.replicas.redis.counted();
        self.limits.iter().all(|limit| {
            let status = self.model.status(self.now(), &limit.id).unwrap();
            let found = counted.iter().find(|(name, _)| name.ends_with(&format!("/{}", limit.id)));
            found.map_or(0, |(_, sum)| *sum) == status.used + status.reserved
        })
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Ask { place, size } => self.ask(place, size).await,
            Step::AskInVain { place, size, moment } => {
                let door = &self.doors[place];
                let trouble = async {
                    for _ in 0..moment {
                        tokio::task::yield_now().await;
                    }
                    door.shut();
                };
                self.ask_in(trouble, place, size).await;
            }
            Step::AskLate { place, size } => {
                self.doors[place].catch();
                self.ask_in(async {}, place, size).await;
            }
            Step::Arrive { place, times } => self.doors[place].deliver(times).await,
            Step::Pass { parts } => self.pass(parts).await,
            Step::Settle { call, percent } => {
                if let Some((held, model)) = self.take(call) {
                    let size = model.estimate().output_tokens * u64::from(percent) / 100;
                    let spend = Some(NanoUsd(i64::try_from(size).unwrap()));
                    let used = Actual { spend, input_tokens: 1, output_tokens: size };
                    assert_eq!(held.settle(&used).overrun, model.settle(&used).overrun);
                }
            }
            Step::Cancel { call } => {
                if let Some((held, model)) = self.take(call) {
                    held.cancel();
                    model.cancel();
                }
            }
            Step::Open { place } => self.doors[place].open(),
            Step::Empty => self.replicas.redis.empty_at(self.now()),
        }
    }

    fn take(&mut self, call: usize) -> Option<(Reservation, Reservation)> {
        let count = self.calls.len();
        (count > 0).then(|| self.calls.swap_remove(call % count))
    }

    /// A call of that size asks at a replica while there is trouble, so that it may be granted by any word.
    async fn ask_in(&mut self, trouble: impl Future<Output = ()>, place: usize, size: u8) {
        let (key, estimate) = (self.key.clone(), estimate(size));
        let subject = Subject { key: &key, ..Subject::default() };
        let (word, ()) = tokio::join!(self.replicas.admit(place, &subject, estimate), trouble);
        if let Ok(held) = word {
            self.took(held, estimate);
        }
    }

    /// What was granted without all being together, the model holds, too, whatever it would have said.
    fn took(&mut self, held: Reservation, estimate: Estimate) {
        let model = self.model.hold(self.now(), &held.charges(), estimate);
        self.calls.push((held, model));
    }

    async fn ask(&mut self, place: usize, size: u8) {
        // What has just ended is told on the way, and who is cut off notices soon.
        let (key, estimate) = (self.key.clone(), estimate(size));
        let subject = Subject { key: &key, ..Subject::default() };
        eventually(|| !self.all_together() || self.is_counted(), || "all is told".to_owned()).await;
        let is_exact = self.all_together();
        let word = self.replicas.admit(place, &subject, estimate).await;
        if !(is_exact && self.all_together()) {
            if let Ok(held) = word {
                self.took(held, estimate);
            }
            return;
        }
        let model = self.model.reserve(self.now(), &subject, &estimate);
        match (word, model) {
            (Ok(held), Ok(model)) => self.calls.push((held, model)),
            (Err(word), Err(model)) => assert_eq!(word.limit().id, model.limit().id),
            (word, model) => panic!("replicas say {word:?}, one ledger says {model:?}"),
        }
    }

    /// In the end all are together, and count what the model counts.
    async fn end(&mut self) {
        for door in self.doors {
            door.open();
            // Whatever is still on its way comes now.
            door.deliver(2).await;
        }
        eventually(|| self.all_together() && self.is_counted(), || "all together".to_owned()).await;
        for limit in &self.limits {
            let status = self.model.status(self.now(), &limit.id).unwrap();
            self.replicas.agree(limit, status.used, status.reserved).await;
        }
        for (held, model) in self.calls.drain(..) {
            held.cancel();
            model.cancel();
        }
        for limit in &self.limits {
            let status = self.model.status(self.now(), &limit.id).unwrap();
            self.replicas.agree(limit, status.used, 0).await;
        }
    }
}

#[test]
fn replicas_count_as_one_ledger_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut replicas, doors) = runtime.block_on(apart::start());
    let now = replicas.all[0].gateway.now_ms();
    let time = Cell::new((now / PART + 2) * PART + 1_000);
    replicas.redis.pass(time.get());
    let (replicas, number) = (std::cell::RefCell::new(&mut replicas), AtomicUsize::new(0));
    let config = Config { cases: 16, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let all = TestRunner::new(config).run(&proptest::collection::vec(step(), 1..50), |steps| {
        let mut replicas = replicas.borrow_mut();
        let key = format!("key{}", number.fetch_add(1, SeqCst));
        let limits: Vec<Limit> = LIMITS.iter().map(|spec| replicas.put(Scope::key(&*key), spec)).collect();
        let model = Ledger::new();
        limits.iter().for_each(|limit| model.put(limit.clone()).unwrap());
        let mut case =
            Case { replicas: &mut replicas, doors: &doors, key, limits, model, time: &time, calls: Vec::new() };
        runtime.block_on(async {
            // Those of the case before are over, and all know what time it is.
            case.replicas.together().await;
            case.pass(1).await;
            for step in steps {
                case.run(step).await;
            }
            case.end().await;
        });
        Ok(())
    });
    all.unwrap();
}
