//! Backups of a city while it works, and what is left undone after one was restored until a person has looked.
//!
//! The database is copied first, as it is at one moment, and the papers behind it: whatever it names lies on the disk by
//! then. A restored city does not know what was done since its backup. So facts may come in, and nothing goes out and no
//! night is run until the lead releases it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::accounts::need_reason;
use super::{Office, OfficeError, Result, bounces, mappings, pg_tools, wordings};
use crate::backup::{ArchiveError, Manifest, PG_DUMP, SQLITE, manifest, pack, unpack};
use crate::config::{Config, FILE};
use crate::domain::field_order::OrderState;
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::referral::ReferralState;
use crate::domain::{AccountNumber, Channel, Day, NoticeId};
use crate::ingest::intake;
use crate::notices::email::message_name;
use crate::store::{ExceptionKind, Restoration, Stamp, Store};

/// What of the data directory belongs to the city besides the database. Folders out of which files are moved come before
/// those into which they are.
const FOLDERS: [&str; 12] = [
    "inbox",
    ".incoming",
    intake::DONE,
    intake::REFUSED,
    bounces::BOUNCES,
    wordings::FOLDER,
    mappings::MAPPINGS,
    "rules",
    "print",
    "packets",
    "exports",
    "mail",
];

/// What is done about a restored city that stands still.
const LOOK_AT_IT: &str =
    "`arrears restored show` lists what may have been done since, `arrears restored release --reason TEXT` goes on";

/// A backup as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    pub path: PathBuf,
    pub manifest: Manifest,
    /// Why no seal was made first, where the machine's own disk takes nothing more: what came since the last one is unsealed.
    pub unsealed: Option<String>,
}

/// A city as it was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub manifest: Manifest,
    /// The database's address in its `arrears.yaml`, which was struck out there: it may be that of the city that works.
    pub struck_out: Option<String>,
}

/// What stands in a restored city and may have been done since its backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MayBeDone {
    pub restoration: Restoration,
    pub last_night: Option<Day>,
    /// Emails that wait to be set or sent: number, account, address, and the name in their Message-ID.
    pub emails: Vec<(NoticeId, AccountNumber, String, String)>,
    /// Emails that wait for their release, which somebody may have given since.
    pub unreleased_emails: usize,
    /// Letters that are not marked mailed.
    pub letters: usize,
    /// Field orders that are not over.
    pub orders: usize,
    /// Referrals approved, and lists not written.
    pub referrals: usize,
    /// Fees that no list known here tells the billing system of.
    pub fees: usize,
    /// The last list of fees that is known here: the billing system may have had later ones.
    pub last_fee_list: Option<String>,
}

impl Office {
    /// Writes a backup into a folder, or to a path that ends in `.zip`. A seal is made first, so that the copy ends with
    /// one. On PostgreSQL the database is dumped by `pg_dump`, which has to be installed.
    ///
    /// # Errors
    /// When something cannot be read or written; no archive is left then.
    pub async fn back_up(&self, to: &Path, database: Option<&str>) -> Result<BackedUp> {
        // On a full disk nothing can be recorded, the seal neither; a backup to another disk is wanted then most of all.
        let unsealed = self.seal("backup").await.err().map(|error| error.to_string());
        let seal = self.store.seals(1).await?.pop().map(|seal| seal.root);
        let made_at = self.now();
        let path = if to.extension().is_some_and(|extension| extension == "zip") {
            to.to_owned()
        } else {
            to.join(format!("arrears-{}.zip", made_at.format("%Y%m%dT%H%M%SZ")))
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let scratch = tempfile_in(folder)?;
        let copied = self.copy_database(&scratch, database).await;
        let packed = match copied {
            Ok((name, copy)) => {
                let (to, seal, dir) = (path.clone(), seal.clone(), self.dir.clone());
                let packing = tokio::task::spawn_blocking(move || {
                    pack(&to, &[(name.to_owned(), copy)], &|| papers(&dir), made_at, seal)
                });
                packing.await.map_err(|error| OfficeError::Interrupted(error.to_string()))?.map_err(archive)
            }
            Err(error) => Err(error),
        };
        std::fs::remove_dir_all(&scratch).map_err(|source| OfficeError::file(&scratch, source))?;
        Ok(BackedUp { path, manifest: packed?, unsealed })
    }

    async fn copy_database(&self, scratch: &Path, database: Option<&str>) -> Result<(&'static str, PathBuf)> {
        let copy = scratch.join(SQLITE);
        if self.store.copy_into(&copy).await? {
            return Ok((SQLITE, copy));
        }
        let dump = scratch.join(PG_DUMP);
        let url = database.or(self.config.database.as_deref()).unwrap_or_default();
        pg_tools::dump(url, &dump).await?;
        Ok((PG_DUMP, dump))
    }

    /// Refuses what goes out, and the night, while a restored city stands still.
    ///
    /// # Errors
    /// The refusal names the command that releases it.
    pub async fn goes_out(&self) -> Result<()> {
        match self.standstill_said().await? {
            None => Ok(()),
            Some(why) => Err(OfficeError::refused(why, LOOK_AT_IT)),
        }
    }

    /// Why nothing goes out of a restored city, and what to do about it; `None` where work goes on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stands_still(&self) -> Result<Option<String>> {
        Ok(self.standstill_said().await?.map(|why| format!("{why}; {LOOK_AT_IT}")))
    }

    /// Refuses what leaves the house while it would bear no city's name, or another's.
    pub(super) fn has_a_name(&self) -> Result<()> {
        match self.config.unnamed() {
            Some(lacks) => Err(OfficeError::refused(lacks, "write it there first (docs/CONFIGURATION.md)")),
            None => Ok(()),
        }
    }

    async fn standstill_said(&self) -> Result<Option<String>> {
        Ok(self.store.standstill().await?.map(|restoration| {
            format!(
                "this city was restored from the backup of {}, and nothing goes out until somebody has looked",
                self.local(restoration.backup_made_at)
            )
        }))
    }

    fn local(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.config.time_zone).format("%Y-%m-%d %H:%M").to_string()
    }

    /// What waits in a restored city and may have been done since its backup; `None` where work goes on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn may_be_done(&self) -> Result<Option<MayBeDone>> {
        let Some(restoration) = self.store.standstill().await? else { return Ok(None) };
        let is_email = |notice: &Notice| notice.channel == Channel::Email;
        let mut waiting = self.store.notices_in(NoticeState::Released, u32::MAX).await?;
        waiting.extend(self.store.notices_in(NoticeState::Rendered, u32::MAX).await?);
        let (mut emails, letters): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_email);
        emails.sort_by_key(|notice| notice.id);
        let planned = self.store.notices_in(NoticeState::Planned, u32::MAX).await?;
        let batched = self.store.notices_in(NoticeState::Batched, u32::MAX).await?;
        let mut named = Vec::with_capacity(emails.len());
        for notice in emails {
            let number = self.store.account(notice.account).await?.profile.number;
            let message = format!("{}@{}", message_name(&notice), self.city().mail_domain());
            named.push((notice.id, number, notice.email.clone().unwrap_or_default(), message));
        }
        let mut orders = 0;
        for state in OrderState::ALL.iter().filter(|state| state.is_pending()) {
            orders += self.store.field_orders(Some(*state), None).await?.len();
        }
        Ok(Some(MayBeDone {
            restoration,
            last_night: self.store.last_finished(super::NIGHT).await?,
            emails: named,
            unreleased_emails: planned.iter().filter(|notice| is_email(notice)).count(),
            letters: letters.len() + batched.len(),
            orders,
            referrals: self.store.referrals(Some(ReferralState::Approved)).await?.len()
                + self.store.unwritten_exports().await?.len(),
            fees: self.store.fees_to_export().await?.len(),
            last_fee_list: self.store.fee_exports(false).await?.into_iter().next().map(|list| list.name),
        }))
    }

    /// Lets work go on in a restored city. The emails named had left since the backup: they are recorded as sent, today, as
    /// they are set now where the backup has them only as released.
    ///
    /// # Errors
    /// When no reason is given, nothing stands still, or one of the emails is neither released nor set.
    pub async fn release_restored(&self, sent: &[NoticeId], reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let stamp = self.stamp(by);
        for notice in self.store.notices(sent).await? {
            if notice.channel != Channel::Email {
                return Err(OfficeError::refused(
                    format!("notice {} is no email", notice.id),
                    "mark letters with `arrears notices mailed`",
                ));
            }
        }
        if !sent.is_empty() {
            self.render_released(&|| true).await?;
        }
        for id in sent {
            let proof = format!("before the restoration, by {by}: {reason}");
            self.store.email_sent(*id, stamp.on, &proof, &stamp).await?;
        }
        self.store.end_standstill(reason, &stamp).await?;
        Ok(self.store.clear_exceptions_of(ExceptionKind::Restored, &stamp).await?)
    }
}

/// Restores an archive into a directory that is empty or not there. `database` is an empty PostgreSQL database, where the
/// archive has a dump of one. Nothing can be sent from the directory before it is marked as restored.
///
/// # Errors
/// When the archive is damaged, or there is something in the directory; nothing is left then.
pub async fn restore(from: &Path, dir: &Path, database: Option<&str>, stamp: &Stamp) -> Result<Restored> {
    let held = manifest(from).map_err(archive)?;
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(archive(ArchiveError::NotEmpty { path: dir.to_owned() }));
    }
    let is_dump = held.holds(PG_DUMP);
    if is_dump != database.is_some() {
        let why =
            if is_dump { "the backup is of a PostgreSQL database" } else { "the backup is of an SQLite database" };
        let way = if is_dump {
            "name an empty one with --database postgres://USER@HOST/NAME"
        } else {
            "leave --database out (and ARREARS_DATABASE): the file is restored into the directory"
        };
        return Err(OfficeError::refused(why, way));
    }
    if let Some(url) = database
        && let Some(table) = Store::holds_anything(url).await?
    {
        return Err(OfficeError::refused(
            format!("the database named with --database is not empty: there is `{table}` in it"),
            "make a new one (`createdb NAME`) and name that; a backup is never restored over what is there",
        ));
    }
    // Beside the directory, so that it is moved into place as a whole, and marked before.
    let name = dir.file_name().map_or_else(|| "arrears".into(), |name| name.to_string_lossy().into_owned());
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let staged = parent.join(format!(".{name}.restoring-{}", std::process::id()));
    let done = stage(from, &staged, database, stamp).await;
    let moved = match done {
        Ok(restored) => {
            std::fs::rename(&staged, dir).map_err(|source| OfficeError::file(dir, source)).map(|()| restored)
        }
        Err(error) => Err(error),
    };
    if moved.is_err() {
        // It may not have come so far that there is one.
        let _ = std::fs::remove_dir_all(&staged);
    }
    moved
}

async fn stage(from: &Path, staged: &Path, database: Option<&str>, stamp: &Stamp) -> Result<Restored> {
    let (archived, into) = (from.to_owned(), staged.to_owned());
    let unpacking = tokio::task::spawn_blocking(move || unpack(&archived, &into));
    let manifest = unpacking.await.map_err(|error| OfficeError::Interrupted(error.to_string()))?.map_err(archive)?;
    let url = if let Some(url) = database {
        let dump = staged.join(PG_DUMP);
        pg_tools::fill(url, &dump).await?;
        std::fs::remove_file(&dump).map_err(|source| OfficeError::file(&dump, source))?;
        url.to_owned()
    } else {
        format!("sqlite:{}", staged.join(SQLITE).display())
    };
    let store = Store::open(&url).await?;
    store.mark_restored(manifest.made_at, stamp).await?;
    let text = "The database was restored from a backup. Nothing goes out and no night is run until `arrears restored release`: see \
                `arrears restored show`";
    store.open_exception(None, ExceptionKind::Restored, text, stamp).await?;
    store.close().await;
    Ok(Restored { manifest, struck_out: strike_out_database(staged)? })
}

/// The configuration that came along may name the database of the city that works: that line becomes a comment.
fn strike_out_database(dir: &Path) -> Result<Option<String>> {
    let database = Config::load(dir).map_err(OfficeError::Config)?.database;
    if database.is_some() {
        let path = dir.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| OfficeError::file(&path, source))?;
        let struck: String = text
            .lines()
            .map(|line| {
                if line.starts_with("database:") {
                    format!("# before the restoration: {line}\n")
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
        std::fs::write(&path, struck).map_err(|source| OfficeError::file(&path, source))?;
    }
    Ok(database)
}

/// The city's files besides the database, each with its path inside, without those that are just being written.
fn papers(dir: &Path) -> std::result::Result<Vec<(String, PathBuf)>, ArchiveError> {
    let mut found = Vec::new();
    if dir.join(FILE).is_file() {
        found.push((FILE.to_owned(), dir.join(FILE)));
    }
    for folder in FOLDERS {
        walk(dir, &dir.join(folder), &mut found)
            .map_err(|source| ArchiveError::File { path: dir.join(folder), source })?;
    }
    Ok(found)
}

/// An empty file is a name that a move has claimed and not yet come to.
fn walk(dir: &Path, folder: &Path, found: &mut Vec<(String, PathBuf)>) -> std::io::Result<()> {
    let mut paths = match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()?,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(error),
    };
    paths.sort();
    for path in paths {
        let kind = match std::fs::symlink_metadata(&path) {
            Ok(kind) => kind,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if kind.is_dir() {
            walk(dir, &path, found)?;
        } else if kind.is_file() && kind.len() > 0 && path.extension().is_none_or(|extension| extension != "part") {
            let inside = path.strip_prefix(dir).unwrap_or(&path);
            let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            found.push((parts.join("/"), path.clone()));
        }
    }
    Ok(())
}

/// A folder of its own for the copy of the database, on the same disk.
fn tempfile_in(dir: &Path) -> Result<PathBuf> {
    let path = dir.join(format!(".backup-{}.part", std::process::id()));
    // One that a killed backup left under the same number is of no use.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).map_err(|source| OfficeError::file(&path, source))?;
    Ok(path)
}

fn archive(error: ArchiveError) -> OfficeError {
    match error {
        ArchiveError::File { path, source } => OfficeError::File { path, source },
        refused @ (ArchiveError::NoArchive { .. } | ArchiveError::Damaged { .. } | ArchiveError::NotEmpty { .. }) => {
            OfficeError::refused(refused.to_string(), "nothing was changed")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SetClock;
    use crate::notices::Mailer;
    use crate::office::testing::{City, day};

    /// What of the directory is in no backup: the database, which is copied as it is at one moment.
    const APART: [&str; 3] = ["arrears.db", "arrears.db-wal", "arrears.db-shm"];

    const WITH_EMAIL: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,email,services,occupancy
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,rosa.munoz@example.com,water,owner
";

    fn every_file(dir: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                every_file(dir, &path, found);
            } else {
                found.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[tokio::test]
    async fn a_backup_holds_every_file_of_the_directory_with_the_city_s_own_wordings_and_mappings() {
        let city = City::new().await;
        let dir = city.office.dir.clone();
        for (path, text) in [
            ("wordings/final_notice/en.md", "In our own words."),
            ("mappings/lockbox.yaml", "a mapping"),
            ("bounces/new/1774886400.M1P2.mx", "a report"),
            ("inbox/.taking/payments.csv", "account"),
            ("inbox/LBX0301.txt", "account"),
            ("refused/charges.csv.report.txt", "why"),
            ("rules/riverbend.yaml", "a policy"),
        ] {
            std::fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.join(path), text).unwrap();
        }
        city.at("2026-04-02", "04:00");
        city.office.night(day("2026-04-02")).await.unwrap();
        city.office.export_fees("Ruth").await.unwrap().unwrap();
        city.to_the_call().await;
        let backups = tempfile::tempdir().unwrap();
        let made = city.office.back_up(backups.path(), None).await.unwrap();
        let mut expected = Vec::new();
        every_file(&dir, &dir, &mut expected);
        expected.retain(|path| !APART.contains(&path.as_str()));
        expected.push(SQLITE.to_owned());
        expected.sort();
        let packed: Vec<String> = made.manifest.files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(packed, expected);
        assert!(
            packed.iter().any(|path| path.starts_with("print/")) && packed.iter().any(|p| p.starts_with("exports/"))
        );
    }

    #[tokio::test]
    async fn an_email_that_was_only_released_when_the_backup_was_made_can_be_named_as_sent() {
        let city = City::new().await;
        city.takes("accounts.csv", WITH_EMAIL).await;
        city.at("2026-03-28", "04:00");
        city.office.night(day("2026-03-28")).await.unwrap();
        let backups = tempfile::tempdir().unwrap();
        let made = city.office.back_up(backups.path(), None).await.unwrap();
        // The disk dies behind the run of the outbox.
        let dir = backups.path().join("restored");
        let stamp = city.office.stamp("Sam");
        restore(&made.path, &dir, None, &stamp).await.unwrap();
        let office = Office::open(&dir, None, Arc::new(SetClock::new(stamp.at))).await.unwrap();
        let standing = office.may_be_done().await.unwrap().unwrap();
        let (email, _, to, message) = standing.emails.first().unwrap().clone();
        assert_eq!((standing.emails.len(), to.as_str()), (1, "rosa.munoz@example.com"));
        let notice = office.store.notice(email).await.unwrap();
        assert_eq!(notice.state, NoticeState::Released);
        assert!(message.starts_with(&message_name(&notice)), "{message}");
        office.release_restored(&[email], "log of the mail server", "Ruth").await.unwrap();
        assert_eq!(office.work_outbox(&Mailer::Folder(dir.join("mail"))).await.unwrap(), 0);
        assert!(!dir.join("mail").exists(), "it is not sent again");
        let notice = office.store.notice(email).await.unwrap();
        assert_eq!((notice.state, notice.document.is_some()), (NoticeState::Sent, true));
        assert!(office.doctor(&|_, _| {}).await.unwrap().is_clean());
    }
}
