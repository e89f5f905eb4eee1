//! Every environment variable of the gateway itself. Those of providers stand in the provider table.

/// The configuration file; `llm-gateway.toml` in the working folder, if it is there, unless set.
pub const CONFIG: &str = "LLM_GATEWAY_CONFIG";
/// Where to listen: `127.0.0.1:4000` unless set.
pub const LISTEN: &str = "LLM_GATEWAY_LISTEN";
/// The database: `sqlite://llm-gateway.db` unless set.
pub const DATABASE: &str = "LLM_GATEWAY_DATABASE";
/// The Redis or Valkey server for many replicas.
pub const REDIS: &str = "LLM_GATEWAY_REDIS";
/// The administrator's key. It wins over the one that the database knows.
pub const ADMIN_KEY: &str = "LLM_GATEWAY_ADMIN_KEY";
/// What is logged: a level, or levels by module. It wins over `log.filter`.
pub const LOG: &str = "LLM_GATEWAY_LOG";

/// Where variables are looked up: the process's environment, or what a test says.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks in the environment of this process. A value that is not UTF-8 counts as unset.
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
