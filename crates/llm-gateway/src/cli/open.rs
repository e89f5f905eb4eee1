//! Reading the configuration, and opening the database without a gateway.

use std::path::Path;

use jiff::Timestamp;

use super::Failure;
use crate::config::{Config, Database, Loaded, Overrides, env};
use crate::keys::Keys;
use crate::limits::Ledger;
use crate::store::{Db, seed_from_counters};

/// The configuration, with its warnings said on standard error.
pub(super) fn config(overrides: &Overrides) -> Result<Loaded, Failure> {
    let loaded = Config::load(overrides, &env::process)?;
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(loaded)
}

/// As much of the configuration as work on the database needs: secrets of providers need not be there.
pub(super) fn for_database(overrides: &Overrides) -> Result<Config, Failure> {
    Ok(Config::load_for_database(overrides, &env::process)?.config)
}

/// The keys of the configured database, which is made where there is none.
pub(super) async fn keys(overrides: &Overrides) -> Result<(Keys, Config), Failure> {
    let config = for_database(overrides)?;
    Ok((keys_of(&config, Ledger::new()).await?, config))
}

/// The same, but a database that is not there is a mistake: an empty one would say that there are no keys.
pub(super) async fn existing_keys(overrides: &Overrides) -> Result<Keys, Failure> {
    existing(overrides, Ledger::new()).await
}

/// The same, and what their limits have counted, as far as it is in the database: not what calls under way hold.
pub(super) async fn counted(overrides: &Overrides) -> Result<(Keys, Ledger), Failure> {
    let ledger = Ledger::new();
    let keys = existing(overrides, ledger.clone()).await?;
    seed_from_counters(keys.db(), None, &ledger, Timestamp::now().as_millisecond()).await?;
    Ok((keys, ledger))
}

async fn existing(overrides: &Overrides, ledger: Ledger) -> Result<Keys, Failure> {
    let config = for_database(overrides)?;
    if !is_there(&config.database) {
        let url = config.database.url();
        return Err(Failure::new(format!("there is no database at `{url}`"))
            .with_hint("run the command where the gateway runs, or name the database with `--database`"));
    }
    keys_of(&config, ledger).await
}

/// The keys of the database that `config` names.
pub(super) async fn keys_of(config: &Config, ledger: Ledger) -> Result<Keys, Failure> {
    let db = Db::open(config.database.url()).await?;
    Ok(Keys::open(db, ledger, &config.limits).await?)
}

/// Whether the database was made. Only opening it tells of one on a server.
pub(super) fn is_there(database: &Database) -> bool {
    match database {
        Database::Sqlite(url) => file(url).exists(),
        Database::Postgres(_) => true,
    }
}

/// The file of a SQLite address.
pub(super) fn file(url: &str) -> &Path {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    Path::new(path.split('?').next().unwrap_or(path))
}
