//! What a call costs in limits, journal and database: `cargo bench -p llm-gateway --bench money`.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use llm_core::{Meter, NanoUsd, Protocol, Usage};
use llm_gateway::journal::Sizes;
use llm_gateway::limits::{Actual, Charge, Estimate, Ledger, Limit, LimitSpec, Scope, Subject};
use llm_gateway::record::{Attempt, CallId, CallStatus, OpenRecord, Outcome};
use llm_gateway::store::{Books, Db};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const KEY: &str = "019b76da-a800-7000-8000-000000000001";
const ESTIMATE: Estimate = Estimate { spend: Some(NanoUsd(1_000)), input_tokens: 500, output_tokens: 1_000 };

/// A key with four limits, among `keys` of them.
fn ledger(keys: usize) -> Ledger {
    let ledger = Ledger::new();
    for key in 0..keys {
        let key = if key == 0 { KEY.to_owned() } else { format!("key {key}") };
        for text in
            ["spend=1000000/month", "requests=1000000000/minute", "tokens=1000000000000/hour", "concurrency=9999"]
        {
            ledger.put(Limit::derived(Scope::key(key.as_str()), text.parse::<LimitSpec>().unwrap())).unwrap();
        }
    }
    ledger
}

fn subject() -> Subject<'static> {
    Subject { key: KEY, team: Some("team"), models: &["fast", "openai:gpt-4o-mini"], ..Subject::default() }
}

fn open(charges: Vec<Charge>) -> OpenRecord {
    let created_at = Timestamp::now();
    OpenRecord {
        id: CallId::new(created_at),
        created_at,
        key: KEY.into(),
        team: Some("team".into()),
        user: None,
        organization: None,
        end_user: None,
        tags: Vec::new(),
        operation: "chat".into(),
        protocol: Protocol::OpenAiChat,
        model: "fast".into(),
        provider: Some("openai".into()),
        deployment: Some("openai:gpt-4o-mini".into()),
        stream: false,
        reserved: ESTIMATE,
        objects: Vec::new(),
        parked: false,
        attempts: Vec::new(),
        charges,
    }
}

fn outcome(charges: Vec<Charge>) -> Outcome {
    let usage = Usage::default().with(Meter::Input, 321).with(Meter::Output, 123);
    let attempt = Attempt {
        deployment: "openai:gpt-4o-mini".into(),
        provider: "openai".into(),
        status: CallStatus::Ok,
        http_status: Some(200),
        usage: usage.clone(),
        cost_usd: Some(NanoUsd(777)),
        rates: None,
        estimated: false,
        error: None,
        latency_ms: 4,
    };
    Outcome {
        status: CallStatus::Ok,
        http_status: Some(200),
        usage,
        cost_usd: Some(NanoUsd(777)),
        ttft_ms: Some(3),
        latency_ms: Some(4),
        attempts: vec![attempt],
        charges,
        ..Outcome::default()
    }
}

fn call(ledger: &Ledger, books: &Books) {
    let now = Timestamp::now().as_millisecond();
    let reservation = ledger.reserve(now, &subject(), &ESTIMATE).unwrap();
    let entry = books.journal.open(open(reservation.charges())).unwrap();
    let actual = Actual { spend: Some(NanoUsd(777)), input_tokens: 321, output_tokens: 123 };
    entry.close(outcome(reservation.settle(&actual).charges)).unwrap();
}

/// The time that the processor has spent on this process, in steps of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn money(criterion: &mut Criterion) {
    let crowd = ledger(25_000);
    criterion.bench_function("reserve and settle under 4 of 100,000 limits", |bencher| {
        let now = Timestamp::now().as_millisecond();
        bencher.iter(|| {
            let reservation = crowd.reserve(now, black_box(&subject()), &ESTIMATE).unwrap();
            reservation.settle(&Actual::from(ESTIMATE))
        });
    });

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(1);
    let (_db, books) = runtime.block_on(async {
        let db = Db::open(&format!("sqlite://{}", folder.path().join("a.db").display())).await.unwrap();
        let books = Books::open(&db, folder.path().join("j"), Sizes::default(), &ledger, 0).await.unwrap();
        (db, books)
    });
    criterion.bench_function("processor time of a call: limits, journal, SQLite", |bencher| {
        bencher.iter_custom(|calls| {
            let before = cpu();
            for _ in 0..calls {
                call(&ledger, &books);
            }
            runtime.block_on(books.shipper.flush()).unwrap();
            cpu() - before
        });
    });
    criterion.bench_function("processor time of a call: limits, journal, not yet shipped", |bencher| {
        bencher.iter_custom(|calls| {
            let before = cpu();
            for _ in 0..calls {
                call(&ledger, &books);
            }
            cpu() - before
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(5));
    targets = money
}
criterion_main!(benches);
