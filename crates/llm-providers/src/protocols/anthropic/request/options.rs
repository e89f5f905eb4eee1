//! Thinking, effort and the form of the answer: `thinking`, `output_config` and the older `output_format`.

use llm_core::chat::{ChatRequest, Effort, ReasoningOptions, ResponseFormat};
use llm_core::codec::{Host, Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value};

use super::super::thinking::{Asked, effort_of, lacks_thoughts, plan};
use super::super::{ME, block, model, version};

/// Anthropic's formats have no name, OpenAI's need one.
const FORMAT_NAME: &str = "answer";

/// Takes `thinking`, and what is known of `output_config`.
pub(super) fn read(fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    let mut reasoning = None;
    if let Some(mut thinking) = fields.want_object("thinking")? {
        let kind = thinking.need_text("type")?;
        let options: &mut ReasoningOptions = reasoning.get_or_insert_default();
        options.budget_tokens = thinking.want_u64("budget_tokens")?;
        options.enabled = match kind.as_str() {
            "enabled" | "adaptive" => Some(true),
            "disabled" => Some(false),
            _ => None,
        };
        thinking.put("type", kind.into());
        options.native = thinking.into_native(ME);
    }
    if let Some(mut config) = fields.want_object("output_config")? {
        if let Some(effort) = config.want_text("effort")? {
            let options = reasoning.get_or_insert_default();
            options.effort = Some(Effort::from(effort.as_str()));
            if options.native.is_none() {
                options.native = Native::new(ME, Map::new());
            }
        }
        request.response_format = config.want_object("format")?.map(read_format);
        fields.put("output_config", config.into_members().into());
    }
    if request.response_format.is_none()
        && let Some(format) = fields.want_object("output_format")?
    {
        request.response_format = Some(read_format(format));
        fields.put("output_format", Map::new().into());
    }
    request.reasoning = reasoning;
    Ok(())
}

fn read_format(mut format: Fields) -> ResponseFormat {
    if format.text("type") != Some("json_schema") || !format.get("schema").is_some_and(Value::is_object) {
        return ResponseFormat::Native { native: format.into_native(ME) };
    }
    format.take("type");
    ResponseFormat::JsonSchema {
        name: FORMAT_NAME.to_owned(),
        description: None,
        schema: format.take("schema").unwrap_or_default(),
        strict: None,
        native: format.into_native(ME),
    }
}

/// Writes `thinking` and `output_config`.
pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    let old_format = body.remove("output_format").is_some_and(|shape| shape.is_object());
    let kept = body.remove("output_config");
    let mut config = match &kept {
        Some(Value::Object(kept)) => kept.clone(),
        _ => Map::new(),
    };
    if let Some(options) = &request.reasoning {
        write_thinking(request, options, target, unsupported, body)?;
        let effort = effort_of(options, target.model, options.native.is_foreign_to(ME));
        if let Some(effort) = effort.as_ref().and_then(|effort| effort_word(effort, options, target)) {
            config.insert("effort".to_owned(), effort.into());
        }
    }
    match write_format(request, unsupported)? {
        Some(format) if old_format => {
            body.insert("output_format".to_owned(), format.into());
        }
        Some(format) => {
            config.insert("format".to_owned(), format.into());
        }
        None => {}
    }
    if !config.is_empty() || kept.is_some() {
        body.insert("output_config".to_owned(), config.into());
    }
    Ok(())
}

/// The word for an effort, where the model knows any.
fn effort_word<'a>(effort: &'a Effort, options: &ReasoningOptions, target: &Target<'_>) -> Option<&'a str> {
    if options.native.is_from(ME) {
        return Some(effort.as_str());
    }
    // Before 4.6 the word is for Anthropic's own cloud; others want a beta for it, and the budget says it all.
    let takes_words = target.quirks.host == Host::Own || model::takes_adaptive(target.model);
    model::word_of(target.model, effort).filter(|_| takes_words)
}

fn write_thinking(
    request: &ChatRequest,
    options: &ReasoningOptions,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    const THINKING: &str = "thinking";
    if options.native.is_from(ME) {
        // Effort alone says nothing of thinking.
        let Some(kept) = options.native.members(ME) else { return Ok(()) };
        let mut thinking = kept.clone();
        if let Some(budget) = options.budget_tokens {
            thinking.insert("budget_tokens".to_owned(), budget.into());
        }
        body.insert(THINKING.to_owned(), thinking.into());
        return Ok(());
    }
    let asked = Asked {
        model: target.model,
        bound: request.max_tokens.or(target.max_output),
        // In Bedrock, the newer version is spoken to models after 4.6 and no other.
        no_budgets: target.quirks.host == Host::Bedrock && version::is_strict(version::of(target)),
        is_foreign: options.native.is_foreign_to(ME),
        lacks_thoughts: lacks_thoughts(&request.messages, |part| block::is_sent_thought(part, target)),
    };
    if let Some(thinking) = plan(options, asked, unsupported)?.write() {
        body.insert(THINKING.to_owned(), thinking);
    }
    Ok(())
}

fn write_format(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Option<Map<String, Value>>> {
    match &request.response_format {
        None | Some(ResponseFormat::Text) => Ok(None),
        Some(ResponseFormat::JsonSchema { schema, native, .. }) => {
            let mut format = native.object(ME);
            format.insert("type".to_owned(), "json_schema".into());
            format.insert("schema".to_owned(), schema.clone());
            Ok(Some(format))
        }
        Some(ResponseFormat::Native { native }) if native.is_from(ME) => Ok(Some(native.object(ME))),
        Some(ResponseFormat::JsonObject) => {
            unsupported.param("response_format", "it has no JSON mode without a schema")?;
            Ok(None)
        }
        Some(ResponseFormat::Native { .. }) => {
            unsupported.param("response_format", "it is a form of another protocol")?;
            Ok(None)
        }
    }
}
