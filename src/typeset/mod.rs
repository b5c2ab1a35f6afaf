//! Typesetting: a layout and its data become a PDF. The only room that touches typst.
//!
//! Data goes in as JSON that the layout reads with `json("data.json")`; it is never spliced into markup, so that a
//! customer's name cannot be code. The documents of a public agency are kept and must be readable by everyone: each
//! is PDF/UA-1 (accessible) and PDF/A-2a (archival), and what breaks either standard is an error here, not a
//! warning. The same layout, data and meta give the same bytes; the date is the document's own, never the clock's.
//!
//! Deliberately absent: files, but for the machine's own fonts of Chinese and Korean, and the network. Layouts are part of
//! the program (see [`layouts`]).

pub mod layouts;
mod printable;
mod wide_fonts;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use typst::diag::{SourceDiagnostic, Warned};
use typst::ecow::EcoVec;
use typst::foundations::{Bytes, Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::domain::{Day, Language};
use world::{Fonts, LayoutWorld};

/// Most letters in one merged file. Each takes a file id of typst's, of which there are 65,535 in a process; they
/// are reused from one merge to the next.
pub const MAX_MERGED: usize = 10_000;

/// After how many documents the typesetter's cache is swept. A sweep looks at all that is kept, which is dear.
const SWEEP_EVERY: usize = 8;
/// For how many sweeps what was computed for a document is kept when no other has used it.
const KEPT_FOR: usize = 1;

/// What stands in a document's properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentMeta {
    pub title: String,
    /// The language of what is not tagged otherwise.
    pub language: Language,
    /// The date that the document bears.
    pub date: Day,
    pub author: String,
}

/// A finished PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typeset {
    pub pdf: Vec<u8>,
    pub pages: usize,
}

/// Why a document could not be made. None of these passes by itself: a retry gives the same.
#[derive(Debug, thiserror::Error)]
pub enum TypesetError {
    #[error("there is no layout named {name}; there are {}", layouts::names().join(", "))]
    UnknownLayout { name: String },
    #[error("the data of layout {layout} cannot be written as JSON: {cause}")]
    Data { layout: String, cause: serde_json::Error },
    /// The layout does not compile with this data, or the result breaks PDF/UA or PDF/A (for example a letter that
    /// no font has).
    #[error("{place}: {message}")]
    Layout { place: Place, message: String },
    #[error(
        "layout {layout}: no font on this machine holds Chinese and Korean; install one (`apt-get install fonts-wqy-microhei`) \
         and try again"
    )]
    NoFont { layout: String },
    #[error("a merged file takes at most {MAX_MERGED} letters, and {given} were given: make several batches")]
    TooMany { given: usize },
    #[error("letter {number} of the batch is not a PDF that can be read")]
    NotPdf { number: usize },
}

/// Where in a layout an error stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub layout: String,
    /// From 1; `None` where the compiler names no place.
    pub line: Option<usize>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.layout),
            None => f.write_str(&self.layout),
        }
    }
}

/// Sets documents. Fonts are loaded once; a clone shares them, and threads may use one side by side.
#[derive(Clone)]
pub struct Typesetter {
    fonts: Arc<Fonts>,
}

impl Default for Typesetter {
    fn default() -> Self {
        Self::new()
    }
}

impl Typesetter {
    /// Loads the fonts that are part of the program. Takes some milliseconds: make one and share it.
    #[must_use]
    pub fn new() -> Self {
        Self { fonts: Arc::new(Fonts::load()) }
    }

    /// Whether this machine has a font for Chinese and Korean. Reads it the first time.
    #[must_use]
    pub fn has_wide_fonts(&self) -> bool {
        self.fonts.has_wide()
    }

    /// `data` with every letter that no font has spelled by its number, `[U+1F642]`.
    #[must_use]
    pub fn printable(&self, data: serde_json::Value) -> serde_json::Value {
        printable::printable(data, &|letter| wide_fonts::is_wide(letter) && self.fonts.has_wide_letter(letter))
    }

    /// The letters in the texts of `data` that no font of this machine shows, each once.
    #[must_use]
    pub fn unshown(&self, data: &serde_json::Value) -> Vec<char> {
        printable::unshown(data, &|letter| wide_fonts::is_wide(letter) && self.fonts.has_wide_letter(letter))
    }

    /// Sets `data` by the layout of that name (see [`layouts::names`]) and returns the PDF.
    ///
    /// # Errors
    /// See [`TypesetError`]; all are faults of the layout or the data and fail again on a retry.
    pub fn pdf(&self, layout: &str, data: &serde_json::Value, meta: &DocumentMeta) -> Result<Vec<u8>, TypesetError> {
        self.typeset(layout, data, meta).map(|set| set.pdf)
    }

    /// As [`Self::pdf`], with the number of pages.
    ///
    /// # Errors
    /// As [`Self::pdf`].
    pub fn typeset(
        &self,
        layout: &str,
        data: &serde_json::Value,
        meta: &DocumentMeta,
    ) -> Result<Typeset, TypesetError> {
        let standards = &[PdfStandard::V_1_7, PdfStandard::A_2a, PdfStandard::Ua_1];
        self.compile(layout, data, Vec::new(), meta, standards)
    }

    /// Puts finished letters, as kept, one after the other into one file for the printer; each begins on the front
    /// of a sheet. The pages are those of the letters, byte for byte; the file is made for printing and not for keeping
    /// and claims no standard.
    ///
    /// # Errors
    /// [`TypesetError::TooMany`], [`TypesetError::NotPdf`].
    pub fn merge(&self, letters: &[Vec<u8>], meta: &DocumentMeta) -> Result<Typeset, TypesetError> {
        if letters.len() > MAX_MERGED {
            return Err(TypesetError::TooMany { given: letters.len() });
        }
        let mut files = Vec::with_capacity(letters.len());
        let mut pages = Vec::with_capacity(letters.len());
        for (index, letter) in letters.iter().enumerate() {
            pages.push(pages_of(letter).ok_or(TypesetError::NotPdf { number: index + 1 })?);
            files.push(Bytes::new(letter.clone()));
        }
        self.compile("merged", &serde_json::json!({ "pages": pages }), files, meta, &[PdfStandard::V_1_7])
    }

    fn compile(
        &self,
        layout: &str,
        data: &serde_json::Value,
        letters: Vec<Bytes>,
        meta: &DocumentMeta,
        standards: &[PdfStandard],
    ) -> Result<Typeset, TypesetError> {
        if layouts::source(layout).is_none() {
            return Err(TypesetError::UnknownLayout { name: layout.to_owned() });
        }
        let data = serde_json::to_vec(data).map_err(|cause| TypesetError::Data { layout: layout.to_owned(), cause })?;
        let world = LayoutWorld::new(&self.fonts, layout, data, letters, meta);
        if world.lacks_fonts() {
            return Err(TypesetError::NoFont { layout: layout.to_owned() });
        }
        let set = compile_world(&world, layout, meta, standards);
        sweep();
        set
    }
}

/// Counts a document. Without the sweep the cache of one outlives it, and a night of letters fills the memory; what the
/// next letters need again (fonts, layouts) is used often enough to stay.
fn sweep() {
    // The cache is the process's own, and so is the count.
    static SET: AtomicUsize = AtomicUsize::new(0);
    if SET.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
        typst::comemo::evict(KEPT_FOR);
    }
}

/// The number of pages of a PDF; `None` when it cannot be read.
#[must_use]
pub fn pages_of(pdf: &[u8]) -> Option<usize> {
    hayro_syntax::Pdf::new(pdf.to_vec()).ok().map(|document| document.pages().len())
}

fn compile_world(
    world: &LayoutWorld,
    layout: &str,
    meta: &DocumentMeta,
    standards: &[PdfStandard],
) -> Result<Typeset, TypesetError> {
    let refuse = |errors: EcoVec<SourceDiagnostic>| first_error(world, layout, &errors);
    let Warned { output, warnings } = typst::compile::<PagedDocument>(world);
    for warning in &warnings {
        tracing::warn!(layout = %world.place_of(warning, layout), "{}", warning.message);
    }
    let document = output.map_err(refuse)?;
    let options = PdfOptions {
        ident: Smart::Custom(format!("{layout}/{}/{}", meta.title, meta.date)),
        creator: Smart::Custom(Some("Arrears".to_owned())),
        timestamp: datetime(meta.date).map(Timestamp::new_utc),
        standards: PdfStandards::new(standards).map_err(|error| TypesetError::Layout {
            place: Place { layout: layout.to_owned(), line: None },
            message: error.message().to_string(),
        })?,
        ..PdfOptions::default()
    };
    let pdf = typst_pdf::pdf(&document, &options).map_err(refuse)?;
    Ok(Typeset { pdf, pages: document.pages().len() })
}

fn first_error(world: &LayoutWorld, layout: &str, errors: &[SourceDiagnostic]) -> TypesetError {
    let Some(error) = errors.first() else {
        return TypesetError::Layout {
            place: Place { layout: layout.to_owned(), line: None },
            message: "the compiler gave no reason".to_owned(),
        };
    };
    let mut message = error.message.to_string();
    for hint in &error.hints {
        message.push_str("; ");
        message.push_str(&hint.v);
    }
    TypesetError::Layout { place: world.place_of(error, layout), message }
}

fn datetime(day: Day) -> Option<Datetime> {
    use chrono::Datelike;
    let month = u8::try_from(day.month()).ok()?;
    Datetime::from_ymd_hms(day.year(), month, u8::try_from(day.day()).ok()?, 0, 0, 0)
}

#[cfg(test)]
mod tests;
