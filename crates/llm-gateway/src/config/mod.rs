//! The configuration: one struct per concern, a file each.
//!
//! A file in TOML is read, `${VAR}` is filled in, flags and environment variables are laid over it, and everything is
//! checked before anything starts. Whatever is wrong is said at once, each with its file and line.

mod batches;
mod calls;
mod check;
mod database;
pub mod env;
mod interpolate;
mod issuer;
mod journal;
mod limits;
mod listen;
mod log;
mod login;
mod model;
mod one_or_many;
mod period;
mod price;
mod problem;
mod provider;
mod responses;
mod schema;
mod size;
mod source;
mod timeouts;
mod tree;
mod webhook;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::shared::Server;

pub use batches::BatchesConfig;
pub use calls::CallsConfig;
pub use database::Database;
pub(crate) use issuer::safe_url;
pub use issuer::{ClaimPath, GroupClaim, IssuerConfig, RoleClaim, SigningAlgorithm, UserClaims};
pub use journal::JournalConfig;
pub use limits::{DefaultLimits, LimitsConfig};
pub use listen::Listen;
pub use llm_providers::registry::Auth;
pub use llm_providers::transport::Secret;
pub use log::{LogConfig, LogFormat};
pub use login::LoginConfig;
pub use model::{DeploymentConfig, ModelConfig, Strategy};
pub use one_or_many::OneOrMany;
pub use period::Period;
pub use price::PriceConfig;
pub use problem::{Problem, Problems};
pub use provider::ProviderConfig;
pub use responses::ResponsesConfig;
pub use schema::schema;
pub use size::Size;
pub(crate) use source::Source;
pub use timeouts::TimeoutsConfig;
pub(crate) use tree::Step;
pub use webhook::{WebhookConfig, WebhookForm};

/// The file that is read where none is named, if it stands in the working folder.
pub const DEFAULT_FILE: &str = "llm-gateway.toml";

/// Everything that can be configured. [`Default`] is the start without any configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Where keys, limits, calls and counters are kept.
    pub database: Database,
    /// The Redis or Valkey server by which replicas share their limits, `redis://…` or, with TLS, `rediss://…`.
    #[schemars(with = "Option<String>")]
    pub redis: Option<Secret>,
    /// The file of the authorities, in PEM, that vouch for that server's certificate; those that the machine trusts unless
    /// set.
    pub redis_ca: Option<PathBuf>,
    /// How long a call waits for that server before this replica decides by itself.
    pub redis_deadline: Period,
    /// The administrator's key; made on the first start unless set.
    #[schemars(with = "Option<String>")]
    pub admin_key: Option<Secret>,
    /// Where `/metrics` is served without a key. Read and checked; not built yet.
    pub metrics_listen: Option<Listen>,
    /// Providers, by id: overridden rows of the provider table, and new ones.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Model names, and the deployments behind them.
    pub models: Vec<ModelConfig>,
    /// Identity providers whose tokens are taken in the place of keys.
    pub issuers: Vec<IssuerConfig>,
    /// The login of people.
    pub login: Option<LoginConfig>,
    /// Limits that hold without being made through the API.
    pub limits: LimitsConfig,
    /// Places that are told when a share of a limit is used up.
    pub webhooks: Vec<WebhookConfig>,
    /// Whether every `provider:model` of a configured provider can be called by that id.
    pub direct_models: bool,
    /// How long the first content of a stream is awaited before the headers leave.
    pub commit_after: Period,
    /// The largest body of a request.
    pub max_body: Size,
    /// How long calls in flight may take to finish after the signal to stop.
    pub drain: Period,
    /// What becomes of a call whose caller hangs up: of a stream `cancel`, of any other `drain`, unless set.
    pub on_disconnect: Option<OnDisconnect>,
    /// Time-outs of calls to providers.
    pub timeouts: TimeoutsConfig,
    /// Batches that providers answer later.
    pub batches: BatchesConfig,
    /// Stored responses.
    pub responses: ResponsesConfig,
    /// The spend journal.
    pub journal: JournalConfig,
    /// What becomes of call records.
    pub calls: CallsConfig,
    /// What is logged.
    pub log: LogConfig,
    /// Where all of it came from.
    #[serde(skip)]
    pub(crate) source: Source,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            database: Database::default(),
            redis: None,
            redis_ca: None,
            redis_deadline: Period::millis(50),
            admin_key: None,
            metrics_listen: None,
            providers: BTreeMap::new(),
            models: Vec::new(),
            issuers: Vec::new(),
            login: None,
            limits: LimitsConfig::default(),
            webhooks: Vec::new(),
            direct_models: true,
            commit_after: Period::seconds(20),
            max_body: Size::mebibytes(32),
            drain: Period::seconds(30),
            on_disconnect: None,
            timeouts: TimeoutsConfig::default(),
            batches: BatchesConfig::default(),
            responses: ResponsesConfig::default(),
            journal: JournalConfig::default(),
            calls: CallsConfig::default(),
            log: LogConfig::default(),
            source: Source::default(),
        }
    }
}

/// What becomes of a call whose caller hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDisconnect {
    /// The provider's connection is closed, and what arrived is charged as an estimate.
    Cancel,
    /// The answer is read to its end and charged exactly.
    Drain,
}

/// What flags say; it wins over the environment, and that over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--database`.
    pub database: Option<String>,
    /// `--redis`.
    pub redis: Option<String>,
}

/// A configuration that was read and checked.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file that it came from, if there was one.
    pub file: Option<PathBuf>,
    /// What does not stop the start and is worth knowing.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Finds, reads and checks the configuration: the file, under the environment, under the flags.
    pub fn load(flags: &Overrides, env: env::Lookup<'_>) -> Result<Loaded, Problems> {
        Self::load_for(flags, env, Need::All)
    }

    /// The same for work on the database alone, beside a gateway or before one: what only calls need may stand for
    /// variables that are not set here, and is then not to be used.
    pub fn load_for_database(flags: &Overrides, env: env::Lookup<'_>) -> Result<Loaded, Problems> {
        Self::load_for(flags, env, Need::Database)
    }

    fn load_for(flags: &Overrides, env: env::Lookup<'_>, need: Need) -> Result<Loaded, Problems> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let named = flags.config.clone().or_else(|| set(env::CONFIG).map(PathBuf::from));
        let file = named.clone().or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()));
        let text = match &file {
            Some(file) => read_file(file)?,
            None => String::new(),
        };
        let name = file.as_deref().unwrap_or(Path::new(DEFAULT_FILE)).display().to_string();
        let (mut config, warnings) = Self::parse_for(&name, &text, env, need)?;

        let mut problems = Vec::new();
        let listen = from_outside("--listen", flags.listen.as_deref(), env::LISTEN, set(env::LISTEN), &mut problems);
        let database =
            from_outside("--database", flags.database.as_deref(), env::DATABASE, set(env::DATABASE), &mut problems);
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        config.listen = listen.unwrap_or(config.listen);
        config.database = database.unwrap_or(config.database);
        config.redis = flags.redis.clone().or_else(|| set(env::REDIS)).map(Secret::new).or(config.redis);
        config.admin_key = set(env::ADMIN_KEY).map(Secret::new).or(config.admin_key);
        config.log.filter = set(env::LOG).unwrap_or(config.log.filter);
        Ok(Loaded { config, file, warnings })
    }

    /// The server by which replicas share their limits, if there is one.
    pub(crate) fn shared(&self) -> Option<Server<'_>> {
        self.redis.as_ref().map(|url| Server { url, ca: self.redis_ca.as_deref() })
    }

    /// The folder of the journal: as it is set, else beside the database's file, else in the working folder.
    pub fn journal_folder(&self) -> PathBuf {
        self.journal.path.clone().unwrap_or_else(|| crate::store::journal_folder(self.database.url()))
    }

    /// The folder of what else belongs to this gateway, such as the file of the administrator's key: that of the
    /// database's file, else the one that the journal's folder lies in.
    pub fn folder(&self) -> PathBuf {
        let journal = match &self.database {
            Database::Sqlite(url) => crate::store::journal_folder(url),
            Database::Postgres(_) => self.journal_folder(),
        };
        match journal.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    /// Reads and checks the text of a file called `name`, and gives the warnings beside it.
    pub fn parse(name: &str, text: &str, env: env::Lookup<'_>) -> Result<(Self, Vec<Problem>), Problems> {
        Self::parse_for(name, text, env, Need::All)
    }

    fn parse_for(name: &str, text: &str, env: env::Lookup<'_>, need: Need) -> Result<(Self, Vec<Problem>), Problems> {
        let mut tree = tree::Tree::parse(name, text);
        if !tree.is_sound() {
            return Err(Problems(tree.into_problems()));
        }
        tree.interpolate(env, |key| need.is_of(key));
        let mut config: Self = tree.read();
        config.source = Source::new(name, text);
        let warnings = check::check(&config, &mut tree);
        match tree.into_problems() {
            problems if problems.is_empty() => Ok((config, warnings)),
            problems => Err(Problems(problems)),
        }
    }
}

/// What of a configuration is needed.
#[derive(Clone, Copy, Debug)]
enum Need {
    /// All of it.
    All,
    /// What work on the database needs: where it is, what belongs to it, and the limits that the file states.
    Database,
}

impl Need {
    fn is_of(self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Database => matches!(key, "database" | "journal" | "limits"),
        }
    }
}

fn read_file(file: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(file).map_err(|error| {
        Problems(vec![Problem {
            file: Some(file.display().to_string()),
            line: None,
            message: format!("the configuration can't be read: {error}"),
            hint: None,
        }])
    })
}

/// A value from its flag, or else from its variable.
fn from_outside<T: std::str::FromStr<Err = String>>(
    flag: &str,
    said: Option<&str>,
    variable: &str,
    set: Option<String>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let (source, text) = match said {
        Some(text) => (flag, text.to_owned()),
        None => (variable, set?),
    };
    match text.parse() {
        Ok(value) => Some(value),
        Err(message) => {
            problems.push(Problem { file: None, line: None, message: format!("`{source}`: {message}"), hint: None });
            None
        }
    }
}

#[cfg(test)]
mod tests;
