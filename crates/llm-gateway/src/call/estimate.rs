//! What a call may cost at most, before it leaves.
//!
//! Input is bounded without a tokenizer: no tokenizer makes more tokens than the text has UTF-8 bytes. Messages, tools
//! and media add a stated amount each for what the provider wraps around them.

use std::sync::LazyLock;

use llm_core::codec::Skim;
use llm_core::{Error, Meter, NanoUsd, OperationKind, Price, Result};
use memchr::memmem::Finder;

use super::asked::Asked;
use crate::limits::OutputBound;
use crate::routing::Deployment;

/// Tokens reserved for what a provider wraps around a message.
const PER_MESSAGE: u64 = 16;
/// Tokens reserved for what a provider wraps around a tool's definition, beside its text.
const PER_TOOL: u64 = 64;
/// Tokens reserved for an image, a sound or a document.
const PER_MEDIA: u64 = 4096;
/// Tokens that providers add to every prompt with tools (Anthropic: up to some 500 for its tool instructions).
const TOOL_PREAMBLE: u64 = 768;
/// Output tokens reserved where neither caller, key, limit, model nor recent calls say anything.
const UNSTATED_OUTPUT: u64 = 1024;

/// How a body that asks for a kind of its own says so.
static ONE_HOUR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"1h\""));
/// OpenAI's part, and the media types by which other protocols say the same.
static INPUT_AUDIO: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"input_audio"));
static AUDIO_TYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"audio"));
/// `modalities`, `responseModalities` and `response_modalities`.
static MODALITIES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("odalities\""));

/// The most tokens a call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Prompt tokens.
    pub input: u64,
    /// Completion tokens, over all answers asked for.
    pub output: u64,
    /// Whether the window alone bounds the prompt, whatever its text comes to.
    by_window: bool,
}

impl Bound {
    /// The bound of a request that `deployment` serves. `assume_output` stands in where the caller states none.
    ///
    /// An error where `limits` are strict, so that nothing may pass it, and something can't be bounded.
    pub(crate) fn of(
        skim: &Skim,
        deployment: &Deployment,
        assume_output: Option<u64>,
        limits: &OutputBound,
    ) -> Result<Self> {
        if limits.strict && skim.unbounded {
            let message = "tools that the provider runs itself can't be bounded, which a strict limit needs";
            return Err(Error::invalid_request(message).with_param("tools"));
        }
        let mut input = skim.text_bytes + overhead(skim);
        // What the provider puts into the prompt by itself; and of media nobody knows the tokens beforehand.
        let by_window = skim.unbounded || (limits.strict_input && skim.media > 0);
        match deployment.window {
            Some(window) if by_window => input = input.max(window),
            None if by_window && limits.strict_input => {
                let message = format!(
                    "under a strict limit media and hosted tools are reserved as the window of the model, and that of \
                     `{}` is not known",
                    deployment.id
                );
                return Err(Error::invalid_request(message));
            }
            _ => {}
        }
        let most = deployment.max_output.unwrap_or(u64::MAX);
        let assumed = || assume_output.or_else(|| deployment.recent.p95()).unwrap_or(UNSTATED_OUTPUT).min(most);
        let each = skim.max_tokens.unwrap_or_else(assumed);
        Ok(Self { input, output: each.saturating_mul(skim.choices.max(1)), by_window })
    }

    /// The same with the prompt's text counted instead of bounded by its bytes.
    pub(crate) fn with_counted_input(self, skim: &Skim, text_tokens: u64) -> Self {
        let counted = text_tokens.saturating_add(overhead(skim));
        if self.by_window { self } else { Self { input: self.input.min(counted), ..self } }
    }

    /// What the call costs at most at `price`: the dearest line that input and output may fall under, and what is
    /// charged by something other than tokens. None where the model has no price.
    pub(crate) fn cost(&self, price: &Price, asked: &Asked) -> Option<NanoUsd> {
        if asked.is_free() {
            return Some(NanoUsd::ZERO);
        }
        let skim = &asked.skim;
        let rate = |meter| price.rate(meter, self.input, skim.service_tier.as_deref());
        let mut sum = i128::from(rate(Meter::Request).unwrap_or(0));
        let mut is_priced = false;
        for unit in &skim.units {
            if let Some(rate) = rate(unit.meter) {
                sum += i128::from(unit.most) * i128::from(rate);
                is_priced = true;
            }
        }
        // What is charged by units alone has no lines for tokens.
        if price.is_by_tokens() || !is_priced {
            let (input, output) = match asked.surface.kind() {
                OperationKind::Chat => self.chat_rates(rate, &asked.body)?,
                _ => self.any_rates(rate)?,
            };
            sum += i128::from(self.input) * i128::from(input) + i128::from(self.output) * i128::from(output);
        }
        Some(NanoUsd::saturating_from((sum + 999_999).div_euclid(1_000_000)))
    }

    fn chat_rates(&self, rate: impl Fn(Meter) -> Option<i64>, body: &[u8]) -> Option<(i64, i64)> {
        let has = |word: &Finder<'_>| word.find(body).is_some();
        let mut input = rate(Meter::Input)?;
        let mut output = rate(Meter::Output).or_else(|| (self.output == 0).then_some(0))?;
        // Writing to a provider's cache costs more than reading; some providers do it unasked.
        input = input.max(rate(Meter::CacheWrite).unwrap_or(0));
        // The body is looked through only where something dearer could be asked for.
        let kept_long = rate(Meter::CacheWrite1h).unwrap_or(0);
        if kept_long > input && has(&ONE_HOUR) {
            input = kept_long;
        }
        let heard = rate(Meter::InputAudio).unwrap_or(0);
        if heard > input && (has(&INPUT_AUDIO) || has(&AUDIO_TYPE)) {
            input = heard;
        }
        output = output.max(rate(Meter::Reasoning).unwrap_or(0));
        // A model that draws does so unasked.
        output = output.max(rate(Meter::OutputImage).unwrap_or(0));
        let spoken = rate(Meter::OutputAudio).unwrap_or(0);
        if spoken > output && has(&MODALITIES) {
            output = spoken;
        }
        Some((input, output))
    }

    /// Whatever goes in and comes out may be text, sound or images.
    fn any_rates(&self, rate: impl Fn(Meter) -> Option<i64>) -> Option<(i64, i64)> {
        let dearest = |meters: [Meter; 3]| meters.into_iter().filter_map(&rate).max();
        let input = dearest([Meter::Input, Meter::InputAudio, Meter::InputImage])?;
        let output = dearest([Meter::Output, Meter::OutputAudio, Meter::OutputImage]);
        Some((input, output.or_else(|| (self.output == 0).then_some(0)).unwrap_or(0)))
    }
}

fn overhead(skim: &Skim) -> u64 {
    let preamble = if skim.tools > 0 { TOOL_PREAMBLE } else { 0 };
    skim.messages * PER_MESSAGE + skim.tools * PER_TOOL + skim.media * PER_MEDIA + preamble
}
