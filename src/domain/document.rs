//! Documents: bytes that are kept as they went out, named by their hash.

use serde::{Deserialize, Serialize};

use super::account::words;
use super::ids::DocumentHash;

words! {
    /// What the bytes are.
    MediaType {
        Pdf = "application/pdf",
        Email = "message/rfc822",
        Html = "text/html",
        Zip = "application/zip",
        Csv = "text/csv",
        Json = "application/json",
    }
}

/// A kept document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The SHA-256 of `bytes`.
    pub hash: DocumentHash,
    pub media_type: MediaType,
    pub bytes: Vec<u8>,
}

impl Document {
    /// Names `bytes` by their hash.
    #[must_use]
    pub fn new(media_type: MediaType, bytes: Vec<u8>) -> Self {
        Self { hash: sha256(&bytes), media_type, bytes }
    }
}

/// The SHA-256 of `bytes` in lower-case hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> DocumentHash {
    use sha2::Digest;
    hex(&sha2::Sha256::digest(bytes)).into()
}

/// Bytes in lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
