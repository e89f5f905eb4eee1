//! A private Python with the packages that a chore needs, in a folder below `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{apt_install, is_there, must, root};

/// The interpreter of the environment `name`, with what `requirements` pins installed.
pub(crate) fn environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let folder = root().join("target").join("python").join(name);
    let python = folder.join("bin").join("python");
    let wanted =
        std::fs::read_to_string(requirements).with_context(|| format!("can't read `{}`", requirements.display()))?;
    let stamp = folder.join("installed.txt");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !is_there("python3", "--version") {
        apt_install(&["python3", "python3-venv"], "Python 3, which runs the official SDKs,")?;
    }
    let make = || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        must(&mut venv)
    };
    if make().is_err() {
        apt_install(&["python3-venv"], "Python's `venv` module, which holds the official SDKs,")?;
        make()?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
    must(&mut install).context("the official SDKs can't be installed from the Python package index")?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}
