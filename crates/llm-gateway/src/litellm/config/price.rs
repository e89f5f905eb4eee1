//! A deployment's own price: LiteLLM's US dollars for one token, here for a million of them.

use llm_core::Meter;

use super::super::Report;
use super::super::amount::{self, Units};
use super::super::node::Fields;

/// LiteLLM's members of a price, and the meters that they are about.
const MEMBERS: &[(&str, Meter)] = &[
    ("input_cost_per_token", Meter::Input),
    ("output_cost_per_token", Meter::Output),
    ("cache_read_input_token_cost", Meter::CacheRead),
    ("cache_creation_input_token_cost", Meter::CacheWrite),
    ("cache_creation_input_token_cost_above_1hr", Meter::CacheWrite1h),
    ("output_cost_per_reasoning_token", Meter::Reasoning),
    ("input_cost_per_audio_token", Meter::InputAudio),
    ("output_cost_per_audio_token", Meter::OutputAudio),
    ("input_cost_per_image_token", Meter::InputImage),
    ("output_cost_per_image_token", Meter::OutputImage),
    ("input_cost_per_second", Meter::Second),
    ("output_cost_per_second", Meter::Second),
    ("input_cost_per_character", Meter::Character),
    ("output_cost_per_character", Meter::Character),
    ("input_cost_per_image", Meter::Image),
    ("output_cost_per_image", Meter::Image),
    ("input_cost_per_query", Meter::Query),
    ("input_cost_per_request", Meter::Request),
    ("ocr_cost_per_page", Meter::Page),
];

/// Takes the members of a price out of `fields`.
pub(super) fn take(price: &mut Vec<(&'static str, String)>, fields: &mut Fields, place: &str, report: &mut Report) {
    for &(name, meter) in MEMBERS {
        let Some(node) = fields.take(name) else { continue };
        let place = format!("{place}.{name}");
        let units = if meter.is_token() { Units::Million } else { Units::One };
        let Some(text) = node.text().and_then(|text| amount::price(text, units)) else {
            report.refused(place, "not an amount that can be said exactly in billionths of a US dollar");
            continue;
        };
        if price.iter().any(|(known, _)| *known == meter.as_str()) {
            // Input and output of the same measure, or the same thing in two places: one of them is nothing.
            if amount::dollars(&text).is_some_and(|amount| amount.0 == 0) {
                report.mapped(place, "nothing beside the other price of the same measure");
            } else {
                report.refused(place, format!("`price.{}` is said already", meter.as_str()));
            }
            continue;
        }
        let unit = if meter.is_token() { "a million tokens" } else { "one" };
        report.mapped(place, format!("`price.{} = \"{text}\"`, US dollars for {unit}", meter.as_str()));
        price.push((meter.as_str(), text));
    }
}

/// LiteLLM takes the side of a price that is not said as free; here nothing is free that nobody said to be.
pub(super) fn complete(price: &mut Vec<(&'static str, String)>, place: &str, report: &mut Report) {
    let has = |price: &[(&str, String)], meter: Meter| price.iter().any(|(known, _)| *known == meter.as_str());
    for (said, other) in [(Meter::Input, Meter::Output), (Meter::Output, Meter::Input)] {
        if has(price, said) && !has(price, other) {
            report.mapped(
                format!("{place}.{}", other.as_str()),
                "no price was said beside the other; LiteLLM takes that as free",
            );
            price.push((other.as_str(), "0".to_owned()));
        }
    }
}
