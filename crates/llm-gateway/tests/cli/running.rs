//! A gateway in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::command::Place;

/// A gateway that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: String,
    stdout: Option<Box<dyn BufRead + Send>>,
    log: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(place: &Place) -> Self {
        let mut child = place
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout: Box<dyn BufRead + Send> = Box::new(BufReader::new(child.stdout.take().unwrap()));
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended: {seen}");
            seen.push_str(&line);
            if let Some((_, address)) = line.split_once("address=") {
                break address.trim().to_owned();
            }
        };
        // Whoever does not read a pipe stops who writes to it.
        let log = std::thread::spawn(move || {
            for line in log.lines() {
                seen.push_str(&line.unwrap_or_default());
                seen.push('\n');
            }
            seen
        });
        Self { child, address, stdout: Some(stdout), log: Some(log) }
    }

    /// The status and the body of a request.
    pub(crate) fn request(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let reply = self.send(&format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        let status = status(&reply).unwrap();
        (status, reply.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// All that comes back for these bytes until the connection is closed, which may be before all were sent.
    pub(crate) fn send(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let _ = stream.write_all(bytes.as_bytes());
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// Asks it to stop as an orchestrator does, and gives what it wrote to standard output.
    pub(crate) fn stop(self) -> String {
        self.end().0
    }

    /// The same, and everything that it logged.
    pub(crate) fn end(mut self) -> (String, String) {
        let killed = std::process::Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
        let mut text = String::new();
        self.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        assert!(status.success(), "{status}: {log}");
        (text, log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of an answer; none where nothing came.
pub(crate) fn status(reply: &str) -> Option<u16> {
    reply.split(' ').nth(1)?.parse().ok()
}
