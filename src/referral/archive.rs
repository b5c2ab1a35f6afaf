//! The ZIP: the same parts give the same bytes. Every file bears the cut-off's date, and the order is the parts'.

use std::io::{Cursor, Write};

use chrono::Datelike;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::packet::Part;
use crate::domain::Day;

/// Packs `parts` in their order.
///
/// # Errors
/// When a name stands twice or a part is beyond the format's size.
pub fn pack(parts: &[Part], cut_off: Day) -> Result<Vec<u8>, zip::result::ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(stamp(cut_off))
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for part in parts {
        writer.start_file(part.path.as_str(), options)?;
        writer.write_all(&part.bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Midnight of the day; the format's first day, 1980-01-01, for what it cannot write.
fn stamp(day: Day) -> DateTime {
    let parts = (u16::try_from(day.year()), u8::try_from(day.month()), u8::try_from(day.day()));
    let (Ok(year), Ok(month), Ok(date)) = parts else { return DateTime::default() };
    DateTime::from_date_and_time(year, month, date, 0, 0, 0).unwrap_or_default()
}
