//! The journal under way: lines in, one write for all that are ready together.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(test)]
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use llm_core::Result;
use tokio::sync::Notify;

use super::disk::Disk;
use super::folder::Folder;
use super::line::{self, Line};
use super::made::Made;
use super::pending::{Closed, Pending, Taken};
use super::segment::{self, Lines};
use super::{Entry, Place, Written, unavailable};
use crate::record::{CallId, CallRecord, Object, OpenRecord};

/// How large a journal may grow.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Bytes of a segment, from which on the next one is begun.
    pub segment: u64,
    /// Bytes of all segments together, from which on no call is taken until some were shipped.
    pub total: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self::within(1 << 30)
    }
}

impl Sizes {
    /// For a journal that may grow to `total` bytes. A segment is not deleted while it is written to, so many must fit.
    pub fn within(total: u64) -> Self {
        Self { segment: (total / 8).min(64 << 20), total }
    }
}

/// A journal that is written to. Cheap to clone; every clone is the same journal.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: Folder,
    sizes: Sizes,
    pending: Mutex<Pending>,
    writer: Mutex<Writer>,
    /// Whether it is unknown where the file ends, or what of it is on the disk. Nothing more is written from then on.
    poisoned: AtomicBool,
    disk: Arc<Disk>,
    ended: Notify,
    made: Made,
}

/// The file that lines are appended to. Locked before [`Pending`] where both are.
#[derive(Debug)]
struct Writer {
    file: Arc<File>,
    segment: u64,
    /// Where the file ends.
    end: u64,
    /// The last line, counted from the first, that is in the kernel.
    written: u64,
    /// An empty buffer, kept for its memory.
    spare: Vec<u8>,
    #[cfg(test)]
    full: bool,
    /// The next write says that it has begun, and waits until it is told to go on.
    #[cfg(test)]
    halt: Option<(Sender<()>, Receiver<()>)>,
}

/// How far a write came: bytes that stand in the file, and segments that were begun.
#[derive(Default)]
struct Reached {
    bytes: usize,
    cuts: usize,
}

impl Journal {
    pub(super) fn new(folder: Folder, sizes: Sizes, file: File, segment: u64, pending: Pending) -> Self {
        let file = Arc::new(file);
        let disk = Arc::new(Disk::new(Arc::clone(&file)));
        let writer = Writer {
            file,
            segment,
            end: 0,
            written: 0,
            spare: Vec::new(),
            #[cfg(test)]
            full: false,
            #[cfg(test)]
            halt: None,
        };
        Self(Arc::new(Inner {
            folder,
            sizes,
            pending: Mutex::new(pending),
            writer: Mutex::new(writer),
            poisoned: AtomicBool::new(false),
            disk,
            ended: Notify::new(),
            made: Made::new(),
        }))
    }

    /// Records that a call was admitted. When this returns, the record is in the kernel and the call may be sent.
    ///
    /// Refused with `JournalUnavailable` where a write has failed before, or the journal has reached its bound.
    pub fn open(&self, record: OpenRecord) -> Result<Entry> {
        let entry = self.begin(record)?;
        match self.write_up_to(entry.ticket()) {
            Ok(()) => Ok(entry),
            Err(error) => {
                entry.forget();
                Err(error)
            }
        }
    }

    /// The same, but the record is not in the kernel before [`Entry::written`] is done.
    pub fn begin(&self, record: OpenRecord) -> Result<Entry> {
        let ticket = self.push_open(&record, true)?;
        Ok(Entry::new(self.clone(), record, ticket))
    }

    /// Goes on with a call that an earlier process has left open.
    pub(crate) fn resume(&self, record: OpenRecord) -> Entry {
        self.0.made.note(record.id, &record.objects);
        Entry::new(self.clone(), record, 0)
    }

    pub(super) fn append_open(&self, record: &OpenRecord) -> Result<()> {
        self.0.made.note(record.id, &record.objects);
        self.push_open(record, false).and_then(|ticket| self.write_up_to(ticket))
    }

    fn push_open(&self, record: &OpenRecord, bounded: bool) -> Result<u64> {
        let line = line::open(record);
        let mut pending = self.pending();
        let full = bounded && pending.total >= self.0.sizes.total;
        if full || self.is_stalled() || self.is_poisoned() {
            return Err(unavailable());
        }
        pending.push(&line, &self.0.sizes);
        pending.opened(record.id);
        Ok(pending.ticket)
    }

    /// Records a call that was never admitted. Not while no call is taken: whoever is refused all the time must not fill
    /// what is left.
    pub fn refused(&self, record: CallRecord) -> Result<()> {
        if self.is_available() { self.close(record) } else { Err(unavailable()) }
    }

    /// Records a call that has ended. When this returns, the record is in the kernel and the caller may see the end of
    /// its answer.
    ///
    /// Where it can't be written the call is still handed to the shipper, and the error is for whom it concerns.
    pub fn close(&self, record: CallRecord) -> Result<()> {
        self.end(record).now()
    }

    /// The same, but the record is not in the kernel before the future is done.
    pub(super) fn end(&self, record: CallRecord) -> Written {
        let line = line::close(&record);
        self.0.made.note(record.id, &record.objects);
        let (ticket, kept) = {
            let mut pending = self.pending();
            pending.ended(record.id);
            if self.is_poisoned() {
                pending.hand_over(Closed::new(record, line, None));
                (u64::MAX, None)
            } else {
                pending.push(&line, &self.0.sizes);
                let after = pending.place;
                (pending.ticket, pending.hand_over(Closed::new(record, line, Some(after))))
            }
        };
        self.0.ended.notify_one();
        Written::new(self.clone(), ticket, kept)
    }

    /// Whether other calls are under way, whose records may be written together with one's own.
    pub(super) fn is_shared(&self) -> bool {
        self.pending().under_way() > 1
    }

    /// Hands over a call for which there was no room in memory and whose record could not be written either.
    pub(super) fn keep(&self, closed: Closed) {
        self.pending().hand_over(Closed { after: None, ..closed });
        self.0.ended.notify_one();
    }

    /// Whether calls are taken: what is written reaches the file, and the bound is not reached.
    pub fn is_available(&self) -> bool {
        !self.is_stalled() && !self.is_poisoned() && self.pending().total < self.0.sizes.total
    }

    /// The id of the folder, under which the database keeps how far it was shipped.
    pub fn id(&self) -> &str {
        self.0.folder.id()
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.0.folder.path()
    }

    /// Says that a call which an earlier process left open is known to have ended.
    pub(crate) fn forget(&self, id: CallId) {
        self.pending().ended(id);
    }

    /// Says that a call was not admitted after all, though its open record may come to stand in the file.
    pub(super) fn take_back(&self, id: CallId) {
        let mut pending = self.pending();
        pending.ended(id);
        if !self.is_poisoned() {
            pending.push(&line::void(id), &self.0.sizes);
        }
    }

    /// Forces to the disk what was written, every so often from now on, and tries again to write what could not be
    /// written. Until the last handle on this journal is dropped.
    pub(crate) fn keep_on_disk(&self, every: Duration) -> io::Result<()> {
        let (disk, inner, folder) = (Arc::downgrade(&self.0.disk), Arc::downgrade(&self.0), self.folder().to_owned());
        let work = move || {
            loop {
                std::thread::sleep(every);
                // Only what is needed is held: whoever drops the journal counts on its folder to be free.
                let Some(disk) = disk.upgrade() else { return };
                let forced = disk.force(&folder);
                if (forced.is_err() || disk.is_stalled())
                    && let Some(journal) = inner.upgrade().map(Journal)
                {
                    journal.look_after(forced);
                }
            }
        };
        std::thread::Builder::new().name("journal".to_owned()).spawn(work).map(drop)
    }

    fn look_after(&self, forced: io::Result<usize>) {
        if let Err(error) = forced {
            self.0.poisoned.store(true, Ordering::Release);
            tracing::error!(%error, "the journal can't be forced to the disk; no call is taken until a restart");
        } else if self.is_stalled() && !self.is_poisoned() {
            let ticket = self.pending().ticket;
            if self.write(ticket, true).is_ok() {
                tracing::info!("the journal can be written again, and calls are taken");
            }
        }
        if !self.is_stalled() || self.is_poisoned() {
            // The shipper may wait for what was not in the file, or now never will be.
            self.0.ended.notify_one();
        }
    }

    /// What memory knows of something that a provider stores for `key`, deleted or not: certainly all that the database
    /// does not know yet.
    pub(crate) fn object(&self, key: &str, id: &str) -> Option<Arc<Object>> {
        self.0.made.get(key, id)
    }

    /// Those that the database does not know yet.
    pub(crate) fn unshipped_objects(&self, wanted: impl Fn(&Object) -> bool) -> Vec<Arc<Object>> {
        self.0.made.unshipped_of(wanted)
    }

    /// Keeps for further look-ups what was read from the database.
    pub(crate) fn remember(&self, object: Arc<Object>) {
        self.0.made.remember(object);
    }

    /// Notes what unshipped calls of an earlier process have made or deleted.
    pub(super) fn recall(&self, id: CallId, objects: &[Object]) {
        self.0.made.note(id, objects);
    }

    /// Says that the database knows what a call has made or deleted.
    pub(crate) fn shipped_objects(&self, id: CallId, objects: &[Object]) {
        self.0.made.shipped(id, objects);
    }

    /// Waits until a call has ended since the last wait.
    pub(crate) async fn ended(&self) {
        self.0.ended.notified().await;
    }

    /// The next ended calls, at most `most`, in the order of the file, for who has all up to `from`.
    ///
    /// They stand in the file before they are given out: the database must not know more than the journal. Only what is
    /// kept in memory is given out whatever becomes of the file, since it can't be read again. An error says that there
    /// are more which can't be had yet.
    pub(crate) fn take(&self, from: Place, most: usize) -> Result<Taken> {
        // Under one lock: what comes to be pending afterwards is not among those that are taken.
        let (taken, ticket) = {
            let mut pending = self.pending();
            (pending.take(most), pending.ticket)
        };
        let written = if self.is_poisoned() { Ok(()) } else { self.write_up_to(ticket) };
        match (taken, written) {
            (Taken::Replay(_), Err(error)) => {
                self.pending().put_off();
                // Shipping what is there may be what makes room on the disk.
                let end = self.writer().place();
                if from < end { Ok(Taken::Replay(end)) } else { Err(error) }
            }
            (taken, _) => Ok(taken),
        }
    }

    /// Says that everything before `place` is in the database, so that old segments may go.
    pub(crate) fn shipped(&self, place: Place) {
        let (retired, pinned) = {
            let mut pending = self.pending();
            (pending.retire(place), pending.pinned(place))
        };
        for segment in retired {
            self.remove(segment);
        }
        if let Some(segment) = pinned
            && let Err(error) = self.carry(segment)
        {
            tracing::warn!(%error, segment, "calls under way can't be carried into a newer segment of the journal");
        }
    }

    fn remove(&self, segment: u64) {
        let path = segment::path(self.folder(), segment);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(%error, path = %path.display(), "a shipped segment of the journal can't be deleted");
        }
    }

    /// Writes the open records of calls under way again, so that the old segment they stand in may go: one call that
    /// takes an hour must not keep an hour's records.
    fn carry(&self, segment: u64) -> io::Result<()> {
        if self.is_stalled() || self.is_poisoned() {
            return Ok(());
        }
        // Whoever reads the journal goes by the last line of a call; ids sort as the calls came.
        let mut last: BTreeMap<CallId, Vec<u8>> = BTreeMap::new();
        let mut lines = Lines::open(self.folder(), Place { segment, offset: 0 })?;
        while let Some((line, _)) = lines.next()? {
            let Some(Line::Open(record)) = line::decode(line) else { continue };
            if self.pending().is_open_in(record.id, segment) {
                last.insert(record.id, line.to_vec());
            }
        }
        let mut ticket = 0;
        for (id, line) in last {
            let mut pending = self.pending();
            // Not where it has ended or was amended meanwhile.
            if !self.is_stalled() && !self.is_poisoned() && pending.is_open_in(id, segment) {
                pending.push(&line, &self.0.sizes);
                pending.opened(id);
                ticket = pending.ticket;
            }
        }
        self.write_up_to(ticket).map_err(io::Error::other)
    }

    /// Sees to it that all lines up to `ticket` are in the kernel: whoever gets the file writes what all wait for.
    pub(super) fn write_up_to(&self, ticket: u64) -> Result<()> {
        self.write(ticket, false)
    }

    fn write(&self, ticket: u64, again: bool) -> Result<()> {
        let mut writer = self.writer();
        if writer.written >= ticket {
            return Ok(());
        }
        if self.is_poisoned() || (self.is_stalled() && !again) {
            return Err(unavailable());
        }
        let spare = std::mem::take(&mut writer.spare);
        let (mut bytes, mut cuts, upto) = {
            let mut pending = self.pending();
            (std::mem::replace(&mut pending.bytes, spare), std::mem::take(&mut pending.cuts), pending.ticket)
        };
        let mut reached = Reached::default();
        if let Err(error) = writer.write(&self.0, &bytes, &cuts, &mut reached) {
            let Reached { bytes: written, cuts: begun } = reached;
            let rest = bytes.split_off(written);
            let cuts = cuts.drain(begun..).map(|cut| cut - written).collect();
            self.pending().put_back(rest, cuts);
            if self.0.disk.failed() {
                tracing::error!(%error, "the journal can't be written; no call is taken until it can be");
            }
            return Err(unavailable().with_source(error));
        }
        self.0.disk.wrote();
        writer.written = upto;
        bytes.clear();
        writer.spare = bytes;
        Ok(())
    }

    fn is_stalled(&self) -> bool {
        self.0.disk.is_stalled()
    }

    fn is_poisoned(&self) -> bool {
        self.0.poisoned.load(Ordering::Acquire)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing panics half-way through a change, so what a poisoned lock guards is whole.
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Where the file ends.
    fn place(&self) -> Place {
        Place { segment: self.segment, offset: self.end }
    }

    /// Writes `bytes`, with a new segment at each of `cuts`.
    fn write(&mut self, inner: &Inner, bytes: &[u8], cuts: &[usize], reached: &mut Reached) -> io::Result<()> {
        for &cut in cuts {
            self.append(inner, bytes.get(reached.bytes..cut).unwrap_or_default())?;
            reached.bytes = cut;
            self.file = Arc::new(segment::create(inner.folder.path(), self.segment + 1)?);
            self.segment += 1;
            self.end = 0;
            reached.cuts += 1;
            inner.disk.turned(Arc::clone(&self.file));
        }
        self.append(inner, bytes.get(reached.bytes..).unwrap_or_default())
    }

    /// Appends all of `bytes`, or nothing.
    fn append(&mut self, inner: &Inner, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.append_some(bytes) {
            // Half a line in the middle of the file would cost the one that is written behind it.
            if let Err(error) = self.file.set_len(self.end) {
                inner.poisoned.store(true, Ordering::Release);
                tracing::error!(%error, "what was written of a record can't be taken back; restart the process");
            }
            return Err(error);
        }
        self.end += bytes.len() as u64;
        Ok(())
    }

    #[cfg(not(test))]
    fn append_some(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.file).write_all(bytes)
    }

    #[cfg(test)]
    fn append_some(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some((reached, go_on)) = self.halt.take() {
            reached.send(()).unwrap();
            go_on.recv().unwrap();
        }
        if self.full {
            // As much as there is room for.
            (&*self.file).write_all(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        (&*self.file).write_all(bytes)
    }
}

#[cfg(test)]
impl Journal {
    /// Makes every later write fail, and taking back what was written too.
    pub(crate) fn break_file(&self) {
        let read_only = File::open(segment::path(self.folder(), self.pending().place.segment)).unwrap();
        self.0.writer.lock().unwrap().file = Arc::new(read_only);
    }

    /// Whether the disk is full from now on: writes come half-way and fail.
    pub(crate) fn fill_disk(&self, full: bool) {
        self.0.writer.lock().unwrap().full = full;
    }

    /// The next write says that it has begun, and waits until it is told to go on.
    pub(super) fn halt_write(&self) -> (Receiver<()>, Sender<()>) {
        let ((begun, has_begun), (go_on, may_go_on)) = (channel(), channel());
        self.0.writer.lock().unwrap().halt = Some((begun, may_go_on));
        (has_begun, go_on)
    }

    /// Does once what [`Self::keep_on_disk`] does every so often, and says how many files were forced.
    pub(crate) fn keep_on_disk_once(&self) -> usize {
        let forced = self.0.disk.force(self.folder()).unwrap();
        self.look_after(Ok(forced));
        forced
    }

    /// Gives the folder up, as the kernel does for a process that was killed.
    pub(crate) fn release(&self) {
        self.0.folder.release();
    }
}
