//! Several gateways on one PostgreSQL, and calls while it is away.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

mod load;
mod once;
mod outage;
mod revoked;
mod silent;
