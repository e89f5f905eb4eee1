//! The table of ratios, and how disturbed the machine was.

use super::case::{CHUNKS, Case};
use super::measure::Turn;

/// The turns of floor and gateway, round by round.
type Rounds = Vec<(Turn, Turn)>;

pub(crate) fn print(results: &[(Case, Rounds)]) {
    println!(
        "{:<24} {:>9} {:>9} {:>6}  {:>9} {:>9} {:>7}  {:>8} {:>8}  {:>7} {:>7}",
        "processor time", "floor", "gateway", "ratio", "calls/s", "calls/s", "", "p99", "p99", "spread", "spread"
    );
    for (case, rounds) in results {
        let (floor, gateway): (Vec<&Turn>, Vec<&Turn>) = rounds.iter().map(|(floor, gateway)| (floor, gateway)).unzip();
        let (f, g) = (per_call(&floor), per_call(&gateway));
        println!(
            "{:<24} {:>6.1} µs {:>6.1} µs {:>5.2}x  {:>9.0} {:>9.0} {:>7}  {:>5.2} ms {:>5.2} ms  {:>6.0}% {:>6.0}%",
            case.name,
            f.median,
            g.median,
            g.median / f.median,
            rate(&floor),
            rate(&gateway),
            "",
            p99(&floor),
            p99(&gateway),
            f.spread * 100.0,
            g.spread * 100.0,
        );
    }
    print_chunks(results);
    let turns = results.iter().flat_map(|(_, rounds)| rounds).flat_map(|(floor, gateway)| [floor, gateway]);
    let (mut preempted, mut stolen, mut seconds) = (0, 0.0_f64, 0.0);
    for turn in turns {
        preempted += turn.preempted;
        stolen = stolen.max(turn.stolen);
        seconds += turn.driven.time.as_secs_f64();
    }
    println!(
        "\ndisturbance: {:.0} preemptions a second, at most {:.1} % of the time stolen in a turn; spread is (most - least) / median of the rounds",
        preempted as f64 / f64::max(seconds, 0.001),
        stolen * 100.0
    );
}

/// What a chunk adds: a streamed call less a plain one, by the number of chunks.
fn print_chunks(results: &[(Case, Rounds)]) {
    let find = |name: &str| results.iter().find(|(case, _)| case.name == name);
    for (streamed, plain) in [("stream", "pass-through"), ("stream translation", "translation")] {
        let (Some((case, streamed)), Some((_, plain))) = (find(streamed), find(plain)) else { continue };
        debug_assert!(case.is_stream());
        let per_chunk = |side: fn(&(Turn, Turn)) -> &Turn| {
            let of = |rounds: &Rounds| per_call(&rounds.iter().map(side).collect::<Vec<_>>()).median;
            (of(streamed) - of(plain)) / CHUNKS as f64
        };
        let (floor, gateway) = (per_chunk(|round| &round.0), per_chunk(|round| &round.1));
        println!(
            "{:<24} {floor:>6.2} µs {gateway:>6.2} µs {:>5.2}x",
            format!("{}, a chunk", case.name),
            gateway / floor
        );
    }
}

struct Spread {
    median: f64,
    spread: f64,
}

fn per_call(turns: &[&Turn]) -> Spread {
    let mut times: Vec<f64> = turns.iter().map(|turn| turn.per_call()).collect();
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
    let range = times.last().unwrap_or(&0.0) - times.first().unwrap_or(&0.0);
    Spread { median, spread: range / median }
}

fn rate(turns: &[&Turn]) -> f64 {
    let (requests, seconds) = turns.iter().fold((0, 0.0), |(requests, seconds), turn| {
        (requests + turn.driven.requests, seconds + turn.driven.time.as_secs_f64())
    });
    requests as f64 / seconds
}

/// The median of the rounds, in milliseconds.
fn p99(turns: &[&Turn]) -> f64 {
    let mut times: Vec<f64> = turns.iter().map(|turn| turn.driven.latency(0.99).as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
