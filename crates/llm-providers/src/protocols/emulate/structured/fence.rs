//! The fence that models like to put around JSON: three backticks before and after it.

const FENCE: &str = "```";

/// A whole text without its fence.
pub(super) fn strip(text: &str) -> &str {
    let text = text.trim();
    let Some((_, body)) = text.strip_prefix(FENCE).and_then(|rest| rest.split_once('\n')) else { return text };
    body.split(FENCE).next().unwrap_or(body).trim_end()
}

/// A text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Stripper {
    state: State,
    /// What may belong to a fence.
    held: String,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    /// Nothing but white space, or the beginning of a fence, has come.
    #[default]
    Before,
    /// There is no fence.
    Bare,
    /// Behind the first fence.
    Inside,
    /// Behind the last one.
    After,
}

impl Stripper {
    /// What `piece` adds to the text without its fence.
    pub(super) fn push(&mut self, piece: &str) -> String {
        match self.state {
            State::Bare => return piece.to_owned(),
            State::After => return String::new(),
            State::Before | State::Inside => self.held.push_str(piece),
        }
        if self.state == State::Before {
            let text = self.held.trim_start();
            if FENCE.starts_with(text) {
                return String::new();
            }
            if !text.starts_with(FENCE) {
                self.state = State::Bare;
                return std::mem::take(&mut self.held).trim_start().to_owned();
            }
            let Some((_, body)) = text.split_once('\n') else { return String::new() };
            self.held = body.to_owned();
            self.state = State::Inside;
        }
        if let Some((body, _)) = self.held.split_once(FENCE) {
            self.state = State::After;
            return body.trim_end().to_owned();
        }
        let sure = self.held.trim_end_matches('`').trim_end().len();
        let rest = self.held.split_off(sure);
        std::mem::replace(&mut self.held, rest)
    }
}
