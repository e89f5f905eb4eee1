//! Routes that are no calls: for administrators and other roles, for whoever watches the process, and for a key about itself.

mod actor;
mod admin;
mod answer;
mod audit;
mod calls;
mod charged;
mod deployments;
mod health;
mod idempotency;
mod keys;
mod limits;
mod litellm;
mod login;
mod members;
pub(crate) mod models;
mod openapi;
mod organizations;
mod page;
mod prices;
mod teams;
mod usage;
mod users;

pub use admin::{ADMIN_ROUTES, Admin, Rule, admin_router, surface};
pub use litellm::{LITELLM_ROUTES, litellm_router};

#[cfg(test)]
mod tests;
