//! What may stand on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Ask any language model.
///
/// Standard input, when it is not a terminal, is appended to the prompt. The first word is a command where it is the
/// name of one; `llm prompt WORDS` or `llm -- WORDS` asks whatever the words are.
#[derive(Debug, Parser)]
#[command(
    name = "llm",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  llm \"why is the sky blue?\"\n  llm -m anthropic:claude-opus-4-8 -s \"be brief\" \"why?\"\n  \
                  cat report.txt | llm \"summarize\"\n  llm -a photo.png \"what is this?\""
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) prompt: PromptArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a model; the same as without a command
    Prompt(PromptArgs),
    /// Talk with a model: a conversation with history
    Chat(AskArgs),
    /// List the models that can be called, with context window, price and what they can do
    Models(ModelsArgs),
    /// List the providers: which are configured, which variable is missing, and what they can be asked for
    Providers(ProvidersArgs),
    /// Say what a gateway key has spent, and what it has left
    Usage(UsageArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct PromptArgs {
    /// What to ask; several words are joined
    #[arg(value_name = "PROMPT")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// An image, PDF or sound to ask about: a file, `-` for standard input, or the URL of an image
    #[arg(short = 'a', long = "attach", value_name = "FILE")]
    pub(crate) attachments: Vec<String>,
    /// A file with the JSON Schema that the answer must match
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// Wait for the whole answer before anything is written
    #[arg(long)]
    pub(crate) no_stream: bool,
    /// Write the whole answer as JSON, with usage and cost
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whom to ask, and how: the same for one question and for a conversation.
#[derive(Debug, clap::Args)]
pub(crate) struct AskArgs {
    /// The model, as `provider:model` [default: $LLM_MODEL, or a model of the first provider with a key]
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Instructions that stand before the conversation
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Sampling temperature
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) temperature: Option<f64>,
    /// The most tokens that the answer may have
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_tokens: Option<u64>,
    /// Say on standard error what the call used and cost
    #[arg(long)]
    pub(crate) show_usage: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ModelsArgs {
    /// Only models whose id has all of these words in it, or that can do what a word names (`vision`, `tools`)
    #[arg(value_name = "QUERY")]
    pub(crate) query: Vec<String>,
    /// The models of providers that are not configured, too
    #[arg(long)]
    pub(crate) all: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProvidersArgs {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UsageArgs {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}
