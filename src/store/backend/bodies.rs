//! Bodies on their way in: many nouns as one blob, of which each row names its part.
//!
//! Inside the JSON of its row a body of some kilobytes would be read and written again four times before it is stored;
//! beside it, it is copied once.

use serde::Serialize;

use super::{Result, StoreError};

/// The bodies of a statement's rows, one after the other.
#[derive(Default)]
pub(super) struct Bodies(Vec<u8>);

/// Where a body stands: its first byte, counted from 1 as SQL counts, and its length.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Part {
    at: usize,
    len: usize,
}

/// The columns of a [`Part`] in a declaration of rows.
pub(super) const PART: &str = "at bigint, len bigint";

impl Bodies {
    pub(super) fn add(&mut self, body: &impl Serialize) -> Result<Part> {
        let start = self.0.len();
        serde_json::to_writer(&mut self.0, body)
            .map_err(|error| StoreError::Corrupt(format!("a record that cannot be written as JSON: {error}")))?;
        Ok(Part { at: start + 1, len: self.0.len() - start })
    }

    /// A body that is text already.
    pub(super) fn add_text(&mut self, body: &str) -> Part {
        let at = self.0.len() + 1;
        self.0.extend_from_slice(body.as_bytes());
        Part { at, len: body.len() }
    }

    /// A body as it was added.
    pub(super) fn text(&self, part: Part) -> Result<&str> {
        let bytes = self.0.get(part.at - 1..part.at - 1 + part.len).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|error| StoreError::Corrupt(format!("a record that is not UTF-8: {error}")))
    }

    /// What the statement binds.
    pub(super) fn into_blob(self) -> Vec<u8> {
        self.0
    }
}
