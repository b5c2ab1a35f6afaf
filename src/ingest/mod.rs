//! Files that come in: bytes become checked rows, or a report of all that is wrong with them.
//!
//! A file is refused whole: [`read`] gives either every row or every error. `docs/IMPORT.md` is the contract with the
//! billing system; its tables are those of the code. Adding a kind of file is one file here and one line in [`format`].
//! Deliberately absent: the books. Whether an account is known, or a reference was imported before with another
//! amount, only the store can say.

pub mod ahead;
pub mod errors;
pub mod intake;
pub mod mapping;
pub mod unusual;

mod accounts;
mod adjustments;
mod agency_returns;
mod balances;
mod charges;
mod columns;
mod control;
mod deposits;
mod describe;
mod forms;
mod payments;
mod repeats;
mod reversals;
mod table;

pub use describe::columns_table;
pub use errors::{Expectation, FileError, FileErrors, MOST_ERRORS, Problem};

use csv::ByteRecord;

use crate::domain::Profile;
use crate::domain::balance::NewBalance;
use crate::domain::deposit::NewDeposit;
use crate::domain::document::sha256;
use crate::domain::import::{FileKind, ImportFile, ImportRows, NewEntry};
use crate::domain::placement::NewReturn;
use columns::{Columns, Header, Row};
use control::Controls;
use mapping::Mapping;
use table::Table;

/// A kind of file: its columns, and how a row of it is read.
struct Format {
    columns: Columns,
    rows: RowReader,
}

enum RowReader {
    Account(fn(&mut Row) -> Option<Profile>),
    Entry(fn(&mut Row) -> Option<NewEntry>),
    Balance(fn(&mut Row) -> Option<NewBalance>),
    Deposit(fn(&mut Row) -> Option<NewDeposit>),
    Return(fn(&mut Row) -> Option<NewReturn>),
}

/// The registry of kinds.
const fn format(kind: FileKind) -> Format {
    match kind {
        FileKind::Accounts => Format { columns: accounts::COLUMNS, rows: RowReader::Account(accounts::row) },
        FileKind::Charges => Format { columns: charges::COLUMNS, rows: RowReader::Entry(charges::row) },
        FileKind::Payments => Format { columns: payments::COLUMNS, rows: RowReader::Entry(payments::row) },
        FileKind::Adjustments => Format { columns: adjustments::COLUMNS, rows: RowReader::Entry(adjustments::row) },
        FileKind::Reversals => Format { columns: reversals::COLUMNS, rows: RowReader::Entry(reversals::row) },
        FileKind::Balances => Format { columns: balances::COLUMNS, rows: RowReader::Balance(balances::row) },
        FileKind::Deposits => Format { columns: deposits::COLUMNS, rows: RowReader::Deposit(deposits::row) },
        FileKind::Returns => Format { columns: agency_returns::COLUMNS, rows: RowReader::Return(agency_returns::row) },
    }
}

/// Reads a file: what kind it is follows from its header; `name` (without its folder) only decides between equals.
///
/// # Errors
/// All that is wrong with the file, at once. Nothing of such a file is imported.
pub fn read(name: &str, bytes: &[u8]) -> Result<ImportFile, FileErrors> {
    let mut errors = FileErrors::none(name);
    let file = read_into(name, bytes, &mut errors);
    match file {
        Some(file) if errors.is_empty() => Ok(file),
        _ => {
            errors.errors.sort_by_key(|error| error.line);
            Err(errors)
        }
    }
}

/// Reads a city's own file as its mapping says.
///
/// # Errors
/// All that is wrong with the file, at once, with the columns as the city names them.
pub fn read_mapped(name: &str, bytes: &[u8], mapping: &Mapping) -> Result<ImportFile, FileErrors> {
    let mut errors = FileErrors { kind: Some(mapping.kind), ..FileErrors::none(name) };
    let applied = mapping::apply(bytes, mapping, &mut errors);
    let Format { columns, rows } = format(mapping.kind);
    applied.header.check(&columns, &mut errors);
    let found = errors.errors.len();
    let (header, records) = (&applied.header, &applied.records);
    let rows = match rows {
        RowReader::Account(row) => {
            let accounts = rows_of(records, header, row, &mut errors);
            repeats::report_accounts(&accounts, &mut errors);
            ImportRows::Accounts(accounts)
        }
        RowReader::Entry(row) => {
            let entries: Vec<NewEntry> =
                rows_of(records, header, row, &mut errors).into_iter().map(|(_, entry)| entry).collect();
            repeats::report_entries(&entries, &mut errors);
            ImportRows::Entries(entries)
        }
        RowReader::Balance(row) => {
            let rows: Vec<NewBalance> =
                rows_of(records, header, row, &mut errors).into_iter().map(|(_, row)| row).collect();
            balances::report_repeats(&rows, &mut errors);
            ImportRows::Balances(rows)
        }
        RowReader::Deposit(row) => {
            let rows: Vec<NewDeposit> =
                rows_of(records, header, row, &mut errors).into_iter().map(|(_, row)| row).collect();
            deposits::report_repeats(&rows, &mut errors);
            ImportRows::Deposits(rows)
        }
        RowReader::Return(row) => {
            let rows: Vec<NewReturn> =
                rows_of(records, header, row, &mut errors).into_iter().map(|(_, row)| row).collect();
            agency_returns::report_repeats(&rows, &mut errors);
            ImportRows::Returns(rows)
        }
    };
    for error in &mut errors.errors[found..] {
        error.column = error.column.take().map(|ours| mapping.called(&ours).unwrap_or(ours));
    }
    if !errors.is_empty() {
        errors.errors.sort_by_key(|error| error.line);
        return Err(errors);
    }
    // The same bytes under another mapping say something else.
    let hash = sha256(&[bytes, mapping.hash.as_str().as_bytes()].concat());
    Ok(ImportFile {
        name: name.to_owned(),
        hash,
        content: sha256(bytes),
        kind: mapping.kind,
        columns: applied.header.names.iter().cloned().collect(),
        rows,
        loaded_through: applied.loaded_through,
    })
}

fn rows_of<T>(
    records: &[(u32, ByteRecord)],
    header: &Header,
    read: fn(&mut Row) -> Option<T>,
    errors: &mut FileErrors,
) -> Vec<(u32, T)> {
    let row = |(line, record): &(u32, ByteRecord)| Some((*line, read(&mut Row::new(*line, record, header, errors))?));
    records.iter().filter_map(row).collect()
}

/// What kind of file one that begins with these bytes is; `None` where its header does not say.
#[must_use]
pub fn kind_of(name: &str, beginning: &[u8]) -> Option<FileKind> {
    let (header, _) = table::open(beginning, &mut FileErrors::none(name))?;
    recognize(&header, name)
}

fn read_into(name: &str, bytes: &[u8], errors: &mut FileErrors) -> Option<ImportFile> {
    let (header, mut table) = table::open(bytes, errors)?;
    let Some(kind) = recognize(&header, name) else {
        errors.add(header.line, None, Some(&header.names.join(",")), Problem::UnknownKind);
        return None;
    };
    errors.kind = Some(kind);
    let Format { columns, rows } = format(kind);
    header.check(&columns, errors);
    let mut controls = Controls::default();
    let rows = match rows {
        RowReader::Account(row) => {
            let accounts = read_rows(&mut table, &header, kind, &mut controls, row, errors);
            repeats::report_accounts(&accounts, errors);
            ImportRows::Accounts(accounts)
        }
        RowReader::Entry(row) => {
            let entries = read_rows(&mut table, &header, kind, &mut controls, row, errors);
            let entries: Vec<NewEntry> = entries.into_iter().map(|(_, entry)| entry).collect();
            repeats::report_entries(&entries, errors);
            // Totals of a file with bad rows would only say the same again.
            if errors.is_empty() {
                controls.check(&entries, errors);
            }
            ImportRows::Entries(entries)
        }
        RowReader::Balance(row) => {
            let rows = read_rows(&mut table, &header, kind, &mut controls, row, errors);
            let rows: Vec<NewBalance> = rows.into_iter().map(|(_, row)| row).collect();
            balances::report_repeats(&rows, errors);
            ImportRows::Balances(rows)
        }
        RowReader::Deposit(row) => {
            let rows = read_rows(&mut table, &header, kind, &mut controls, row, errors);
            let rows: Vec<NewDeposit> = rows.into_iter().map(|(_, row)| row).collect();
            deposits::report_repeats(&rows, errors);
            ImportRows::Deposits(rows)
        }
        RowReader::Return(row) => {
            let rows = read_rows(&mut table, &header, kind, &mut controls, row, errors);
            let rows: Vec<NewReturn> = rows.into_iter().map(|(_, row)| row).collect();
            agency_returns::report_repeats(&rows, errors);
            ImportRows::Returns(rows)
        }
    };
    let loaded_through = controls.loaded_through();
    let (hash, columns) = (sha256(bytes), header.names.iter().cloned().collect());
    Some(ImportFile { name: name.to_owned(), content: hash.clone(), hash, kind, columns, rows, loaded_through })
}

/// Reads the rows behind the header, with their lines; control records go to `controls`.
fn read_rows<T>(
    table: &mut Table,
    header: &Header,
    kind: FileKind,
    controls: &mut Controls,
    read: fn(&mut Row) -> Option<T>,
    errors: &mut FileErrors,
) -> Vec<(u32, T)> {
    let mut record = ByteRecord::new();
    let mut rows = Vec::new();
    while let Some(line) = table.next(&mut record, errors) {
        if control::is_control(&record) {
            if kind == FileKind::Payments {
                controls.take(line, &record, errors);
            } else {
                errors.add(line, None, None, Problem::ControlElsewhere);
            }
        } else if record.len() == header.names.len() {
            if let Some(row) = read(&mut Row::new(line, &record, header, errors)) {
                rows.push((line, row));
            }
        } else {
            let problem = Problem::RaggedRow { expected: header.names.len(), found: record.len() };
            errors.add(line, None, None, problem);
        }
    }
    rows
}

/// The kind whose columns fit the header best: each known name counts for it, each unknown name and each missing
/// required column against it. Between equals the kind that the file's name begins with is taken.
fn recognize(header: &Header, name: &str) -> Option<FileKind> {
    let name = name.to_lowercase();
    FileKind::ALL
        .iter()
        .filter_map(|&kind| {
            let columns = format(kind).columns;
            let known = header.names.iter().filter(|name| columns.has(name)).count();
            let is_present = |name: &str| header.names.iter().any(|present| present == name);
            let missing = columns.named.iter().filter(|c| c.is_required() && !is_present(c.name())).count();
            let strange = header.names.len() - known;
            let fit = i64::try_from(known).ok()? - i64::try_from(missing + strange).ok()?;
            (known > 0).then_some((fit, name.starts_with(kind.word()), std::cmp::Reverse(kind)))
        })
        .max()
        .map(|(_, _, std::cmp::Reverse(kind))| kind)
}

#[cfg(test)]
mod tests;
