//! What is written, line by line: messages, which may have several lines, and commands.

use std::io::{self, BufRead};

/// What begins and ends a message of several lines.
const FENCE: &str = "\"\"\"";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    Message(String),
    /// The name without its slash, and what stands behind it.
    Command(String, String),
}

pub(super) struct Lines<R> {
    reader: R,
    /// Whether somebody is invited to write.
    invites: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, invites: bool) -> Self {
        Self { reader, invites }
    }

    /// The next message or command; none at the end. Empty lines are none.
    pub(super) fn next(&mut self) -> io::Result<Option<Input>> {
        loop {
            let Some(line) = self.line("> ")? else { return Ok(None) };
            if line.trim() == FENCE {
                let text = self.fenced()?;
                if !text.trim().is_empty() {
                    return Ok(Some(Input::Message(text)));
                }
            } else if let Some(command) = line.strip_prefix('/').filter(|rest| !rest.starts_with('/')) {
                let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
                return Ok(Some(Input::Command(name.to_owned(), rest.trim().to_owned())));
            } else {
                let text = self.continued(line)?;
                let text = text.strip_prefix("//").map(|rest| format!("/{rest}")).unwrap_or(text);
                if !text.trim().is_empty() {
                    return Ok(Some(Input::Message(text)));
                }
            }
        }
    }

    /// A line, and those that it goes on with.
    fn continued(&mut self, first: String) -> io::Result<String> {
        let mut text = first;
        while text.ends_with('\\') {
            text.pop();
            text.push('\n');
            match self.line(". ")? {
                Some(next) => text.push_str(&next),
                None => break,
            }
        }
        Ok(text)
    }

    /// The lines until the fence, or until the end.
    fn fenced(&mut self) -> io::Result<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line(". ")?.filter(|line| line.trim() != FENCE) {
            lines.push(line);
        }
        Ok(lines.join("\n"))
    }

    fn line(&mut self, invitation: &str) -> io::Result<Option<String>> {
        if self.invites {
            eprint!("{invitation}");
        }
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            if self.invites {
                eprintln!();
            }
            return Ok(None);
        }
        line.truncate(line.trim_end_matches(['\n', '\r']).len());
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests;
