//! Forcing to the disk what was written, off every call's way.
//!
//! A record is in the kernel when its call goes on, so it outlives the process; the kernel alone would bring it to the
//! disk within half a minute. A power cut loses what was written since the last time it was forced.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files that were written to.
#[derive(Debug)]
pub(super) struct Disk {
    /// Whether anything was written since the last time.
    dirty: AtomicBool,
    /// Whether the last write has failed. It is tried again; until it succeeds, no call is taken.
    stalled: AtomicBool,
    files: Mutex<Files>,
}

#[derive(Debug)]
struct Files {
    /// The one that is written to.
    current: Arc<File>,
    /// Those that were finished since the last time.
    finished: Vec<Arc<File>>,
    /// Whether there is a new name in the folder.
    named: bool,
}

impl Disk {
    /// Begins with a file that was just made.
    pub(super) fn new(current: Arc<File>) -> Self {
        let files = Mutex::new(Files { current, finished: Vec::new(), named: true });
        Self { dirty: AtomicBool::new(true), stalled: AtomicBool::new(false), files }
    }

    /// Notes that something was written.
    pub(super) fn wrote(&self) {
        self.stalled.store(false, Ordering::Release);
        self.dirty.store(true, Ordering::Release);
    }

    /// Notes that something could not be written, and says whether that is news.
    pub(super) fn failed(&self) -> bool {
        !self.stalled.swap(true, Ordering::AcqRel)
    }

    /// Whether the last write has failed.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }

    /// Notes that `next` is written to from now on.
    pub(super) fn turned(&self, next: Arc<File>) {
        let mut files = self.files();
        let before = std::mem::replace(&mut files.current, next);
        files.finished.push(before);
        files.named = true;
    }

    /// Forces everything that was written before, and says how many files that were. What could not be forced may be
    /// lost whatever is tried, since the kernel forgets that it failed.
    pub(super) fn force(&self, folder: &Path) -> io::Result<usize> {
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return Ok(0);
        }
        let (files, named) = {
            let mut files = self.files();
            let finished = std::mem::take(&mut files.finished);
            let current = Arc::clone(&files.current);
            ([finished, vec![current]].concat(), std::mem::take(&mut files.named))
        };
        for file in &files {
            file.sync_data()?;
        }
        if named {
            File::open(folder)?.sync_all()?;
        }
        Ok(files.len())
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
