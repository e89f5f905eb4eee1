//! `POST /completions`: text that is continued, whole and streamed.

use bytes::Bytes;
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{
    AnswerContext, DecodeContext, Edits, Encoded, Frame, Observed, Observer, Passthrough, RequestHead, ResponseHead,
    Skim, StreamDecoder, StreamEncoder, Target, Trailer, Verdict,
};
use llm_core::completion::{Complete, CompleteAnswer, CompleteChunk, CompleteRequest, Prompt, TextChoice};
use llm_core::fields::Fields;
use llm_core::operation::Tells;
use llm_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::embed::answer_fields;
use super::events::{self, Event};
use super::{OpenAi, OpenAiChat, PROTOCOL, error, finish, usage};
use crate::protocols::body::{Answer, Body, answer_object};
use crate::protocols::pass::Pass;
use crate::protocols::speaks::speaks;

const PATH: &str = "/completions";

fn encode_request(request: &CompleteRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, PROTOCOL, request.unsupported, target)?;
    body.set("model", target.model);
    let was_list = body.take("prompt").is_some_and(|hint| hint.is_array());
    let prompts = request.prompt.iter().map(|prompt| match prompt {
        Prompt::Text(text) => json!(text),
        Prompt::Tokens(tokens) => json!(tokens),
    });
    let mut prompts: Vec<Value> = prompts.collect();
    match prompts.as_mut_slice() {
        [one] if !was_list => body.set("prompt", one.take()),
        _ => body.set("prompt", Value::Array(prompts)),
    }
    body.set_some("suffix", request.suffix.as_deref());
    body.set_some("max_tokens", request.max_tokens);
    body.set_some("temperature", request.temperature);
    body.set_some("top_p", request.top_p);
    body.set_some("n", request.n);
    body.set_some("best_of", request.best_of);
    body.set_some("seed", request.seed);
    body.set_some("user", request.user.as_deref());
    let was_text = body.get("stop").is_some_and(Value::is_string);
    match request.stop.as_slice() {
        [] => {}
        [one] if was_text => body.set("stop", one.as_str()),
        stop => body.set("stop", stop.to_vec()),
    }
    if target.stream {
        body.set("stream", true);
        if !target.quirks.no_stream_options {
            let mut options = match body.take("stream_options") {
                Some(Value::Object(options)) => options,
                _ => Map::new(),
            };
            options.insert("include_usage".to_owned(), json!(true));
            body.set("stream_options", options);
        }
    }
    body.post(PATH)
}

fn decode_request(body: &[u8]) -> Result<(CompleteRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let model = fields.need_text("model")?;
    let stream = fields.get("stream") == Some(&Value::Bool(true));
    let asked = fields.get("stream_options").and_then(|options| options.get("include_usage")?.as_bool());
    let request = CompleteRequest {
        prompt: prompts(&mut fields)?,
        suffix: fields.want_text("suffix")?,
        max_tokens: fields.want_u64("max_tokens")?,
        temperature: fields.want_f64("temperature")?,
        top_p: fields.want_f64("top_p")?,
        n: fields.want_u64("n")?,
        best_of: fields.want_u64("best_of")?,
        stop: stop(&mut fields)?,
        seed: fields.want_i64("seed")?,
        user: fields.want_text("user")?,
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(PROTOCOL),
        model: model.clone(),
    };
    let include_usage = asked.unwrap_or(false);
    Ok((request, AnswerContext { model, stream, include_usage, ..AnswerContext::default() }))
}

fn prompts(fields: &mut Fields) -> Result<Vec<Prompt>> {
    let wrong = |fields: &Fields| fields.wrong("prompt", "a string, or a list of strings or of tokens");
    let items = match fields.get("prompt") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(_)) => return Ok(fields.take_text("prompt").map(Prompt::Text).into_iter().collect()),
        Some(Value::Array(_)) => fields.take_list("prompt").unwrap_or_default(),
        Some(_) => return Err(wrong(fields)),
    };
    let tokens = |items: &[Value]| items.iter().map(Value::as_u64).collect::<Option<Vec<_>>>();
    if let Some(tokens) = tokens(&items).filter(|tokens| !tokens.is_empty()) {
        return Ok(vec![Prompt::Tokens(tokens)]);
    }
    fields.put("prompt", json!([]));
    let prompts = items.into_iter().map(|item| match item {
        Value::String(text) => Ok(Prompt::Text(text)),
        Value::Array(list) => tokens(&list).map(Prompt::Tokens).ok_or_else(|| wrong(fields)),
        _ => Err(wrong(fields)),
    });
    prompts.collect()
}

/// The stop texts; one that is no list leaves an empty text.
fn stop(fields: &mut Fields) -> Result<Vec<String>> {
    match fields.get("stop") {
        Some(Value::String(_)) => {
            let text = fields.take_text("stop");
            fields.put("stop", json!(""));
            Ok(text.into_iter().collect())
        }
        Some(Value::Array(items)) if items.is_empty() => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            let Some(texts) = texts else { return Err(fields.wrong("stop", "a string or a list of strings")) };
            fields.take("stop");
            Ok(texts)
        }
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(_) => Err(fields.wrong("stop", "a string or a list of strings")),
    }
}

fn chunk(mut fields: Fields) -> CompleteChunk {
    let choices = match fields.take_list("choices") {
        Some(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
            (0u64..).zip(list).filter_map(|(place, item)| choice(place, item)).collect()
        }
        Some(list) => {
            fields.put("choices", Value::Array(list));
            Vec::new()
        }
        None => Vec::new(),
    };
    CompleteChunk {
        id: fields.take_nonempty("id").unwrap_or_default(),
        model: fields.take_nonempty("model").unwrap_or_default(),
        created: fields.take_i64("created"),
        choices,
        usage: fields.take_object("usage").map(|members| usage::read(members.into_members())),
        native: fields.into_native(PROTOCOL),
    }
}

fn choice(place: u64, item: Value) -> Option<TextChoice> {
    let mut fields = Fields::at("choices", item).ok()?;
    // The index stays, to tell an absent one from a stated one.
    let index = fields.get("index").and_then(Value::as_u64).unwrap_or(place);
    Some(TextChoice {
        index,
        text: fields.take_text("text").unwrap_or_default(),
        finish_reason: finish::take(&mut fields),
        logprobs: fields.take("logprobs"),
        native: fields.into_native(PROTOCOL),
    })
}

fn write(cx: &AnswerContext, chunk: &CompleteChunk, whole: bool) -> Answer {
    let mut object = answer_object(&chunk.native, PROTOCOL);
    let choices = chunk.choices.iter().map(|choice| {
        let mut item = answer_object(&choice.native, PROTOCOL);
        item.set("text", choice.text.as_str());
        item.complete("index", || json!(choice.index));
        item.complete("logprobs", || Value::Null);
        item.set_some("logprobs", choice.logprobs.clone());
        if let Some(reason) = &choice.finish_reason {
            let own = choice.native.get(PROTOCOL, "finish_reason");
            let word = if item.is_own { finish::spelled(reason, own) } else { finish::canonical(Some(reason), false) };
            item.set("finish_reason", word);
        } else {
            item.complete("finish_reason", || Value::Null);
        }
        Value::Object(item.members)
    });
    let choices: Vec<Value> = choices.collect();
    if !choices.is_empty() || !object.is_own {
        object.set("choices", choices);
    }
    object.complete("object", || json!("text_completion"));
    if object.is_own {
        for (name, text) in [("id", &chunk.id), ("model", &chunk.model)] {
            if !text.is_empty() {
                object.set(name, text.as_str());
            }
        }
        object.set_some("created", chunk.created);
    } else {
        object.set("id", if chunk.id.is_empty() { format!("cmpl-{}", cx.id_seed) } else { chunk.id.clone() });
        object.set("model", cx.model.as_str());
        object.set("created", chunk.created.unwrap_or(cx.created));
    }
    if let Some(said) = chunk.usage.as_ref().filter(|_| whole || cx.include_usage || object.is_own) {
        object.set("usage", usage::write(said));
    }
    object
}

struct Decoder {
    cx: DecodeContext,
    done: bool,
    finished: bool,
}

impl StreamDecoder<Complete> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<CompleteChunk>) -> Result<()> {
        if self.done {
            return Ok(());
        }
        match events::read(&self.cx, frame)? {
            Event::Nothing => {}
            Event::Done => self.done = true,
            Event::Object(members) => {
                let chunk = chunk(Fields::new(members));
                self.finished |= chunk.choices.iter().any(|choice| choice.finish_reason.is_some());
                out.push(chunk);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<CompleteChunk>) -> Result<()> {
        if self.done || (self.cx.no_done && self.finished) { Ok(()) } else { Err(Error::cut()) }
    }
}

struct Encoder {
    cx: AnswerContext,
}

impl StreamEncoder<Complete> for Encoder {
    fn encode(&mut self, chunk: &CompleteChunk, out: &mut Vec<u8>) -> Result<()> {
        let is_only_usage = chunk.usage.is_some() && chunk.choices.is_empty();
        if is_only_usage && !self.cx.include_usage {
            return Ok(());
        }
        events::write(&Value::Object(write(&self.cx, chunk, false).members), out);
        Ok(())
    }

    fn finish(&mut self, _: &Trailer, out: &mut Vec<u8>) {
        events::write_done(out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        events::write(&error::envelope(error), out);
    }
}

/// Bytes pass as they do in chat; only what is looked at differs.
struct Passing;

static LOOK: Pass<Complete> = Pass { codec: &OpenAi, path: PATH, elsewhere: &[] };

impl Passthrough for Passing {
    fn skim(&self, head: &RequestHead, body: &[u8]) -> Result<Skim> {
        LOOK.skim(head, body)
    }
    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        // The older interface knows the older name only.
        let cap_name = Some("max_tokens".to_owned());
        let is_none = edits.model.is_none() && edits.cap_output.is_none() && !edits.ask_usage;
        let edits = if is_none { edits.clone() } else { Edits { cap_name, ..edits.clone() } };
        Passthrough::edit(&OpenAiChat, body, &edits)
    }
    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        LOOK.address(target)
    }
    fn observe(&self, body: &[u8]) -> Observed {
        Passthrough::observe(&OpenAiChat, body)
    }
    fn observe_stream(&self, hide_usage: bool) -> Box<dyn Observer> {
        let decoder = Decoder { cx: DecodeContext::default(), done: false, finished: false };
        Box::new(Watch { decoder, hide_usage, seen: Observed::default() })
    }
}

/// Watches a stream by decoding it.
struct Watch {
    decoder: Decoder,
    hide_usage: bool,
    seen: Observed,
}

impl Observer for Watch {
    fn frame(&mut self, frame: &Frame<'_>) -> Verdict {
        let mut chunks = Vec::new();
        if let Err(error) = self.decoder.decode(frame, &mut chunks) {
            self.seen.error.get_or_insert_with(|| error.message().to_owned());
        }
        self.seen.complete = self.decoder.done;
        self.seen.finished = self.decoder.finished;
        let mut verdict = Verdict::Forward;
        for chunk in chunks {
            self.seen.content_chunks += u64::from(chunk.has_content());
            if self.hide_usage && chunk.usage.is_some() && chunk.choices.is_empty() {
                verdict = Verdict::Drop;
            }
            self.seen.usage = chunk.usage.or(self.seen.usage.take());
        }
        verdict
    }

    fn observed(&self) -> &Observed {
        &self.seen
    }
}

speaks! {
    OpenAi: Complete, PROTOCOL, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_stream(cx) Decoder { cx: cx.clone(), done: false, finished: false },
    decode_request(_head, body) decode_request(body),
    encode_answer(cx, answer) Ok(encode_answer(cx, answer)),
    encode_stream(cx) Encoder { cx: cx.clone() },
    passthrough &Passing,
}

fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<CompleteAnswer> {
    let chunk = chunk(answer_fields(cx, head, body, "choices")?);
    Ok(CompleteAnswer {
        id: chunk.id,
        created: chunk.created,
        choices: chunk.choices,
        model: chunk.model,
        provider: cx.provider.clone(),
        usage: chunk.usage,
        native: chunk.native,
        ..CompleteAnswer::default()
    })
}

fn encode_answer(cx: &AnswerContext, answer: &CompleteAnswer) -> Bytes {
    let answer = answer.clone();
    let chunk = CompleteChunk {
        id: answer.id,
        model: answer.model,
        created: answer.created,
        choices: answer.choices,
        usage: answer.usage,
        native: answer.native,
    };
    write(cx, &chunk, true).bytes()
}
