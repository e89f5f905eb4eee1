//! `llm PROMPT`: asks a model.

use std::path::Path;

use llm_providers::chat::{ChatAnswer, ResponseFormat};
use llm_providers::{ChatRequest, Client, Error, Native, Part};
use serde_json::Value;

use crate::args::PromptArgs;
use crate::failure::Failure;
use crate::output::{self, TextWriter};
use crate::{attachment, model, question};

pub(crate) async fn run(args: PromptArgs) -> Result<(), Failure> {
    let question = question::read(&args.words, !args.attachments.is_empty())?;
    let client = Client::from_env()?;
    let model = model::choose(&client, args.model.clone())?;
    let request = request(&model, question, &args)?;
    let whole = args.json || args.no_stream;
    let answered = if whole { ask(&client, request).await } else { ask_streaming(&client, request).await };
    let answer = answered.map_err(|failed| match failed {
        Failed::Call(error) => model::failure(&client, &model, error),
        Failed::Output(error) => Failure::from(error),
    })?;
    if args.json {
        output::write_json(&output::json(&client, &answer))?;
    } else if whole {
        let mut out = TextWriter::default();
        out.write(&output::text_of_answer(&answer))?;
        out.end()?;
    }
    if let Some(note) = output::note(&answer) {
        eprintln!("note: {note}");
    }
    if args.show_usage {
        eprintln!("{}", output::usage_line(&client, &answer));
    }
    Ok(())
}

/// Why there is no answer.
enum Failed {
    Call(Error),
    Output(std::io::Error),
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

async fn ask(client: &Client, request: ChatRequest) -> Result<ChatAnswer, Failed> {
    Ok(client.chat(request).await?)
}

/// Writes the answer as it comes. Where it breaks off, what has come stands there on lines of its own.
async fn ask_streaming(client: &Client, request: ChatRequest) -> Result<ChatAnswer, Failed> {
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

fn request(model: &str, question: String, args: &PromptArgs) -> Result<ChatRequest, Failure> {
    let mut parts = args.attachments.iter().map(|place| attachment::read(place)).collect::<Result<Vec<_>, _>>()?;
    if !question.is_empty() {
        parts.push(Part::text(question));
    }
    let mut request = ChatRequest::new(model);
    if let Some(system) = &args.system {
        request = request.system(system.as_str());
    }
    request = request.user_parts(parts);
    request.temperature = args.temperature;
    request.max_tokens = args.max_tokens;
    request.response_format = args.schema.as_deref().map(schema).transpose()?;
    Ok(request)
}

/// The form of answer that a file with a JSON Schema asks for.
fn schema(path: &Path) -> Result<ResponseFormat, Failure> {
    let place = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("can't read `{place}`: {error}")))?;
    let schema: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("`{place}` is not a JSON Schema: {error}")))?;
    if !schema.is_object() {
        return Err(Failure::usage(format!("`{place}` is not a JSON Schema: it must be an object")));
    }
    let title = schema["title"].as_str().map(str::to_owned);
    let title = title.or_else(|| Some(path.file_stem()?.to_string_lossy().into_owned())).unwrap_or_default();
    Ok(ResponseFormat::JsonSchema {
        name: schema_name(&title),
        description: None,
        schema,
        strict: None,
        native: Native::NONE,
    })
}

/// A name that OpenAI takes: letters, digits, `_` and `-`, at most 64 of them.
fn schema_name(title: &str) -> String {
    let allowed = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
    let name: String = title.chars().take(64).map(allowed).collect();
    if name.is_empty() { "answer".to_owned() } else { name }
}
