//! One attempt after another, until a deployment answers.

use std::sync::Arc;
use std::time::Duration;

use llm_core::codec::{Edits, Encoded, Host, Passthrough};
use llm_core::{Error, ErrorKind, Result};
use llm_providers::Provider;
use llm_providers::transport::WireResponse;
use rand::RngExt;

use super::account::Account;
use super::asked::Asked;
use super::surface::forward_headers;
use crate::routing::Deployment;

/// The longest that a call waits before it tries the same deployment again.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The first such wait; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// An answer that has begun, and how it came about.
pub(crate) struct Begun {
    pub(crate) deployment: Arc<Deployment>,
    /// The deployment's provider in the protocol in which it was spoken to.
    pub(crate) provider: Arc<Provider>,
    pub(crate) encoded: Encoded,
    pub(crate) response: WireResponse,
    /// Set where the bytes pass.
    pub(crate) passthrough: Option<&'static dyn Passthrough>,
    /// Whether usage was asked for that the caller did not ask for.
    pub(crate) hide_usage: bool,
}

/// Tries the candidates in order. `begin` turns an answer's head into whatever must stand before the caller sees a
/// byte; while it fails, another candidate may still answer.
pub(crate) async fn first_answer<T, F>(
    account: &mut Account,
    candidates: &[Arc<Deployment>],
    cap_output: Option<u64>,
    begin: impl Fn(Begun) -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut failed: Option<(Error, &Arc<Deployment>)> = None;
    let mut hopeless: Vec<&Arc<Deployment>> = Vec::new();
    for (place, deployment) in candidates.iter().enumerate() {
        if hopeless.iter().any(|one| Arc::ptr_eq(one, deployment)) {
            continue;
        }
        if let Some((error, last)) = &failed {
            let again = Arc::ptr_eq(last, deployment);
            if !worth_trying(error, again) {
                continue;
            }
            if again {
                tokio::time::sleep(wait(place, error)).await;
            }
        }
        // A dearer candidate that the limits can't bear is passed over.
        if let Err(refusal) = account.begin_attempt(deployment) {
            failed.get_or_insert((refusal, deployment));
            continue;
        }
        let tried = async {
            let begun = attempt(account, deployment, cap_output).await?;
            account.answered(&begun.provider, &begun.response.head);
            begin(begun).await
        };
        match tried.await {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                account.attempt_failed(&error).await;
                if !error.is_retryable() {
                    hopeless.push(deployment);
                }
                failed = Some((error, deployment));
            }
        }
    }
    Err(match failed {
        Some((error, _)) => error,
        None => Error::new(ErrorKind::NoDeploymentAvailable, "no deployment serves this model now"),
    })
}

/// Whether the next candidate might do better. What is wrong with the request itself is wrong everywhere; what is
/// wrong with a deployment's credential or model is not wrong with another's.
fn worth_trying(error: &Error, same_deployment: bool) -> bool {
    use ErrorKind::{ModelNotFound, NotImplemented, PermissionDenied, ProviderAuth, QuotaExceeded};
    let elsewhere =
        matches!(error.kind(), ProviderAuth | PermissionDenied | ModelNotFound | QuotaExceeded | NotImplemented);
    let soon = error.retry_after().is_none_or(|wait| wait <= LONGEST_WAIT);
    if same_deployment {
        error.is_retryable() && soon
    } else {
        error.is_retryable() || elsewhere || error.kind() == ErrorKind::Cut
    }
}

/// How long to wait before the same deployment is asked again: what it said, or twice as long each time, with jitter.
fn wait(attempt: usize, error: &Error) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempt.min(6));
    let wait = error.retry_after().unwrap_or(doubled).min(LONGEST_WAIT);
    wait.mul_f64(rand::rng().random_range(0.5..1.0)).max(error.retry_after().unwrap_or_default().min(LONGEST_WAIT))
}

async fn attempt(account: &Account, deployment: &Arc<Deployment>, cap_output: Option<u64>) -> Result<Begun> {
    let asked = account.asked();
    let provider = asked.surface.spoken_by(&deployment.provider);
    let (encoded, passthrough, hide_usage) = encode(asked, deployment, provider, cap_output)?;
    let response = provider.send_ok(&encoded, &deployment.timeouts).await?;
    Ok(Begun { deployment: deployment.clone(), provider: provider.clone(), encoded, response, passthrough, hide_usage })
}

/// The request as this deployment is sent it: the caller's bytes with a few members edited where both speak the same
/// dialect, else translated.
fn encode(
    asked: &Asked,
    deployment: &Deployment,
    provider: &Provider,
    cap_output: Option<u64>,
) -> Result<(Encoded, Option<&'static dyn Passthrough>, bool)> {
    // Ids of tool calls are made from it, and OpenAI takes none of more than 40 characters.
    let seed = asked.id.to_string().replace('-', "");
    let target = provider.target(&deployment.model, asked.skim.stream, &seed);
    let row = provider.row();
    if let Some(passthrough) = asked.surface.passes(provider, &asked.body) {
        let ask_usage = asked.skim.stream && !asked.skim.include_usage && !row.quirks.no_stream_options;
        let edits = Edits {
            model: (asked.skim.model != deployment.model).then(|| deployment.model.clone()),
            ask_usage,
            cap_output,
            cap_name: row.quirks.rename.get("max_completion_tokens").cloned(),
        };
        let mut encoded = passthrough.address(&target)?;
        encoded.body = passthrough.edit(&asked.body, &edits)?;
        forward_headers(&asked.head.headers, &row.forward_headers, &mut encoded.headers);
        return Ok((encoded, Some(passthrough), ask_usage));
    }
    let (mut request, _) = asked.decode()?;
    if let Some(cap) = cap_output {
        request.max_tokens = Some(request.max_tokens.map_or(cap, |wanted| wanted.min(cap)));
    }
    let mut encoded = provider.chat_codec()?.encode_request(&request, &target)?;
    // Headers that name a protocol's version or features belong to the caller's protocol, not to the provider's.
    let same_dialect = row.protocol == asked.surface.protocol() && row.quirks.host == Host::Own;
    if same_dialect {
        forward_headers(&asked.head.headers, &row.forward_headers, &mut encoded.headers);
    }
    Ok((encoded, None, false))
}
