//! A Redis of a test's own, which can be stopped, frozen and emptied.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Where the server's binary is; looked for in the path unless set.
const BINARY: &str = "LLM_TEST_REDIS_SERVER";
/// What a start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port of loopback. Ended when it is dropped.
#[derive(Debug)]
pub struct TestRedis {
    server: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl TestRedis {
    /// Starts one that is empty.
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut redis = Self { server: None, port, folder: tempfile::tempdir().unwrap() };
        redis.restart();
        redis
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash does. What it had [saved](Self::save) is there when it is started again.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Starts it again at the same place.
    pub fn restart(&mut self) {
        self.stop();
        let mut command = Command::new(binary());
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &self.port.to_string()]);
        let quiet = command.arg("--dir").arg(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        self.server = Some(quiet.stderr(Stdio::null()).spawn().unwrap());
        let begin = Instant::now();
        while self.try_say("PING").is_none_or(|said| !said.starts_with("+PONG")) {
            assert!(begin.elapsed() < PATIENCE, "the private Redis does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops its work without ending it.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Forgets everything.
    pub fn empty(&self) {
        assert!(self.try_say("FLUSHALL").unwrap().starts_with("+OK"));
    }

    /// Writes everything to the disk.
    pub fn save(&self) {
        assert!(self.try_say("SAVE").unwrap().starts_with("+OK"));
    }

    fn signal(&self, signal: &str) {
        let id = self.server.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn try_say(&self, command: &str) -> Option<String> {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        line.set_read_timeout(Some(PATIENCE)).ok()?;
        line.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut said = [0; 64];
        let count = line.read(&mut said).ok()?;
        Some(String::from_utf8_lossy(said.get(..count)?).into_owned())
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // A server that is frozen is ended by this, too.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os(BINARY) {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all =
        std::env::split_paths(&path).flat_map(|folder| ["redis-server", "valkey-server"].map(|name| folder.join(name)));
    all.into_iter().find(|binary| binary.exists()).unwrap_or_else(|| {
        panic!(
            "this test needs Redis or Valkey, and there is no `redis-server` or `valkey-server`\n\
             hint: run the tests by `cargo xtask test`, which installs it where that is allowed, or install the \
             package `redis-server`"
        )
    })
}
