//! The provider and model that LiteLLM's `provider/model` means.

use llm_providers::catalogue::Catalogue;
use llm_providers::registry;

/// LiteLLM's names of providers that are called otherwise here.
const NAMES: &[(&str, &str)] = &[
    ("text-completion-openai", "openai"),
    ("openai_like", "openai"),
    ("custom_openai", "openai"),
    ("azure_text", "azure"),
    ("azure_ai", "azure"),
    ("cohere_chat", "cohere"),
    ("together_ai", "together"),
    ("fireworks_ai", "fireworks"),
    ("nvidia_nim", "nvidia"),
    ("ollama_chat", "ollama"),
    ("hosted_vllm", "vllm"),
    ("lm_studio", "lmstudio"),
    ("docker_model_runner", "docker"),
    ("jina_ai", "jina"),
    ("ai21_chat", "ai21"),
    ("friendliai", "friendli"),
    ("featherless_ai", "featherless"),
    ("lambda_ai", "lambda"),
    ("vercel_ai_gateway", "vercel"),
    ("litellm_proxy", "litellm"),
    ("meta_llama", "llama"),
    ("aiml", "aimlapi"),
];

/// Providers whose models LiteLLM knows without a prefix.
const WITHOUT_PREFIX: &[&str] = &["openai", "anthropic", "cohere", "mistral"];

/// This gateway's id of a provider of LiteLLM; none where there is no such one. `model` decides where one provider there
/// is several here.
pub(in crate::litellm) fn id(name: &str, model: &str) -> Option<&'static str> {
    if matches!(name, "vertex_ai" | "vertex_ai_beta") {
        return Some(if model.starts_with("claude") { "vertexaianthropic" } else { "vertexai" });
    }
    let known = NAMES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
    let id = known.unwrap_or_else(|| registry::canonical(name));
    registry::rows().get_key_value(id).map(|(id, _)| id.as_str())
}

/// The provider and model of a deployment. `said` is its `custom_llm_provider`.
pub(super) fn split(model: &str, said: Option<&str>) -> Result<(&'static str, String), String> {
    let unknown = |name: &str| format!("there is no provider `{name}` here");
    let (id, rest) = match (said, model.split_once('/')) {
        (Some(name), Some((prefix, rest))) if prefix == name => (id(name, rest).ok_or_else(|| unknown(name))?, rest),
        (Some(name), _) => (id(name, model).ok_or_else(|| unknown(name))?, model),
        (None, Some((name, rest))) => (id(name, rest).ok_or_else(|| unknown(name))?, rest),
        (None, None) => {
            let known = |id: &&&str| Catalogue::bundled().lookup(id, model).is_some();
            match WITHOUT_PREFIX.iter().find(known).and_then(|name| id(name, model)) {
                Some(id) => (id, model),
                None => return Err(format!("`{model}` does not say its provider; write `provider/model`")),
            }
        }
    };
    let rest = match id {
        // How LiteLLM is to speak to the model; here the provider's row knows.
        "bedrock" => ["converse/", "invoke/"].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest),
        "openai" => rest.strip_prefix("responses/").unwrap_or(rest),
        _ => rest,
    };
    if rest.is_empty() { Err("it names no model".to_owned()) } else { Ok((id, rest.to_owned())) }
}
