//! What can be said of limits.

use clap::{Args as Arguments, Subcommand};

use crate::limits::{Fail, LimitSpec, Zone};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LimitCommand {
    /// Make a limit; its id is printed alone on standard output
    Create(LimitArgs),
    /// List limits and what is used of them, newest first; those of the configuration are shown with their keys
    List {
        #[command(flatten)]
        of: ScopeArgs,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a limit another amount; it goes on from what it has counted
    Set {
        /// Its id
        id: String,
        /// The new amount: `30` or `30.00`
        amount: String,
    },
    /// Delete a limit
    Delete {
        /// Its id
        id: String,
    },
}

/// Whose calls are counted.
#[derive(Debug, Arguments)]
#[group(multiple = false)]
pub(in crate::cli) struct ScopeArgs {
    /// Of an organization
    #[arg(long, value_name = "NAME|ID")]
    pub(in crate::cli) organization: Option<String>,
    /// Of a team
    #[arg(long, value_name = "NAME|ID")]
    pub(in crate::cli) team: Option<String>,
    /// Of a user
    #[arg(long, value_name = "NAME|ID")]
    pub(in crate::cli) user: Option<String>,
    /// Of a key, by its id, name or prefix
    #[arg(long)]
    pub(in crate::cli) key: Option<String>,
    /// Of an application's own user; `*` for each by itself
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) end_user: Option<String>,
    /// With a tag; `*` for each by itself
    #[arg(long)]
    pub(in crate::cli) tag: Option<String>,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct LimitArgs {
    #[command(flatten)]
    pub(in crate::cli) of: ScopeArgs,
    /// How much: `spend=25/month` (US dollars), `requests=60/minute`, `tokens=100000/day`, `concurrency=5`
    #[arg(value_name = "METER=AMOUNT/WINDOW")]
    pub(in crate::cli) spec: LimitSpec,
    /// Of calls of these models only, with commas between them: `openai:*,fast`
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    pub(in crate::cli) models: Vec<String>,
    /// The time zone that calendar windows follow [default: `[limits] tz`, else UTC]
    #[arg(long, value_name = "ZONE")]
    pub(in crate::cli) tz: Option<Zone>,
    /// Never exceed it: what is reserved for an answer is sent upstream as its cap
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    /// The tokens of answer that a call is reserved at which states no bound
    #[arg(long, value_name = "TOKENS")]
    pub(in crate::cli) assume_output: Option<u64>,
    /// Percentages at which to notify, with commas between them: `80,100`
    #[arg(long, value_name = "PERCENT", value_delimiter = ',')]
    pub(in crate::cli) notify_at: Vec<u8>,
    /// What becomes of calls without Redis: `open` or `closed`
    #[arg(long)]
    pub(in crate::cli) fail: Option<Fail>,
}
