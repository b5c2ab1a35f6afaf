//! Archives: a data directory in one file, each file named with its SHA-256, and back again.
//!
//! An archive is a ZIP whose last file, `manifest.json`, names all others. It is there entirely or not at all, and so is
//! what is unpacked of it. Deliberately absent: what is to be copied and what a restored city may do, which is the
//! office's.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::domain::DocumentHash;
use crate::domain::document::hex;

/// The name of the manifest inside.
const MANIFEST: &str = "manifest.json";
/// The layout that this program writes and reads.
const LAYOUT: u32 = 1;
/// So often the directory is listed at most.
const LISTINGS: u32 = 20;
/// The database's place inside, by its kind.
pub const SQLITE: &str = "arrears.db";
pub const PG_DUMP: &str = "database.pgdump";

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub layout: u32,
    /// Of the program that made it.
    pub version: String,
    pub made_at: DateTime<Utc>,
    /// Root of the seal with which the copy of the database ends.
    pub seal: Option<String>,
    /// By path.
    pub files: Vec<Packed>,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// In the data directory, with `/`.
    pub path: String,
    pub bytes: u64,
    pub sha256: DocumentHash,
}

impl Manifest {
    /// Whether the archive holds the file.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }
}

/// Why an archive was not made or not unpacked. Nothing is left half done.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is no archive of Arrears: {why}", path.display())]
    NoArchive { path: PathBuf, why: String },
    #[error(
        "{file} in {} is not what was packed: its SHA-256 is {found}, and the manifest says {packed}; take another backup",
        path.display()
    )]
    Damaged { path: PathBuf, file: String, found: String, packed: DocumentHash },
    #[error("{} is not empty: restore into a new directory, and move the old one out of the way first", path.display())]
    NotEmpty { path: PathBuf },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    move |source| ArchiveError::File { path: path.to_owned(), source }
}

/// What lies in a directory that others work in: files by their paths inside, listed anew with each call.
pub type Listing<'a> = &'a dyn Fn() -> Result<Vec<(String, PathBuf)>, ArchiveError>;

/// Packs files, each with its path inside, and then those that the listing finds, and gives the manifest. One that is moved
/// meanwhile is found where it went, and stands in the archive once. `to` is replaced as a whole.
///
/// # Errors
/// When a file cannot be read, or the archive not be written.
pub fn pack(
    to: &Path,
    files: &[(String, PathBuf)],
    listing: Listing<'_>,
    made_at: DateTime<Utc>,
    seal: Option<String>,
) -> Result<Manifest, ArchiveError> {
    let folder = folder_of(to);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let temporary = folder.join(format!(".arrears-backup-{}.part", std::process::id()));
    let packed = write(&temporary, files, listing, made_at, seal);
    let done = packed.and_then(|manifest| {
        fs::rename(&temporary, to).map_err(at(to))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(at(&folder))?;
        Ok(manifest)
    });
    if done.is_err() {
        // It may not have come so far that there is one.
        let _ = fs::remove_file(&temporary);
    }
    done
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")).to_owned()
}

fn write(
    temporary: &Path,
    files: &[(String, PathBuf)],
    listing: Listing<'_>,
    made_at: DateTime<Utc>,
    seal: Option<String>,
) -> Result<Manifest, ArchiveError> {
    let file = private(temporary).map_err(at(temporary))?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(3))
        .unix_permissions(0o600)
        .large_file(true);
    let zipped = |error: zip::result::ZipError| at(temporary)(io::Error::other(error));
    let mut packed: Vec<Packed> = Vec::with_capacity(files.len());
    let (mut names, mut held) = (BTreeSet::new(), BTreeSet::new());
    for round in 0.. {
        let (mut gone, mut new) = (None, 0);
        let listed = if round == 0 { files.to_vec() } else { listing()? };
        for (name, path) in listed {
            if names.contains(&name) {
                continue;
            }
            let from = match File::open(&path) {
                Ok(from) => from,
                Err(error) if error.kind() == io::ErrorKind::NotFound && round > 0 => {
                    gone = Some((path, error));
                    continue;
                }
                Err(error) => return Err(at(&path)(error)),
            };
            // Under whatever name it lies: a file that is moved is the same file.
            let file = from.metadata().map_err(at(&path))?;
            if !held.insert((file.dev(), file.ino())) {
                continue;
            }
            zip.start_file(name.as_str(), options).map_err(zipped)?;
            let (bytes, sha256) = copy(BufReader::new(from), &mut zip).map_err(at(&path))?;
            packed.push(Packed { path: name.clone(), bytes, sha256 });
            names.insert(name);
            new += 1;
        }
        match gone {
            Some((path, error)) if round >= LISTINGS => return Err(at(&path)(error)),
            None if round > 0 && (new == 0 || round >= LISTINGS) => break,
            Some(_) | None => {}
        }
    }
    packed.sort_by(|a, b| a.path.cmp(&b.path));
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let manifest = Manifest { layout: LAYOUT, version, made_at, seal, files: packed };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| at(temporary)(io::Error::other(error)))?;
    zip.start_file(MANIFEST, options).map_err(zipped)?;
    zip.write_all(&text).map_err(at(temporary))?;
    let file = zip.finish().map_err(zipped)?.into_inner().map_err(|error| at(temporary)(error.into_error()))?;
    file.sync_all().map_err(at(temporary))?;
    Ok(manifest)
}

/// A new file that only its owner reads: it holds people's names and debts.
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn copy(mut from: impl Read, to: &mut impl Write) -> io::Result<(u64, DocumentHash)> {
    let (mut hash, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 16], 0_u64);
    loop {
        let read = from.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        to.write_all(part)?;
        bytes += part.len() as u64;
    }
    Ok((bytes, hex(&hash.finalize()).into()))
}

/// Reads the manifest of an archive.
///
/// # Errors
/// [`ArchiveError::NoArchive`] where there is none, or one of a newer layout.
pub fn manifest(path: &Path) -> Result<Manifest, ArchiveError> {
    manifest_of(&mut open(path)?, path)
}

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>, ArchiveError> {
    let file = File::open(path).map_err(at(path))?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| no_archive(path, &error))
}

fn no_archive(path: &Path, why: &impl ToString) -> ArchiveError {
    ArchiveError::NoArchive { path: path.to_owned(), why: why.to_string() }
}

fn manifest_of<R: Read + Seek>(zip: &mut ZipArchive<R>, path: &Path) -> Result<Manifest, ArchiveError> {
    let file = zip.by_name(MANIFEST).map_err(|error| no_archive(path, &error))?;
    let manifest: Manifest = serde_json::from_reader(file).map_err(|error| no_archive(path, &error))?;
    if manifest.layout > LAYOUT {
        return Err(no_archive(path, &format!("a newer Arrears, {}, made it", manifest.version)));
    }
    if let Some(file) = manifest.files.iter().find(|file| !stays_inside(Path::new(&file.path))) {
        return Err(no_archive(path, &format!("{:?} would lie outside the directory", file.path)));
    }
    Ok(manifest)
}

/// Whether a path names something below the folder that it is joined to.
fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_))) && !path.as_os_str().is_empty()
}

/// Unpacks an archive into a folder that is empty or not there, each file against its hash. The folder is there entirely
/// or not at all.
///
/// # Errors
/// When the folder holds anything, the archive is damaged, or the disk is full.
pub fn unpack(path: &Path, into: &Path) -> Result<Manifest, ArchiveError> {
    if fs::read_dir(into).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(ArchiveError::NotEmpty { path: into.to_owned() });
    }
    let mut zip = open(path)?;
    let manifest = manifest_of(&mut zip, path)?;
    let folder = folder_of(into);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let temporary = folder.join(format!(".arrears-restore-{}.part", std::process::id()));
    fs::create_dir_all(&temporary).map_err(at(&temporary))?;
    let done = extract(&mut zip, &manifest, path, &temporary)
        .and_then(|()| fs::rename(&temporary, into).map_err(at(into)))
        .and_then(|()| File::open(&folder).and_then(|folder| folder.sync_all()).map_err(at(&folder)));
    if let Err(error) = done {
        // What was unpacked so far is of no use.
        let _ = fs::remove_dir_all(&temporary);
        return Err(error);
    }
    Ok(manifest)
}

fn extract<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    manifest: &Manifest,
    archive: &Path,
    into: &Path,
) -> Result<(), ArchiveError> {
    for packed in &manifest.files {
        let path = into.join(&packed.path);
        let folder = folder_of(&path);
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let mut file = private(&path).map_err(at(&path))?;
        let from = zip.by_name(&packed.path).map_err(|error| no_archive(archive, &error))?;
        let (_, found) = copy(from, &mut file).map_err(|error| no_archive(archive, &error))?;
        if found != packed.sha256 {
            return Err(ArchiveError::Damaged {
                path: archive.to_owned(),
                file: packed.path.clone(),
                found: found.to_string(),
                packed: packed.sha256.clone(),
            });
        }
        file.sync_all().map_err(at(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_at() -> DateTime<Utc> {
        "2026-05-20T11:30:00Z".parse().unwrap()
    }

    fn archive(dir: &Path) -> PathBuf {
        fs::create_dir_all(dir.join("data/print")).unwrap();
        fs::write(dir.join("data/print/batch.pdf"), "a letter").unwrap();
        fs::write(dir.join("data/arrears.db"), "a database").unwrap();
        let to = dir.join("backups/one.zip");
        let files = ["arrears.db", "print/batch.pdf"].map(|name| (name.to_owned(), dir.join("data").join(name)));
        let manifest = pack(&to, &files, &|| Ok(Vec::new()), made_at(), Some("root".into())).unwrap();
        assert!(manifest.holds("print/batch.pdf"));
        to
    }

    #[test]
    fn what_was_packed_comes_back_and_nothing_else_lies_about() {
        let dir = tempfile::tempdir().unwrap();
        let to = archive(dir.path());
        let restored = dir.path().join("restored");
        fs::create_dir(&restored).unwrap();
        assert_eq!(unpack(&to, &restored).unwrap(), manifest(&to).unwrap());
        assert_eq!(fs::read_to_string(restored.join("print/batch.pdf")).unwrap(), "a letter");
        assert_eq!(fs::read_dir(dir.path().join("backups")).unwrap().count(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_file_that_is_moved_while_the_backup_is_made_stands_in_it_once() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["inbox", "done"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let place = |name: &str| (name.to_owned(), dir.path().join(name));
        for name in ["inbox/a.csv", "inbox/b.csv"] {
            fs::write(place(name).1, name).unwrap();
        }
        // The one is moved behind the first listing before it is read, the other behind its reading.
        let round = std::cell::Cell::new(0);
        let listing = || {
            round.set(round.get() + 1);
            match round.get() {
                1 => {
                    fs::rename(place("inbox/a.csv").1, place("done/a.csv").1).unwrap();
                    Ok(["inbox/a.csv", "inbox/b.csv"].map(place).to_vec())
                }
                2 => {
                    fs::rename(place("inbox/b.csv").1, place("done/b.csv").1).unwrap();
                    Ok(["done/a.csv", "done/b.csv"].map(place).to_vec())
                }
                _ => Ok(["done/a.csv", "done/b.csv"].map(place).to_vec()),
            }
        };
        let manifest = pack(&dir.path().join("one.zip"), &[], &listing, made_at(), None).unwrap();
        let paths: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["done/a.csv", "inbox/b.csv"]);
    }

    #[test]
    fn nothing_is_unpacked_over_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let to = archive(dir.path());
        let error = unpack(&to, &dir.path().join("data")).unwrap_err().to_string();
        assert!(error.contains("is not empty"), "{error}");
    }

    #[test]
    fn a_file_that_was_changed_in_the_archive_is_named_and_nothing_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let to = archive(dir.path());
        // The same archive with another letter under the old manifest.
        let old = manifest(&to).unwrap();
        fs::write(dir.path().join("data/print/batch.pdf"), "no letter").unwrap();
        let forged = dir.path().join("forged.zip");
        let mut zip = ZipWriter::new(File::create(&forged).unwrap());
        for name in ["arrears.db", "print/batch.pdf"] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(&fs::read(dir.path().join("data").join(name)).unwrap()).unwrap();
        }
        zip.start_file(MANIFEST, SimpleFileOptions::default()).unwrap();
        zip.write_all(&serde_json::to_vec(&old).unwrap()).unwrap();
        zip.finish().unwrap();
        let restored = dir.path().join("restored");
        let error = unpack(&forged, &restored).unwrap_err().to_string();
        assert!(error.contains("print/batch.pdf") && error.contains("take another backup"), "{error}");
        assert!(!restored.exists());
    }

    #[test]
    fn no_file_is_unpacked_outside_the_folder() {
        assert!(!stays_inside(Path::new("../arrears.db")));
        assert!(!stays_inside(Path::new("/etc/passwd")));
        assert!(!stays_inside(Path::new("")));
        assert!(stays_inside(Path::new("print/batch-000001.pdf")));
    }
}
