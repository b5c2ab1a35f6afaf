//! Files that come in: read, taken whole or refused whole, and kept.

use std::path::{Path, PathBuf};

use super::{Office, OfficeError, Result};
use crate::domain::Actor;
use crate::domain::import::{ImportFile, ImportOutcome};
use crate::ingest::ahead::{AheadLimits, DatedAhead, dated_ahead};
use crate::ingest::{self, FileErrors, intake};
use crate::store::{ExceptionKind, ImportResult, Stamp};

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    Done {
        outcome: ImportOutcome,
        /// Rows that are dated ahead: they count from their day.
        ahead: Option<DatedAhead>,
    },
    /// These bytes were taken before; nothing changed.
    Before(ImportOutcome),
    /// Nothing of it was taken; the report says all that is wrong.
    Refused { report: String, kept: Option<PathBuf> },
}

/// Files taken in from the inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intake {
    pub taken: u32,
    pub refused: u32,
}

impl Office {
    /// Imports a file. One that is refused is copied to `refused/` beside its report, and stands on the exceptions
    /// list; so does a file with rows that are dated ahead.
    ///
    /// # Errors
    /// When the file cannot be read, or is a folder; when the database fails.
    pub async fn import(&self, path: &Path, by: &str) -> Result<Taken> {
        if path.is_dir() {
            return Err(OfficeError::Input {
                what: "a file to import",
                given: path.display().to_string(),
                expected: "it is a folder; name the files in it".into(),
            });
        }
        let bytes = std::fs::read(path).map_err(|source| OfficeError::file(path, source))?;
        let name = file_name(path);
        let stamp = Stamp { by: Actor::Person(by.to_owned()), ..self.daemon_stamp(self.today()) };
        let errors = match self.take(ingest::read(&name, &bytes), &stamp).await? {
            Ok(taken) => return Ok(taken),
            Err(errors) => errors,
        };
        let report = errors.text();
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
            let name = file_name(&path);
            let read = ingest::read(&name, &bytes);
            let rank = read.as_ref().map_or(u8::MAX, |file| file.kind as u8);
            files.push((rank, path, name, read));
        }
        files.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut intake_report = Intake::default();
        for (_, path, name, read) in files {
            let stamp = Stamp { by: Actor::File(name), ..self.daemon_stamp(self.today()) };
            match self.take(read, &stamp).await? {
                Ok(_) => {
                    intake::done(&self.dir, &path)?;
                    intake_report.taken += 1;
                }
                Err(errors) => {
                    intake::refuse(&self.dir, &path, &errors.text())?;
                    intake_report.refused += 1;
                }
            }
        }
        Ok(intake_report)
    }

    /// Brings a file that was read into the books, or says all that stands against it; what a person must know of it
    /// goes on the exceptions list.
    async fn take(&self, read: Result<ImportFile, FileErrors>, stamp: &Stamp) -> Result<Result<Taken, FileErrors>> {
        let rules = self.rules_on(stamp.on).await?;
        let imports = self.config.imports;
        let limits = AheadLimits { charges: imports.charges_ahead_days, payments: imports.payments_ahead_days };
        let read = read.and_then(|file| dated_ahead(&file, limits, stamp.on).map(|ahead| (file, ahead)));
        let errors = match read {
            Err(errors) => errors,
            Ok((file, ahead)) => match self.store.import(&file, &rules.policy.ledger, stamp).await? {
                ImportResult::Done(outcome) => {
                    if let Some(ahead) = &ahead {
                        self.store.open_exception(None, ExceptionKind::DatedAhead, &ahead.to_string(), stamp).await?;
                    }
                    return Ok(Ok(Taken::Done { outcome, ahead }));
                }
                ImportResult::AlreadyImported(outcome) => return Ok(Ok(Taken::Before(outcome))),
                ImportResult::Refused(rows) => FileErrors::from_refused(&file.name, file.kind, &rows),
            },
        };
        let count = if errors.total == 1 { "1 error".to_owned() } else { format!("{} errors", errors.total) };
        let text = format!("{} was refused: {count}", errors.file);
        self.store.open_exception(None, ExceptionKind::FileRefused, &text, stamp).await?;
        Ok(Err(errors))
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
