//! The bytes of a body that have arrived and are not yet part of a frame that was handed out.

/// Capacity that an emptied buffer keeps; one huge frame must not hold its memory for the rest of the stream.
const KEEP: usize = 64 * 1024;

/// A queue of bytes that can be looked at as one slice.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    /// Appends `more`. Moves what is left to the front only when that is less than what was released, so that every
    /// byte is moved at most once on average.
    pub(super) fn push(&mut self, more: &[u8]) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEEP);
            self.start = 0;
        } else if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(more);
    }

    /// All bytes that were not released.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Forgets the first `count` bytes.
    pub(super) fn release(&mut self, count: usize) {
        self.start = (self.start + count).min(self.bytes.len());
    }
}

#[cfg(test)]
mod tests;
