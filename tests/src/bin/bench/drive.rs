//! Callers that ask again as soon as they were answered, each on a connection of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::wire::Reader;

/// How hard and how long.
pub(crate) struct Plan {
    pub(crate) callers: usize,
    pub(crate) time: Duration,
}

/// What the callers saw.
pub(crate) struct Driven {
    pub(crate) requests: u64,
    pub(crate) time: Duration,
    /// From the request's first byte to the answer's last, in order.
    latencies: Vec<Duration>,
}

impl Driven {
    /// The time within which `share` of the calls were answered.
    pub(crate) fn latency(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * share) as usize).copied().unwrap_or_default()
    }
}

/// Drives the program at `address` with one request, over and over.
pub(crate) fn drive(address: &str, request: &[u8], plan: &Plan) -> Result<Driven> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let start = Instant::now();
        let end = start + plan.time;
        let callers: Vec<_> =
            (0..plan.callers).map(|_| tokio::spawn(call_until(end, address.to_owned(), request.to_vec()))).collect();
        let mut latencies = Vec::new();
        for caller in callers {
            latencies.extend(caller.await??);
        }
        let time = start.elapsed();
        latencies.sort_unstable();
        Ok(Driven { requests: latencies.len() as u64, time, latencies })
    })
}

async fn call_until(end: Instant, address: String, request: Vec<u8>) -> Result<Vec<Duration>> {
    let socket = TcpStream::connect(&address).await.with_context(|| format!("nothing listens on {address}"))?;
    socket.set_nodelay(true)?;
    let (input, mut output) = socket.into_split();
    let mut reader = Reader::new(input);
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        output.write_all(&request).await?;
        let answered = reader.message(|message| {
            ensure!(
                message.head.starts_with("http/1.1 200"),
                "{} {}",
                message.head,
                String::from_utf8_lossy(message.body)
            );
            Ok(())
        });
        answered.await?.context("the connection ended")?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}

/// One call on a connection of its own; false where nobody listens yet.
pub(crate) async fn call_once(address: &str, request: &[u8]) -> Result<bool> {
    let Ok(mut socket) = TcpStream::connect(address).await else { return Ok(false) };
    socket.set_nodelay(true)?;
    socket.write_all(request).await?;
    let mut reader = Reader::new(socket);
    let status = reader.message(|message| Ok(message.head.lines().next().unwrap_or_default().to_owned())).await?;
    let status = status.context("the connection ended")?;
    ensure!(status.starts_with("http/1.1 200"), "answered {status}");
    Ok(true)
}
