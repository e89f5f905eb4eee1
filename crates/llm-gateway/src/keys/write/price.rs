//! Writing prices that stand in the place of the catalogue's.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Error, Result};

use super::{execute, json, not_found};
use crate::keys::{Keys, PriceDraft, PriceOverride};
use crate::routing::MAX_MODEL;
use crate::store::query;

const PUT: &str = "INSERT INTO prices (id, lines, changed_at) VALUES ($1, $2, $3) \
    ON CONFLICT (id) DO UPDATE SET lines = excluded.lines, changed_at = excluded.changed_at";
const DELETE: &str = "DELETE FROM prices WHERE id = $1";

impl Keys {
    /// Puts a price in the place of the catalogue's for `model` of `provider`, in the spelling in which it is called.
    /// The next call is reserved and charged at it.
    pub async fn put_price(&self, provider: &str, model: &str, draft: PriceDraft) -> Result<Arc<PriceOverride>> {
        draft.check()?;
        if model.is_empty() || model.len() > MAX_MODEL || model.chars().any(char::is_control) {
            let message = format!("a model is called by 1 to {MAX_MODEL} bytes without control characters");
            return Err(Error::invalid_request(message).with_param("model"));
        }
        let id = format!("{provider}:{model}");
        let now = Timestamp::now().as_millisecond();
        let mut tx = self.begin().await?;
        query(PUT).bind(&id).bind(json(&draft.lines)?).bind(now).execute(&mut tx).await?;
        self.commit(tx).await?;
        self.price(&id).ok_or_else(|| not_found("price", &id))
    }

    /// Takes an override away: the catalogue's price is in force again.
    pub async fn delete_price(&self, id: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        if execute(&mut tx, DELETE, id).await? == 0 {
            return Err(not_found("override of the price of", id));
        }
        self.commit(tx).await
    }
}
