//! Servers for tests: private ones, on free ports of loopback, with their files in a temporary folder. They end with
//! the chore that started them.
//!
//! A server is a struct that is started from installed binaries and ended when it is dropped, and that says by which
//! environment variables tests find it.

mod postgres;
mod redis;

use std::net::TcpListener;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::run::hand_on;
use postgres::Postgres;
use redis::Redis;

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// The command to run while they are there: `-- cargo test -p llm-gateway NAME`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "COMMAND")]
    command: Vec<std::ffi::OsString>,
}

/// Runs a command while the servers are there.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let servers = Servers::start()?;
    let (program, arguments) = args.command.split_first().ok_or_else(|| anyhow::anyhow!("no command is named"))?;
    hand_on(servers.tell(Command::new(program).args(arguments)))
}

/// All of them.
pub(crate) struct Servers {
    postgres: Postgres,
    redis: Redis,
}

impl Servers {
    /// Starts them, and waits until they answer.
    pub(crate) fn start() -> Result<Self> {
        Ok(Self { redis: Redis::installed()?, postgres: Postgres::start()? })
    }

    /// The address of an empty database.
    pub(crate) fn database(&self) -> String {
        format!("{}/postgres", self.postgres.url())
    }

    /// Tells a command where they are.
    pub(crate) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.postgres.variables()).envs(self.redis.variables())
    }
}

/// A port that nothing listens at.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
