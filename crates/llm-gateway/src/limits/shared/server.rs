//! The server that holds the shared counters: how it is reached, and whether it is one that can hold them.

use std::path::Path;
use std::time::Duration;

use llm_core::{Error, Result};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, TlsCertificates};

use super::script;
use crate::config::Secret;

/// What an address of TLS begins with.
const TLS: [&str; 2] = ["rediss://", "valkeys://"];

/// What cannot hold them, wherever that is found out.
const ONE_SERVER: &str = "limits are shared by one Redis or Valkey server; clusters and sentinels are not supported";

/// The client of the server at `url`, which trusts the authorities in the file `ca` where one is named, and those that
/// the machine trusts where none is. No error repeats the address, since it may hold a password.
pub(super) fn client(url: &Secret, ca: Option<&Path>) -> Result<Client> {
    let text = url.expose();
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    if text.contains(',') || scheme.contains("cluster") || scheme.contains("sentinel") {
        return Err(Error::invalid_request(ONE_SERVER));
    }
    let is_tls = TLS.iter().any(|begin| text.starts_with(begin));
    if is_tls && text.contains('#') {
        let message = "the address ends with `#…`; certificates are always checked, and `redis_ca` names a private \
                       authority";
        return Err(Error::invalid_request(message));
    }
    let client = match ca {
        Some(_) if !is_tls => {
            return Err(Error::invalid_request("`redis_ca` is of use with an address that begins with `rediss://`"));
        }
        Some(file) => {
            let authorities = std::fs::read(file).map_err(|error| {
                Error::invalid_request(format!("`redis_ca` can't be read at `{}`: {error}", file.display()))
            })?;
            let no_pem =
                || Error::invalid_request(format!("`redis_ca` at `{}` holds no certificates in PEM", file.display()));
            if !authorities.windows(BEGIN.len()).any(|part| part == BEGIN) {
                return Err(no_pem());
            }
            let certificates = TlsCertificates { client_tls: None, root_cert: Some(authorities) };
            Client::build_with_tls(plain(text)?.get_connection_info().clone(), certificates).map_err(|_| no_pem())?
        }
        None => plain(text)?,
    };
    Ok(client)
}

/// What a certificate in PEM begins with.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// A connection on which connecting and every step take `patience` at most.
pub(super) async fn connect(client: &Client, patience: Duration) -> RedisResult<MultiplexedConnection> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(patience)).set_response_timeout(Some(patience));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// What the server says of itself.
#[derive(Debug)]
pub(super) struct Info(String);

impl Info {
    /// Asks for it.
    pub(super) async fn ask(redis: &mut MultiplexedConnection) -> RedisResult<Self> {
        Ok(Self(redis::cmd("INFO").query_async(redis).await?))
    }

    /// One line of it.
    pub(super) fn told(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    }

    /// Refuses a server that can't hold all counters in one place.
    pub(super) fn check(&self) -> Result<()> {
        match self.told("redis_mode").or_else(|| self.told("server_mode")) {
            None | Some("standalone") => Ok(()),
            Some(_) => Err(Error::invalid_request(ONE_SERVER)),
        }
    }
}

/// Refuses the server if it is there and can't hold the counters, or does not let this gateway do what it needs. One that
/// is not there may come.
pub(super) async fn refuse_unfit(client: &Client, patience: Duration) -> Result<()> {
    let ask = async {
        let mut redis = connect(client, patience).await?;
        let info = Info::ask(&mut redis).await?;
        script::load(&mut redis).await?;
        Ok(info)
    };
    match tokio::time::timeout(patience, ask).await {
        Ok(Ok(info)) => info.check(),
        Ok(Err(error)) => locked_out(&error).map_or(Ok(()), Err),
        Err(_) => Ok(()),
    }
}

/// What to say of a server that is there, and whose refusal no wait will change: it is about who asks. What it says itself
/// is left out, since it may repeat a name.
fn locked_out(error: &RedisError) -> Option<Error> {
    let (what, hint) = match error.code() {
        _ if error.kind() == redis::ErrorKind::AuthenticationFailed => (WRONG, ADDRESS),
        Some("WRONGPASS") => (WRONG, ADDRESS),
        Some("NOAUTH") => ("the server of the shared limits wants a password, and `redis` names none", ADDRESS),
        Some("NOPERM") => (
            "the server of the shared limits does not allow the user that `redis` names what a gateway needs",
            "`docs/replicas.md` says which rights that are",
        ),
        _ => return None,
    };
    Some(Error::invalid_request(what).with_hint(hint))
}

const WRONG: &str = "the server of the shared limits refuses the user or the password that `redis` names";
const ADDRESS: &str = "an address says them as in `redis://USER:PASSWORD@HOST:6379`; `LLM_GATEWAY_REDIS` may hold it";

fn plain(url: &str) -> Result<Client> {
    Client::open(url).map_err(|_| {
        Error::invalid_request("not the address of a Redis or Valkey server such as `redis://127.0.0.1:6379`")
    })
}

#[cfg(test)]
mod tests;
