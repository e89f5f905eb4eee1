//! One recorded exchange through the codecs of its protocol, and every promise that must hold for it.

mod answer;
mod dialect;
mod error;
mod native;
pub mod operation;
mod passing;
mod request;
mod stream;
mod translation;

use std::collections::BTreeMap;

use llm_core::chat::{ChatAnswer, Content};
use llm_core::codec::{AnswerContext, ChatProtocol, DecodeContext, Quirks};
use llm_core::{Meter, Protocol};
use llm_core::{Usage, chat};
use serde_json::Value;

use crate::exchange::Exchange;
use crate::json;
use crate::mutate::Mutation;
use crate::reading::{Call, Reading};

pub use dialect::{Spoken, quirks_of, spoken};
pub use stream::{Event, events_of};

/// What is promised of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// The request, read and written again, is the same.
    Request,
    /// The answer, read and written again, is the same.
    Answer,
    /// The stream, read and written again, is the same, event by event.
    Stream,
    /// The stream cut into single bytes gives the same chunks.
    Cuts,
    /// Text, tool calls and finish reason are those that the raw JSON says.
    Reading,
    /// Usage is what the raw JSON says, in disjoint kinds.
    Usage,
    /// The way for bytes that pass sees the same usage and changes nothing that it should not.
    Passing,
    /// An error has the kind that its status says, the provider's message, and its body.
    Error,
    /// Request, answer and chunks survive the native protocol's JSON.
    Native,
    /// Answer and stream can be said in every other protocol, and say the same there.
    Translation,
    /// With unknown members, unknown values and another order of members, all of the above but the last holds.
    Mutation,
}

impl Promise {
    /// The name in reports and in the list of known differences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Stream => "stream",
            Self::Cuts => "cuts",
            Self::Reading => "reading",
            Self::Usage => "usage",
            Self::Passing => "passing",
            Self::Error => "error",
            Self::Native => "native",
            Self::Translation => "translation",
            Self::Mutation => "mutation",
        }
    }
}

/// What became of an exchange: every promise that was looked at, with what differed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Empty lists for promises that hold.
    pub promises: BTreeMap<Promise, Vec<String>>,
}

impl Outcome {
    /// Notes that `promise` was looked at, and what differs.
    pub fn note(&mut self, promise: Promise, differences: Vec<String>) {
        self.promises.entry(promise).or_default().extend(differences);
    }

    /// Notes one difference.
    fn fail(&mut self, promise: Promise, difference: impl Into<String>) {
        self.note(promise, vec![difference.into()]);
    }

    /// Whether `promise` was looked at and holds.
    pub fn holds(&self, promise: Promise) -> Option<bool> {
        self.promises.get(&promise).map(Vec::is_empty)
    }

    /// The promises that don't hold.
    pub fn shortfalls(&self) -> impl Iterator<Item = (Promise, &[String])> {
        self.promises.iter().filter(|(_, found)| !found.is_empty()).map(|(promise, found)| (*promise, found.as_slice()))
    }
}

/// An exchange, and who speaks.
struct Case<'a> {
    exchange: &'a Exchange,
    codec: &'a dyn ChatProtocol,
    quirks: Quirks,
    /// Whether cuts and translations are left out, which a mutation can't tell anything new about.
    brief: bool,
}

impl Case<'_> {
    fn version(&self) -> Option<&str> {
        let said = self.exchange.request_header("anthropic-version");
        said.or_else(|| dialect::recorded_version(self.codec.protocol()))
    }

    fn decode_context(&self) -> DecodeContext {
        DecodeContext {
            provider: self.exchange.provider.clone(),
            // Bedrock's answers don't say the model, so that where the request is not known it must be made up.
            model: match (self.exchange.model(), self.codec.protocol()) {
                ("", Protocol::Bedrock) => "some-model".to_owned(),
                (model, _) => model.to_owned(),
            },
            id_seed: "seed".to_owned(),
            reasoning_field: self.quirks.reasoning_field.clone(),
            think_tags: self.quirks.think_tags,
            no_done: self.quirks.no_done,
            ..DecodeContext::default()
        }
    }

    fn answer_context(&self, stream: bool) -> AnswerContext {
        // Where the model stands in the path, or the request was not recorded, the body says none.
        let model = Some(self.exchange.model()).filter(|model| !model.is_empty()).unwrap_or("as-asked");
        AnswerContext {
            model: model.to_owned(),
            stream,
            include_usage: true,
            version: self.version().map(str::to_owned),
            id_seed: "seed".to_owned(),
            created: 1_700_000_000,
            ..AnswerContext::default()
        }
    }
}

/// Replays one exchange. `quirks` are the row's; requests are replayed without them.
pub fn replay(exchange: &Exchange, codec: &dyn ChatProtocol, quirks: Quirks) -> Outcome {
    run(Case { exchange, codec, quirks, brief: false })
}

/// Mutates an exchange with each seed and says what is lost where it is decoded.
pub fn mutate(
    exchange: &Exchange,
    codec: &dyn ChatProtocol,
    quirks: &Quirks,
    seeds: std::ops::Range<u64>,
) -> Vec<String> {
    mutate_with(exchange, seeds, |exchange| run(Case { exchange, codec, quirks: quirks.clone(), brief: true }))
}

fn mutate_with(exchange: &Exchange, seeds: std::ops::Range<u64>, run: impl Fn(&Exchange) -> Outcome) -> Vec<String> {
    // What falls short as it was recorded tells nothing of mutations.
    let falls_short: Vec<Promise> = run(exchange).shortfalls().map(|(promise, _)| promise).collect();
    // What an unknown value means nobody can say, but nothing of it is lost.
    let kept = [Promise::Request, Promise::Answer, Promise::Stream, Promise::Usage, Promise::Native, Promise::Error];
    let kept: Vec<_> = kept.into_iter().filter(|promise| !falls_short.contains(promise)).collect();
    let mut found = Vec::new();
    for seed in seeds {
        let mutation = Mutation::new(seed);
        for mutated in [mutation.of(exchange), mutation.of_request(exchange)] {
            for (promise, what) in run(&mutated).shortfalls().filter(|(promise, _)| kept.contains(promise)) {
                found.push(format!("seed {seed}, {}: {}", promise.as_str(), what.join("; ")));
            }
        }
    }
    found
}

fn run(case: Case<'_>) -> Outcome {
    let exchange = case.exchange;
    let mut outcome = Outcome::default();
    if let Some(asked) = &exchange.request
        && let Some(body) = &asked.body
    {
        request::replay(&case, asked, body, &mut outcome);
    }
    if let Some(answered) = &exchange.response {
        match (answered.status, &answered.body, answered.stream()) {
            (400.., _, _) => error::replay(&case, answered, &mut outcome),
            (_, Some(body), _) => answer::replay(&case, answered, body, &mut outcome),
            (_, None, Some(raw)) => stream::replay(&case, answered, &raw, &mut outcome),
            _ => {}
        }
    }
    outcome
}

/// Holds an answer of ours against what the raw JSON says.
fn compare_reading(case: &Case<'_>, said: &Reading, answer: &ChatAnswer, outcome: &mut Outcome) {
    let mut differences = Vec::new();
    for (index, choice) in &said.choices {
        let Some(ours) = answer.choices.iter().find(|ours| u64::from(ours.index) == *index) else {
            differences.push(format!("choice {index} is missing"));
            continue;
        };
        let text: String = ours.message.parts.iter().filter_map(chat::Part::as_text).collect();
        // Reasoning between tags is taken out of the text, so the raw text has more.
        if text != choice.text && !case.quirks.think_tags {
            let (want, got) = (Value::from(choice.text.as_str()), Value::from(text));
            differences.push(format!("text of choice {index} is {}, want {}", json::short(&got), json::short(&want)));
        }
        let calls: Vec<Call> = ours
            .message
            .parts
            .iter()
            .filter_map(|part| match &part.content {
                Content::ToolCall(call) => {
                    Some(Call { id: call.id.clone(), name: call.name.clone(), arguments: call.arguments.clone() })
                }
                _ => None,
            })
            .collect();
        differences
            .extend(compare_calls(&choice.calls, &calls).into_iter().map(|what| format!("choice {index}: {what}")));
        if choice.finish.as_deref().is_some_and(|reason| !reason.is_empty()) && ours.finish_reason.is_none() {
            differences.push(format!("choice {index} has no finish reason, want one for {:?}", choice.finish));
        }
    }
    outcome.note(Promise::Reading, differences);
    outcome.note(Promise::Usage, compare_usage(said.usage.as_ref(), answer.usage.as_ref()));
}

/// Tool calls in order; ids only where the raw JSON has them, arguments as parsed JSON.
fn compare_calls(want: &[Call], got: &[Call]) -> Vec<String> {
    if want.len() != got.len() {
        return vec![format!("{} tool calls, want {}: {got:?}", got.len(), want.len())];
    }
    let arguments = |text: &str| match text {
        "" => Value::Object(serde_json::Map::new()),
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    };
    let same = |want: &Call, got: &Call| {
        (want.id.is_empty() || want.id == got.id)
            && want.name == got.name
            && json::equal(&arguments(&want.arguments), &arguments(&got.arguments))
    };
    let pairs = want.iter().zip(got);
    pairs.filter(|(want, got)| !same(want, got)).map(|(want, got)| format!("{got:?}, want {want:?}")).collect()
}

/// Tokens by meter.
fn compare_usage(want: Option<&BTreeMap<Meter, u64>>, got: Option<&Usage>) -> Vec<String> {
    const TOKENS: &[Meter] = &[
        Meter::Input,
        Meter::Output,
        Meter::CacheRead,
        Meter::CacheWrite,
        Meter::CacheWrite1h,
        Meter::Reasoning,
        Meter::InputAudio,
        Meter::CacheReadAudio,
        Meter::InputImage,
        Meter::OutputAudio,
        Meter::OutputImage,
    ];
    let counts = |usage: &Usage| -> BTreeMap<Meter, u64> {
        usage.counts().filter(|(meter, _)| TOKENS.contains(meter)).collect()
    };
    match (want, got) {
        (None, None) => Vec::new(),
        (None, Some(usage)) if usage.is_zero() => Vec::new(),
        (Some(want), Some(usage)) if *want == counts(usage) => Vec::new(),
        (want, got) => vec![format!("usage is {:?}, want {want:?}", got.map(counts))],
    }
}
