use proptest::prelude::*;

use super::*;

/// A WAV file of `bytes` bytes of sound at `rate` bytes a second, with a chunk of odd length before it.
fn wav(rate: u32, bytes: usize) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0".to_vec();
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0LIST\x03\0\0\0abc\0data");
    file.extend_from_slice(&u32::try_from(bytes).unwrap().to_le_bytes());
    file.resize(file.len() + bytes, 0);
    file
}

#[test]
fn a_wav_file_says_how_long_it_is() {
    assert_eq!(seconds_at_most(&wav(16_000, 48_000)), (3, true));
    assert_eq!(seconds_at_most(&wav(16_000, 48_001)), (4, true));
    assert_eq!(seconds_at_most(&wav(16_000, 0)), (1, true));
}

#[test]
fn what_is_compressed_is_bounded_by_its_bytes() {
    assert_eq!(seconds_at_most(b"ID3"), (1, false));
    assert_eq!(seconds_at_most(&[0; 1501]), (3, false));
    assert!(!seconds_at_most(&wav(0, 10)).1, "a rate of zero says nothing");
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(file: Vec<u8>, cut in 0usize..60) {
        seconds_at_most(&file);
        seconds_at_most(wav(16_000, 10).get(..cut).unwrap_or_default());
    }
}
