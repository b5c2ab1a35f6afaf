//! Files that come in: read, taken whole or refused whole, and kept.

use std::path::{Path, PathBuf};

use super::{Office, OfficeError, Result};
use crate::domain::Actor;
use crate::domain::import::ImportOutcome;
use crate::ingest::{self, FileErrors, intake};
use crate::store::{ExceptionKind, ImportResult, Stamp};

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    Done(ImportOutcome),
    /// These bytes were taken before; nothing changed.
    Before(ImportOutcome),
    /// Nothing of it was taken; the report says all that is wrong.
    Refused {
        report: String,
        kept: Option<PathBuf>,
    },
}

/// Files taken in from the inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intake {
    pub taken: u32,
    pub refused: u32,
}

impl Office {
    /// Imports a file. One that is refused is copied to `refused/` beside its report, and stands on the exceptions
    /// list.
    ///
    /// # Errors
    /// When the file cannot be read, or the database fails.
    pub async fn import(&self, path: &Path, by: &str) -> Result<Taken> {
        let bytes = std::fs::read(path).map_err(|source| OfficeError::file(path, source))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stamp = Stamp { by: Actor::Person(by.to_owned()), ..self.daemon_stamp(self.today()) };
        let rules = self.rules_on(stamp.on).await?;
        let errors = match ingest::read(&name, &bytes) {
            Err(errors) => errors,
            Ok(file) => match self.store.import(&file, &rules.policy.ledger, &stamp).await? {
                ImportResult::Done(outcome) => return Ok(Taken::Done(outcome)),
                ImportResult::AlreadyImported(outcome) => return Ok(Taken::Before(outcome)),
                ImportResult::Refused(rows) => FileErrors::from_refused(&name, file.kind, &rows),
            },
        };
        let report = errors.text();
        let text = format!("{name} was refused: {} errors", errors.errors.len());
        self.store.open_exception(None, ExceptionKind::FileRefused, &text, &stamp).await?;
        // The copy is moved, so that the original stays where its owner put it.
        let folder = self.folder(intake::REFUSED)?;
        let copy = folder.join(format!(".{name}.incoming"));
        std::fs::write(&copy, &bytes).map_err(|source| OfficeError::file(&copy, source))?;
        let renamed = self.folder(".incoming")?.join(&name);
        std::fs::rename(&copy, &renamed).map_err(|source| OfficeError::file(&renamed, source))?;
        let kept = intake::refuse(&self.dir, &renamed, &report)?;
        Ok(Taken::Refused { report, kept: Some(kept.report) })
    }

    /// Takes in what waits in `inbox/`: accounts first, then what refers to them, each kind in the order of the names.
    /// A file that is taken moves to `done/`, a refused one to `refused/` with its report.
    ///
    /// # Errors
    /// When a folder cannot be read, or the database fails.
    pub async fn take_inbox(&self) -> Result<Intake> {
        let inbox = self.folder("inbox")?;
        let mut files = Vec::new();
        for path in intake::waiting(&inbox)? {
            let bytes = std::fs::read(&path).map_err(|source| OfficeError::file(&path, source))?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let read = ingest::read(&name, &bytes);
            let rank = read.as_ref().map_or(u8::MAX, |file| file.kind as u8);
            files.push((rank, path, name, read));
        }
        files.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut intake_report = Intake::default();
        for (_, path, name, read) in files {
            let stamp = Stamp { by: Actor::File(name.clone()), ..self.daemon_stamp(self.today()) };
            let rules = self.rules_on(stamp.on).await?;
            let refused = match read {
                Err(errors) => Some(errors),
                Ok(file) => match self.store.import(&file, &rules.policy.ledger, &stamp).await? {
                    ImportResult::Done(_) | ImportResult::AlreadyImported(_) => None,
                    ImportResult::Refused(rows) => Some(FileErrors::from_refused(&name, file.kind, &rows)),
                },
            };
            match refused {
                None => {
                    intake::done(&self.dir, &path)?;
                    intake_report.taken += 1;
                }
                Some(errors) => {
                    let text = format!("{name} was refused: {} errors", errors.errors.len());
                    self.store.open_exception(None, ExceptionKind::FileRefused, &text, &stamp).await?;
                    intake::refuse(&self.dir, &path, &errors.text())?;
                    intake_report.refused += 1;
                }
            }
        }
        Ok(intake_report)
    }
}
