//! By whom keys, limits and whom they belong to are changed: what the audit log says.

use schemars::JsonSchema;
use serde::Serialize;

use crate::keys::{KeyId, UserId};

tokio::task_local! {
    static AUTHOR: Author;
}

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    /// Who presented the administrator's own key.
    Administrator,
    /// Who presented a virtual key with a role.
    Key {
        /// The key.
        key: KeyId,
        /// The user that it belonged to.
        user: Option<UserId>,
    },
    /// Whoever came with a token for the first time, and what that made.
    Login {
        /// The user that they are.
        user: UserId,
    },
    /// Someone on a machine that reaches the database.
    CommandLine,
    /// The process itself: at its first start, or because an application that holds the gateway wants it.
    Process,
}

impl Author {
    /// Does work whose changes are this author's. It is said here once and not with every change, so that no change can
    /// be made without one; work that is spawned from within is the process's.
    pub async fn does<T>(self, work: impl Future<Output = T>) -> T {
        AUTHOR.scope(self, work).await
    }

    /// Whose work is being done.
    pub(crate) fn current() -> Self {
        AUTHOR.try_with(Self::clone).unwrap_or(Self::Process)
    }

    /// The name of the kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Key { .. } => "key",
            Self::Login { .. } => "login",
            Self::CommandLine => "command_line",
            Self::Process => "process",
        }
    }

    /// The author of that kind; none where the kind is not known or lacks its key.
    pub(crate) fn of(kind: &str, key: Option<String>, user: Option<String>) -> Option<Self> {
        match kind {
            "administrator" => Some(Self::Administrator),
            "key" => Some(Self::Key { key: KeyId::new(key?), user: user.map(UserId::new) }),
            "login" => Some(Self::Login { user: UserId::new(user?) }),
            "command_line" => Some(Self::CommandLine),
            "process" => Some(Self::Process),
            _ => None,
        }
    }
}
