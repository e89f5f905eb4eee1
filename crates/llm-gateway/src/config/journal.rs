//! The spend journal's settings.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Period, Size};

/// `[journal]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JournalConfig {
    /// The folder of its segments; beside the database and named like it (`llm-gateway.journal`) unless set.
    pub path: Option<PathBuf>,
    /// How often what was written is forced to the disk. A power cut may lose that much; a killed process loses
    /// nothing either way.
    pub sync: Period,
    /// How large the part may grow that is not yet in the database, before calls are refused with
    /// `journal_unavailable`.
    pub max_size: Size,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { path: None, sync: Period::millis(100), max_size: Size::mebibytes(1024) }
    }
}
