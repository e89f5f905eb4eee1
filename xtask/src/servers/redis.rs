//! Redis, or Valkey, of which each test that needs one starts its own: they stop it, freeze it and empty it.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::run::apt_install;

/// How tests find the binary (`llm_tests::live::TestRedis`).
const VARIABLE: &str = "LLM_TEST_REDIS_SERVER";
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];

/// The binary of a server.
pub(crate) struct Redis(PathBuf);

impl Redis {
    /// Finds it, and installs it where that is allowed.
    pub(crate) fn installed() -> Result<Self> {
        if let Some(binary) = find() {
            return Ok(Self(binary));
        }
        apt_install(&["redis-server"], "Redis, which the tests run on,")?;
        find().map(Self).context("Redis was installed, but its `redis-server` can't be found")
    }

    /// What tests are told.
    pub(crate) fn variables(&self) -> [(&'static str, PathBuf); 1] {
        [(VARIABLE, self.0.clone())]
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    all.into_iter().find(|binary| binary.exists())
}
