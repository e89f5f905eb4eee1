//! What is asked: the words of the command line, and standard input behind them.

use std::io::{IsTerminal, Read, stdin};

use crate::failure::Failure;

/// The prompt. Standard input, where it is to be read at all, is read to its end if it is not a terminal; it may be empty.
pub(crate) fn read(words: &[String], has_attachments: bool, from_stdin: bool) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    if from_stdin && !stdin().is_terminal() {
        stdin().lock().read_to_end(&mut bytes)?;
    }
    let piped = String::from_utf8(bytes).map_err(|_| {
        Failure::usage("standard input is not UTF-8 text")
            .with_hint("give images, PDF and sound with `-a FILE`, or `-a -` for standard input")
    })?;
    let question = joined(&words.join(" "), &piped);
    if question.is_empty() && !has_attachments {
        return Err(Failure::usage("nothing to ask")
            .with_hint("give a prompt, for example `llm \"why is the sky blue?\"`; `llm --help` shows more"));
    }
    Ok(question)
}

fn joined(words: &str, piped: &str) -> String {
    match (words.trim().is_empty(), piped.trim().is_empty()) {
        (_, true) => words.to_owned(),
        (true, false) => piped.to_owned(),
        (false, false) => format!("{words}\n\n{piped}"),
    }
}
