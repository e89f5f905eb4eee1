//! A service on loopback that answers as a test says, and what it was asked.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(super) struct Loopback {
    /// Where it is: scheme, host and port.
    pub(super) place: String,
    asked: UnboundedReceiver<String>,
}

/// An answer: status, further lines of its head, and body.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: &'static str,
    pub(super) body: String,
}

impl Reply {
    /// An answer that went well.
    pub(super) fn of(body: impl Into<String>) -> Self {
        Self { status: 200, head: "", body: body.into() }
    }
}

impl Loopback {
    /// One that answers each request, as it stands on the wire, with what `answer` makes of it.
    pub(super) async fn start(mut answer: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = format!("http://{}", listener.local_addr().unwrap());
        let (told, asked) = unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let request = read(&mut socket).await;
                let Reply { status, head, body } = answer(&request);
                // Whoever started it may be gone.
                let _ = told.send(request);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{head}\r\n");
                socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Self { place, asked }
    }

    /// The request that came next.
    pub(super) fn asked(&mut self) -> String {
        self.asked.try_recv().unwrap()
    }
}

async fn read(socket: &mut TcpStream) -> String {
    let mut asked = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = socket.read(&mut buffer).await.unwrap();
        asked.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&asked);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if count == 0 || whole {
            return text.into_owned();
        }
    }
}
