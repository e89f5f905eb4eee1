use super::*;

fn charged(model: &str, words: &[&str]) -> u64 {
    let mut searches = Searches::default();
    searches.by(model);
    words.iter().for_each(|words| searches.note(words));
    searches.charged()
}

#[test]
fn a_search_is_charged_once_and_only_with_words() {
    assert_eq!(charged("gemini-3-flash-preview", &["", "boats", "Kiel", "boats"]), 2);
    assert_eq!(charged("gemini-3-flash-preview", &[""]), 0);
}

#[test]
fn older_models_are_charged_by_the_prompt() {
    let older = ["gemini-2.5-flash", "gemini-2.0-flash-001", "models/gemini-1.5-pro", "gemini-live-2.5-flash"];
    assert!(older.iter().all(|model| charged(model, &["boats", "Kiel"]) == 1));
    assert_eq!(charged("gemini-2.5-pro", &[]), 0, "nothing was searched for");
    let others = ["gemini-3.1-pro-preview", "gemini-4-argon", "gemini-flash-latest", "tuned", ""];
    assert!(others.iter().all(|model| charged(model, &["boats", "Kiel"]) == 2));
}
