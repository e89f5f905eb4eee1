//! Ids of keys, limits and whom they belong to: a prefix that says what it is, and a UUID of version 7, so that they sort by age.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::LimitId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// An id that nothing has yet.
            pub fn fresh() -> Self {
                Self(fresh($prefix).into())
            }

            /// An id made before. Any text is one; that of nothing that exists is found nowhere.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The id of a virtual key: `key_…`. It is no secret.
    KeyId, "key"
}
id! {
    /// The id of a team: `team_…`.
    TeamId, "team"
}
id! {
    /// The id of an organization: `org_…`.
    OrganizationId, "org"
}
id! {
    /// The id of a user: `user_…`.
    UserId, "user"
}

/// The id of a limit that is made through the API.
pub(super) fn fresh_limit() -> LimitId {
    LimitId::new(fresh("limit"))
}

fn fresh(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::now_v7().simple())
}
