//! Errors: what a provider's body says went wrong, and which kinds its status allows.

use llm_core::ErrorKind;
use serde_json::Value;

/// What the body of an error says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorReading {
    /// The message, where there is one.
    pub message: Option<String>,
    /// The provider's own code, where it is a text.
    pub code: Option<String>,
}

/// Reads the shapes that providers use.
pub fn read_error(body: &Value) -> ErrorReading {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let message = ["/error/message", "/error", "/message", "/detail"].iter().find_map(|pointer| text(pointer));
    let is_anthropic = body.get("type").is_some_and(|kind| kind == "error");
    let code = if is_anthropic { text("/error/type") } else { text("/error/code") };
    ErrorReading { message, code }
}

/// The kinds that fit a status; a body may only choose among them.
pub fn kinds_for(status: u16) -> &'static [ErrorKind] {
    use ErrorKind as Kind;
    match status {
        401 => &[Kind::ProviderAuth],
        402 => &[Kind::QuotaExceeded],
        403 => &[Kind::PermissionDenied, Kind::ProviderAuth, Kind::ContentFiltered, Kind::ModelNotFound],
        404 => &[Kind::ModelNotFound, Kind::NotFound],
        408 | 504 => &[Kind::Timeout],
        409 => &[Kind::Conflict, Kind::InvalidRequest, Kind::ProviderError],
        // What Bedrock says where a model failed.
        424 => &[Kind::ProviderError, Kind::InvalidRequest],
        413 => &[Kind::RequestTooLarge, Kind::ContextLengthExceeded],
        429 => &[Kind::RateLimited, Kind::QuotaExceeded],
        503 | 529 => &[Kind::Overloaded],
        400..=499 => &[
            Kind::InvalidRequest,
            Kind::UnsupportedParameter,
            Kind::ContextLengthExceeded,
            Kind::ContentFiltered,
            Kind::ModelNotFound,
            Kind::ProviderAuth,
            Kind::RateLimited,
        ],
        _ => &[Kind::ProviderError, Kind::Overloaded],
    }
}
