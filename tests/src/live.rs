//! A real gateway on a real socket, before an upstream that says what a test wants.
//!
//! Test code: what can't go on panics, with its reason.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't be set up must fail loudly"
)]

mod door;
mod gateway;
mod google;
mod keeper;
mod line;
mod postgres;
mod programs;
mod redis;
mod replicas;
pub mod speech;
mod upstream;

pub use door::Door;
pub use gateway::{Answer, TestGateway, not_found};
pub use google::google;
pub use keeper::Keeper;
pub use line::Line;
pub use postgres::TestPostgres;
pub use programs::{Runtime, run};
pub use redis::TestRedis;
pub use replicas::{CALL, Replicas, eventually, key};
pub use upstream::{Piece, Script, Seen, Upstream, anthropic, openai};
