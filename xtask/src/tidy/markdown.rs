//! Markdown: one sentence a line, so that a change of one sentence is a change of one line.

pub(super) fn check(text: &str, tell: &mut impl FnMut(usize, &str)) {
    let mut in_code = false;
    for (place, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_code = !in_code;
        }
        let is_prose = !in_code && !trimmed.starts_with('|') && !line.starts_with("    ");
        if is_prose && has_two_sentences(trimmed) {
            tell(place + 1, "more than one sentence on a line");
        }
    }
}

/// A full stop after a word of more than two letters, a space, and a capital letter.
fn has_two_sentences(line: &str) -> bool {
    line.match_indices(['.', '!', '?']).any(|(at, _)| {
        let word: usize = line[..at].chars().rev().take_while(|letter| letter.is_alphanumeric()).count();
        let mut after = line[at + 1..].chars();
        word > 2 && after.next() == Some(' ') && after.next().is_some_and(char::is_uppercase) && !in_code_span(line, at)
    })
}

fn in_code_span(line: &str, at: usize) -> bool {
    line[..at].matches('`').count() % 2 == 1
}
