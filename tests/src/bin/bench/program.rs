//! The programs under test, each on the core that it belongs to, ended when they are dropped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::drive::call_once;
use super::wire::post;

/// The core of the program under test.
const FIRST: &str = "0";
/// The core of driver and mock.
const SECOND: &str = "1";

/// A program that listens.
pub(crate) struct Program {
    child: Child,
    /// Where.
    pub(crate) address: String,
}

impl Program {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already needs no ending.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Moves this process, and what it starts, to the second core.
pub(crate) fn settle_on_second_core() -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    ensure!(cores >= 2, "a measurement needs two cores, one for the program under test alone");
    let own = std::process::id().to_string();
    let moved = Command::new("taskset").args(["-pc", SECOND, &own]).stdout(Stdio::null()).status();
    ensure!(
        moved.context("`taskset` can't be run; it is in the package `util-linux`")?.success(),
        "`taskset` could not move this process"
    );
    Ok(())
}

fn on_core(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// The mock upstream, beside the driver; its address.
pub(crate) fn mock() -> Result<Program> {
    says_address(on_core(SECOND, &std::env::current_exe()?).arg("mock"))
}

/// The bare proxy.
pub(crate) fn floor(upstream: &Program) -> Result<Program> {
    says_address(on_core(FIRST, &std::env::current_exe()?).args(["floor", &upstream.address]))
}

/// Starts a program whose first line is its address.
fn says_address(command: &mut Command) -> Result<Program> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("can't start")?;
    let mut address = String::new();
    BufReader::new(child.stdout.take().context("no standard output")?).read_line(&mut address)?;
    let address = address.trim().to_owned();
    ensure!(!address.is_empty(), "a program ended before it said where it listens");
    Ok(Program { child, address })
}

/// The gateway with everything on: a key with four limits, reservation, cost, journal, SQLite.
pub(crate) struct Gateway {
    pub(crate) program: Program,
    pub(crate) key: String,
    _folder: TempDir,
}

/// Configuration, database and key of a gateway that is not running.
pub(crate) struct Prepared {
    pub(crate) folder: TempDir,
    pub(crate) key: String,
    address: String,
}

impl Gateway {
    pub(crate) fn start(binary: &Path, upstream: &Program) -> Result<Self> {
        let Prepared { folder, key, address } = Prepared::new(binary, upstream)?;
        let child = serve(binary, &folder, &address)?;
        let program = Program { child, address };
        first_answer(&program.address, &key)?;
        Ok(Self { program, key, _folder: folder })
    }
}

impl Prepared {
    pub(crate) fn new(binary: &Path, upstream: &Program) -> Result<Self> {
        let binary = binary.canonicalize().with_context(|| format!("there is no `{}`", binary.display()))?;
        let folder = tempfile::tempdir()?;
        let upstream = &upstream.address;
        let price = r#"price = { input = "0.40", output = "1.60", cache_read = "0.10" }"#;
        let config = format!(
            "[providers.mock]\nprotocol = \"openai-chat\"\nbase_url = \"http://{upstream}/v1\"\napi_key = \"upstream\"\n\n\
             [providers.mock-anthropic]\nprotocol = \"anthropic\"\nversion = \"2023-06-01\"\nbase_url = \"http://{upstream}\"\napi_key = \"upstream\"\n\n\
             [[models]]\nname = \"bench-openai\"\ndeployments = [{{ model = \"mock:gpt-4.1-mini\", {price} }}]\n\n\
             [[models]]\nname = \"bench-anthropic\"\n\
             deployments = [{{ model = \"mock-anthropic:claude-haiku-4-5\", {price} }}]\n"
        );
        std::fs::write(folder.path().join("llm-gateway.toml"), config)?;
        let limits =
            ["spend=100000/month", "requests=100000000/minute", "tokens=100000000000/day", "concurrency=100000"];
        let mut create = clean(&Command::new(&binary), &folder);
        create.args(["key", "create", "--name", "bench"]).args(limits.iter().flat_map(|limit| ["--limit", limit]));
        let made = create.stderr(Stdio::inherit()).output()?;
        ensure!(made.status.success(), "the gateway could not make a key");
        let key = String::from_utf8(made.stdout)?.trim().to_owned();
        // The port is free again when the listener is dropped, and nobody else asks for it in between.
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        Ok(Self { folder, key, address })
    }

    /// Starts the gateway; the time from the start of the process to the end of its first answer.
    pub(crate) fn time_to_first_answer(&self, binary: &Path) -> Result<Duration> {
        let start = Instant::now();
        let program = Program { child: serve(binary, &self.folder, &self.address)?, address: self.address.clone() };
        first_answer(&program.address, &self.key)?;
        Ok(start.elapsed())
    }
}

/// A command in the folder, without anything from the person's own environment.
fn clean(command: &Command, folder: &TempDir) -> Command {
    let mut clean = Command::new(command.get_program());
    clean.args(command.get_args()).current_dir(folder.path()).env_clear();
    clean.env("HOME", folder.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    clean
}

fn serve(binary: &Path, folder: &TempDir, address: &str) -> Result<Child> {
    let mut command = clean(&on_core(FIRST, &binary.canonicalize()?), folder);
    command.args(["serve", "--listen", address]).stdin(Stdio::null()).stdout(Stdio::null());
    let log = std::fs::File::create(folder.path().join("serve.log"))?;
    command.stderr(log).spawn().context("the gateway can't be started")
}

fn first_answer(address: &str, key: &str) -> Result<()> {
    let body = r#"{"model":"bench-openai","messages":[{"role":"user","content":"Hello"}],"max_tokens":10}"#;
    let request = post("/v1/chat/completions", key, body);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let give_up = Instant::now() + Duration::from_secs(20);
        while !call_once(address, &request).await? {
            ensure!(Instant::now() < give_up, "the gateway does not listen on {address}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    })
}
