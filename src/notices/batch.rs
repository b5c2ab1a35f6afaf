//! Print batches: kept letters, by ZIP, in one file for the printer, with a manifest.
//!
//! The merged file is made of the kept bytes and not set anew, so that what is printed is what was hashed. The files of
//! a batch are written whole or not at all, and writing a batch again gives the same files.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::files::write_whole;
use crate::config::CityProfile;
use crate::domain::document::{Document, MediaType, sha256};
use crate::domain::spreadsheet::guarded;
use crate::domain::{AccountNumber, BatchId, Day, DocumentHash, Language, NoticeId};
use crate::typeset::{DocumentMeta, TypesetError, Typesetter, pages_of};

/// A letter to be printed.
#[derive(Clone, Debug)]
pub struct Letter {
    pub piece: NoticeId,
    pub account: AccountNumber,
    pub addressee: String,
    pub zip: String,
    /// As kept.
    pub document: Document,
}

/// A batch as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenBatch {
    /// The merged PDF, relative to the data directory. The manifest stands beside it as `.csv` and `.json`.
    pub path: String,
    /// Of the merged PDF.
    pub document: DocumentHash,
    pub pieces: u32,
    pub sheets: u32,
    pub lines: Vec<ManifestLine>,
}

/// A line of the manifest, in the order of printing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ManifestLine {
    /// From 1.
    pub position: u32,
    pub piece: NoticeId,
    pub account: AccountNumber,
    pub addressee: String,
    pub zip: String,
    pub pages: u32,
    /// Printed on both sides.
    pub sheets: u32,
    pub sha256: DocumentHash,
}

/// Why a batch was not written. Nothing is left half done.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("there are no letters to print")]
    Empty,
    #[error("piece {piece} is {media_type} and not a letter")]
    NotALetter { piece: NoticeId, media_type: MediaType },
    #[error("piece {piece} is not the document that was kept: its bytes hash to {found}, not to {kept}")]
    Damaged { piece: NoticeId, kept: DocumentHash, found: DocumentHash },
    #[error("piece {piece} is not a PDF that can be read")]
    Unreadable { piece: NoticeId },
    #[error(transparent)]
    Typeset(#[from] TypesetError),
    #[error("{path}: {cause}")]
    Write { path: String, cause: io::Error },
    #[error("the manifest cannot be written: {0}")]
    Manifest(String),
}

/// Writes `print/batch-000007.pdf`, `.csv` and `.json` under the data directory. Blocks while it works.
///
/// # Errors
/// See [`BatchError`].
pub fn write(
    typesetter: &Typesetter,
    city: &CityProfile,
    data_dir: &Path,
    batch: BatchId,
    made_on: Day,
    mut letters: Vec<Letter>,
) -> Result<WrittenBatch, BatchError> {
    if letters.is_empty() {
        return Err(BatchError::Empty);
    }
    letters.sort_by(|a, b| (&a.zip, a.piece).cmp(&(&b.zip, b.piece)));
    let lines =
        letters.iter().zip(1..).map(|(letter, position)| line(letter, position)).collect::<Result<Vec<_>, _>>()?;
    let bytes: Vec<Vec<u8>> = letters.into_iter().map(|letter| letter.document.bytes).collect();
    let meta = DocumentMeta {
        title: format!("Print batch {batch}"),
        language: Language::English,
        date: made_on,
        author: city.name.clone(),
    };
    let merged = typesetter.merge(&bytes, &meta)?;
    let written = WrittenBatch {
        path: format!("print/batch-{:06}.pdf", batch.0),
        document: sha256(&merged.pdf),
        pieces: lines.iter().map(|_| 1).sum(),
        sheets: lines.iter().map(|line| line.sheets).sum(),
        lines,
    };
    let path = data_dir.join(&written.path);
    let files = [
        (path.with_extension("csv"), csv(&written.lines)?),
        (path.with_extension("json"), json(&written, batch, made_on, city)?),
        // Last, so that a batch whose PDF stands is complete.
        (path, merged.pdf),
    ];
    for (path, bytes) in files {
        write_whole(&path, &bytes).map_err(|cause| BatchError::Write { path: path.display().to_string(), cause })?;
    }
    Ok(written)
}

/// Removes the files of a batch that was written and came to nothing, the merged PDF first. What is gone already is gone.
///
/// # Errors
/// [`BatchError::Write`] when one cannot be removed.
pub fn discard(data_dir: &Path, path: &str) -> Result<(), BatchError> {
    let pdf = data_dir.join(path);
    for path in [pdf.clone(), pdf.with_extension("csv"), pdf.with_extension("json")] {
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(BatchError::Write { path: path.display().to_string(), cause });
            }
            _ => {}
        }
    }
    Ok(())
}

fn line(letter: &Letter, position: u32) -> Result<ManifestLine, BatchError> {
    let Letter { piece, account, addressee, zip, document } = letter;
    if document.media_type != MediaType::Pdf {
        return Err(BatchError::NotALetter { piece: *piece, media_type: document.media_type });
    }
    let found = sha256(&document.bytes);
    if found != document.hash {
        return Err(BatchError::Damaged { piece: *piece, kept: document.hash.clone(), found });
    }
    let pages = pages_of(&document.bytes)
        .and_then(|pages| u32::try_from(pages).ok())
        .ok_or(BatchError::Unreadable { piece: *piece })?;
    Ok(ManifestLine {
        position,
        piece: *piece,
        account: account.clone(),
        addressee: addressee.clone(),
        zip: zip.clone(),
        pages,
        sheets: pages.div_ceil(2),
        sha256: found,
    })
}

fn csv(lines: &[ManifestLine]) -> Result<Vec<u8>, BatchError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        let guarded = ManifestLine {
            account: AccountNumber::from(guarded(line.account.as_str())),
            addressee: guarded(&line.addressee),
            ..line.clone()
        };
        writer.serialize(guarded).map_err(|error| BatchError::Manifest(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| BatchError::Manifest(error.to_string()))
}

fn json(written: &WrittenBatch, batch: BatchId, made_on: Day, city: &CityProfile) -> Result<Vec<u8>, BatchError> {
    let manifest = serde_json::json!({
        "batch": batch,
        "city": city.name,
        "made_on": made_on,
        "file": written.path,
        "sha256": written.document,
        "pieces": written.pieces,
        "sheets": written.sheets,
        "letters": written.lines,
    });
    let mut bytes = serde_json::to_vec_pretty(&manifest).map_err(|error| BatchError::Manifest(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::samples::day;
    use super::*;

    fn letter(typesetter: &Typesetter, piece: i64, zip: &str) -> Letter {
        let meta = DocumentMeta {
            title: format!("{piece}"),
            language: Language::English,
            date: day("2026-05-04"),
            author: "City of Riverbend".into(),
        };
        let pdf = typesetter.pdf("proof", &serde_json::json!({ "text": format!("piece {piece}") }), &meta).unwrap();
        Letter {
            piece: NoticeId(piece),
            account: format!("10-{piece}").into(),
            addressee: "Ann Lee, Esq.".into(),
            zip: zip.into(),
            document: Document::new(MediaType::Pdf, pdf),
        }
    }

    fn write_to(folder: &Path, letters: Vec<Letter>) -> Result<WrittenBatch, BatchError> {
        write(&Typesetter::new(), &CityProfile::default(), folder, BatchId(7), day("2026-05-04"), letters)
    }

    #[test]
    fn letters_are_sorted_by_zip_and_then_by_piece_and_hashed_in_the_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let set = Typesetter::new();
        let letters = vec![letter(&set, 3, "95601"), letter(&set, 9, "95600"), letter(&set, 2, "95601")];
        let hashes: Vec<_> = [1, 2, 0].map(|index: usize| letters[index].document.hash.clone()).to_vec();
        let written = write_to(folder.path(), letters.clone()).unwrap();
        assert_eq!(written.lines.iter().map(|line| line.piece.0).collect::<Vec<_>>(), [9, 2, 3]);
        assert_eq!(written.lines.iter().map(|line| line.sha256.clone()).collect::<Vec<_>>(), hashes);
        assert_eq!((written.pieces, written.sheets), (3, 3));
        let pdf = fs::read(folder.path().join("print/batch-000007.pdf")).unwrap();
        assert_eq!(sha256(&pdf), written.document);
        let csv = fs::read_to_string(folder.path().join("print/batch-000007.csv")).unwrap();
        assert!(
            csv.starts_with(
                "position,piece,account,addressee,zip,pages,sheets,sha256\n1,9,10-9,\"Ann Lee, Esq.\",95600,1,1,"
            ),
            "{csv}"
        );
        assert_eq!(write_to(folder.path(), letters).unwrap(), written, "again gives the same");
    }

    #[test]
    fn a_name_that_would_be_a_formula_is_text_in_the_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let letter = Letter { addressee: "=1+1".into(), ..letter(&Typesetter::new(), 3, "95601") };
        let written = write_to(folder.path(), vec![letter]).unwrap();
        let csv = fs::read_to_string(folder.path().join("print/batch-000007.csv")).unwrap();
        assert!(csv.contains("\n1,3,10-3,'=1+1,95601,"), "{csv}");
        assert_eq!(written.lines[0].addressee, "=1+1");
    }

    #[test]
    fn a_letter_that_was_changed_after_it_was_kept_stops_the_batch() {
        let folder = tempfile::tempdir().unwrap();
        let mut changed = letter(&Typesetter::new(), 3, "95601");
        changed.document.bytes.push(b' ');
        assert!(matches!(write_to(folder.path(), vec![changed]), Err(BatchError::Damaged { piece: NoticeId(3), .. })));
        assert!(!folder.path().join("print").exists());
    }
}
