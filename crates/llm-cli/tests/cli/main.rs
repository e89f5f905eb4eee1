//! The `llm` command, run as users run it: status, standard output and standard error.

mod ask;
mod choose;
mod command;
mod lists;
mod server;
