//! What a model answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Content, Message, ToolCall};
use crate::open_enum::open_enum;
use crate::{NanoUsd, Native, Usage};

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatAnswer {
    /// The provider's id of the answer; empty where it gives none.
    #[serde(default)]
    pub id: String,
    /// The model that answered, as the provider spells it.
    #[serde(default)]
    pub model: String,
    /// The provider that answered.
    #[serde(default)]
    pub provider: String,
    /// When, in seconds since 1970, where the provider says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// The answers; one, unless more were asked for.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// What the call used, where the provider says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The service tier that served the call, where the provider says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Parameters that were left out because the provider can't take them, where the caller allowed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped_params: Vec<String>,
    /// Parameters that the provider lacks and that something else stood in for (`response_format`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emulated_params: Vec<String>,
    /// What a gateway on the way has to say of the call; none in process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallInfo>,
    /// What only the answer's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// What a gateway says of a call that went through it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallInfo {
    /// The id of the call record.
    pub id: String,
    /// The exact cost; none where the model has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<NanoUsd>,
    /// How many deployments were tried.
    #[serde(default)]
    pub attempts: u32,
}

/// One of the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its place among the answers.
    pub index: u32,
    /// What the model says.
    pub message: Message,
    /// Why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// Log probabilities in OpenAI's form, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
    /// What only the choice's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

open_enum! {
    /// Why the model stopped. The provider's own word is kept in the choice's `native` where it differs.
    pub enum FinishReason {
        /// It was done.
        Stop = "stop",
        /// One of the request's stop texts came up.
        StopSequence = "stop_sequence",
        /// The bound of the answer, or of the window, was reached.
        Length = "length",
        /// It asks for tools.
        ToolCalls = "tool_calls",
        /// The provider's filter stepped in.
        ContentFilter = "content_filter",
        /// It declines.
        Refusal = "refusal",
        /// A long turn was paused; send the conversation back to go on.
        Pause = "pause",
        /// Something failed in the middle.
        Error = "error",
    }
}

impl ChatAnswer {
    /// The text of the first choice, all text parts joined.
    pub fn text(&self) -> String {
        self.first_parts(|content| match content {
            Content::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
    }

    /// The reasoning of the first choice, joined.
    pub fn reasoning(&self) -> String {
        self.first_parts(|content| match content {
            Content::Reasoning(reasoning) => Some(reasoning.text.as_str()),
            _ => None,
        })
        .collect()
    }

    /// The tools that the first choice asks for.
    pub fn tool_calls(&self) -> Vec<&ToolCall> {
        self.first_parts(|content| match content {
            Content::ToolCall(call) => Some(call),
            _ => None,
        })
        .collect()
    }

    /// The first choice's message, to append to the conversation.
    pub fn message(&self) -> Option<&Message> {
        self.choices.first().map(|choice| &choice.message)
    }

    /// Why the first choice stopped.
    pub fn finish_reason(&self) -> Option<&FinishReason> {
        self.choices.first()?.finish_reason.as_ref()
    }

    /// What the call used; all zero where the provider did not say.
    pub fn usage(&self) -> &Usage {
        self.usage.as_ref().unwrap_or(Usage::NONE)
    }

    fn first_parts<'a, T: 'a>(&'a self, pick: impl Fn(&'a Content) -> Option<T> + 'a) -> impl Iterator<Item = T> + 'a {
        self.choices
            .first()
            .into_iter()
            .flat_map(|choice| &choice.message.parts)
            .filter_map(move |part| pick(&part.content))
    }
}
