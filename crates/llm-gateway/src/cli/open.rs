//! Reading the configuration, and opening the database without a gateway.

use std::path::Path;

use super::Failure;
use crate::config::{Config, Database, Loaded, Overrides, env};
use crate::keys::Keys;
use crate::limits::Ledger;
use crate::store::Db;

/// The configuration, with its warnings said on standard error.
pub(super) fn config(overrides: &Overrides) -> Result<Loaded, Failure> {
    let loaded = Config::load(overrides, &env::process)?;
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(loaded)
}

/// The keys of the configured database, which is made where there is none.
pub(super) async fn keys(overrides: &Overrides) -> Result<(Keys, Config), Failure> {
    let Loaded { config, .. } = Config::load(overrides, &env::process)?;
    let db = Db::open(config.database.url()).await?;
    Ok((Keys::open(db, Ledger::new(), &config.limits).await?, config))
}

/// The same, but a database that is not there is a mistake: an empty one would say that there are no keys.
pub(super) async fn existing_keys(overrides: &Overrides) -> Result<Keys, Failure> {
    let Loaded { config, .. } = Config::load(overrides, &env::process)?;
    if let Database::Sqlite(url) = &config.database
        && !file(url).exists()
    {
        return Err(Failure::new(format!("there is no database at `{url}`"))
            .with_hint("run the command where the gateway runs, or name the database with `--database`"));
    }
    Ok(keys(overrides).await?.0)
}

/// The file of a SQLite address.
pub(super) fn file(url: &str) -> &Path {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    Path::new(path.split('?').next().unwrap_or(path))
}
