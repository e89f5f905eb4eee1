//! A line to a server on loopback that can go silent, as lines over other networks do: nothing comes through any more, and
//! neither end is told.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// How often a connection looks whether the line is still there.
const LOOK: Duration = Duration::from_millis(20);

/// A line that passes bytes on. When it is dropped it passes nothing on any more.
#[derive(Debug)]
pub struct Line {
    place: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Connections of an earlier time are silent.
    time: AtomicUsize,
    /// Nothing comes through, also on new connections.
    is_cut: AtomicBool,
    is_over: AtomicBool,
}

impl State {
    fn passes(&self, time: usize) -> bool {
        !self.is_cut.load(SeqCst) && self.time.load(SeqCst) == time
    }
}

impl Line {
    /// A line to `server`, `127.0.0.1:PORT`.
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (place, server) = (listener.local_addr().unwrap(), server.to_owned());
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                if shared.is_over.load(SeqCst) {
                    return;
                }
                let Ok(caller) = caller else { continue };
                let (state, server) = (shared.clone(), server.clone());
                std::thread::spawn(move || pass(&caller, &server, &state));
            }
        });
        Self { place, state }
    }

    /// Where it begins, `127.0.0.1:PORT`.
    pub fn place(&self) -> String {
        self.place.to_string()
    }

    /// From now on nothing comes through.
    pub fn cut(&self) {
        self.state.is_cut.store(true, SeqCst);
        self.state.time.fetch_add(1, SeqCst);
    }

    /// New connections come through again. Those from before stay silent.
    pub fn mend(&self) {
        self.state.is_cut.store(false, SeqCst);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.state.is_over.store(true, SeqCst);
        self.cut();
        // Wakes whoever listens.
        let _ = TcpStream::connect(self.place);
    }
}

/// Passes on what one caller and the server say, until the line is cut; then both are left waiting.
fn pass(caller: &TcpStream, server: &str, state: &State) {
    let time = state.time.load(SeqCst);
    while !state.passes(time) {
        // Whoever connects while the line is cut has the connection, and no answer before it is mended.
        if state.is_over.load(SeqCst) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    let Ok(server) = TcpStream::connect(server) else { return };
    std::thread::scope(|scope| {
        scope.spawn(|| one_way(caller, &server, state, time));
        one_way(&server, caller, state, time);
    });
}

fn one_way(mut from: &TcpStream, mut to: &TcpStream, state: &State, time: usize) {
    let _ = from.set_read_timeout(Some(LOOK));
    let _ = to.set_nodelay(true);
    let mut bytes = [0; 1 << 16];
    while !state.is_over.load(SeqCst) {
        match from.read(&mut bytes) {
            Ok(count) if state.passes(time) => {
                if count == 0 || to.write_all(bytes.get(..count).unwrap_or_default()).is_err() {
                    let _ = to.shutdown(std::net::Shutdown::Both);
                    return;
                }
            }
            // Lost on the way, the end of a connection too.
            Ok(0) => std::thread::sleep(LOOK),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => {
                if state.passes(time) {
                    let _ = to.shutdown(std::net::Shutdown::Both);
                    return;
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}
