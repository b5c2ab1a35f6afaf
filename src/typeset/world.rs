//! What the compiler can see: the layouts, the fonts, one document's data, and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::Datelike;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World, WorldExt};
use typst_kit::fonts::FontStore;

use super::{DocumentMeta, Place, layouts, wide_fonts};

/// Sets the document's properties before the layout has its turn, so that no layout can forget them: PDF/UA asks for
/// a title and a language, PDF/A for a date.
const MAIN: &str = r#"#{
  let meta = json("meta.json")
  let (year, month, day) = meta.date
  set document(title: meta.title, author: meta.author, date: datetime(year: year, month: month, day: day))
  set text(lang: meta.language, region: "us")
  include meta.layout
}
"#;

/// The fonts and the standard library, loaded once.
pub(super) struct Fonts {
    library: LazyHash<Library>,
    /// Those that are part of the program.
    own: FontStore,
    /// The same with those of the machine that hold Chinese and Korean: large, and loaded when a document first needs
    /// them. `None` where the machine has none.
    wide: OnceLock<Option<FontStore>>,
}

impl Fonts {
    pub(super) fn load() -> Self {
        let mut own = FontStore::new();
        own.extend(typst_kit::fonts::embedded());
        Self { library: LazyHash::new(Library::default()), own, wide: OnceLock::new() }
    }

    fn wide(&self) -> Option<&FontStore> {
        self.wide
            .get_or_init(|| {
                let found = wide_fonts::found();
                (!found.is_empty()).then(|| {
                    let mut store = FontStore::new();
                    store.extend(typst_kit::fonts::embedded());
                    store.extend(found);
                    store
                })
            })
            .as_ref()
    }

    /// Whether a font of this machine has the Chinese or Korean letter.
    pub(super) fn has_wide_letter(&self, letter: char) -> bool {
        let Some(store) = self.wide() else { return false };
        let book = store.book();
        (0..).map_while(|index| book.info(index)).any(|info| info.coverage.contains(u32::from(letter)))
    }

    /// Whether Chinese and Korean can be set on this machine.
    pub(super) fn has_wide(&self) -> bool {
        self.wide().is_some()
    }
}

/// One document's world.
pub(super) struct LayoutWorld {
    fonts: Arc<Fonts>,
    /// Whether the document holds Chinese or Korean.
    wide: bool,
    files: HashMap<FileId, Bytes>,
}

impl LayoutWorld {
    pub(super) fn new(
        fonts: &Arc<Fonts>,
        layout: &str,
        data: Vec<u8>,
        letters: Vec<Bytes>,
        meta: &DocumentMeta,
    ) -> Self {
        let properties = serde_json::json!({
            "title": meta.title,
            "author": meta.author,
            "language": meta.language.word(),
            "date": [meta.date.year(), meta.date.month(), meta.date.day()],
            "layout": format!("{layout}.typ"),
        });
        let wide = std::str::from_utf8(&data).is_ok_and(|text| text.chars().any(wide_fonts::is_wide));
        let ids = file_ids();
        let mut files = HashMap::new();
        files.insert(ids.meta, Bytes::from_string(properties.to_string()));
        files.insert(ids.data, Bytes::new(data));
        files.extend(letters.into_iter().enumerate().map(|(index, letter)| (letter_id(index), letter)));
        Self { fonts: Arc::clone(fonts), wide, files }
    }

    /// Whether the document holds letters that no font of this machine shows.
    pub(super) fn lacks_fonts(&self) -> bool {
        self.wide && !self.fonts.has_wide()
    }

    fn store(&self) -> &FontStore {
        let wide = if self.wide { self.fonts.wide() } else { None };
        wide.unwrap_or(&self.fonts.own)
    }

    /// Where a diagnostic points: the first line of a layout in its span or in the calls that led there.
    pub(super) fn place_of(&self, diagnostic: &SourceDiagnostic, layout: &str) -> Place {
        let found = diagnostic.span.id().and_then(|id| {
            let name = layout_name(id)?;
            let range = self.range(diagnostic.span)?;
            let line = self.source(id).ok()?.lines().byte_to_line(range.start)? + 1;
            Some(Place { layout: format!("{name}.typ"), line: Some(line) })
        });
        found.unwrap_or_else(|| Place { layout: format!("{layout}.typ"), line: None })
    }
}

impl World for LayoutWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.fonts.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.store().book()
    }

    fn main(&self) -> FileId {
        file_ids().main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        file_ids().sources.get(&id).cloned().ok_or_else(|| not_found(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or_else(|| not_found(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.store().font(index)
    }

    /// No clock: a layout that asks for today is refused.
    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// The ids of the files and the parsed layouts. Typst never frees an id, so each is made once in a process.
struct FileIds {
    main: FileId,
    meta: FileId,
    data: FileId,
    sources: HashMap<FileId, Source>,
}

fn file_ids() -> &'static FileIds {
    static IDS: OnceLock<FileIds> = OnceLock::new();
    IDS.get_or_init(|| {
        let main = intern("main.typ");
        let mut sources = HashMap::from([(main, Source::new(main, MAIN.to_owned()))]);
        for name in layouts::names() {
            if let Some(text) = layouts::source(name) {
                let id = intern(&format!("{name}.typ"));
                sources.insert(id, Source::new(id, text.to_owned()));
            }
        }
        FileIds { main, meta: intern("meta.json"), data: intern("data.json"), sources }
    })
}

/// The id of the `index`th letter of a merged file.
fn letter_id(index: usize) -> FileId {
    static LETTERS: Mutex<Vec<FileId>> = Mutex::new(Vec::new());
    let mut ids = LETTERS.lock().unwrap_or_else(PoisonError::into_inner);
    while ids.len() <= index {
        let next = intern(&format!("letters/{}.pdf", ids.len()));
        ids.push(next);
    }
    ids[index]
}

fn intern(path: &str) -> FileId {
    let path = VirtualPath::new(path).expect("the paths are those written in this file and in the list of layouts");
    RootedPath::new(VirtualRoot::Project, path).intern()
}

fn layout_name(id: FileId) -> Option<&'static str> {
    let stem = id.get().vpath().file_stem()?;
    layouts::names().into_iter().find(|name| *name == stem)
}

fn not_found(id: FileId) -> FileError {
    FileError::NotFound(id.get().vpath().get_without_slash().into())
}
