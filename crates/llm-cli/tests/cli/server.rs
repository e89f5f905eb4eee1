//! A small scripted provider on loopback that speaks OpenAI Chat Completions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::command::{Llm, llm};

/// A server that takes a request for each of its answers, and is done.
pub(crate) struct Server {
    port: u16,
    thread: JoinHandle<Vec<Request>>,
}

/// What the command sent.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Server {
    /// Answers with these bytes, head and all, and then closes the connection.
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::answering_each(vec![answer.into()])
    }

    /// Answers so one request after another, each on a connection of its own.
    pub(crate) fn answering_each(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = move |answer: Vec<u8>| {
            let (mut socket, _) = listener.accept().unwrap();
            let request = read(&mut socket);
            // The command may have hung up already, where a test is about that.
            let _ = socket.write_all(&answer);
            request
        };
        let thread = std::thread::spawn(move || answers.into_iter().map(answer).collect());
        Self { port, thread }
    }

    /// A whole answer in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", &body.to_string())
    }

    pub(crate) fn body(status: u16, content_type: &str, body: &str) -> Self {
        Self::answering(whole(status, content_type, body))
    }

    /// A stream of events that ends when the connection does.
    pub(crate) fn stream(events: &[Value], done: bool) -> Self {
        Self::answering(streamed(events, done))
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
        self.requests().pop().unwrap()
    }

    /// All that was asked, once it was.
    pub(crate) fn requests(self) -> Vec<Request> {
        self.thread.join().unwrap()
    }
}

/// A whole answer on the wire.
pub(crate) fn whole(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n");
    format!("{head}connection: close\r\n\r\n{body}").into_bytes()
}

/// A streamed one.
pub(crate) fn streamed(events: &[Value], done: bool) -> Vec<u8> {
    let mut body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    if done {
        body += "data: [DONE]\n\n";
    }
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}").into_bytes()
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
