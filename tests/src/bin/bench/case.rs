//! What is asked, and of whom.

use serde_json::{Value, json};

use super::wire::post;

/// How many chunks a streamed answer has.
pub(crate) const CHUNKS: usize = 200;

/// One kind of call.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The name in the table.
    pub(crate) name: &'static str,
    /// The model name, which says where the gateway sends the call.
    model: &'static str,
    stream: bool,
    path: &'static str,
}

/// Every case, in the order of the table.
pub(crate) fn all() -> [Case; 5] {
    let (openai, anthropic) = ("/v1/chat/completions", "/v1/messages");
    [
        Case { name: "pass-through", model: "bench-openai", stream: false, path: openai },
        Case { name: "translation", model: "bench-anthropic", stream: false, path: openai },
        Case { name: "stream", model: "bench-openai", stream: true, path: openai },
        Case { name: "stream translation", model: "bench-anthropic", stream: true, path: openai },
        Case { name: "pass-through, anthropic", model: "bench-anthropic", stream: false, path: anthropic },
    ]
}

impl Case {
    pub(crate) fn is_stream(&self) -> bool {
        self.stream
    }

    /// The request as an application sends it.
    pub(crate) fn request(&self, key: &str) -> Vec<u8> {
        post(self.path, key, &self.body().to_string())
    }

    /// The same request for the floor, which passes it on as it is.
    pub(crate) fn floor_request(&self) -> Vec<u8> {
        self.request(super::floor::KEY)
    }

    /// About two kilobytes, as a short conversation has.
    fn body(&self) -> Value {
        let text = "What would you pack for a week at sea, and why? ".repeat(18);
        let mut body = json!({
            "model": self.model,
            "messages": [
                {"role": "user", "content": text},
                {"role": "assistant", "content": "A compass, because the sun is not always out. ".repeat(12)},
                {"role": "user", "content": "And for two weeks? ".repeat(10)},
            ],
            "max_tokens": 300,
            "temperature": 0.7,
        });
        if self.stream {
            body["stream"] = json!(true);
            body["stream_options"] = json!({"include_usage": true});
        }
        body
    }
}
