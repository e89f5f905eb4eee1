use std::time::Duration;

use http::StatusCode;
use llm_core::codec::{DecodeContext, ResponseHead};
use llm_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::{QUOTA_FAILURE, body, decode, encode};

fn read(status: u16, body: &Value) -> Error {
    let head = ResponseHead { status: StatusCode::from_u16(status).unwrap(), ..ResponseHead::default() };
    decode(&DecodeContext::default(), &head, body.to_string().as_bytes())
}

#[test]
fn a_bad_key_is_ours_whatever_the_status() {
    let details = json!([{"reason": "API_KEY_INVALID"}]);
    let error = read(400, &json!({"error": {"code": 400, "message": "API key not valid.", "details": details}}));
    assert_eq!((error.kind(), error.code()), (ErrorKind::ProviderAuth, Some("API_KEY_INVALID")));
}

#[test]
fn a_quota_says_when_to_come_back() {
    let details = json!([{"retryDelay": "37.5s"}, {"violations": [{"quotaId": "RequestsPerMinute"}]}]);
    let error = read(429, &json!({"error": {"message": "slow down", "details": details}}));
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_millis(37_500))));
    let told: Value = serde_json::from_slice(&encode(&error).body).unwrap();
    assert_eq!(told["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(told["error"]["details"][1]["retryDelay"], "38s");
}

#[test]
fn an_array_holds_the_error_of_a_stream() {
    let error = read(503, &json!([{"error": {"message": "overloaded"}}]));
    assert_eq!((error.kind(), error.message()), (ErrorKind::Overloaded, "overloaded"));
}

/// Gemini CLI tries every 429 again for minutes unless a quota of a day is what is used up.
#[test]
fn a_spent_budget_is_told_as_a_quota_of_a_day() {
    let quota = |kind| {
        let body = body(&Error::new(kind, "the budget is spent"));
        let details = body["error"]["details"].as_array().cloned().unwrap();
        details.into_iter().find(|detail| detail["@type"] == QUOTA_FAILURE)
    };
    let spent = quota(ErrorKind::QuotaExceeded).unwrap();
    assert!(spent["violations"][0]["quotaId"].as_str().unwrap().contains("PerDay"));
    assert_eq!(quota(ErrorKind::RateLimited), None);
}
