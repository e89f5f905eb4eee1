//! Just enough HTTP/1.1 to ask and to answer at little cost.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt};

/// A request as bytes.
pub(crate) fn post(path: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         accept: */*\r\nanthropic-version: 2023-06-01\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One side of a connection: what was read and not yet used.
pub(crate) struct Reader<R> {
    socket: R,
    buffer: Vec<u8>,
}

/// One message: head and body as they came.
pub(crate) struct Message<'a> {
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(crate) fn new(socket: R) -> Self {
        Self { socket, buffer: Vec::with_capacity(64 * 1024) }
    }

    /// Reads one message and hands it to `look`; none at the end of the connection.
    pub(crate) async fn message<T>(&mut self, look: impl FnOnce(Message<'_>) -> Result<T>) -> Result<Option<T>> {
        let Some(head) = self.fill_until(0, b"\r\n\r\n").await? else { return Ok(None) };
        let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let end = match header("content-length:") {
            Some(length) => {
                let end = head + length.parse::<usize>()?;
                while self.buffer.len() < end {
                    if !self.read().await? {
                        bail!("the connection ended inside a body");
                    }
                }
                end
            }
            None if header("transfer-encoding:") == Some("chunked") => {
                self.fill_until(head, b"0\r\n\r\n").await?.context("the connection ended inside a stream")?
            }
            None => head,
        };
        let message = Message { head: &text, body: &self.buffer[head..end] };
        let seen = look(message)?;
        self.buffer.drain(..end);
        Ok(Some(seen))
    }

    /// The end of the first `mark` that ends a line or a body; none where the connection ends before anything came.
    async fn fill_until(&mut self, from: usize, mark: &[u8]) -> Result<Option<usize>> {
        let mut searched = from;
        loop {
            let start = searched.saturating_sub(mark.len()).max(from);
            let found = self.buffer[start..].windows(mark.len()).position(|window| window == mark);
            // The last chunk of a body stands on a line of its own.
            let is_whole_line = |at: usize| mark[0] != b'0' || at == from || self.buffer[..at].ends_with(b"\r\n");
            if let Some(at) = found.map(|at| start + at).filter(|at| is_whole_line(*at)) {
                return Ok(Some(at + mark.len()));
            }
            searched = self.buffer.len();
            if !self.read().await? {
                anyhow::ensure!(self.buffer.is_empty(), "the connection ended inside a message");
                return Ok(None);
            }
        }
    }

    async fn read(&mut self) -> Result<bool> {
        Ok(self.socket.read_buf(&mut self.buffer).await? > 0)
    }
}

#[cfg(test)]
mod tests;
