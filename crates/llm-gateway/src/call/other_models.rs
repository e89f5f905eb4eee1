//! A request goes to the model that it asks for: that one was looked up in the key's list, priced and reserved. A
//! provider that can be told of others to answer in its place is not told.

use http::HeaderMap;
use llm_core::{Error, Result};
use llm_providers::Provider;

/// Makes sure that a request on its way out names no other model.
pub(crate) fn refuse(provider: &Provider, headers: &HeaderMap, body: &[u8]) -> Result<()> {
    let Some(param) = provider.other_model_in(headers, body)? else { return Ok(()) };
    let message = format!(
        "`{param}` is not sent to `{}`: it could answer with another model than the one that is asked for, to which this \
         gateway's lists of models, prices and limits apply",
        provider.id()
    );
    let hint = "models that are tried one after another stand in the gateway's configuration, as a name's `fallbacks`";
    Err(Error::invalid_request(message).with_param(param).with_hint(hint))
}
