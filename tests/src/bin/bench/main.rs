//! `cargo xtask bench`: what a call through the gateway costs, beside a bare proxy that does as little as can be done.
//!
//! The program under test has one core to itself, mock upstream and driver the other. Floor and gateway take turns,
//! round by round, and what counts is the processor time that the kernel booked on the process, the work that it does
//! after the answers included. This is a measurement and not a test: it fails nobody.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod case;
mod drive;
mod floor;
mod measure;
mod mock;
mod program;
mod start;
mod table;
mod wire;

#[derive(Parser)]
#[command(about = "Measure the gateway beside a bare proxy")]
struct Args {
    #[command(subcommand)]
    role: Option<Role>,
    /// How often floor and gateway take turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each turn drives, in seconds.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How many callers at once.
    #[arg(long, default_value_t = 16)]
    callers: usize,
    /// Only the cases whose name contains this.
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    /// The gateway.
    #[arg(long, default_value = "target/release/llm-gateway")]
    gateway: PathBuf,
}

/// The programs that a measurement needs beside the gateway. Each says where it listens on its first line.
#[derive(Subcommand)]
enum Role {
    /// The upstream that answers at once
    Mock,
    /// The proxy that does as little as can be done
    Floor {
        /// Where it passes calls on to.
        upstream: String,
    },
}

fn main() -> Result<()> {
    let args = Args::parse();
    match args.role {
        Some(Role::Mock) => return mock::serve(),
        Some(Role::Floor { upstream }) => return floor::serve(&upstream),
        None => {}
    }
    program::settle_on_second_core()?;
    let upstream = program::mock()?;
    let floor = program::floor(&upstream)?;
    let gateway = program::Gateway::start(&args.gateway, &upstream)?;

    let plan = drive::Plan { callers: args.callers, time: Duration::from_secs_f64(args.seconds) };
    let mut results = Vec::new();
    for case in case::all() {
        if args.case.as_ref().is_some_and(|wanted| !case.name.contains(wanted.as_str())) {
            continue;
        }
        let mut rounds = Vec::new();
        for _ in 0..args.rounds {
            // The floor passes everything on to the one protocol it knows, whatever the gateway makes of it.
            let floor = measure::turn(&floor, &case.floor_request(), &plan)?;
            let gateway = measure::turn(&gateway.program, &case.request(&gateway.key), &plan)?;
            rounds.push((floor, gateway));
        }
        results.push((case, rounds));
    }
    table::print(&results);
    drop(gateway);
    start::print(&args.gateway, &upstream, args.rounds)
}
