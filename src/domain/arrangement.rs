//! A payment arrangement: installments on what is owed, kept beside the current bills.
//!
//! Its standing is never stored. It is computed from the ledger, so that a payment received in time and learned
//! late undoes a default by itself. What its debts had been paid when it was made is in its terms already: of money that was
//! received by then only what pays them beyond that counts, and the down payment, where one was agreed. And however the debts that it covers were paid, it is completed then.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::Service;
use super::day::Day;
use super::ids::{ArrangementId, EntryId, ItemId, ProposalId};
use super::ledger::{Application, Carried, EntryKind, OpenItem, PlanSpan};
use super::money::Cents;
use super::person::Override;

pub use super::standing::{ArrangementState, Standing};

/// One installment. The down payment, where there is one, is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installment {
    pub due_on: Day,
    pub amount: Cents,
}

/// An arrangement as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrangement {
    pub id: ArrangementId,
    pub made_on: Day,
    pub made_by: String,
    /// The account's last entry when it was made: what was learned later has a higher number.
    #[serde(default = "every_entry")]
    pub known_through: EntryId,
    /// The debts that it covers.
    pub covers: BTreeSet<ItemId>,
    /// What they had been paid when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub had_paid: Option<HadPaid>,
    /// In order of their due dates.
    pub installments: Vec<Installment>,
    /// Days after an installment's due date that are still in time.
    pub grace_days: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_on: Option<Day>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What became of bills that it covers and that a file reversed.
    #[serde(default, skip_serializing_if = "Reversed::is_empty")]
    pub reversed: Reversed,
    /// What had been taken of the down payment when it was made; `None` of arrangements that were kept without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// Who made it against limits of the policy, and which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Overridden>,
    /// How often it was taken up again after an installment was missed, in order of the days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reinstated: Vec<Reinstatement>,
}

/// A down payment that was taken before the arrangement was written down. What is owed is less by it, and it is none of the
/// installments: nothing of it counts a second time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub amount: Cents,
    /// The receipts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<String>,
}

/// An arrangement as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// Paid when it is made, or taken already; zero for none.
    pub down_payment: Cents,
    /// The receipt under which the down payment was taken. Without it, money that was received on the day counts toward it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// How many installments follow, monthly.
    pub installments: u16,
    pub first_due: Day,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Limits of the policy that were overridden, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    #[serde(flatten)]
    pub approval: Override,
    /// In a sentence each.
    pub limits: Vec<String>,
    /// Where one person proposed it and another approved; `None` of those that were made before this was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalId>,
}

/// A missed arrangement was taken up again: from that day on its default is over, and what was missed is due anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reinstatement {
    pub on: Day,
    pub by: String,
    pub reason: String,
    /// The last day on which what was missed is in time; there is no further grace.
    pub pay_by: Day,
}

/// Bills under an arrangement that the billing system took back. It takes one back to bill it anew, so that what the
/// arrangement covers is still owed under another reference, or to bill it no more: only a person can say that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversed {
    /// Those that were billed anew: the new bill is covered in their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<Carried>,
    /// Those in whose place nothing has come yet. While there is one the arrangement is not completed by having nothing to
    /// pay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreplaced: Vec<Awaited>,
}

impl Reversed {
    /// Whether no bill was taken back.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.carried.is_empty() && self.unreplaced.is_empty()
    }
}

/// A bill that was taken back and not billed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    pub debt: ItemId,
    /// The line of the exceptions list. Whoever clears it says that nothing comes in the bill's place.
    pub exception: i64,
}

/// What the covered debts had been paid by the money that was known when an arrangement was made: the terms are about the
/// rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HadPaid {
    /// By money received before that day.
    pub before: Cents,
    /// By money received on that day, the down payment too.
    pub that_day: Cents,
}

impl HadPaid {
    /// What `applications` pay of the debts, by money received through `made_on`.
    pub fn of<'a>(
        covers: &BTreeSet<ItemId>,
        applications: impl IntoIterator<Item = &'a Application>,
        made_on: Day,
    ) -> Self {
        let mut paid = Self { before: Cents::ZERO, that_day: Cents::ZERO };
        for application in applications.into_iter().filter(|application| covers.contains(&application.debt)) {
            match application.on.cmp(&made_on) {
                Ordering::Less => paid.before += application.amount,
                Ordering::Equal => paid.that_day += application.amount,
                Ordering::Greater => {}
            }
        }
        paid
    }
}

/// For arrangements that were kept without it: of the day on which they were made nothing counts but a down payment.
const fn every_entry() -> EntryId {
    EntryId(i64::MAX)
}

impl Arrangement {
    /// The due date of the oldest bill beside it that is unpaid on `on`: one that came due after it was made, is not covered,
    /// and of which at least `least` is open. `counts` names the services whose bills count; none means all.
    #[must_use]
    pub fn unpaid_beside(&self, open: &[OpenItem], on: Day, least: Cents, counts: &BTreeSet<Service>) -> Option<Day> {
        let beside = |item: &&OpenItem| {
            item.kind == EntryKind::Charge
                && self.made_on < item.due_on
                && item.due_on < on
                && item.open.is_positive()
                && item.open >= least
                && !self.covers.contains(&item.id)
                && (counts.is_empty() || counts.contains(&item.service))
        };
        open.iter().filter(beside).map(|item| item.due_on).min()
    }

    /// The sum of the installments.
    #[must_use]
    pub fn total(&self) -> Cents {
        self.installments.iter().map(|installment| installment.amount).sum()
    }

    /// The time in which money pays current charges before the covered debts.
    #[must_use]
    pub fn span(&self) -> PlanSpan {
        PlanSpan {
            from: self.made_on,
            known_through: self.known_through,
            until: self.canceled_on,
            covers: self.covers.clone(),
            installments: self.sums_asked_for(),
            carried: self.reversed.carried.clone(),
            stays: None,
            discharged: None,
            of_after: BTreeSet::new(),
        }
    }

    /// The sums that its letters ask for: each installment, all of them, and those that were missed when it was taken up again,
    /// from any of them on.
    fn sums_asked_for(&self) -> BTreeSet<Cents> {
        let mut sums: BTreeSet<Cents> = self.installments.iter().map(|installment| installment.amount).collect();
        sums.insert(self.total());
        for again in &self.reinstated {
            let mut sum = Cents::ZERO;
            for missed in self.installments.iter().rev().filter(|installment| installment.due_on < again.on) {
                sum += missed.amount;
                sums.insert(sum);
            }
        }
        sums
    }

    /// What was paid on the covered debts through `day` and counts toward it: by money dated after the day on which it was
    /// made all; by money of earlier days what it pays beyond what had been paid then, whichever receipt pays it now; and
    /// of what had come in earlier on the day itself as much as was agreed as the down payment.
    ///
    /// Old money that comes back takes with it what was learned of old money since, so that a receipt that is voided and
    /// posted anew counts for nothing. It takes nothing from the money of that day and of later ones: what the terms took
    /// for paid is owed again, and is no installment that was missed.
    #[must_use]
    pub fn paid_by(&self, applications: &[Application], day: Day) -> Cents {
        let by_then = || applications.iter().filter(|application| application.on <= day);
        let known = || by_then().filter(|application| application.credit <= self.known_through);
        let agreed = self.installments.iter().filter(|installment| installment.due_on <= self.made_on);
        let down_payment: Cents = if self.taken.is_some() {
            // What had been taken is in what is owed, and no installment.
            Cents::ZERO
        } else {
            agreed.map(|installment| installment.amount).sum()
        };
        let now = HadPaid::of(&self.covers, by_then(), self.made_on);
        // Kept without it, what was known then is taken for what it pays now.
        let had = self.had_paid.unwrap_or_else(|| HadPaid::of(&self.covers, known(), self.made_on));
        let earlier = (now.before - had.before).max(Cents::ZERO);
        let that_day = now.that_day - (had.that_day - down_payment).max(Cents::ZERO);
        let later: Cents = by_then()
            .filter(|application| application.on > self.made_on && self.covers.contains(&application.debt))
            .map(|application| application.amount)
            .sum();
        later + (that_day + earlier).max(Cents::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::super::account::Service;
    use super::super::day::parse;
    use super::super::testing::bill;
    use super::*;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn arrangement() -> Arrangement {
        Arrangement {
            id: ArrangementId(1),
            made_on: day("2026-05-15"),
            known_through: EntryId(4),
            made_by: "test".into(),
            covers: BTreeSet::from([EntryId(1)]),
            had_paid: None,
            installments: ["2026-06-01", "2026-07-01"]
                .map(|due| Installment { due_on: day(due), amount: Cents::new(6_000) })
                .to_vec(),
            grace_days: 0,
            canceled_on: None,
            note: String::new(),
            reversed: Reversed::default(),
            taken: None,
            overridden: None,
            reinstated: Vec::new(),
        }
    }

    /// $60.00 of entry 9, which was learned after the arrangement was made.
    fn paid(on: &str) -> Application {
        let due_on = day("2026-03-23");
        Application { credit: EntryId(9), debt: EntryId(1), amount: Cents::new(6_000), on: day(on), due_on }
    }

    /// Of the covered bill, something is owed.
    fn owed() -> [OpenItem; 1] {
        [bill(1, Service::Water, 6_000, day("2026-03-23"))]
    }

    #[test]
    fn an_installment_that_went_to_a_bill_due_later_is_kept_until_that_bill_is_past_due() {
        // $60.00 came on May 30 for the installment of June 1. The bill due June 12 was there, and came first.
        let to_the_bill = Application { debt: EntryId(7), due_on: day("2026-06-12"), ..paid("2026-05-30") };
        let standing = |applications: &[Application], on: &str| arrangement().standing(applications, &owed(), day(on));
        let kept = standing(&[to_the_bill], "2026-06-02");
        assert_eq!((kept.state, kept.paid), (ArrangementState::Performing, Cents::ZERO));
        assert_eq!((kept.missed, kept.until), (vec![], Some(day("2026-06-13"))));
        assert_eq!(kept.next.map(|next| next.due_on), Some(day("2026-07-01")), "nothing is due before");
        // The rest of the bill is paid by its day, and what is over pays the installment.
        let over = Application { credit: EntryId(11), ..paid("2026-06-12") };
        assert_eq!(standing(&[to_the_bill, over], "2026-06-13").state, ArrangementState::Performing);
        // It is not, and $60.00 are missing in all: now the installment is missed.
        assert_eq!(standing(&[to_the_bill], "2026-06-13").state, ArrangementState::Missed(day("2026-06-01")));
        // Money that comes late, and goes ahead as well, mends it as if it had paid the installment.
        let late = Application { due_on: day("2026-07-12"), ..to_the_bill };
        let late = Application { on: day("2026-06-20"), ..late };
        assert_eq!(standing(&[late], "2026-06-19").state, ArrangementState::Missed(day("2026-06-01")));
        assert_eq!(standing(&[late], "2026-06-20").state, ArrangementState::Performing);
        // A cent less is less.
        let short = Application { amount: Cents::new(5_999), ..to_the_bill };
        assert_eq!(standing(&[short], "2026-06-02").state, ArrangementState::Missed(day("2026-06-01")));
    }

    #[test]
    fn what_was_paid_on_the_day_before_the_arrangement_was_made_pays_no_installment() {
        // $60.00 at nine, the arrangement at ten, $60.00 at eleven.
        let (at_nine, at_eleven) = (Application { credit: EntryId(4), ..paid("2026-05-15") }, paid("2026-05-15"));
        let standing = |applications: &[Application]| arrangement().standing(applications, &owed(), day("2026-06-02"));
        assert_eq!(standing(&[at_nine]).state, ArrangementState::Missed(day("2026-06-01")));
        assert_eq!(standing(&[at_nine, at_eleven]).paid, Cents::new(6_000));
        assert_eq!(standing(&[at_nine, at_eleven]).state, ArrangementState::Performing);
    }

    #[test]
    fn the_down_payment_may_have_been_taken_before_the_arrangement_was_written_down() {
        let mut plan = arrangement();
        plan.installments.insert(0, Installment { due_on: day("2026-05-15"), amount: Cents::new(2_000) });
        let at_nine = Application { credit: EntryId(4), ..paid("2026-05-15") };
        let standing = plan.standing(&[at_nine], &owed(), day("2026-05-16"));
        assert_eq!((standing.state, standing.paid), (ArrangementState::Performing, Cents::new(2_000)));
        let yesterday = Application { on: day("2026-05-14"), ..at_nine };
        let standing = plan.standing(&[yesterday], &owed(), day("2026-05-16"));
        assert_eq!(standing.state, ArrangementState::Missed(day("2026-05-15")), "money of another day is none");
    }

    #[test]
    fn a_down_payment_that_was_taken_before_is_no_installment_and_counts_once() {
        let mut plan = arrangement();
        plan.taken = Some(Taken { amount: Cents::new(2_000), receipts: vec!["R-77".into()] });
        plan.had_paid = Some(HadPaid { before: Cents::ZERO, that_day: Cents::new(6_000) });
        let at_nine = Application { credit: EntryId(4), ..paid("2026-05-15") };
        let standing = |applications: &[Application]| plan.standing(applications, &owed(), day("2026-05-16"));
        assert_eq!(standing(&[at_nine]).paid, Cents::ZERO, "what is owed is less by it already");
        assert_eq!(standing(&[at_nine, paid("2026-05-15")]).paid, Cents::new(6_000), "what came after it counts");
    }

    /// The arrangement of which June 1 was missed, taken up again on June 20, to be paid by June 25.
    fn reinstated() -> Arrangement {
        let (on, pay_by) = (day("2026-06-20"), day("2026-06-25"));
        let again = Reinstatement { on, by: "lead".into(), reason: "her pay was late".into(), pay_by };
        Arrangement { reinstated: vec![again], ..arrangement() }
    }

    #[test]
    fn from_its_reinstatement_on_an_arrangement_is_kept_until_the_new_date_and_missed_from_it() {
        let on = |date: &str| reinstated().standing(&[], &owed(), day(date));
        assert_eq!(on("2026-06-19").state, ArrangementState::Missed(day("2026-06-01")), "what was, was");
        let again = on("2026-06-20");
        assert_eq!((again.state, again.defaulted_on()), (ArrangementState::Performing, None));
        assert_eq!(again.next.map(|next| next.due_on), Some(day("2026-06-25")));
        assert_eq!(again.until, Some(day("2026-06-26")));
        assert_eq!(on("2026-06-25").state, ArrangementState::Performing);
        assert_eq!(on("2026-06-26").state, ArrangementState::Missed(day("2026-06-25")));
        let paid = reinstated().standing(&[paid("2026-06-25")], &owed(), day("2026-06-26"));
        assert_eq!(paid.state, ArrangementState::Performing);
    }

    #[test]
    fn an_arrangement_that_is_canceled_after_its_reinstatement_is_a_default_of_that_day() {
        let plan = Arrangement { canceled_on: Some(day("2026-06-22")), ..reinstated() };
        let standing = plan.standing(&[], &owed(), day("2026-06-22"));
        assert_eq!(standing.defaulted_on(), Some(day("2026-06-22")), "no wait is lost by it");
    }

    #[test]
    fn what_was_received_before_the_arrangement_and_learned_after_it_counts() {
        let plan = arrangement();
        let standing = plan.standing(&[paid("2026-05-13")], &owed(), day("2026-06-02"));
        assert_eq!((standing.state, standing.paid), (ArrangementState::Performing, Cents::new(6_000)));
        // A check that was handed in before, and is dated after, was not in the terms either.
        let post_dated = Application { credit: EntryId(4), ..paid("2026-05-29") };
        assert_eq!(plan.standing(&[post_dated], &owed(), day("2026-06-02")).state, ArrangementState::Performing);
    }

    /// A receipt of $60.00 that stood on the bill when the arrangement was made.
    fn had_paid(before: i64, that_day: i64) -> Arrangement {
        let had_paid = HadPaid { before: Cents::new(before), that_day: Cents::new(that_day) };
        Arrangement { had_paid: Some(had_paid), ..arrangement() }
    }

    #[test]
    fn known_money_that_a_late_receipt_sets_free_for_the_bill_counts() {
        // Entry 3 of May 14 had paid another bill; entry 9 of May 13 pays that one now.
        let set_free = Application { credit: EntryId(3), ..paid("2026-05-14") };
        assert_eq!(had_paid(0, 0).paid_by(&[set_free], day("2026-05-18")), Cents::new(6_000));
    }

    #[test]
    fn a_receipt_that_is_voided_and_posted_anew_counts_for_nothing() {
        assert_eq!(had_paid(6_000, 0).paid_by(&[paid("2026-05-14")], day("2026-05-18")), Cents::ZERO);
        assert_eq!(had_paid(0, 6_000).paid_by(&[paid("2026-05-15")], day("2026-05-18")), Cents::ZERO);
        assert_eq!(had_paid(0, 6_000).paid_by(&[paid("2026-05-14")], day("2026-05-18")), Cents::ZERO);
    }

    #[test]
    fn an_old_check_that_comes_back_takes_no_installment_with_it() {
        // $60.00 of May 14 are gone; what was paid when the arrangement had been made, and on June 1, stands.
        for on in ["2026-05-15", "2026-06-01"] {
            let standing = had_paid(6_000, 0).standing(&[paid(on)], &owed(), day("2026-06-02"));
            assert_eq!((standing.state, standing.paid), (ArrangementState::Performing, Cents::new(6_000)), "{on}");
        }
        assert_eq!(had_paid(6_000, 0).paid_by(&[], day("2026-06-02")), Cents::ZERO);
    }

    #[test]
    fn a_down_payment_taken_in_the_morning_counts_once_when_its_receipt_is_posted_anew() {
        let mut plan = had_paid(0, 6_000);
        plan.installments.insert(0, Installment { due_on: day("2026-05-15"), amount: Cents::new(2_000) });
        let standing = |applications: &[Application]| plan.standing(applications, &owed(), day("2026-05-16"));
        assert_eq!(standing(&[Application { credit: EntryId(4), ..paid("2026-05-15") }]).paid, Cents::new(2_000));
        assert_eq!(standing(&[paid("2026-05-15")]).paid, Cents::new(2_000), "entry 9 in its stead");
        assert_eq!(standing(&[]).state, ArrangementState::Missed(day("2026-05-15")), "it came back");
    }

    #[test]
    fn an_arrangement_is_completed_once_nothing_that_it_covers_is_owed_however_that_came_about() {
        // Half of the bill was taken back as billed in error: $60.00 paid late are all there is to pay.
        let standing = |open: &[OpenItem]| arrangement().standing(&[paid("2026-07-10")], open, day("2026-07-10"));
        assert_eq!(standing(&owed()).state, ArrangementState::Missed(day("2026-07-01")));
        let done = standing(&[]);
        assert_eq!((done.state, done.next, done.until), (ArrangementState::Completed, None, None));
        assert_eq!((done.defaulted_on(), done.missed), (None, vec![]));
        let canceled = Arrangement { canceled_on: Some(day("2026-07-05")), ..arrangement() };
        let standing = canceled.standing(&[], &[], day("2026-07-20"));
        assert_eq!(standing.state, ArrangementState::Canceled(day("2026-07-05")));
        assert_eq!(standing.defaulted_on(), None, "the default is history");
    }

    #[test]
    fn a_bill_that_was_reversed_completes_nothing_until_the_lead_has_said_that_none_comes_in_its_place() {
        let mut plan = arrangement();
        plan.reversed.unreplaced.push(Awaited { debt: EntryId(1), exception: 7 });
        assert_eq!(plan.standing(&[], &[], day("2026-05-20")).state, ArrangementState::Performing);
        assert_eq!(plan.standing(&[], &[], day("2026-06-02")).defaulted_on(), Some(day("2026-06-01")));
        plan.reversed.unreplaced.clear();
        assert_eq!(plan.standing(&[], &[], day("2026-06-02")).state, ArrangementState::Completed);
    }

    #[test]
    fn an_installment_paid_on_its_day_performs_and_the_day_after_is_missed() {
        let plan = arrangement();
        assert_eq!(plan.standing(&[], &owed(), day("2026-06-01")).state, ArrangementState::Performing);
        assert_eq!(plan.standing(&[], &owed(), day("2026-06-02")).state, ArrangementState::Missed(day("2026-06-01")));
        assert_eq!(
            plan.standing(&[paid("2026-06-01")], &owed(), day("2026-06-02")).state,
            ArrangementState::Performing
        );
    }

    #[test]
    fn a_timely_payment_learned_late_undoes_the_default() {
        let plan = arrangement();
        let known_late = [paid("2026-06-01"), paid("2026-07-01")];
        assert_eq!(plan.standing(&known_late[..1], &owed(), day("2026-07-20")).missed, [day("2026-07-01")]);
        assert_eq!(plan.standing(&known_late, &owed(), day("2026-07-20")).state, ArrangementState::Completed);
    }

    #[test]
    fn canceling_keeps_what_was_missed_before_it_and_adds_nothing_that_would_have_come_due_later() {
        let canceled = |on: &str| Arrangement { grace_days: 5, canceled_on: Some(day(on)), ..arrangement() };
        let standing = canceled("2026-06-08").standing(&[], &owed(), day("2026-07-20"));
        assert_eq!(standing.state, ArrangementState::Canceled(day("2026-06-08")));
        assert_eq!((standing.defaulted_on(), standing.missed.len()), (Some(day("2026-06-01")), 1));
        // Within the grace it was unpaid all the same; on the due date itself it could still have been paid.
        assert_eq!(
            canceled("2026-06-03").standing(&[], &owed(), day("2026-06-03")).defaulted_on(),
            Some(day("2026-06-01"))
        );
        assert_eq!(canceled("2026-06-01").standing(&[], &owed(), day("2026-07-20")).defaulted_on(), None);
        assert_eq!(
            canceled("2026-06-08").standing(&[paid("2026-06-01")], &owed(), day("2026-06-09")).defaulted_on(),
            None
        );
    }
}
