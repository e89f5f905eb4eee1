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

/// The Node for this machine, which comes as a package of its own for each kind.
fn interpreter(folder: &Path) -> Result<PathBuf> {
    let kind = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let node = folder.join(format!("node_modules/node-{system}-{kind}/bin/node"));
    anyhow::ensure!(
        node.exists(),
        "there is no Node for {system} on {kind}\nhint: add its package to `tests/node/package.json`"
    );
    Ok(node)
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
