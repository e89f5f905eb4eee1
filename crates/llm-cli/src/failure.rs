//! Why the command did not do what was asked, and what its exit code says of it.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use llm_providers::{Error, ErrorKind};

#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line, the environment or a file on it is wrong: exit code 2.
    Usage { message: String, hint: Option<String> },
    /// The provider or the way to it failed: exit code 1.
    Call { message: String, hint: Option<String> },
    /// Whoever read the answer has read enough. That is success.
    PipeClosed,
    /// It was said already, and only its exit code is left.
    Said(u8),
}

impl Failure {
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::Usage { message: message.to_string(), hint: None }
    }

    /// With what to do about it, in the place of an earlier hint.
    #[must_use]
    pub(crate) fn with_hint(self, text: impl Display) -> Self {
        let hint = Some(text.to_string());
        match self {
            Self::Usage { message, .. } => Self::Usage { message, hint },
            Self::Call { message, .. } => Self::Call { message, hint },
            other => other,
        }
    }

    /// Says what is wrong on standard error, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        self.say();
        match self.said() {
            Self::Said(code) => ExitCode::from(code),
            _ => ExitCode::SUCCESS,
        }
    }

    /// Says what is wrong on standard error.
    pub(crate) fn say(&self) {
        let (Self::Usage { message, hint } | Self::Call { message, hint }) = self else { return };
        eprintln!("error: {message}");
        if let Some(hint) = hint {
            eprintln!("hint: {hint}");
        }
    }

    /// The same, once it was said.
    pub(crate) fn said(self) -> Self {
        match self {
            Self::Usage { .. } => Self::Said(2),
            Self::Call { .. } => Self::Said(1),
            other => other,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (message, mut hint) = (error.to_string(), error.hint().map(str::to_owned));
        if let (None, Some(wait)) = (&hint, error.retry_after()) {
            hint = Some(format!("try again in {} seconds", wait.as_secs_f64().ceil()));
        }
        if is_the_users(&error) { Self::Usage { message, hint } } else { Self::Call { message, hint } }
    }
}

/// Whether the call was wrong before a byte of it was sent.
fn is_the_users(error: &Error) -> bool {
    use ErrorKind::{InvalidRequest, MissingCredential, ModelNotFound, NotImplemented, UnsupportedParameter};
    match error.kind() {
        MissingCredential | UnsupportedParameter => true,
        InvalidRequest | ModelNotFound | NotImplemented => error.provider().is_none(),
        _ => false,
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::PipeClosed;
        }
        Self::Call { message: error.to_string(), hint: None }
    }
}
