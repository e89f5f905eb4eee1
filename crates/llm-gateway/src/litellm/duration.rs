//! The windows of LiteLLM's budgets. Its durations reset on the calendar: `1d` at midnight, `7d` on Monday, `30d` and
//! `1mo` on the first of the month.

use crate::limits::Window;

/// The window that means the same here.
pub(crate) fn window(duration: &str) -> Option<Window> {
    match duration.trim() {
        "1m" | "60s" => Some(Window::Minute),
        "1h" | "60m" | "hourly" => Some(Window::Hour),
        "1d" | "24h" | "daily" => Some(Window::Day),
        "7d" | "1w" | "weekly" => Some(Window::Week),
        "30d" | "1mo" | "monthly" => Some(Window::Month),
        _ => None,
    }
}

/// A time from now in the words of LiteLLM: `30s`, `30m`, `30h`, `30d`, `2w`, `1mo`, in seconds. A month is 30 days.
pub(crate) fn seconds(duration: &str) -> Option<i64> {
    let duration = duration.trim();
    let digits = duration.len() - duration.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    let (number, unit) = duration.split_at_checked(digits)?;
    let number: i64 = number.parse().ok()?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "mo" => 30 * 86_400,
        _ => return None,
    };
    number.checked_mul(unit)
}
