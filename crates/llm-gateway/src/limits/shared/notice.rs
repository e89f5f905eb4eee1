//! Word among replicas that keys, teams or limits have changed, so that a key that is revoked by one dies in all at once.
//! Whoever does not hear it looks into the database soon enough.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use redis::{Client, RedisResult};

use super::script::PREFIX;
use super::{PATIENCE, server};
use crate::keys::Keys;

/// How long to wait before it is tried again to listen or to speak.
const PAUSE: Duration = Duration::from_millis(500);

fn channel() -> String {
    format!("{PREFIX}changes")
}

/// Says to all that something has changed, each time that this replica has changed it.
pub(super) async fn tell(client: Client, keys: Arc<Keys>) {
    let changed = keys.changed();
    // Held no longer: whoever drops the last handle ends this, too.
    drop(keys);
    loop {
        changed.notified().await;
        if let Err(error) = publish(&client).await {
            tracing::debug!(%error, "replicas can't be told of a change; they find it in the database");
        }
    }
}

async fn publish(client: &Client) -> RedisResult<()> {
    let mut connection = server::connect(client, PATIENCE).await?;
    redis::cmd("PUBLISH").arg(channel()).arg("").exec_async(&mut connection).await
}

/// Looks into the database each time that another replica says so.
pub(super) async fn hear(client: Client, keys: Weak<Keys>) {
    loop {
        if let Err(error) = listen(&client, &keys).await {
            tracing::debug!(%error, "changes by other replicas can't be listened for; they are looked for in the database");
        }
        if keys.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(client: &Client, keys: &Weak<Keys>) -> RedisResult<()> {
    let mut line = client.get_async_pubsub().await?;
    line.subscribe(channel()).await?;
    let mut messages = line.into_on_message();
    while messages.next().await.is_some() {
        let Some(keys) = keys.upgrade() else { return Ok(()) };
        if let Err(error) = keys.refresh().await {
            tracing::debug!(%error, "a change can't be read yet");
        }
    }
    Ok(())
}
