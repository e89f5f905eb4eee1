//! Replays the corpora of the fuzz targets, so that whatever once broke a parser is tried on every run, and changes
//! them at random. `FUZZ_SECONDS` gives every target that long, with inputs that no run before has had.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(unreachable_pub, dead_code, reason = "the targets are written for another crate")]

mod mutate;
#[path = "../../../../fuzz/src/lib.rs"]
mod targets;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use mutate::{Random, mutated};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_corpus_passes() {
    for (name, run) in targets::TARGETS {
        let inputs = files_in(&fuzz().join("corpus").join(name));
        assert!(!inputs.is_empty(), "`{name}` has no corpus");
        for input in inputs {
            println!("{}", input.display());
            let data = std::fs::read(&input).unwrap();
            run(&data);
            // Most bodies that reach a parser in practice end too early, or not at all.
            for cut in (0..data.len()).step_by(1 + data.len() / 256) {
                run(&data[..cut]);
            }
        }
    }
}

#[test]
fn changed_corpora_pass() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().map(|text| Duration::from_secs(text.parse().unwrap()));
    let mut random = Random::new(match seconds {
        Some(_) => u64::from(SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos()),
        None => 0,
    });
    for (name, run) in targets::TARGETS {
        let inputs = files_in(&fuzz().join("corpus").join(name));
        let inputs: Vec<Vec<u8>> = inputs.iter().map(|input| std::fs::read(input).unwrap()).collect();
        let start = Instant::now();
        let mut runs = 0;
        while seconds.map_or(runs < 100, |seconds| start.elapsed() < seconds) {
            let data = mutated(&inputs[random.below(inputs.len())], &mut random);
            runs += 1;
            if std::panic::catch_unwind(|| run(&data)).is_err() {
                panic!("`{name}` fails with {}", data.escape_ascii());
            }
        }
        println!("{name}: {runs} runs");
    }
}

#[test]
fn every_target_can_be_run_by_cargo_fuzz() {
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for (name, _) in targets::TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "`{name}` is not in the manifest");
        let target = std::fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("run(\"{name}\", data)")), "`{name}` runs another target");
    }
}
