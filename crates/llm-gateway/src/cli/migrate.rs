//! `llm-gateway migrate`.

use super::{Failure, open, output};
use crate::config::Overrides;
use crate::store::{Db, version};

/// Brings the database up to date, as `serve` would, and says where it stands.
pub(super) async fn run(overrides: &Overrides) -> Result<(), Failure> {
    let config = open::for_database(overrides)?;
    let db = Db::open(config.database.url()).await?;
    let version = version(&db).await?;
    db.close().await;
    output::line(&format!("`{}` is up to date, at version {version}", config.database.shown()))
}
