//! Documents: bytes kept as they went out, named by their hash, and what each was kept for.

use super::given::Stamp;
use super::{Backend, Conn, Result, StoreError, word};
use crate::domain::document::{Document, MediaType, sha256};
use crate::domain::{AccountId, DocumentHash};

/// Keeps a document and what it is for. The same bytes for the same use are kept once.
pub(super) async fn keep(
    conn: &mut Conn,
    document: &Document,
    account: Option<AccountId>,
    used_for: &str,
    stamp: &Stamp,
) -> Result<()> {
    if sha256(&document.bytes) != document.hash {
        return Err(StoreError::Conflict(format!("the bytes for {used_for} do not have the hash {}", document.hash)));
    }
    sqlx::query(
        "INSERT INTO document (hash, media_type, bytes, recorded_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (hash) DO NOTHING",
    )
    .bind(document.hash.as_str())
    .bind(document.media_type.word())
    .bind(&document.bytes)
    .bind(stamp.at)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO document_use (account_id, used_for, hash, used_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (used_for, hash) DO NOTHING",
    )
    .bind(account.map(|account| account.0))
    .bind(used_for)
    .bind(document.hash.as_str())
    .bind(stamp.at)
    .execute(conn)
    .await?;
    Ok(())
}

impl Backend {
    pub async fn document(&self, hash: &DocumentHash) -> Result<Option<Document>> {
        let found: Option<(String, Vec<u8>)> = sqlx::query_as("SELECT media_type, bytes FROM document WHERE hash = $1")
            .bind(hash.as_str())
            .fetch_optional(&self.reader)
            .await?;
        found
            .map(|(media_type, bytes)| {
                let media_type = word(MediaType::from_word, &media_type)?;
                Ok(Document { hash: hash.clone(), media_type, bytes })
            })
            .transpose()
    }
}
