//! `generationConfig`: sampling, bounds, the form of the answer, thinking.

use llm_core::chat::{ChatRequest, ResponseFormat};
use llm_core::codec::{Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::name::{
    CANDIDATE_COUNT, FREQUENCY_PENALTY, MAX_OUTPUT_TOKENS, PRESENCE_PENALTY, RESPONSE_JSON_SCHEMA, RESPONSE_LOGPROBS,
    RESPONSE_MIME_TYPE, RESPONSE_MODALITIES, RESPONSE_SCHEMA, STOP_SEQUENCES, THINKING_CONFIG, TOP_K, TOP_P,
};
use super::super::{ME, schema};
use super::decode::{want_count, want_texts};
use super::thinking;

/// Google's formats have no name, OpenAI's need one.
const FORMAT_NAME: &str = "answer";
const JSON: &str = "application/json";

/// Takes what the vocabulary knows of a `generationConfig`.
pub(super) fn read(config: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    request.temperature = config.want_f64("temperature")?;
    request.top_p = TOP_P.want(config, Fields::want_f64)?;
    request.top_k = TOP_K.want(config, want_count)?;
    request.n = CANDIDATE_COUNT.want(config, want_count)?;
    request.max_tokens = MAX_OUTPUT_TOKENS.want(config, want_count)?;
    request.seed = config.want_i64("seed")?;
    request.presence_penalty = PRESENCE_PENALTY.want(config, Fields::want_f64)?;
    request.frequency_penalty = FREQUENCY_PENALTY.want(config, Fields::want_f64)?;
    request.logprobs = RESPONSE_LOGPROBS.want(config, Fields::want_bool)?;
    request.top_logprobs = config.want_u64("logprobs")?;
    if let Some(stop) = STOP_SEQUENCES.want(config, want_texts)? {
        if stop.is_empty() {
            STOP_SEQUENCES.leave(config, Value::Array(Vec::new()));
        }
        request.stop = stop;
    }
    if let Some(thinking) = THINKING_CONFIG.want(config, Fields::want_object)? {
        request.reasoning = Some(thinking::read(thinking)?);
    }
    if RESPONSE_MODALITIES.get(config) == Some(&json!(["TEXT"])) {
        // What holds where nothing is said. The null stands for it.
        let name = RESPONSE_MODALITIES.of(config);
        config.put(name, json!([null]));
    }
    request.response_format = read_format(config)?;
    Ok(())
}

fn read_format(config: &mut Fields) -> Result<Option<ResponseFormat>> {
    let Some(mime) = RESPONSE_MIME_TYPE.get(config).and_then(Value::as_str).map(str::to_owned) else {
        return Ok(None);
    };
    match mime.as_str() {
        "text/plain" => {
            RESPONSE_MIME_TYPE.take(config, Fields::take_text);
            Ok(Some(ResponseFormat::Text))
        }
        JSON => {
            RESPONSE_MIME_TYPE.take(config, Fields::take_text);
            let mut rest = Fields::new(Map::new());
            let schema = match RESPONSE_JSON_SCHEMA.take(config, Fields::take) {
                Some(schema) => schema,
                None => {
                    // The older form is kept as it came, beside what it means.
                    let spelled = RESPONSE_SCHEMA.of(config);
                    let Some(older) = config.take(spelled) else { return Ok(Some(ResponseFormat::JsonObject)) };
                    let schema = schema::to_json_schema(&older);
                    rest.put(spelled, older);
                    schema
                }
            };
            Ok(Some(ResponseFormat::JsonSchema {
                name: FORMAT_NAME.to_owned(),
                description: None,
                schema,
                strict: None,
                native: rest.into_native(ME),
            }))
        }
        _ => {
            let mut native = Native::NONE;
            for name in [RESPONSE_MIME_TYPE, RESPONSE_SCHEMA, RESPONSE_JSON_SCHEMA] {
                let spelled = name.of(config);
                if let Some(value) = config.take(spelled) {
                    native.insert(ME, spelled, value);
                }
            }
            Ok(Some(ResponseFormat::Native { native }))
        }
    }
}

/// Writes a `generationConfig` over what was kept of it.
pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    config: &mut Map<String, Value>,
) -> Result<()> {
    let floats = [
        (TOP_P, request.top_p),
        (PRESENCE_PENALTY, request.presence_penalty),
        (FREQUENCY_PENALTY, request.frequency_penalty),
    ];
    if let Some(temperature) = request.temperature {
        config.insert("temperature".to_owned(), temperature.into());
    }
    for (name, value) in floats {
        if let Some(value) = value {
            name.set(config, value);
        }
    }
    let counts = [(TOP_K, request.top_k), (CANDIDATE_COUNT, request.n), (MAX_OUTPUT_TOKENS, request.max_tokens)];
    for (name, value) in counts {
        if let Some(value) = value {
            name.set(config, value);
        }
    }
    if let Some(seed) = request.seed {
        config.insert("seed".to_owned(), seed.into());
    }
    if let Some(wanted) = request.logprobs {
        RESPONSE_LOGPROBS.set(config, wanted);
    }
    if let Some(top) = request.top_logprobs {
        config.insert("logprobs".to_owned(), top.into());
    }
    if !request.stop.is_empty() {
        STOP_SEQUENCES.set(config, request.stop.clone());
    }
    if let Some(options) = &request.reasoning
        && let Some(thinking) = thinking::write(options, target, unsupported)?
    {
        THINKING_CONFIG.set(config, thinking);
    }
    if RESPONSE_MODALITIES.find(config) == Some(&json!([null])) {
        RESPONSE_MODALITIES.set(config, json!(["TEXT"]));
    }
    write_format(request, unsupported, config)
}

fn write_format(
    request: &ChatRequest,
    unsupported: &mut Unsupported<'_>,
    config: &mut Map<String, Value>,
) -> Result<()> {
    match &request.response_format {
        Some(ResponseFormat::Text) if request.native.is_from(ME) => RESPONSE_MIME_TYPE.set(config, "text/plain"),
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => RESPONSE_MIME_TYPE.set(config, JSON),
        Some(ResponseFormat::JsonSchema { schema, native, .. }) => {
            RESPONSE_MIME_TYPE.set(config, JSON);
            let kept = native.object(ME);
            match RESPONSE_SCHEMA.find(&kept).filter(|older| schema::to_json_schema(older) == *schema) {
                Some(_) => config.extend(kept),
                None => RESPONSE_JSON_SCHEMA.set(config, schema.clone()),
            }
        }
        Some(ResponseFormat::Native { native }) if native.is_from(ME) => config.extend(native.object(ME)),
        Some(ResponseFormat::Native { .. }) => {
            unsupported.param("response_format", "it is a form of another protocol")?;
        }
    }
    Ok(())
}
