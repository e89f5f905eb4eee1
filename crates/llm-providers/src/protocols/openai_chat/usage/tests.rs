use llm_core::{Meter, Usage};
use serde_json::{Value, json};

fn read(usage: Value) -> Usage {
    let Value::Object(members) = usage else { panic!("usage is an object") };
    super::read(members)
}

fn counts(usage: &Usage) -> Vec<(Meter, u64)> {
    usage.counts().collect()
}

#[test]
fn details_are_taken_out_of_their_sums() {
    let usage = read(json!({
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10, "audio_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 3}
    }));
    assert_eq!(
        counts(&usage),
        [
            (Meter::Input, 45),
            (Meter::Output, 27),
            (Meter::CacheRead, 40),
            (Meter::CacheWrite, 10),
            (Meter::Reasoning, 20),
            (Meter::InputAudio, 5),
            (Meter::OutputAudio, 3)
        ]
    );
    assert_eq!((usage.input_tokens(), usage.output_tokens()), (100, 50));
}

#[test]
fn reasoning_that_stands_beside_the_completion_is_charged_too() {
    // xAI: the total is larger than prompt and completion by what was thought.
    let usage = read(json!({
        "prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 241,
        "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 228}
    }));
    let want = [(Meter::Input, 10), (Meter::Output, 1), (Meter::CacheRead, 2), (Meter::Reasoning, 228)];
    assert_eq!(counts(&usage), want);
}

#[test]
fn research_is_charged_for_what_it_read_thought_and_searched() {
    let said = json!({
        "prompt_tokens": 1188, "completion_tokens": 4240, "total_tokens": 5428, "citation_tokens": 8014,
        "num_search_queries": 54, "reasoning_tokens": 92431, "cost": {"total_cost": 0.59962}
    });
    let usage = read(said.clone());
    let want = [(Meter::Input, 9202), (Meter::Output, 4240), (Meter::Reasoning, 92431), (Meter::Query, 54)];
    assert_eq!(counts(&usage), want);
    let (passing, _) = super::skim(said.to_string().as_bytes());
    assert_eq!(counts(&passing.unwrap()), want);
    let price = crate::catalogue::Catalogue::bundled().lookup("perplexity", "sonar-deep-research").unwrap().price;
    // The provider's own sum, which it rounds line by line.
    assert_eq!(price.cost(&usage, None).unwrap().to_string(), "0.599617");

    // Said in the total as well, it counts once.
    let mut all = said;
    all["total_tokens"] = json!(1188 + 4240 + 8014 + 92431);
    assert_eq!(counts(&read(all)), want);
}

#[test]
fn searches_that_tools_of_the_host_ran_are_counted() {
    for name in ["server_tool_use_details", "server_tool_use"] {
        let tools = json!({"web_search_requests": 2, "tool_calls_requested": 3, "tool_calls_executed": 3});
        let usage = read(json!({"prompt_tokens": 10, "completion_tokens": 1, name: tools}));
        assert_eq!(counts(&usage), [(Meter::Input, 10), (Meter::Output, 1), (Meter::Query, 2)], "{name}");
    }
    let none = read(json!({"prompt_tokens": 1, "completion_tokens": 1, "server_tool_use_details": null}));
    assert_eq!(none.get(Meter::Query), 0);
}

#[test]
fn more_cached_than_asked_never_underflows() {
    let usage = read(json!({
        "prompt_tokens": 29, "completion_tokens": 6, "total_tokens": 35, "prompt_tokens_details": {"cached_tokens": 157}
    }));
    assert_eq!(counts(&usage), [(Meter::Output, 6), (Meter::CacheRead, 29)]);
}

#[test]
fn cached_tokens_are_found_wherever_a_host_puts_them() {
    for name in ["prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens"] {
        let usage = read(json!({"prompt_tokens": 10, "completion_tokens": 1, name: 4}));
        assert_eq!(usage.get(Meter::CacheRead), 4, "{name}");
    }
}

#[test]
fn usage_of_another_protocol_has_the_full_form() {
    let usage = Usage::default().with(Meter::Input, 5).with(Meter::CacheRead, 3).with(Meter::Reasoning, 2);
    let written = super::write(&usage);
    assert_eq!(written["prompt_tokens"], 8);
    assert_eq!(written["completion_tokens"], 2);
    assert_eq!(written["total_tokens"], 10);
    assert_eq!(written["prompt_tokens_details"]["cached_tokens"], 3);
    assert_eq!(written["completion_tokens_details"]["reasoning_tokens"], 2);
}

#[test]
fn what_stands_there_twice_counts_as_it_stands_last() {
    let json = r#"{"prompt_tokens":1,"prompt_tokens":3,"completion_tokens":4}"#;
    let (usage, length) = super::skim(format!("{json},\"x\":{{}}}}").as_bytes());
    assert_eq!((counts(&usage.unwrap()), length), (vec![(Meter::Input, 3), (Meter::Output, 4)], json.len()));
}
