//! A provider of OpenAI Responses that keeps what it makes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::{Value, json};

use super::{Script, Seen};

/// What such a provider keeps. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Keeper(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// What begins its ids.
    name: String,
    made: usize,
    /// Responses by id, as they are now.
    responses: BTreeMap<String, Value>,
    conversations: BTreeMap<String, Value>,
    /// Whether background responses have ended.
    is_done: bool,
}

impl Keeper {
    /// One whose ids begin with `name`, so that two can be told apart.
    pub fn new(name: &str) -> Self {
        Self(Arc::new(Mutex::new(Kept { name: name.to_owned(), ..Kept::default() })))
    }

    /// Ends all responses that are made in the background.
    pub fn finish(&self) {
        let mut kept = self.0.lock().unwrap();
        kept.is_done = true;
        let open = kept.responses.values_mut().filter(|response| response["status"] == "queued");
        open.for_each(complete);
    }

    /// The ids of all responses that it still has.
    pub fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().responses.keys().cloned().collect()
    }

    /// Answers a request; paths are those below the base URL.
    pub fn answer(&self, seen: &Seen) -> Script {
        let mut kept = self.0.lock().unwrap();
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (&seen.method, parts.as_slice()) {
            (&Method::POST, ["responses"]) => kept.respond(&seen.json()),
            (&Method::POST, ["conversations"]) => kept.converse(&seen.json()),
            (_, ["responses", id, rest @ ..]) => kept.response(&seen.method, id, rest, query),
            (_, ["conversations", id, rest @ ..]) => kept.conversation(&seen.method, id, rest, &seen.json()),
            _ => missing(path),
        }
    }
}

fn missing(what: &str) -> Script {
    let message = format!("{what} not found");
    Script::json(404, &json!({"error": {"message": message, "type": "invalid_request_error", "code": null}}))
}

fn complete(response: &mut Value) {
    response["status"] = json!("completed");
    let id = response["id"].as_str().unwrap_or_default().replace("resp_", "");
    let annotation = json!({
        "type": "container_file_citation", "container_id": format!("cntr_{id}"), "file_id": format!("cfile_{id}"),
        "filename": "a.csv", "start_index": 0, "end_index": 1
    });
    response["output"] = json!([
        {
            "id": format!("ci_{id}"), "type": "code_interpreter_call", "status": "completed", "code": "1",
            "container_id": format!("cntr_{id}"), "outputs": null
        },
        {
            "id": format!("msg_{id}"), "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hi there", "annotations": [annotation], "logprobs": []}]
        }
    ]);
    response["usage"] = json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0}, "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 12
    });
}

fn event(number: usize, kind: &str, mut event: Value) -> String {
    event["type"] = json!(kind);
    event["sequence_number"] = json!(number);
    format!("event: {kind}\ndata: {event}\n\n")
}

impl Kept {
    fn respond(&mut self, body: &Value) -> Script {
        self.made += 1;
        let id = format!("resp_{}{}", self.name, self.made);
        let mut response = json!({
            "id": id, "object": "response", "created_at": 5, "status": "queued", "model": body["model"],
            "background": body["background"] == true, "error": null, "incomplete_details": null,
            "instructions": null, "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "top_p": 1.0,
            "tool_choice": "auto", "tools": [], "output": [], "usage": null, "store": body["store"] != false,
            "previous_response_id": body["previous_response_id"],
        });
        let begun = response.clone();
        if body["background"] != true || self.is_done {
            complete(&mut response);
        }
        self.responses.insert(id, response.clone());
        if body["stream"] != true {
            return Script::json(200, &response);
        }
        let mut begun = begun;
        begun["status"] = json!("in_progress");
        let all = events(&begun, &response);
        // What is made in the background breaks off for whoever reads it here.
        let count = if response["status"] == "completed" { all.len() } else { 2 };
        Script::sse(all.into_iter().take(count))
    }

    fn response(&mut self, method: &Method, id: &str, rest: &[&str], query: &str) -> Script {
        let Some(response) = self.responses.get_mut(id) else { return missing(id) };
        match (method.as_str(), rest) {
            ("GET", []) if query.contains("stream=true") => {
                let after = query.split('&').find_map(|pair| pair.strip_prefix("starting_after="));
                let after = after.and_then(|after| after.parse::<usize>().ok());
                let all = events(response, response);
                Script::sse(all.into_iter().skip(after.map_or(0, |after| after + 1)))
            }
            ("GET", []) => Script::json(200, response),
            ("DELETE", []) => {
                self.responses.remove(id);
                Script::json(200, &json!({"id": id, "object": "response", "deleted": true}))
            }
            ("POST", ["cancel"]) => {
                response["status"] = json!("cancelled");
                Script::json(200, response)
            }
            ("GET", ["input_items"]) => {
                let item = json!({
                    "id": "msg_in", "type": "message", "role": "user",
                    "content": [{"type": "input_text", "text": query}]
                });
                let page = json!({"object": "list", "data": [item], "first_id": "msg_in", "last_id": "msg_in", "has_more": false});
                Script::json(200, &page)
            }
            _ => missing("that"),
        }
    }

    fn converse(&mut self, body: &Value) -> Script {
        self.made += 1;
        let id = format!("conv_{}{}", self.name, self.made);
        let made = json!({"id": id, "object": "conversation", "created_at": 5, "metadata": body["metadata"]});
        self.conversations.insert(id, made.clone());
        Script::json(200, &made)
    }

    fn conversation(&mut self, method: &Method, id: &str, rest: &[&str], body: &Value) -> Script {
        let Some(conversation) = self.conversations.get_mut(id) else { return missing(id) };
        let item = json!({
            "id": "msg_c", "type": "message", "role": "user", "status": "completed",
            "content": [{"type": "input_text", "text": "Hello"}]
        });
        match (method.as_str(), rest) {
            ("GET", []) => Script::json(200, conversation),
            ("POST", []) => {
                conversation["metadata"] = body["metadata"].clone();
                Script::json(200, conversation)
            }
            ("DELETE", []) => {
                self.conversations.remove(id);
                Script::json(200, &json!({"id": id, "object": "conversation.deleted", "deleted": true}))
            }
            (_, ["items"]) => Script::json(
                200,
                &json!({"object": "list", "data": [item], "first_id": "msg_c", "last_id": "msg_c", "has_more": false}),
            ),
            ("GET", ["items", _]) => Script::json(200, &item),
            ("DELETE", ["items", _]) => Script::json(200, conversation),
            _ => missing("that"),
        }
    }
}

/// The events of a response that began as `begun` and is `response` at its end.
fn events(begun: &Value, response: &Value) -> Vec<String> {
    let text =
        |text: &str| json!({"output_index": 1, "content_index": 0, "item_id": "msg", "delta": text, "logprobs": []});
    vec![
        event(0, "response.created", json!({"response": begun})),
        event(1, "response.output_text.delta", text("Hi")),
        event(2, "response.output_text.delta", text(" there")),
        event(3, "response.completed", json!({"response": response})),
    ]
}
