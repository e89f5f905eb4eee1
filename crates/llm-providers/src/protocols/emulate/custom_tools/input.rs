//! The input of a custom tool, out of the pieces of the arguments that it comes in.

use super::{INPUT, input_of};

/// Takes `{"input": "…"}` in pieces and gives the text in pieces.
///
/// As long as the arguments begin as they should, the text is given as it comes; else all of it is given at the end.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// What came and is not given yet, as JSON.
    held: String,
    place: Place,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Before,
    Within,
    Behind,
}

impl Input {
    /// Takes a piece of the arguments; gives what is now known of the text.
    pub(super) fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        if let Place::Before = self.place
            && let Some(text) = behind_opening(&self.held)
        {
            self.held = text.to_owned();
            self.place = Place::Within;
        }
        match self.place {
            Place::Within => self.take(),
            Place::Before => String::new(),
            Place::Behind => {
                self.held.clear();
                String::new()
            }
        }
    }

    /// What is still to be given when no more comes.
    pub(super) fn end(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        match std::mem::replace(&mut self.place, Place::Behind) {
            Place::Before => input_of(held),
            // An escape that was cut.
            Place::Within => held,
            Place::Behind => String::new(),
        }
    }

    /// Takes what is whole of the text.
    fn take(&mut self) -> String {
        let (whole, is_over) = whole_of(&self.held);
        let text = unescaped(self.held.get(..whole).unwrap_or_default());
        self.held.drain(..whole);
        if is_over {
            self.held.clear();
            self.place = Place::Behind;
        }
        text
    }
}

/// What stands behind `{"input":"`; none as long as that is not there.
fn behind_opening(json: &str) -> Option<&str> {
    let name = json.trim_start().strip_prefix('{')?.trim_start().strip_prefix('"')?.strip_prefix(INPUT)?;
    name.strip_prefix('"')?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')
}

/// How many bytes of a JSON text hold whole characters, and whether it ends behind them.
fn whole_of(json: &str) -> (usize, bool) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let length = match byte {
            b'"' => return (at, true),
            b'\\' => match bytes.get(at + 1) {
                None => return (at, false),
                Some(b'u') if is_first_of_two(json.get(at + 2..at + 6)) => 12,
                Some(b'u') => 6,
                Some(_) => 2,
            },
            _ => 1,
        };
        if at + length > bytes.len() {
            return (at, false);
        }
        at = json.ceil_char_boundary(at + length);
    }
    (at, false)
}

/// Whether four digits are the first half of a character that takes two escapes.
fn is_first_of_two(digits: Option<&str>) -> bool {
    digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()).is_some_and(|unit| (0xD800..0xDC00).contains(&unit))
}

/// The text that stands between the quotes of a JSON text; as it came where that is none.
fn unescaped(json: &str) -> String {
    if !json.contains('\\') {
        return json.to_owned();
    }
    serde_json::from_str(&format!("\"{json}\"")).unwrap_or_else(|_| json.to_owned())
}
