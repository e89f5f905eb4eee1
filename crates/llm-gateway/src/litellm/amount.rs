//! Amounts as LiteLLM writes them, made integers and decimal texts without a float between.

use llm_core::NanoUsd;

/// The digits of a number and how many of them stand behind the point: `2.5e-07` is 25 with 8 of them.
fn decimal(text: &str) -> Option<(i128, i32)> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = [whole, part].concat();
    // YAML allows `1_000`.
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i128 = digits.parse().ok()?;
    let behind = i32::try_from(part.len()).ok()?.checked_sub(exponent)?;
    Some((if negative { -number } else { number }, behind))
}

/// `number / 10^behind` in units of `10^-9`, and whether that is exact.
fn nano(number: i128, behind: i32) -> Option<(i128, bool)> {
    if number == 0 {
        return Some((0, true));
    }
    if behind <= 9 {
        let factor = 10_i128.checked_pow(u32::try_from(9 - behind).ok()?)?;
        return Some((number.checked_mul(factor)?, true));
    }
    let Some(divisor) = 10_i128.checked_pow(u32::try_from(behind - 9).ok()?) else { return Some((0, false)) };
    // Rounded half up, and so against nobody in particular.
    let rounded = number.checked_add(divisor / 2)?.div_euclid(divisor);
    Some((rounded, number.rem_euclid(divisor) == 0))
}

/// An amount of US dollars, rounded to a billionth where it has more digits.
pub(crate) fn dollars(text: &str) -> Option<NanoUsd> {
    let (number, behind) = decimal(text)?;
    let (nano, _) = nano(number, behind)?;
    i64::try_from(nano).ok().map(NanoUsd)
}

/// US dollars for one unit as US dollars for `units` of them: a text for the configuration. None where that can't be
/// said exactly.
pub(crate) fn price(text: &str, units: Units) -> Option<String> {
    let (number, behind) = decimal(text)?;
    let behind = match units {
        Units::One => behind,
        Units::Million => behind.checked_sub(6)?,
    };
    let (nano, exact) = nano(number, behind)?;
    let amount = NanoUsd(i64::try_from(nano).ok()?);
    (exact && amount >= NanoUsd::ZERO).then(|| amount.to_string())
}

/// For how many units a price is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Units {
    One,
    Million,
}

/// A length of time in seconds as the configuration writes it: `60s`, `1500ms`.
pub(crate) fn seconds(text: &str) -> Option<String> {
    let (number, behind) = decimal(text)?;
    let (nano, _) = nano(number, behind)?;
    let millis = nano / 1_000_000;
    match millis {
        ..=0 => None,
        _ if millis % 1_000 == 0 => Some(format!("{}s", millis / 1_000)),
        _ => Some(format!("{millis}ms")),
    }
}
