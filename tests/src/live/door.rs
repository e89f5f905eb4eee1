//! A way to a server that can be shut, for one who calls there by itself; and on which what is said can be late.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;

/// Within which time a server takes in what is late.
const PATIENCE: Duration = Duration::from_secs(10);

/// A way to a server on loopback.
#[derive(Debug)]
pub struct Door {
    port: u16,
    ways: Arc<Mutex<Ways>>,
    listener: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Ways {
    is_shut: bool,
    is_catching: bool,
    all: Vec<AbortHandle>,
    /// What was caught, and the way on which it still can be delivered.
    caught: Vec<(TcpStream, Vec<u8>)>,
}

impl Door {
    /// One that leads to `port`.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (own, ways) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Ways::default())));
        let known = ways.clone();
        let listener = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut ways = known.lock().unwrap();
                if ways.is_shut {
                    continue;
                }
                let known = known.clone();
                let way = tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await {
                        lead(near, far, &known).await;
                    }
                });
                ways.all.push(way.abort_handle());
            }
        });
        Self { port: own, ways, listener }
    }

    /// The port that it is at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Shuts it: whoever goes through it is cut off, and nobody comes in.
    pub fn shut(&self) {
        let mut ways = self.ways.lock().unwrap();
        ways.is_shut = true;
        ways.all.drain(..).for_each(|way| way.abort());
    }

    /// Opens it again.
    pub fn open(&self) {
        self.ways.lock().unwrap().is_shut = false;
    }

    /// Catches what is said next: whoever says it is cut off, and it is on its way until it is [delivered](Self::deliver).
    pub fn catch(&self) {
        self.ways.lock().unwrap().is_catching = true;
    }

    /// Delivers what was caught, so many times, and waits until the server has done what it says.
    pub async fn deliver(&self, times: usize) {
        let caught = std::mem::take(&mut self.ways.lock().unwrap().caught);
        for (mut far, said) in caught {
            let told = [said.repeat(times).as_slice(), PING].concat();
            let delivered = async {
                far.write_all(&told).await?;
                let mut answers = Vec::new();
                while !PONGS.iter().any(|pong| answers.ends_with(pong)) && far.read_buf(&mut answers).await? > 0 {}
                std::io::Result::Ok(())
            };
            // A server that was started anew knows nothing of it.
            let _ = timeout(PATIENCE, delivered).await.unwrap();
        }
    }
}

/// The last thing that is said on a way, and what is answered: to those who ask, and to those who listen.
const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const PONGS: [&[u8]; 2] = [b"+PONG\r\n", b"$4\r\npong\r\n$0\r\n\r\n"];
/// More than is said at once, so that what is caught is whole.
const MOST: usize = 1 << 17;

/// Hands on what either says, until one of them has no more to say or the first of them is caught.
async fn lead(mut near: TcpStream, mut far: TcpStream, ways: &Mutex<Ways>) {
    let (mut said, mut answered) = (Vec::with_capacity(MOST), Vec::with_capacity(MOST));
    loop {
        tokio::select! {
            read = near.read_buf(&mut said) => {
                if read.unwrap_or(0) == 0 {
                    return;
                }
                {
                    let mut ways = ways.lock().unwrap();
                    if std::mem::take(&mut ways.is_catching) {
                        return ways.caught.push((far, said));
                    }
                }
                if far.write_all(&said).await.is_err() {
                    return;
                }
                said.clear();
            }
            read = far.read_buf(&mut answered) => {
                if read.unwrap_or(0) == 0 || near.write_all(&answered).await.is_err() {
                    return;
                }
                answered.clear();
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.listener.abort();
        self.shut();
    }
}
