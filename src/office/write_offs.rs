//! Write-offs: not ahead of a deposit that is held. And those whose debts were paid after all, or taken back by the billing system:
//! what is left over of them is taken back.
//!
//! Nobody owes anything by that. The write-offs are undone whole, as any entry is, and what of them goes on is posted anew by the
//! same approval, as of its own day.

use super::accounts::need_reason;
use super::{Office, OfficeError, Result};
use crate::domain::day::short;
use crate::domain::ledger::{IdleWriteOff, OWN_SOURCE};
use crate::domain::proposal::{LeftOver, Proposed};
use crate::domain::{AccountId, Cents, Entry, EntryId, EntryKind, ProposalId, Snapshot};

impl Office {
    /// Proposes to take back what is left over of the account's write-offs. Gives the proposal, how much, and what it does.
    ///
    /// # Errors
    /// When nothing is left over, the billing system posted what is, or no reason is given.
    pub async fn propose_left_over(
        &self,
        account: AccountId,
        reason: &str,
        by: &str,
    ) -> Result<(ProposalId, Cents, Vec<String>)> {
        need_reason(reason)?;
        let snapshot = self.snapshot(account).await?;
        let entries = self.store.entries(account).await?;
        let own: Vec<EntryId> = snapshot.idle.iter().filter(|idle| idle.is_own).map(|idle| idle.write_off).collect();
        if own.is_empty() {
            return Err(match snapshot.idle.first() {
                Some(idle) => OfficeError::refused(
                    format!(
                        "the billing system posted the write-off (entry {}) of which {} is left over",
                        idle.write_off, idle.left
                    ),
                    "have it reversed there, and import the reversal",
                ),
                None => OfficeError::refused(
                    "nothing is left over of this account's write-offs",
                    "`arrears writeoff ACCOUNT --reverse` proposes that what was written off is owed again",
                ),
            });
        }
        let taken: Vec<&Entry> = entries.iter().filter(|entry| own.contains(&entry.id)).collect();
        let all: Cents = taken.iter().map(|entry| -entry.amount).sum();
        let left_over: Vec<LeftOver> = snapshot
            .idle
            .iter()
            .filter(|idle| idle.is_own)
            .map(|idle| LeftOver { write_off: idle.write_off, left: idle.left })
            .collect();
        let amount: Cents = left_over.iter().map(|left| left.left).sum();
        let mut facts = vec![format!(
            "of {all} that was written off on {}, {} stays written off, and nothing is owed by it",
            taken.iter().map(|entry| short(entry.effective_on)).collect::<Vec<_>>().join(" and "),
            all - amount
        )];
        facts.extend(snapshot.frozen.iter().map(|why| why.split(". ").next().unwrap_or(why).to_owned()));
        let what = Proposed::Reinstatement { write_offs: own, facts: facts.clone(), left_over, partly: Vec::new() };
        let id = self.propose(account, &what, amount, reason, by).await?;
        Ok((id, amount, facts))
    }

    /// A deposit pays what is owed before anything of it is written off. Under a petition it pays nothing, and stands in no way.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn no_deposit_is_held(&self, snapshot: &Snapshot) -> Result<()> {
        let held = snapshot.deposit_due(self.today());
        if !held.is_positive() || snapshot.stay_on(self.today()).is_some() {
            return Ok(());
        }
        Err(OfficeError::refused(
            format!("a deposit of {held} is held for this account, whose service has ended"),
            "it is applied to what is owed first, with the final bill; then propose to write off what is left",
        ))
    }
}

/// How much is left over of what a proposal wrote off.
#[must_use]
pub fn left_over_of(proposal: ProposalId, entries: &[Entry], idle: &[IdleWriteOff]) -> Cents {
    let of_proposal = format!("{} of proposal {proposal}, ", EntryKind::WriteOff);
    let is_of = |id: EntryId| {
        entries
            .iter()
            .any(|entry| entry.id == id && entry.source == OWN_SOURCE && entry.reference.starts_with(&of_proposal))
    };
    idle.iter().filter(|idle| is_of(idle.write_off)).map(|idle| idle.left).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Language, Role};
    use crate::office::testing::{City, day};
    use crate::store::{Exception, ExceptionKind, StaffMember};

    const CHARGES: &str = "account,service,amount,billed_on,due_on,source,reference\n";

    /// September 1: the bill of $224.20 was written off; Ruth and Ida agreed on it. A new bill of $80.00 came on August 20.
    async fn written_off() -> City {
        let city = City::new().await;
        for (name, role) in [("Ruth", Role::Lead), ("Omar", Role::Representative), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        city.at("2026-04-20", "09:00");
        let account = city.debtor().await;
        let (id, _) = city.office.propose_write_off(account, "moved, no address", "Ruth").await.unwrap();
        city.office.approve_proposal(id, "Ida").await.unwrap();
        city.at("2026-05-04", "09:00");
        city.takes("charges-2.csv", &format!("{CHARGES}10-000417,water,80.00,2026-05-01,2026-05-22,cis,B2-W\n")).await;
        city
    }

    async fn line(city: &City) -> Option<Exception> {
        let lines = city.office.store.exceptions(true).await.unwrap();
        lines.into_iter().find(|line| line.kind == ExceptionKind::WriteOffLeftOver)
    }

    /// What is open, and what is left over.
    async fn stands(city: &City) -> (Vec<i64>, i64) {
        let snapshot = city.office.snapshot(city.debtor().await).await.unwrap();
        (
            snapshot.items.iter().map(|item| item.open.get()).collect(),
            snapshot.idle.iter().map(|idle| idle.left.get()).sum(),
        )
    }

    async fn is_clean(city: &City) {
        let checkup = city.office.doctor(&|_, _| {}).await.unwrap();
        assert!(checkup.is_clean(), "{:?}", checkup.checks.iter().flat_map(|c| &c.findings).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_check_that_is_learned_after_the_write_off_leaves_a_part_that_pays_nothing_and_is_told() {
        let city = written_off().await;
        assert_eq!(stands(&city).await, (vec![8_000], 0));
        assert!(line(&city).await.is_none());
        city.lockbox("10-000417", "60.00", "2026-04-15").await;
        assert_eq!(stands(&city).await, (vec![8_000], 6_000), "the new bill is owed as it was");
        let told = line(&city).await.unwrap();
        for said in [
            "$60.00 of the write-off of $224.20 on Mon 2026-04-20",
            "the bill of $224.20 due Mon 2026-03-23, was paid after all",
            "pays no other bill",
            "`arrears writeoff ACCOUNT --reverse --left-over --reason TEXT`",
        ] {
            assert!(told.text.contains(said), "{}", told.text);
        }
        let account = city.debtor().await;
        assert!(city.office.snapshot(account).await.unwrap().frozen.is_some());
        assert!(city.office.why(account, None).await.unwrap().frozen.is_some_and(|why| why.contains("$60.00")));
        let cleared = city.office.clear_exception(told.id, Some("seen"), "Ruth").await.unwrap_err().to_string();
        assert!(cleared.contains("--left-over"), "{cleared}");
        is_clean(&city).await;
        // The night does nothing adverse until two people have taken it back.
        city.at("2026-07-20", "04:00");
        let night = city.office.night(day("2026-07-20")).await.unwrap();
        assert_eq!((night.notices, night.orders), (0, 0));
        is_clean(&city).await;
    }

    #[tokio::test]
    async fn two_people_take_back_what_is_left_over_and_nobody_owes_a_cent_by_it() {
        let city = written_off().await;
        let account = city.debtor().await;
        city.lockbox("10-000417", "60.00", "2026-04-15").await;
        // The new bill is paid meanwhile, and stays paid.
        city.lockbox("10-000417", "80.00", "2026-05-04").await;
        assert_eq!(stands(&city).await, (vec![], 6_000));
        let (id, amount, facts) = city.office.propose_left_over(account, "paid in April", "Omar").await.unwrap();
        assert_eq!(amount, Cents::new(6_000));
        assert!(facts[0].contains("of $224.20 that was written off on Mon 2026-04-20, $164.20 stays"), "{facts:?}");
        let own = city.office.approve_proposal(id, "Omar").await.unwrap_err().to_string();
        assert!(own.contains("nobody approves their own"), "{own}");
        city.office.approve_proposal(id, "Ida").await.unwrap();
        assert_eq!(stands(&city).await, (vec![], 0));
        assert!(line(&city).await.is_none());
        assert_eq!(city.office.snapshot(account).await.unwrap().frozen, None);
        is_clean(&city).await;
        let none = city.office.propose_left_over(account, "again", "Omar").await.unwrap_err().to_string();
        assert!(none.contains("nothing is left over"), "{none}");
        // The check comes back, learned late too: what it had paid is owed, for it was not written off.
        let reversal = "account,reversed_on,reverses_source,reverses_reference,source,reference\n\
                        10-000417,2026-05-05,lockbox,LB-10-000417-60.00-2026-04-15,lockbox,NSF-1\n";
        city.at("2026-05-06", "09:00");
        city.takes("reversals.csv", reversal).await;
        assert_eq!(stands(&city).await, (vec![6_000], 0));
        is_clean(&city).await;
    }

    #[tokio::test]
    async fn what_is_left_over_is_taken_back_under_a_petition_too_for_nobody_is_asked_for_it() {
        let city = written_off().await;
        let account = city.debtor().await;
        city.lockbox("10-000417", "60.00", "2026-04-15").await;
        city.at("2026-05-05", "09:00");
        let request = crate::office::PetitionRequest {
            chapter: crate::domain::petition::Chapter::Seven,
            court: "Eastern District of California".into(),
            case_number: "26-1".into(),
            petition_on: day("2026-05-01"),
            relief_on: None,
            learned_on: None,
        };
        city.office.record_petition(account, &request, "Omar").await.unwrap();
        let (id, _, _) = city.office.propose_left_over(account, "paid in April", "Omar").await.unwrap();
        city.office.approve_proposal(id, "Ida").await.unwrap();
        assert!(line(&city).await.is_none());
        assert_eq!(city.office.snapshot(account).await.unwrap().frozen, None);
        is_clean(&city).await;
    }

    #[tokio::test]
    async fn a_bill_that_is_reversed_after_its_write_off_leaves_it_over_whole() {
        let city = written_off().await;
        let reversal = "account,reversed_on,reverses_source,reverses_reference,source,reference\n\
                        10-000417,2026-05-04,cis,B1-W,cis,X-1\n";
        city.takes("reversals.csv", reversal).await;
        assert_eq!(stands(&city).await, (vec![8_000], 22_420));
        let told = line(&city).await.unwrap().text;
        assert!(told.contains("due Mon 2026-03-23, was taken back"), "{told}");
        let account = city.debtor().await;
        let (id, _, _) = city.office.propose_left_over(account, "billed by mistake", "Omar").await.unwrap();
        // More becomes known before it is decided: what was proposed is not what stands.
        city.office.approve_proposal(id, "Ida").await.unwrap();
        assert_eq!(stands(&city).await, (vec![8_000], 0));
        is_clean(&city).await;
    }

    #[tokio::test]
    async fn what_was_proposed_is_not_taken_back_when_more_has_become_left_over() {
        let city = written_off().await;
        let account = city.debtor().await;
        city.lockbox("10-000417", "60.00", "2026-04-15").await;
        let (id, _, _) = city.office.propose_left_over(account, "paid in April", "Omar").await.unwrap();
        city.lockbox("10-000417", "20.00", "2026-04-16").await;
        let stale = city.office.approve_proposal(id, "Ida").await.unwrap_err().to_string();
        assert!(stale.contains("from $60.00 to $80.00") && stale.contains("propose anew"), "{stale}");
        assert_eq!(stands(&city).await, (vec![8_000], 8_000));
        let lines = city.office.store.exceptions(true).await.unwrap();
        let standing = lines.iter().filter(|line| line.kind == ExceptionKind::WriteOffLeftOver).count();
        assert_eq!(standing, 1, "one line, and it says what stands");
    }

    #[tokio::test]
    async fn a_write_off_of_the_billing_systems_is_its_own_to_take_back() {
        let city = City::new().await;
        let rows = "account,service,kind,amount,adjusted_on,source,reference\n\
                    10-000417,water,write_off,-224.20,2026-04-20,cis,W-1\n";
        city.at("2026-04-21", "09:00");
        city.takes("adjustments.csv", rows).await;
        city.lockbox("10-000417", "60.00", "2026-04-15").await;
        assert_eq!(stands(&city).await, (vec![], 6_000));
        let told = line(&city).await.unwrap();
        assert!(told.text.contains("have it reversed there"), "{}", told.text);
        let refused = city.office.propose_left_over(city.debtor().await, "paid", "Omar").await.unwrap_err().to_string();
        assert!(refused.contains("the billing system posted the write-off"), "{refused}");
        // It may be that it never will be: a person clears the line, with a reason.
        city.office.clear_exception(told.id, Some("closed account, ticket 91"), "Ruth").await.unwrap();
        assert_eq!(city.office.snapshot(city.debtor().await).await.unwrap().frozen, None);
        is_clean(&city).await;
    }
}
