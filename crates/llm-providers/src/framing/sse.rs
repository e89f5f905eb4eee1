//! Server-sent events, after the WHATWG's "interpreting an event stream", with what real servers need besides.
//!
//! - Lines end in LF, CRLF or a lone CR, also where reads cut between CR and LF. An event whose last byte so far is
//!   a CR is handed out at once; an LF that follows comes as a frame of its own, with nothing but that byte.
//! - A comment outside an event comes out as a frame without data when its line ends, and so does a blank line that
//!   ends no event: keep-alives can be forwarded the moment they arrive.
//! - The last event comes out at the end of the body even without its blank line; it often carries the usage.
//! - A body that begins with `{` is no stream, whatever its `content-type` says: it comes out as one frame named
//!   [`WHOLE`], when it has ended.
//! - Data stays bytes; `id` and `retry` mean nothing to a client that never reconnects.

use std::ops::Range;

use llm_core::Result;
use llm_core::codec::Frame;

use super::buffer::Buffer;
use super::{BOM, Framer, MAX_FRAME, RawFrame, WHOLE, too_long};

/// Capacity that is kept for joined lines between events.
const KEEP_JOINED: usize = 64 * 1024;

/// Cuts `text/event-stream` into events.
#[derive(Debug)]
pub struct SseFramer {
    buffer: Buffer,
    max: usize,
    /// The frame that was handed out and is released on the next call.
    taken: usize,
    /// Where the current line begins. This and all other places count from the beginning of the current event.
    line: usize,
    /// How far the current line was searched for its end.
    searched: usize,
    /// Whether the first byte of the current line, if it is LF, still belongs to the line before.
    after_cr: bool,
    /// Whether a byte-order mark may still come.
    at_start: bool,
    /// Whether the body is one JSON object.
    whole: bool,
    event: Event,
}

/// What the lines of the current event have said so far.
#[derive(Debug, Default)]
struct Event {
    /// Whether there was any line that is not a comment.
    begun: bool,
    name: Range<usize>,
    data: Data,
    /// The lines of `Data::Joined`.
    joined: Vec<u8>,
}

#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    /// The common case, which copies nothing.
    Line(Range<usize>),
    Joined,
}

impl Default for SseFramer {
    fn default() -> Self {
        Self::new(MAX_FRAME)
    }
}

impl SseFramer {
    /// A framer in which an event (all its lines together, so every line as well) may have `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            buffer: Buffer::default(),
            max,
            taken: 0,
            line: 0,
            searched: 0,
            after_cr: false,
            at_start: true,
            whole: false,
            event: Event::default(),
        }
    }

    fn release(&mut self) {
        if self.taken > 0 {
            self.buffer.release(self.taken);
            self.taken = 0;
            self.line = 0;
            self.searched = 0;
            self.event.clear();
        }
    }

    /// Reads lines until an event is whole, and says how many bytes it has. `ended`: no more bytes will come.
    fn advance(&mut self, ended: bool) -> Result<Option<usize>> {
        self.release();
        let rest = self.buffer.rest();
        if self.at_start {
            if BOM.starts_with(rest) && rest.len() < BOM.len() && !ended {
                return Ok(None);
            }
            let mark = if rest.starts_with(BOM) { BOM.len() } else { 0 };
            if rest.len() == mark && !ended {
                return Ok(None);
            }
            self.at_start = false;
            self.line = mark;
            self.whole = rest.get(mark) == Some(&b'{');
        }
        if self.whole {
            if rest.len() > self.max {
                return Err(too_long(self.max));
            }
            return Ok((ended && !rest.is_empty()).then_some(rest.len()));
        }
        loop {
            if self.after_cr
                && let Some(&byte) = rest.get(self.line)
            {
                self.after_cr = false;
                if byte == b'\n' {
                    self.line += 1;
                    if self.line == 1 {
                        return Ok(Some(1));
                    }
                }
            }
            let from = self.searched.max(self.line);
            let found = memchr::memchr2(b'\n', b'\r', rest.get(from..).unwrap_or_default());
            let Some(end) = found.map(|at| from + at) else {
                self.searched = rest.len();
                if rest.len() > self.max {
                    return Err(too_long(self.max));
                }
                if !ended || rest.is_empty() {
                    return Ok(None);
                }
                self.event.read(rest, self.line..rest.len());
                return Ok(Some(rest.len()));
            };
            if end > self.max {
                return Err(too_long(self.max));
            }
            let line = self.line..end;
            self.line = end + 1;
            if rest.get(end) == Some(&b'\r') {
                match rest.get(self.line) {
                    Some(b'\n') => self.line += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            let is_comment = rest.get(line.start) == Some(&b':');
            if line.is_empty() || (is_comment && !self.event.begun) {
                return Ok(Some(self.line));
            }
            self.event.read(rest, line);
        }
    }

    fn hand_out(&mut self, length: usize) -> RawFrame<'_> {
        self.taken = length;
        let raw = self.buffer.rest().get(..length).unwrap_or_default();
        if self.whole {
            let data = raw.strip_prefix(BOM).unwrap_or(raw);
            return RawFrame { frame: Frame { event: WHOLE, data, is_error: false }, raw };
        }
        RawFrame { frame: self.event.frame(raw), raw }
    }
}

impl Framer for SseFramer {
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

impl Event {
    fn clear(&mut self) {
        self.begun = false;
        self.name = 0..0;
        self.data = Data::None;
        self.joined.clear();
        self.joined.shrink_to(KEEP_JOINED);
    }

    /// Takes in one line, which stands at `line` in `bytes` without its end.
    fn read(&mut self, bytes: &[u8], line: Range<usize>) {
        let text = bytes.get(line.clone()).unwrap_or_default();
        let (name, colon) = match text {
            [b':', ..] => return,
            [b'd', b'a', b't', b'a', b':', ..] => (&b"data"[..], 5),
            _ => match memchr::memchr(b':', text) {
                Some(at) => (text.get(..at).unwrap_or_default(), at + 1),
                None => (text, text.len()),
            },
        };
        self.begun = true;
        let space = usize::from(text.get(colon) == Some(&b' '));
        let value = line.start + colon + space..line.end;
        match name {
            b"data" => self.add_data(bytes, value),
            b"event" => self.name = value,
            _ => {}
        }
    }

    fn add_data(&mut self, bytes: &[u8], value: Range<usize>) {
        match &self.data {
            Data::None => {
                self.data = Data::Line(value);
                return;
            }
            Data::Line(first) => self.joined.extend_from_slice(bytes.get(first.clone()).unwrap_or_default()),
            Data::Joined => {}
        }
        self.joined.push(b'\n');
        self.joined.extend_from_slice(bytes.get(value).unwrap_or_default());
        self.data = Data::Joined;
    }

    fn frame<'a>(&'a self, bytes: &'a [u8]) -> Frame<'a> {
        let name = bytes.get(self.name.clone()).unwrap_or_default();
        let data = match &self.data {
            Data::None => &[],
            Data::Line(line) => bytes.get(line.clone()).unwrap_or_default(),
            Data::Joined => &self.joined,
        };
        // No protocol has a name that is not UTF-8, and none must be taken for an event without a name.
        let event = std::str::from_utf8(name).unwrap_or("\u{FFFD}");
        Frame { event, data, is_error: false }
    }
}

#[cfg(test)]
mod tests;
