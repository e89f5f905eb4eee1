//! Keys that are shown in a way of their own.

use serde_json::json;

use crate::command::llm;
use crate::server::Server;

#[test]
fn a_key_is_shown_as_its_variable_says() {
    for (variable, header) in [("OTARI_API_KEY", "authorization: bearer tk-1"), ("GATEWAY_API_KEY", "otari-key: tk-1")]
    {
        let server = Server::json(
            200,
            &json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices":
                [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}]}),
        );
        let outcome = llm(&["-m", "otari:m", "--no-stream", "hello"])
            .env(variable, "tk-1")
            .env("OTARI_API_BASE", server.url("") + "/v1")
            .run();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "Yes.\n"), "{outcome}");
        let head = server.request().head.to_lowercase();
        assert!(head.contains(header), "{head}");
        assert_eq!(head.contains("authorization"), variable == "OTARI_API_KEY", "{head}");
    }
}
