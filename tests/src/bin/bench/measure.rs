//! One turn of one program: what it did, and what the kernel says that it cost.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::drive::{Driven, Plan, drive};
use super::program::Program;

/// What one turn cost.
pub(crate) struct Turn {
    pub(crate) driven: Driven,
    /// Processor time of the program, what it did after the answers included.
    pub(crate) cpu: Duration,
    /// How often the program was made to wait for the core.
    pub(crate) preempted: u64,
    /// The share of time that the machine was kept from running at all.
    pub(crate) stolen: f64,
}

impl Turn {
    /// Processor time per call, in microseconds.
    pub(crate) fn per_call(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.driven.requests.max(1) as f64
    }
}

/// Warms the program up, then drives it and waits until it is done with what it does off the path.
pub(crate) fn turn(program: &Program, request: &[u8], plan: &Plan) -> Result<Turn> {
    let warm = Plan { callers: plan.callers, time: Duration::from_millis(300) };
    drive(&program.address, request, &warm)?;
    wait_until_idle(program)?;
    let (cpu, preempted, stolen) = (cpu_time(program)?, preemptions(program)?, machine_time()?);
    let driven = drive(&program.address, request, plan)?;
    wait_until_idle(program)?;
    let now = machine_time()?;
    let whole = now.1.saturating_sub(stolen.1).max(1);
    Ok(Turn {
        cpu: cpu_time(program)?.saturating_sub(cpu),
        preempted: preemptions(program)?.saturating_sub(preempted),
        stolen: now.0.saturating_sub(stolen.0) as f64 / whole as f64,
        driven,
    })
}

/// A program is idle when a quarter of a second costs it at most one tick.
fn wait_until_idle(program: &Program) -> Result<()> {
    let start = Instant::now();
    let mut before = cpu_time(program)?;
    while start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(250));
        let now = cpu_time(program)?;
        if now.saturating_sub(before) <= TICK {
            return Ok(());
        }
        before = now;
    }
    Ok(())
}

/// The kernel's unit in `/proc/PID/stat`, the same on every Linux that we run on.
const TICK: Duration = Duration::from_millis(10);

fn cpu_time(program: &Program) -> Result<Duration> {
    let path = format!("/proc/{}/stat", program.id());
    let text = std::fs::read_to_string(&path).with_context(|| format!("`{path}` can't be read: has it ended?"))?;
    let rest = text.rsplit_once(") ").context("no `stat` as the kernel writes it")?.1;
    let ticks = rest.split(' ').skip(11).take(2).map(|field| field.parse::<u32>().unwrap_or(0)).sum::<u32>();
    Ok(TICK * ticks)
}

fn preemptions(program: &Program) -> Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir(format!("/proc/{}/task", program.id()))? {
        let text = std::fs::read_to_string(task?.path().join("status")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
        sum += line.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

/// Stolen and whole time of the machine, in ticks.
fn machine_time() -> Result<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let times: Vec<u64> = fields.map(|field| field.parse().unwrap_or(0)).collect();
    Ok((times.get(7).copied().unwrap_or(0), times.iter().take(8).sum()))
}
