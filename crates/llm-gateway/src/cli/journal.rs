//! `llm-gateway journal`: what a gateway that never comes back has left.

use std::path::Path;

use jiff::Timestamp;

use super::args::JournalCommand;
use super::{Failure, open, output};
use crate::config::Overrides;
use crate::journal::Sizes;
use crate::limits::Ledger;
use crate::store::{Books, Db};

pub(super) async fn run(command: &JournalCommand, overrides: &Overrides) -> Result<(), Failure> {
    match command {
        JournalCommand::Ship { folder } => ship(folder, overrides).await,
    }
}

/// Moves into the database whatever stands in a journal and is not there yet, and closes the calls that it left open.
/// Refused while its gateway runs.
async fn ship(folder: &Path, overrides: &Overrides) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::new(format!("there is no journal at `{}`", folder.display())));
    }
    let config = open::for_database(overrides)?;
    let db = Db::open(config.database.url()).await?;
    let now = Timestamp::now().as_millisecond();
    let mut books = Books::open(&db, folder, Sizes::default(), &Ledger::new(), now).await?;
    // Nobody will settle what its gateway had left open on purpose: those calls are recorded as interrupted, too.
    let parked = std::mem::take(&mut books.parked);
    let (unshipped, interrupted) = (books.unshipped, books.interrupted + parked.len() as u64);
    drop(parked);
    books.shipper.flush().await?;
    drop(books);
    db.close().await;
    output::line(&format!(
        "`{}`: {unshipped} calls were moved into the database, and {interrupted} that had not ended were recorded as \
         interrupted",
        folder.display()
    ))
}
