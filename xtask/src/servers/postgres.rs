//! PostgreSQL, made anew for each run.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::run::{apt_install, is_root, is_there, name};

use super::free_port;

/// How tests find it (`llm_gateway::testing::POSTGRES`).
const VARIABLE: &str = "LLM_TEST_POSTGRES";
/// What starts another one, which a test may stop (`llm_tests::live::TestPostgres`): a program or argument a line.
const SPARE: &str = "LLM_TEST_POSTGRES_SPARE";
/// PostgreSQL refuses to run as root: these are who runs it then, the first that there is.
const USERS: [&str; 2] = ["postgres", "nobody"];
/// What a start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// A server for tests may forget everything when the machine stops, and many tests use it at once.
const SETTINGS: [&str; 7] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=400",
    "shared_buffers=64MB",
    "autovacuum_naptime=10s",
    "unix_socket_directories=",
];

/// A server that runs. Dropped, it is ended and its files are deleted.
pub(crate) struct Postgres {
    server: Child,
    folder: PathBuf,
    port: u16,
    spare: String,
}

impl Postgres {
    /// Makes a cluster, starts it, and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let binaries = binaries()?;
        let folder = std::env::temp_dir().join(format!("llm-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("can't make `{}`", folder.display()))?;
        let user = if is_root() { Some(unprivileged(&folder)?) } else { None };
        let data = folder.join("data");
        let mut initdb = demoted(&binaries.join("initdb"), user);
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "--pgdata"]);
        quietly(initdb.arg(&data).current_dir(&folder))?;
        let spare = folder.join("spare");
        quietly(demoted(Path::new("cp"), user).arg("-R").args([&data, &spare]).current_dir(&folder))?;
        let serve = |data: &Path| {
            let mut command = demoted(&binaries.join("postgres"), user);
            command.arg("-D").arg(data).args(["-h", "127.0.0.1"]);
            for setting in SETTINGS {
                command.args(["-c", setting]);
            }
            command
        };
        let port = free_port()?;
        let mut command = serve(&data);
        command.args(["-p", &port.to_string()]);
        // It must not forget what it has said that it has, also when it is killed.
        let spare = words(serve(&spare).args(["-c", "synchronous_commit=on"]));
        let log = std::fs::File::create(folder.join("log"))?;
        let server = command.current_dir(&folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        let mut postgres = Self { server: server.with_context(|| name(&command))?, folder, port, spare };
        postgres.wait(&binaries)?;
        Ok(postgres)
    }

    /// What tests are told.
    pub(crate) fn variables(&self) -> [(&'static str, String); 2] {
        [(VARIABLE, self.url()), (SPARE, self.spare.clone())]
    }

    /// The server's address, without a database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}", self.port)
    }

    fn wait(&mut self, binaries: &Path) -> Result<()> {
        let begin = Instant::now();
        loop {
            let mut probe = Command::new(binaries.join("pg_isready"));
            probe.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if probe.status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            let ended = self.server.try_wait()?;
            if ended.is_some() || begin.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                anyhow::bail!("the private PostgreSQL does not start\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is its fast shutdown: connections are closed, nobody is waited for.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The folder of the server's binaries. Debian keeps them out of the path, a folder for each version.
fn binaries() -> Result<PathBuf> {
    if let Some(folder) = find() {
        return Ok(folder);
    }
    apt_install(&["postgresql"], "PostgreSQL, which the tests run on,")?;
    find().context("PostgreSQL was installed, but its `initdb` can't be found")
}

fn find() -> Option<PathBuf> {
    let has = |folder: &PathBuf| ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).exists());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    // The newest last: 9 sorts behind 15 as text, and is long gone.
    debian.sort();
    std::env::split_paths(&path).find(has).or_else(|| debian.into_iter().rev().find(has))
}

/// Somebody else than root, to whom the folder is given.
fn unprivileged(folder: &Path) -> Result<&'static str> {
    let exists = |user: &&str| Command::new("id").arg(user).output().is_ok_and(|output| output.status.success());
    let user =
        USERS.into_iter().find(exists).context("PostgreSQL refuses to run as root, and there is no other user")?;
    quietly(Command::new("chown").arg(user).arg(folder))?;
    Ok(user)
}

/// A command that runs as `user`.
fn demoted(program: &Path, user: Option<&str>) -> Command {
    let Some(user) = user else { return Command::new(program) };
    let mut command;
    if is_there("setpriv", "--version") {
        command = Command::new("setpriv");
        command.args([&format!("--reuid={user}"), "--clear-groups"]).arg(program);
    } else {
        command = Command::new("su");
        command.args(["-s", "/bin/sh", user, "-c", "exec \"$0\" \"$@\"", "--"]).arg(program);
    }
    command
}

/// A command, a program or argument a line.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join("\n")
}

/// Runs a command, and shows what it wrote only where it fails.
fn quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("can't run {}", name(command)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{} failed\n{said}", name(command));
    Ok(())
}
