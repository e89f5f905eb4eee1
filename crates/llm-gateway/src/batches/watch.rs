//! Looking for the results of open batches, now and then.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use llm_core::batch::{BatchAsk, Batches, BatchesRequest};
use llm_core::{Error, ErrorKind, Result};

use super::open::OpenBatch;
use super::settle::{give_up, is_gone, settle};
use crate::Gateway;

/// How many batches are looked at together.
const TOGETHER: usize = 4;
/// How long a provider may take to say how a batch is doing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts to look for results, every so often, until the gateway is closed.
pub(crate) fn watch(gateway: &Arc<Gateway>) {
    let every = gateway.config.batches.poll.0.max(Duration::from_millis(10));
    let task = tokio::spawn(run(Arc::downgrade(gateway), every));
    gateway.batches.watched_by(task.abort_handle());
}

async fn run(gateway: Weak<Gateway>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(gateway) = gateway.upgrade() else { return };
        let looks = gateway.batches.all().into_iter().map(|open| {
            let gateway = gateway.clone();
            async move {
                if let Err(error) = look(&gateway, &open).await {
                    tracing::warn!(batch = %open.object, %error, "a batch can't be looked at; it is tried again");
                }
            }
        });
        stream::iter(looks).buffer_unordered(TOGETHER).collect::<()>().await;
    }
}

/// Asks how a batch is doing, and settles it once it has ended.
pub(super) async fn look(gateway: &Gateway, open: &OpenBatch) -> Result<()> {
    let Some(object) = gateway.objects.find(&open.key, &open.object).await? else {
        return give_up(gateway, open).await;
    };
    let deployment = gateway.routes.keeper(&object)?;
    let own = deployment.provider.row().protocol;
    let provider = deployment.provider.having::<Batches>(own)?.clone();
    let request = BatchesRequest::new(provider.id(), BatchAsk::Get(open.object.to_string()));
    let asked = tokio::time::timeout(PATIENCE, provider.call::<Batches>(&request, "")).await;
    let asked = asked.map_err(|_| Error::new(ErrorKind::Timeout, "the provider did not answer in time"))?;
    let done = match asked {
        Ok(answer) => match answer.batches.first() {
            Some(batch) => settle(gateway, open, &provider, batch).await,
            None => Err(Error::bad_answer("the answer holds no batch")),
        },
        Err(error) => Err(error),
    };
    match done {
        Err(error) if is_gone(&error) => give_up(gateway, open).await,
        done => done,
    }
}
