//! How long a sound is, from its bytes alone: exactly for plain WAV, at most for what is compressed.

/// The fewest bytes that a second of compressed speech takes: 6 kbit/s, the least that Opus is made with.
const BYTES_A_SECOND: u64 = 750;

/// The most seconds that a file of sound can have, at least one; and whether it is exactly that long.
pub fn seconds_at_most(file: &[u8]) -> (u64, bool) {
    match seconds_of_wav(file) {
        Some(seconds) => (seconds.max(1), true),
        None => ((file.len() as u64).div_ceil(BYTES_A_SECOND).max(1), false),
    }
}

/// The length of a RIFF WAVE file, which says how many bytes a second takes.
fn seconds_of_wav(file: &[u8]) -> Option<u64> {
    if file.get(..4)? != b"RIFF" || file.get(8..12)? != b"WAVE" {
        return None;
    }
    let number = |at: usize| Some(u64::from(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?)));
    let (mut at, mut rate) = (12, None);
    loop {
        let (name, length) = (file.get(at..at + 4)?, number(at + 4)?);
        match name {
            b"fmt " => rate = number(at + 16).filter(|rate| *rate > 0),
            b"data" => {
                // A header that was written before the sound was may say more than there is.
                let there = (file.len() - (at + 8)) as u64;
                return Some(length.min(there).div_ceil(rate?));
            }
            _ => {}
        }
        // Chunks begin at even places.
        let step = usize::try_from(length + length % 2).ok()?;
        at = at.checked_add(8)?.checked_add(step)?;
    }
}

#[cfg(test)]
mod tests;
