//! A signed translation.

use serde::{Deserialize, Serialize};

use crate::domain::{Day, DocumentHash, Language, NoticeName};

/// The city's word that a translation says what it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordingSignature {
    pub name: NoticeName,
    pub language: Language,
    /// Of the text that was signed.
    pub hash: DocumentHash,
    pub signed_by: String,
    pub signed_on: Day,
    /// Who read it, or where the review is filed.
    pub note: String,
}
