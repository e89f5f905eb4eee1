//! Open records of long calls, written again so that old segments may go.

use super::*;
use crate::limits::Estimate;
use crate::record::OpenRecord;

/// Has calls come and go until old segments were deleted, with all shipped. Says up to where.
fn go_on(journal: &Journal) -> Place {
    let (before, mut place) = (segment::list(journal.folder()).unwrap(), Place::default());
    for _ in 0..60 {
        journal.open(open(NEW_YEAR + 1)).unwrap().close(outcome(Vec::new())).unwrap();
        place = take_all(journal, place).1;
        journal.shipped(place);
    }
    let left = segment::list(journal.folder()).unwrap();
    assert!(!left.iter().any(|number| before.contains(number)), "{before:?} are still there: {left:?}");
    place
}

/// The one open call that the next process finds.
fn found(journal: Journal, folder: &Path, place: Place) -> (Journal, OpenRecord) {
    journal.release();
    drop(journal);
    let (journal, recovered) = Folder::lock(folder).unwrap().open(place, small(4_000)).unwrap();
    let [record] = <[OpenRecord; 1]>::try_from(recovered.unclosed).unwrap();
    (journal, record)
}

#[test]
fn what_was_said_last_of_a_long_call_is_carried() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), small(4_000));
    let mut long = journal.open(open(NEW_YEAR)).unwrap();
    long.amend(Estimate { spend: Some(llm_core::NanoUsd(777)), ..Estimate::default() }, vec![charge()]).unwrap();
    long.park(Vec::new(), &[]).unwrap();
    let last = long.record().unwrap().clone();
    long.leave();
    let place = go_on(&journal);
    assert_eq!(found(journal, folder.path(), place).1, last);
}

#[test]
fn what_was_said_last_of_a_call_of_an_earlier_process_is_carried() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), small(4_000));
    let mut long = journal.open(open(NEW_YEAR)).unwrap();
    // Its last line stands in another segment than its first one.
    let mut place = Place::default();
    for _ in 0..5 {
        journal.open(open(NEW_YEAR + 1)).unwrap().close(outcome(Vec::new())).unwrap();
        place = take_all(&journal, place).1;
    }
    long.park(Vec::new(), &[]).unwrap();
    let last = long.record().unwrap().clone();
    long.leave();
    let (journal, record) = found(journal, folder.path(), place);
    assert_eq!(record, last);
    journal.resume(record).leave();
    let place = go_on(&journal);
    assert_eq!(found(journal, folder.path(), place).1, last);
}
