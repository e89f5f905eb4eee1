//! Puts the price of searches where calls are charged for them.

use super::facts::{Facts, Prices};

/// - OpenAI's models for Chat Completions that always search do so once a call, and their usage says nothing of it
///   ("Web search" in OpenAI's guides): the price of a search is a fee of the call.
/// - Where a model that searches has a fee of the call, the fee is for its searches, however many its usage counts
///   (Perplexity's "request fee"): they cost nothing beside it, which is not the same as no known price.
pub(super) fn place(key: &str, facts: &mut Facts) {
    if always_searches(key) && facts.mode == Some("chat") {
        let (searches, others): (Prices, Prices) =
            std::mem::take(&mut facts.prices).into_iter().partition(|((meter, _), _)| *meter == "query");
        facts.prices = others;
        for ((_, service), steps) in searches {
            facts.prices.entry(("request", service)).or_insert(steps);
        }
    }
    let standard = |meter| (meter, String::new());
    if facts.capabilities.contains("web_search") && facts.prices.contains_key(&standard("request")) {
        facts.prices.entry(standard("query")).or_insert_with(|| [(0, 0)].into());
    }
}

fn always_searches(key: &str) -> bool {
    let name = key.strip_prefix("openai:").unwrap_or_default();
    name.contains("-search-preview") || name.contains("-search-api")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(key: &str, searches: bool, lines: &[(&'static str, i64)]) -> Vec<(&'static str, i64)> {
        let mut facts = Facts { mode: Some("chat"), ..Facts::default() };
        if searches {
            facts.capabilities.insert("web_search");
        }
        for (meter, amount) in lines {
            facts.prices.insert((meter, String::new()), [(0, *amount)].into());
        }
        place(key, &mut facts);
        facts.prices.into_iter().map(|((meter, _), steps)| (meter, steps[&0])).collect()
    }

    #[test]
    fn a_model_that_always_searches_is_charged_for_it_by_the_call() {
        let lines = [("input", 2), ("query", 25)];
        let placed = |key| placed(key, true, &lines);
        assert_eq!(placed("openai:gpt-4o-search-preview"), [("input", 2), ("query", 0), ("request", 25)]);
        assert_eq!(placed("openai:gpt-5-search-api-2025-10-14"), [("input", 2), ("query", 0), ("request", 25)]);
        assert_eq!(placed("openai:gpt-5"), lines);
        assert_eq!(placed("perplexity:sonar-deep-research"), lines);
    }

    #[test]
    fn a_fee_of_the_call_is_for_its_searches() {
        let fee = [("input", 2), ("request", 12)];
        assert_eq!(placed("perplexity:sonar", true, &fee), [("input", 2), ("query", 0), ("request", 12)]);
        assert_eq!(placed("perplexity:r1", false, &fee), fee);
        let both = [("query", 5), ("request", 12)];
        assert_eq!(placed("perplexity:sonar", true, &both), both);
    }
}
