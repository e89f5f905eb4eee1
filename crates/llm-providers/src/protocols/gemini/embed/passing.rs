//! The way for bytes that need no translation.

use bytes::Bytes;
use llm_core::Result;
use llm_core::codec::{
    DecodeContext, Edits, Encoded, Observed, Observer, Passthrough, RequestHead, Skim, Stored, Target,
};
use llm_core::embedding::Embed;
use llm_core::stored::google_file;
use serde_json::Value;

use super::super::name::FILE_URI;
use super::super::{GeminiApi, path};
use super::form::Form;
use crate::protocols::pass::Pass;
use crate::protocols::splice::{self, Splice};

/// Requests and answers are read whole for a look at them.
static READ: Pass<Embed> = Pass { codec: &GeminiApi, path: "", elsewhere: &[] };

/// The bytes' way.
pub(super) struct Passing;

impl Passthrough for Passing {
    fn skim(&self, head: &RequestHead, body: &[u8]) -> Result<Skim> {
        let mut skim = READ.skim(head, body)?;
        // Also where it is no part that we would understand.
        if let Ok(value) = serde_json::from_slice(body) {
            files_in(&value, &mut skim.stored);
        }
        Ok(skim)
    }

    /// Vertex takes other forms; and where a body names another model than the path, or says something twice, what was
    /// looked at might not be what is understood.
    fn can_pass(&self, target: &Target<'_>, head: &RequestHead, body: &[u8]) -> bool {
        let (Ok((model, _)), Ok(value)) = (path::split(&head.path), serde_json::from_slice::<Value>(body)) else {
            return false;
        };
        let items = value.get(Form::Batch.input()).and_then(Value::as_array).into_iter().flatten();
        let mut named = items.chain([&value]).filter_map(|item| item.get("model"));
        !path::is_vertex(target)
            && named.all(|said| path::repeats(said.to_string().as_bytes(), &model))
            && members_in(&value) == colons(body)
    }

    /// The model stands in the path, and once more beside every input.
    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        let Some(model) = &edits.model else { return Ok(body.clone()) };
        let renamed = |body: &[u8]| {
            let mut splice = Splice::new(body)?;
            if splice.count("model") > 0 {
                splice.set_text("model", &path::full_name(model));
            }
            Ok(splice.finish())
        };
        let mut splice = Splice::new(body)?;
        let Some(list) = splice.value(Form::Batch.input()) else { return renamed(body) };
        splice.set(Form::Batch.input(), splice::each(list, renamed)?);
        Ok(splice.finish())
    }

    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        let path = path::to(target, Form::Batch.method())?;
        Ok(Encoded::post(path, Bytes::new(), DecodeContext::new(target)))
    }

    /// To the method that the caller named.
    fn follow(&self, head: &RequestHead, encoded: &mut Encoded) {
        let form = path::split(&head.path).ok().and_then(|(_, method)| Form::of_method(method));
        if let (Some(form), Some((place, _))) = (form, encoded.path.rsplit_once(':')) {
            encoded.path = format!("{place}:{}", form.method());
        }
    }

    fn observe(&self, body: &[u8]) -> Observed {
        READ.observe(body)
    }

    fn observe_stream(&self, hide_usage: bool) -> Box<dyn Observer> {
        READ.observe_stream(hide_usage)
    }
}

/// The files of Google's that are named anywhere.
fn files_in(value: &Value, found: &mut Vec<Stored>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| files_in(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                let is_uri = name == FILE_URI.camel || name == FILE_URI.snake;
                let file = value.as_str().filter(|_| is_uri).and_then(google_file);
                let is_known = |id: &str| found.iter().any(|stored: &Stored| stored.id == id);
                if let Some(id) = file.filter(|id| !is_known(id)) {
                    found.push(Stored::new("fileUri", id));
                }
                files_in(value, found);
            }
        }
        _ => {}
    }
}

/// How many members all objects have together, each name once.
fn members_in(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members_in).sum(),
        Value::Object(members) => members.len() + members.values().map(members_in).sum::<usize>(),
        _ => 0,
    }
}

/// How many members a JSON text has: the colons outside its strings.
fn colons(json: &[u8]) -> usize {
    let (mut count, mut in_string, mut is_escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}
