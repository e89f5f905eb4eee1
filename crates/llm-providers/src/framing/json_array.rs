//! One JSON array whose objects arrive bit by bit, as Gemini streams where `alt=sse` was not asked for.
//!
//! Its `content-type` is that of any JSON, so no header chooses this framing; whoever asked for such a stream does.

use llm_core::Result;
use llm_core::codec::Frame;

use super::buffer::Buffer;
use super::{Framer, MAX_FRAME, RawFrame, too_long};

/// Cuts a JSON array into its objects. An object without an array around it (an error) is a frame as well.
#[derive(Debug)]
pub struct JsonArrayFramer {
    buffer: Buffer,
    max: usize,
    /// The frame that was handed out and is released on the next call.
    taken: usize,
    /// How far the bytes were looked at.
    searched: usize,
    /// Where the current object begins.
    start: Option<usize>,
    /// How many brackets are open inside the current object, its own included.
    depth: usize,
    in_text: bool,
    after_backslash: bool,
}

impl Default for JsonArrayFramer {
    fn default() -> Self {
        Self::new(MAX_FRAME)
    }
}

impl JsonArrayFramer {
    /// A framer in which an object, with what stands before it, may have `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            buffer: Buffer::default(),
            max,
            taken: 0,
            searched: 0,
            start: None,
            depth: 0,
            in_text: false,
            after_backslash: false,
        }
    }

    fn release(&mut self) {
        if self.taken > 0 {
            self.buffer.release(std::mem::take(&mut self.taken));
            self.searched = 0;
            self.start = None;
        }
    }

    fn advance(&mut self) -> Result<Option<usize>> {
        self.release();
        let rest = self.buffer.rest();
        while let Some(&byte) = rest.get(self.searched) {
            let place = self.searched;
            self.searched += 1;
            if self.in_text {
                match byte {
                    _ if self.after_backslash => self.after_backslash = false,
                    b'\\' => self.after_backslash = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' if self.start.is_none() => {
                    self.start = Some(place);
                    self.depth = 1;
                }
                b'{' | b'[' if self.start.is_some() => self.depth += 1,
                b'}' | b']' if self.start.is_some() => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return if self.searched > self.max {
                            Err(too_long(self.max))
                        } else {
                            Ok(Some(self.searched))
                        };
                    }
                }
                _ => {}
            }
        }
        if rest.len() > self.max { Err(too_long(self.max)) } else { Ok(None) }
    }

    fn hand_out(&mut self, length: usize) -> RawFrame<'_> {
        self.taken = length;
        let raw = self.buffer.rest().get(..length).unwrap_or_default();
        let data = self.start.and_then(|start| raw.get(start..)).unwrap_or_default();
        RawFrame { frame: Frame::data(data), raw }
    }
}

impl Framer for JsonArrayFramer {
    fn push(&mut self, bytes: &[u8]) {
        self.release();
        self.buffer.push(bytes);
    }

    fn next_frame(&mut self) -> Result<Option<RawFrame<'_>>> {
        let length = self.advance()?;
        Ok(length.map(|length| self.hand_out(length)))
    }

    fn finish(&mut self) -> Result<Option<RawFrame<'_>>> {
        let length = match self.advance()? {
            Some(length) => length,
            None => self.buffer.rest().len(),
        };
        Ok((length > 0).then(|| self.hand_out(length)))
    }
}

#[cfg(test)]
mod tests;
