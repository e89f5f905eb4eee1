//! A way to a server that can be shut, for one who calls there by itself.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};

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
    all: Vec<AbortHandle>,
}

impl Door {
    /// One that leads to `port`.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (own, ways) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Ways::default())));
        let known = ways.clone();
        let listener = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut ways = known.lock().unwrap();
                if ways.is_shut {
                    continue;
                }
                let way = tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
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
}

impl Drop for Door {
    fn drop(&mut self) {
        self.listener.abort();
        self.shut();
    }
}
