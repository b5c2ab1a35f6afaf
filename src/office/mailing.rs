//! How letters leave and come back: batched for the printer, marked as mailed, returned.

use std::collections::BTreeSet;
use std::fmt;

use super::looks::{Overtaken, PAGE, Seen};
use super::reprint::taken_out;
use super::{Office, OfficeError, Result};
use crate::audit::{Refusal, Remedy};
use crate::decide::{announced_if_mailed, last_day_of};
use crate::domain::document::MediaType;
use crate::domain::hold::Blocks;
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{AccountNumber, BatchId, Cents, Channel, Day, EntryKind, ItemId, NoticeId, OpenItem, Snapshot};
use crate::notices::batch::{self, Letter};
use crate::store::{NewBatch, Permitted, Pieces, Stamp, Whole};

/// What came of making a print batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batching {
    /// `None` when no letter was fit to be printed.
    pub made: Option<BatchMade>,
    /// Letters that were not printed, because what they say is no longer so, with the reason and what becomes of each.
    pub dropped: Vec<(NoticeId, String)>,
}

/// A print batch that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchMade {
    pub batch: BatchId,
    pub pieces: u32,
    /// The merged PDF, relative to the data directory.
    pub path: String,
    /// Letters that wait for the next batch because their accounts kept learning something while this one was made.
    pub waiting: Vec<(NoticeId, String)>,
}

/// What is done with letters that state a shut-off too early for the day of mailing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum IfLate {
    /// Nothing at all is marked: the day may be a slip of the pen, and a letter that is voided stays so.
    Refuse,
    /// They are voided and made anew; the others are marked.
    Void,
}

/// What came of marking letters as mailed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    pub mailed: Vec<NoticeId>,
    /// Letters that state a shut-off too early for the day of mailing, with the reason.
    pub voided: Vec<(NoticeId, String)>,
    /// Letters of the batch that were canceled or voided since it was printed, with the addressee and the reason.
    pub taken_out: Vec<(NoticeId, String)>,
}

/// Why a letter is not printed as it is.
pub(super) struct Untrue {
    pub cause: String,
    becomes: &'static str,
}

impl fmt::Display for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.cause, self.becomes)
    }
}

impl Office {
    /// Puts all rendered letters into a print batch: sorted by ZIP, merged, with a manifest, under `print/`.
    ///
    /// Each is looked at again first; those that nobody needs any more are canceled, and those that would no longer be true
    /// if they were mailed today are voided and made anew. While the letters are merged, a fact
    /// may come to one of them: then the batch is made anew with what fits, and a letter that this happens to twice waits
    /// for the next batch.
    ///
    /// # Errors
    /// When the files cannot be written, or all that is ready was overtaken twice.
    pub async fn make_batch(&self, by: &str) -> Result<Batching> {
        self.has_a_name()?;
        self.goes_out().await?;
        self.nothing_is_held().await?;
        let stamp = self.stamp(by);
        let mut dropped = Vec::new();
        let mut overtaken = Overtaken::new();
        loop {
            let (letters, permits) = self.letters_to_batch(&overtaken, &mut dropped, &stamp).await?;
            if letters.is_empty() {
                return match overtaken.named().next() {
                    None => Ok(Batching { made: None, dropped }),
                    Some(_) => Err(OfficeError::Reexamined(Refusal::Overtaken)),
                };
            }
            let number = self.store.batches(1).await?.first().map_or(1, |batch| batch.id.0 + 1);
            let made = batch::write(self.typesetter(), self.city(), &self.dir, BatchId(number), stamp.on, letters)?;
            let new = NewBatch { sheets: made.sheets, path: made.path.clone(), document: made.document };
            match self.store.make_batch(&permits, &new, &stamp).await? {
                Whole::Made(batch) => {
                    let waiting = overtaken.named().collect();
                    let made = BatchMade { batch, pieces: made.pieces, path: made.path, waiting };
                    return Ok(Batching { made: Some(made), dropped });
                }
                Whole::Overtaken(ids) => {
                    // Nobody shall print what was not recorded.
                    batch::discard(&self.dir, &made.path)?;
                    overtaken.add(&ids);
                }
            }
        }
    }

    /// The rendered letters that may leave now, with the leave of each.
    async fn letters_to_batch(
        &self,
        overtaken: &Overtaken<NoticeId>,
        dropped: &mut Vec<(NoticeId, String)>,
        stamp: &Stamp,
    ) -> Result<(Vec<Letter>, Vec<Permitted<NoticeId>>)> {
        let mut rendered = self.store.notices_in(NoticeState::Rendered, u32::MAX).await?;
        rendered.retain(|notice| notice.channel == Channel::Mail && !overtaken.is_left_out(notice.id));
        let (mut letters, mut permits) = (Vec::new(), Vec::new());
        for page in rendered.chunks(PAGE) {
            let view = self.view(page.iter().map(|notice| notice.account)).await?;
            for notice in page {
                let seen = view.of(notice.account)?;
                match self.leave_for_notice(seen, notice, stamp.on) {
                    Ok(permit) => match self.untrue(seen, notice, stamp.on) {
                        None => {
                            permits.push(Permitted { id: notice.id, permit });
                            letters.push(self.letter(notice, &seen.snapshot.profile.number).await?);
                        }
                        Some(untrue) => {
                            self.store.void_notices(&[notice.id], &untrue.cause, stamp).await?;
                            dropped.push((notice.id, untrue.to_string()));
                        }
                    },
                    Err(refusal) if refusal.remedy() == Remedy::Cancel => {
                        self.drop_piece(notice.id, &refusal, stamp).await?;
                        let is_anew = matches!(refusal, Refusal::AmountChanged { .. });
                        let becomes = if is_anew { "voided and is made anew tonight" } else { "canceled" };
                        dropped.push((notice.id, format!("{refusal}; it was {becomes}")));
                    }
                    // It waits, rendered, until what stands against it ends.
                    Err(_) => {}
                }
            }
        }
        Ok((letters, permits))
    }

    /// Why a letter cannot be mailed on a day: the shut-off that it states would come before the law's time is over.
    fn too_early(&self, seen: &Seen, notice: &Notice, mailed_on: Day, today: Day) -> Option<String> {
        let Seen { snapshot, rules } = seen;
        let world = self.world(rules, today);
        if let Some(last) =
            notice.facts.ruled.as_ref().and_then(|ruled| ruled.appeal_by).filter(|last| *last <= mailed_on)
        {
            return Some(format!(
                "it states that the ruling can be appealed until {last}, and is mailed on {mailed_on}"
            ));
        }
        let stated = notice.facts.shut_off_on?;
        let earliest = announced_if_mailed(snapshot, &world, &rules.policy, &notice.of, mailed_on)?;
        (stated < earliest).then(|| format!("it states {stated}, and mailed on {mailed_on} the earliest is {earliest}"))
    }

    /// What a rendered letter or email says that is not so if it goes today: its dates, what is owed, or that its stage's
    /// time has not passed.
    pub(super) fn untrue(&self, seen: &Seen, notice: &Notice, today: Day) -> Option<Untrue> {
        // The letter of an arrangement says what was agreed on its day, and announces nothing.
        if notice.arrangement.is_some() {
            return None;
        }
        let Seen { snapshot, rules } = seen;
        if let Some(last) = last_day_of(snapshot, &self.world(rules, today), &rules.policy, &notice.of)
            && last < today
        {
            let cause = format!("its stage ended on {last}, before it left");
            return Some(Untrue { cause, becomes: "it was voided" });
        }
        let becomes = "it was voided and is made anew tonight";
        if let Some(cause) = self.too_early(seen, notice, today, today) {
            return Some(Untrue { cause, becomes });
        }
        // What a letter on a ruling says is owed is of the disputed debts alone, and the audit has looked at it.
        if notice.facts.ruled.is_some() {
            return None;
        }
        let goes_on = rules.policy.referral.while_placed.contains(&Blocks::Notices);
        let out = if goes_on { BTreeSet::new() } else { snapshot.out() };
        let owed = owed_since(snapshot, notice, &out, today);
        let stated = notice.facts.balance;
        (owed != stated).then(|| Untrue { cause: format!("it states {stated} owed in all, and {owed} is"), becomes })
    }

    pub(super) async fn letter(&self, notice: &Notice, account: &AccountNumber) -> Result<Letter> {
        let missing = |hash: &str| OfficeError::DocumentMissing { kind: MediaType::Pdf, hash: hash.to_owned() };
        let hash = notice.document.as_ref().ok_or_else(|| missing("none"))?;
        let document = self.store.document(hash).await?.ok_or_else(|| missing(hash.as_str()))?;
        Ok(Letter {
            piece: notice.id,
            account: account.clone(),
            addressee: notice.addressee.clone(),
            zip: notice.address.zip.clone(),
            document,
        })
    }

    /// Marks a batch as mailed on a day, with its proof. Letters whose stated dates are too early by then are never
    /// marked.
    ///
    /// # Errors
    /// When the day lies ahead, or before the batch was made; when letters are too late and `late` is to refuse.
    pub async fn mark_batch_mailed(&self, id: BatchId, on: Day, late: IfLate, proof: &str, by: &str) -> Result<Marked> {
        let batch = self.store.batch(id).await?;
        self.mailing_day(on, batch.made_on, &format!("print batch {id}"))?;
        let pieces = self.store.notices_of_batch(id).await?;
        let taken_out = taken_out(&pieces);
        Ok(Marked { taken_out, ..self.mark_pieces(Some(id), pieces, on, late, proof, by).await? })
    }

    /// Marks single letters as mailed; see [`Self::mark_batch_mailed`].
    ///
    /// # Errors
    /// When the day lies ahead, or before the letter was dated or its batch made.
    pub async fn mark_mailed(&self, ids: &[NoticeId], on: Day, late: IfLate, proof: &str, by: &str) -> Result<Marked> {
        let mut pieces = Vec::new();
        for id in ids {
            let notice = self.store.notice(*id).await?;
            if !matches!(notice.state, NoticeState::Rendered | NoticeState::Batched) || notice.channel != Channel::Mail
            {
                return Err(OfficeError::refused(
                    format!(
                        "notice {id} is {} by {}, and only a letter that was made is mailed",
                        notice.state, notice.channel
                    ),
                    "nothing was marked",
                ));
            }
            let printed_on = match notice.batch {
                Some(batch) => Some(self.store.batch(batch).await?.made_on),
                None => notice.dated,
            };
            self.mailing_day(on, printed_on.unwrap_or(on), &format!("notice {id}"))?;
            pieces.push(notice);
        }
        self.mark_pieces(None, pieces, on, late, proof, by).await
    }

    fn mailing_day(&self, on: Day, earliest: Day, what: &str) -> Result<()> {
        let today = self.today();
        if on > today || on < earliest {
            return Err(OfficeError::Input {
                what: "the day of mailing",
                given: on.to_string(),
                expected: format!("a day from {earliest}, when {what} was made, through today, {today}"),
            });
        }
        Ok(())
    }

    async fn mark_pieces(
        &self,
        batch: Option<BatchId>,
        pieces: Vec<Notice>,
        on: Day,
        late: IfLate,
        proof: &str,
        by: &str,
    ) -> Result<Marked> {
        if proof.trim().is_empty() {
            return Err(OfficeError::Input {
                what: "the proof of mailing",
                given: proof.to_owned(),
                expected: "the form and its number, for example PS 3665 of the day".into(),
            });
        }
        let stamp = self.stamp(by);
        let (mut fit, mut too_late, mut untrue, mut outcome) = (Vec::new(), Vec::new(), Vec::new(), Marked::default());
        let pieces: Vec<Notice> = pieces.into_iter().filter(|notice| notice.state.is_pending()).collect();
        for page in pieces.chunks(PAGE) {
            let view = self.view(page.iter().map(|notice| notice.account)).await?;
            for notice in page {
                // Nobody is told that service is off where it is on.
                if notice.facts.restores.is_some() && view.of(notice.account)?.snapshot.shut_off.is_empty() {
                    untrue.push((notice.id, "it says how service is restored, and it is on"));
                    continue;
                }
                match self.too_early(view.of(notice.account)?, notice, on, stamp.on) {
                    Some(cause) => too_late.push((notice, cause)),
                    None => fit.push(notice.id),
                }
            }
        }
        if late == IfLate::Refuse && !too_late.is_empty() {
            return Err(nothing_marked(on, &too_late));
        }
        for (id, cause) in untrue {
            self.store.void_notices(&[id], cause, &stamp).await?;
            outcome.voided.push((id, format!("{cause}; it was voided: take it out, it is not to be mailed")));
        }
        for (notice, cause) in too_late {
            self.store.void_notices(&[notice.id], &cause, &stamp).await?;
            outcome.voided.push((notice.id, format!("{cause}; it was voided and is made anew")));
        }
        // What was voided is no longer of the batch's mail.
        let pieces = batch.map_or_else(|| Pieces::Single(fit), Pieces::Batch);
        outcome.mailed = self.store.mark_mailed(&pieces, on, proof, &stamp).await?;
        Ok(outcome)
    }

    /// Records that a piece came back.
    ///
    /// # Errors
    /// When it was never mailed, or the day lies ahead or before its mailing.
    pub async fn mark_returned(&self, id: NoticeId, on: Day, reason: &str, by: &str) -> Result<()> {
        let today = self.today();
        if let Some(mailed) = self.store.notice(id).await?.mailed_on.filter(|mailed| on < *mailed || on > today) {
            return Err(OfficeError::Input {
                what: "the day on which it came back",
                given: on.to_string(),
                expected: format!("a day from {mailed}, when notice {id} was mailed, through today, {today}"),
            });
        }
        Ok(self.store.mark_returned(id, on, reason, &self.stamp(by)).await?)
    }
}

/// How many letters a refusal names.
const NAMED: usize = 10;

fn nothing_marked(on: Day, too_late: &[(&Notice, String)]) -> OfficeError {
    let mut named: Vec<String> = too_late
        .iter()
        .take(NAMED)
        .map(|(notice, cause)| format!("notice {}, {}: {cause}", notice.id, notice.addressee))
        .collect();
    if too_late.len() > NAMED {
        named.push(format!("and {} more", too_late.len() - NAMED));
    }
    OfficeError::refused(
        format!("{} of the letters could not be mailed on {on} as they stand ({})", too_late.len(), named.join("; ")),
        "nothing was marked: correct the day, or say --void-late, which voids them and has them made anew",
    )
}

/// The balance as the letter would state it today. A bill that has come since it was dated, and is not past due yet, does
/// not make untrue what it says.
fn owed_since(snapshot: &Snapshot, notice: &Notice, out: &BTreeSet<ItemId>, today: Day) -> Cents {
    let dated = notice.dated.unwrap_or(notice.planned_on);
    let is_new = |item: &&OpenItem| item.kind == EntryKind::Charge && item.billed_on > dated && item.due_on >= today;
    // A bill that is contested, or out with a destination, stands in no letter.
    let contested = snapshot.disputed(today);
    let left_out = |item: &&OpenItem| is_new(item) || contested.contains(&item.id) || out.contains(&item.id);
    snapshot.balance() - snapshot.items.iter().filter(left_out).map(|item| item.open).sum::<Cents>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::testing::{City, day};

    /// Runs a night, releases all that it planned, and renders it.
    async fn rendered(city: &City, on: &str) {
        night(city, on).await;
        let planned = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
        let ids: Vec<NoticeId> = planned.iter().map(|notice| notice.id).collect();
        city.office.release_notices(&ids, "Ruth").await.unwrap();
        city.office.work_outbox(&city.mailer()).await.unwrap();
    }

    async fn night(city: &City, on: &str) {
        city.at(on, "04:00");
        city.office.night(day(on)).await.unwrap();
    }

    /// Tries to make a batch on a day of the only letter, and gives why it was not printed.
    async fn not_printed(city: &City, on: &str) -> String {
        city.at(on, "09:00");
        let outcome = city.office.make_batch("Ruth").await.unwrap();
        assert_eq!((outcome.made, outcome.dropped.len()), (None, 1));
        let (id, why) = outcome.dropped.into_iter().next().unwrap();
        assert_eq!(city.office.store.notice(id).await.unwrap().state, NoticeState::Voided);
        why
    }

    async fn of_state(city: &City, state: NoticeState) -> Vec<Notice> {
        city.office.store.notices_in(state, 10).await.unwrap()
    }

    #[tokio::test]
    async fn a_letter_whose_shut_off_comes_too_early_if_it_is_mailed_today_is_not_printed_and_made_anew() {
        let city = City::new().await;
        rendered(&city, "2026-05-01").await;
        let why = not_printed(&city, "2026-05-15").await;
        let expected = "it states 2026-05-22, and mailed on 2026-05-15 the earliest is 2026-06-01; it was voided and is \
                        made anew tonight";
        assert_eq!(why, expected);
        night(&city, "2026-05-16").await;
        let anew = of_state(&city, NoticeState::Planned).await;
        assert_eq!(anew.iter().map(|notice| notice.template.as_str()).collect::<Vec<_>>(), ["final_notice"]);
        assert!(anew[0].facts.shut_off_on >= Some(day("2026-06-01")), "{anew:?}");
    }

    #[tokio::test]
    async fn a_reminder_that_asks_for_less_than_is_owed_since_the_late_fee_is_made_anew() {
        let city = City::new().await;
        rendered(&city, "2026-03-28").await;
        night(&city, "2026-04-03").await;
        let why = not_printed(&city, "2026-04-03").await;
        assert_eq!(why, "it states $224.20 owed in all, and $235.41 is; it was voided and is made anew tonight");
        night(&city, "2026-04-04").await;
        let anew = of_state(&city, NoticeState::Released).await;
        assert_eq!(anew.iter().map(|notice| notice.facts.balance.to_string()).collect::<Vec<_>>(), ["$235.41"]);
    }

    #[tokio::test]
    async fn a_reminder_whose_time_is_over_is_not_printed_and_none_follows() {
        let city = City::new().await;
        rendered(&city, "2026-03-28").await;
        let why = not_printed(&city, "2026-04-18").await;
        assert_eq!(why, "its stage ended on 2026-04-17, before it left; it was voided");
        night(&city, "2026-04-19").await;
        assert!(of_state(&city, NoticeState::Released).await.is_empty());
    }

    #[tokio::test]
    async fn a_printed_letter_of_a_customer_who_pays_is_to_be_taken_out_of_its_batch() {
        let city = City::new().await;
        rendered(&city, "2026-05-01").await;
        let batch = city.office.make_batch("Ruth").await.unwrap().made.unwrap().batch;
        let letter = of_state(&city, NoticeState::Batched).await[0].id;
        city.lockbox("10-000417", "300.00", "2026-05-01").await;
        night(&city, "2026-05-02").await;
        let standing = city.office.store.exceptions(true).await.unwrap();
        let asked: Vec<&str> = standing.iter().map(|line| line.text.as_str()).collect();
        let expected = format!(
            "take letter {letter} (account 10-000417, Rosa Muñoz) out of print batch {batch}: it was canceled: "
        );
        assert!(asked.len() == 1 && asked[0].starts_with(&expected), "{asked:?}");
        let marked =
            city.office.mark_batch_mailed(batch, day("2026-05-02"), IfLate::Refuse, "PS 3665", "Ruth").await.unwrap();
        assert_eq!((marked.mailed, marked.voided), (Vec::new(), Vec::new()));
        assert_eq!(marked.taken_out.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [letter]);
        let account = city.debtor().await;
        let log = city.office.store.log_of(account, 50).await.unwrap();
        assert!(log.iter().any(|line| line.what == "notice canceled"), "{log:?}");
    }

    #[tokio::test]
    async fn a_day_of_mailing_that_would_void_letters_changes_nothing_until_it_is_said_on_purpose() {
        let city = City::new().await;
        rendered(&city, "2026-05-01").await;
        let batch = city.office.make_batch("Ruth").await.unwrap().made.unwrap().batch;
        city.at("2026-05-15", "09:00");
        let mark = async |on: &str, late| city.office.mark_batch_mailed(batch, day(on), late, "PS 3665", "Ruth").await;
        let refused = mark("2026-05-15", IfLate::Refuse).await.unwrap_err().to_string();
        assert!(refused.contains("Rosa Muñoz: it states 2026-05-22") && refused.contains("--void-late"), "{refused}");
        assert_eq!(of_state(&city, NoticeState::Batched).await.len(), 1, "nothing has changed");
        let marked = mark("2026-05-01", IfLate::Refuse).await.unwrap();
        assert_eq!((marked.mailed.len(), marked.voided.len()), (1, 0), "the right day is taken afterwards");
    }

    #[tokio::test]
    async fn letters_that_were_mailed_too_late_are_voided_when_it_is_said_on_purpose() {
        let city = City::new().await;
        rendered(&city, "2026-05-01").await;
        let batch = city.office.make_batch("Ruth").await.unwrap().made.unwrap().batch;
        city.at("2026-05-15", "09:00");
        let marking = city.office.mark_batch_mailed(batch, day("2026-05-15"), IfLate::Void, "PS 3665", "Ruth");
        let marked = marking.await.unwrap();
        assert_eq!((marked.mailed.len(), marked.voided.len(), marked.taken_out.len()), (0, 1, 0));
    }

    #[tokio::test]
    async fn a_letter_is_mailed_after_its_batch_was_made_and_comes_back_after_it_was_mailed() {
        let city = City::new().await;
        rendered(&city, "2026-03-28").await;
        city.at("2026-03-30", "09:00");
        let batch = city.office.make_batch("Ruth").await.unwrap().made.unwrap().batch;
        let letter = of_state(&city, NoticeState::Batched).await[0].id;
        for on in ["2026-03-29", "2026-03-31"] {
            let whole = city.office.mark_batch_mailed(batch, day(on), IfLate::Void, "PS 3665", "Ruth").await;
            let whole = whole.unwrap_err().to_string();
            assert!(whole.contains(&format!("from 2026-03-30, when print batch {batch} was made")), "{whole}");
            let single = city.office.mark_mailed(&[letter], day(on), IfLate::Void, "PS 3665", "Ruth").await;
            let single = single.unwrap_err().to_string();
            assert!(single.contains(&format!("from 2026-03-30, when notice {letter} was made")), "{single}");
        }
        city.office.mark_batch_mailed(batch, day("2026-03-30"), IfLate::Refuse, "PS 3665", "Ruth").await.unwrap();
        for on in ["2026-03-29", "2026-03-31"] {
            let refused = city.office.mark_returned(letter, day(on), "moved", "Ruth").await.unwrap_err().to_string();
            assert!(refused.contains(&format!("from 2026-03-30, when notice {letter} was mailed")), "{refused}");
        }
        city.office.mark_returned(letter, day("2026-03-30"), "moved", "Ruth").await.unwrap();
    }

    #[tokio::test]
    async fn a_new_bill_that_is_not_past_due_does_not_hold_a_letter_back() {
        let city = City::new().await;
        rendered(&city, "2026-03-28").await;
        city.at("2026-03-31", "09:00");
        let charges = "account,service,amount,billed_on,due_on,source,reference\n\
                       10-000417,water,95.00,2026-03-30,2026-04-20,cis,B2-W\n";
        city.takes("charges.csv", charges).await;
        let outcome = city.office.make_batch("Ruth").await.unwrap();
        assert_eq!((outcome.made.map(|made| made.pieces), outcome.dropped), (Some(1), Vec::new()));
    }
}
