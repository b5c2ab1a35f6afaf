//! What lies in `inbox/` and is no file that is taken there: a folder, a spreadsheet, a file that stays half-written.
//!
//! It is told, for somebody waits for it to be taken; and the line is cleared when it has gone.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::files::file_name;
use super::{Office, Result};
use crate::ingest::intake::{IntakeError, IsDescribed, strangers};
use crate::store::{ExceptionKind, StoreError};

/// Whoever writes a file under another name and renames it when it is whole has that long.
const HALF_WRITTEN: TimeDelta = TimeDelta::days(1);
/// What anybody sees to be no such file is told when it has lain there for so long.
const LAID_DOWN: TimeDelta = TimeDelta::minutes(10);
/// Endings of files in which people keep tables, and of which none is taken.
const TABLES: [&str; 6] = ["xlsx", "xls", "xlsm", "ods", "numbers", "pdf"];
/// By this a line about one is known again.
const NOT_TAKEN: &str = "is not taken in";

impl Office {
    /// Puts what is no file to import on the exceptions list, each once, and clears the lines of what has gone.
    ///
    /// # Errors
    /// When the folder cannot be read, or the database fails.
    pub(super) async fn tell_strangers(&self, inbox: &Path, is_described: IsDescribed<'_>) -> Result<()> {
        let now = self.now();
        let told: BTreeSet<String> =
            strangers(inbox, is_described).map_err(read)?.iter().filter_map(|path| said(path, now)).collect();
        let stamp = self.daemon_stamp(self.today());
        for line in self.store.standing_exceptions(ExceptionKind::FileStuck).await? {
            if line.text.contains(NOT_TAKEN) && !told.contains(&line.text) {
                match self.store.clear_exception(line.id, None, &stamp).await {
                    // A person was first.
                    Ok(()) | Err(StoreError::Conflict(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        for text in told {
            self.store.open_exception(None, ExceptionKind::FileStuck, &text, &stamp).await?;
        }
        Ok(())
    }
}

fn read(error: IntakeError) -> super::OfficeError {
    error.into()
}

/// What is to be said of it; `None` while somebody may still be at it.
fn said(path: &Path, now: DateTime<Utc>) -> Option<String> {
    let name = file_name(path);
    let since: DateTime<Utc> = std::fs::metadata(path).and_then(|found| found.modified()).ok()?.into();
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let is_table = TABLES.contains(&ending.as_str());
    let patience = if path.is_dir() || is_table { LAID_DOWN } else { HALF_WRITTEN };
    if now - since < patience {
        return None;
    }
    let what = if path.is_dir() {
        "it is a folder: put the files in it into inbox/ themselves"
    } else if is_table {
        "it is a spreadsheet or a document: save it as CSV, and put that into inbox/"
    } else {
        "its name does not end in .csv and no mapping is for it: rename it when it is whole, write a mapping for it \
         (docs/IMPORT.md), or take it away"
    };
    Some(format!("inbox/{name} {NOT_TAKEN}, and lies there since {}: {what}", since.format("%Y-%m-%d")))
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::time::SystemTime;

    use super::*;
    use crate::office::testing::City;

    /// Something in the inbox that was written at that local time of May 1.
    fn lies(city: &City, name: &str, hour: &str) {
        city.at("2026-05-01", hour);
        let path = city.office.dir.join("inbox").join(name);
        let written = FileTimes::new().set_modified(SystemTime::from(city.office.now()));
        File::options().read(true).open(path).unwrap().set_times(written).unwrap();
    }

    async fn told(city: &City) -> Vec<String> {
        city.office.take_inbox().await.unwrap();
        let lines = city.office.store.standing_exceptions(ExceptionKind::FileStuck).await.unwrap();
        lines.into_iter().map(|line| line.text).collect()
    }

    #[tokio::test]
    async fn a_folder_and_a_spreadsheet_are_told_soon_a_half_written_file_after_a_day_and_none_when_it_has_gone() {
        let city = City::new().await;
        city.inbox("payments.xlsx", "");
        city.inbox("payments.csv.part", "");
        let inbox = city.office.dir.join("inbox");
        std::fs::create_dir_all(inbox.join("May")).unwrap();
        for name in ["May", "payments.csv.part", "payments.xlsx"] {
            lies(&city, name, "09:00");
        }
        assert_eq!(told(&city).await, Vec::<String>::new(), "somebody may still be at it");
        city.at("2026-05-01", "09:10");
        let since = "is not taken in, and lies there since 2026-05-01:";
        assert_eq!(
            told(&city).await,
            [
                format!("inbox/May {since} it is a folder: put the files in it into inbox/ themselves"),
                format!(
                    "inbox/payments.xlsx {since} it is a spreadsheet or a document: save it as CSV, and put that into inbox/"
                ),
            ]
        );
        city.at("2026-05-02", "09:00");
        assert!(told(&city).await[2].starts_with(&format!("inbox/payments.csv.part {since} its name does not end in")));
        std::fs::remove_dir(inbox.join("May")).unwrap();
        std::fs::remove_file(inbox.join("payments.csv.part")).unwrap();
        assert_eq!(told(&city).await.len(), 1, "what has gone is cleared");
    }
}
