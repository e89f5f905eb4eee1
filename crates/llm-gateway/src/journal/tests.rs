use std::collections::BTreeSet;
use std::path::Path;

use llm_core::ErrorKind;
use proptest::prelude::*;
use tempfile::TempDir;

use super::pending::Taken;
use super::*;
use crate::limits::{Bucket, Charge, LimitId};
use crate::record::CallStatus;
use crate::record::samples::{NEW_YEAR, open, outcome};

mod backlog;
mod carried;

fn start(folder: &Path, sizes: Sizes) -> (Journal, Recovered) {
    Folder::lock(folder).unwrap().open(Place::default(), sizes).unwrap()
}

fn small(segment: u64) -> Sizes {
    Sizes { segment, ..Sizes::default() }
}

fn charge() -> Charge {
    Charge { limit: LimitId::new("l"), bucket: Bucket { start: 1, until: 2 }, amount: 50 }
}

/// The numbers of the segments, each with its bytes.
fn segments(folder: &Path) -> Vec<(u64, Vec<u8>)> {
    let read = |number| (number, std::fs::read(segment::path(folder, number)).unwrap());
    segment::list(folder).unwrap().into_iter().map(read).collect()
}

/// Everything for the shipper, as it gets it.
fn take_all(journal: &Journal, from: Place) -> (Vec<String>, Place) {
    let (mut ids, mut place) = (Vec::new(), from);
    loop {
        let calls = match journal.take(place, 7).unwrap() {
            Taken::Calls(calls) if calls.is_empty() => return (ids, place),
            Taken::Calls(calls) => calls,
            Taken::Replay(to) => {
                let mut calls = Vec::new();
                while place < to {
                    let (more, after) = replay(journal.folder(), place, to, 7).unwrap();
                    calls.extend(more);
                    place = after;
                }
                calls
            }
        };
        for call in calls {
            place = place.max(call.after.unwrap());
            ids.push(call.record.id.to_string());
        }
    }
}

#[test]
fn a_line_is_a_checksum_and_json() {
    let mut record = open(NEW_YEAR);
    record.id = "019b76da-a800-7000-8000-000000000001".parse().unwrap();
    record.charges = vec![charge()];
    insta::assert_snapshot!(String::from_utf8(line::open(&record)).unwrap(), @r#"e3e4dc02 {"open":{"id":"019b76da-a800-7000-8000-000000000001","created_at":"2100-01-01T00:00:00Z","key":"k","team":"t","user":null,"organization":null,"end_user":null,"operation":"chat","protocol":"openai-chat","model":"fast","provider":"sandbox","deployment":"sandbox:echo","stream":false,"reserved":[100,10,20],"charges":[["l",1,2,50]]}}"#);
    let closed = crate::record::CallRecord::new(record, outcome(vec![charge()]));
    let line = line::close(&closed);
    insta::assert_snapshot!(String::from_utf8(line.clone()).unwrap(), @r#"dc55c793 {"close":{"id":"019b76da-a800-7000-8000-000000000001","created_at":"2100-01-01T00:00:00Z","key":"k","team":"t","user":null,"organization":null,"end_user":null,"tags":[],"operation":"chat","protocol":"openai-chat","model":"fast","provider":"sandbox","deployment":"sandbox:echo","stream":false,"status":"ok","http_status":200,"error":null,"usage":{"input":7,"output":8},"cost_usd":"0.00000005","estimated":false,"reserved_usd":"0.0000001","overrun_usd":"0","ttft_ms":3,"latency_ms":4,"cache":null,"attempts":[{"deployment":"sandbox:echo","provider":"sandbox","status":"ok","http_status":200,"usage":{"input":7,"output":8},"cost_usd":"0.00000005","estimated":false,"error":null,"latency_ms":4}],"charges":[["l",1,2,50]]}}"#);
    let json: crate::record::CallRecord = serde_json::from_slice(line::closed_json(&line)).unwrap();
    assert_eq!(json, closed);
}

#[test]
fn a_line_with_any_byte_changed_or_missing_is_not_read() {
    let line = line::open(&open(NEW_YEAR));
    assert!(line::decode(&line).is_some());
    for place in 0..line.len() {
        assert!(line::decode(&line[..place]).is_none(), "cut at {place}");
        let mut changed = line.clone();
        changed[place] ^= 1;
        assert!(line::decode(&changed).is_none(), "changed at {place}");
    }
}

#[test]
fn records_are_in_the_kernel_when_the_calls_return() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), Sizes::default());
    let entry = journal.open(open(NEW_YEAR)).unwrap();
    let (_, bytes) = segments(folder.path()).pop().unwrap();
    assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), 1);
    entry.close(outcome(Vec::new())).unwrap();
    let (_, bytes) = segments(folder.path()).pop().unwrap();
    assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), 2);
}

#[test]
fn a_torn_last_line_costs_only_itself_wherever_it_is_torn() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), Sizes::default());
    let first = journal.open(open(NEW_YEAR)).unwrap();
    let second = journal.open(open(NEW_YEAR + 1)).unwrap();
    first.close(outcome(vec![charge()])).unwrap();
    let (number, before) = segments(folder.path()).pop().unwrap();
    second.close(outcome(vec![charge()])).unwrap();
    let (_, after) = segments(folder.path()).pop().unwrap();
    drop(journal);
    for cut in before.len()..=after.len() {
        std::fs::write(segment::path(folder.path(), number), &after[..cut]).unwrap();
        let recovered = recover::read(folder.path(), &[number], Place::default()).unwrap();
        let whole = cut == after.len();
        assert_eq!(recovered.unclosed.len(), usize::from(!whole), "cut at {cut}");
        assert_eq!(recovered.unshipped, if whole { 2 } else { 1 }, "cut at {cut}");
        assert_eq!(recovered.damaged, u64::from(!whole && cut > before.len()), "cut at {cut}");
        let charged: Vec<i64> = recovered.charges.into_values().collect();
        assert_eq!(charged, [if whole { 100 } else { 50 }], "cut at {cut}");
    }
}

#[test]
fn a_damaged_line_costs_only_itself() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), Sizes::default());
    for _ in 0..3 {
        journal.open(open(NEW_YEAR)).unwrap().close(outcome(vec![charge()])).unwrap();
    }
    drop(journal);
    let (number, mut bytes) = segments(folder.path()).pop().unwrap();
    let third = bytes.split_inclusive(|&byte| byte == b'\n').take(3).map(<[u8]>::len).sum::<usize>();
    bytes[third + 30] ^= 1;
    std::fs::write(segment::path(folder.path(), number), bytes).unwrap();
    let (_, recovered) = start(folder.path(), Sizes::default());
    assert_eq!((recovered.damaged, recovered.unshipped, recovered.unclosed.len()), (1, 2, 1));
}

#[test]
fn the_last_amendment_of_an_open_call_counts() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), small(1));
    let mut entry = journal.open(open(NEW_YEAR)).unwrap();
    let reserved = crate::limits::Estimate { spend: Some(llm_core::NanoUsd(777)), ..Default::default() };
    entry.amend(reserved, vec![charge()]).unwrap();
    std::mem::forget(entry);
    journal.release();
    let (_, recovered) = start(folder.path(), Sizes::default());
    assert_eq!(recovered.unclosed.len(), 1);
    assert_eq!((recovered.unclosed[0].reserved, &recovered.unclosed[0].charges), (reserved, &vec![charge()]));
}

#[test]
fn segments_are_rotated_and_go_when_they_are_shipped() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), small(4_000));
    for _ in 0..20 {
        journal.open(open(NEW_YEAR)).unwrap().close(outcome(vec![charge()])).unwrap();
    }
    let all = segments(folder.path());
    assert!(all.len() > 3, "{}", all.len());
    assert!(all.iter().all(|(_, bytes)| bytes.len() <= 4_000 && bytes.ends_with(b"\n")));
    let (ids, place) = take_all(&journal, Place::default());
    assert_eq!(ids.len(), 20);
    journal.shipped(place);
    let left: Vec<u64> = segments(folder.path()).iter().map(|(number, _)| *number).collect();
    assert_eq!(left, [place.segment]);
    drop(journal);
    let (journal, recovered) = Folder::lock(folder.path()).unwrap().open(place, small(4_000)).unwrap();
    assert_eq!((recovered.unshipped, recovered.unclosed.len()), (0, 0));
    assert_eq!(take_all(&journal, place).0, [""; 0]);
    // A number is never given again, since the database may name a place in it.
    assert_eq!(segments(folder.path())[0].0, place.segment + 1);
}

#[test]
fn a_call_that_takes_long_does_not_keep_what_came_after_it() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), small(4_000));
    let long = journal.open(open(NEW_YEAR)).unwrap();
    let mut place = Place::default();
    for _ in 0..60 {
        journal.open(open(NEW_YEAR)).unwrap().close(outcome(Vec::new())).unwrap();
        place = take_all(&journal, place).1;
        journal.shipped(place);
    }
    assert!(segments(folder.path()).len() < 8, "{}", segments(folder.path()).len());
    let id = {
        std::mem::forget(long);
        journal.release();
        let (_, recovered) = Folder::lock(folder.path()).unwrap().open(place, Sizes::default()).unwrap();
        assert_eq!((recovered.unclosed.len(), recovered.unshipped), (1, 0));
        recovered.unclosed[0].id
    };
    assert_eq!(id, segments_first_open(folder.path()));
}

fn segments_first_open(folder: &Path) -> crate::record::CallId {
    let (_, bytes) = segments(folder).into_iter().find(|(_, bytes)| !bytes.is_empty()).unwrap();
    let opens = bytes.split_inclusive(|&byte| byte == b'\n').filter_map(line::decode);
    let mut ids = opens.filter_map(|line| match line {
        line::Line::Open(record) if record.created_at.as_millisecond() == NEW_YEAR => Some(record.id),
        _ => None,
    });
    ids.next().unwrap()
}

#[test]
fn at_its_bound_no_call_is_taken_until_some_are_shipped() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), Sizes { segment: 4_000, total: 16_000 });
    let under_way = journal.open(open(NEW_YEAR)).unwrap();
    let error = loop {
        match journal.open(open(NEW_YEAR)) {
            Ok(entry) => entry.close(outcome(Vec::new())).unwrap(),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::JournalUnavailable);
    // What is under way still ends.
    under_way.close(outcome(Vec::new())).unwrap();
    let (_, place) = take_all(&journal, Place::default());
    journal.shipped(place);
    assert!(journal.is_available());
    journal.open(open(NEW_YEAR)).unwrap().close(outcome(Vec::new())).unwrap();
}

#[test]
fn after_a_failed_write_no_call_is_taken() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), Sizes::default());
    journal.break_file();
    for _ in 0..2 {
        assert_eq!(journal.open(open(NEW_YEAR)).err().unwrap().kind(), ErrorKind::JournalUnavailable);
    }
    assert!(!journal.is_available());
}

#[test]
fn many_threads_write_every_line_once_and_whole() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), small(100_000));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let mut entry = journal.open(open(NEW_YEAR)).unwrap();
                    entry.amend(open(NEW_YEAR).reserved, Vec::new()).unwrap();
                    entry.close(outcome(vec![charge()])).unwrap();
                }
            });
        }
    });
    let (ids, place) = take_all(&journal, Place::default());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 1_600);
    assert_eq!(ids.len(), 1_600);
    drop(journal);
    let (journal, recovered) = start(folder.path(), Sizes::default());
    assert_eq!((recovered.damaged, recovered.unclosed.len(), recovered.unshipped), (0, 0, 1_600));
    // What the shipper reads from the file is what it was handed, in the same order.
    let (again, again_place) = take_all(&journal, Place::default());
    assert_eq!(again, ids);
    assert!(again_place > place);
}

#[test]
fn a_dropped_entry_is_closed_as_interrupted() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), Sizes::default());
    drop(journal.open(open(NEW_YEAR)).unwrap());
    let Taken::Calls(calls) = journal.take(Place::default(), 9).unwrap() else { panic!("nothing has spilled") };
    let record = &calls[0].record;
    assert_eq!(
        (record.status, record.cost_usd, record.estimated),
        (CallStatus::Interrupted, Some(llm_core::NanoUsd(100)), true)
    );
}

#[test]
fn the_folder_is_held_by_one() {
    let folder = TempDir::new().unwrap();
    let first = Folder::lock(folder.path()).unwrap();
    let error = Folder::lock(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JournalUnavailable);
    let id = first.id().to_owned();
    drop(first);
    assert_eq!(Folder::lock(folder.path()).unwrap().id(), id);
}

/// How calls stand in the journal after a restart: those that ended, and those that were under way.
fn recovered(folder: &Path) -> (u64, Vec<crate::record::CallId>, u64) {
    let segments = segment::list(folder).unwrap();
    let recovered = recover::read(folder, &segments, Place::default()).unwrap();
    (recovered.unshipped, recovered.unclosed.iter().map(|open| open.id).collect(), recovered.damaged)
}

#[test]
fn a_full_disk_refuses_new_calls_lets_others_end_and_is_got_over() {
    for segment in [u64::MAX, 1_500] {
        let folder = TempDir::new().unwrap();
        let (journal, _) = start(folder.path(), small(segment));
        let (ends, stays) = (journal.open(open(NEW_YEAR)).unwrap(), open(NEW_YEAR + 1));
        let stays_id = stays.id;
        std::mem::forget(journal.open(stays).unwrap());
        journal.fill_disk(true);
        for _ in 0..3 {
            assert_eq!(journal.open(open(NEW_YEAR)).err().unwrap().kind(), ErrorKind::JournalUnavailable);
        }
        assert!(!journal.is_available());
        let refused = crate::record::CallRecord::new(open(NEW_YEAR), outcome(Vec::new()));
        assert_eq!(journal.refused(refused).unwrap_err().kind(), ErrorKind::JournalUnavailable);
        // Its end is known, and can't be written yet.
        assert_eq!(ends.close(outcome(vec![charge()])).unwrap_err().kind(), ErrorKind::JournalUnavailable);
        assert_eq!(recovered(folder.path()).2, 0, "what was written half-way was taken back");
        journal.keep_on_disk_once();
        assert!(!journal.is_available(), "the disk is still full");

        journal.fill_disk(false);
        journal.keep_on_disk_once();
        assert!(journal.is_available());
        journal.open(open(NEW_YEAR)).unwrap().close(outcome(vec![charge()])).unwrap();
        let (ids, _) = take_all(&journal, Place::default());
        assert_eq!(ids.len(), 2);
        // Calls that were refused are no calls.
        assert_eq!(recovered(folder.path()), (2, vec![stays_id], 0), "segments of {segment}");
    }
}

#[test]
fn what_was_written_is_forced_to_the_disk_once() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = start(folder.path(), small(4_000));
    let one_call = || journal.open(open(NEW_YEAR)).unwrap().close(outcome(Vec::new())).unwrap();
    one_call();
    assert_eq!((journal.keep_on_disk_once(), journal.keep_on_disk_once()), (1, 0));
    for _ in 0..20 {
        one_call();
    }
    // Every segment that was written to since, the finished ones too.
    assert_eq!((journal.keep_on_disk_once(), journal.keep_on_disk_once()), (segments(folder.path()).len(), 0));
}

#[test]
fn who_forces_to_the_disk_does_not_hold_the_folder() {
    let folder = TempDir::new().unwrap();
    for _ in 0..20 {
        let (journal, _) = start(folder.path(), Sizes::default());
        journal.keep_on_disk(std::time::Duration::from_micros(50)).unwrap();
        journal.open(open(NEW_YEAR)).unwrap().close(outcome(Vec::new())).unwrap();
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(usize, u8),
    Insert(usize, u8),
    Delete(usize, usize),
    Cut(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = || 0..usize::MAX;
    prop_oneof![
        (place(), 1..=u8::MAX).prop_map(|(place, bits)| Damage::Flip(place, bits)),
        (place(), any::<u8>()).prop_map(|(place, byte)| Damage::Insert(place, byte)),
        (place(), 1..3_000usize).prop_map(|(place, length)| Damage::Delete(place, length)),
        place().prop_map(Damage::Cut),
    ]
}

impl Damage {
    fn of(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len();
        match *self {
            Self::Flip(place, bits) => bytes[place % end] ^= bits,
            Self::Insert(place, byte) => bytes.insert(place % end, byte),
            Self::Delete(place, length) => {
                let from = place % end;
                bytes.drain(from..(from + length).min(end));
            }
            Self::Cut(place) => bytes.truncate(place % end),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// A damaged segment is read as far as it is whole: every line that is untouched counts, and no other does.
    #[test]
    fn damage_costs_what_it_hits(damages in proptest::collection::vec(damage(), 1..4)) {
        let folder = TempDir::new().unwrap();
        let (journal, _) = start(folder.path(), Sizes::default());
        for call in 0..6 {
            journal.open(open(NEW_YEAR + call)).unwrap().close(outcome(vec![charge()])).unwrap();
        }
        drop(journal);
        let (number, mut bytes) = segments(folder.path()).pop().unwrap();
        let whole: BTreeSet<Vec<u8>> = bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        for damage in &damages {
            if !bytes.is_empty() {
                damage.of(&mut bytes);
            }
        }
        std::fs::write(segment::path(folder.path(), number), &bytes).unwrap();
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        let (left, hit): (Vec<_>, Vec<_>) = lines.partition(|line| whole.contains(*line));
        let closes = left.iter().filter(|line| line.get(9..17) == Some(b"{\"close\"")).count() as u64;
        let recovered = recover::read(folder.path(), &[number], Place::default()).unwrap();
        prop_assert_eq!((recovered.unshipped, recovered.damaged), (closes, hit.len() as u64));
        let charged: i64 = recovered.charges.into_values().sum();
        prop_assert_eq!(charged, 50 * i64::try_from(closes).unwrap());
    }
}
