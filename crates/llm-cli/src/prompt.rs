//! `llm PROMPT`: asks a model.

use std::path::Path;

use llm_providers::chat::ResponseFormat;
use llm_providers::{ChatRequest, Client, Native, Part};
use serde_json::Value;

use crate::args::PromptArgs;
use crate::failure::Failure;
use crate::output::{self, TextWriter};
use crate::{answering, attachment, model, question};

pub(crate) async fn run(args: PromptArgs) -> Result<(), Failure> {
    let stdin_is_attached = args.attachments.iter().any(|place| place == attachment::STANDARD_INPUT);
    let question = question::read(&args.words, !args.attachments.is_empty(), !stdin_is_attached)?;
    let client = Client::from_env()?;
    let model = model::choose(&client, args.ask.model.clone())?;
    let request = request(&client, &model, question, &args)?;
    let is_whole = args.json || args.no_stream;
    let answered = match is_whole {
        true => answering::whole(&client, request).await,
        false => answering::streaming(&client, request).await,
    };
    let answer = answered.map_err(|failed| failed.of(&client, &model))?;
    if args.json {
        output::write_json(&output::json(&client, &answer))?;
    } else if is_whole {
        let mut out = TextWriter::default();
        out.write(&output::text_of_answer(&answer))?;
        out.end()?;
    }
    answering::remark(&client, &answer, args.ask.show_usage);
    Ok(())
}

fn request(client: &Client, model: &str, question: String, args: &PromptArgs) -> Result<ChatRequest, Failure> {
    let mut parts = attachment::read_all(&args.attachments)?;
    attachment::check(client, model, &parts)?;
    if !question.is_empty() {
        parts.push(Part::text(question));
    }
    let mut request = ChatRequest::new(model);
    if let Some(system) = &args.ask.system {
        request = request.system(system.as_str());
    }
    request = request.user_parts(parts);
    request.temperature = args.ask.temperature;
    request.max_tokens = args.ask.max_tokens;
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
