//! What an answer of an operation other than chat says was used, from its raw JSON.

use std::collections::BTreeMap;

use llm_core::{Meter, OperationKind};
use serde_json::Value;

use super::{count_at, meters};

/// Reads the many places where it stands; none where nothing is said.
pub fn used(kind: OperationKind, body: &Value) -> Option<BTreeMap<Meter, u64>> {
    let usage = body.get("usage").filter(|usage| usage.is_object());
    match kind {
        OperationKind::Complete => super::whole(llm_core::Protocol::OpenAiChat, body)?.usage,
        OperationKind::Embed | OperationKind::Rerank | OperationKind::Moderate => {
            usage.and_then(prompt).or_else(|| elsewhere(body))
        }
        OperationKind::Images => usage.map_or_else(|| drawn(body), |usage| images(body, usage)),
        OperationKind::Transcribe => {
            let by_length = || Some(meters(&[(Meter::Second, whole(seconds(body)?))]));
            usage.and_then(transcript).or_else(by_length)
        }
        OperationKind::Speak => Some(meters(&[
            (Meter::Input, count_at(usage?, "/input_tokens")?),
            (Meter::OutputAudio, count_at(usage?, "/output_tokens").unwrap_or(0)),
        ])),
        _ => None,
    }
}

fn prompt(usage: &Value) -> Option<BTreeMap<Meter, u64>> {
    let tokens = ["/prompt_tokens", "/total_tokens"].iter().find_map(|at| count_at(usage, at))?;
    Some(meters(&[(Meter::Input, tokens)]))
}

fn elsewhere(body: &Value) -> Option<BTreeMap<Meter, u64>> {
    if let Some(units) = body.pointer("/meta/billed_units") {
        let count = |name: &str| units.get(name).and_then(Value::as_f64).map_or(0, whole);
        return Some(meters(&[
            (Meter::Input, count("input_tokens")),
            (Meter::InputImage, count("image_tokens")),
            (Meter::Image, count("images")),
            (Meter::Query, count("search_units")),
        ]));
    }
    if let Some(said) = body.get("usageMetadata") {
        let details = said.get("promptTokenDetails").or_else(|| said.get("promptTokensDetails"));
        let details = details.and_then(Value::as_array).into_iter().flatten();
        let image: u64 = details
            .filter(|detail| detail["modality"] == "IMAGE")
            .filter_map(|detail| detail["tokenCount"].as_u64())
            .sum();
        let prompt = count_at(said, "/promptTokenCount")?;
        return Some(meters(&[(Meter::InputImage, image), (Meter::Input, prompt - image)]));
    }
    if let Some(predictions) = body.get("predictions").and_then(Value::as_array) {
        let counted = |one: &Value| one.pointer("/embeddings/statistics/token_count").and_then(Value::as_f64);
        return Some(meters(&[(Meter::Input, predictions.iter().filter_map(counted).map(whole).sum())]));
    }
    let counted = count_at(body, "/prompt_eval_count").or_else(|| count_at(body, "/inputTextTokenCount"));
    counted.map(|tokens| meters(&[(Meter::Input, tokens)]))
}

fn images(body: &Value, usage: &Value) -> Option<BTreeMap<Meter, u64>> {
    if usage.get("prompt_tokens").is_some() {
        return super::whole(llm_core::Protocol::OpenAiChat, body)?.usage;
    }
    let (input, output) = (count_at(usage, "/input_tokens")?, count_at(usage, "/output_tokens").unwrap_or(0));
    let seen = count_at(usage, "/input_tokens_details/image_tokens").unwrap_or(0);
    let written = count_at(usage, "/output_tokens_details/text_tokens").unwrap_or(0);
    Some(meters(&[
        (Meter::InputImage, seen),
        (Meter::Input, input - seen),
        (Meter::Output, written),
        (Meter::OutputImage, output - written),
    ]))
}

/// Imagen says no usage: each image that it hands over counts.
fn drawn(body: &Value) -> Option<BTreeMap<Meter, u64>> {
    let predictions = body.get("predictions")?.as_array()?;
    let is_image = |one: &&Value| one.get("bytesBase64Encoded").or_else(|| one.get("gcsUri")).is_some();
    Some(meters(&[(Meter::Image, predictions.iter().filter(is_image).count() as u64)]))
}

/// How much sound was heard, where an answer says no usage: its length, that of each channel, or until the last word.
fn seconds(body: &Value) -> Option<f64> {
    let said = ["duration", "audio_duration_secs"].iter().find_map(|name| body.get(*name)?.as_f64());
    if said.is_some() {
        return said;
    }
    if let Some(length) = body.pointer("/metadata/duration").and_then(Value::as_f64) {
        let channels = body.pointer("/results/channels")?.as_array()?;
        return Some(channels.iter().map(|_| length).sum());
    }
    body.get("words")?.as_array()?.iter().rev().find_map(|word| word.get("end")?.as_f64())
}

fn transcript(usage: &Value) -> Option<BTreeMap<Meter, u64>> {
    if let Some(seconds) = usage.get("seconds").and_then(Value::as_f64) {
        return Some(meters(&[(Meter::Second, whole(seconds))]));
    }
    let count = |at: &str| count_at(usage, at);
    if let Some(input) = count("/input_tokens") {
        let heard = count("/input_token_details/audio_tokens").unwrap_or(0);
        let output = count("/output_tokens").unwrap_or(0);
        return Some(meters(&[(Meter::InputAudio, heard), (Meter::Input, input - heard), (Meter::Output, output)]));
    }
    // Mistral counts sound beside the prompt.
    Some(meters(&[
        (Meter::Input, count("/prompt_tokens")?),
        (Meter::InputAudio, count("/prompt_tokens_details/audio_tokens").unwrap_or(0)),
        (Meter::Output, count("/completion_tokens").unwrap_or(0)),
        (Meter::Second, usage.get("prompt_audio_seconds").and_then(Value::as_f64).map_or(0, whole)),
    ]))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of recorded answers")]
fn whole(count: f64) -> u64 {
    count.ceil() as u64
}
