//! Running other programs in the workspace's folder.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// The cargo that runs this chore, with `arguments`.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments);
    command
}

/// Runs a command in the workspace's folder and waits for it; whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.current_dir(root()).status().with_context(|| format!("can't run {}", name(command)))?;
    Ok(status.success())
}

/// Runs a command whose success a chore needs.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    anyhow::ensure!(succeeds(command)?, "{} failed", name(command));
    Ok(())
}

/// Runs a command and hands its exit code on.
pub(crate) fn hand_on(command: &mut Command) -> Result<ExitCode> {
    let status = command.current_dir(root()).status().with_context(|| format!("can't run {}", name(command)))?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Runs a command, shows what it writes as it comes, and lets `look` see each line; whether it succeeded.
pub(crate) fn watched(command: &mut Command, mut look: impl FnMut(&str)) -> Result<bool> {
    let (reader, writer) = std::io::pipe()?;
    command.current_dir(root()).stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("can't run {}", name(command)))?;
    // The command keeps its ends of the pipe; they must be closed here, or the reader never sees the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for line in BufReader::new(reader).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        look(&line);
    }
    Ok(child.wait()?.success())
}

/// Whether a program can be run.
pub(crate) fn is_there(program: &str, probe: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether this process may do anything.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs Debian packages where that is allowed; otherwise says what is missing.
pub(crate) fn apt_install(packages: &[&str], why: &str) -> Result<()> {
    let wanted = packages.join(" ");
    let missing = format!("{why} is missing\nhint: install it, on Debian with `apt-get install {wanted}`");
    anyhow::ensure!(is_root() && is_there("apt-get", "--version"), "{missing}");
    println!("installing {wanted}");
    let mut update = Command::new("apt-get");
    must(update.args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-qq", "--yes", "--no-install-recommends"]).args(packages);
    must(install.env("DEBIAN_FRONTEND", "noninteractive")).context(missing)
}

/// A command as people write it.
pub(crate) fn name(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    format!("`{program} {}`", arguments.join(" "))
}
