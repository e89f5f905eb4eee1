//! A conversation as a file.

use llm_providers::chat::Role;
use llm_providers::{ChatRequest, Message};

use crate::failure::Failure;

/// As JSON, which is a request that goes on with the conversation; or as Markdown, for people.
pub(super) fn write(place: &str, model: &str, system: Option<&str>, said: &[Message]) -> Result<String, Failure> {
    if place.ends_with(".json") {
        let mut request = ChatRequest::new(model);
        if let Some(system) = system {
            request = request.system(system);
        }
        request.messages.extend(said.iter().cloned());
        let text = serde_json::to_string_pretty(&request);
        return Ok(text.map_err(|error| Failure::usage(format!("the conversation has no JSON form: {error}")))? + "\n");
    }
    let mut text = format!("# A conversation with {model}\n");
    let mut part = |head: &str, said: &str| text.push_str(&format!("\n## {head}\n\n{}\n", said.trim_end()));
    if let Some(system) = system {
        part("Instructions", system);
    }
    for message in said {
        let head = if message.role == Role::User { "Question" } else { "Answer" };
        part(head, &message.parts.iter().filter_map(|part| part.as_text()).collect::<String>());
    }
    Ok(text)
}
