//! The provider that the matrix calls: some of its answers fail, and streams pause once.

use std::time::Duration;

use llm_tests::live::{Piece, Script, Seen, openai};
use serde_json::json;

/// How many tokens it answers with where no bound is said.
pub(super) const UNBOUND: u64 = 8;

/// One token a word: as many as are asked for, and eight where no bound is said. Streams pause once in the middle.
pub(super) fn answer(seen: &Seen) -> Script {
    let request = seen.json();
    if request["messages"][0]["content"] == "fail" {
        return openai::error(500, "server_error", "oops", "we broke");
    }
    let bound = request["max_completion_tokens"].as_u64().or(request["max_tokens"].as_u64());
    let bound = bound.unwrap_or(UNBOUND).min(UNBOUND);
    if request["stream"] != true {
        return openai::echo(&request, &["w "; UNBOUND as usize][..bound as usize], 9);
    }
    let first = openai::chunk(&json!({"role": "assistant", "content": "w "}), None);
    let mut rest: String = (1..bound).map(|_| openai::chunk(&json!({"content": "w "}), None)).collect();
    rest.push_str(&openai::chunk(&json!({}), Some("stop")));
    rest.push_str(&openai::usage(9, bound));
    rest.push_str("data: [DONE]\n\n");
    Script::sse([first]).then(Piece::Pause(Duration::from_millis(5))).then(Piece::Bytes(rest.into()))
}
