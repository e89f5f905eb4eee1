//! The administrator's key: made on the first start, kept as a hash, or set from outside.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llm_core::{Error, ErrorKind, Result};

use crate::config::{Config, Secret, env};
use crate::keys::{KeyHash, Keys, secret};

/// The file that a key which was made is written to, beside the database.
pub const FILE: &str = "llm-gateway.admin-key";
/// A key that someone chose is refused below this many characters where others than this machine can try it.
const MIN_LENGTH: usize = 20;
/// The setting that holds the hash of the key.
const SETTING: &str = "admin_key";

/// Tells the administrator's key from any other.
#[derive(Clone, Debug)]
pub struct Administrator {
    keys: Arc<Keys>,
    /// The key that was set from outside; it wins over the one of the database.
    set: Option<KeyHash>,
}

impl Administrator {
    /// Whether `presented` is the administrator's key. Hashes are compared, in constant time, so neither the time nor
    /// the length tells anything.
    pub fn is(&self, presented: &str) -> bool {
        let known = self.set.or_else(|| KeyHash::from_hex(&self.keys.setting(SETTING)?));
        known.is_some_and(|known| known.same(&KeyHash::of(presented)))
    }
}

/// An administrator's key at the start.
#[derive(Debug)]
pub struct Prepared {
    /// What recognizes it.
    pub administrator: Administrator,
    /// The key and its file, if it was made just now.
    pub made: Option<(Secret, PathBuf)>,
    /// What the operator should know.
    pub warning: Option<String>,
}

/// Sees to it that there is an administrator's key, and that it is good enough for the address that is listened on.
pub async fn prepare(config: &Config, keys: &Arc<Keys>) -> Result<Prepared> {
    let loopback = config.listen.is_loopback();
    let prepared =
        |set| Prepared { administrator: Administrator { keys: Arc::clone(keys), set }, made: None, warning: None };
    if let Some(key) = &config.admin_key {
        let short = key.expose().chars().count() < MIN_LENGTH;
        let message = format!("the administrator's key has fewer than {MIN_LENGTH} characters");
        if short && !loopback {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{message}, and `{}` is reachable from other machines", config.listen),
            )
            .with_hint("choose a longer one, such as `openssl rand -hex 32` prints"));
        }
        return Ok(Prepared { warning: short.then_some(message), ..prepared(Some(KeyHash::of(key.expose()))) });
    }
    if keys.setting(SETTING).is_some() {
        return Ok(prepared(None));
    }
    if !loopback {
        let message =
            format!("no administrator's key was set or made, and `{}` is reachable from other machines", config.listen);
        return Err(Error::new(ErrorKind::InvalidRequest, message)
            .with_hint(format!("set `{}`, or run `llm-gateway admin-key reset` first", env::ADMIN_KEY)));
    }
    let made = reset(keys, &config.folder()).await?;
    Ok(Prepared { made: Some(made), ..prepared(None) })
}

/// Makes a new administrator's key, writes it to its file in `folder`, and keeps its hash. The one before is dead.
pub async fn reset(keys: &Keys, folder: &Path) -> Result<(Secret, PathBuf)> {
    let key = secret::random("sk-admin-")?;
    let file = folder.join(FILE);
    // The file first: a key that stands nowhere could not be used.
    write_private(&file, &key).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("`{}` can't be written: {error}", file.display())).with_source(error)
    })?;
    keys.put_setting(SETTING, &KeyHash::of(&key).to_string()).await?;
    Ok((Secret::new(key), file))
}

/// Writes a file that only its owner can read, whatever stood there before.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
