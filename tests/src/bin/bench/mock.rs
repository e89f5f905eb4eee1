//! An upstream that answers at once, in OpenAI's and in Anthropic's protocol, whole and as a burst of chunks.

use std::sync::Arc;

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::case::CHUNKS;
use super::wire::Reader;

/// The answers, made once.
struct Answers {
    openai: Vec<u8>,
    openai_stream: Vec<u8>,
    anthropic: Vec<u8>,
    anthropic_stream: Vec<u8>,
}

/// Serves on a free port until it is ended.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let answers = Arc::new(Answers::new());
    loop {
        let (socket, _) = listener.accept().await?;
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            // A caller that hangs up is no event.
            let _ = answer(socket, &answers).await;
        });
    }
}

async fn answer(socket: TcpStream, answers: &Answers) -> Result<()> {
    socket.set_nodelay(true)?;
    let (input, mut output) = socket.into_split();
    let mut reader = Reader::new(input);
    loop {
        let asked = reader.message(|message| {
            let is_stream = ["\"stream\":true", "\"stream\": true"].iter().any(|mark| contains(message.body, mark));
            Ok((message.head.starts_with("post /v1/messages"), is_stream))
        });
        let Some(asked) = asked.await? else { return Ok(()) };
        let bytes = match asked {
            (false, false) => &answers.openai,
            (false, true) => &answers.openai_stream,
            (true, false) => &answers.anthropic,
            (true, true) => &answers.anthropic_stream,
        };
        output.write_all(bytes).await?;
    }
}

fn contains(body: &[u8], mark: &str) -> bool {
    body.windows(mark.len()).any(|window| window == mark.as_bytes())
}

impl Answers {
    fn new() -> Self {
        Self {
            openai: whole(OPENAI),
            openai_stream: stream(openai_events()),
            anthropic: whole(ANTHROPIC),
            anthropic_stream: stream(anthropic_events()),
        }
    }
}

const OPENAI: &str = r#"{"id":"chatcmpl-bench","object":"chat.completion","created":1764000000,"model":"gpt-4.1-mini-2025-04-14","choices":[{"index":0,"message":{"role":"assistant","content":"A second compass, a longer book, and enough rope to be bored with. The rest stays ashore, because whatever is not used in the first week is not used in the second.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":412,"completion_tokens":38,"total_tokens":450,"prompt_tokens_details":{"cached_tokens":128,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_bench"}"#;

const ANTHROPIC: &str = r#"{"id":"msg_bench","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"A second compass, a longer book, and enough rope to be bored with. The rest stays ashore, because whatever is not used in the first week is not used in the second."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":284,"cache_creation_input_tokens":0,"cache_read_input_tokens":128,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":38,"service_tier":"standard"}}"#;

fn whole(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Each event is a chunk of the body, and all of them leave together.
fn stream(events: Vec<String>) -> Vec<u8> {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for event in events {
        bytes.extend_from_slice(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

fn openai_events() -> Vec<String> {
    let chunk = |rest: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\
             \"model\":\"gpt-4.1-mini-2025-04-14\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_bench\",{rest}}}\n\n"
        )
    };
    let said = |delta: &str, finish: &str| {
        chunk(&format!(
            "\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}],\"usage\":null"
        ))
    };
    let mut events = vec![said(r#"{"role":"assistant","content":"","refusal":null}"#, "null")];
    events.extend((0..CHUNKS).map(|_| said(r#"{"content":" compass"}"#, "null")));
    events.push(said("{}", "\"stop\""));
    events
        .push(chunk("\"choices\":[],\"usage\":{\"prompt_tokens\":412,\"completion_tokens\":200,\"total_tokens\":612}"));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn anthropic_events() -> Vec<String> {
    let event = |kind: &str, rest: &str| format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n");
    let mut events = vec![
        event(
            "message_start",
            r#","message":{"id":"msg_bench","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":412,"output_tokens":1}}"#,
        ),
        event("content_block_start", r#","index":0,"content_block":{"type":"text","text":""}"#),
    ];
    let delta = event("content_block_delta", r#","index":0,"delta":{"type":"text_delta","text":" compass"}"#);
    events.extend(std::iter::repeat_n(delta, CHUNKS));
    events.push(event("content_block_stop", r#","index":0"#));
    events.push(event(
        "message_delta",
        r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":200}"#,
    ));
    events.push(event("message_stop", ""));
    events
}
