use super::*;

#[test]
fn a_file_is_what_it_begins_with() {
    let kind = |bytes: &[u8]| kind_of(bytes).map(|(_, media_type)| media_type);
    assert_eq!(kind(b"\x89PNG\r\n\x1a\n"), Some("image/png"));
    assert_eq!(kind(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
    assert_eq!(kind(b"GIF89a"), Some("image/gif"));
    assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
    assert_eq!(kind(b"RIFF\0\0\0\0WAVEfmt "), Some("audio/wav"));
    assert_eq!(kind(b"%PDF-1.7"), Some("application/pdf"));
    assert_eq!(kind(b"ID3\x04"), Some("audio/mpeg"));
    for other in [&b""[..], b"RIFF", b"RIFF\0\0\0\0AVI ", b"plain text", b"\x89"] {
        assert_eq!(kind(other), None);
    }
}
