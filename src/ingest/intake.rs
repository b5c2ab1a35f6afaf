//! Where files go: out of `inbox/` before they are read, and then to `done/`, or to `refused/` with the report beside them.
//!
//! A file is set aside by renaming it, so that what a billing system puts in its place meanwhile is another file, which is
//! read at its own turn. Whoever is killed finds what was set aside there, and takes it next time.
//!
//! Nothing is ever overwritten: a name that is taken gets a number. A name is claimed by creating it, which only one
//! process can do, and the file is then moved onto the claim; a crash in between leaves the file where it was.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The folder in `inbox/` for files that are being taken.
pub const TAKING: &str = ".taking";
/// The folder in `inbox/` for files that were imported and could not be moved to `done/` yet.
pub const TAKEN: &str = ".taken";
/// The folder for files that were imported.
pub const DONE: &str = "done";
/// The folder for files that were refused.
pub const REFUSED: &str = "refused";
/// How many numbers are tried before giving up.
const MOST_NUMBERS: u32 = 100_000;

/// Why a file could not be moved. The file is where it was.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("{} has no file name", .0.display())]
    NoName(PathBuf),
    #[error("every name for {} in {} is taken: clear the folder", .name.display(), .folder.display())]
    NoFreeName { name: PathBuf, folder: PathBuf },
    #[error("cannot {what} {}: {error}", .path.display())]
    Io { what: &'static str, path: PathBuf, error: io::Error },
}

/// Where a refused file is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub file: PathBuf,
    pub report: PathBuf,
}

/// Whether a file of that name is one that the city described.
pub type IsDescribed<'a> = &'a dyn Fn(&str) -> bool;

/// The files that wait in `inbox`, by name: those that end in `.csv`, and those that a mapping describes. Half-written files are given another ending
/// by whoever writes them and renamed when complete.
///
/// # Errors
/// When the folder cannot be read.
pub fn waiting(inbox: &Path, is_described: IsDescribed<'_>) -> Result<Vec<PathBuf>, IntakeError> {
    let problem = |error| IntakeError::Io { what: "read", path: inbox.to_owned(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(inbox).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_ours = is_csv || path.file_name().is_some_and(|name| is_described(&name.to_string_lossy()));
        if is_ours && !is_hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What else lies in `inbox`, by name: folders, and files that are not taken.
///
/// # Errors
/// When the folder cannot be read.
pub fn strangers(inbox: &Path, is_described: IsDescribed<'_>) -> Result<Vec<PathBuf>, IntakeError> {
    let problem = |error| IntakeError::Io { what: "read", path: inbox.to_owned(), error };
    let files = waiting(inbox, is_described)?;
    let ours = [TAKING, TAKEN].map(|folder| inbox.join(folder));
    let mut others = Vec::new();
    for entry in fs::read_dir(inbox).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if !files.contains(&path) && !ours.contains(&path) {
            others.push(path);
        }
    }
    others.sort();
    Ok(others)
}

/// The files in the folder `aside` of `inbox`, by name: those that a daemon left that was killed, or that could not be moved.
///
/// # Errors
/// When the folder cannot be made or read.
pub fn left(inbox: &Path, aside: &str, is_described: IsDescribed<'_>) -> Result<Vec<PathBuf>, IntakeError> {
    waiting(&made(&inbox.join(aside))?, is_described)
}

/// Where a file stands among others of its kind: by its name, and of several with one name by the number that they were
/// given when they were set aside, which is the order in which they came.
#[must_use]
pub fn order(path: &Path) -> (PathBuf, u32) {
    let stem = path.file_stem().map(PathBuf::from).unwrap_or_default();
    let number = stem.extension().and_then(|number| number.to_str()).and_then(|number| number.parse().ok());
    match number {
        Some(number) => (stem.with_extension(""), number),
        None => (stem, 1),
    }
}

/// Sets a file aside into the folder `aside` of `inbox`, in one step; where it is now.
///
/// The folder is the daemon's own, and one daemon at a time takes files: a name that is free there stays free.
///
/// # Errors
/// When it cannot be moved; it is then where it was.
pub fn set_aside(inbox: &Path, aside: &str, path: &Path) -> Result<PathBuf, IntakeError> {
    let folder = made(&inbox.join(aside))?;
    let name = path.file_name().map(PathBuf::from).ok_or_else(|| IntakeError::NoName(path.to_owned()))?;
    let free = (1..=MOST_NUMBERS).map(|number| folder.join(numbered(&name, number))).find(|target| !target.exists());
    let Some(target) = free else { return Err(IntakeError::NoFreeName { name, folder }) };
    fs::rename(path, &target).map_err(|error| IntakeError::Io { what: "move", path: path.to_owned(), error })?;
    Ok(target)
}

/// Moves the imported file at `path` to `done/` under `dir`; where it is now.
///
/// # Errors
/// When it cannot be moved; it is then where it was.
pub fn done(dir: &Path, path: &Path) -> Result<PathBuf, IntakeError> {
    keep(&dir.join(DONE), path)
}

/// Moves the file at `path` into `folder`, made where it is missing, under a name that is free there; where it is now.
///
/// # Errors
/// When it cannot be moved; it is then where it was.
pub fn keep(folder: &Path, path: &Path) -> Result<PathBuf, IntakeError> {
    let folder = made(folder)?;
    let name = path.file_name().map(PathBuf::from).ok_or_else(|| IntakeError::NoName(path.to_owned()))?;
    for number in 1..=MOST_NUMBERS {
        let target = folder.join(numbered(&name, number));
        if claim(&target)?.is_some() {
            move_onto(path, &target).inspect_err(|_| release(&target))?;
            return Ok(target);
        }
    }
    Err(IntakeError::NoFreeName { name, folder })
}

/// Moves the refused file at `path` to `refused/` under `dir`, with `report` beside it as `NAME.report.txt`.
///
/// The report is written first: a refused file never lies there without its reasons.
///
/// # Errors
/// When it cannot be moved; it is then where it was.
pub fn refuse(dir: &Path, path: &Path, report: &str) -> Result<Refused, IntakeError> {
    let folder = made(&dir.join(REFUSED))?;
    let name = path.file_name().map(PathBuf::from).ok_or_else(|| IntakeError::NoName(path.to_owned()))?;
    for number in 1..=MOST_NUMBERS {
        let file = folder.join(numbered(&name, number));
        let mut report_name = OsString::from(&file);
        report_name.push(".report.txt");
        let report_path = PathBuf::from(report_name);
        if claim(&file)?.is_none() {
            continue;
        }
        let Some(mut out) = claim(&report_path).inspect_err(|_| release(&file))? else {
            release(&file);
            continue;
        };
        let written = out.write_all(report.as_bytes()).and_then(|()| out.sync_all()).map_err(|error| IntakeError::Io {
            what: "write",
            path: report_path.clone(),
            error,
        });
        written.and_then(|()| move_onto(path, &file)).inspect_err(|_| {
            release(&file);
            release(&report_path);
        })?;
        return Ok(Refused { file, report: report_path });
    }
    Err(IntakeError::NoFreeName { name, folder })
}

/// The folder, made where it is missing.
fn made(folder: &Path) -> Result<PathBuf, IntakeError> {
    fs::create_dir_all(folder).map_err(|error| IntakeError::Io { what: "make", path: folder.to_owned(), error })?;
    Ok(folder.to_owned())
}

/// `payments.csv`, `payments.2.csv`, …: the ending stays what it is.
fn numbered(name: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return name.to_owned();
    }
    let mut numbered = name.file_stem().unwrap_or_default().to_owned();
    numbered.push(format!(".{number}"));
    if let Some(ending) = name.extension() {
        numbered.push(".");
        numbered.push(ending);
    }
    numbered.into()
}

/// Creates an empty file under a name that nothing has yet; `None`: it is taken.
fn claim(path: &Path) -> Result<Option<File>, IntakeError> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(IntakeError::Io { what: "create", path: path.to_owned(), error }),
    }
}

/// Takes an empty claim back, so that a failure leaves no trace. What cannot be removed does no harm.
fn release(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Moves `from` onto the claim `to`; by copying where the two lie on different disks.
fn move_onto(from: &Path, to: &Path) -> Result<(), IntakeError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_onto(from, to),
        moved => moved,
    }
    .map_err(|error| IntakeError::Io { what: "move", path: from.to_owned(), error })
}

fn copy_onto(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::open(to)?.sync_all()?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_file_lies_beside_its_report_and_never_over_an_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = dir.path().join("payments.csv");
        for (content, name) in [("first", "payments.csv"), ("second", "payments.2.csv")] {
            fs::write(&inbox, content).unwrap();
            let kept = refuse(dir.path(), &inbox, &format!("why {content}")).unwrap();
            assert_eq!(kept.file, dir.path().join(REFUSED).join(name));
            assert_eq!(fs::read_to_string(&kept.file).unwrap(), content);
            assert_eq!(fs::read_to_string(&kept.report).unwrap(), format!("why {content}"));
            assert!(!inbox.exists());
        }
    }

    #[test]
    fn a_file_that_is_done_never_replaces_another_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = dir.path().join("charges.csv");
        fs::write(&inbox, "first").unwrap();
        let first = done(dir.path(), &inbox).unwrap();
        fs::write(&inbox, "second").unwrap();
        let second = done(dir.path(), &inbox).unwrap();
        assert_eq!(fs::read_to_string(first).unwrap(), "first");
        assert_eq!(fs::read_to_string(second).unwrap(), "second");
    }

    #[test]
    fn a_file_that_is_not_there_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        assert!(done(dir.path(), &dir.path().join("gone.csv")).is_err());
        assert!(refuse(dir.path(), &dir.path().join("gone.csv"), "why").is_err());
        assert_eq!(fs::read_dir(dir.path().join(DONE)).unwrap().count(), 0);
        assert_eq!(fs::read_dir(dir.path().join(REFUSED)).unwrap().count(), 0);
    }

    #[test]
    fn only_whole_csv_files_wait_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.CSV", "c.csv.part", ".d.csv", "notes.txt"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let names: Vec<_> =
            waiting(dir.path(), &|_| false).unwrap().iter().map(|p| p.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a.CSV", "b.csv"]);
    }
}
