//! Limits that several gateways share by Redis: exact while it is there, divided while it is not, right again afterwards.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't be set up must fail loudly")]

mod apart;
mod carried;
mod exact;
mod keys;
mod killed;
mod many;
mod model;
mod more;
mod outage;
mod reaching;
