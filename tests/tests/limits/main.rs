//! Limits of every scope, meter and kind, on a real gateway.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't be set up must fail loudly")]

mod callers;
mod each;
mod matrix;
mod strict;
mod told;
