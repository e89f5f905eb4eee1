//! More calls than are kept in memory for the shipper, which reads the others from the file.

use std::collections::BTreeSet;

use super::*;

/// More than are kept in memory.
const MANY: usize = 8 * 1024 + 10;

fn one_call(journal: &Journal) -> String {
    let entry = journal.open(open(NEW_YEAR)).unwrap();
    let id = entry.record().unwrap().id.to_string();
    entry.close(outcome(Vec::new())).unwrap();
    id
}

fn many_calls(journal: &Journal) -> BTreeSet<String> {
    (0..MANY).map(|_| one_call(journal)).collect()
}

#[test]
fn a_disk_that_is_full_makes_no_backlog_forgotten() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), small(1_000_000));
    let under_way = journal.open(open(NEW_YEAR)).unwrap();
    let under_way_id = under_way.record().unwrap().id.to_string();
    let mut ids = many_calls(&journal);
    journal.fill_disk(true);
    assert!(under_way.close(outcome(Vec::new())).is_err());
    ids.insert(under_way_id);

    // What is in memory and in the file is given out; what is not there is asked for in vain, and not forgotten.
    let (mut taken, mut place) = (BTreeSet::new(), Place::default());
    let error = take_some(&journal, &mut place, &mut taken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JournalUnavailable);
    assert_eq!(taken, ids);
    journal.shipped(place);
    assert!(take_some(&journal, &mut place, &mut taken).is_err());

    journal.fill_disk(false);
    journal.keep_on_disk_once();
    let later = one_call(&journal);
    take_some(&journal, &mut place, &mut taken).unwrap();
    ids.insert(later);
    assert_eq!(taken, ids);
}

#[test]
fn a_disk_that_fills_while_a_backlog_is_asked_for_makes_nothing_forgotten() {
    let folder = TempDir::new().unwrap();
    let mut backlog = Backlog::start(&folder);
    backlog.journal.fill_disk(true);
    assert!(backlog.take_while_another_call_ends().is_err());
    assert!(backlog.take_some().is_err());
    assert_eq!(backlog.taken, backlog.ids);

    backlog.journal.fill_disk(false);
    backlog.journal.keep_on_disk_once();
    backlog.ids.insert(one_call(&backlog.journal));
    backlog.take_some().unwrap();
    assert_eq!(backlog.taken, backlog.ids);
}

#[test]
fn a_call_that_ends_while_a_backlog_is_asked_for_is_part_of_it_or_of_the_next() {
    let folder = TempDir::new().unwrap();
    let mut backlog = Backlog::start(&folder);
    backlog.take_while_another_call_ends().unwrap();
    backlog.take_some().unwrap();
    assert_eq!(backlog.taken, backlog.ids);
}

/// A journal of more calls than are in memory, and of two that are under way; and what was taken of it.
struct Backlog {
    journal: Journal,
    under_way: Vec<Entry>,
    ids: BTreeSet<String>,
    place: Place,
    taken: BTreeSet<String>,
}

impl Backlog {
    /// Takes what is in memory, too.
    fn start(folder: &TempDir) -> Self {
        let (journal, _) = start(folder.path(), Sizes::default());
        let under_way: Vec<_> = (0..2).map(|_| journal.open(open(NEW_YEAR)).unwrap()).collect();
        let mut ids = many_calls(&journal);
        ids.extend(under_way.iter().map(|entry| entry.record().unwrap().id.to_string()));
        let (mut taken, mut place) = (BTreeSet::new(), Place::default());
        take_memory(&journal, &mut place, &mut taken);
        Self { journal, under_way, ids, place, taken }
    }

    fn take_some(&mut self) -> llm_core::Result<()> {
        take_some(&self.journal, &mut self.place, &mut self.taken)
    }

    /// One call has ended and is not written yet; while that is tried, the other ends.
    fn take_while_another_call_ends(&mut self) -> llm_core::Result<()> {
        let [early, late] = <[Entry; 2]>::try_from(std::mem::take(&mut self.under_way)).unwrap();
        let early = early.end(outcome(Vec::new())).unwrap();
        let (reached, go_on) = self.journal.halt_write();
        let (took, late) = std::thread::scope(|scope| {
            let shipper = scope.spawn(|| self.take_some());
            reached.recv().unwrap();
            let late = late.end(outcome(Vec::new())).unwrap();
            go_on.send(()).unwrap();
            (shipper.join().unwrap(), late)
        });
        drop((early, late));
        took
    }
}

/// Takes what is kept in memory, so that the next thing to be taken is the backlog.
fn take_memory(journal: &Journal, place: &mut Place, taken: &mut BTreeSet<String>) {
    let mut left = MANY - 10;
    while left > 0 {
        let Taken::Calls(calls) = journal.take(*place, left.min(1024)).unwrap() else { panic!("too early") };
        left -= calls.len();
        *place = calls.last().unwrap().after.unwrap();
        taken.extend(calls.iter().map(|call| call.record.id.to_string()));
    }
}

/// Takes all that can be taken, as the shipper does.
fn take_some(journal: &Journal, place: &mut Place, taken: &mut BTreeSet<String>) -> llm_core::Result<()> {
    loop {
        match journal.take(*place, 1024)? {
            Taken::Calls(calls) if calls.is_empty() => return Ok(()),
            Taken::Calls(calls) => {
                *place = calls.iter().rev().find_map(|call| call.after).unwrap_or(*place);
                taken.extend(calls.iter().map(|call| call.record.id.to_string()));
            }
            Taken::Replay(to) => {
                while *place < to {
                    let (calls, after) = replay(journal.folder(), *place, to, 1024).unwrap();
                    taken.extend(calls.iter().map(|call| call.record.id.to_string()));
                    *place = after;
                }
            }
        }
    }
}
