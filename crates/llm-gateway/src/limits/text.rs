//! The short form of configuration files and the command line: `spend=25/month`, `requests=60/minute`,
//! `concurrency=5`.

use std::fmt;
use std::str::FromStr;

use llm_core::NanoUsd;

use super::{LimitError, LimitMeter, LimitSpec, Window};

impl LimitSpec {
    /// A limit on `meter` from the part after the `=`: `25/month`, `60/minute`, `5`.
    pub fn from_amount(meter: LimitMeter, text: &str) -> Result<Self, LimitError> {
        let (amount, window) = match text.split_once('/') {
            Some((amount, window)) => (amount.trim(), Some(window.trim().parse()?)),
            None => (text.trim(), None),
        };
        let amount = match meter {
            LimitMeter::Spend => {
                let dollars: NanoUsd = amount.parse().map_err(|error| LimitError(format!("`{amount}` is {error}")))?;
                dollars.0
            }
            _ => amount.parse().map_err(|_| LimitError(format!("`{amount}` is not a whole number")))?,
        };
        let spec = Self::new(meter, window_or_total(meter, window)?, amount);
        spec.check()?;
        Ok(spec)
    }
}

/// The window as said; only concurrency may leave it out.
pub(super) fn window_or_total(meter: LimitMeter, window: Option<Window>) -> Result<Window, LimitError> {
    match window {
        Some(window) => Ok(window),
        None if meter == LimitMeter::Concurrency => Ok(Window::Total),
        None => {
            let names: Vec<&str> = Window::ALL.iter().map(|window| window.as_str()).collect();
            Err(LimitError(format!("a limit on `{meter}` needs a window: one of `{}`", names.join("`, `"))))
        }
    }
}

impl FromStr for LimitSpec {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let Some((meter, amount)) = text.split_once('=') else {
            return Err(LimitError(format!("`{text}` is not a limit such as `spend=25/month` or `concurrency=5`")));
        };
        Self::from_amount(meter.trim().parse()?, amount)
    }
}

/// The short form; what it can't say (models, zone, strictness) is left out.
impl fmt::Display for LimitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meter {
            LimitMeter::Spend => write!(f, "spend={}/{}", NanoUsd(self.amount), self.window),
            LimitMeter::Concurrency => write!(f, "concurrency={}", self.amount),
            meter => write!(f, "{meter}={}/{}", self.amount, self.window),
        }
    }
}

#[cfg(test)]
mod tests;
