//! Every environment variable of the gateway itself. Those of providers stand in the provider table.

/// Declares variables, and the list of them that the page of the configuration shows.
macro_rules! variables {
    ($($(#[doc = $doc:literal])+ $name:ident = $variable:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $variable;)+

        /// Every one of them, and what it says.
        pub const ALL: &[(&str, &str)] = &[$(($variable, concat!($($doc),+))),+];
    };
}

variables! {
    /// The configuration file; `llm-gateway.toml` in the working folder, if it is there, unless set.
    CONFIG = "LLM_GATEWAY_CONFIG";
    /// Where to listen. It wins over `listen`.
    LISTEN = "LLM_GATEWAY_LISTEN";
    /// The database. It wins over `database`.
    DATABASE = "LLM_GATEWAY_DATABASE";
    /// The Redis or Valkey server by which replicas share their limits. It wins over `redis`.
    REDIS = "LLM_GATEWAY_REDIS";
    /// The administrator's key. It wins over `admin_key`, and both over the one that the database knows.
    ADMIN_KEY = "LLM_GATEWAY_ADMIN_KEY";
    /// What is logged: a level, or levels by module. It wins over `log.filter`.
    LOG = "LLM_GATEWAY_LOG";
}

/// Where variables are looked up: the process's environment, or what a test says.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks in the environment of this process. A value that is not UTF-8 counts as unset.
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
