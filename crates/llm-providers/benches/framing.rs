//! What it costs to cut a read of 16 kB with 60 small events into frames.

#![expect(clippy::unwrap_used, reason = "a benchmark is a test")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use llm_providers::framing::{Framer, NdjsonFramer, SseFramer};

const EVENTS: u64 = 60;

fn drain(framer: &mut dyn Framer, read: &[u8]) -> usize {
    framer.push(read);
    let mut bytes = 0;
    while let Some(found) = framer.next_frame().unwrap() {
        bytes += black_box(found.frame.data).len();
    }
    bytes
}

fn framing(criterion: &mut Criterion) {
    let chunk = format!(r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","text":"{}"}}"#, "x".repeat(200));
    let sse = format!("data: {chunk}\n\n").repeat(EVENTS as usize);
    let crlf = format!("data: {chunk}\r\n\r\n").repeat(EVENTS as usize);
    let named = format!("event: content_block_delta\ndata: {chunk}\n\n").repeat(EVENTS as usize);
    let lines = format!("{chunk}\n").repeat(EVENTS as usize);
    let mut group = criterion.benchmark_group("framing, per read of 60 events");
    group.throughput(Throughput::Elements(EVENTS));
    for (name, body) in [("sse", &sse), ("sse, CRLF", &crlf), ("sse, named", &named)] {
        let mut framer = SseFramer::default();
        group.bench_function(name, |bench| bench.iter(|| drain(&mut framer, body.as_bytes())));
    }
    let mut framer = NdjsonFramer::default();
    group.bench_function("ndjson", |bench| bench.iter(|| drain(&mut framer, lines.as_bytes())));
    group.finish();
}

criterion_group!(benches, framing);
criterion_main!(benches);
