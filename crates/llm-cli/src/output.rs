//! Writes answers to standard output, and what is said of them to standard error.

use std::io::{self, Write, stdout};

use llm_providers::chat::{Change, ChatAnswer, ChatChunk, Content, FinishReason};
use llm_providers::{Client, Meter, Part};
use serde_json::{Map, Value, json};

/// Writes text as it comes, and ends its last line.
#[derive(Debug, Default)]
pub(crate) struct TextWriter {
    inside_line: bool,
}

impl TextWriter {
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        let Some(last) = text.as_bytes().last() else { return Ok(()) };
        self.inside_line = *last != b'\n';
        let mut out = stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    pub(crate) fn end(&mut self) -> io::Result<()> {
        if self.inside_line { self.write("\n") } else { Ok(()) }
    }
}

/// The text that a chunk adds to the answer, a refusal included: it is what the model says.
pub(crate) fn text_of_chunk(chunk: &ChatChunk) -> String {
    let first = chunk.choices.iter().filter(|choice| choice.index == 0);
    let said = first.flat_map(|choice| &choice.deltas).map(|delta| match &delta.change {
        Change::Start(part) => text_of_part(part),
        Change::Text(text) | Change::Refusal(text) => text,
        _ => "",
    });
    said.collect()
}

/// The text of a whole answer, a refusal included.
pub(crate) fn text_of_answer(answer: &ChatAnswer) -> String {
    answer.message().into_iter().flat_map(|message| &message.parts).map(text_of_part).collect()
}

fn text_of_part(part: &Part) -> &str {
    match &part.content {
        Content::Text { text, .. } | Content::Refusal { text } => text,
        _ => "",
    }
}

/// An answer as JSON: its text and cost, and then all of it.
pub(crate) fn json(client: &Client, answer: &ChatAnswer) -> Value {
    let mut members = Map::new();
    members.insert("text".to_owned(), json!(text_of_answer(answer)));
    members.insert("cost_usd".to_owned(), json!(client.cost(answer)));
    if let Value::Object(rest) = json!(answer) {
        members.extend(rest);
    }
    Value::Object(members)
}

/// Writes a JSON value for people and programs alike.
pub(crate) fn write_json(value: &Value) -> io::Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// What the call used and cost, in a line.
pub(crate) fn usage_line(client: &Client, answer: &ChatAnswer) -> String {
    let Some(usage) = &answer.usage else {
        return "usage: the provider does not say".to_owned();
    };
    let part = |count: u64, what: &str| if count > 0 { format!(" ({count} {what})") } else { String::new() };
    let cost = match client.cost(answer) {
        Some(cost) => format!("{cost} USD"),
        None => "no price is known".to_owned(),
    };
    format!(
        "usage: {} input{} + {} output{} tokens, {cost}, {}:{}",
        usage.input_tokens(),
        part(usage.get(Meter::CacheRead), "from the cache"),
        usage.output_tokens(),
        part(usage.get(Meter::Reasoning), "of reasoning"),
        answer.provider,
        answer.model
    )
}

/// What a reader of the answer should know beside it, if anything.
pub(crate) fn note(answer: &ChatAnswer) -> Option<String> {
    match answer.finish_reason()? {
        FinishReason::Length => Some("the answer is cut: it reached the most tokens it may have".to_owned()),
        FinishReason::ContentFilter => Some("the provider's content filter stopped the answer".to_owned()),
        FinishReason::ToolCalls => Some("the model asks for a tool, and none is there".to_owned()),
        _ => None,
    }
}
