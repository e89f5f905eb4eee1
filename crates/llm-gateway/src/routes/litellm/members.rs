//! Members of keys, teams and users that are said in the same way.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Refused};
use crate::litellm::duration;
use crate::litellm::node::{Fields, Node};

/// Members whose usual value says nothing.
pub(super) const HARMLESS: &[(&str, &str)] = &[
    ("spend", "0"),
    ("spend", "0.0"),
    ("key_type", "default"),
    ("key_type", "llm_api"),
    ("rpm_limit_type", "best_effort_throughput"),
    ("tpm_limit_type", "best_effort_throughput"),
];

/// Takes `models`. An empty list, or the word for all of them, is no list here.
pub(super) fn models(fields: &mut Fields, ours: &mut Map<String, Value>, changing: bool) -> Answer<()> {
    let said = fields.get("models").is_some();
    let Some(node) = fields.take("models") else {
        if said && changing {
            ours.insert("models".to_owned(), Value::Null);
        }
        return Ok(());
    };
    let names = node.texts().ok_or_else(|| Refused::bad("models", "`models` is a list of names"))?;
    let all = names.is_empty() || names.iter().any(|name| name == "all-proxy-models" || name == "all-team-models");
    if !all {
        ours.insert("models".to_owned(), json!(names));
    } else if changing {
        ours.insert("models".to_owned(), Value::Null);
    }
    Ok(())
}

/// Takes `metadata`.
pub(super) fn metadata(fields: &mut Fields, ours: &mut Map<String, Value>) -> Answer<()> {
    match fields.take("metadata") {
        None => {}
        Some(Node::Table(table)) => {
            ours.insert("metadata".to_owned(), Value::Object(table.to_json()));
        }
        Some(_) => return Err(Refused::bad("metadata", "`metadata` is an object")),
    }
    Ok(())
}

/// Takes `tags`, also out of the metadata, where LiteLLM keeps them.
pub(super) fn tags(fields: &mut Fields, ours: &mut Map<String, Value>) -> Answer<()> {
    let within = ours.get_mut("metadata").and_then(Value::as_object_mut).and_then(|table| table.shift_remove("tags"));
    match fields.take("tags") {
        Some(node) => {
            let tags = node.texts().ok_or_else(|| Refused::bad("tags", "`tags` is a list of texts"))?;
            ours.insert("tags".to_owned(), json!(tags));
        }
        None => {
            if let Some(tags) = within {
                ours.insert("tags".to_owned(), tags);
            }
        }
    }
    Ok(())
}

/// Takes `duration`, after which a key ends: `30d`; `-1` is never.
pub(super) fn expiry(fields: &mut Fields, ours: &mut Map<String, Value>) -> Answer<()> {
    let Some(text) = fields.take_text("duration") else { return Ok(()) };
    if text == "-1" {
        ours.insert("expires_at".to_owned(), Value::Null);
        return Ok(());
    }
    let wrong = || Refused::bad("duration", "`duration` is a length of time such as `30s`, `30m`, `30h` or `30d`");
    let seconds = duration::seconds(&text).ok_or_else(wrong)?;
    let end = Timestamp::now().checked_add(SignedDuration::from_secs(seconds)).map_err(|_| wrong())?;
    ours.insert("expires_at".to_owned(), json!(end));
    Ok(())
}

/// Takes texts that only have another name here. One that is said as null becomes nothing where something is changed.
pub(super) fn renamed(fields: &mut Fields, ours: &mut Map<String, Value>, names: &[(&str, &str)], changing: bool) {
    for (theirs, own) in names {
        let said = fields.get(theirs).is_some();
        match fields.take_text(theirs) {
            Some(text) => _ = ours.insert((*own).to_owned(), Value::String(text)),
            None if said && changing => _ = ours.insert((*own).to_owned(), Value::Null),
            None => {}
        }
    }
}

/// Takes `blocked`.
pub(super) fn blocked(fields: &mut Fields) -> Answer<Option<bool>> {
    let Some(node) = fields.take("blocked") else { return Ok(None) };
    node.bool().map(Some).ok_or_else(|| Refused::bad("blocked", "`blocked` is true or false"))
}

/// The list of an answer's limits.
pub(super) fn limits_of(thing: &Value) -> Vec<Value> {
    thing.get("limits").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// A list of models; an empty one is all.
pub(super) fn shown_models(thing: &Value) -> Value {
    match thing.get("models") {
        Some(Value::Array(models)) => Value::Array(models.clone()),
        _ => json!([]),
    }
}

/// The part of a list that is asked for by `page` and `size`, and how many pages there are.
pub(super) fn page(fields: &mut Fields, size_name: &str, usual: usize) -> Answer<(usize, usize)> {
    let number = |node: Option<Node>, name: &str, usual: usize| match node {
        None => Ok(usual),
        Some(node) => {
            let number = node.whole().and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
            number.ok_or_else(|| Refused::bad(name, format!("`{name}` is a whole number, 1 or more")))
        }
    };
    let page = number(fields.take("page"), "page", 1)?;
    let size = number(fields.take(size_name), size_name, usual)?;
    if size > 500 {
        return Err(Refused::bad(size_name, format!("`{size_name}` is at most 500")));
    }
    Ok((page, size))
}
