//! Names in URLs.

use std::fmt::Write;

/// `text` as one step of a path: everything but letters, digits and `-._~` percent-encoded, as clouds that sign URLs
/// want it.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A step of a path without its percent-encoding. What is no encoding stays.
pub fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.first_chunk::<2>().and_then(|digits| std::str::from_utf8(digits).ok());
        match code.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{decoded, segment};

    #[test]
    fn a_name_becomes_one_step_and_back() {
        for (name, step) in [
            ("acme.boat-2-v1:0", "acme.boat-2-v1%3A0"),
            (
                "arn:aws:bedrock:eu-west-1:1:inference-profile/é",
                "arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2F%C3%A9",
            ),
            ("a b", "a%20b"),
        ] {
            assert_eq!(segment(name), step);
            assert_eq!(decoded(step), name);
        }
        assert_eq!(decoded("100%, %zz, %4"), "100%, %zz, %4");
    }
}
