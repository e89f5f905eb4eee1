//! Routes that are no calls: for administrators, for whoever watches the process, and for a key about itself.

mod admin;
mod answer;
mod calls;
mod deployments;
mod health;
mod keys;
mod limits;
pub(crate) mod models;
mod page;
mod teams;
mod usage;

pub use admin::{ADMIN_ROUTES, Admin, Rule, admin_router, surface};

#[cfg(test)]
mod tests;
