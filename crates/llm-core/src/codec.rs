//! The codec traits: how a protocol is spoken, as pure functions.
//!
//! A protocol implements [`Upstream`] (we are the client), [`Downstream`] (we are the server) and [`Passthrough`]
//! (the same dialect on both sides, so the bytes pass). N protocols cost 2N codecs, not N². Nothing here opens a
//! socket, looks at a clock or draws a random number: ids and time are handed in.

mod documents;
mod unasked;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{CacheControl, CallInfo, UnsupportedPolicy};
use crate::operation::Unit;
pub use crate::operation::{Chat, Operation};
use crate::stored::{Made, ObjectKind};
use crate::{Error, ErrorKind, Native, Protocol, Result, Usage};

/// To whom a request is said, and how that provider differs from its protocol.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// The model as the provider spells it.
    pub model: &'a str,
    /// The API version, for protocols that have several; the protocol's default where none is said.
    pub version: Option<&'a str>,
    /// The row's declared differences.
    pub quirks: &'a Quirks,
    /// What the URL needs beside the model: deployment, region, project, location.
    pub variables: &'a BTreeMap<String, String>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// The most tokens that the model can answer with, where the catalogue knows it.
    pub max_output: Option<u64>,
    /// What the decoder makes ids from where the provider gives none. Unique to the call.
    pub id_seed: &'a str,
}

/// How a provider differs from its protocol: each difference a member, as data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Body members by the protocol's own name, and how this provider calls them (`max_completion_tokens` =
    /// `max_tokens`).
    pub rename: BTreeMap<String, String>,
    /// What this provider can't take, by the protocol's own name: body members (`seed`), kinds of content parts
    /// (`image_url`), and single values written with a full stop (`response_format.json_schema`, `tools.strict`).
    pub refuse: BTreeSet<String>,
    /// The member of message and delta that holds reasoning as plain text (`reasoning_content`, `reasoning`).
    pub reasoning_field: Option<String>,
    /// Whether reasoning stands between `<think>` tags at the start of the text.
    pub think_tags: bool,
    /// Whether the thinking switch is the object `thinking: {type}` beside or in place of `reasoning_effort`.
    pub thinking_object: bool,
    /// Whether that object takes `budget_tokens`.
    pub thinking_budget: bool,
    /// Whether effort and budget stand in an object `reasoning: {effort, max_tokens}`.
    pub reasoning_object: bool,
    /// Whether reasoning is sent back with the turns it belongs to, as plain text in `reasoning_field`.
    pub replay_reasoning: bool,
    /// Whether reasoning is sent back in `reasoning_details[]`, signature included.
    pub reasoning_details: bool,
    /// How the end of a prefix worth caching is marked.
    pub cache_markers: CacheMarkers,
    /// How documents are written.
    pub documents: DocumentForm,
    /// Whether sound is the bare base64 text, or a URL, in place of an object.
    pub bare_audio: bool,
    /// Whether instructions have no other role than `system`.
    pub system_only: bool,
    /// Whether a choice of tools that is a word stands in `tool_choice_option` (watsonx).
    pub tool_choice_option: bool,
    /// Whether `logprobs` is the number of alternatives, in place of `top_logprobs`.
    pub logprobs_number: bool,
    /// Whether images to change are sent in JSON rather than as a form.
    pub image_edits_json: bool,
    /// Whether embeddings come as base64 of bytes with a sign, one a dimension.
    pub int8_vectors: bool,
    /// Whether `stream_options` is refused; usage then comes unasked.
    pub no_stream_options: bool,
    /// Whether a stream may end without `[DONE]`.
    pub no_done: bool,
    /// Members that every body carries though no caller says them; their values may hold the row's variables in braces.
    pub members: BTreeMap<String, String>,
    /// Whose cloud the protocol is spoken in, where that changes URL, version and framing.
    pub host: Host,
}

/// Whose cloud Anthropic Messages is spoken in. Other protocols are the same everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    /// The protocol's own.
    #[default]
    Own,
    /// Amazon Bedrock: `/model/MODEL/invoke`, version and betas in the body, events wrapped in AWS event stream.
    Bedrock,
    /// Google Vertex: `/publishers/anthropic/models/MODEL:rawPredict`, version in the body.
    Vertex,
}

/// How the end of a prefix worth caching is marked in Chat Completions. Other protocols have one way only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CacheMarkers {
    /// As the caller marked it in the same protocol; markers of another protocol can't be sent.
    #[default]
    AsGiven,
    /// Not at all: the provider caches unasked.
    None,
    /// `prompt_cache_breakpoint: {"mode": "explicit"}` on the part (OpenAI).
    Breakpoint,
    /// `cache_control: {"type": "ephemeral"}` on the part, as Anthropic writes it (OpenRouter).
    CacheControl,
}

/// How a document is written in Chat Completions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentForm {
    /// `file: {file_data, filename}`, the data as a `data:` URL (OpenAI).
    #[default]
    File,
    /// `file_url: {url}`, which holds a URL or bare base64, with `file_name` beside it (Perplexity).
    FileUrl,
    /// `document_url`, a URL of either kind as a text, with `document_name` beside it (Mistral).
    DocumentUrl,
}

/// A request as it goes out, before credentials are added.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// The method.
    pub method: Method,
    /// The path below the provider's base URL, percent-encoded, beginning with `/`.
    pub path: String,
    /// Members of the query, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Headers of the protocol, `content-type` included; none with a secret.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What the decoder of the answer must know of the request.
    pub context: DecodeContext,
    /// Parameters that were left out under [`UnsupportedPolicy::Drop`].
    pub dropped: Vec<String>,
}

impl Encoded {
    /// A `POST` of JSON.
    pub fn post(path: impl Into<String>, body: Bytes, context: DecodeContext) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        Self { method: Method::POST, path: path.into(), query: Vec::new(), headers, body, context, dropped: Vec::new() }
    }
}

/// What the decoder of an answer must know of the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodeContext {
    /// The provider that answers.
    pub provider: String,
    /// The model that was asked, as the provider spells it.
    pub model: String,
    /// What ids are made from where the provider gives none.
    pub id_seed: String,
    /// The member that holds reasoning, if the row names one.
    pub reasoning_field: Option<String>,
    /// Whether reasoning stands between `<think>` tags.
    pub think_tags: bool,
    /// Whether the stream may end without its terminator.
    pub no_done: bool,
    /// Whether the answer was asked for as a stream.
    pub stream: bool,
    /// Whether embeddings come as base64 of bytes with a sign.
    pub int8_vectors: bool,
    /// What stands in for what the provider lacks.
    pub emulation: Emulation,
    /// Whether the answer is bytes that say nothing of the call: the content of a file.
    pub is_bytes: bool,
}

/// What stands in for what a provider lacks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Emulation {
    /// Structured output.
    pub format: Option<EmulatedFormat>,
    /// The names of the custom tools, for which functions stand in.
    pub custom_tools: BTreeSet<String>,
    /// The documents of a request for their order whose answer must repeat them.
    pub documents: Vec<Value>,
}

/// What stands in for structured output where a provider has none.
#[derive(Clone, Debug, PartialEq)]
pub struct EmulatedFormat {
    /// The tool that the model was made to call, whose arguments are the answer; none where it was told in words.
    pub tool: Option<String>,
    /// The JSON Schema that the answer must match.
    pub schema: Value,
}

impl DecodeContext {
    /// The context of a request to `target`.
    pub fn new(target: &Target<'_>) -> Self {
        Self {
            provider: target.provider.to_owned(),
            model: target.model.to_owned(),
            id_seed: target.id_seed.to_owned(),
            reasoning_field: target.quirks.reasoning_field.clone(),
            think_tags: target.quirks.think_tags,
            no_done: target.quirks.no_done,
            stream: target.stream,
            int8_vectors: target.quirks.int8_vectors,
            emulation: Emulation::default(),
            is_bytes: false,
        }
    }

    /// The parameters that something else stood in for, as answers name them.
    pub fn emulated_params(&self) -> Vec<String> {
        let custom = (!self.emulation.custom_tools.is_empty()).then_some("tools.custom");
        let format = self.emulation.format.as_ref().map(|_| "response_format");
        let documents = (!self.emulation.documents.is_empty()).then_some("return_documents");
        format.into_iter().chain(custom).chain(documents).map(str::to_owned).collect()
    }
}

/// Collects the parameters that a provider can't take: refused, or dropped and reported (law 2).
#[derive(Debug)]
pub struct Unsupported<'a> {
    policy: UnsupportedPolicy,
    taker: &'a str,
    /// The protocol that the request came in.
    caller: Option<Protocol>,
    dropped: Vec<String>,
}

impl<'a> Unsupported<'a> {
    /// Under the request's `policy`; `taker` is the provider's id.
    pub fn new(policy: UnsupportedPolicy, taker: &'a str) -> Self {
        Self { policy, taker, caller: None, dropped: Vec::new() }
    }

    /// For a request with this `native`: what clients of its protocol put into every request unasked is left out under
    /// either policy, and reported.
    pub fn for_caller(self, native: &Native) -> Self {
        Self { caller: native.protocol(), ..self }
    }

    /// Says that `param`, which the request sets, can't be sent. An error unless the caller allowed leaving it out.
    pub fn param(&mut self, param: &str, why: &str) -> Result<()> {
        if self.caller.is_some_and(|caller| unasked::is_unasked(caller, param)) {
            self.leave_out(param);
            return Ok(());
        }
        match self.policy {
            UnsupportedPolicy::Refuse => Err(Error::unsupported(param, format_args!("`{}`", self.taker), why)),
            UnsupportedPolicy::Drop => {
                self.dropped.push(param.to_owned());
                Ok(())
            }
        }
    }

    /// Says that a cache marker can't be sent: a [`hint`](Self::hint), which clients of Anthropic's protocol put into every
    /// prompt.
    pub fn cache_marker(&mut self, param: &str, marker: &CacheControl, taker: Protocol, why: &str) -> Result<()> {
        self.hint(param, marker.native.is_foreign_to(taker), why)
    }

    /// Says that a hint can't be sent: something that changes no answer, such as a cache marker or the end user's name.
    /// One that came in from another protocol (`is_foreign`) is left out under either policy, and reported: clients of
    /// such a protocol put it into every request unasked, so that refusing it would keep them from every provider that
    /// has no such thing. One said in llm-core's own words, or the provider's, is a parameter like any other.
    pub fn hint(&mut self, param: &str, is_foreign: bool, why: &str) -> Result<()> {
        if !is_foreign {
            return self.param(param, why);
        }
        self.leave_out(param);
        Ok(())
    }

    /// Notes that a hint was left out, once however often it was given.
    fn leave_out(&mut self, param: &str) {
        if !self.dropped.iter().any(|dropped| dropped == param) {
            self.dropped.push(param.to_owned());
        }
    }

    /// Says of every member of a request's `native` that came in another protocol than `own` that it can't be sent.
    /// Empty values only tell how something was spelled, how the answer is delivered is for the target to say, and what
    /// changes no answer is left out as a [`hint`](Self::hint).
    pub fn foreign(&mut self, native: &Native, own: Protocol) -> Result<()> {
        self.foreign_beside(native, own, &[])
    }

    /// The same beside the members that the encoder of `own` has said in its own words.
    pub fn foreign_beside(&mut self, native: &Native, own: Protocol, said: &[&str]) -> Result<()> {
        const DELIVERY: [&str; 3] = ["stream", "stream_options", "anthropic-beta"];
        let Some(theirs) = native.protocol().filter(|theirs| *theirs != own) else { return Ok(()) };
        for (name, value) in native.members(theirs).into_iter().flatten() {
            if DELIVERY.contains(&name.as_str()) || said.contains(&name.as_str()) || is_empty_shape(value) {
                continue;
            }
            if unasked::is_member(name, value) {
                self.leave_out(name);
            } else {
                self.param(name, &format!("it is a member that only `{theirs}` has"))?;
            }
        }
        Ok(())
    }

    /// What was left out.
    pub fn into_dropped(self) -> Vec<String> {
        self.dropped
    }
}

/// Whether `value` says nothing: null, or false, zero, and whatever else is empty.
fn is_empty_shape(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_set) => !is_set,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_empty_shape),
        Value::Object(members) => members.values().all(is_empty_shape),
    }
}

/// Status and headers of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
}

/// The head of an application's request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The path, percent-encoded as it came.
    pub path: String,
    /// The query as it came, without `?`.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
}

/// One event of a body, cut out by its framing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The event's name, where the framing has one; empty where it was not said.
    pub event: &'a str,
    /// The payload. Empty for comments and keep-alives.
    pub data: &'a [u8],
    /// Whether the framing itself says that this is an error (AWS event stream: `:message-type: exception`).
    pub is_error: bool,
}

impl<'a> Frame<'a> {
    /// An event without a name.
    pub fn data(data: &'a [u8]) -> Self {
        Self { event: "", data, is_error: false }
    }
}

/// We are the client: say a request in this protocol, understand its answer.
pub trait Upstream<O: Operation>: Send + Sync {
    /// The request on the wire. A parameter that the target can't take is an error that names it, or is dropped and
    /// reported where the request allows that.
    fn encode_request(&self, request: &O::Request, target: &Target<'_>) -> Result<Encoded>;
    /// Understands a whole answer of status 2xx.
    fn decode_answer(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<O::Answer>;
    /// Begins to understand a streamed answer. Operations whose answers always come whole have none.
    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<O>> {
        let _ = cx;
        Box::new(Whole)
    }
    /// Understands an answer of any other status. Never fails: a body that can't be read is kept as it is.
    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error;
}

/// Events in, chunks out.
pub trait StreamDecoder<O: Operation>: Send {
    /// Takes the next event and appends what it says to `out`. An error ends the stream.
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<O::Chunk>) -> Result<()>;
    /// Says that the body has ended: appends what was held back, or says that the stream was cut.
    fn finish(&mut self, out: &mut Vec<O::Chunk>) -> Result<()>;
    /// What was said of the whole call beside its chunks; only the native protocol says anything.
    fn trailer(&self) -> Trailer {
        Trailer::default()
    }
}

/// What a gateway says of a streamed call at its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trailer {
    /// The provider that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Id, cost and attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallInfo>,
    /// The model that answered, where no chunk has a place for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the call used, where no chunk said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Parameters that were left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped_params: Vec<String>,
    /// Parameters that the provider lacks and that something else stood in for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emulated_params: Vec<String>,
}

/// Tools that belong to a group: by the name that they have where there are no groups, the group and their name in it.
pub type Grouped = BTreeMap<String, (String, String)>;

/// What the encoder of an answer must know of the application's request, and what it can't find out by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerContext {
    /// The model as the application asked for it.
    pub model: String,
    /// Whether it asked for a stream.
    pub stream: bool,
    /// Whether it asked for usage in the stream, for protocols in which one asks.
    pub include_usage: bool,
    /// The API version it speaks, for protocols that have several.
    pub version: Option<String>,
    /// The form in which it wants the answer, where the operation or the protocol has several (`base64`, `srt`).
    pub form: Option<String>,
    /// Members of the request that the answer repeats, for protocols whose answers do.
    pub echo: serde_json::Map<String, Value>,
    /// The tools of the request that belong to a group, which other protocols know by another name.
    pub grouped: Grouped,
    /// What ids are made from where the provider gave none. Unique to the call; filled in by the server.
    pub id_seed: String,
    /// The time of the call, in seconds since 1970; filled in by the server.
    pub created: i64,
}

/// We are the server: understand an application's request, answer as its SDK expects.
pub trait Downstream<O: Operation>: Send + Sync {
    /// Understands a request. What is wrong with it is said by name.
    fn decode_request(&self, head: &RequestHead, body: &[u8]) -> Result<(O::Request, AnswerContext)>;
    /// A whole answer on the wire.
    fn encode_answer(&self, cx: &AnswerContext, answer: &O::Answer) -> Result<Bytes>;
    /// The `content-type` of a whole answer.
    fn content_type(&self, cx: &AnswerContext, answer: &O::Answer) -> Cow<'static, str> {
        let _ = (cx, answer);
        Cow::Borrowed("application/json")
    }
    /// Begins a streamed answer. Operations whose answers always come whole have none.
    fn encode_stream(&self, cx: &AnswerContext) -> Box<dyn StreamEncoder<O>> {
        let _ = cx;
        Box::new(Whole)
    }
    /// An error before the first byte: status, headers and body in the protocol's envelope.
    fn encode_error(&self, error: &Error) -> ErrorAnswer;
}

/// An error on the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorAnswer {
    /// The status.
    pub status: StatusCode,
    /// Headers of the envelope, `content-type` and `retry-after` included.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Chunks in, framed bytes out.
pub trait StreamEncoder<O: Operation>: Send {
    /// The `content-type` of the stream.
    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }
    /// Appends what `chunk` says to `out`; may be nothing.
    fn encode(&mut self, chunk: &O::Chunk, out: &mut Vec<u8>) -> Result<()>;
    /// Appends what ends a whole stream. Only the native protocol has a place for `trailer`.
    fn finish(&mut self, trailer: &Trailer, out: &mut Vec<u8>);
    /// Appends an error that came after the first byte. Nothing follows it, and the stream must not look whole.
    fn error(&mut self, error: &Error, out: &mut Vec<u8>);
}

/// The same dialect on both sides: edits named members in place, and watches the bytes go by.
pub trait Passthrough: Send + Sync {
    /// A look at an application's request without building it: what routing and limits need.
    fn skim(&self, head: &RequestHead, body: &[u8]) -> Result<Skim>;
    /// Whether this request's bytes, and its answer's, can pass to `target` at all. What can't is translated, also to the
    /// same dialect.
    fn can_pass(&self, _target: &Target<'_>, _head: &RequestHead, _body: &[u8]) -> bool {
        true
    }
    /// The same body with `edits` made and every other byte as it was.
    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes>;
    /// The protocol's path and headers for a body that passes.
    fn address(&self, target: &Target<'_>) -> Result<Encoded>;
    /// What the caller's own head says of where and how the body passes: a form's `content-type`, a path's variant.
    fn follow(&self, head: &RequestHead, encoded: &mut Encoded) {
        let _ = (head, encoded);
    }
    /// Reads the usage of a whole answer.
    fn observe(&self, body: &[u8]) -> Observed;
    /// Begins to watch a stream. `hide_usage`: the caller did not ask for the usage that we asked for.
    fn observe_stream(&self, hide_usage: bool) -> Box<dyn Observer>;
}

/// What routing and limits need to know of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Skim {
    /// The model as asked.
    pub model: String,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the caller asked for usage in the stream (always true where the protocol always sends it).
    pub include_usage: bool,
    /// The bound of the answer in tokens, where the caller states one.
    pub max_tokens: Option<u64>,
    /// How many answers are asked for; 1 where none is said.
    pub choices: u64,
    /// UTF-8 bytes of all text: contents, names, schemas, arguments.
    pub text_bytes: u64,
    /// How many messages.
    pub messages: u64,
    /// How many tools are offered.
    pub tools: u64,
    /// How many images, sounds and documents.
    pub media: u64,
    /// What has no computable bound: tools that the provider runs itself, ids of things it stores.
    pub unbounded: bool,
    /// The end user, where the request names one.
    pub user: Option<String>,
    /// The service tier, where the request names one.
    pub service_tier: Option<String>,
    /// What is charged by something other than tokens.
    pub units: Vec<Unit>,
    /// What the provider stores and the request goes on from.
    pub stored: Vec<Stored>,
    /// Whether the answer is to be made behind the caller's back, so that no answer tells what it costs.
    pub background: bool,
}

/// Something that a provider stores, as a request names it (law 13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The parameter that names it.
    pub param: &'static str,
    /// The provider's id of it.
    pub id: String,
}

impl Stored {
    /// The thing `id`, named by `param`.
    pub fn new(param: &'static str, id: impl Into<String>) -> Self {
        Self { param, id: id.into() }
    }
}

/// The edits of one call, fixed before it is made (law 3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edits {
    /// The model as the provider spells it.
    pub model: Option<String>,
    /// Ask for usage at the end of the stream.
    pub ask_usage: bool,
    /// The most output tokens that may be asked for; lowers a higher one, sets a missing one.
    pub cap_output: Option<u64>,
    /// The name under which the provider takes the output cap, where it is not the protocol's own.
    pub cap_name: Option<String>,
}

impl Edits {
    /// Whether the body stays as it is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What was seen of an answer that passed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// What the call used, where the provider said it.
    pub usage: Option<Usage>,
    /// The service tier that served the call, where the provider said it.
    pub service_tier: Option<String>,
    /// Whether the answer came to its proper end.
    pub complete: bool,
    /// Whether the model said why it stopped; the proper end of a stream whose row says that it lacks a terminator
    /// ([`Quirks::no_done`]).
    pub finished: bool,
    /// Chunks that carried content.
    pub content_chunks: u64,
    /// The provider's error inside the answer, if there was one.
    pub error: Option<String>,
    /// What the answer says that the provider now stores, in the order in which it was said.
    pub made: Vec<Made>,
    /// Whether the provider goes on making the answer by itself, behind what was said so far.
    pub pending: bool,
}

impl Observed {
    /// Notes, once, that the provider now stores something.
    pub fn note(&mut self, kind: ObjectKind, id: &str) {
        let is_known = self.made.iter().any(|made| made.kind == kind && made.id == id);
        if !id.is_empty() && !is_known {
            self.made.push(Made { kind, id: id.to_owned() });
        }
    }
}

/// What becomes of a frame that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as it came.
    Forward,
    /// It is left out.
    Drop,
}

/// Watches a stream go by.
pub trait Observer: Send {
    /// Looks at the next frame and says what becomes of it.
    fn frame(&mut self, frame: &Frame<'_>) -> Verdict;
    /// What was seen so far; `complete` only after the protocol's proper end.
    fn observed(&self) -> &Observed;
}

/// Reads a `retry-after` header: seconds, or `retry-after-ms` beside it. HTTP dates are not read.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|millis| millis / 1000.0).or_else(|| number("retry-after"))?;
    (0.0..=86_400.0 * 366.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

/// The kind of error that a provider's status says, before its body is looked at.
pub fn kind_of_status(status: StatusCode) -> crate::ErrorKind {
    use crate::ErrorKind;
    match status.as_u16() {
        401 => ErrorKind::ProviderAuth,
        402 => ErrorKind::QuotaExceeded,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::ModelNotFound,
        408 | 504 => ErrorKind::Timeout,
        413 => ErrorKind::RequestTooLarge,
        429 => ErrorKind::RateLimited,
        503 | 529 => ErrorKind::Overloaded,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::ProviderError,
    }
}

/// One protocol that can be spoken for an operation, on both sides; the tables stand in the provider crate.
pub trait Speaks<O: Operation = Chat>: Upstream<O> + Downstream<O> {
    /// Which one.
    fn protocol(&self) -> Protocol;
    /// The way for bytes that need no translation, where the protocol has one.
    fn passthrough(&self) -> Option<&dyn Passthrough>;
}

/// A protocol that can be spoken for chat.
pub use self::Speaks as ChatProtocol;

/// The stream of an operation whose answers always come whole.
struct Whole;

impl Whole {
    fn error() -> Error {
        Error::new(ErrorKind::NotImplemented, "this protocol does not stream this operation").with_param("stream")
    }
}

impl<O: Operation> StreamDecoder<O> for Whole {
    fn decode(&mut self, _: &Frame<'_>, _: &mut Vec<O::Chunk>) -> Result<()> {
        Err(Self::error())
    }
    fn finish(&mut self, _: &mut Vec<O::Chunk>) -> Result<()> {
        Err(Self::error())
    }
}

impl<O: Operation> StreamEncoder<O> for Whole {
    fn encode(&mut self, _: &O::Chunk, _: &mut Vec<u8>) -> Result<()> {
        Err(Self::error())
    }
    fn finish(&mut self, _: &Trailer, _: &mut Vec<u8>) {}
    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        // Only a stream that passed can come to this, and those are all server-sent events.
        let body = serde_json::json!({ "error": { "message": error.for_caller().message() } });
        out.extend_from_slice(format!("event: error\ndata: {body}\n\n").as_bytes());
    }
}

#[cfg(test)]
mod tests;
