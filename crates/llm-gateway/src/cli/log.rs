//! Logging to standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::config::{LogConfig, LogFormat, Problem, Problems, env};

/// Logs from now on as the configuration says.
pub(super) fn start(config: &LogConfig) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| {
        let message = format!("`{}` is not a filter for the log: {error}", config.filter);
        let hint = Some(format!("write a level such as `info` in `log.filter` or `{}`", env::LOG));
        Problems(vec![Problem { file: None, line: None, message, hint }])
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match config.format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
