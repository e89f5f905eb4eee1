//! `llm-gateway admin-key`.

use super::args::AdminKeyCommand;
use super::{Failure, open, output};
use crate::admin_key;
use crate::config::{Overrides, env};

pub(super) async fn run(command: &AdminKeyCommand, overrides: &Overrides) -> Result<(), Failure> {
    match command {
        AdminKeyCommand::Reset => reset(overrides).await,
    }
}

async fn reset(overrides: &Overrides) -> Result<(), Failure> {
    let (keys, config) = open::keys(overrides).await?;
    let (key, file) = admin_key::reset(&keys, &config.folder()).await?;
    output::line(key.expose())?;
    eprintln!("this is the administrator's key now; it also stands in `{}`", file.display());
    if config.admin_key.is_some() {
        let place = format!("`{}` or the configuration", env::ADMIN_KEY);
        eprintln!("warning: a key is set in {place}, and that one wins");
    }
    Ok(())
}
