//! What a caller wants, in words that belong to no provider.

use std::path::Path;

use anyhow::{Context, Result};
use llm_core::chat::{CacheControl, ChatRequest, Reasoning, ReasoningOptions};
use llm_core::codec::RequestHead;
use llm_core::{Error, Part, Protocol};
use llm_providers::protocols;
use serde::Deserialize;
use serde_json::{Map, Value};

/// One intent: an OpenAI Chat Completions body with three extensions. A message's `reasoning` object replays what the
/// provider thought, `cache_control` on a part ends a prefix worth caching, `thinking` asks for a
/// budget of thoughts, or for none.
#[derive(Clone, Debug, Deserialize)]
pub struct Intent {
    /// The name.
    pub id: String,
    /// The kind of call.
    pub operation: String,
    /// The body, with `$MODEL` for the model.
    pub request: Value,
}

/// Reads a file of intents.
pub fn intents(path: &Path) -> Result<Vec<Intent>> {
    #[derive(Deserialize)]
    struct File {
        intents: Vec<Intent>,
    }
    let text = std::fs::read(path).with_context(|| format!("can't read `{}`", path.display()))?;
    let file: File = serde_json::from_slice(&text).with_context(|| format!("`{}` has no intents", path.display()))?;
    Ok(file.intents)
}

impl Intent {
    /// The intent as a request of ours to `model`, and whether a stream is wanted.
    pub fn decode(&self, model: &str) -> Result<(ChatRequest, bool), Error> {
        let codec = protocols::chat(Protocol::OpenAiChat)
            .ok_or_else(|| Error::new(llm_core::ErrorKind::NotImplemented, "openai-chat is not built"))?;
        let mut body = self.request.clone();
        body["model"] = Value::from(model);
        let extensions = Extensions::take(&mut body);
        let (mut request, cx) = codec.decode_request(&RequestHead::default(), body.to_string().as_bytes())?;
        model.clone_into(&mut request.model);
        extensions.put(&mut request);
        Ok((request, cx.stream))
    }
}

/// The extensions of one intent, in the order of the messages.
#[derive(Default)]
struct Extensions {
    thinking: Option<ReasoningOptions>,
    reasoning: Vec<(usize, Reasoning)>,
    cached: Vec<(usize, usize, CacheControl)>,
}

impl Extensions {
    fn take(body: &mut Value) -> Self {
        let mut taken = Self::default();
        let Some(body) = body.as_object_mut() else { return taken };
        taken.thinking = body.remove("thinking").map(|thinking| ReasoningOptions {
            budget_tokens: thinking["budget_tokens"].as_u64(),
            enabled: Some(thinking["type"] != "disabled"),
            ..ReasoningOptions::default()
        });
        for (place, message) in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
        {
            let Some(message) = message.as_object_mut() else { continue };
            if let Some(reasoning) = message.remove("reasoning") {
                taken.reasoning.push((place, reasoning_of(&reasoning)));
            }
            let parts = message.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten();
            for (index, part) in parts.enumerate() {
                let marker =
                    part.as_object_mut().and_then(|part: &mut Map<String, Value>| part.remove("cache_control"));
                if let Some(marker) = marker {
                    let ttl = marker["ttl"].as_str().map(str::to_owned);
                    taken.cached.push((place, index, CacheControl { ttl, ..CacheControl::default() }));
                }
            }
        }
        taken
    }

    fn put(self, request: &mut ChatRequest) {
        if let Some(thinking) = self.thinking {
            let options = request.reasoning.get_or_insert_default();
            options.budget_tokens = thinking.budget_tokens;
            options.enabled = thinking.enabled;
        }
        for (message, part, marker) in self.cached {
            if let Some(part) = request.messages.get_mut(message).and_then(|message| message.parts.get_mut(part)) {
                part.cache = Some(marker);
            }
        }
        for (message, reasoning) in self.reasoning {
            if let Some(message) = request.messages.get_mut(message) {
                message.parts.insert(0, Part::from(reasoning));
            }
        }
    }
}

fn reasoning_of(value: &Value) -> Reasoning {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Reasoning {
        text: text("text").unwrap_or_default(),
        signature: text("signature"),
        id: text("id"),
        ..Reasoning::default()
    }
}
