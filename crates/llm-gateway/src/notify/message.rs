//! What is said of a crossing.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::WebhookForm;
use crate::keys::Keys;
use crate::limits::{Crossing, LimitStatus};

/// The body of what a webhook is sent.
pub(super) fn body(crossing: &Crossing, keys: &Keys, form: WebhookForm, now: i64) -> String {
    let Crossing { limit, percent, used, window } = crossing;
    let name = keys.name_of(&limit.scope);
    let remaining = limit.spec.amount.saturating_sub(*used).max(0);
    let resets_at = limit.spec.window.end(*window, limit.spec.tz.as_ref());
    let status = LimitStatus { limit: limit.clone(), used: *used, reserved: 0, remaining, resets_at };
    let text = format!(
        "The {} `{}` has used {percent} % of its limit `{}`: {} left.",
        limit.scope.kind.as_str().replace('_', " "),
        name.as_deref().unwrap_or(&limit.scope.id),
        limit.spec,
        status.remaining_text(),
    );
    match form {
        WebhookForm::Slack => json!({ "text": text }),
        WebhookForm::Json => json!({
            "event": "limit.threshold",
            "percent": percent,
            "limit": status,
            "name": name,
            "text": text,
            "created_at": time(now),
        }),
    }
    .to_string()
}

fn time(millis: i64) -> Value {
    Timestamp::from_millisecond(millis).map_or(Value::Null, |time| time.to_string().into())
}
