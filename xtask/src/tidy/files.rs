//! What holds for every file: its name, and what its text may not name.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

/// Every file of the repository, in order; what git ignores is passed over.
pub(super) fn below(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if matches!(name.as_str(), "target" | ".git" | ".venv" | "__pycache__") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// What is wrong with a file's name.
pub(super) fn name(name: &str) -> Option<String> {
    if name.ends_with(".snap.new") || name.ends_with(".pending-snap") {
        return Some(format!("{name}: a snapshot that nobody has accepted"));
    }
    let parts = name.strip_suffix(".rs")?.split('/');
    let empty = parts.into_iter().find(|part| EMPTY_NAMES.contains(part))?;
    Some(format!("{name}: `{empty}` says nothing; name it after what it does"))
}

/// What no text may hold.
pub(super) fn text(text: &str, tell: &mut impl FnMut(usize, &str)) {
    // Written in pieces, so that this file does not find itself.
    let machine = concat!("/wo", "rk/");
    let conflict = concat!("<<<<", "<<< ");
    for (place, line) in text.lines().enumerate() {
        if line.contains(machine) {
            tell(place + 1, "names a path of one machine");
        }
        if line.starts_with(conflict) {
            tell(place + 1, "a merge conflict");
        }
    }
}
