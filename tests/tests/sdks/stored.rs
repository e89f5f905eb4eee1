//! The OpenAI SDK's stored responses and conversations, before a provider that keeps them.

use llm_tests::live::{Keeper, Runtime, TestGateway, Upstream, run};
use serde_json::json;

use crate::wrong::Wrong;

#[tokio::test]
async fn stored_responses_and_conversations() {
    let keeper = Keeper::new("k");
    let upstream = Upstream::start(move |seen| keeper.answer(seen)).await;
    let gateway = TestGateway::start(&format!(
        "[providers.keeper]\nprotocol = \"openai-responses\"\nbase_url = \"{}\"",
        upstream.url
    ))
    .await;
    let key = gateway.key(json!({})).await;
    let saw = run(Runtime::Python, &gateway, &key, "stored_calls.py", &[]).await;
    let mut wrong = Wrong::default();
    let gone = json!({"raised": "NotFoundError", "status_code": 404});
    let whole = json!({"id": "resp", "status": "completed", "text": "Hi there"});
    for name in ["made", "again", "next"] {
        wrong.unless_has(name, &saw["stored"][name], &whole);
    }
    wrong.unless(saw["stored"]["items"] == json!(["msg_in"]), || format!("input items: {}", saw["stored"]["items"]));
    wrong.unless_has("deleted", &saw["stored"]["deleted"], &gone);
    wrong.unless_has("nobody's", &saw["nobodys"], &gone);
    wrong.unless_has("background", &saw["background"], &json!({"begun": "queued", "cancelled": "cancelled"}));
    let conversations = json!({
        "made": {"topic": "demo"}, "again": {"topic": "demo"}, "updated": {"topic": "other"}, "items": ["msg_c"],
        "added": 1, "item": "msg_c", "said": "Hi there", "deleted": true,
    });
    wrong.unless_has("conversations", &saw["conversations"], &conversations);
    wrong.unless_has("a conversation that is gone", &saw["conversations"]["gone"], &gone);
    wrong.unless_has("resumed", &saw["resumed"], &json!({"text": "Hi there", "numbers": [1, 2, 3]}));
    wrong.finish();
}
