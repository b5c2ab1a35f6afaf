//! The list for the attorney and its kin: recorded first, then written, and written again where a kill came between.

use std::path::PathBuf;

use super::looks::Overtaken;
use super::{Office, OfficeError, Result};
use crate::domain::document::{Document, MediaType};
use crate::domain::referral::{Destination, ReferralState};
use crate::domain::{Day, ReferralId};
use crate::notices::files::write_whole;
use crate::referral::export::{ExportLine, export};
use crate::referral::packet::build;
use crate::store::{ExportPart, NewExport, Permitted, ReferralExport, Whole};

/// What became of the approved referrals to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// `None` where nothing could be placed.
    pub list: Option<ReferralExport>,
    /// Those whose packet was refused, each with the reason.
    pub refused: Vec<(ReferralId, String)>,
}

/// A list before it is recorded.
#[derive(Default)]
struct Draft {
    lines: Vec<ExportLine>,
    files: Vec<(ExportPart, Document)>,
    permits: Vec<Permitted<ReferralId>>,
    refused: Vec<(ReferralId, String)>,
}

impl Office {
    /// Places all approved referrals to a destination: their packets and the list with its totals. The list, with its
    /// number and every byte of it, is recorded in the transaction that places the referrals, and then written. Each is
    /// looked at again first; where a fact comes to one while the packets are made, the list is made anew.
    ///
    /// # Errors
    /// When the files cannot be written: what is recorded is written by the next export, or by the daemon. A referral
    /// against which something stands, or whose packet is refused, is left out and named.
    pub async fn export_referrals(&self, to: Destination, by: &str) -> Result<Exported> {
        self.goes_out().await?;
        self.nothing_is_held().await?;
        self.write_exports().await?;
        let stamp = self.stamp(by);
        let mut overtaken = Overtaken::new();
        loop {
            let Draft { lines, mut files, permits, mut refused } = self.list_to(to, &overtaken, stamp.on).await?;
            if lines.is_empty() {
                refused.extend(overtaken.named());
                return Ok(Exported { list: None, refused });
            }
            let made = export(&lines).map_err(|error| OfficeError::Interrupted(error.to_string()))?;
            files.push((ExportPart::Control, Document::new(MediaType::Csv, made.control)));
            files.push((ExportPart::List, Document::new(MediaType::Csv, made.list)));
            let new = NewExport { to, total: made.total, files };
            match self.store.make_export(&new, &permits, &stamp).await? {
                Whole::Made(list) => {
                    self.write_exports().await?;
                    refused.extend(overtaken.named());
                    return Ok(Exported { list: Some(list), refused });
                }
                Whole::Overtaken(ids) => overtaken.add(&ids),
            }
        }
    }

    /// What may go on a list now. The leave is asked for before the packet is made, so that the packet knows no less.
    async fn list_to(&self, to: Destination, overtaken: &Overtaken<ReferralId>, on: Day) -> Result<Draft> {
        let mut draft = Draft::default();
        for referral in self.store.referrals(Some(ReferralState::Approved)).await? {
            let id = referral.id;
            if referral.to != to || overtaken.is_left_out(id) {
                continue;
            }
            let permit = match self.leave_for_referral(&referral, on).await? {
                Ok(permit) => permit,
                Err(refusal) => {
                    draft.refused.push((id, refusal.to_string()));
                    continue;
                }
            };
            let account = self.store.account(referral.account).await?;
            let input = self.packet_input(&account, referral, None).await?;
            match build(&input, self.typesetter()) {
                Ok(packet) => {
                    draft.lines.push(ExportLine::of(&input, &packet));
                    let document = Document { hash: packet.hash, media_type: MediaType::Zip, bytes: packet.zip };
                    draft.files.push((ExportPart::Packet(packet.file_name), document));
                    draft.permits.push(Permitted { id, permit });
                }
                Err(refusal) => draft.refused.push((id, refusal.to_string())),
            }
        }
        Ok(draft)
    }

    /// Writes the files of every list that is recorded and not yet written, of fees too; gives the number of lists. Writing one again
    /// gives the same bytes.
    ///
    /// # Errors
    /// When a file cannot be written; its list stays to be written.
    pub async fn write_exports(&self) -> Result<usize> {
        let waiting = self.store.unwritten_exports().await?;
        for list in &waiting {
            // The list itself comes last: where it lies, all that it names lies too.
            for file in &list.files {
                let path = self.export_path(list, &file.part);
                let kept = self.store.document(&file.document).await?.ok_or_else(|| OfficeError::DocumentMissing {
                    kind: MediaType::Csv,
                    hash: file.document.to_string(),
                })?;
                write_whole(&path, &kept.bytes).map_err(|source| OfficeError::file(&path, source))?;
            }
            self.store.export_written(&list.name, &self.daemon_stamp(self.today())).await?;
        }
        Ok(waiting.len() + self.write_fee_exports().await?)
    }

    /// Where a file of a list lies: `exports/attorney-2026-05-20-1.csv`, its totals beside it, and the packets under
    /// `packets/attorney-2026-05-20-1/`.
    #[must_use]
    pub fn export_path(&self, list: &ReferralExport, part: &ExportPart) -> PathBuf {
        match part {
            ExportPart::List => self.dir.join("exports").join(format!("{}.csv", list.name)),
            ExportPart::Control => self.dir.join("exports").join(format!("{}.control.csv", list.name)),
            ExportPart::Packet(file) => self.dir.join("packets").join(&list.name).join(file),
        }
    }
}
