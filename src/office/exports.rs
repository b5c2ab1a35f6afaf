//! The list for the attorney and its kin: recorded first, then written, and written again where a kill came between.

use std::path::PathBuf;

use chrono::Datelike;

use super::looks::Overtaken;
use super::{Office, OfficeError, Result};
use crate::domain::day::short;
use crate::domain::document::{Document, MediaType};
use crate::domain::layout::{Layout, LayoutForm};
use crate::domain::placement::Placement;
use crate::domain::referral::{Destination, ReferralState};
use crate::domain::{Day, ReferralId};
use crate::notices::files::write_whole;
use crate::referral::export::{ExportLine, by_account, export};
use crate::referral::layout::record;
use crate::referral::packet::build;
use crate::rulebook::policy::TaxRollRules;
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
    placements: Vec<(ReferralId, Placement)>,
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
        self.has_a_name()?;
        self.goes_out().await?;
        self.nothing_is_held().await?;
        self.write_exports().await?;
        let stamp = self.stamp(by);
        let rules = self.rules_on(stamp.on).await?;
        let referral = &rules.policy.referral;
        roll_is_open(to, referral.tax_roll.as_ref(), stamp.on)?;
        let layout = referral.layouts.get(&to);
        let mut overtaken = Overtaken::new();
        loop {
            let draft = self.list_to(to, layout, &overtaken, stamp.on).await?;
            let Draft { mut lines, mut files, permits, mut refused, placements } = draft;
            let total = lines.iter().map(|line| line.total).sum();
            // A correction has something to correct: what is out already, without what was taken back since.
            if layout.is_some_and(|layout| layout.whole) {
                lines.extend(self.placed_before(to, referral.tax_roll.as_ref(), layout, &mut refused).await?);
                lines = by_account(lines);
            }
            if lines.is_empty() {
                refused.extend(overtaken.named());
                return Ok(Exported { list: None, refused });
            }
            let made = export(&lines, layout).map_err(|error| OfficeError::Interrupted(error.to_string()))?;
            files.push((ExportPart::Control, Document::new(MediaType::Csv, made.control)));
            let is_fixed = layout.is_some_and(|layout| matches!(layout.form, LayoutForm::Fixed { .. }));
            let part = if is_fixed { ExportPart::FixedList } else { ExportPart::List };
            files.push((part, Document::new(MediaType::Csv, made.list)));
            let new = NewExport { to, total, placements, files };
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
    async fn list_to(
        &self,
        to: Destination,
        layout: Option<&Layout>,
        overtaken: &Overtaken<ReferralId>,
        on: Day,
    ) -> Result<Draft> {
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
            // A list names an account once: its packet, and the answer of the destination, are known by it.
            if let Some(first) = draft.lines.iter().find(|line| line.referral.account == referral.account) {
                let why =
                    format!("the list has referral {} of the account: export again for this one", first.referral.id);
                draft.refused.push((id, why));
                continue;
            }
            let account = self.store.account(referral.account).await?;
            let input = self.packet_input(&account, referral, None).await?;
            match build(&input, self.typesetter()) {
                Ok(packet) => {
                    let line = ExportLine::of(&input, &packet);
                    if let Some(Err(refusal)) = layout.map(|layout| record(layout, &line)) {
                        draft.refused.push((id, refusal.to_string()));
                        continue;
                    }
                    draft.lines.push(line);
                    draft.placements.push((id, Placement::of(&input.books, &input.entries, self.clock.now())));
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
        Ok(waiting.len() + self.write_fee_exports().await? + self.write_reports().await?)
    }

    /// Where a file of a list lies: `exports/attorney-2026-05-20-1.csv`, its totals beside it, and the packets under
    /// `packets/attorney-2026-05-20-1/`.
    #[must_use]
    pub fn export_path(&self, list: &ReferralExport, part: &ExportPart) -> PathBuf {
        self.part_path(&list.name, part)
    }

    /// Where the list itself lies.
    #[must_use]
    pub fn list_path(&self, list: &ReferralExport) -> PathBuf {
        let part = list.files.iter().map(|file| &file.part).find(|part| **part == ExportPart::FixedList);
        self.part_path(&list.name, part.unwrap_or(&ExportPart::List))
    }

    pub(super) fn part_path(&self, name: &str, part: &ExportPart) -> PathBuf {
        match part {
            ExportPart::List => self.dir.join("exports").join(format!("{name}.csv")),
            ExportPart::FixedList => self.dir.join("exports").join(format!("{name}.txt")),
            ExportPart::Control => self.dir.join("exports").join(format!("{name}.control.csv")),
            ExportPart::Recalls => self.dir.join("exports").join(format!("{name}.recalls.csv")),
            ExportPart::Packet(file) => self.dir.join("packets").join(name).join(file),
        }
    }

    /// What went to the roll that is still open, as it stands today.
    async fn placed_before(
        &self,
        to: Destination,
        roll: Option<&TaxRollRules>,
        layout: Option<&Layout>,
        refused: &mut Vec<(ReferralId, String)>,
    ) -> Result<Vec<ExportLine>> {
        let today = self.today();
        let since = roll.and_then(|roll| last_closed(roll, today));
        let mut lines = Vec::new();
        for referral in self.store.referrals(Some(ReferralState::Placed)).await? {
            let is_of_roll = referral.placed_on.is_some_and(|on| since.is_none_or(|since| since < on));
            if referral.to != to || !is_of_roll {
                continue;
            }
            let id = referral.id;
            let snapshot = self.snapshot(referral.account).await?;
            let line = ExportLine::again(snapshot.profile.clone(), referral, &snapshot.items, today);
            match layout.map(|layout| record(layout, &line)) {
                Some(Err(refusal)) => refused.push((id, refusal.to_string())),
                _ if line.total.is_positive() => lines.push(line),
                _ => {}
            }
        }
        Ok(lines)
    }
}

/// The roll is filed once a year. What comes after its last day waits for the next one.
fn roll_is_open(to: Destination, roll: Option<&TaxRollRules>, today: Day) -> Result<()> {
    let Some(roll) = roll.filter(|_| to == Destination::TaxRoll) else { return Ok(()) };
    let closed = day_of(roll, today.year()).filter(|by| today > *by);
    match closed {
        None => Ok(()),
        Some(by) => Err(OfficeError::refused(
            format!("the tax roll of {} closed on {} ({})", today.year(), short(by), roll.citation),
            format!("these debts go to the roll of {}: export them from January 1", today.year() + 1),
        )),
    }
}

/// The last day of the roll that is closed already.
fn last_closed(roll: &TaxRollRules, today: Day) -> Option<Day> {
    [today.year(), today.year() - 1].into_iter().filter_map(|year| day_of(roll, year)).find(|by| *by < today)
}

fn day_of(roll: &TaxRollRules, year: i32) -> Option<Day> {
    Day::from_ymd_opt(year, u32::from(roll.by.0), u32::from(roll.by.1))
}
