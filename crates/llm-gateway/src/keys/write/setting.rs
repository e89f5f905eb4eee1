//! Settings of the gateway itself.

use llm_core::Result;

use crate::keys::{KeyDraft, Keys, NewKey};
use crate::limits::{LimitMeter, LimitSpec, Window};
use crate::store::query;

const PUT: &str =
    "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// The setting that says that the first key was made, whatever became of it.
const FIRST_KEY: &str = "first_key";
/// A US dollar in the unit of limits on spend.
const DOLLAR: i64 = 1_000_000_000;

impl Keys {
    /// Makes the first key of all, limited to 5 USD a day, so that a new gateway can be tried. None where any key stands
    /// or this was done before.
    pub async fn create_first(&self) -> Result<Option<NewKey>> {
        if !self.is_empty() || self.setting(FIRST_KEY).is_some() {
            return Ok(None);
        }
        let limit = LimitSpec::new(LimitMeter::Spend, Window::Day, 5 * DOLLAR);
        let draft = KeyDraft { name: "first".to_owned(), limits: Some(vec![limit]), ..KeyDraft::default() };
        let made = self.create(draft).await?;
        self.put_setting(FIRST_KEY, made.key.id.as_str()).await?;
        Ok(Some(made))
    }

    /// Writes a setting of the gateway.
    pub(crate) async fn put_setting(&self, name: &str, value: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let put = query(PUT).bind(name.to_owned()).bind(value.to_owned());
        put.execute(&mut tx).await?;
        self.commit(tx).await
    }
}
