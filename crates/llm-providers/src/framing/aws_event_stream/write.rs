//! Messages of an AWS event stream, written.

use super::{PRELUDE, TRAILER};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsMessage {
    /// An event of a kind.
    Event,
    /// An error that ends the stream.
    Exception,
}

/// Appends a message with a JSON payload to `out`. `name` is the kind of the event or exception; one that is longer than
/// a header can carry is left out.
pub fn write_aws_message(message: AwsMessage, name: &str, payload: &[u8], out: &mut Vec<u8>) {
    let (kind, said) = match message {
        AwsMessage::Event => (":event-type", "event"),
        AwsMessage::Exception => (":exception-type", "exception"),
    };
    let mut headers = Vec::with_capacity(96);
    for (name, value) in [(kind, name), (":content-type", "application/json"), (":message-type", said)] {
        text_header(name, value, &mut headers);
    }
    let whole = PRELUDE + headers.len() + payload.len() + TRAILER;
    let begin = out.len();
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    out.extend_from_slice(&number(whole));
    out.extend_from_slice(&number(headers.len()));
    seal(begin, out);
    out.extend_from_slice(&headers);
    out.extend_from_slice(payload);
    seal(begin, out);
}

/// Appends the checksum of everything from `begin` on.
fn seal(begin: usize, out: &mut Vec<u8>) {
    let checksum = crc32fast::hash(out.get(begin..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_be_bytes());
}

fn text_header(name: &str, value: &str, out: &mut Vec<u8>) {
    /// The type of texts.
    const TEXT: u8 = 7;
    let (Ok(name_length), Ok(length)) = (u8::try_from(name.len()), u16::try_from(value.len())) else { return };
    out.push(name_length);
    out.extend_from_slice(name.as_bytes());
    out.push(TEXT);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.as_bytes());
}
