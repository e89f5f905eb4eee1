//! What waits to be written, and what waits to be moved into the database.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{Place, Sizes, line};
use crate::record::{CallId, CallRecord};

/// Ended calls that are kept in memory for the shipper. When it falls further behind, it reads them from the file.
const QUEUE: usize = 8 * 1024;

/// A call that has ended, on its way to the database.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) record: CallRecord,
    pub(super) line: Vec<u8>,
    /// The place behind its line; none where the line could not be written, or stands behind some that were not.
    pub(crate) after: Option<Place>,
}

impl Closed {
    pub(super) fn new(record: CallRecord, line: Vec<u8>, after: Option<Place>) -> Self {
        Self { record, line, after }
    }

    /// The record as JSON.
    pub(crate) fn json(&self) -> &[u8] {
        line::closed_json(&self.line)
    }
}

/// Everything about the journal that changes with a line, under one lock that is never held over a write.
#[derive(Debug)]
pub(super) struct Pending {
    /// Lines that no write has taken yet.
    pub(super) bytes: Vec<u8>,
    /// Where in `bytes` a new segment begins.
    pub(super) cuts: Vec<usize>,
    /// How many lines were ever taken in.
    pub(super) ticket: u64,
    /// Where the next line will stand.
    pub(super) place: Place,
    /// The calls under way, and the segment that holds the open record of each.
    open: HashMap<CallId, u64>,
    /// By segment: its size, and how many calls under way have their open record there.
    segments: BTreeMap<u64, Segment>,
    /// Bytes of all segments.
    pub(super) total: u64,
    queue: VecDeque<Closed>,
    /// Whether ended calls stand in the file that the queue had no room for.
    spilled: bool,
}

#[derive(Debug, Default)]
struct Segment {
    bytes: u64,
    open: u64,
}

/// What the shipper is given.
#[derive(Debug)]
pub(crate) enum Taken {
    /// The next calls in the order of the file; empty where there are none.
    Calls(Vec<Closed>),
    /// The next calls stand in the file, up to this place.
    Replay(Place),
}

impl Pending {
    /// A journal that goes on in the empty segment `current`, behind `older` ones of known sizes. `spilled`: those
    /// hold calls that have not been shipped.
    pub(super) fn new(current: u64, older: &[(u64, u64)], spilled: bool) -> Self {
        let mut segments: BTreeMap<u64, Segment> =
            older.iter().map(|&(number, bytes)| (number, Segment { bytes, open: 0 })).collect();
        segments.insert(current, Segment::default());
        Self {
            bytes: Vec::new(),
            cuts: Vec::new(),
            ticket: 0,
            place: Place { segment: current, offset: 0 },
            open: HashMap::new(),
            segments,
            total: older.iter().map(|&(_, bytes)| bytes).sum(),
            queue: VecDeque::new(),
            spilled,
        }
    }

    /// Takes a line in and gives it its place.
    pub(super) fn push(&mut self, line: &[u8], sizes: &Sizes) {
        let length = line.len() as u64;
        if self.place.offset > 0 && self.place.offset + length > sizes.segment {
            self.cuts.push(self.bytes.len());
            self.place = Place { segment: self.place.segment + 1, offset: 0 };
        }
        self.bytes.extend_from_slice(line);
        self.ticket += 1;
        self.place.offset += length;
        self.total += length;
        self.segments.entry(self.place.segment).or_default().bytes += length;
    }

    /// Takes back lines that could not be written, with the places in them where a new segment begins: they come before
    /// all that was taken in meanwhile.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>, mut cuts: Vec<usize>) {
        let before = bytes.len();
        cuts.extend(self.cuts.iter().map(|cut| cut + before));
        bytes.append(&mut self.bytes);
        (self.bytes, self.cuts) = (bytes, cuts);
    }

    /// Notes that the open record of `id` stands in the line that was just taken in.
    pub(super) fn opened(&mut self, id: CallId) {
        let segment = self.place.segment;
        if let Some(before) = self.open.insert(id, segment) {
            self.forget(before);
        }
        self.segments.entry(segment).or_default().open += 1;
    }

    /// Notes that an earlier process left `id` open, and said so last in `segment`.
    pub(super) fn recovered(&mut self, id: CallId, segment: u64) {
        self.open.insert(id, segment);
        self.segments.entry(segment).or_default().open += 1;
    }

    /// How many calls are under way.
    pub(super) fn under_way(&self) -> usize {
        self.open.len()
    }

    /// Notes that the call is no longer under way.
    pub(super) fn ended(&mut self, id: CallId) {
        if let Some(segment) = self.open.remove(&id) {
            self.forget(segment);
        }
    }

    fn forget(&mut self, segment: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.open = segment.open.saturating_sub(1);
        }
    }

    /// Whether the open record of a call under way stands in `segment`.
    pub(super) fn is_open_in(&self, id: CallId, segment: u64) -> bool {
        self.open.get(&id) == Some(&segment)
    }

    /// Hands an ended call over; gives it back where there is no room, and it must be read from the file.
    pub(super) fn hand_over(&mut self, closed: Closed) -> Option<Closed> {
        // What could not be written can't be read again, so it is kept whatever it takes: only calls that were under
        // way when writing failed come here.
        if closed.after.is_some() && (self.spilled || self.queue.len() >= QUEUE) {
            self.spilled = true;
            return Some(closed);
        }
        self.queue.push_back(closed);
        None
    }

    /// The next calls for the shipper.
    pub(super) fn take(&mut self, most: usize) -> Taken {
        if self.queue.is_empty() && self.spilled {
            self.spilled = false;
            return Taken::Replay(self.place);
        }
        let count = most.min(self.queue.len());
        Taken::Calls(self.queue.drain(..count).collect())
    }

    /// Takes back that the next calls are read from the file, since not all of them stand there yet. Those that have come
    /// since stand behind them, so that nothing may be taken for shipped because these are.
    pub(super) fn put_off(&mut self) {
        self.spilled = true;
        self.queue.iter_mut().for_each(|closed| closed.after = None);
    }

    /// Forgets the segments before `shipped` that hold nothing any more, oldest first, and says which.
    pub(super) fn retire(&mut self, shipped: Place) -> Vec<u64> {
        let mut retired = Vec::new();
        while let Some(first) = self.segments.first_entry()
            && *first.key() < shipped.segment.min(self.place.segment)
            && first.get().open == 0
        {
            let (number, segment) = first.remove_entry();
            self.total = self.total.saturating_sub(segment.bytes);
            retired.push(number);
        }
        retired
    }

    /// The oldest segment, where it is shipped and only kept for calls under way while several newer ones wait behind
    /// it.
    pub(super) fn pinned(&self, shipped: Place) -> Option<u64> {
        let (&oldest, segment) = self.segments.first_key_value()?;
        (segment.open > 0 && oldest < shipped.segment && self.segments.len() > 3).then_some(oldest)
    }
}
