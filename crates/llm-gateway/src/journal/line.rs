//! One record as a line: its checksum in eight hexadecimal digits, a space, JSON, a line feed.

use serde::{Deserialize, Serialize};

use crate::record::{CallId, CallRecord, OpenRecord};

/// The digits of the checksum and the space behind them.
const CHECKSUM: usize = 9;
/// The room that a line is given from the start; a call under four limits needs a little less.
const TYPICAL: usize = 1536;
const OPEN: &[u8] = b"{\"open\":";
const CLOSE: &[u8] = b"{\"close\":";
const VOID: &[u8] = b"{\"void\":";
const END: &[u8] = b"}\n";

/// A record that was read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// A call was admitted.
    Open(Box<OpenRecord>),
    /// A call has ended.
    Close(Box<CallRecord>),
    /// A call whose open record stands above was not admitted after all.
    Void(CallId),
}

/// A record that is about to be written, whole with its line feed.
pub(super) fn open(record: &OpenRecord) -> Vec<u8> {
    encode(OPEN, record)
}

/// The same for a call that has ended.
pub(super) fn close(record: &CallRecord) -> Vec<u8> {
    encode(CLOSE, record)
}

/// The same for a call that was not admitted after all.
pub(super) fn void(id: CallId) -> Vec<u8> {
    encode(VOID, &id)
}

/// The JSON of the record alone in a line that [`close`] made.
pub(super) fn closed_json(line: &[u8]) -> &[u8] {
    line.get(CHECKSUM + CLOSE.len()..line.len().saturating_sub(END.len())).unwrap_or_default()
}

fn encode(tag: &[u8], record: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(TYPICAL);
    line.extend_from_slice(b"00000000 ");
    line.extend_from_slice(tag);
    if let Err(error) = serde_json::to_writer(&mut line, record) {
        // A record has no map with keys that are not text, and memory takes every write.
        tracing::error!(%error, "a call record can't be written as JSON");
    }
    line.extend_from_slice(END);
    let sum = crc32fast::hash(line.get(CHECKSUM..line.len() - 1).unwrap_or_default());
    for (place, digit) in line.iter_mut().take(8).enumerate() {
        let nibble = sum >> (28 - 4 * place) & 0xf;
        *digit = b"0123456789abcdef".get(nibble as usize).copied().unwrap_or(b'0');
    }
    line
}

/// The JSON of a line as read, with or without its line feed; none where it is torn or damaged.
pub(super) fn checked(line: &[u8]) -> Option<&[u8]> {
    let (sum, rest) = line.split_at_checked(CHECKSUM)?;
    let json = rest.strip_suffix(b"\n")?;
    let digits = std::str::from_utf8(sum.strip_suffix(b" ")?).ok()?;
    let sum = u32::from_str_radix(digits, 16).ok()?;
    (crc32fast::hash(json) == sum).then_some(json)
}

/// Reads a line; none where it is torn or damaged.
pub(super) fn decode(line: &[u8]) -> Option<Line> {
    serde_json::from_slice(checked(line)?).ok()
}
