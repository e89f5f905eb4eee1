//! The sources' names for providers, and ours.

/// Our provider and model for LiteLLM's provider and key; none for what is no model of a provider of ours.
///
/// LiteLLM's list also holds keys that no provider knows (a region, an image size or a commitment before the model,
/// size classes of hosts). They are left out: they are not what a caller would ask for.
pub(crate) fn of_litellm(provider: &str, key: &str) -> Option<(&'static str, String)> {
    let (ours, model) = match provider {
        "openai" | "text-completion-openai" => ("openai", flat(key.strip_prefix("openai/").unwrap_or(key))?),
        "anthropic" => ("anthropic", flat(key.strip_prefix("anthropic/").unwrap_or(key))?),
        "azure" | "azure_text" => ("azure", flat(key.strip_prefix("azure/").unwrap_or(key))?),
        "azure_ai" => match flat(key.strip_prefix("azure_ai/")?)? {
            model if model.starts_with("claude") => ("azure_anthropic", model),
            model => ("azure_ai", model),
        },
        "bedrock" | "bedrock_converse" => ("bedrock", flat(key)?),
        "bedrock_mantle" => ("bedrock_mantle", flat(key.strip_prefix("bedrock_mantle/")?)?),
        "gemini" => ("gemini", key.strip_prefix("gemini/").unwrap_or(key)),
        "cohere" | "cohere_chat" => ("cohere", key.strip_prefix("cohere/").unwrap_or(key)),
        "fireworks_ai" | "fireworks_ai-embedding-models" => {
            ("fireworks", key.strip_prefix("fireworks_ai/").filter(|model| model.starts_with("accounts/"))?)
        }
        "together_ai" => ("together", key.strip_prefix("together_ai/")?),
        "vercel_ai_gateway" => ("vercel", key.strip_prefix("vercel_ai_gateway/")?),
        "nvidia_nim" => ("nvidia", key.strip_prefix("nvidia_nim/")?),
        "friendliai" => ("friendli", key.strip_prefix("friendliai/")?),
        "meta_llama" => ("llama", key.strip_prefix("meta_llama/")?),
        vertex if vertex.starts_with("vertex_ai") => ("vertex", key.strip_prefix("vertex_ai/").unwrap_or(key)),
        same => {
            let ours = SAME.iter().find(|ours| **ours == same)?;
            (*ours, key.strip_prefix(*ours).and_then(|rest| rest.strip_prefix('/')).unwrap_or(key))
        }
    };
    (!model.is_empty() && !model.contains(char::is_whitespace)).then(|| (ours, model.to_owned()))
}

/// Providers that LiteLLM calls as we do.
const SAME: &[&str] = &[
    "ai21",
    "cerebras",
    "crusoe",
    "dashscope",
    "databricks",
    "deepinfra",
    "deepseek",
    "github_copilot",
    "gmi",
    "groq",
    "heroku",
    "hyperbolic",
    "inception",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "nebius",
    "novita",
    "ollama",
    "ovhcloud",
    "perplexity",
    "sambanova",
    "scaleway",
    "snowflake",
    "typesafe",
    "voyage",
    "watsonx",
    "xai",
    "zai",
];

/// A model of a provider whose models have no `/`; with one, the key says a region, a size or a commitment.
fn flat(model: &str) -> Option<&str> {
    (!model.contains('/')).then_some(model)
}

/// The package's provider for one of ours, where it has one. Its `google` is read as the Gemini API.
pub(crate) fn genai_of(ours: &str) -> &str {
    match ours {
        "bedrock" => "aws",
        "gemini" => "google",
        "github_copilot" => "github-copilot",
        "moonshot" => "moonshotai",
        "voyage" => "voyageai",
        "xai" => "x-ai",
        same => same,
    }
}

/// Our provider, and what is written behind the model, for a provider of the package.
///
/// Hugging Face's router takes the host that is to serve a model behind the model's name.
pub(crate) fn of_genai(provider: &str) -> Option<(&str, String)> {
    let ours = match provider {
        "aws" => "bedrock",
        "google" => "gemini",
        "github-copilot" => "github_copilot",
        "moonshotai" => "moonshot",
        "voyageai" => "voyage",
        "x-ai" => "xai",
        "anthropic" | "azure" | "cerebras" | "cohere" | "databricks" | "deepseek" | "doubleword" | "fireworks"
        | "groq" | "meta" | "minimax" | "mistral" | "novita" | "openai" | "openrouter" | "ovhcloud" | "perplexity"
        | "together" | "typesafe" | "zai" => provider,
        host => return host.strip_prefix("huggingface_").map(|host| ("huggingface", format!(":{host}"))),
    };
    Some((ours, String::new()))
}

/// Whether a price of zero is true: what runs on the caller's own machine, what its name calls free, and what its
/// provider's price page calls free.
pub(crate) fn is_free(key: &str) -> bool {
    const SAID_TO_BE: &[&str] = &[
        "openai:omni-moderation-2024-09-26", // platform.openai.com/docs/guides/moderation
        "openai:omni-moderation-latest",
        "zai:glm-4.5-flash", // docs.z.ai/guides/overview/pricing
        "zai:glm-4.7-flash",
    ];
    key.starts_with("ollama:") || key.ends_with(":free") || key.ends_with("-free") || SAID_TO_BE.contains(&key)
}
