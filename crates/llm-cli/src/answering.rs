//! Answers on their way to standard output: as they come, or whole.

use llm_providers::chat::ChatAnswer;
use llm_providers::{ChatRequest, Client, Error};

use crate::failure::Failure;
use crate::model;
use crate::output::{self, TextWriter};

/// Why there is no answer.
pub(crate) enum Failed {
    Call(Error),
    Output(std::io::Error),
}

impl Failed {
    /// The failure of a call to `model`.
    pub(crate) fn of(self, client: &Client, model: &str) -> Failure {
        match self {
            Self::Call(error) => model::failure(client, model, error),
            Self::Output(error) => Failure::from(error),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// The whole answer, of which nothing is written.
pub(crate) async fn whole(client: &Client, request: ChatRequest) -> Result<ChatAnswer, Failed> {
    Ok(client.chat(request).await?)
}

/// Writes the answer as it comes. Where it breaks off, what has come stands there on lines of its own.
pub(crate) async fn streaming(client: &Client, request: ChatRequest) -> Result<ChatAnswer, Failed> {
    let mut stream = client.chat_stream(request).await?;
    let mut out = TextWriter::default();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => out.write(&output::text_of_chunk(&chunk))?,
            Err(error) => {
                out.end()?;
                return Err(error.into());
            }
        }
    }
    out.end()?;
    Ok(stream.into_answer().await?)
}

/// Says on standard error what is to be known beside the answer.
pub(crate) fn remark(client: &Client, answer: &ChatAnswer, show_usage: bool) {
    if let Some(note) = output::note(answer) {
        eprintln!("note: {note}");
    }
    if show_usage {
        eprintln!("{}", output::usage_line(client, answer));
    }
}
