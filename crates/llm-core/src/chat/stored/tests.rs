use serde_json::json;

use super::*;
use crate::Protocol;
use crate::chat::{Media, MediaKind, Message, Role, ToolResult};

fn of(value: Value) -> Native {
    Native::new(Protocol::OpenAiResponses, value.as_object().cloned().unwrap_or_default())
}

fn file(id: &str) -> Part {
    Part::from(Media::new(MediaKind::Image, MediaSource::File { id: id.to_owned() }))
}

#[test]
fn the_fields_of_a_form_name_files_too() {
    let mut named = Vec::new();
    let fields =
        json!({"mask[file_id]": "a", "images[][file_id]": ["b", "b2"], "file_ids[]": ["c"], "file_id[x]": "d"});
    in_native(&of(fields), &mut named);
    assert_eq!(named.into_iter().map(|stored| stored.id).collect::<Vec<_>>(), ["a", "b", "b2", "c"]);
}

#[test]
fn whatever_names_something_stored_is_seen() {
    let unknown = |value| Part::from(Content::Unknown { protocol: Protocol::OpenAiResponses, value });
    let url = |url: &str| Part::from(Media::new(MediaKind::Image, MediaSource::Url { url: url.to_owned() }));
    let parts = vec![
        file("file_1"),
        url("https://x.example/v1beta/files/abc"),
        url("https://x.example/v1beta/files/abc/more"),
        Part::from(Content::ToolResult(ToolResult::new("c", vec![file("file_2")]))),
        unknown(json!({"type": "item_reference", "id": "msg_1"})),
        unknown(json!({"type": "box", "content": [{"type": "container_upload", "file_id": "file_3"}]})),
        unknown(json!({"id": "msg_2"})),
        unknown(
            json!({"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "file_5"}}),
        ),
        unknown(json!({"type": "file_search_call", "id": "fs_1", "results": [{"file_id": "file_found"}]})),
        unknown(json!({"type": "x", "annotations": [{"type": "file_citation", "file_id": "file_cited"}]})),
        Part::from(Content::Unknown {
            protocol: Protocol::Anthropic,
            value: json!({"type": "code_execution_output", "id": "x", "file_id": "file_made"}),
        }),
        url("https://x.example/1.png").with_native(of(json!({"file_id": "file_6"}))),
    ];
    let request = ChatRequest {
        messages: vec![Message::new(Role::User, parts)],
        tools: vec![
            Tool::Provider { native: of(json!({"type": "file_search", "vector_store_ids": ["vs_1"]})) },
            Tool::Provider {
                native: of(json!({"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file_4"]}})),
            },
        ],
        native: of(json!({"previous_response_id": "resp_1", "conversation": {"id": "conv_1"}, "x": {"file_id": 1}})),
        ..ChatRequest::default()
    };
    let seen: Vec<_> = named(&request).into_iter().map(|stored| (stored.param, stored.id)).collect();
    let all = [
        ("file_id", "file_1"),
        ("file_uri", "abc"),
        ("file_id", "file_2"),
        ("messages", "msg_1"),
        ("file_id", "file_3"),
        ("messages", "msg_2"),
        ("file_id", "file_5"),
        ("file_id", "file_6"),
        ("tools", "vs_1"),
        ("tools", "file_4"),
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
    ];
    assert_eq!(seen, all.map(|(param, id)| (param, id.to_owned())));
}
