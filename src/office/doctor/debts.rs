//! Debts that moved and deposits that were applied: each transfer has its other half, and each deposit was held.

use super::{Check, Examination, Finding, Result, TAMPERED};
use crate::domain::Cents;

impl Examination<'_> {
    pub(super) async fn debts(&mut self) -> Result<[Check; 3]> {
        let mut transfers =
            Check::new("transfers", "what leaves an account comes to another, of the same amount, and to no third");
        for half in self.reading.transfers().await? {
            let fits = half.other_amount.is_some_and(|other| other + half.amount == Cents::ZERO)
                && half.other_account.is_some_and(|other| other != half.account);
            transfers.expects(fits, || {
                let other = match (half.other, half.other_amount) {
                    (Some(other), Some(amount)) => format!("its other half is entry {other} of {amount}"),
                    _ => "it has no other half".to_owned(),
                };
                Finding::at(format!("entry {}", half.entry))
                    .of(half.account)
                    .found(format!("a transfer of {}; {other}", half.amount))
                    .expected(format!("an entry of {} on another account, posted with it", -half.amount))
                    .remedy(TAMPERED)
            });
        }
        let mut deposits = Check::new("deposits", "what was applied was held for the account, and no more of it");
        for applied in self.reading.applied_deposits().await? {
            let amount = applied.amount.abs();
            let fits = applied.held.is_some_and(|(holder, held)| holder == applied.account && amount <= held);
            deposits.expects(fits, || {
                let held = match applied.held {
                    Some((_, held)) => format!("{held} was held"),
                    None => "no deposit was held".to_owned(),
                };
                Finding::at(format!("entry {}", applied.entry))
                    .of(applied.account)
                    .found(format!("a deposit of {amount} applied; {held}"))
                    .expected("a deposit of the account, of that amount or more with its interest")
                    .remedy(TAMPERED)
            });
        }
        let mut behind =
            Check::new("left behind", "money that may be meant for a debt that went elsewhere is told of there");
        for lies in self.reading.left_behind().await? {
            behind.expects(lies.is_told, || {
                Finding::at(format!("account {}", lies.from))
                    .of(lies.to)
                    .found(format!(
                        "{} lies there, {} that came from it is owed, and no line says so",
                        lies.left, lies.open
                    ))
                    .expected(
                        "a line of the exceptions list that freezes the account, or a person's word that it may go on",
                    )
                    .remedy("the next night tells it; look at both accounts")
            });
        }
        Ok([transfers, behind, deposits])
    }
}
