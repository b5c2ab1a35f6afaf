//! The city's mappings: `mappings/*.yaml` in the data directory, each for the files that its pattern names.

use std::path::Path;

use super::{Office, OfficeError, Result};
use crate::domain::import::ImportFile;
use crate::ingest::mapping::Mapping;
use crate::ingest::{self, FileErrors};

/// The folder.
pub const MAPPINGS: &str = "mappings";

/// The mappings that were read, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Mappings {
    pub known: Vec<Mapping>,
    /// A sentence each, with file, line and column.
    pub broken: Vec<String>,
}

impl Mappings {
    /// Whether a file of that name is described.
    #[must_use]
    pub fn describe(&self, name: &str) -> bool {
        self.known.iter().any(|mapping| mapping.is_for(name))
    }

    /// The mapping for a file of that name.
    ///
    /// # Errors
    /// When there are several.
    pub fn for_file(&self, name: &str) -> Result<Option<&Mapping>> {
        let found: Vec<&Mapping> = self.known.iter().filter(|mapping| mapping.is_for(name)).collect();
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            [one, other, ..] => Err(OfficeError::refused(
                format!("{name} fits the patterns of two mappings, {} and {}", one.name, other.name),
                "make their `files:` narrower, or name one with --mapping",
            )),
        }
    }
}

/// Reads a file as its mapping says, or as one of our own.
pub(super) fn read(name: &str, bytes: &[u8], mapping: Option<&Mapping>) -> Result<ImportFile, FileErrors> {
    match mapping {
        Some(mapping) => ingest::read_mapped(name, bytes, mapping),
        None => ingest::read(name, bytes),
    }
}

impl Office {
    /// All mappings of the data directory, by the names of their files.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn mappings(&self) -> Result<Mappings> {
        let folder = self.dir.join(MAPPINGS);
        let mut mappings = Mappings::default();
        if !folder.is_dir() {
            return Ok(mappings);
        }
        let listed = std::fs::read_dir(&folder).map_err(|source| OfficeError::file(&folder, source))?;
        let mut paths = Vec::new();
        for entry in listed {
            let path = entry.map_err(|source| OfficeError::file(&folder, source))?.path();
            if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            match read_mapping(&path)? {
                Ok(mapping) => mappings.known.push(mapping),
                Err(broken) => mappings.broken.push(broken),
            }
        }
        Ok(mappings)
    }

    /// What is wrong with mappings that a file may have been meant for, to be said where none fits it.
    pub(super) fn broken_mappings(&self) -> Result<Vec<String>> {
        Ok(self.mappings()?.broken)
    }

    /// The mapping of that name, or in that file.
    ///
    /// # Errors
    /// When there is none, or it is wrong.
    pub fn mapping(&self, name: &str) -> Result<Mapping> {
        let mappings = self.mappings()?;
        if let Some(known) = mappings.known.into_iter().find(|mapping| mapping.name == name) {
            return Ok(known);
        }
        let path = Path::new(name);
        if path.is_file() {
            return read_mapping(path)?.map_err(|broken| OfficeError::refused(broken, "correct the mapping"));
        }
        if let Some(broken) = mappings.broken.into_iter().next() {
            return Err(OfficeError::refused(broken, "correct the mapping"));
        }
        Err(OfficeError::NotFound { what: "mapping", id: name.to_owned() })
    }
}

fn read_mapping(path: &Path) -> Result<Result<Mapping, String>> {
    let text = std::fs::read_to_string(path).map_err(|source| OfficeError::file(path, source))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Mapping::read(&format!("{MAPPINGS}/{name}"), &text).map_err(|error| error.to_string()))
}
