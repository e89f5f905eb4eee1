//! Newline-delimited JSON: one value a line. Blank lines are keep-alives and come out as frames without data.

use llm_core::Result;
use llm_core::codec::Frame;

use super::buffer::Buffer;
use super::{BOM, Framer, MAX_FRAME, RawFrame, too_long};

/// Cuts `application/x-ndjson` and its synonyms into lines.
#[derive(Debug)]
pub struct NdjsonFramer {
    buffer: Buffer,
    max: usize,
    /// The frame that was handed out and is released on the next call.
    taken: usize,
    /// How far the current line was searched for its end.
    searched: usize,
    /// Whether this is the body's first line, where a byte-order mark may stand.
    first_line: bool,
}

impl Default for NdjsonFramer {
    fn default() -> Self {
        Self::new(MAX_FRAME)
    }
}

impl NdjsonFramer {
    /// A framer in which a line may have `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { buffer: Buffer::default(), max, taken: 0, searched: 0, first_line: true }
    }

    fn release(&mut self) {
        if self.taken > 0 {
            self.buffer.release(self.taken);
            self.taken = 0;
            self.searched = 0;
            self.first_line = false;
        }
    }

    fn advance(&mut self, ended: bool) -> Result<Option<usize>> {
        self.release();
        let rest = self.buffer.rest();
        let found = memchr::memchr(b'\n', rest.get(self.searched..).unwrap_or_default());
        let end = found.map_or(rest.len(), |at| self.searched + at);
        if end > self.max {
            return Err(too_long(self.max));
        }
        if found.is_some() {
            return Ok(Some(end + 1));
        }
        self.searched = end;
        Ok((ended && !rest.is_empty()).then_some(end))
    }

    fn hand_out(&mut self, length: usize) -> RawFrame<'_> {
        self.taken = length;
        let raw = self.buffer.rest().get(..length).unwrap_or_default();
        let line = if self.first_line { raw.strip_prefix(BOM).unwrap_or(raw) } else { raw };
        RawFrame { frame: Frame::data(line.trim_ascii()), raw }
    }
}

impl Framer for NdjsonFramer {
    fn push(&mut self, bytes: &[u8]) {
        self.release();
        self.buffer.push(bytes);
    }

    fn next_frame(&mut self) -> Result<Option<RawFrame<'_>>> {
        let length = self.advance(false)?;
        Ok(length.map(|length| self.hand_out(length)))
    }

    fn finish(&mut self) -> Result<Option<RawFrame<'_>>> {
        let length = self.advance(true)?;
        Ok(length.map(|length| self.hand_out(length)))
    }
}

#[cfg(test)]
mod tests;
