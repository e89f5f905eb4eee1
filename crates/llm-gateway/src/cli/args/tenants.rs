//! What can be said of organizations, teams and users.

use clap::{Args as Arguments, Subcommand};

use crate::keys::Role;
use crate::limits::LimitSpec;

/// What can be said of whatever keys belong to.
#[derive(Debug, Arguments)]
pub(in crate::cli) struct TenantArgs {
    /// What to call it; no other may be called so
    #[arg(long)]
    pub(in crate::cli) name: String,
    /// A limit that all its keys share: `spend=25/month` (US dollars), `requests=60/minute`. Once for each
    #[arg(long = "limit", value_name = "METER=AMOUNT/WINDOW")]
    pub(in crate::cli) limits: Vec<LimitSpec>,
    /// Which models its keys may call, with commas between them: `openai:*,fast`
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    pub(in crate::cli) models: Option<Vec<String>>,
    /// Print it as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OrganizationCommand {
    /// Make an organization; its id is printed alone on standard output
    Create(TenantArgs),
    /// List organizations, newest first
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an organization, its limits and what it has spent
    Show {
        /// Its id or name
        organization: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse the keys of all its teams from now on
    Block {
        /// Its id or name
        organization: String,
    },
    /// Accept them again
    Unblock {
        /// Its id or name
        organization: String,
    },
    /// Delete an organization with its teams and their keys; what they spent stays on record
    Delete {
        /// Its id or name
        organization: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TeamCommand {
    /// Make a team; its id is printed alone on standard output
    Create {
        #[command(flatten)]
        tenant: TenantArgs,
        /// The organization it belongs to
        #[arg(long, value_name = "NAME|ID")]
        organization: Option<String>,
    },
    /// List teams, newest first
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a team, its members, its limits and what it has spent
    Show {
        /// Its id or name
        team: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse its keys from now on
    Block {
        /// Its id or name
        team: String,
    },
    /// Accept them again
    Unblock {
        /// Its id or name
        team: String,
    },
    /// Delete a team with its keys; what they spent stays on record
    Delete {
        /// Its id or name
        team: String,
    },
    /// Make a user a member, or give it another role there
    Add {
        /// The team's id or name
        team: String,
        /// The user's id or name
        user: String,
        /// `member` or `team_administrator`
        #[arg(long, default_value = "member")]
        role: Role,
    },
    /// Take a user out of a team
    Remove {
        /// The team's id or name
        team: String,
        /// The user's id or name
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UserCommand {
    /// Make a user; its id is printed alone on standard output
    Create {
        #[command(flatten)]
        tenant: TenantArgs,
        /// Its address
        #[arg(long)]
        email: Option<String>,
        /// What it may do: `administrator`, `auditor`, `team_administrator`, `member`
        #[arg(long)]
        role: Option<Role>,
        /// A team it is a member of; once for each
        #[arg(long = "team", value_name = "NAME|ID")]
        teams: Vec<String>,
    },
    /// List users, newest first
    List {
        /// Only the members of this team
        #[arg(long, value_name = "NAME|ID")]
        team: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a user, its limits and what it has spent
    Show {
        /// Its id or name
        user: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse its keys from now on
    Block {
        /// Its id or name
        user: String,
    },
    /// Accept them again
    Unblock {
        /// Its id or name
        user: String,
    },
    /// Delete a user with its keys; what they spent stays on record
    Delete {
        /// Its id or name
        user: String,
    },
}
