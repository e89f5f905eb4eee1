//! AWS event stream: binary messages of typed headers and a payload, each with two checksums.
//!
//! A message is: length of all (u32), length of the headers (u32), CRC-32 of these eight bytes, headers, payload,
//! CRC-32 of everything before; all numbers big-endian. Source: the "event stream encoding" of Amazon Transcribe's
//! and Bedrock's documentation, and recorded traffic.

mod write;

use llm_core::codec::Frame;
use llm_core::{Error, Result};

pub use write::{AwsMessage, write_aws_message};

use super::buffer::Buffer;
use super::{Framer, MAX_FRAME, RawFrame, too_long};

/// Both lengths and their checksum.
const PRELUDE: usize = 12;
/// The checksum at the end.
const TRAILER: usize = 4;

/// Cuts `application/vnd.amazon.eventstream` into messages.
///
/// A frame's event is `:event-type`; for exceptions `:exception-type`, and for errors `:error-code`. Its data is the
/// payload, or `:error-message` where an error has no payload.
#[derive(Debug)]
pub struct AwsEventStreamFramer {
    buffer: Buffer,
    max: usize,
    /// The message that was handed out and is released on the next call.
    taken: usize,
}

impl Default for AwsEventStreamFramer {
    fn default() -> Self {
        Self::new(MAX_FRAME)
    }
}

impl AwsEventStreamFramer {
    /// A framer in which a message may have `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { buffer: Buffer::default(), max, taken: 0 }
    }

    fn release(&mut self) {
        self.buffer.release(std::mem::take(&mut self.taken));
    }
}

impl Framer for AwsEventStreamFramer {
    fn push(&mut self, bytes: &[u8]) {
        self.release();
        self.buffer.push(bytes);
    }

    fn next_frame(&mut self) -> Result<Option<RawFrame<'_>>> {
        self.release();
        let rest = self.buffer.rest();
        let Some(prelude) = rest.get(..PRELUDE) else { return Ok(None) };
        let total = checked_length(prelude, self.max)?;
        let Some(message) = rest.get(..total) else { return Ok(None) };
        let found = read(message)?;
        self.taken = total;
        Ok(Some(found))
    }

    /// A message that is not whole can't be read, so a body that ends inside one is cut.
    fn finish(&mut self) -> Result<Option<RawFrame<'_>>> {
        self.release();
        let rest = self.buffer.rest();
        match rest.get(..PRELUDE).map(|prelude| checked_length(prelude, self.max)).transpose()? {
            Some(total) if total <= rest.len() => self.next_frame(),
            _ if rest.is_empty() => Ok(None),
            _ => Err(Error::cut()),
        }
    }
}

fn broken(what: &str) -> Error {
    Error::bad_answer(format!("the provider's event stream is broken: {what}"))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// The length of the message that begins with `prelude`. Checked before the message is waited for: a wrong length
/// would have us wait for ever.
fn checked_length(prelude: &[u8], max: usize) -> Result<usize> {
    let checksum = crc32fast::hash(prelude.get(..8).unwrap_or_default());
    if number(prelude, 8) != Some(checksum) {
        return Err(broken("the checksum of a prelude is wrong"));
    }
    let length = |at| number(prelude, at).and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    let (total, headers) = (length(0), length(4));
    if total > max {
        return Err(too_long(max));
    }
    if headers > total.saturating_sub(PRELUDE + TRAILER) || total < PRELUDE + TRAILER {
        return Err(broken("the lengths of a message contradict each other"));
    }
    Ok(total)
}

/// Reads a whole message whose prelude is right.
fn read(message: &[u8]) -> Result<RawFrame<'_>> {
    let end = message.len() - TRAILER;
    let (checked, _) = message.split_at(end);
    if number(message, end) != Some(crc32fast::hash(checked)) {
        return Err(broken("the checksum of a message is wrong"));
    }
    let headers = number(message, 4).map_or(0, |length| length as usize);
    let (headers, payload) = checked.split_at(PRELUDE + headers);
    let (_, headers) = headers.split_at(PRELUDE);
    let Some(headers) = Headers::read(headers) else { return Err(broken("a header can't be read")) };
    let is_error = matches!(headers.message_type, "exception" | "error");
    let event = match headers.message_type {
        "exception" => headers.exception_type,
        "error" => headers.error_code,
        _ => headers.event_type,
    };
    let data = if is_error && payload.is_empty() { headers.error_message.as_bytes() } else { payload };
    Ok(RawFrame { frame: Frame { event, data, is_error }, raw: message })
}

/// The headers that mean something to a frame; all are texts.
#[derive(Default)]
struct Headers<'a> {
    message_type: &'a str,
    event_type: &'a str,
    exception_type: &'a str,
    error_code: &'a str,
    error_message: &'a str,
}

impl<'a> Headers<'a> {
    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let mut headers = Self::default();
        while let Some((&length, rest)) = bytes.split_first() {
            let (name, rest) = rest.split_at_checked(usize::from(length))?;
            let (&kind, rest) = rest.split_first()?;
            let (length, rest) = match kind {
                0 | 1 => (0, rest),
                2 => (1, rest),
                3 => (2, rest),
                4 => (4, rest),
                5 | 8 => (8, rest),
                6 | 7 => {
                    let (length, rest) = rest.split_first_chunk()?;
                    (usize::from(u16::from_be_bytes(*length)), rest)
                }
                9 => (16, rest),
                _ => return None,
            };
            let (value, rest) = rest.split_at_checked(length)?;
            bytes = rest;
            let place = match name {
                b":message-type" => &mut headers.message_type,
                b":event-type" => &mut headers.event_type,
                b":exception-type" => &mut headers.exception_type,
                b":error-code" => &mut headers.error_code,
                b":error-message" => &mut headers.error_message,
                _ => continue,
            };
            if kind == 7 {
                *place = std::str::from_utf8(value).ok()?;
            }
        }
        Some(headers)
    }
}

#[cfg(test)]
mod tests;
