//! Node and the packages that a chore needs, in `target/node`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{apt_install, is_there, must, root};

/// Installs what `tests/node/package-lock.json` pins: packages, and the Node that they need, which is newer than what
/// systems come with.
pub(crate) fn environment() -> Result<()> {
    let (from, folder) = (root().join("tests/node"), root().join("target/node"));
    let read = |name: &str| std::fs::read_to_string(from.join(name)).with_context(|| format!("can't read `{name}`"));
    let (package, lock) = (read("package.json")?, read("package-lock.json")?);
    let (stamp, wanted) = (folder.join("installed.txt"), format!("{package}{lock}"));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if !is_there("npm", "--version") {
        apt_install(&["nodejs", "npm"], "npm, which installs the clients for Node,")?;
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("package.json"), package)?;
    std::fs::write(folder.join("package-lock.json"), lock)?;
    let mut install = Command::new("npm");
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(&folder);
    must(&mut install).context("the clients for Node can't be installed from the npm registry")?;
    // Programs that stand in `folder` find the packages there; the tests run them through this link.
    link(&from, &folder.join("programs"))?;
    link(&interpreter(&folder)?, &folder.join("bin/node"))?;
    std::fs::write(&stamp, wanted)?;
    Ok(())
}

/// The Node for this machine: a package of its own for most kinds, else the system's where it is new enough.
fn interpreter(folder: &Path) -> Result<PathBuf> {
    let kind = if cfg!(target_arch = "x86_64") { "x64" } else { "arm64" };
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let packaged = folder.join(format!("node_modules/node-{system}-{kind}/bin/node"));
    if packaged.exists() {
        return Ok(packaged);
    }
    let mut ask = Command::new("node");
    ask.args(["--print", "parseInt(process.versions.node) >= 22 ? process.execPath : ''"]);
    let path = ask.output().ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    anyhow::ensure!(
        !path.trim().is_empty(),
        "there is no Node 22 for {system} on {kind}\nhint: install Node 22 or newer"
    );
    Ok(PathBuf::from(path.trim()))
}

/// Makes `link` lead to `target`, wherever it led before.
fn link(target: &Path, link: &Path) -> Result<()> {
    if let Some(folder) = link.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if link.symlink_metadata().is_ok() {
        std::fs::remove_file(link)?;
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, link).with_context(|| format!("can't make `{}`", link.display()))?;
    Ok(())
}
