use crate::catalogue::{Capabilities, Capability};
use crate::{Provider, Secret, Timeouts, registry};

fn provider(id: &str) -> Provider {
    let mut row = registry::rows()[id].clone();
    let missing: Vec<String> = row.missing_variables().into_iter().map(str::to_owned).collect();
    row.variables.extend(missing.into_iter().map(|name| (name, "some".to_owned())));
    row.base_url.get_or_insert_with(|| "http://127.0.0.1:9".to_owned());
    Provider::new(id, row, Some(Secret::new("key")), Timeouts::default()).expect("a provider")
}

#[test]
fn what_a_row_refuses_is_never_reported() {
    let all: Capabilities = Capability::ALL.iter().copied().collect();
    let refusals = [
        ("image_url", Capability::Vision),
        ("file", Capability::Pdf),
        ("input_audio", Capability::Audio),
        ("tools", Capability::Tools),
    ];
    let mut checked = 0;
    for (id, row) in registry::rows().iter().filter(|(_, row)| row.protocol == llm_core::Protocol::OpenAiChat) {
        for (_, capability) in refusals.iter().filter(|(name, _)| row.quirks.refuse.contains(*name)) {
            assert!(!provider(id).reachable(all, "m").has(*capability), "{id} can't be asked for {capability:?}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn what_a_protocol_can_not_say_is_never_reported() {
    let all: Capabilities = Capability::ALL.iter().copied().collect();
    let can = |id: &str, capability| provider(id).reachable(all, "m").has(capability);
    assert!(can("ollama", Capability::Vision) && !can("ollama", Capability::Pdf) && !can("ollama", Capability::Audio));
    assert!(can("anthropic", Capability::Pdf) && !can("anthropic", Capability::Audio));
    assert!(can("cohere", Capability::Reasoning) && !can("cohere", Capability::Pdf));
    assert!(can("mistral", Capability::Audio) && can("mistral", Capability::Pdf) && !can("mistral", Capability::Video));
}
