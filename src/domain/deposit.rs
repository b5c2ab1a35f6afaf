//! Deposits: money that the city holds until service ends. It pays the final bill, then what else is owed.
//!
//! What is left over is the customer's. Arrears never gives money back: a person does.

use serde::{Deserialize, Serialize};

use super::account::words;
use super::day::{Day, plus_days, short};
use super::ids::{AccountNumber, DepositId, EntryId};
use super::money::Cents;

words! {
    /// What a deposit pays first.
    DepositOrder {
        /// The final bill, then older debts, oldest due first.
        FinalBill = "final bill first",
        /// All debts in the usual order.
        Oldest = "oldest first",
    }
}

/// A deposit of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    pub id: DepositId,
    /// What was paid in, above zero.
    pub amount: Cents,
    /// What it has borne, zero or more.
    #[serde(default)]
    pub interest: Cents,
    pub received_on: Day,
    pub source: String,
    pub reference: String,
    /// The day on which the billing system gave it back to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_on: Option<Day>,
    /// What of it the billing system applied by entries of its own.
    #[serde(default)]
    pub taken: Cents,
    /// Set once Arrears has applied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
}

/// The credit that a deposit became.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    pub entry: EntryId,
    pub on: Day,
    /// Above zero.
    pub amount: Cents,
}

impl Deposit {
    /// What is held of it on the day, with its interest: nothing once it was applied or given back.
    #[must_use]
    pub fn held_on(&self, day: Day) -> Cents {
        let is_here = self.received_on <= day && self.returned_on.is_none_or(|returned| day < returned);
        if !is_here || self.applied.is_some() {
            return Cents::ZERO;
        }
        (self.amount + self.interest - self.taken).max(Cents::ZERO)
    }

    /// What has become of it, in words.
    #[must_use]
    pub fn standing(&self, today: Day) -> String {
        let held = self.held_on(today);
        if let Some(applied) = self.applied {
            format!("applied {} as entry {}", short(applied.on), applied.entry)
        } else if let Some(returned) = self.returned_on.filter(|returned| *returned <= today) {
            format!("given back {}", short(returned))
        } else if self.taken.is_positive() && held.is_zero() {
            "applied by the billing system".to_owned()
        } else if self.taken.is_positive() {
            format!("{held} held, {} applied by the billing system", self.taken)
        } else {
            "held".to_owned()
        }
    }
}

/// The day from which deposits are applied: that of the final bill, or so many days after the end of service where none
/// has come. `None` while service goes on.
#[must_use]
pub fn apply_from(ended: Option<Day>, final_bill: Option<Day>, without_bill_days: u16) -> Option<Day> {
    let ended = ended?;
    Some(final_bill.map_or_else(|| plus_days(ended, i64::from(without_bill_days)), |billed| billed.max(ended)))
}

/// Counts credits that the billing system posted as applied deposits against the deposits, the earliest received first. A
/// credit counts for none that was received after it, nor for one that Arrears applied itself.
pub fn count_taken(deposits: &mut [Deposit], credits: &[(Day, Cents)]) {
    deposits.sort_by_key(|deposit| (deposit.received_on, deposit.id));
    for (on, credit) in credits {
        let mut left = credit.abs();
        for deposit in deposits.iter_mut().filter(|deposit| deposit.applied.is_none() && deposit.received_on <= *on) {
            let taken = left.min((deposit.amount + deposit.interest - deposit.taken).max(Cents::ZERO));
            deposit.taken += taken;
            left -= taken;
        }
    }
}

/// A deposit as a file gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDeposit {
    /// The line in its file, from 1.
    pub line: u32,
    pub account: AccountNumber,
    pub amount: Cents,
    pub interest: Cents,
    pub received_on: Day,
    pub returned_on: Option<Day>,
    pub source: String,
    pub reference: String,
}

#[cfg(test)]
mod tests {
    use super::super::day::parse;
    use super::*;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn deposit(id: i64, cents: i64, received: &str) -> Deposit {
        Deposit {
            id: DepositId(id),
            amount: Cents::new(cents),
            interest: Cents::ZERO,
            received_on: day(received),
            source: "cis".into(),
            reference: format!("D-{id}"),
            returned_on: None,
            taken: Cents::ZERO,
            applied: None,
        }
    }

    #[test]
    fn a_deposit_that_the_billing_system_applied_itself_is_held_no_longer() {
        let mut deposits = [deposit(1, 10_000, "2019-08-01")];
        count_taken(&mut deposits, &[(day("2026-05-12"), Cents::new(-10_000))]);
        assert_eq!(deposits[0].held_on(day("2026-05-13")), Cents::ZERO);
    }

    #[test]
    fn a_credit_takes_from_the_earliest_deposit_first_and_from_none_that_came_after_it() {
        let mut deposits =
            [deposit(2, 5_000, "2021-03-01"), deposit(1, 10_000, "2019-08-01"), deposit(3, 7_000, "2026-06-01")];
        count_taken(
            &mut deposits,
            &[(day("2026-05-12"), Cents::new(-12_000)), (day("2026-05-13"), Cents::new(-9_000))],
        );
        let held: Vec<i64> = deposits.iter().map(|deposit| deposit.held_on(day("2026-07-01")).get()).collect();
        assert_eq!(held, [0, 0, 7_000]);
    }

    #[test]
    fn a_deposit_that_was_given_back_or_is_not_there_yet_is_not_held() {
        let mut given_back = deposit(1, 10_000, "2019-08-01");
        given_back.returned_on = Some(day("2020-08-01"));
        assert_eq!(given_back.held_on(day("2020-07-31")), Cents::new(10_000));
        assert_eq!(given_back.held_on(day("2020-08-01")), Cents::ZERO);
        assert_eq!(given_back.held_on(day("2019-07-31")), Cents::ZERO);
    }

    #[test]
    fn a_deposit_waits_for_the_final_bill_and_not_for_ever() {
        let ended = Some(day("2026-05-15"));
        assert_eq!(apply_from(None, Some(day("2026-05-20")), 60), None);
        assert_eq!(apply_from(ended, Some(day("2026-05-20")), 60), Some(day("2026-05-20")));
        assert_eq!(apply_from(ended, None, 60), Some(day("2026-07-14")));
    }
}
