//! Records for tests.

use jiff::Timestamp;
use llm_core::{Meter, NanoUsd, Protocol, Usage};

use super::{Attempt, CallId, CallStatus, OpenRecord, Outcome};
use crate::limits::{Actual, Charge, Estimate};

/// The first of January 2100, a Friday, at midnight in UTC: no window of a test is over by the true clock.
pub(crate) const NEW_YEAR: i64 = 4_102_444_800_000;

pub(crate) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

/// A call of key `k` that came at `millis` and holds 100 nano-dollars.
pub(crate) fn open(millis: i64) -> OpenRecord {
    OpenRecord {
        id: CallId::new(time(millis)),
        created_at: time(millis),
        key: "k".into(),
        team: Some("t".into()),
        user: None,
        organization: None,
        end_user: None,
        tags: Vec::new(),
        operation: "chat".into(),
        protocol: Protocol::OpenAiChat,
        model: "fast".into(),
        provider: Some("sandbox".into()),
        deployment: Some("sandbox:echo".into()),
        stream: false,
        reserved: Estimate { spend: Some(NanoUsd(100)), input_tokens: 10, output_tokens: 20 },
        objects: Vec::new(),
        parked: false,
        attempts: Vec::new(),
        charges: Vec::new(),
    }
}

/// A call that went well, used 7 and 8 tokens and cost 50 nano-dollars.
pub(crate) fn outcome(charges: Vec<Charge>) -> Outcome {
    let usage = Usage::default().with(Meter::Input, 7).with(Meter::Output, 8);
    let cost_usd = Some(NanoUsd(50));
    Outcome {
        status: CallStatus::Ok,
        http_status: Some(200),
        usage: usage.clone(),
        cost_usd,
        ttft_ms: Some(3),
        latency_ms: Some(4),
        attempts: vec![Attempt {
            deployment: "sandbox:echo".into(),
            provider: "sandbox".into(),
            status: CallStatus::Ok,
            http_status: Some(200),
            usage,
            cost_usd,
            rates: None,
            estimated: false,
            error: None,
            latency_ms: 4,
        }],
        charges,
        ..Outcome::default()
    }
}

/// What [`outcome`] settles at.
pub(crate) fn actual() -> Actual {
    Actual { spend: Some(NanoUsd(50)), input_tokens: 7, output_tokens: 8 }
}
