//! A missed arrangement, taken up again within the limits of the policy: from that day on its default is over.

use super::accounts::need_reason;
use super::agreement::letter_again;
use super::{Office, OfficeError, Result};
use crate::domain::arrangement::{ArrangementState, Reinstatement};
use crate::domain::day::{plus_days, plus_months, short};
use crate::domain::{ArrangementId, Day};
use crate::store::Withdrawn;

impl Office {
    /// Takes a missed arrangement up again. What was missed is due anew; nothing that was done before is undone, and
    /// notices that have not left are voided. Gives the day by which what was missed is to be paid, and what was withdrawn.
    ///
    /// # Errors
    /// When it gives no reason, nothing is missed, or a limit of the policy stands against it.
    pub async fn reinstate_arrangement(&self, id: ArrangementId, reason: &str, by: &str) -> Result<(Day, Withdrawn)> {
        need_reason(reason)?;
        let (account, plan) = self.store.arrangement(id).await?;
        self.not_of_household(by, account).await?;
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let today = self.today();
        let Some(limits) = rules.policy.arrangements.reinstate else {
            return Err(OfficeError::refused(
                "the policy takes no arrangement up again",
                "cancel it and make another, where the policy allows one",
            ));
        };
        let missed = match plan.standing(&snapshot.applications, &snapshot.items, today).state {
            ArrangementState::Missed(first) => first,
            ArrangementState::Performing => return Err(not_missed(id, "is performing")),
            ArrangementState::Completed => return Err(not_missed(id, "is completed")),
            ArrangementState::Canceled(_) => return Err(not_missed(id, "was canceled")),
        };
        let last = plus_days(missed, i64::from(limits.within_days));
        if today > last {
            return Err(OfficeError::refused(
                format!(
                    "the installment of {} was missed, and the time to take it up again ended {}",
                    short(missed),
                    short(last)
                ),
                format!("the policy allows {} days", limits.within_days),
            ));
        }
        let from = plus_months(today, -12);
        let again = snapshot.arrangements.iter().flat_map(|plan| &plan.reinstated).filter(|again| again.on > from);
        let again = again.count();
        if again >= usize::from(limits.per_12_months) {
            return Err(OfficeError::refused(
                format!("in the last 12 months arrangements of the account were taken up again {again} times"),
                format!("the policy allows {}", limits.per_12_months),
            ));
        }
        let stays = rules.policy.arrangements.not_under.iter();
        let mut stays =
            stays.filter(|kind| snapshot.holds.iter().any(|hold| hold.kind == **kind && hold.holds_on(today)));
        if let Some(kind) = stays.next() {
            return Err(OfficeError::refused(format!("a {kind} hold stands"), "nothing is agreed while it does"));
        }
        let pay_by = rules.calendar.next_office_day(plus_days(today, i64::from(limits.pay_days)));
        let reinstated = Reinstatement { on: today, by: by.to_owned(), reason: reason.to_owned(), pay_by };
        let mut anew = plan;
        anew.reinstated.push(reinstated.clone());
        let letter = letter_again(&anew, pay_by, &snapshot, &rules.policy, today);
        let stamp = self.stamp(by);
        let withdrawn = self.store.reinstate_arrangement(id, &reinstated, &letter, snapshot.facts_seq, &stamp).await?;
        self.settle_accounts(&[account]).await?;
        Ok((pay_by, withdrawn))
    }
}

fn not_missed(id: ArrangementId, stands: &str) -> OfficeError {
    OfficeError::refused(
        format!("arrangement {id} {stands}"),
        "only one of which an installment is missed is taken up again",
    )
}
