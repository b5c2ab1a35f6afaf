//! Translations that the city has signed.

use serde_json::json;

use super::given::{Stamp, WordingSignature};
use super::log::{self, NewLine};
use super::{Backend, Result, word};
use crate::domain::{Day, DocumentHash, Language, NoticeName};

impl Backend {
    pub async fn sign_wordings(&self, signatures: &[WordingSignature], stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        for signature in signatures {
            sqlx::query(
                "INSERT INTO wording_signature (name, language, hash, signed_by, signed_on, note)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (name, language) DO UPDATE SET hash = excluded.hash, signed_by = excluded.signed_by,
                    signed_on = excluded.signed_on, note = excluded.note",
            )
            .bind(signature.name.as_str())
            .bind(signature.language.word())
            .bind(signature.hash.as_str())
            .bind(&signature.signed_by)
            .bind(signature.signed_on)
            .bind(&signature.note)
            .execute(&mut *tx)
            .await?;
            let body = json!({ "signature": signature });
            log::write(&mut tx, &[NewLine { account: None, what: "wording signed", body }], None, stamp).await?;
        }
        Ok(tx.commit().await?)
    }

    pub async fn wording_signatures(&self) -> Result<Vec<WordingSignature>> {
        let rows: Vec<(String, String, String, String, Day, String)> = sqlx::query_as(
            "SELECT name, language, hash, signed_by, signed_on, note FROM wording_signature ORDER BY name, language",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(name, language, hash, signed_by, signed_on, note)| {
                Ok(WordingSignature {
                    name: NoticeName::from(name),
                    language: word(Language::from_word, &language)?,
                    hash: DocumentHash::from(hash),
                    signed_by,
                    signed_on,
                    note,
                })
            })
            .collect()
    }
}
