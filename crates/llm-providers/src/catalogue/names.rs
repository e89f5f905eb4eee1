//! The names under which a model may be asked for.

/// The lists in which the models of a provider stand, the likeliest first. Providers that are the same place under
/// several names or protocols share them.
pub(super) fn places(provider: &str) -> impl Iterator<Item = &str> + Clone {
    let shared: &'static [&'static str] = match provider {
        "azure" | "azure_v1" | "azureopenai" => &["azure", "azure_ai", "azure_anthropic"],
        "azure_ai" => &["azure_ai", "azure"],
        "azureanthropic" => &["azure_anthropic"],
        "bedrock_anthropic" => &["bedrock"],
        "bedrock_mantle" => &["bedrock_mantle", "bedrock"],
        "vertexai" | "vertex_anthropic" | "vertexaianthropic" => &["vertex"],
        "alibaba" => &["dashscope"],
        "meta" => &["meta", "llama"],
        _ => &[],
    };
    let own = if shared.is_empty() { Some(provider) } else { None };
    own.into_iter().chain(shared.iter().copied())
}

/// The spellings of `model` that are looked for after its own, in order.
pub(super) fn spellings(provider: &str, model: &str) -> Vec<String> {
    let mut found = Vec::new();
    let bare = match provider {
        "gemini" | "vertex" | "vertexai" => ["publishers/google/", "models/"]
            .iter()
            .fold(model, |name, prefix| name.strip_prefix(prefix).unwrap_or(name)),
        "bedrock" | "bedrock_anthropic" if model.starts_with("arn:") => model.rsplit('/').next().unwrap_or(model),
        "ollama" => model.strip_suffix(":latest").unwrap_or(model),
        _ => model,
    };
    let tuned = bare.strip_prefix("ft:").and_then(|rest| rest.split(':').next()).map(|base| format!("ft:{base}"));
    // Claude itself names the model without Bedrock's decoration.
    let decorated = (provider == "bedrock_anthropic" && bare.starts_with("claude-"))
        .then(|| [format!("anthropic.{bare}-v1:0"), format!("anthropic.{bare}")]);
    let decorated = decorated.into_iter().flatten();
    for name in [Some(bare.to_owned()), tuned].into_iter().flatten().chain(decorated) {
        let undated = undated(&name).map(str::to_owned);
        found.push(name);
        found.extend(undated);
    }
    found
}

/// The name without the date at its end, if it has one.
fn undated(name: &str) -> Option<&str> {
    if let Some(family) = name.strip_suffix("@default") {
        return Some(family);
    }
    let is_date = |digits: &str| {
        let (year, month, day) = match digits.split('-').collect::<Vec<_>>()[..] {
            [year, month, day] => (year, month, day),
            [all] if all.len() == 8 && all.is_ascii() => (&all[..4], &all[4..6], &all[6..]),
            _ => return false,
        };
        let within = |text: &str, length, range: std::ops::RangeInclusive<u16>| {
            text.len() == length && text.parse().is_ok_and(|number: u16| range.contains(&number))
        };
        within(year, 4, 2020..=2099) && within(month, 2, 1..=12) && within(day, 2, 1..=31)
    };
    [8, 10].into_iter().find_map(|length| {
        let at = name.len().checked_sub(length).filter(|at| name.is_char_boundary(*at))?;
        let (family, date) = name.split_at(at);
        let family = family.strip_suffix(['-', '@'])?;
        (is_date(date) && !family.is_empty()).then_some(family)
    })
}
