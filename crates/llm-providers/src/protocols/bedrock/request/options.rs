//! The form of the answer, how much to think, labels and the service tier.

use llm_core::Result;
use llm_core::chat::{ChatRequest, Effort, ReasoningOptions, ResponseFormat};
use llm_core::codec::{Target, Unsupported};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::ME;
use super::super::block::is_sent_thought;
use super::super::model::Family;
use super::encode::more;
use crate::protocols::anthropic::{Asked, effort_of, lacks_thoughts, plan, takes_adaptive, word_of};
use crate::protocols::effort;

const OUTPUT: &str = "outputConfig";
const FORMAT: &str = "textFormat";
const LABELS: &str = "requestMetadata";
const TIER: &str = "serviceTier";
/// The format has a name in OpenAI's protocol, and may have none here.
const FORMAT_NAME: &str = "answer";

/// Takes the form of the answer, the labels and the tier. How much to think stands among what only a family of models
/// knows, and stays there.
pub(super) fn read(fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    if let Some(mut output) = fields.want_object(OUTPUT)? {
        if let Some(format) = output.want_object(FORMAT)? {
            request.response_format = Some(read_format(format));
        }
        fields.put(OUTPUT, output.into_members().into());
    }
    if let Some(labels) = fields.want_object(LABELS)? {
        request.metadata = Some(labels.into_members());
    }
    if let Some(mut tier) = fields.want_object(TIER)? {
        request.service_tier = tier.want_text("type")?;
        fields.put(TIER, tier.into_members().into());
    }
    Ok(())
}

/// The schema is a JSON text. What is left stays where it was; a format that is none of JSON Schema is kept whole.
fn read_format(mut format: Fields) -> ResponseFormat {
    let schema = format.get("structure").and_then(|structure| structure.pointer("/jsonSchema/schema")?.as_str());
    let schema = schema.and_then(|text| serde_json::from_str::<Value>(text).ok()).filter(Value::is_object);
    let (Some("json_schema"), Some(schema)) = (format.text("type"), schema) else {
        return ResponseFormat::Native { native: format.into_native(ME) };
    };
    let (mut name, mut description) = (None, None);
    if let Some(mut structure) = format.take_object("structure") {
        if let Some(mut rest) = structure.take_object("jsonSchema") {
            name = rest.take_text("name");
            description = rest.take_text("description");
            // The text stays as it is spelled.
            structure.put("jsonSchema", rest.into_members().into());
        }
        format.put("structure", structure.into_members().into());
    }
    let native = format.into_native(ME);
    ResponseFormat::JsonSchema { name: name.unwrap_or_default(), description, schema, strict: None, native }
}

/// Writes what [`read`] takes, and how much to think.
pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    if let Some(format) = write_format(request, unsupported)? {
        set_output(body, FORMAT, format.into());
    }
    if let Some(labels) = request.metadata.as_ref().filter(|labels| request.native.is_from(ME) || !labels.is_empty()) {
        if labels.values().all(Value::is_string) || request.native.is_from(ME) {
            body.insert(LABELS.to_owned(), labels.clone().into());
        } else {
            unsupported.param("metadata", "its labels are texts")?;
        }
    }
    write_tier(request, unsupported, body)?;
    match &request.reasoning {
        Some(options) => write_reasoning(request, options, target, unsupported, body),
        None => Ok(()),
    }
}

/// Sets a member of `outputConfig`.
fn set_output(body: &mut Map<String, Value>, name: &str, value: Value) {
    let mut output = take(body, OUTPUT);
    output.insert(name.to_owned(), value);
    body.insert(OUTPUT.to_owned(), output.into());
}

fn write_format(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Option<Map<String, Value>>> {
    match &request.response_format {
        None | Some(ResponseFormat::Text) => Ok(None),
        Some(ResponseFormat::JsonSchema { name, description, schema, native, .. }) => {
            let own = native.is_from(ME);
            let mut format = native.object(ME);
            format.insert("type".to_owned(), "json_schema".into());
            let mut structure = take(&mut format, "structure");
            let mut inner = take(&mut structure, "jsonSchema");
            let kept = inner.get("schema").and_then(Value::as_str);
            // A schema that was not changed keeps its spelling.
            if !kept.is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|kept| kept == *schema)) {
                inner.insert("schema".to_owned(), schema.to_string().into());
            }
            let name = if own || !name.is_empty() { name.as_str() } else { FORMAT_NAME };
            if !name.is_empty() {
                inner.insert("name".to_owned(), name.into());
            }
            if let Some(description) = description {
                inner.insert("description".to_owned(), description.as_str().into());
            }
            structure.insert("jsonSchema".to_owned(), inner.into());
            format.insert("structure".to_owned(), structure.into());
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

fn take(object: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match object.shift_remove(name) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

fn write_tier(request: &ChatRequest, unsupported: &mut Unsupported<'_>, body: &mut Map<String, Value>) -> Result<()> {
    let own = request.native.is_from(ME);
    let said = match request.service_tier.as_deref() {
        None => return Ok(()),
        Some(tier) if own => tier,
        // The provider's own choice is what holds where nothing is said.
        Some("auto") => return Ok(()),
        Some("standard_only" | "standard") => "default",
        Some(tier @ ("default" | "flex" | "priority" | "reserved")) => tier,
        Some(tier) => return unsupported.param("service_tier", &format!("it has no tier `{tier}`")),
    };
    let mut tier = take(body, TIER);
    tier.insert("type".to_owned(), said.into());
    body.insert(TIER.to_owned(), tier.into());
    Ok(())
}

/// How much to think, as the family of the model takes it.
fn write_reasoning(
    request: &ChatRequest,
    options: &ReasoningOptions,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    match Family::of(target.model) {
        Family::Claude => write_claude(request, options, target, unsupported, body),
        family => write_effort(options, family, target, unsupported, body),
    }
}

fn write_claude(
    request: &ChatRequest,
    options: &ReasoningOptions,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    let is_foreign = options.native.is_foreign_to(ME);
    let asked = Asked {
        model: target.model,
        bound: request.max_tokens.or(target.max_output),
        no_budgets: false,
        is_foreign,
        lacks_thoughts: lacks_thoughts(&request.messages, |part| is_sent_thought(part, target)),
    };
    let Some(thinking) = plan(options, asked, unsupported)?.write() else { return Ok(()) };
    more(body, &["thinking"], thinking);
    // Where a model takes words for it beside a budget only, Bedrock wants a beta for them.
    let effort = effort_of(options, target.model, is_foreign).filter(|_| takes_adaptive(target.model));
    if let Some(word) = effort.as_ref().and_then(|effort| word_of(target.model, effort)) {
        set_output(body, "effort", word.into());
    }
    Ok(())
}

fn write_effort(
    options: &ReasoningOptions,
    family: Family,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    let off =
        options.enabled == Some(false) || options.effort == Some(Effort::None) || options.budget_tokens == Some(0);
    let effort = options.effort.clone().or_else(|| effort::standing_in(options, options.native.is_foreign_to(ME)));
    if options.budget_tokens.is_some() && !off {
        let why = format!("`{}` thinks by effort, not by a budget of tokens", target.model);
        unsupported.param("thinking.budget_tokens", &why)?;
        if effort.is_none() {
            // The switch came with the budget, and goes with it.
            return Ok(());
        }
    }
    // Each family has the words from the lowest to the highest that it knows.
    let word = match &effort {
        Some(Effort::Minimal) => Some("low"),
        Some(Effort::XHigh | Effort::Max) => Some("high"),
        effort => effort.as_ref().map(Effort::as_str),
    };
    match (family, word) {
        (Family::Nova, _) if off => more(body, &["reasoningConfig"], json!({"type": "disabled"})),
        (Family::GptOss, _) if off => unsupported.param("reasoning_effort", "the model always thinks")?,
        (Family::Nova, Some(word)) => {
            more(body, &["reasoningConfig"], json!({"type": "enabled", "maxReasoningEffort": word}));
        }
        (Family::GptOss, Some(word)) => more(body, &["reasoning_effort"], word.into()),
        (Family::Nova | Family::GptOss, None) => {}
        (Family::Claude | Family::Other, _) if options.effort.is_some() || options.enabled.is_some() => {
            let why = format!("nothing is known of how `{}` is told to think", target.model);
            unsupported.param("reasoning_effort", &why)?;
        }
        (Family::Claude | Family::Other, _) => {}
    }
    Ok(())
}
