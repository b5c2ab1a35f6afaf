//! A print batch written once more: the printer ate it, or the file is gone. Nothing is made, decided or recorded anew.

use super::{Office, OfficeError, Result};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{BatchId, NoticeId};
use crate::notices::batch;

/// A batch that was written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reprinted {
    /// The merged PDF, relative to the data directory.
    pub path: String,
    pub pieces: u32,
    /// Whether the merged file is the first one byte for byte. The letters in it always are.
    pub is_same_file: bool,
    /// Letters that were canceled or voided since, with the addressee and the reason: they must not go out.
    pub taken_out: Vec<(NoticeId, String)>,
}

impl Office {
    /// Writes the files of a print batch again, of the letters as they were kept.
    ///
    /// # Errors
    /// When there is no such batch, a kept letter is missing or damaged, or the files cannot be written.
    pub async fn reprint_batch(&self, id: BatchId) -> Result<Reprinted> {
        let printed = self.store.batch(id).await?;
        let pieces = self.store.notices_of_batch(id).await?;
        let mut letters = Vec::with_capacity(pieces.len());
        for notice in &pieces {
            let account = self.store.account(notice.account).await?;
            letters.push(self.letter(notice, &account.profile.number).await?);
        }
        if u32::try_from(letters.len()) != Ok(printed.pieces) {
            return Err(OfficeError::refused(
                format!(
                    "print batch {id} was made of {} letters, and {} are kept of it",
                    printed.pieces,
                    letters.len()
                ),
                "restore the database from a backup: no other letter stands in for one of them",
            ));
        }
        let made = batch::write(self.typesetter(), self.city(), &self.dir, id, printed.made_on, letters)?;
        Ok(Reprinted {
            path: made.path,
            pieces: made.pieces,
            is_same_file: made.document == printed.document,
            taken_out: taken_out(&pieces),
        })
    }
}

/// The letters of a batch that were canceled or voided since it was printed, with the addressee and the reason.
pub(super) fn taken_out(pieces: &[Notice]) -> Vec<(NoticeId, String)> {
    let is_out = |piece: &&Notice| matches!(piece.state, NoticeState::Canceled | NoticeState::Voided);
    let why = |piece: &Notice| {
        let cause = piece.cause.as_deref().unwrap_or("its cause is not known");
        (piece.id, format!("{}, {}: {cause}", piece.addressee, piece.state))
    };
    pieces.iter().filter(is_out).map(why).collect()
}
