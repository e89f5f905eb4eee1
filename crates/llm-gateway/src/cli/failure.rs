//! Why the command did not do what was asked, and what its exit code says of it.

use std::fmt::{self, Display};
use std::io;
use std::process::ExitCode;

use llm_core::Error;

use crate::config::Problems;

#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration is wrong: exit code 2.
    Configuration(Problems),
    /// What was asked can't be done: exit code 1.
    Failed { message: String, hint: Option<String> },
    /// Nothing has the name that was said: exit code 1.
    Missing { what: &'static str, text: String, near: Option<String> },
    /// Whoever read the output has read enough. That is success.
    PipeClosed,
}

impl Failure {
    pub(super) fn new(message: impl Display) -> Self {
        Self::Failed { message: message.to_string(), hint: None }
    }

    #[must_use]
    pub(super) fn with_hint(self, text: impl Display) -> Self {
        match self {
            Self::Failed { message, .. } => Self::Failed { message, hint: Some(text.to_string()) },
            other => other,
        }
    }

    /// Says what is wrong on standard error, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Configuration(problems) => {
                for problem in problems.0 {
                    eprintln!("error: {problem}");
                }
                ExitCode::from(2)
            }
            Self::Failed { message, hint } => failed(&message, hint.as_deref()),
            Self::Missing { what, ref near, .. } => {
                let hint = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("`llm-gateway {what} list` shows what there is"),
                };
                failed(&self.to_string(), Some(&hint))
            }
            Self::PipeClosed => ExitCode::SUCCESS,
        }
    }
}

fn failed(message: &str, hint: Option<&str>) -> ExitCode {
    eprintln!("error: {message}");
    if let Some(hint) = hint {
        eprintln!("  hint: {hint}");
    }
    ExitCode::FAILURE
}

/// What went wrong, without a hint: for a warning.
impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(problems) => problems.fmt(f),
            Self::Failed { message, .. } => f.write_str(message),
            Self::Missing { what, text, .. } => write!(f, "there is no {what} `{text}`"),
            Self::PipeClosed => f.write_str("nobody reads any more"),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Configuration(problems)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // Who runs this command owns the machine, and may know what is underneath.
        let message = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self::Failed { message, hint: error.hint().map(str::to_owned) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::PipeClosed } else { Self::new(error) }
    }
}
