//! Watches answers go by: only what carries usage, an id of something that is stored, the end or an error is parsed.

use std::sync::LazyLock;

use llm_core::Meter;
use llm_core::codec::{Frame, Observed, Observer, Verdict};
use llm_core::stored::ObjectKind;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::{searches, usage};
use crate::protocols::reader::{self, Nested};

/// How an item says on which machine its code ran.
static CONTAINER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"container_id\""));
/// The type of an item of a search.
static SEARCH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(searches::ITEM));

/// The members of a response that matter here. Whatever else there is, is skipped unread.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Response<'a> {
    id: Value,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    store: Value,
    background: Value,
    status: Value,
    usage: Value,
    tool_usage: Value,
    service_tier: Value,
    error: Value,
}

/// Those of an event.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    r#type: Value,
    #[serde(borrow)]
    response: Option<Nested<Response<'a>>>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    error: Value,
    message: Value,
}

impl Response<'_> {
    /// Notes what is stored: nothing of a response that is not.
    fn look_at_ids(&self, observed: &mut Observed) {
        observed.pending = self.background == true && self.is_under_way();
        if self.store == false {
            return;
        }
        if let Some(id) = self.id.as_str() {
            observed.note(ObjectKind::Response, id);
        }
        let items: Vec<&RawValue> =
            self.output.and_then(|output| serde_json::from_str(output.get()).ok()).unwrap_or_default();
        for item in items {
            look_at_item(item.get(), observed);
        }
    }

    fn is_under_way(&self) -> bool {
        matches!(self.status.as_str(), Some("queued" | "in_progress"))
    }

    /// The searches that are charged. The items are read only where one of them may be a search.
    fn searches(&self) -> u64 {
        searches::said(&self.tool_usage).unwrap_or_else(|| {
            let output = self.output.map(RawValue::get).filter(|output| SEARCH.find(output.as_bytes()).is_some());
            let items: Vec<Value> = output.and_then(|output| serde_json::from_str(output).ok()).unwrap_or_default();
            searches::among(items.iter())
        })
    }

    fn look(mut self, observed: &mut Observed) {
        self.look_at_ids(observed);
        if let Value::Object(members) = std::mem::take(&mut self.usage) {
            observed.usage = Some(usage::read(members).with(Meter::Query, self.searches()));
        }
        if let Value::String(tier) = self.service_tier {
            observed.service_tier = Some(tier);
        }
        observed.error = message(&self.error);
        observed.complete = self.output.is_some() && observed.error.is_none() && self.status != "failed";
        observed.finished = observed.complete;
    }
}

/// Notes the ids that an item holds: its own, and those of the machine and the files of the code that was run for it.
fn look_at_item(item: &str, observed: &mut Observed) {
    #[derive(Deserialize)]
    struct Item {
        id: Option<Value>,
    }
    let own = serde_json::from_str::<Item>(item).ok().and_then(|item| item.id);
    if let Some(id) = own.as_ref().and_then(Value::as_str) {
        observed.note(ObjectKind::Item, id);
    }
    if CONTAINER.find(item.as_bytes()).is_some()
        && let Ok(item) = serde_json::from_str::<Value>(item)
    {
        look_for_containers(&item, observed);
    }
}

fn look_for_containers(value: &Value, observed: &mut Observed) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| look_for_containers(value, observed)),
        Value::Object(members) => {
            let id = |name: &str| members.get(name).and_then(Value::as_str);
            if let Some(container) = id("container_id") {
                observed.note(ObjectKind::Container, container);
                if let Some(file) = id("file_id") {
                    observed.note(ObjectKind::ContainerFile, file);
                }
            }
            members.values().for_each(|value| look_for_containers(value, observed));
        }
        _ => {}
    }
}

/// Looks at a whole answer.
pub(super) fn whole(body: &[u8]) -> Observed {
    let mut observed = Observed { content_chunks: 1, ..Observed::default() };
    let distinct;
    let response = match serde_json::from_slice::<Response<'_>>(body) {
        Ok(response) => Some(response),
        Err(_) => {
            distinct = reader::distinct(body);
            distinct.as_deref().and_then(|body| serde_json::from_slice(body).ok())
        }
    };
    if let Some(response) = response {
        // Whoever answers whole and has not ended goes on, whether it says so or not.
        let pending = response.is_under_way();
        response.look(&mut observed);
        observed.pending = pending;
    }
    observed
}

/// An error's words.
fn message(error: &Value) -> Option<String> {
    match error {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        error => Some(error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned)),
    }
}

/// Watches a stream.
#[derive(Default)]
pub(super) struct Watch(Observed);

impl Observer for Watch {
    fn frame(&mut self, frame: &Frame<'_>) -> Verdict {
        match frame.event {
            "" if frame.data.is_empty() => {}
            "" | "error" => self.parse(frame.data),
            name if name.ends_with(".delta") => self.0.content_chunks += 1,
            "response.created"
            | "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => {
                self.parse(frame.data);
            }
            // The caller may use the machine before the response is whole.
            "response.output_item.added" | "response.output_item.done" if CONTAINER.find(frame.data).is_some() => {
                self.parse(frame.data);
            }
            _ => {}
        }
        Verdict::Forward
    }

    fn observed(&self) -> &Observed {
        &self.0
    }
}

impl Watch {
    fn parse(&mut self, data: &[u8]) {
        if let Ok(event) = serde_json::from_slice(data) {
            self.look(event);
        } else if let Some(event) = reader::distinct(data).as_deref().and_then(|data| serde_json::from_slice(data).ok())
        {
            self.look(event);
        }
    }

    fn look(&mut self, event: Event<'_>) {
        match event.r#type.as_str().unwrap_or_default() {
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                event.response.unwrap_or_default().0.look(&mut self.0);
            }
            "response.created" => event.response.unwrap_or_default().0.look_at_ids(&mut self.0),
            "response.output_item.added" | "response.output_item.done" => {
                if let Some(item) = event.item
                    && !self.0.made.is_empty()
                {
                    look_at_item(item.get(), &mut self.0);
                }
            }
            "error" => {
                let said = message(&event.error).or_else(|| message(&event.message));
                self.0.error = Some(said.unwrap_or_else(|| "an error without a message".to_owned()));
            }
            kind if kind.ends_with(".delta") => self.0.content_chunks += 1,
            "" => self.0.error = message(&event.error).or(self.0.error.take()),
            _ => {}
        }
    }
}
