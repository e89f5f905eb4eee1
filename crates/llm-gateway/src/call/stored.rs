//! What a provider stores belongs to who made it (law 13): where a call goes that names such a thing, and what is
//! recorded of an answer.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::codec::Stored;
use llm_core::stored::Made;
use llm_core::{Error, ErrorKind, Protocol, Result};
use llm_providers::Provider;

use super::asked::Asked;
use crate::Gateway;
use crate::keys::VirtualKey;
use crate::record::{Object, ObjectKind};
use crate::routing::Deployment;

/// The deployments that may serve a call, in order. One that names what a provider stores goes to the deployment that
/// made it, or to another one at the same place where the caller asks for another model of it; what the key did not
/// make does not exist.
pub(super) async fn candidates(gateway: &Gateway, asked: &Asked) -> Result<Vec<Arc<Deployment>>> {
    let Some(keeper) = keeper(gateway, &asked.key, &asked.skim.stored).await? else {
        return Ok(allowed_candidates(gateway, asked));
    };
    let mut own = allowed_candidates(gateway, asked);
    own.retain(|deployment| deployment.is_beside(&keeper));
    own.sort_by_key(|deployment| deployment.id != keeper.id);
    if own.is_empty() {
        may_call(gateway, asked, &keeper)?;
        own = vec![keeper; 1 + asked.route.retries as usize];
    }
    Ok(own)
}

/// The one place that has everything that a request of `key` names; none where it names nothing.
pub(super) async fn keeper(gateway: &Gateway, key: &VirtualKey, named: &[Stored]) -> Result<Option<Arc<Deployment>>> {
    let mut keeper: Option<(&Stored, Arc<Deployment>)> = None;
    for stored in named {
        let object = gateway.objects.find(key.id.as_str(), &stored.id).await?;
        // No provider knows what the gateway keeps itself.
        let Some(object) = object.filter(|object| !object.kind.is_own()) else { return Err(unknown(stored)) };
        let found = gateway.routes.keeper(&object).map_err(|error| error.with_param(stored.param))?;
        match &keeper {
            Some((first, before)) if !before.is_beside(&found) => {
                let message = format!(
                    "`{}` (in `{}`) and `{}` (in `{}`) are stored in different places, so no one has both",
                    first.id, first.param, stored.id, stored.param
                );
                return Err(Error::invalid_request(message).with_param(stored.param));
            }
            Some(_) => {}
            None => keeper = Some((stored, found)),
        }
    }
    Ok(keeper.map(|(_, keeper)| keeper))
}

/// Makes sure that what a request names, as a codec reads it, is what was looked up before the call: nothing that a
/// provider stores leaves unseen by a way that only a translation has.
pub(super) fn were_checked(asked: &Asked, named: &[Stored]) -> Result<()> {
    let is_known = |stored: &&Stored| asked.skim.stored.iter().any(|seen| seen.id == stored.id);
    named.iter().find(|stored| !is_known(stored)).map_or(Ok(()), |stored| Err(unknown(stored)))
}

fn unknown(stored: &Stored) -> Error {
    let Stored { param, id } = stored;
    let shown: String = id.chars().take(200).collect();
    Error::new(ErrorKind::NotFound, format!("`{param}`: nothing of the id `{shown}` was made with this key"))
        .with_param(*param)
}

/// The deployments of the model that is asked for, as far as the key may call them: a name that a list of models admits
/// by one of its deployments is not served by another, nor by a fallback.
pub(super) fn allowed_candidates(gateway: &Gateway, asked: &Asked) -> Vec<Arc<Deployment>> {
    let mut candidates = gateway.routes.candidates(&asked.route, gateway.now_ms());
    candidates.retain(|deployment| asked.key.allows(&asked.skim.model, &deployment.id));
    candidates
}

/// Whether the key may call a deployment that its request does not name: by its id, or by a name that it serves.
fn may_call(gateway: &Gateway, asked: &Asked, keeper: &Arc<Deployment>) -> Result<()> {
    let serves = |deployments: &[Arc<Deployment>]| deployments.iter().any(|one| Arc::ptr_eq(one, keeper));
    let names = gateway.routes.names().filter(|route| serves(&route.deployments)).map(|route| &*route.name);
    let mut names = names.chain([&*keeper.id]);
    if names.any(|name| asked.key.allows(name, &keeper.id)) { Ok(()) } else { Err(VirtualKey::not_allowed(&keeper.id)) }
}

/// The deployment's provider in the protocol whose callers know what is stored.
pub(super) fn speaking(deployment: &Deployment) -> Result<&Arc<Provider>> {
    deployment.provider.speaking(Protocol::OpenAiResponses).ok_or_else(|| {
        let message = format!("provider `{}` stores no responses", deployment.provider_id);
        Error::new(ErrorKind::NotImplemented, message)
    })
}

/// What an answer of `deployment` says that is now stored, as it is recorded for the caller's key. `provider`: as it
/// was spoken to.
pub(super) fn objects(asked: &Asked, deployment: &Deployment, provider: &Provider, made: &[Made]) -> Vec<Object> {
    let is_stored = |made: &&Made| !provider.lacks_stored(made.kind);
    // What was asked about is on record already.
    let new = made.iter().filter(is_stored).filter(|made| asked.kept.is_none() || made.kind != ObjectKind::Response);
    new.map(|made| object(asked, deployment, made)).collect()
}

/// One of them.
pub(super) fn object(asked: &Asked, deployment: &Deployment, made: &Made) -> Object {
    Object {
        key: asked.key.id.as_str().into(),
        id: made.id.as_str().into(),
        kind: made.kind,
        team: asked.key.team.as_ref().map(|team| team.id.as_str().into()),
        provider: deployment.provider_id.clone(),
        deployment: deployment.id.clone(),
        account: deployment.account.clone(),
        native_id: None,
        made_at: Timestamp::from_millisecond(asked.created_at.as_millisecond()).unwrap_or(asked.created_at),
        gone_at: None,
        detail: serde_json::Value::Null,
    }
}
