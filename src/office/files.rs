//! Files that come in: read, taken whole or refused whole, and kept.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::mappings::{Mappings, read};
use super::{Office, OfficeError, Result};
use crate::domain::Actor;
use crate::domain::import::{FileKind, ImportFile, ImportOutcome, ImportRows};
use crate::ingest::ahead::{AheadLimits, DatedAhead, dated_ahead, not_over};
use crate::ingest::unusual::{UsualFile, unusual};
use crate::ingest::{self, FileErrors, Problem, intake};
use crate::store::{ExceptionKind, ImportResult, Stamp};

/// How much of a file is read to learn its kind.
const HEADER_BYTES: u64 = 64 * 1024;
/// Files that say what is usual.
const EARLIER_FILES: u32 = 500;
/// How long nothing may have been written to a file of the inbox before it is taken.
const AT_REST_SECONDS: i64 = 5;

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    Done {
        outcome: ImportOutcome,
        /// What somebody is to look at: rows dated ahead, control records for a day that is not over.
        told: Vec<String>,
    },
    /// What these bytes say stands in the books already; no row was new.
    Before { told: Vec<String> },
    /// Nothing of it was taken; the report says all that is wrong.
    Refused { report: String, kept: Option<PathBuf> },
}

/// How a person has a file imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Importing {
    /// The name of a mapping, or its file; without it the one whose pattern fits, if there is one.
    pub mapping: Option<String>,
    /// Although a row of it, or the number of its rows, is not like others: somebody has looked.
    pub is_confirmed: bool,
}

/// What a file is by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    Good {
        kind: FileKind,
        rows: usize,
        told: Vec<String>,
    },
    /// The report.
    Wrong(String),
}

/// A file as it was read.
struct Read {
    name: String,
    bytes: Vec<u8>,
    file: Result<ImportFile, FileErrors>,
}

/// Files taken in from the inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intake {
    pub taken: u32,
    pub refused: u32,
    /// Files that could not be read or moved, a sentence each. They are tried again, and the others were taken.
    pub stuck: Vec<String>,
}

impl Office {
    /// Imports a file. One that is refused is copied to `refused/` beside its report, and stands on the exceptions
    /// list; so does a file with rows that are dated ahead.
    ///
    /// # Errors
    /// When the file cannot be read, or is a folder; when the database fails.
    pub async fn import(&self, path: &Path, by: &str) -> Result<Taken> {
        self.import_as(path, &Importing::default(), by).await
    }

    /// Imports a file as a person says: by a mapping, or although it is not like others.
    ///
    /// # Errors
    /// As [`Self::import`].
    pub async fn import_as(&self, path: &Path, how: &Importing, by: &str) -> Result<Taken> {
        let Read { name, bytes, file } = self.read(path, how)?;
        let stamp = Stamp { by: Actor::Person(by.to_owned()), ..self.daemon_stamp(self.today()) };
        let errors = match self.take(file, how.is_confirmed, &stamp).await? {
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

    /// Reads a file and says what it holds, or all that is wrong with it by itself. Nothing is imported; whether the books
    /// take it, only the import says.
    ///
    /// # Errors
    /// As [`Self::import`].
    pub async fn check_file(&self, path: &Path, how: &Importing) -> Result<Checked> {
        let file = self.read(path, how)?.file;
        let today = self.today();
        let read = match file {
            Ok(file) if !how.is_confirmed => {
                let usual = self.usual_file(&file).await?;
                unusual(&file, &usual).map(|()| file)
            }
            read => read,
        };
        let limits = self.ahead_limits();
        Ok(match read.and_then(|file| dated_ahead(&file, limits, today).map(|ahead| (file, ahead))) {
            Ok((file, ahead)) => {
                let told = ahead.iter().map(DatedAhead::to_string).chain(not_over(&file, today)).collect();
                Checked::Good { kind: file.kind, rows: file.rows.len(), told }
            }
            Err(errors) => Checked::Wrong(errors.text()),
        })
    }

    fn ahead_limits(&self) -> AheadLimits {
        let imports = self.config.imports;
        AheadLimits { charges: imports.charges_ahead_days, payments: imports.payments_ahead_days }
    }

    /// A file that a person names, as its mapping says.
    fn read(&self, path: &Path, how: &Importing) -> Result<Read> {
        if path.is_dir() {
            return Err(OfficeError::Input {
                what: "a file to import",
                given: path.display().to_string(),
                expected: "it is a folder; name the files in it".into(),
            });
        }
        let bytes = std::fs::read(path).map_err(|source| OfficeError::file(path, source))?;
        let name = file_name(path);
        let file = match &how.mapping {
            Some(mapping) => read(&name, &bytes, Some(&self.mapping(mapping)?)),
            None => read(&name, &bytes, self.mappings()?.for_file(&name)?),
        };
        let file = match file {
            // It may have been meant for one of these.
            Err(errors) if errors.errors.iter().any(|error| error.problem == Problem::UnknownKind) => {
                match self.broken_mappings()?.into_iter().next() {
                    Some(broken) => {
                        return Err(OfficeError::refused(
                            format!(
                                "{name} is of no kind that Arrears knows, and a mapping that may be for it is wrong: {broken}"
                            ),
                            "correct the mapping, and import the file again",
                        ));
                    }
                    None => Err(errors),
                }
            }
            read => read,
        };
        Ok(Read { name, bytes, file })
    }

    /// Takes in what waits in `inbox/`: accounts first, then what refers to them, each kind in the order of the names.
    /// A file that is taken moves to `done/`, a refused one to `refused/` with its report. One that cannot be read or
    /// moved goes on the exceptions list, and keeps none of the others out.
    ///
    /// # Errors
    /// When a folder cannot be read, no policy is in force, or the database fails.
    pub async fn take_inbox(&self) -> Result<Intake> {
        let inbox = self.folder("inbox")?;
        let mut intake = Intake::default();
        let mappings = self.mappings()?;
        for broken in &mappings.broken {
            // Its files are left where they are until it is put right.
            self.tell_stuck(format!("{broken}; no file is taken by it"), &mut intake).await?;
        }
        let is_described = |name: &str| mappings.describe(name);
        for path in intake::left(&inbox, intake::TAKEN, &|_| true)? {
            if let Err(error) = intake::done(&self.dir, &path) {
                self.stuck(&path, &error.to_string(), &mut intake).await?;
            }
        }
        self.tell_strangers(&inbox, &is_described).await?;
        let mut files = Vec::new();
        let mut waiting = intake::waiting(&inbox, &is_described)?;
        // Who writes slowly into the inbox would go on writing into a file that was taken.
        waiting.retain(|path| !is_young(path, self.now()));
        for path in intake::left(&inbox, intake::TAKING, &|_| true)?.into_iter().chain(waiting) {
            match beginning(&path) {
                Ok(beginning) => {
                    let name = file_name(&path);
                    let mapped =
                        mappings.known.iter().find(|mapping| mapping.is_for(&name)).map(|mapping| mapping.kind);
                    let kind = mapped.or_else(|| ingest::kind_of(&name, &beginning));
                    files.push((kind.map_or(u8::MAX, |kind| kind as u8), intake::order(&path), path));
                }
                Err(error) => self.stuck(&path, &error.to_string(), &mut intake).await?,
            }
        }
        files.sort();
        for (_, _, path) in files {
            match self.take_waiting(&inbox, &path, &mappings, &mut intake).await {
                Ok(()) => {}
                // What is wrong with one file keeps none of the others out.
                Err(error @ (OfficeError::File { .. } | OfficeError::Intake(_) | OfficeError::Refused { .. })) => {
                    self.stuck(&path, &error.to_string(), &mut intake).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(intake)
    }

    /// Takes one file of the inbox, out of the way of whoever writes there.
    async fn take_waiting(&self, inbox: &Path, path: &Path, mappings: &Mappings, intake: &mut Intake) -> Result<()> {
        let mapping = mappings.for_file(&file_name(path))?;
        let is_aside = path.starts_with(inbox.join(intake::TAKING));
        let path = if is_aside { path.to_owned() } else { intake::set_aside(inbox, intake::TAKING, path)? };
        let standing = stands(&path)?;
        let bytes = std::fs::read(&path).map_err(|source| OfficeError::file(&path, source))?;
        // Who opened the file before it was set aside may write to it still: it is read at the next look.
        if stands(&path)? != standing {
            return Ok(());
        }
        let name = file_name(&path);
        let stamp = Stamp { by: Actor::File(name.clone()), ..self.daemon_stamp(self.today()) };
        if let Err(errors) = self.take(read(&name, &bytes, mapping), false, &stamp).await? {
            intake::refuse(&self.dir, &path, &errors.text())?;
            intake.refused += 1;
            return Ok(());
        }
        intake.taken += 1;
        // What was added meanwhile is read at the next look, and the rows that were taken are known then.
        if stands(&path)? == standing
            && let Err(error) = intake::done(&self.dir, &path)
        {
            // It is not read again: an account's record might have come since that says otherwise.
            let aside = intake::set_aside(inbox, intake::TAKEN, &path)?;
            self.stuck(&aside, &error.to_string(), intake).await?;
        }
        Ok(())
    }

    /// A file that can be neither taken nor refused is told: in the log, and on the exceptions list.
    async fn stuck(&self, path: &Path, error: &str, intake: &mut Intake) -> Result<()> {
        let place = path.strip_prefix(&self.dir).unwrap_or(path).display();
        self.tell_stuck(format!("{place} is in the way: {error}; it is tried again"), intake).await
    }

    async fn tell_stuck(&self, text: String, intake: &mut Intake) -> Result<()> {
        let stamp = self.daemon_stamp(self.today());
        self.store.open_exception(None, ExceptionKind::FileStuck, &text, &stamp).await?;
        intake.stuck.push(text);
        Ok(())
    }

    /// Brings a file that was read into the books, or says all that stands against it; what a person must know of it
    /// goes on the exceptions list.
    async fn take(
        &self,
        read: Result<ImportFile, FileErrors>,
        is_confirmed: bool,
        stamp: &Stamp,
    ) -> Result<Result<Taken, FileErrors>> {
        let read = match read {
            Ok(file) if !is_confirmed => {
                let usual = self.usual_file(&file).await?;
                unusual(&file, &usual).map(|()| file)
            }
            read => read,
        };
        let rules = self.rules_on(stamp.on).await?;
        let limits = self.ahead_limits();
        let read = read.and_then(|file| dated_ahead(&file, limits, stamp.on).map(|ahead| (file, ahead)));
        let errors = match read {
            Err(errors) => errors,
            Ok((mut file, ahead)) => {
                let told = not_over(&file, stamp.on);
                if let ImportRows::Returns(returns) = &mut file.rows {
                    self.hear_returns(returns, stamp.on).await?;
                }
                match self.store.import(&file, &rules.policy.ledger, stamp).await? {
                    ImportResult::Done(outcome) => {
                        self.tell_returning().await?;
                        let told = ahead.iter().map(DatedAhead::to_string).chain(told).collect();
                        return Ok(Ok(Taken::Done { outcome, told: self.told(told, stamp).await? }));
                    }
                    ImportResult::AlreadyImported(_) => {
                        return Ok(Ok(Taken::Before { told: self.told(told, stamp).await? }));
                    }
                    ImportResult::Refused(rows) => FileErrors::from_refused(&file.name, file.kind, &rows),
                }
            }
        };
        let count = if errors.total == 1 { "1 error".to_owned() } else { format!("{} errors", errors.total) };
        let text = format!("{} was refused: {count}", errors.file);
        self.store.open_exception(None, ExceptionKind::FileRefused, &text, stamp).await?;
        Ok(Err(errors))
    }

    /// What is usual for a file of its kind: until enough were taken, any number of rows.
    async fn usual_file(&self, file: &ImportFile) -> Result<UsualFile> {
        let guards = self.config.guards;
        let before = self.store.imports(EARLIER_FILES).await?;
        let was_read_otherwise =
            before.iter().any(|known| known.outcome.content.as_ref() == Some(&file.content) && known.hash != file.hash);
        let of_kind: Vec<_> = before.into_iter().filter(|known| known.kind == file.kind).collect();
        // Newest first.
        let columns = of_kind.first().map(|last| last.outcome.columns.clone()).unwrap_or_default();
        let rows: Vec<u64> = of_kind.iter().map(|known| u64::from(known.outcome.rows)).collect();
        let most_rows = match rows.iter().max() {
            Some(largest) if rows.len() >= guards.least_history => {
                largest.saturating_mul(u64::from(guards.times)).max(guards.always_allowed)
            }
            _ => u64::MAX,
        };
        Ok(UsualFile { largest_row: guards.largest_row(), most_rows, columns, was_read_otherwise })
    }

    /// Puts what somebody is to look at on the exceptions list.
    async fn told(&self, told: Vec<String>, stamp: &Stamp) -> Result<Vec<String>> {
        for sentence in &told {
            self.store.open_exception(None, ExceptionKind::DatedAhead, sentence, stamp).await?;
        }
        Ok(told)
    }
}

/// Enough of a file to read its header.
fn beginning(path: &Path) -> Result<Vec<u8>> {
    // The report on a refused file quotes it, and would show whatever a link leads to.
    if path.is_symlink() {
        return Err(OfficeError::refused("it is a link, and is not followed", "put the file itself there"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(HEADER_BYTES).read_to_end(&mut bytes))
        .map_err(|source| OfficeError::file(path, source))?;
    Ok(bytes)
}

/// The length of a file and when it was last written to.
fn stands(path: &Path) -> Result<(u64, Option<SystemTime>)> {
    let found = std::fs::metadata(path).map_err(|source| OfficeError::file(path, source))?;
    Ok((found.len(), found.modified().ok()))
}

/// Whether the file was written to in the last seconds. A clock that stands elsewhere than the machine's, as in a trial, knows
/// of none; a file that is gone meanwhile is none.
pub(super) fn is_young(path: &Path, now: DateTime<Utc>) -> bool {
    let written = std::fs::metadata(path).and_then(|found| found.modified()).ok();
    written.is_some_and(|written| (0..AT_REST_SECONDS).contains(&(now - DateTime::<Utc>::from(written)).num_seconds()))
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;
    use crate::domain::ledger::PaymentChannel;
    use crate::office::testing::City;

    const PAYMENTS: &str = "account,amount,received_on,channel,source,reference\n";

    fn confirmed() -> Importing {
        Importing { is_confirmed: true, ..Importing::default() }
    }

    #[tokio::test]
    async fn the_same_bytes_under_a_mapping_that_was_changed_are_not_posted_once_more_without_a_word() {
        let city = City::new().await;
        let folder = city.office.dir.join("mappings");
        std::fs::create_dir_all(&folder).unwrap();
        let mapping = |reference: &str| {
            format!(
                "mapping: m\nfiles: \"LBX*.txt\"\nkind: payments\nlayout: bars\ncolumns: {{account: ACCT, amount: AMT, \
                 received_on: PAID, channel: {{is: lockbox}}, source: {{is: bank}}, reference: {reference}}}\n"
            )
        };
        let path = city.office.dir.join("LBX1.txt");
        std::fs::write(&path, "ACCT|AMT|PAID|SEQ|BATCH\n10-000417|24.20|2026-03-01|1|B7\n").unwrap();
        std::fs::write(folder.join("m.yaml"), mapping("SEQ")).unwrap();
        assert!(matches!(city.office.import(&path, "Ruth").await.unwrap(), Taken::Done { .. }));
        std::fs::write(folder.join("m.yaml"), mapping("{join: [BATCH, SEQ]}")).unwrap();
        let Taken::Refused { report, .. } = city.office.import(&path, "Ruth").await.unwrap() else { panic!("taken") };
        assert!(report.contains("taken before under another mapping"), "{report}");
        let entries = city.office.store.entries(city.debtor().await).await.unwrap();
        assert_eq!(entries.len(), 2, "the bill and one payment");
    }

    #[tokio::test]
    async fn a_city_s_own_file_is_taken_from_the_inbox_by_its_mapping() {
        let city = City::new().await;
        let folder = city.office.dir.join("mappings");
        std::fs::create_dir_all(&folder).unwrap();
        let mapping = "\
mapping: lockbox-elm
files: \"LBX*.txt\"
kind: payments
layout: bars
dates: MMDDYYYY
amounts: {in: cents}
columns:
  account: ACCT
  amount: AMT
  received_on: PAID
  channel: {is: lockbox}
  source: {is: bank}
  reference: SEQ
control: {record: T, count: 2, total: 3}
";
        std::fs::write(folder.join("lockbox.yaml"), mapping).unwrap();
        let file = "ACCT|AMT|PAID|SEQ\n10-000417|2420|03012026|1\nT|1|2420\n";
        city.inbox("LBX0301.txt", file);
        city.inbox("notes.txt", "not one of ours");
        let intake = city.office.take_inbox().await.unwrap();
        assert_eq!((intake.taken, intake.refused, intake.stuck.len()), (1, 0, 0));
        assert_eq!(city.office.snapshot(city.debtor().await).await.unwrap().balance().to_plain(), "200.00");
        assert!(city.office.dir.join("done/LBX0301.txt").exists());
        // By hand, and only to look: nothing is imported.
        let path = city.office.dir.join("other.txt");
        std::fs::write(&path, file.replace("2420", "2400")).unwrap();
        let how = Importing { mapping: Some("lockbox-elm".into()), ..Importing::default() };
        let checked = city.office.check_file(&path, &how).await.unwrap();
        assert_eq!(checked, Checked::Good { kind: FileKind::Payments, rows: 1, told: vec![] });
        assert!(
            matches!(city.office.import_as(&path, &how, "Ruth").await.unwrap(), Taken::Refused { .. }),
            "LBX 1 again"
        );
        // Two mappings for one file, and one that is wrong, are told; the file stays.
        std::fs::write(folder.join("other.yaml"), mapping.replace("lockbox-elm", "other")).unwrap();
        std::fs::write(folder.join("wrong.yaml"), mapping.replace("amount:", "amnt:")).unwrap();
        city.inbox("LBX0302.txt", file);
        let intake = city.office.take_inbox().await.unwrap();
        assert_eq!((intake.taken, intake.refused, intake.stuck.len()), (0, 0, 2));
        assert!(
            intake.stuck[0].starts_with("mappings/wrong.yaml:9:9: no payments file has a column amnt; did you mean")
        );
        assert!(intake.stuck[1].contains("fits the patterns of two mappings, lockbox-elm and other"), "{intake:?}");
        assert!(city.office.dir.join("inbox/LBX0302.txt").exists());
    }

    async fn exceptions(city: &City) -> Vec<(&'static str, String)> {
        let standing = city.office.store.exceptions(true).await.unwrap();
        standing.into_iter().map(|line| (line.kind.word(), line.text)).collect()
    }

    #[tokio::test]
    async fn a_file_that_was_set_aside_by_a_daemon_that_was_killed_is_taken_with_the_one_that_replaced_it() {
        let city = City::new().await;
        let aside = city.office.dir.join("inbox/.taking");
        std::fs::create_dir_all(&aside).unwrap();
        let row = |number: u8| format!("{PAYMENTS}10-000417,20.00,2026-03-01,lockbox,lockbox,LB-{number}\n");
        std::fs::write(aside.join("payments.csv"), row(1)).unwrap();
        city.inbox("payments.csv", &row(2));
        assert_eq!(city.office.take_inbox().await.unwrap().taken, 2);
        let entries = city.office.store.entries(city.debtor().await).await.unwrap();
        let references: Vec<&str> = entries.iter().map(|entry| entry.reference.as_str()).collect();
        assert_eq!(references, ["LB-1", "LB-2", "B1-W"]);
        let done = |name: &str| std::fs::read_to_string(city.office.dir.join("done").join(name)).unwrap();
        assert_eq!((done("payments.csv"), done("payments.2.csv")), (row(1), row(2)));
        assert_eq!(std::fs::read_dir(aside).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn of_files_with_one_name_that_were_set_aside_the_first_is_taken_first() {
        let city = City::new().await;
        let aside = city.office.dir.join("inbox/.taking");
        std::fs::create_dir_all(&aside).unwrap();
        for (name, number) in [("payments.2.csv", 2), ("payments.10.csv", 10), ("payments.csv", 1)] {
            let row = format!("{PAYMENTS}10-000417,20.00,2026-03-01,lockbox,lockbox,LB-{number}\n");
            std::fs::write(aside.join(name), row).unwrap();
        }
        assert_eq!(city.office.take_inbox().await.unwrap().taken, 3);
        let entries = city.office.store.entries(city.debtor().await).await.unwrap();
        let mut entries: Vec<_> = entries.iter().filter(|entry| entry.source == "lockbox").collect();
        entries.sort_by_key(|entry| entry.id);
        let references: Vec<&str> = entries.iter().map(|entry| entry.reference.as_str()).collect();
        assert_eq!(references, ["LB-1", "LB-2", "LB-10"]);
    }

    #[tokio::test]
    async fn a_file_that_was_written_to_a_moment_ago_is_left_for_the_next_look() {
        let city = City::new().await;
        city.inbox("payments.csv", &format!("{PAYMENTS}10-000417,20.00,2026-03-01,lockbox,lockbox,LB-1\n"));
        let path = city.office.dir.join("inbox/payments.csv");
        let written = |seconds_ago: i64| {
            let at = city.office.now() - chrono::Duration::seconds(seconds_ago);
            File::options().append(true).open(&path).unwrap().set_modified(at.into()).unwrap();
        };
        written(AT_REST_SECONDS - 1);
        assert_eq!(city.office.take_inbox().await.unwrap(), Intake::default());
        written(AT_REST_SECONDS);
        assert_eq!(city.office.take_inbox().await.unwrap().taken, 1);
    }

    #[tokio::test]
    async fn a_payment_whose_reference_differs_in_capitals_alone_is_the_same_payment_and_told() {
        let city = City::new().await;
        let head = "account,amount,received_on,channel,source,reference";
        let row = "10-000417,40.00,2026-03-02,lockbox";
        city.takes("payments.csv", &format!("{head}\n{row},LOCKBOX,BOM1\n{row},LOCKBOX,bom1\n")).await;
        // Of another amount, or of another day, it is another payment.
        let others =
            "10-000417,41.00,2026-03-02,lockbox,lockbox,bom1\n10-000417,40.00,2026-03-01,lockbox,Lockbox,bom1\n";
        city.takes("payments-2.csv", &format!("{head}\n{row},lockbox,Bom1\n{others}")).await;
        let entries = city.office.store.entries(city.debtor().await).await.unwrap();
        assert_eq!(entries.len(), 4, "{entries:?}");
        let told = exceptions(&city).await;
        assert_eq!(told.iter().filter(|(kind, _)| *kind == "file_doubtful").count(), 2, "{told:?}");
        let said = "payments-2.csv: 1 payment stands in the books already under references that differ in capitals alone \
                    (first: line 2, Bom1 of lockbox, is BOM1 of LOCKBOX)";
        assert!(told.iter().any(|(_, text)| text.starts_with(said)), "{told:?}");
    }

    #[tokio::test]
    async fn a_charge_for_a_service_that_the_account_does_not_have_is_taken_and_told() {
        let city = City::new().await;
        let head = "account,service,amount,billed_on,due_on,source,reference";
        let rows = "10-000417,electric,80.00,2026-03-02,2026-03-23,cis,E-1\n\
                    10-000417,water,20.00,2026-03-02,2026-03-23,cis,W-1\n\
                    10-000417,general,5.00,2026-03-02,2026-03-23,cis,G-1\n";
        city.takes("charges-2.csv", &format!("{head}\n{rows}")).await;
        let told = exceptions(&city).await;
        let said = "charges-2.csv: 1 charge is for a service that the account does not have by its record (first: line 2, \
                    electric for account 10-000417): taken, and owed";
        assert!(told.iter().any(|(_, text)| text.starts_with(said)), "{told:?}");
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_moved_away_is_told_and_the_others_are_taken() {
        let city = City::new().await;
        let (inbox, done) = (city.office.dir.join("inbox"), city.office.dir.join("done"));
        std::fs::remove_dir_all(&done).unwrap();
        std::fs::write(&done, "a file in the folder's place").unwrap();
        city.inbox("payments.csv", &format!("{PAYMENTS}10-000417,20.00,2026-03-01,lockbox,lockbox,LB-1\n"));
        city.inbox("broken.csv", "account,service\n");
        let intake = city.office.take_inbox().await.unwrap();
        assert_eq!((intake.taken, intake.refused, intake.stuck.len()), (1, 1, 1));
        let told = exceptions(&city).await;
        let (_, text) = told.iter().find(|(kind, _)| *kind == "file_stuck").unwrap();
        assert!(text.starts_with("inbox/.taken/payments.csv is in the way: cannot make "), "{text}");
        // It was taken, and is not read again; once the folder is there, it is moved.
        assert_eq!(city.office.take_inbox().await.unwrap().taken, 0);
        std::fs::remove_file(&done).unwrap();
        assert_eq!(city.office.take_inbox().await.unwrap(), Intake::default());
        assert!(done.join("payments.csv").exists() && !inbox.join(".taken/payments.csv").exists());
    }

    #[tokio::test]
    async fn a_link_is_not_followed_but_told_and_the_others_are_taken() {
        let city = City::new().await;
        let secret = city.office.dir.join("secret.txt");
        std::fs::write(&secret, "root:x:0:0\n").unwrap();
        let link = city.office.dir.join("inbox/a.csv");
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        city.inbox("payments.csv", &format!("{PAYMENTS}10-000417,20.00,2026-03-01,lockbox,lockbox,LB-1\n"));
        for taken in [1, 0] {
            let intake = city.office.take_inbox().await.unwrap();
            assert_eq!((intake.taken, intake.stuck.len()), (taken, 1));
        }
        // It stays where it was, and is told once.
        assert!(link.is_symlink());
        let told = exceptions(&city).await;
        assert_eq!(told.len(), 1);
        assert!(told[0].1.starts_with("inbox/a.csv is in the way: it is a link, and is not followed"), "{told:?}");
    }

    #[tokio::test]
    async fn a_payment_far_above_what_anybody_pays_is_refused_until_a_person_has_confirmed_it() {
        let city = City::new().await;
        let row = "10-000417,9999999.99,2026-03-01,lockbox,lockbox,LB-1\n";
        city.inbox("payments.csv", &format!("{PAYMENTS}{row}"));
        assert_eq!(city.office.take_inbox().await.unwrap().refused, 1);
        let refused = city.office.dir.join("refused/payments.csv");
        assert!(matches!(city.office.import(&refused, "Ruth").await.unwrap(), Taken::Refused { .. }));
        assert!(matches!(city.office.import_as(&refused, &confirmed(), "Ruth").await.unwrap(), Taken::Done { .. }));
    }

    #[tokio::test]
    async fn a_file_of_far_more_rows_than_ever_is_refused_until_a_person_has_confirmed_it() {
        let city = City::configured("guards: {always_allowed: 1, least_history: 1}\n").await;
        let file = |rows: std::ops::Range<u8>| {
            let row = |n| format!("10-000417,1.00,2026-03-01,lockbox,lockbox,LB-{n}\n");
            format!("{PAYMENTS}{}", rows.map(row).collect::<String>())
        };
        city.takes("payments.csv", &file(0..1)).await;
        city.takes("payments-2.csv", &file(1..4)).await;
        city.inbox("payments-3.csv", &file(4..14));
        assert_eq!(city.office.take_inbox().await.unwrap().refused, 1, "ten, when no file had more than three");
        let refused = city.office.dir.join("refused/payments-3.csv");
        assert!(matches!(city.office.import_as(&refused, &confirmed(), "Ruth").await.unwrap(), Taken::Done { .. }));
    }

    #[tokio::test]
    async fn an_account_file_that_comes_again_after_a_newer_one_is_applied_again() {
        let city = City::new().await;
        let file = |name: &str| {
            format!(
                "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy\n\
                 10-000417,{name},418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner\n"
            )
        };
        let debtor = city.debtor().await;
        for name in ["Rosa Muñoz", "Rosa Hartley", "Rosa Muñoz", "Rosa Muñoz"] {
            city.takes("accounts.csv", &file(name)).await;
            assert_eq!(city.office.snapshot(debtor).await.unwrap().profile.customer_name, name);
        }
    }

    #[tokio::test]
    async fn a_control_record_of_the_evening_is_told_and_counts_when_the_file_comes_again_in_the_morning() {
        let city = City::new().await;
        let file =
            format!("{PAYMENTS}10-000417,20.00,2026-03-04,lockbox,lockbox,LB-1\n#control,lockbox,2026-03-04,1,20.00\n");
        let through = async || city.office.store.watermarks().await.unwrap().get(&PaymentChannel::Lockbox).copied();
        city.at("2026-03-04", "18:00");
        city.takes("payments.csv", &file).await;
        assert_eq!(through().await, parse("2026-03-03"));
        let (kind, text) = exceptions(&city).await.remove(0);
        assert_eq!(kind, "dated_ahead");
        assert!(text.contains("counts through Tue 2026-03-03"), "{text}");
        city.at("2026-03-05", "08:00");
        city.takes("payments.csv", &file).await;
        assert_eq!(through().await, parse("2026-03-04"));
    }
}
