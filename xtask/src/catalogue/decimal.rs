//! Decimal numbers as their text says them. No price passes through a float.

use anyhow::{Context, Result, bail};

/// A decimal number: `digits` × 10^`exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// Reads the text of a JSON number: `0.15`, `1.5e-07`, `3E-9`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().context("the exponent is not a number")?),
            None => (text, 0),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if part.starts_with(['-', '+']) {
            bail!("`{text}` is not a decimal number");
        }
        let digits = format!("{whole}{part}").parse().with_context(|| format!("`{text}` is not a decimal number"))?;
        Ok(Self { digits, exponent: exponent - i32::try_from(part.len())? })
    }

    /// This number × 10^`power` ÷ `divisor` as a whole number, rounded half up; none where it does not fit.
    pub(crate) fn scaled(self, power: i32, divisor: i128) -> Option<i64> {
        let exponent = self.exponent + power;
        let magnitude = 10_i128.checked_pow(exponent.unsigned_abs())?;
        let (top, bottom) = if exponent >= 0 {
            (self.digits.checked_mul(magnitude)?, divisor)
        } else {
            (self.digits, divisor.checked_mul(magnitude)?)
        };
        i64::try_from((2 * top + bottom).div_euclid(2 * bottom)).ok()
    }
}

#[cfg(test)]
mod tests;
