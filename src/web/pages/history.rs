//! The log of an account in words: who did what when.

use serde::Serialize;

use crate::office::log_lines;
use crate::store::LogLine;
use crate::web::words;

/// A line of the log.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LogRow {
    at: String,
    by: String,
    what: String,
    details: String,
}

impl LogRow {
    /// In the city's time.
    pub fn of(line: &LogLine, zone: chrono_tz::Tz) -> Self {
        Self {
            at: words::instant(line.recorded_at, zone),
            by: line.actor.to_string(),
            what: words::plain(&line.what),
            details: words::us_dates(&log_lines::details(line)),
        }
    }
}
