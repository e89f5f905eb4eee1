//! Many callers at once on plain sockets, light enough that five hundred of them cost little.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One caller, who keeps its connection for further calls.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    connection: Option<TcpStream>,
}

/// What a caller does with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Reads all of it.
    Patient,
    /// Reads the first of it and hangs up.
    HangsUp,
}

/// A call to be made.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// `127.0.0.1:PORT`.
    pub(crate) place: &'a str,
    /// The key.
    pub(crate) key: &'a str,
    /// Further headers, each with its line's end.
    pub(crate) headers: &'a str,
    /// The body.
    pub(crate) body: Value,
    /// What becomes of the answer.
    pub(crate) manner: Manner,
}

impl Caller {
    /// Makes a call, and gives the status of its answer.
    pub(crate) async fn call(&mut self, call: &Call<'_>) -> u16 {
        let mut stream = match self.connection.take() {
            Some(stream) => stream,
            None => TcpStream::connect(call.place).await.unwrap(),
        };
        let (body, Call { place, key, headers, .. }) = (call.body.to_string(), call);
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {place}\r\nauthorization: Bearer {key}\r\n{headers}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let head = loop {
            if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "the connection was closed before an answer");
        };
        let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
        let status = text[9..12].parse().unwrap();
        if call.manner == Manner::HangsUp {
            return status;
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|length| {
            let length: usize = length.parse().unwrap();
            head + length
        });
        let is_whole = |answer: &[u8]| match length {
            Some(length) => answer.len() >= length,
            None => answer.ends_with(b"0\r\n\r\n"),
        };
        while !is_whole(&answer) {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "the answer broke off");
        }
        self.connection = Some(stream);
        status
    }
}
