//! What can be said on the command line.

mod limit;
mod price;
mod reports;
mod tenants;

use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
pub(super) use limit::{LimitArgs, LimitCommand, ScopeArgs};
pub(super) use price::PriceCommand;
pub(super) use reports::{AuditArgs, UsageArgs};
pub(super) use tenants::{OrganizationCommand, TeamCommand, TenantArgs, UserCommand};

use crate::config::{Overrides, Period};
use crate::keys::Role;
use crate::limits::LimitSpec;

/// A metered gateway to any language model: keys, limits, exact spend.
#[derive(Debug, Parser)]
#[command(name = "llm-gateway", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Where the configuration and the database are.
#[derive(Debug, Arguments)]
pub(super) struct ConfigArgs {
    /// The configuration file [default: llm-gateway.toml, if there is one] [env: LLM_GATEWAY_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database [default: sqlite://llm-gateway.db] [env: LLM_GATEWAY_DATABASE]
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
}

impl ConfigArgs {
    pub(super) fn overrides(&self) -> Overrides {
        Overrides { config: self.config.clone(), database: self.database.clone(), ..Overrides::default() }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the gateway
    Serve(ServeArgs),
    /// Read the configuration, say what is wrong, change nothing
    Check {
        /// Print what a configuration can hold, as a JSON Schema, and read none
        #[arg(long)]
        schema: bool,
    },
    /// Say which deployments would be tried for a model, in which order, and why
    Explain {
        /// A model name, or `provider:model`
        #[arg(long)]
        model: String,
    },
    /// Make, show, change and delete virtual keys; also while the gateway runs
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make, show, change and delete organizations, which teams belong to
    #[command(subcommand)]
    Organization(OrganizationCommand),
    /// Make, show, change and delete teams, which keys belong to
    #[command(subcommand)]
    Team(TeamCommand),
    /// Make, show, change and delete users, who have keys and are in teams
    #[command(subcommand)]
    User(UserCommand),
    /// Make, show, change and delete limits on any of them, on end users and on tags
    #[command(subcommand)]
    Limit(LimitCommand),
    /// Show prices, and put others in the place of the catalogue's
    #[command(subcommand)]
    Price(PriceCommand),
    /// Say what was used and what it cost
    Usage(UsageArgs),
    /// Say who changed what, newest first
    Audit(AuditArgs),
    /// The administrator's key
    #[command(subcommand)]
    AdminKey(AdminKeyCommand),
    /// Bring the tables of the database up to date, as `serve` does when it starts
    Migrate,
    /// What a gateway that never comes back has left
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Come from another gateway, with models, keys, limits and what was spent
    #[command(subcommand)]
    Import(ImportCommand),
}

#[derive(Debug, Arguments)]
pub(super) struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:4000] [env: LLM_GATEWAY_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The Redis server for many replicas [env: LLM_GATEWAY_REDIS]
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
}

impl ServeArgs {
    pub(super) fn overrides(self, config: Overrides) -> Overrides {
        Overrides { listen: self.listen, redis: self.redis, ..config }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key; its secret is printed this once, alone on standard output
    Create(CreateArgs),
    /// List keys, newest first
    List {
        /// Only those of this team
        #[arg(long, value_name = "NAME|ID")]
        team: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a key, its limits and what it has spent
    Show {
        /// Its id, name or prefix
        key: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse a key from now on
    Block {
        /// Its id, name or prefix
        key: String,
    },
    /// Accept a blocked key again
    Unblock {
        /// Its id, name or prefix
        key: String,
    },
    /// Give a key a new secret, which is printed this once
    Rotate {
        /// Its id, name or prefix
        key: String,
        /// How long the old secret stays good, such as `24h`; at most `30d`
        #[arg(long, value_name = "TIME", default_value = "0s")]
        grace: Period,
    },
    /// Delete a key; what it spent stays on record
    Delete {
        /// Its id, name or prefix
        key: String,
    },
}

#[derive(Debug, Arguments)]
pub(super) struct CreateArgs {
    /// What to call it
    #[arg(long)]
    pub(super) name: String,
    /// Its team; one that is not there yet is made
    #[arg(long, value_name = "NAME|ID")]
    pub(super) team: Option<String>,
    /// The user it belongs to
    #[arg(long, value_name = "NAME|ID")]
    pub(super) user: Option<String>,
    /// What it may do beside calling models: `administrator`, `auditor`, `team_administrator`, `member`
    #[arg(long, value_name = "ROLE")]
    pub(super) role: Option<Role>,
    /// A limit: `spend=25/month` (US dollars), `requests=60/minute`, `tokens=100000/day`, `concurrency=5`. Once for
    /// each; without any, the limits of the configuration hold
    #[arg(long = "limit", value_name = "METER=AMOUNT/WINDOW")]
    pub(super) limits: Vec<LimitSpec>,
    /// Which models it may call, with commas between them: `openai:*,fast`
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    pub(super) models: Option<Vec<String>>,
    /// When it ends: `2027-01-01`, `2027-01-01T12:00:00Z`, or in a while: `30d`
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(super) expires: Option<Timestamp>,
    /// A tag of every call made with it; once for each
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// Print the key as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Come from LiteLLM: its configuration is written to the file of `--config`, else to standard output, and a table
    /// says what became of every setting. A file that stands is not written over
    Litellm(LitellmArgs),
}

#[derive(Debug, Arguments)]
pub(super) struct LitellmArgs {
    /// LiteLLM's configuration, its `config.yaml`
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// LiteLLM's database, its `DATABASE_URL`: keys, teams, users, budgets and what was spent are taken over into the
    /// database of this gateway. What was taken over before is not taken over again
    #[arg(long, value_name = "URL")]
    pub(super) from_database: Option<String>,
    /// Only say what would become of everything
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum AdminKeyCommand {
    /// Make a new administrator's key; the one before is dead at once
    Reset,
}

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// Move what stands in a journal into the database
    Ship {
        /// The folder of the journal
        folder: PathBuf,
    },
}

/// A time, the beginning of a day in UTC, or a while from now.
fn when(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let zoned = match (text.parse::<Date>(), text.parse::<Span>()) {
        (Ok(date), _) => date.to_zoned(TimeZone::UTC),
        (_, Ok(span)) => Timestamp::now().to_zoned(TimeZone::UTC).checked_add(span),
        _ => return Err("not a time such as `2027-01-01`, `2027-01-01T12:00:00Z` or `30d`".to_owned()),
    };
    zoned.map(|zoned| zoned.timestamp()).map_err(|error| error.to_string())
}
