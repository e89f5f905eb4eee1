use llm_core::Protocol;

use super::check;
use crate::replay::events_of;

fn found(protocol: Protocol, text: &str) -> Vec<String> {
    check(protocol, &events_of("text/event-stream", text.as_bytes(), text.len()).unwrap())
}

fn chunk(choices: &str, more: &str) -> String {
    format!(
        "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{choices}]{more}}}\n\n"
    )
}

fn openai() -> Vec<String> {
    vec![
        chunk(r#"{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}"#, ""),
        chunk(
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}"#,
            "",
        ),
        chunk(
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":null}"#,
            "",
        ),
        chunk(r#"{"index":0,"delta":{},"finish_reason":"tool_calls"}"#, ""),
        chunk("", r#","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}"#),
        "data: [DONE]\n\n".to_owned(),
    ]
}

fn anthropic() -> Vec<String> {
    [
        r#"{"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"hi"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
        r#"{"type":"message_stop"}"#,
    ]
    .iter()
    .map(|data| {
        let kind = data.split('"').nth(3).unwrap();
        format!("event: {kind}\ndata: {data}\n\n")
    })
    .collect()
}

#[test]
fn whole_streams_are_accepted() {
    assert_eq!(found(Protocol::OpenAiChat, &openai().concat()), Vec::<String>::new());
    assert_eq!(found(Protocol::Anthropic, &anthropic().concat()), Vec::<String>::new());
}

#[test]
fn a_stream_without_any_one_of_its_events_is_refused() {
    for (protocol, events, dispensable) in [
        // Without its second piece a tool call still begins; without its delta a block is just empty.
        (Protocol::OpenAiChat, openai(), vec![1, 2, 4]),
        (Protocol::Anthropic, anthropic(), vec![2, 5]),
    ] {
        for place in (0..events.len()).filter(|place| !dispensable.contains(place)) {
            let mut fewer = events.clone();
            fewer.remove(place);
            assert_ne!(found(protocol, &fewer.concat()), Vec::<String>::new(), "{protocol} without event {place}");
        }
    }
}

#[test]
fn a_stream_with_any_event_twice_is_refused() {
    for (protocol, events, repeatable) in
        [(Protocol::OpenAiChat, openai(), vec![0, 1, 2]), (Protocol::Anthropic, anthropic(), vec![2, 5, 7])]
    {
        for place in (0..events.len()).filter(|place| !repeatable.contains(place)) {
            let mut more = events.clone();
            more.insert(place, more[place].clone());
            assert_ne!(found(protocol, &more.concat()), Vec::<String>::new(), "{protocol} with event {place} twice");
        }
    }
}

#[test]
fn a_thinking_delta_inside_a_text_block_is_refused() {
    let text = anthropic().concat().replace(
        r#""index":1,"delta":{"type":"text_delta","text":"hi"}"#,
        r#""index":1,"delta":{"type":"thinking_delta","thinking":"hi"}"#,
    );
    assert_eq!(found(Protocol::Anthropic, &text).len(), 1);
}

#[test]
fn usage_with_choices_is_refused() {
    let mut events = openai();
    events[4] = chunk(
        r#"{"index":1,"delta":{"role":"assistant"},"finish_reason":"stop"}"#,
        r#","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}"#,
    );
    assert_eq!(found(Protocol::OpenAiChat, &events.concat()).len(), 1);
}
