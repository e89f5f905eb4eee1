//! Routes that are no calls.

pub(crate) mod models;
