//! The folder of a journal, which one process at a time may hold.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use llm_core::{Error, ErrorKind, Result};

use super::broken;

/// A folder that this process holds until it ends or drops it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    id: String,
    lock: File,
}

impl Folder {
    /// Takes hold of the folder at `path`; makes it where it is missing. Refused while another process holds it.
    pub fn lock(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let failed = |error| broken(format!("the journal in `{}` can't be opened", path.display()), error);
        std::fs::create_dir_all(&path).map_err(failed)?;
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process holds the journal in `{}`", path.display());
                return Err(Error::new(ErrorKind::JournalUnavailable, message)
                    .with_hint("stop that process, or give this one a folder of its own in `journal.path`"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut id = String::new();
        lock.read_to_string(&mut id).map_err(failed)?;
        if id.is_empty() {
            id = uuid::Uuid::now_v7().to_string();
            lock.write_all(id.as_bytes()).map_err(failed)?;
        }
        Ok(Self { path, id, lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The id that the journal keeps for as long as the folder exists.
    pub fn id(&self) -> &str {
        &self.id
    }

    #[cfg(test)]
    pub(super) fn release(&self) {
        self.lock.unlock().unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing the file does the same; a lock that can't be given back ends with the process.
        let _ = self.lock.unlock();
    }
}
