//! The end of a batch: every call's result is seen, and takes the place of what the call held.

use std::sync::Arc;

use llm_core::batch::{Batch, BatchAsk, BatchResult, BatchState, Batches, BatchesRequest};
use llm_core::{Error, ErrorKind, Meter, NanoUsd, Price, Result, Usage};
use llm_providers::Provider;

use super::open::{OpenBatch, close};
use super::rows;
use crate::Gateway;
use crate::limits::{Actual, Reservation};
use crate::record::{Attempt, BatchLine, CallRecord, CallStatus, OpenRecord, Outcome, Rates};
use crate::routing::{PriceSource, Tariff};

/// After how many calls others get their turn.
const TURN: usize = 64;

/// Settles the calls of a batch that has ended, as far as they are not. Of a batch that goes on nothing is settled.
pub(super) async fn settle(gateway: &Gateway, open: &OpenBatch, provider: &Arc<Provider>, batch: &Batch) -> Result<()> {
    if !batch.state.is_final() {
        return Ok(());
    }
    let _alone = open.settling.lock().await;
    if batch.results.is_empty() && batch.counts.completed > 0 && !open.unsettled().is_empty() {
        return Err(Error::bad_answer("the provider does not say yet where the results are"));
    }
    for of in &batch.results {
        let request = BatchesRequest::new(provider.id(), BatchAsk::Results(of.clone()));
        let mut results = provider.stream::<Batches>(&request, "").await?;
        let mut count = 0_usize;
        while let Some(result) = results.next().await.transpose()? {
            settle_line(gateway, open, &result).await?;
            count += 1;
            if count.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
        }
    }
    let why = match batch.state {
        BatchState::Cancelled => "batch_cancelled",
        BatchState::Expired => "batch_expired",
        BatchState::Failed => "batch_failed",
        _ => "no_result",
    };
    for custom_id in open.unsettled() {
        let Some(record) = rows::line(&gateway.db, &open.id, &custom_id).await? else { continue };
        if let Some(reservation) = open.take(&custom_id) {
            reservation.cancel();
        }
        let cost_usd = Some(NanoUsd::ZERO);
        let outcome = Outcome { status: CallStatus::Error, error: Some(why.into()), cost_usd, ..Outcome::default() };
        end_line(gateway, open, &custom_id, CallRecord::new(record, outcome)).await?;
    }
    over(gateway, open).await
}

/// Charges every call that is not settled as it was held: the provider no longer knows what became of it.
pub(super) async fn give_up(gateway: &Gateway, open: &OpenBatch) -> Result<()> {
    let _alone = open.settling.lock().await;
    for custom_id in open.unsettled() {
        let Some(record) = rows::line(&gateway.db, &open.id, &custom_id).await? else { continue };
        drop(open.take(&custom_id));
        end_line(gateway, open, &custom_id, CallRecord::interrupted(record)).await?;
    }
    over(gateway, open).await
}

/// Whether an error says that the thing itself is gone.
pub(super) fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ModelNotFound)
}

async fn over(gateway: &Gateway, open: &OpenBatch) -> Result<()> {
    rows::remove(&gateway.db, &open.id).await?;
    gateway.batches.remove(&open.id);
    Ok(())
}

async fn settle_line(gateway: &Gateway, open: &OpenBatch, result: &BatchResult) -> Result<()> {
    let custom_id = &result.custom_id;
    if !open.holds(custom_id) {
        return Ok(());
    }
    let Some(record) = rows::line(&gateway.db, &open.id, custom_id).await? else { return Ok(()) };
    let Some(reservation) = open.take(custom_id) else { return Ok(()) };
    let record = settled(open, record, reservation, result);
    end_line(gateway, open, custom_id, record).await
}

/// Puts what a call used in the place of what it held.
fn settled(open: &OpenBatch, record: OpenRecord, reservation: Reservation, result: &BatchResult) -> CallRecord {
    let held = *reservation.estimate();
    let mut outcome = Outcome { reserved_usd: held.spend, ..Outcome::default() };
    if let Some(error) = &result.error {
        outcome.status = CallStatus::Error;
        outcome.http_status = Some(error.0.status_for_caller().as_u16());
        outcome.error = Some(error.0.kind().as_str().into());
        outcome.cost_usd = Some(NanoUsd::ZERO);
    } else {
        outcome.status = CallStatus::Ok;
        outcome.http_status = Some(200);
        let price = record.deployment.as_deref().and_then(|deployment| open.prices.get(deployment));
        match &result.usage {
            Some(usage) => {
                outcome.usage = usage.clone();
                outcome.usage.native = llm_core::Native::NONE;
                outcome.cost_usd = price.and_then(|price| price.cost(usage, None));
            }
            None => {
                let all = Usage::default().with(Meter::Input, held.input_tokens);
                outcome.usage = all.with(Meter::Output, held.output_tokens);
                outcome.cost_usd = held.spend;
                outcome.estimated = true;
            }
        }
    }
    let settled = reservation.settle(&Actual::new(&outcome.usage, outcome.cost_usd));
    outcome.overrun_usd = settled.overrun;
    outcome.charges = settled.charges;
    let since = jiff::Timestamp::now().as_millisecond().saturating_sub(record.created_at.as_millisecond());
    outcome.latency_ms = u64::try_from(since).ok();
    if let (Some(deployment), Some(provider)) = (&record.deployment, &record.provider) {
        outcome.attempts.push(Attempt {
            deployment: deployment.clone(),
            provider: provider.clone(),
            status: outcome.status,
            http_status: outcome.http_status,
            usage: outcome.usage.clone(),
            cost_usd: outcome.cost_usd,
            rates: open
                .prices
                .get(&**deployment)
                .filter(|_| result.usage.is_some())
                .and_then(|price| rates(price, &outcome.usage)),
            estimated: outcome.estimated,
            error: result.error.as_ref().map(|error| error.0.for_caller().to_string()),
            latency_ms: outcome.latency_ms.unwrap_or_default(),
        });
    }
    CallRecord::new(record, outcome)
}

/// By which rates a call of a batch is charged: those at which it was held.
fn rates(price: &Price, usage: &Usage) -> Option<Rates> {
    let tariff = Tariff { price: price.clone(), source: PriceSource::Batch, as_of: None };
    Rates::of(&tariff, usage, None)
}

/// Records a call, and then forgets what it held: should the process end in between, the record is there.
async fn end_line(gateway: &Gateway, open: &OpenBatch, custom_id: &str, mut record: CallRecord) -> Result<()> {
    record.batch = Some(BatchLine { id: open.object.clone(), custom_id: custom_id.into() });
    close(&gateway.journal, record);
    rows::remove_line(&gateway.db, &open.id, custom_id).await
}
