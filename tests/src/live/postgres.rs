//! A PostgreSQL of a test's own, which can be stopped and started again.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use llm_gateway::testing;

/// The command that starts it, a program or argument a line, but for its port.
const SPARE: &str = "LLM_TEST_POSTGRES_SPARE";

/// There is one folder of data, so one test at a time.
static ONE: Mutex<()> = Mutex::new(());

/// A server on a free port of loopback. Ended when it is dropped.
#[derive(Debug)]
pub struct TestPostgres {
    server: Option<Child>,
    port: u16,
    _one: MutexGuard<'static, ()>,
}

impl TestPostgres {
    /// Starts it.
    pub fn start() -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut postgres = Self { server: None, port, _one: one };
        postgres.restart();
        postgres
    }

    /// The address of an empty database, which belongs to `file`.
    pub fn database(&self, file: &Path) -> String {
        testing::postgres_at(&self.server(), file)
    }

    /// Ends it as a crash does.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // SIGQUIT is its immediate shutdown: nothing is written any more, nobody is told.
            assert!(Command::new("kill").args(["-QUIT", &server.id().to_string()]).status().unwrap().success());
            server.wait().unwrap();
        }
    }

    /// Starts it again at the same place, with what it had.
    pub fn restart(&mut self) {
        self.stop();
        let spare = std::env::var(SPARE).unwrap_or_else(|_| {
            panic!(
                "this test needs a PostgreSQL of its own, and `{SPARE}` does not say how to start one\n\
                 hint: run the tests by `cargo xtask test`, or one by `cargo xtask servers -- cargo test …`"
            )
        });
        let mut words = spare.lines();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(["-p", &self.port.to_string()]);
        // Its user may not be allowed to be where the test is.
        let command = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(command.spawn().unwrap());
        testing::wait_for(&self.server());
    }

    /// Where it listens, `127.0.0.1:PORT`.
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn server(&self) -> String {
        format!("postgres://postgres@{}", self.place())
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        self.stop();
    }
}
