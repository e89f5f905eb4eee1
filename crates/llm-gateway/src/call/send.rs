//! One attempt after another, until a deployment answers.

use std::sync::Arc;
use std::time::Duration;

use llm_core::codec::{Encoded, Speaks};
use llm_core::{Error, ErrorKind, Result};
use llm_providers::protocols::Spoken;
use llm_providers::protocols::openai_responses::stored as protocol;
use llm_providers::transport::WireResponse;
use llm_providers::{Provider, Timeouts};
use rand::RngExt;

use super::account::Account;
use super::sight::Sight;
use super::spoken::{self, Sent};
use super::stored;
use super::surface::with_codec;
use crate::routing::Deployment;

/// The longest that a call waits before it tries the same deployment again.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The first such wait; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// An answer that has begun, and how it came about.
pub(crate) struct Begun {
    pub(super) deployment: Arc<Deployment>,
    /// The deployment's provider in the protocol in which it was spoken to.
    pub(super) provider: Arc<Provider>,
    pub(super) sent: Sent,
    pub(super) response: WireResponse,
    /// Where it is noted what is seen of the answer.
    pub(super) sight: Sight,
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
        if let Err(refusal) = account.begin_attempt(deployment).await {
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
/// wrong with a deployment's credential or model is not wrong with another's, and what is too long for one model's window
/// may fit into another's.
fn worth_trying(error: &Error, same_deployment: bool) -> bool {
    use ErrorKind::{ContextLengthExceeded, ModelNotFound, NotImplemented, PermissionDenied, ProviderAuth};
    // A budget that is spent, or a limit that a call can never fit, is that of one deployment's account or price.
    let elsewhere = error.is_hopeless()
        || matches!(
            error.kind(),
            ContextLengthExceeded | ProviderAuth | PermissionDenied | ModelNotFound | NotImplemented
        );
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
    with_codec!(asked.surface, codec => {
        let provider = match &asked.kept {
            Some(_) => stored::speaking(deployment)?,
            None => spoken::spoken_by(codec, &deployment.provider)?,
        };
        let sent = spoken::encode(codec, asked, deployment, provider, cap_output)?;
        let response = send(codec, provider, &sent.encoded, &deployment.timeouts).await;
        let response = response.map_err(|error| if asked.kept.is_some() { protocol::error(error) } else { error })?;
        let sight = account.sight().clone();
        Ok(Begun { deployment: deployment.clone(), provider: provider.clone(), sent, response, sight })
    })
}

/// Sends a request. An answer of any status other than 2xx is an error, as the operation's codec reads it.
async fn send<O: Spoken>(
    _: &dyn Speaks<O>,
    provider: &Provider,
    encoded: &Encoded,
    timeouts: &Timeouts,
) -> Result<WireResponse> {
    provider.send_ok::<O>(encoded, timeouts).await
}
