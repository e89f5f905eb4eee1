//! The scripts that run in the server, each as one atomic step.

use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script};

/// What every name begins with: the version of all that is kept under it. The braces keep it in one slot of a cluster.
pub(super) const PREFIX: &str = "llm-gateway:{1}:";

macro_rules! scripts {
    ($($name:ident = $file:literal),+ $(,)?) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("base.lua"), "\n", include_str!($file))));)+

        /// All of them.
        fn all() -> [&'static Script; [$($file),+].len()] {
            [$(&*$name),+]
        }
    };
}

scripts! {
    BEGIN = "begin.lua",
    PUT = "put.lua",
    GONE = "gone.lua",
    READY = "ready.lua",
    CALL = "call.lua",
    TICK = "tick.lua",
    SWEEP = "sweep.lua",
    CARRY = "carry.lua",
    LEAVE = "leave.lua",
}

/// Hands all of them to a server, which then knows them by their digests.
pub(super) async fn load(redis: &mut MultiplexedConnection) -> RedisResult<()> {
    for script in all() {
        script.prepare_invoke().load_async(redis).await?;
    }
    Ok(())
}
