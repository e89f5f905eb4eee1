//! Going on where an earlier process ended: what it left open, and what it had not shipped.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use llm_core::Result;

use super::line::{self, Line};
use super::pending::{Closed, Pending};
use super::segment::{self, Lines};
use super::{Folder, Journal, Place, Sizes, broken};
use crate::limits::LimitId;
use crate::record::{CallId, Object, OpenRecord};

/// What an earlier process left behind.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Calls that were under way when it ended, in the order in which they were admitted.
    pub unclosed: Vec<OpenRecord>,
    /// Of each of them, the segment that its last line stands in.
    pub(super) segments: Vec<u64>,
    /// What ended calls that were not shipped have added to the buckets of limits, by the bucket's begin.
    pub charges: HashMap<(LimitId, i64), i64>,
    /// What such calls have made or deleted, in order.
    pub objects: Vec<(CallId, Vec<Object>)>,
    /// How many such calls there are.
    pub unshipped: u64,
    /// Lines that could not be read: the last one of a process that was killed while it wrote, or damage to the disk.
    pub damaged: u64,
}

impl Folder {
    /// Reads what is left of earlier processes behind `shipped` (the place that the database names for this journal)
    /// and begins a new segment.
    pub fn open(self, shipped: Place, sizes: Sizes) -> Result<(Journal, Recovered)> {
        let failed = |error| broken(format!("the journal in `{}` can't be read", self.path().display()), error);
        let older = segment::list(self.path()).map_err(failed)?;
        let recovered = read(self.path(), &older, shipped).map_err(failed)?;
        // Numbers of deleted segments are not given again: the database may still name a place in one.
        let current = older.last().copied().unwrap_or(0).max(shipped.segment) + 1;
        let file = segment::create(self.path(), current).map_err(failed)?;
        let is_done = recovered.unshipped == 0 && recovered.unclosed.is_empty();
        let mut left = Vec::new();
        for &number in &older {
            let path = segment::path(self.path(), number);
            if is_done {
                std::fs::remove_file(path).map_err(failed)?;
            } else {
                left.push((number, std::fs::metadata(path).map_err(failed)?.len()));
            }
        }
        let mut pending = Pending::new(current, &left, recovered.unshipped > 0);
        for (open, &segment) in recovered.unclosed.iter().zip(&recovered.segments) {
            pending.recovered(open.id, segment);
        }
        let journal = Journal::new(self, sizes, file, current, pending);
        for (id, objects) in &recovered.objects {
            journal.recall(*id, objects);
        }
        Ok((journal, recovered))
    }
}

/// Reads all segments once, and keeps no ended call in memory.
pub(super) fn read(folder: &Path, segments: &[u64], shipped: Place) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut open: HashMap<CallId, (u64, OpenRecord, u64)> = HashMap::new();
    let mut admitted = 0;
    for &segment in segments {
        let mut lines = Lines::open(folder, Place { segment, offset: 0 })?;
        while let Some((line, after)) = lines.next()? {
            match line::decode(line) {
                Some(Line::Open(record)) => {
                    admitted += 1;
                    open.insert(record.id, (admitted, *record, segment));
                }
                Some(Line::Close(record)) => {
                    open.remove(&record.id);
                    if after > shipped {
                        recovered.unshipped += 1;
                        if !record.objects.is_empty() {
                            recovered.objects.push((record.id, record.objects));
                        }
                        for charge in record.charges {
                            *recovered.charges.entry((charge.limit, charge.bucket.start)).or_default() += charge.amount;
                        }
                    }
                }
                Some(Line::Void(id)) => _ = open.remove(&id),
                None => recovered.damaged += 1,
            }
        }
    }
    let mut unclosed: Vec<_> = open.into_values().collect();
    unclosed.sort_unstable_by_key(|&(admitted, ..)| admitted);
    (recovered.unclosed, recovered.segments) =
        unclosed.into_iter().map(|(_, record, segment)| (record, segment)).unzip();
    Ok(recovered)
}

/// Reads the ended calls behind `from`, at most `most` and none behind `to`. Also says up to which place was read.
pub(crate) fn replay(folder: &Path, from: Place, to: Place, most: usize) -> io::Result<(Vec<Closed>, Place)> {
    let mut calls = Vec::new();
    for segment in segment::list(folder)? {
        if segment < from.segment || segment > to.segment {
            continue;
        }
        let offset = if segment == from.segment { from.offset } else { 0 };
        let mut lines = Lines::open(folder, Place { segment, offset })?;
        while let Some((line, after)) = lines.next()? {
            if after > to {
                break;
            }
            if let Some(Line::Close(record)) = line::decode(line) {
                calls.push(Closed::new(*record, line.to_vec(), Some(after)));
            }
            if calls.len() >= most {
                return Ok((calls, after));
            }
        }
    }
    Ok((calls, to))
}
