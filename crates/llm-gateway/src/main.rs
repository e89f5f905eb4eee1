//! The `llm-gateway` command; [`llm_gateway::cli`] is what it does.

use std::process::ExitCode;

/// Faster than the system's under the gateway's load, by measurement.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    llm_gateway::cli::main()
}
