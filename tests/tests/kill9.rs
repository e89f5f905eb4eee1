//! The real binary, killed and stopped under load: no admitted call is forgotten, none is charged twice.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't be set up must fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use llm_core::NanoUsd;
use llm_gateway::Gateway;
use llm_gateway::config::Config;
use llm_gateway::limits::LimitStatus;
use llm_gateway::record::{CallRecord, CallStatus};
use llm_gateway::store::{CallFilter, calls};
use llm_tests::live::{Script, Seen, Upstream, openai};
use serde_json::json;
use tempfile::TempDir;

/// The gateway's binary, its files, and the one key that calls.
struct Installed {
    folder: TempDir,
    port: u16,
    key: String,
}

impl Installed {
    async fn before(upstream: &Upstream, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!("{more}\n{}", upstream.as_fast());
        std::fs::write(folder.path().join("llm-gateway.toml"), config).unwrap();
        let mut installed = Self { folder, port, key: String::new() };
        let made =
            installed.command(&["key", "create", "--name", "load", "--limit", "spend=100/total"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        installed.key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        installed
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_by(&[env!("CARGO_BIN_EXE_gateway-under-test")]);
        command.args(arguments);
        command
    }

    /// Another program in the gateway's place.
    fn command_by(&self, program: &[&str]) -> Command {
        let mut command = Command::new(program[0]);
        command
            .current_dir(self.path())
            .args(&program[1..])
            .env("LLM_GATEWAY_LISTEN", format!("127.0.0.1:{}", self.port));
        command.env("LLM_GATEWAY_DATABASE", database(self.folder.path()));
        command
    }

    async fn serve(&self) -> Running {
        self.serve_by(self.command(&["serve"])).await
    }

    async fn serve_by(&self, mut command: Command) -> Running {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let running = Running(child);
        let health = format!("http://127.0.0.1:{}/readyz", self.port);
        for _ in 0..400 {
            if let Ok(answer) = reqwest::get(&health).await
                && answer.status() == 200
            {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the gateway does not become ready");
    }

    /// Makes one call, as `user`; whether the whole answer came.
    async fn call(&self, user: &str, stream: bool) -> bool {
        let messages = json!([{"role": "user", "content": "go on"}]);
        let body = json!({"model": "fast", "user": user, "max_tokens": 60, "stream": stream, "messages": messages});
        let request = reqwest::Client::new().post(format!("http://127.0.0.1:{}/v1/chat/completions", self.port));
        let Ok(answer) = request.bearer_auth(&self.key).body(body.to_string()).send().await else { return false };
        if answer.status() != 200 {
            return false;
        }
        match answer.text().await {
            Ok(text) => {
                if stream {
                    text.ends_with("data: [DONE]\n\n")
                } else {
                    text.contains("\"usage\"")
                }
            }
            Err(_) => false,
        }
    }
}

/// A gateway that runs. Dropped, it is killed.
struct Running(Child);

impl Running {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn id(&self) -> String {
        self.0.id().to_string()
    }

    fn told_to_stop(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.id()]).status().unwrap().success());
    }

    async fn stopped(mut self) -> bool {
        tokio::task::spawn_blocking(move || self.0.wait().unwrap().success()).await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn database(folder: &Path) -> String {
    llm_gateway::testing::url(&folder.join("llm-gateway.db"))
}

/// What stands in the books of a gateway that has stopped.
async fn books(folder: &Path) -> (Vec<CallRecord>, LimitStatus) {
    let text = std::fs::read_to_string(folder.join("llm-gateway.toml")).unwrap();
    let (mut config, _) = Config::parse("test.toml", &text, &|_| None).unwrap();
    config.database = database(folder).parse().unwrap();
    config.journal.path = Some(folder.join("llm-gateway.journal"));
    let gateway = Gateway::open(config).await.unwrap();
    gateway.flush().await.unwrap();
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = calls(gateway.db(), &CallFilter::default(), cursor.as_deref(), 500).await.unwrap();
        all.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let key = gateway.keys().list(None, 1, |_| true).remove(0);
    let limit = gateway.ledger().statuses(gateway.now_ms(), &key.scope()).remove(0);
    gateway.close(Duration::from_secs(5)).await.unwrap();
    (all, limit)
}

/// How many call at once.
const CALLERS: usize = 24;

/// How often the process is killed: more often in `cargo xtask soak kill9`.
fn kills() -> usize {
    std::env::var("LLM_TEST_KILLS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

/// Answers that take a while, so that there is always something under way.
fn slowly(seen: &Seen) -> Script {
    let answer = openai::echo(&seen.json(), &["word "; 20], 9);
    match seen.json()["stream"] == true {
        true => answer.paced(Duration::from_millis(5)),
        false => answer.after(Duration::from_millis(60)),
    }
}

fn users(upstream: &Upstream) -> Vec<String> {
    upstream.seen().iter().map(|seen| seen.json()["user"].as_str().unwrap().to_owned()).collect()
}

/// Callers on a gateway who call until a call fails, half of them streaming.
fn callers(installed: &Arc<Installed>, count: usize, round: usize) -> Vec<tokio::task::JoinHandle<Vec<String>>> {
    let caller = |caller: usize| {
        let installed = installed.clone();
        tokio::spawn(async move {
            let mut whole = Vec::new();
            for number in 0.. {
                let user = format!("{round}-{caller}-{number}");
                if !installed.call(&user, (caller + number).is_multiple_of(2)).await {
                    break;
                }
                whole.push(user);
            }
            whole
        })
    };
    (0..count).map(caller).collect()
}

/// The users whose calls came whole, once all callers have given up.
async fn whole(callers: Vec<tokio::task::JoinHandle<Vec<String>>>) -> BTreeSet<String> {
    join_all(callers).await.into_iter().flat_map(Result::unwrap).collect()
}

/// Starts the gateway, kills it under load, and gives the users whose calls came whole.
async fn killed_under_load(installed: &Arc<Installed>, upstream: &Upstream, round: usize) -> BTreeSet<String> {
    let mut running = installed.serve().await;
    let callers = callers(installed, CALLERS, round);
    let enough = upstream.seen().len() + 80;
    while upstream.seen().len() < enough {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    running.kill();
    whole(callers).await
}

/// Checks that every call has one record: those that came whole an exact one, the others that reached the provider one
/// of any kind; and that the limit has counted them all. Gives how many were interrupted.
fn add_up(records: &[CallRecord], limit: &LimitStatus, whole: &BTreeSet<String>, upstream: &Upstream) -> usize {
    let mut by_user: BTreeMap<&str, &CallRecord> = BTreeMap::new();
    for record in records {
        let earlier = by_user.insert(record.end_user.as_deref().unwrap(), record);
        assert!(earlier.is_none(), "two records of one call: {record:?}");
    }
    for user in users(upstream) {
        assert!(by_user.contains_key(user.as_str()), "call {user} reached the provider and has no record");
    }
    for user in whole {
        let record = by_user[user.as_str()];
        assert_eq!((record.status, record.estimated), (CallStatus::Ok, false), "{record:?}");
        assert_eq!(record.cost_usd, Some(NanoUsd(9 * 1_000 + 20 * 2_000)));
    }
    let interrupted: Vec<_> = records.iter().filter(|record| record.status == CallStatus::Interrupted).collect();
    for record in &interrupted {
        assert!(record.estimated && record.cost_usd == record.reserved_usd && record.cost_usd > Some(NanoUsd::ZERO));
    }
    let sum: NanoUsd = records.iter().map(|record| record.cost_usd.unwrap()).sum();
    assert_eq!((limit.used, limit.reserved), (sum.0, 0));
    interrupted.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_charged_twice_when_the_process_is_killed() {
    let upstream = Upstream::start(slowly).await;
    let installed = Arc::new(Installed::before(&upstream, "").await);
    let mut whole = BTreeSet::new();
    let rounds = kills();
    for round in 0..rounds {
        whole.extend(killed_under_load(&installed, &upstream, round).await);
    }
    // The next process settles what the last one left.
    let running = installed.serve().await;
    running.told_to_stop();
    assert!(running.stopped().await);

    let (records, limit) = books(&installed.path()).await;
    let interrupted = add_up(&records, &limit, &whole, &upstream);
    assert!((rounds..=rounds * CALLERS).contains(&interrupted), "{interrupted} were interrupted");
    println!(
        "killed {rounds} times: {} calls reached the provider, {} answers came whole, {} records, {interrupted} \
         interrupted",
        upstream.seen().len(),
        whole.len(),
        records.len(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_of_a_gateway_that_never_comes_back_is_shipped_by_hand() {
    let upstream = Upstream::start(slowly).await;
    let installed = Arc::new(Installed::before(&upstream, "").await);
    let whole = killed_under_load(&installed, &upstream, 0).await;
    // Another machine is given the folder.
    let journal = installed.path().join("lost.journal");
    std::fs::rename(installed.path().join("llm-gateway.journal"), &journal).unwrap();
    let ship = || {
        let done = installed.command(&["journal", "ship", journal.to_str().unwrap()]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let said = String::from_utf8(done.stdout).unwrap();
        let numbers = said.rsplit('`').next().unwrap().split(|letter: char| !letter.is_ascii_digit());
        let numbers: Vec<usize> = numbers.filter_map(|number| number.parse().ok()).collect();
        (numbers[0], numbers[1])
    };
    let (_, interrupted) = ship();
    assert_eq!(ship(), (0, 0), "everything was shipped the first time");
    let (records, limit) = books(&installed.path()).await;
    assert_eq!(add_up(&records, &limit, &whole, &upstream), interrupted);
    assert!(interrupted > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_new_calls_until_there_is_room_and_loses_none() {
    let upstream = Upstream::start(slowly).await;
    let installed = Arc::new(Installed::before(&upstream, "").await);
    let mut command = installed.command_by(&["sh", "-c", "trap '' XFSZ; exec \"$0\" serve"]);
    command.arg(env!("CARGO_BIN_EXE_gateway-under-test"));
    let running = installed.serve_by(command).await;
    let room = |bytes: &str| {
        let limit = format!("--fsize={bytes}:unlimited");
        assert!(Command::new("prlimit").args([&limit, "--pid", &running.id()]).status().unwrap().success());
    };
    // No file may grow beyond this: not the journal's, and with SQLite not the database's.
    room("100000");
    let callers = callers(&installed, CALLERS, 0);
    let mut whole = whole(callers).await;
    let ready = format!("http://127.0.0.1:{}/readyz", installed.port);
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 503);
    let reached: BTreeSet<String> = users(&upstream).into_iter().collect();
    assert_eq!(whole, reached, "calls in flight end, and refused ones reach nobody");

    room("unlimited");
    for _ in 0..400 {
        if reqwest::get(&ready).await.unwrap().status() == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(installed.call("again", true).await, "calls are taken again");
    whole.insert("again".to_owned());
    running.told_to_stop();
    assert!(running.stopped().await);
    let (records, limit) = books(&installed.path()).await;
    assert_eq!(add_up(&records, &limit, &whole, &upstream), 0);
    assert_eq!(records.len(), whole.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_in_flight_finish_when_the_process_is_told_to_stop() {
    let upstream = Upstream::start(|seen| {
        let answer = openai::echo(&seen.json(), &["word "; 20], 9);
        match seen.json()["stream"] == true {
            true => answer.paced(Duration::from_millis(60)),
            false => answer.after(Duration::from_millis(1200)),
        }
    })
    .await;
    let installed = Arc::new(Installed::before(&upstream, "drain = \"20s\"").await);
    let running = installed.serve().await;
    let callers: Vec<_> = [true, false, true]
        .map(|stream| {
            let installed = installed.clone();
            tokio::spawn(async move { installed.call(if stream { "a" } else { "b" }, stream).await })
        })
        .into();
    while upstream.seen().len() < 3 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    running.told_to_stop();
    let mut refused = false;
    while upstream.at_work() > 0 && !refused {
        refused = tokio::net::TcpStream::connect(("127.0.0.1", installed.port)).await.is_err();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused, "new connections were taken until the last call had ended");
    for caller in callers {
        assert!(caller.await.unwrap(), "a call in flight was cut");
    }
    assert!(running.stopped().await);
    let (records, limit) = books(&installed.path()).await;
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record.status == CallStatus::Ok && !record.estimated), "{records:?}");
    assert_eq!(limit.used, 3 * (9 * 1_000 + 20 * 2_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_outlives_the_drain_is_charged_by_what_had_arrived() {
    let upstream =
        Upstream::start(|seen| openai::echo(&seen.json(), &["word "; 50], 9).paced(Duration::from_millis(200))).await;
    let installed = Arc::new(Installed::before(&upstream, "drain = \"300ms\"").await);
    let running = installed.serve().await;
    let caller = installed.clone();
    let caller = tokio::spawn(async move { caller.call("a", true).await });
    while upstream.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Some words have come by then.
    tokio::time::sleep(Duration::from_millis(800)).await;
    running.told_to_stop();
    assert!(running.stopped().await);
    assert!(!caller.await.unwrap());
    let (records, limit) = books(&installed.path()).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].status, CallStatus::CallerGone);
    assert!(records[0].estimated && records[0].cost_usd > Some(NanoUsd::ZERO), "{records:?}");
    assert!(records[0].cost_usd <= records[0].reserved_usd);
    assert_eq!((limit.used, limit.reserved), (records[0].cost_usd.unwrap().0, 0));
}
