//! One choice of a stream: which parts have begun, and to which of them a delta belongs.

use llm_core::Native;
use llm_core::chat::{Change, ChunkChoice, Content, Delta, Media, MediaKind, MediaSource, Part, Reasoning, Role};
use llm_core::codec::DecodeContext;
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::message::calls::{self, Arguments, CALLS, Piece};
use super::super::message::reasoning::{self, DETAILS, Detail};
use super::super::message::sources::Sources;
use super::super::message::think::{self, Sorted, Splitter};
use super::super::message::{chunks, citations, images};
use super::super::{PROTOCOL, finish};

/// The parts of one choice.
pub(super) struct ChoiceState {
    index: u32,
    begun: u32,
    text: Option<u32>,
    refusal: Option<u32>,
    /// Plain reasoning, and reasoning between tags.
    thoughts: Option<u32>,
    details: Vec<(DetailKey, u32)>,
    audio: Option<Spoken>,
    calls: Vec<Call>,
    tags: Option<Splitter>,
    finished: bool,
}

/// Pieces of one detail have type and index in common.
type DetailKey = (Option<String>, Option<u64>);

struct Call {
    index: Option<u64>,
    id: Option<String>,
    part: u32,
}

struct Spoken {
    part: u32,
    transcript: String,
}

impl ChoiceState {
    pub(super) fn new(index: u32, think_tags: bool) -> Self {
        Self {
            index,
            begun: 0,
            text: None,
            refusal: None,
            thoughts: None,
            details: Vec::new(),
            audio: None,
            calls: Vec::new(),
            tags: think_tags.then(Splitter::default),
            finished: false,
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Reads what an event says of this choice.
    pub(super) fn read(&mut self, cx: &DecodeContext, mut fields: Fields, sources: &mut Sources) -> ChunkChoice {
        let mut deltas = Vec::new();
        let mut role = None;
        if let Some(mut delta) = fields.take_object("delta") {
            role = delta.text("role").map(Role::from);
            self.read_reasoning(cx, &mut delta, &mut deltas);
            self.read_content(cx, &mut delta, &mut deltas);
            self.read_citations(&mut delta, sources, &mut deltas);
            if let Some(text) = delta.take_nonempty("refusal") {
                let part = begin_once(&mut self.refusal, &mut self.begun, &mut deltas, || {
                    Content::Refusal { text: String::new() }.into()
                });
                deltas.push(Delta::new(part, Change::Refusal(text)));
            }
            for image in images::take(&mut delta) {
                deltas.push(Delta::new(next(&mut self.begun), Change::Start(image)));
            }
            self.read_audio(&mut delta, &mut deltas);
            self.read_calls(cx, &mut delta, &mut deltas);
            fields.put("delta", Value::Object(delta.into_members()));
        }
        let finish_reason = finish::take(&mut fields);
        self.finished |= finish_reason.is_some();
        if finish_reason.is_some() {
            self.push_sources(sources, &mut deltas);
        }
        ChunkChoice {
            index: self.index,
            role,
            deltas,
            finish_reason,
            logprobs: fields.take_object("logprobs").map(|logprobs| Value::Object(logprobs.into_members())),
            native: fields.into_native(PROTOCOL),
        }
    }

    /// What was held back when the stream ends.
    pub(super) fn finish(&mut self) -> Option<ChunkChoice> {
        let sorted = self.tags.as_mut()?.finish();
        if sorted == Sorted::default() {
            return None;
        }
        let mut deltas = Vec::new();
        self.push_sorted("", sorted, String::new(), &mut deltas);
        Some(ChunkChoice { index: self.index, deltas, ..ChunkChoice::default() })
    }

    /// The sources that were found since; none where the first choice has no text that could rest on them.
    pub(super) fn cite_sources(&self, sources: &mut Sources) -> Option<ChunkChoice> {
        let mut deltas = Vec::new();
        self.push_sources(sources, &mut deltas);
        let native = Native::new(PROTOCOL, Map::new());
        (!deltas.is_empty()).then(|| ChunkChoice { index: self.index, deltas, native, ..ChunkChoice::default() })
    }

    /// Sources are said once the text is whole, which they are of.
    fn push_sources(&self, sources: &mut Sources, deltas: &mut Vec<Delta>) {
        if let Some(part) = self.text.filter(|_| self.index == 0) {
            deltas.extend(sources.take().into_iter().map(|source| Delta::new(part, Change::Citation(source))));
        }
    }

    fn read_reasoning(&mut self, cx: &DecodeContext, delta: &mut Fields, deltas: &mut Vec<Delta>) {
        let first = deltas.len();
        let has_details = self.read_details(cx, delta, deltas);
        let joined: String = deltas[first..].iter().filter_map(thought_of).collect();
        let mut said: Option<String> = None;
        let mut sources = Vec::new();
        for name in reasoning::plain_members(cx.reasoning_field.as_deref()) {
            let Some(text) = delta.text(name).filter(|text| !text.is_empty()) else { continue };
            if has_details && text == joined {
                for delta in deltas[first..].iter_mut().filter(|delta| thought_of(delta).is_some()) {
                    delta.native.insert(PROTOCOL, name, json!(""));
                }
            } else if (!has_details || joined.is_empty()) && said.as_deref().is_none_or(|said| said == text) {
                said = Some(text.to_owned());
                sources.push((name.to_owned(), json!("")));
            } else {
                continue;
            }
            delta.take(name);
        }
        if let Some(text) = said {
            let part = self.thoughts(&cx.provider, deltas);
            let native = Native::new(PROTOCOL, sources.into_iter().collect());
            deltas.push(Delta { part, change: Change::Reasoning(text), native });
        }
    }

    fn thoughts(&mut self, provider: &str, deltas: &mut Vec<Delta>) -> u32 {
        begin_once(&mut self.thoughts, &mut self.begun, deltas, || {
            Reasoning { provider: Some(provider.to_owned()), ..Reasoning::default() }.into()
        })
    }

    fn read_details(&mut self, cx: &DecodeContext, delta: &mut Fields, deltas: &mut Vec<Delta>) -> bool {
        let readable = |list: &Vec<Value>| !list.is_empty() && list.iter().all(Value::is_object);
        if !delta.get(DETAILS).and_then(Value::as_array).is_some_and(readable) {
            return false;
        }
        for value in delta.take_list(DETAILS).unwrap_or_default() {
            let Value::Object(members) = value else { continue };
            self.read_detail(cx, members, deltas);
        }
        true
    }

    fn read_detail(&mut self, cx: &DecodeContext, members: Map<String, Value>, deltas: &mut Vec<Delta>) {
        let Detail { thought, mut rest } = Detail::read(members, Some(&cx.provider));
        if let Some(data) = &thought.encrypted {
            rest.insert("data".to_owned(), json!(data));
        }
        let text_of = |name| rest.get(name).and_then(Value::as_str).map(str::to_owned);
        let key = (text_of("type"), rest.get("index").and_then(Value::as_u64));
        let known = self.details.iter().find(|(known, _)| *known == key).map(|&(_, part)| part);
        // Encrypted thoughts come whole.
        let part = match known.filter(|_| thought.encrypted.is_none()) {
            Some(part) => part,
            None => {
                let part = next(&mut self.begun);
                let empty = Reasoning { text: String::new(), signature: None, ..thought.clone() };
                let begun = Part::from(empty).with_native(Native::new(PROTOCOL, Map::new()));
                deltas.push(Delta::new(part, Change::Start(begun)));
                self.details.push((key, part));
                part
            }
        };
        // Always said, be it empty: it carries what is left of the detail.
        let mut native = Native::NONE;
        native.insert(PROTOCOL, DETAILS, Value::Object(rest));
        deltas.push(Delta { part, change: Change::Reasoning(thought.text), native });
        if let Some(signature) = thought.signature {
            deltas.push(Delta::new(part, Change::Signature(signature)));
        }
    }

    fn read_content(&mut self, cx: &DecodeContext, delta: &mut Fields, deltas: &mut Vec<Delta>) {
        if let Some(text) = delta.text("content").filter(|text| !text.is_empty()) {
            let text = text.to_owned();
            if let Some(splitter) = &mut self.tags {
                let sorted = splitter.push(&text);
                if sorted == Sorted::default() && self.text.is_none() && self.thoughts.is_none() {
                    // It may yet become a tag; the event keeps it until then.
                    return;
                }
                delta.take("content");
                self.push_sorted(&cx.provider, sorted, text, deltas);
            } else {
                delta.take("content");
                let part = self.begin_text(deltas);
                deltas.push(Delta::new(part, Change::Text(text)));
            }
            return;
        }
        // A list stays as it is; its texts and thoughts are read from it.
        let Some(Value::Array(list)) = delta.get("content") else { return };
        for value in list {
            let (part, change) = match (listed_text(value), chunks::text_of(value)) {
                (Some(text), _) => (self.begin_text(deltas), Change::Text(text)),
                (None, Some(thought)) if !thought.is_empty() => {
                    (self.thoughts(&cx.provider, deltas), Change::Reasoning(thought))
                }
                (None, _) => continue,
            };
            deltas.push(Delta { part, change, native: written_as(Value::Null) });
        }
    }

    /// Says what stood in `raw`, which is written back exactly once.
    fn push_sorted(&mut self, provider: &str, sorted: Sorted, raw: String, deltas: &mut Vec<Delta>) {
        let Sorted { thoughts, text } = sorted;
        let thinks = !thoughts.is_empty() || (text.is_empty() && self.thoughts.is_some());
        if thinks {
            let part = begin_once(&mut self.thoughts, &mut self.begun, deltas, || think::part("", provider));
            let native = written_as(json!(raw));
            deltas.push(Delta { part, change: Change::Reasoning(thoughts), native });
        }
        if !text.is_empty() {
            let part = self.begin_text(deltas);
            let native = match () {
                () if thinks => written_as(json!("")),
                () if raw == text => Native::NONE,
                () => written_as(json!(raw)),
            };
            deltas.push(Delta { part, change: Change::Text(text), native });
        }
    }

    fn begin_text(&mut self, deltas: &mut Vec<Delta>) -> u32 {
        begin_once(&mut self.text, &mut self.begun, deltas, || Part::text(""))
    }

    fn read_citations(&mut self, delta: &mut Fields, sources: &mut Sources, deltas: &mut Vec<Delta>) {
        for citation in citations::take(delta) {
            citation.url.iter().for_each(|url| sources.cited(url));
            let part = self.begin_text(deltas);
            deltas.push(Delta::new(part, Change::Citation(citation)));
        }
    }

    /// Sound: the data is taken; id, transcript and expiry stay in the delta for the event, and are gathered in the
    /// part for the whole.
    fn read_audio(&mut self, delta: &mut Fields, deltas: &mut Vec<Delta>) {
        let Some(mut audio) = delta.take_object("audio") else { return };
        let spoken = self.audio.get_or_insert_with(|| {
            let part = next(&mut self.begun);
            let source = MediaSource::Base64 { media_type: "audio/*".to_owned(), data: String::new() };
            deltas.push(Delta::new(part, Change::Start(Media::new(MediaKind::Audio, source).into())));
            Spoken { part, transcript: String::new() }
        });
        let data = audio.take_nonempty("data").unwrap_or_default();
        if let Some(more) = audio.text("transcript") {
            spoken.transcript.push_str(more);
        }
        let rest = audio.into_members();
        let mut so_far = rest.clone();
        if !spoken.transcript.is_empty() {
            so_far.insert("transcript".to_owned(), json!(spoken.transcript));
        }
        delta.put("audio", Value::Object(rest));
        let mut native = Native::NONE;
        native.insert(PROTOCOL, "audio", Value::Object(so_far));
        deltas.push(Delta { part: spoken.part, change: Change::Data(data), native });
    }

    fn read_calls(&mut self, cx: &DecodeContext, delta: &mut Fields, deltas: &mut Vec<Delta>) {
        let all_calls = |list: &Vec<Value>| !list.is_empty() && list.iter().all(is_piece);
        if !delta.get(CALLS).and_then(Value::as_array).is_some_and(all_calls) {
            return;
        }
        for value in delta.take_list(CALLS).unwrap_or_default() {
            let Value::Object(members) = value else { continue };
            let mut place = None;
            let mut piece = Piece::read(members, |piece| {
                place = self.place_of(piece);
                place.is_none()
            });
            match place.and_then(|place| self.calls.get_mut(place)) {
                Some(call) => {
                    if call.id.is_none() {
                        call.id.clone_from(&piece.id);
                    }
                    deltas.push(continued(call.part, piece));
                }
                None => {
                    let part = next(&mut self.begun);
                    let number = self.calls.len();
                    let begun = calls::begin(&mut piece, || format!("call_{}_{}_{number}", cx.id_seed, self.index));
                    deltas.push(Delta::new(part, Change::Start(begun)));
                    match piece.arguments {
                        Some(Arguments::Text(text)) => deltas.push(Delta::new(part, Change::Arguments(text))),
                        Some(Arguments::Value(text)) => {
                            let native = piece_of(Value::Null);
                            deltas.push(Delta { part, change: Change::Arguments(text), native });
                        }
                        None => {}
                    }
                    self.calls.push(Call { index: piece.index, id: piece.id, part });
                }
            }
        }
    }

    /// The call that a piece goes on with. Hosts that give every call the index 0 tell them apart by id; without an
    /// index, an id or a name begins a new call.
    fn place_of(&self, piece: &Piece) -> Option<usize> {
        let same_id = |call: &Call| piece.id.is_some() && call.id == piece.id;
        let may_be = |call: &Call| piece.id.is_none() || call.id.is_none() || call.id == piece.id;
        match piece.index {
            Some(_) => self
                .calls
                .iter()
                .rposition(|call| call.index == piece.index && may_be(call))
                .or_else(|| self.calls.iter().rposition(same_id)),
            None if piece.id.is_some() => self.calls.iter().rposition(same_id),
            None if piece.name.is_some() => None,
            None => self.calls.len().checked_sub(1),
        }
    }
}

fn continued(part: u32, piece: Piece) -> Delta {
    let text = piece.arguments.map(Arguments::into_text).unwrap_or_default();
    Delta { part, change: Change::Arguments(text), native: piece_of(Value::Object(piece.rest)) }
}

/// What is left of a piece of a tool call; null where the change was written with the call's beginning.
fn piece_of(rest: Value) -> Native {
    let mut native = Native::NONE;
    native.insert(PROTOCOL, CALLS, rest);
    native
}

/// How a text stood in `content`: other than it reads, or null where it stands there already.
fn written_as(raw: Value) -> Native {
    let mut native = Native::NONE;
    native.insert(PROTOCOL, "content", raw);
    native
}

fn is_piece(value: &Value) -> bool {
    let odd = |inner| value.get(inner).is_some_and(|inner| !inner.is_object() && !inner.is_null());
    value.is_object() && !odd("function") && !odd("custom")
}

fn listed_text(value: &Value) -> Option<String> {
    let is_text = value.get("type").is_some_and(|kind| kind == "text");
    value.get("text").filter(|_| is_text)?.as_str().map(str::to_owned)
}

fn thought_of(delta: &Delta) -> Option<&str> {
    match &delta.change {
        Change::Reasoning(text) => Some(text),
        _ => None,
    }
}

fn next(begun: &mut u32) -> u32 {
    let part = *begun;
    *begun += 1;
    part
}

fn begin_once(place: &mut Option<u32>, begun: &mut u32, deltas: &mut Vec<Delta>, part: impl FnOnce() -> Part) -> u32 {
    *place.get_or_insert_with(|| {
        let place = next(begun);
        deltas.push(Delta::new(place, Change::Start(part())));
        place
    })
}
