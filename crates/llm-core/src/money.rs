//! Money as integers. No float touches an amount.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in billionths of a US dollar. Holds ±9.2 billion dollars; arithmetic saturates there.
///
/// Written and read as a decimal string of dollars, in JSON too.
///
/// ```
/// use llm_core::NanoUsd;
/// let amount: NanoUsd = "12.5".parse().unwrap();
/// assert_eq!(amount, NanoUsd(12_500_000_000));
/// assert_eq!(NanoUsd(1).to_string(), "0.000000001");
/// assert!("1e3".parse::<NanoUsd>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(pub i64);

const NANO: u64 = 1_000_000_000;

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount that may have left the range of 64 bits, held at its end.
    pub fn saturating_from(nano: i128) -> Self {
        Self(i64::try_from(nano).unwrap_or(if nano < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / NANO, self.0.unsigned_abs() % NANO);
        if part == 0 {
            write!(f, "{sign}{whole}")
        } else {
            let digits = format!("{part:09}");
            write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
        }
    }
}

/// Why a text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseAmountError;

impl fmt::Display for ParseAmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an amount in US dollars such as `25.00` (digits, at most 9 of them behind the point)")
    }
}

impl std::error::Error for ParseAmountError {}

impl FromStr for NanoUsd {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, ParseAmountError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 9 || !all_digits(whole) || !all_digits(part) {
            return Err(ParseAmountError);
        }
        if digits.ends_with('.') {
            return Err(ParseAmountError);
        }
        let nano: i128 = format!("{whole}{part:0<9}").parse().map_err(|_| ParseAmountError)?;
        i64::try_from(if negative { -nano } else { nano }).map(Self).map_err(|_| ParseAmountError)
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for NanoUsd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for NanoUsd {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for NanoUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NanoUsd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
