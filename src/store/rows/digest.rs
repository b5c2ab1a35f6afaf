//! The daily digest as it is kept.

use crate::domain::{Day, DocumentHash};

/// A digest that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingDigest {
    pub date: Day,
    pub to: String,
    pub document: DocumentHash,
    /// How often it was tried.
    pub attempts: u32,
}
