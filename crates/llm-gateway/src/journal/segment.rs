//! The files of a journal: their names, and reading one line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A place in a journal: behind a line, or before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The number of the segment.
    pub segment: u64,
    /// The offset in it, in bytes.
    pub offset: u64,
}

/// The file of one segment. Names sort as the numbers do.
pub(super) fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:012}.journal"))
}

/// The numbers of the segments in `folder`, in order.
pub(super) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut segments = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let name = file?.file_name();
        segments.extend(name.to_str().and_then(|name| name.strip_suffix(".journal")?.parse::<u64>().ok()));
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Makes the file of a segment that must not exist yet, for appending.
pub(super) fn create(folder: &Path, segment: u64) -> io::Result<File> {
    File::options().append(true).create_new(true).open(path(folder, segment))
}

/// Reads a segment line by line.
pub(super) struct Lines {
    file: BufReader<File>,
    place: Place,
    line: Vec<u8>,
}

impl Lines {
    /// From `place` on.
    pub(super) fn open(folder: &Path, place: Place) -> io::Result<Self> {
        let mut file = File::open(path(folder, place.segment))?;
        file.seek(SeekFrom::Start(place.offset))?;
        Ok(Self { file: BufReader::with_capacity(256 * 1024, file), place, line: Vec::new() })
    }

    /// The next line with its line feed, which a torn last one lacks, and the place behind it; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<(&[u8], Place)>> {
        self.line.clear();
        let read = self.file.read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.place.offset += read as u64;
        Ok(Some((&self.line, self.place)))
    }
}
