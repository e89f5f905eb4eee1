//! What we would send for an intent is what the official SDK sends, from the data that `cargo xtask oracle` makes.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use std::path::Path;

use llm_tests::oracle::{Expected, Verdict, intents, judge, speaker};

fn compare(provider: &str) -> (usize, usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle");
    let intents = intents(&folder.join("intents.json")).unwrap();
    let text = std::fs::read(folder.join(format!("{provider}.json"))).unwrap();
    let expectations: Vec<Expected> = serde_json::from_slice(&text).unwrap();
    let speaker = speaker(provider).unwrap();
    let (mut equal, mut refused, mut short) = (0, 0, Vec::new());
    for expected in &expectations {
        let intent = intents.iter().find(|intent| intent.id == expected.intent).unwrap();
        match judge(expected, intent, &speaker) {
            Verdict::Equal => equal += 1,
            Verdict::Refused => refused += 1,
            Verdict::Differs(found) => short.push(format!("{provider}/{}: {}", expected.intent, found.join("\n    "))),
        }
    }
    assert!(short.is_empty(), "{} differ:\n{}", short.len(), short.join("\n"));
    (equal, refused)
}

#[test]
fn openai() {
    assert_eq!(compare("openai"), (39, 2));
}

#[test]
fn openai_responses() {
    assert_eq!(compare("openai_responses"), (33, 8));
}

#[test]
fn anthropic() {
    assert_eq!(compare("anthropic"), (31, 10));
}

#[test]
fn anthropic_2023_06_01() {
    assert_eq!(compare("anthropic_2023_06_01"), (33, 8));
}

#[test]
fn ollama() {
    assert_eq!(compare("ollama"), (27, 14));
}

#[test]
fn bedrock() {
    assert_eq!(compare("bedrock"), (30, 11));
}

#[test]
fn bedrock_anthropic() {
    assert_eq!(compare("bedrock_anthropic"), (29, 12));
}

#[test]
fn bedrock_anthropic_2023_05_31() {
    assert_eq!(compare("bedrock_anthropic_2023_05_31"), (32, 9));
}

#[test]
fn gemini() {
    assert_eq!(compare("gemini"), (36, 5));
}

#[test]
fn vertex() {
    assert_eq!(compare("vertex"), (37, 4));
}

#[test]
fn vertex_anthropic() {
    assert_eq!(compare("vertex_anthropic"), (30, 11));
}

#[test]
fn vertex_anthropic_2023_10_16() {
    assert_eq!(compare("vertex_anthropic_2023_10_16"), (32, 9));
}

#[test]
fn cohere() {
    assert_eq!(compare("cohere"), (31, 10));
}

#[test]
fn mistral() {
    assert_eq!(compare("mistral"), (38, 3));
}

#[test]
fn azure() {
    assert_eq!(compare("azure"), (38, 3));
}

#[test]
fn azure_v1() {
    assert_eq!(compare("azure_v1"), (38, 3));
}

#[test]
fn huggingface() {
    assert_eq!(compare("huggingface"), (33, 8));
}
