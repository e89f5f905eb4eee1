//! An exchange of an operation other than chat: the same promises, as far as the operation has them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use llm_core::codec::{AnswerContext, DecodeContext, Operation, Quirks, Speaks, Target, Trailer};
use llm_core::operation::{Answers, Tells};
use llm_core::{OperationKind, Protocol, Usage};
use llm_providers::protocols::Spoken;
use llm_providers::registry;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Outcome, Promise, events_of, native};
use crate::exchange::{Answered, Exchange};
use crate::json;
use crate::reading::{self, kinds_for, read_error};

/// Replays an exchange of `kind` in `protocol`; the reason where there is no codec for it.
pub fn replay(exchange: &Exchange, kind: OperationKind, protocol: Protocol) -> Result<Outcome, String> {
    use llm_core::audio::{Speak, Transcribe};
    use llm_core::completion::Complete;
    use llm_core::embedding::Embed;
    use llm_core::image::Images;
    use llm_core::model_list::Models;
    use llm_core::moderation::Moderate;
    use llm_core::rerank::Rerank;
    use llm_core::token_count::CountTokens;
    match kind {
        OperationKind::Complete => run::<Complete>(exchange, protocol),
        OperationKind::Embed => run::<Embed>(exchange, protocol),
        OperationKind::Rerank => run::<Rerank>(exchange, protocol),
        OperationKind::Moderate => run::<Moderate>(exchange, protocol),
        OperationKind::Images => run::<Images>(exchange, protocol),
        OperationKind::Speak => run::<Speak>(exchange, protocol),
        OperationKind::Transcribe => run::<Transcribe>(exchange, protocol),
        OperationKind::CountTokens => run::<CountTokens>(exchange, protocol),
        OperationKind::Models => run::<Models>(exchange, protocol),
        OperationKind::Files => run::<llm_core::file::Files>(exchange, protocol),
        OperationKind::Batches => run::<llm_core::batch::Batches>(exchange, protocol),
        OperationKind::Chat => Err("chat is replayed by itself".to_owned()),
    }
}

/// Mutates an exchange with each seed and says what is lost where it is decoded; the reason where there is no codec for
/// it.
pub fn mutate(
    exchange: &Exchange,
    kind: OperationKind,
    protocol: Protocol,
    seeds: std::ops::Range<u64>,
) -> Result<Vec<String>, String> {
    replay(exchange, kind, protocol)?;
    Ok(super::mutate_with(exchange, seeds, |exchange| replay(exchange, kind, protocol).unwrap_or_default()))
}

struct Case<'a, O: Operation> {
    exchange: &'a Exchange,
    codec: &'static dyn Speaks<O>,
    quirks: Quirks,
}

fn run<O>(exchange: &Exchange, protocol: Protocol) -> Result<Outcome, String>
where
    O: Spoken,
    O::Request: Serialize + DeserializeOwned + PartialEq + Debug,
    O::Answer: Serialize + DeserializeOwned + PartialEq + Debug,
    O::Chunk: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let codec = O::codec(protocol).ok_or_else(|| format!("`{protocol}` does not speak `{}`", O::NAME))?;
    let row = registry::row(&exchange.provider);
    let quirks = row.map(|row| row.quirks_of(O::KIND).clone()).unwrap_or_default();
    let case = Case { exchange, codec, quirks };
    let mut outcome = Outcome::default();
    if let Some(body) = exchange.request.as_ref().and_then(|asked| asked.body.as_ref()) {
        case.request(body, &mut outcome);
    }
    if let Some(answered) = &exchange.response {
        match (answered.status, &answered.body, answered.stream()) {
            (400.., _, _) => case.error(answered, &mut outcome),
            (_, Some(body), _) => case.answer(answered, body, &mut outcome),
            (_, None, Some(raw)) => case.stream(answered, &raw, &mut outcome),
            _ => {}
        }
    }
    Ok(outcome)
}

impl<O> Case<'_, O>
where
    O: Spoken,
    O::Request: Serialize + DeserializeOwned + PartialEq + Debug,
    O::Answer: Serialize + DeserializeOwned + PartialEq + Debug,
    O::Chunk: Serialize + DeserializeOwned + PartialEq + Debug,
{
    fn decode_context(&self) -> DecodeContext {
        DecodeContext {
            provider: self.exchange.provider.clone(),
            model: self.exchange.model().to_owned(),
            no_done: self.quirks.no_done,
            int8_vectors: self.quirks.int8_vectors,
            ..DecodeContext::default()
        }
    }

    fn answer_context(&self) -> AnswerContext {
        // Whether speech comes in events, and whether a page was asked for, is the request's to say; other answers are
        // written as they came.
        let asked = self.exchange.request.as_ref().and_then(|asked| {
            let body = asked.body.as_ref().map(Value::to_string).unwrap_or_default();
            let (_, cx) = self.codec.decode_request(&asked.head(), body.as_bytes()).ok()?;
            Some(cx)
        });
        let told = [OperationKind::Speak, OperationKind::Files, OperationKind::Batches];
        let form = asked.and_then(|cx| cx.form).filter(|_| told.contains(&O::KIND));
        AnswerContext { model: self.exchange.model().to_owned(), form, include_usage: true, ..AnswerContext::default() }
    }

    fn request(&self, body: &Value, outcome: &mut Outcome) {
        let Some(asked) = &self.exchange.request else { return };
        let bytes = body.to_string();
        let (request, cx) = match self.codec.decode_request(&asked.head(), bytes.as_bytes()) {
            Ok(decoded) => decoded,
            Err(error) => return outcome.fail(Promise::Request, format!("can't be read: {error:?}")),
        };
        native::round_trip("request", &request, outcome);
        let quirks = Quirks::default();
        let variables = match asked.path.contains("/projects/") {
            true => BTreeMap::from([("project".to_owned(), "p".to_owned()), ("location".to_owned(), "l".to_owned())]),
            false => BTreeMap::new(),
        };
        let version = self.exchange.request_header("anthropic-version");
        let target = Target {
            provider: &self.exchange.provider,
            model: self.exchange.model(),
            version: version.or(if self.codec.protocol() == Protocol::Anthropic { Some("2023-06-01") } else { None }),
            quirks: &quirks,
            variables: &variables,
            stream: cx.stream,
            max_output: None,
            id_seed: "seed",
        };
        let encoded = match self.codec.encode_request(&request, &target) {
            Ok(encoded) => encoded,
            Err(error) => return outcome.fail(Promise::Request, format!("can't be written: {error:?}")),
        };
        let mut found = encoded.dropped.iter().map(|name| format!("`{name}` was dropped")).collect::<Vec<_>>();
        match serde_json::from_slice::<Value>(&encoded.body) {
            // An object without members says as much as no body at all.
            Err(_) if encoded.body.is_empty() && *body == serde_json::json!({}) => {}
            Ok(mut ours) => {
                // Usage is asked for even where the caller did not ask.
                if body.get("stream_options").is_none()
                    && let Some(ours) = ours.as_object_mut()
                {
                    ours.shift_remove("stream_options");
                }
                found.extend(json::differences(body, &ours));
            }
            Err(error) => found.push(format!("what was written is not JSON: {error}")),
        }
        outcome.note(Promise::Request, found);
    }

    fn answer(&self, answered: &Answered, body: &Value, outcome: &mut Outcome) {
        let bytes = answered.bytes();
        let answer = match self.codec.decode_answer(&self.decode_context(), &answered.head(), &bytes) {
            Ok(answer) => answer,
            Err(error) => return outcome.fail(Promise::Answer, format!("can't be read: {error:?}")),
        };
        match self.codec.encode_answer(&self.answer_context(), &answer) {
            Err(error) => outcome.fail(Promise::Answer, format!("can't be written: {error:?}")),
            Ok(written) => match serde_json::from_slice::<Value>(&written) {
                // A bare list, or one thing by itself, is written as the customary object.
                Ok(ours) if body.is_array() => outcome.note(Promise::Answer, json::differences(body, inner(&ours))),
                Ok(ours) if O::KIND == OperationKind::Models && body.get("id").or(body.get("name")).is_some() => {
                    let one = inner(&ours).get(0).cloned().unwrap_or_default();
                    outcome.note(Promise::Answer, json::differences(body, &one));
                }
                Ok(ours) => outcome.note(Promise::Answer, json::differences(body, &ours)),
                Err(error) => outcome.fail(Promise::Answer, format!("what was written is not JSON: {error}")),
            },
        }
        native::round_trip("answer", &answer, outcome);
        self.usage(reading::used(O::KIND, body), answer.usage(), outcome);
        if let Some(passthrough) = self.codec.passthrough() {
            let seen = passthrough.observe(&bytes);
            let mut found = compare(reading::used(O::KIND, body), seen.usage.as_ref());
            if !seen.complete {
                found.push("a whole answer is not seen as complete".to_owned());
            }
            outcome.note(Promise::Passing, found);
        }
        if let Some(codec) = O::codec(Protocol::Native) {
            let again = codec
                .encode_answer(&self.answer_context(), &answer)
                .and_then(|body| codec.decode_answer(&self.decode_context(), &answered.head(), &body));
            match again {
                Ok(again) if again == answer => outcome.note(Promise::Translation, Vec::new()),
                other => outcome.fail(Promise::Translation, format!("as native it is {other:?}")),
            }
        }
    }

    fn usage(&self, want: Option<BTreeMap<llm_core::Meter, u64>>, got: Option<&Usage>, outcome: &mut Outcome) {
        outcome.note(Promise::Usage, compare(want, got));
    }

    fn stream(&self, answered: &Answered, raw: &[u8], outcome: &mut Outcome) {
        let events = match events_of(answered.content_type(), raw, raw.len()) {
            Ok(events) => events,
            Err(error) => return outcome.fail(Promise::Stream, format!("can't be cut into events: {error:?}")),
        };
        let mut decoder = self.codec.decode_stream(&self.decode_context());
        let (mut chunks, mut encoder) = (Vec::new(), self.codec.encode_stream(&self.answer_context()));
        let read = events.iter().try_for_each(|event| decoder.decode(&event.frame(), &mut chunks));
        if let Err(error) = read.and_then(|()| decoder.finish(&mut chunks)) {
            return outcome.fail(Promise::Stream, format!("can't be read: {error:?}"));
        }
        native::round_trip("chunks", &chunks, outcome);
        let mut written = Vec::new();
        for chunk in &chunks {
            if let Err(error) = encoder.encode(chunk, &mut written) {
                return outcome.fail(Promise::Stream, format!("can't be written: {error:?}"));
            }
        }
        encoder.finish(&Trailer::default(), &mut written);
        let values = |raw: &[u8]| -> Vec<Value> {
            let events = events_of(answered.content_type(), raw, raw.len()).unwrap_or_default();
            events.iter().filter_map(|event| serde_json::from_slice(&event.data).ok()).collect()
        };
        let (want, got) = (values(raw), values(&written));
        outcome.note(Promise::Stream, json::differences(&Value::Array(want.clone()), &Value::Array(got)));
        let said = want.iter().rev().find_map(|event| reading::used(O::KIND, event));
        let ours = chunks.iter().rev().find_map(Tells::usage);
        outcome.note(Promise::Usage, compare(said, ours));
        self.cuts(answered, raw, &chunks, outcome);
    }

    /// Wherever a stream is cut, it gives the beginning of the same chunks, and only a whole one ends well.
    fn cuts(&self, answered: &Answered, raw: &[u8], whole: &[O::Chunk], outcome: &mut Outcome) {
        let mut found = Vec::new();
        // Long recordings are cut at some places only; the repository's own exchanges are short.
        let step = (raw.len() / 2000).max(1);
        for end in (0..raw.len()).step_by(step) {
            let Ok(events) = events_of(answered.content_type(), &raw[..end], 7) else { continue };
            let (mut decoder, mut chunks) = (self.codec.decode_stream(&self.decode_context()), Vec::new());
            let read = events.iter().try_for_each(|event| decoder.decode(&event.frame(), &mut chunks));
            let ended = read.and_then(|()| decoder.finish(&mut chunks));
            if !whole.starts_with(&chunks) {
                found.push(format!("cut at {end}, it gives other chunks"));
            }
            if ended.is_ok() && chunks.len() < whole.len() {
                found.push(format!("cut at {end}, it looks whole"));
            }
        }
        outcome.note(Promise::Cuts, found);
    }

    fn error(&self, answered: &Answered, outcome: &mut Outcome) {
        let bytes = answered.bytes();
        let error = self.codec.decode_error(&self.decode_context(), &answered.head(), &bytes);
        let mut found = Vec::new();
        // An interface that a server lacks is a kind of its own.
        if !kinds_for(answered.status).contains(&error.kind()) {
            found.push(format!("kind is `{}` for status {}", error.kind(), answered.status));
        }
        if error.body() != Some(&bytes) {
            found.push("the body is not kept".to_owned());
        }
        let said = answered.body.as_ref().map(read_error).unwrap_or_default();
        if let Some(message) = &said.message
            && error.message() != message
        {
            found.push(format!("message is {:?}, want {message:?}", error.message()));
        }
        outcome.note(Promise::Error, found);
    }
}

/// The list within a list's customary object.
fn inner(object: &Value) -> &Value {
    object.as_object().and_then(|members| members.values().find(|value| value.is_array())).unwrap_or(object)
}

fn compare(want: Option<BTreeMap<llm_core::Meter, u64>>, got: Option<&Usage>) -> Vec<String> {
    let got: Option<BTreeMap<_, _>> = got.map(|usage| usage.counts().collect());
    match (&want, &got) {
        (None, None) => Vec::new(),
        (None, Some(got)) if got.is_empty() => Vec::new(),
        (Some(want), Some(got)) if want == got => Vec::new(),
        _ => vec![format!("usage is {got:?}, want {want:?}")],
    }
}
