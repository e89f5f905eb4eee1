use super::*;

#[test]
fn windows_are_short() {
    let shown = [0, 999, 1_000, 8_191, 128_000, 999_499, 999_500, 1_000_000, 1_048_576, 2_097_152].map(tokens);
    assert_eq!(shown, ["0", "999", "1k", "8k", "128k", "999k", "1M", "1M", "1.05M", "2.1M"]);
}
