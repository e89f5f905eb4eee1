//! A Redis of a test's own, which can be stopped, frozen and emptied.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Where the server's binary is; looked for in the path unless set.
const BINARY: &str = "LLM_TEST_REDIS_SERVER";
/// Says of each limit what is used and reserved together. What no longer counts is let go of when the limit is used the
/// next time, and left out here.
const COUNTED: &str = "local all, parts = {}, { minute = 1000, hour = 60000, ['24h'] = 1440000 } \
    local time, clock = redis.call('TIME'), redis.call('GET', 'llm-gateway:{1}:clock') \
    local now = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(clock or '0')) \
    for _, key in ipairs(redis.call('KEYS', 'llm-gateway:*:limit:*')) do \
      local name, is = key:match('limit:(.*)'), redis.call('HMGET', key, 'u', 'r', 'e') \
      local sum, part = (is[1] or 0) + (is[2] or 0), parts[name:match('^[^/]*/([^/]*)/')] \
      if part then \
        local fields = redis.call('HGETALL', key) \
        for i = 1, #fields, 2 do \
          local bucket = fields[i]:match('^[ur](%d+)$') \
          if bucket and tonumber(bucket) < (math.floor(now / part) - 60) * part then sum = sum - fields[i + 1] end \
        end \
      elseif is[3] and is[3] ~= '0' and tonumber(is[3]) <= now then \
        sum = 0 \
      end \
      all[#all + 1] = name .. ' ' .. string.format('%.0f', sum) \
    end \
    return table.concat(all, '\\n')";
/// Lets time pass until a moment, in which every replica was heard all the time.
const PASS: &str = "local clock = redis.call('GET', KEYS[1] .. 'clock') \
    local live = redis.call('ZRANGE', KEYS[1] .. 'alive', 0, -1, 'WITHSCORES') \
    for i = 1, #live, 2 do \
      local heard = live[i + 1] + (ARGV[1] - (clock or ARGV[1])) \
      redis.call('ZADD', KEYS[1] .. 'alive', string.format('%.0f', heard), live[i]) \
    end \
    return redis.call('SET', KEYS[1] .. 'clock', ARGV[1])";
/// Forgets everything but the time.
const EMPTY_AT: &str = "redis.call('FLUSHALL') return redis.call('SET', KEYS[1] .. 'clock', ARGV[1])";
/// What all names begin with.
const PREFIX: &str = "llm-gateway:{1}:";
/// What a start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port of loopback. Ended when it is dropped.
#[derive(Debug)]
pub struct TestRedis {
    server: Option<Child>,
    port: u16,
    folder: TempDir,
    options: Vec<String>,
}

impl TestRedis {
    /// Starts one that is empty.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same, with further options of its command line.
    pub fn with(options: &[&str]) -> Self {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut redis = Self { server: None, port: free_port(), folder: tempfile::tempdir().unwrap(), options };
        redis.restart();
        redis
    }

    /// One that speaks TLS as well, by the certificates of `tests/tls`; and its address by TLS, without the scheme.
    pub fn with_tls(options: &[&str]) -> (Self, String) {
        let port = free_port().to_string();
        let [key, certificate] = ["server.key", "server.pem"].map(|name| tls(name).display().to_string());
        let own = ["--tls-port", &port, "--tls-key-file", &key, "--tls-cert-file", &certificate];
        let own = [&own[..], &["--tls-auth-clients", "no"], options].concat();
        (Self::with(&own), format!("127.0.0.1:{port}"))
    }

    /// The file of the authority behind its certificate.
    pub fn authority() -> PathBuf {
        tls("ca.pem")
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
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
        command.args(&self.options);
        let quiet = command.arg("--dir").arg(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        self.server = Some(quiet.stderr(Stdio::null()).spawn().unwrap());
        let begin = Instant::now();
        while self.say(&["PING"]).is_none_or(|said| said != "PONG") {
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
        assert!(self.say(&["FLUSHALL"]).as_deref() == Some("OK"));
    }

    /// Lets time pass for those who share limits: until `now`, in milliseconds since 1970, which must be later than it is.
    /// From there on time stands still.
    pub fn pass(&self, now: i64) {
        assert_eq!(self.say(&["EVAL", PASS, "1", PREFIX, &now.to_string()]).as_deref(), Some("OK"));
    }

    /// Forgets everything but that it is `now`.
    pub fn empty_at(&self, now: i64) {
        assert_eq!(self.say(&["EVAL", EMPTY_AT, "1", PREFIX, &now.to_string()]).as_deref(), Some("OK"));
    }

    /// Writes everything to the disk.
    pub fn save(&self) {
        assert!(self.say(&["SAVE"]).as_deref() == Some("OK"));
    }

    /// Says one of the server's own commands: some words, and then those of a text.
    pub fn configure(&self, words: &[&str], text: &str) {
        let all: Vec<&str> = words.iter().copied().chain(text.split_whitespace()).collect();
        assert!(self.say(&all).as_deref() == Some("OK"), "{all:?}");
    }

    fn signal(&self, signal: &str) {
        let id = self.server.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// What it counts of each limit: the limit's name, and what is used and reserved together.
    pub fn counted(&self) -> Vec<(String, i64)> {
        let all = self.say(&["EVAL", COUNTED, "0"]).unwrap();
        let one = |line: &str| {
            let (name, sum) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), sum.parse().unwrap())
        };
        all.lines().map(one).collect()
    }

    /// How many listen for changes.
    pub fn listeners(&self) -> usize {
        let count = "return tostring(redis.call('PUBSUB', 'NUMSUB', 'llm-gateway:{1}:changes')[2])";
        self.say(&["EVAL", count, "0"]).unwrap().parse().unwrap()
    }

    /// Says something, and gives the answer, which is a text.
    fn say(&self, words: &[&str]) -> Option<String> {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        line.set_read_timeout(Some(PATIENCE)).ok()?;
        let told: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
        line.write_all(format!("*{}\r\n{told}", words.len()).as_bytes()).ok()?;
        let mut line = BufReader::new(line);
        let mut head = String::new();
        line.read_line(&mut head).ok()?;
        let Some(length) = head.strip_prefix('$') else {
            return head.strip_prefix('+').map(|said| said.trim_end().to_owned());
        };
        let mut text = vec![0; length.trim_end().parse().ok()?];
        line.read_exact(&mut text).ok()?;
        String::from_utf8(text).ok()
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

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn tls(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tls").join(name)
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
