//! Admission: one reservation, of every limit that applies, before anything leaves.

use std::sync::Arc;

use llm_core::{Error, NanoUsd, OperationKind};

use super::Failed;
use super::account::Account;
use super::asked::Asked;
use super::estimate::Bound;
use crate::Gateway;
use crate::limits::LimitMeter::{Concurrency, OutputTokens, Requests};
use crate::limits::{Estimate, OutputBound, Refusal, Reservation};
use crate::record::{CallRecord, CallStatus, OpenRecord, Outcome};
use crate::routing::Deployment;

/// A call that was let in, and what it must keep to.
pub(crate) struct Admitted {
    pub(crate) account: Account,
    /// The cap that a strict limit sends upstream.
    pub(crate) cap_output: Option<u64>,
}

/// Reserves what the call may cost at its first choice, in every limit that applies or in none, and writes that down.
///
/// Only where the byte bound would refuse the call is its text counted, and the decision made on the count.
pub(crate) async fn admit(
    gateway: &Arc<Gateway>,
    asked: Arc<Asked>,
    first: &Arc<Deployment>,
) -> std::result::Result<Admitted, Failed> {
    let names = asked.model_names();
    let tags: Vec<&str> = asked.tags.iter().map(|tag| &**tag).collect();
    let subject = asked.subject(&tags, &names);
    let now = gateway.now_ms();
    gateway.recall(now, &subject).await;
    let limits = gateway.ledger.output_bound(now, &subject);
    let settings = asked.route.assume_output.or(gateway.config.limits.assume_output);
    let assumed = asked.key.assume_output.or(limits.assume_output).or(settings);
    // Only what is written has a bound that a provider can be sent.
    let is_text = matches!(asked.surface.kind(), OperationKind::Chat | OperationKind::Complete);
    let limits = if is_text { limits } else { OutputBound { strict: false, strict_input: false, ..limits } };
    let mut bound = Bound::of(&asked.skim, first, assumed, &limits)?;
    let cap_output = limits.strict.then(|| strict_cap(&asked, &limits, bound));
    if let Some(cap) = cap_output {
        bound.output = cap.saturating_mul(asked.skim.choices.max(1));
    }
    let reserve = async |bound: &Bound| gateway.ledger.admit(now, &subject, &estimate(&asked, first, bound)).await;
    let reservation = match reserve(&bound).await {
        Ok(reservation) => reservation,
        Err(refusal) => match recount(&asked, first, bound, &refusal).await {
            Some(counted) => {
                bound = counted;
                reserve(&bound).await.map_err(|refusal| refused(gateway, &asked, refusal))?
            }
            None => return Err(refused(gateway, &asked, refusal)),
        },
    };
    let open = open_record(&asked, Some(first), Some(&reservation));
    let account = Account::open(gateway, asked.clone(), open, bound, reservation)?.recorded().await?;
    Ok(Admitted { account, cap_output })
}

/// The cap of each answer under a strict limit: what the caller asked for, or what is reserved for it, and never more
/// than a limit on output tokens has left.
fn strict_cap(asked: &Asked, limits: &OutputBound, bound: Bound) -> u64 {
    let choices = asked.skim.choices.max(1);
    let each = bound.output / choices;
    limits.headroom.map_or(each, |left| each.min(left / choices)).max(1)
}

fn estimate(asked: &Asked, deployment: &Deployment, bound: &Bound) -> Estimate {
    let spend = bound.cost(&deployment.tariff().price, asked);
    Estimate { spend, input_tokens: bound.input, output_tokens: bound.output }
}

/// A second look at a call that its byte bound would refuse: its text counted, with a margin for vocabularies other
/// than the one we count in. None where a count can't change anything.
async fn recount(asked: &Arc<Asked>, first: &Deployment, bound: Bound, refusal: &Refusal) -> Option<Bound> {
    if matches!(refusal.limit().spec.meter, OutputTokens | Requests | Concurrency) {
        return None;
    }
    let text = asked.clone();
    let counted = tokio::task::spawn_blocking(move || text.count_input()).await.ok()?;
    let margin = if &*first.provider_id == "openai" { counted / 50 } else { counted * 2 / 5 };
    let counted = bound.with_counted_input(&asked.skim, counted + margin);
    (counted.input < bound.input).then_some(counted)
}

pub(super) fn open_record(asked: &Asked, first: Option<&Deployment>, reservation: Option<&Reservation>) -> OpenRecord {
    OpenRecord {
        id: asked.id,
        created_at: asked.created_at,
        key: asked.key.id.as_str().into(),
        team: asked.key.team.as_ref().map(|team| team.id.as_str().into()),
        user: asked.key.user.as_ref().map(|user| user.id.as_str().into()),
        organization: asked.key.organization().map(|organization| organization.id.as_str().into()),
        end_user: asked.end_user.clone(),
        tags: asked.tags.clone(),
        operation: asked.operation().into(),
        protocol: asked.surface.protocol(),
        model: asked.skim.model.as_str().into(),
        provider: first.map(|first| first.provider_id.clone()),
        deployment: first.map(|first| first.id.clone()),
        stream: asked.skim.stream,
        reserved: reservation.map(|held| *held.estimate()).unwrap_or_default(),
        objects: Vec::new(),
        parked: false,
        attempts: Vec::new(),
        charges: reservation.map(Reservation::charges).unwrap_or_default(),
    }
}

/// Records a call that a limit refused. It consumed nothing.
fn refused(gateway: &Gateway, asked: &Asked, refusal: Refusal) -> Failed {
    let limits = refusal.rate_limits();
    let error = Error::from(refusal);
    let outcome = Outcome {
        status: CallStatus::Refused,
        http_status: Some(error.status_for_caller().as_u16()),
        error: Some(error.kind().as_str().into()),
        cost_usd: Some(NanoUsd::ZERO),
        latency_ms: u64::try_from(asked.arrived.elapsed().as_millis()).ok(),
        ..Outcome::default()
    };
    if let Err(error) = gateway.journal.refused(CallRecord::new(open_record(asked, None, None), outcome)) {
        tracing::warn!(%error, "a refused call could not be recorded");
    }
    Failed { error, limits }
}
