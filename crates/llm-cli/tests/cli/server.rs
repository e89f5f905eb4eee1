//! A small scripted provider on loopback that speaks OpenAI Chat Completions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::command::{Llm, llm};

/// A server that takes one request, gives one answer and is done.
pub(crate) struct Server {
    port: u16,
    thread: JoinHandle<Request>,
}

/// What the command sent.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Server {
    /// Answers with these bytes, head and all, and then closes the connection.
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = answer.into();
        let thread = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let request = read(&mut socket);
            // The command may have hung up already, where a test is about that.
            let _ = socket.write_all(&answer);
            request
        });
        Self { port, thread }
    }

    /// A whole answer in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", &body.to_string())
    }

    pub(crate) fn body(status: u16, content_type: &str, body: &str) -> Self {
        let length = body.len();
        Self::answering(format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        ))
    }

    /// A stream of events that ends when the connection does.
    pub(crate) fn stream(events: &[Value], done: bool) -> Self {
        let mut body = String::new();
        for event in events {
            body += &format!("data: {event}\n\n");
        }
        if done {
            body += "data: [DONE]\n\n";
        }
        Self::answering(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}"
        ))
    }

    /// Where it listens; `login` is what stands before the host.
    pub(crate) fn url(&self, login: &str) -> String {
        format!("http://{login}127.0.0.1:{}", self.port)
    }

    /// `llm` with this server in the place of OpenAI.
    pub(crate) fn llm(&self, args: &[&str]) -> Llm {
        llm(args).env("OPENAI_API_KEY", "sk-test").env("OPENAI_BASE_URL", self.url("") + "/v1")
    }

    /// What was asked, once it was.
    pub(crate) fn request(self) -> Request {
        self.thread.join().unwrap()
    }
}

fn read(socket: &mut TcpStream) -> Request {
    let mut reader = BufReader::new(socket);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Request { head, body: serde_json::from_slice(&body).unwrap_or_default() }
}
