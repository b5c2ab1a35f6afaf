//! Files that are either there entirely or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file so that it is there entirely or not at all, also when the power fails: under a temporary name, synced,
/// renamed, and the folder synced. Makes the folder where it is missing, and replaces a file of the name.
///
/// # Errors
/// Those of the file system.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("the path has no folder"))?;
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().ok_or_else(|| io::Error::other("the path has no file name"))?.to_owned();
    // Two that write the same file at once do not write into one another; the last to finish stands.
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    name.push(format!(".{}-{}.part", std::process::id(), WRITERS.fetch_add(1, Ordering::Relaxed)));
    let temporary = folder.join(name);
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}
