//! Bytes as rows with their line numbers: the layer below columns and their meaning.
//!
//! The `csv` crate splits the rows. What it lets pass is refused here: a quote that is never closed would swallow
//! the rows behind it without a word, so a row that runs over its line or has an odd number of quotes is an error.

use csv::{ByteRecord, ReaderBuilder};

use super::columns::{Header, is_blank};
use super::errors::{FileErrors, Problem};

/// A file's rows behind its header.
pub struct Table<'a> {
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    /// A place in the file and the number of its line, for counting on from there.
    counted: (usize, u32),
}

/// Opens a file and reads its header. `None`: there is none that could be read, which is reported.
pub fn open<'a>(bytes: &'a [u8], errors: &mut FileErrors) -> Option<(Header, Table<'a>)> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        errors.add(0, None, None, Problem::Utf16);
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut table = Table { bytes, reader, counted: (0, 1) };
    let mut record = ByteRecord::new();
    let Some(line) = table.next(&mut record, errors) else {
        if errors.is_empty() {
            errors.add(0, None, None, Problem::EmptyFile);
        }
        return None;
    };
    if record.len() == 1 {
        for (separator, found) in [(b';', "semicolons"), (b'\t', "tabs"), (b'|', "bars")] {
            if record[0].contains(&separator) {
                errors.add(line, None, None, Problem::NotCommas { found });
                return None;
            }
        }
    }
    Some((Header::new(&record, line), table))
}

impl Table<'_> {
    /// Reads the next row that is not blank into `record`; its line number, or `None` at the end of the file.
    ///
    /// A row whose quotes do not match is reported, and passed over.
    pub fn next(&mut self, record: &mut ByteRecord, errors: &mut FileErrors) -> Option<u32> {
        loop {
            let start = self.offset();
            match self.reader.read_byte_record(record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    errors.add(self.counted.1, None, None, Problem::Unreadable { why: error.to_string() });
                    return None;
                }
            }
            let end = self.offset().max(start);
            let (line, row) = self.locate(start, end);
            #[expect(clippy::naive_bytecount, reason = "a row is short")]
            let flaw = if row.iter().filter(|&&byte| byte == b'"').count() % 2 == 1 {
                Some(Problem::OpenQuote)
            } else if row.iter().any(|&byte| byte == b'\n' || byte == b'\r') {
                Some(Problem::LineBreak)
            } else {
                None
            };
            match flaw {
                Some(problem) => errors.add(line, None, None, problem),
                None if record.iter().all(is_blank) => {}
                None => return Some(line),
            }
        }
    }

    /// How many bytes the reader has consumed.
    fn offset(&self) -> usize {
        usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX).min(self.bytes.len())
    }

    /// The line on which the row within `start..end` begins, and its text without the line ends around it.
    fn locate(&mut self, start: usize, end: usize) -> (u32, &[u8]) {
        let is_line_end = |byte: &u8| *byte == b'\n' || *byte == b'\r';
        let chunk = &self.bytes[start..end];
        let skipped = chunk.iter().take_while(|byte| is_line_end(byte)).count();
        let begin = start + skipped;
        let (mut at, mut line) = self.counted;
        while at < begin {
            // A carriage return ends a line only where no newline follows.
            let is_pair = self.bytes[at] == b'\r' && self.bytes.get(at + 1) == Some(&b'\n');
            if is_line_end(&self.bytes[at]) && !is_pair {
                line = line.saturating_add(1);
            }
            at += 1;
        }
        self.counted = (at, line);
        let row = &chunk[skipped..];
        let trailing = row.iter().rev().take_while(|byte| is_line_end(byte)).count();
        (line, &row[..row.len() - trailing])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (Vec<u32>, FileErrors) {
        let mut errors = FileErrors::none("a.csv");
        let mut lines = Vec::new();
        if let Some((_, mut table)) = open(text.as_bytes(), &mut errors) {
            let mut record = ByteRecord::new();
            while let Some(line) = table.next(&mut record, &mut errors) {
                lines.push(line);
            }
        }
        (lines, errors)
    }

    #[test]
    fn lines_are_numbered_as_an_editor_shows_them_whatever_ends_them() {
        assert_eq!(lines("a,b\n1,2\n\n3,4\n").0, [2, 4]);
        assert_eq!(lines("a,b\r\n1,2\r\n\r\n3,4\r\n5,6").0, [2, 4, 5]);
        assert_eq!(lines("a,b\r1,2\r3,4\r").0, [2, 3]);
        assert_eq!(lines("\u{feff}a,b\n1,2\n,\n3,4").0, [2, 4]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_named_with_its_line() {
        let (read, errors) = lines("a,b\n1,2\n3,\"4\n5,6\n7,8\n");
        assert_eq!(read, [2]);
        assert_eq!((errors.errors[0].line, &errors.errors[0].problem), (3, &Problem::OpenQuote));
    }

    #[test]
    fn a_quoted_value_may_have_commas_and_doubled_quotes_but_no_line_break() {
        assert_eq!(lines("a,b\n\"1,1\",\"the \"\"old\"\" mill\"\n3,4\n").0, [2, 3]);
        let (read, errors) = lines("a,b\n1,\"2\n2\"\n3,4\n");
        assert_eq!(read, [4]);
        assert_eq!((errors.errors[0].line, &errors.errors[0].problem), (2, &Problem::LineBreak));
    }
}
