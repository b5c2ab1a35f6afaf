//! `payments`: the counter, the unmatched, the watermarks.

use clap::Subcommand;

use super::args::{By, Json, date, money, word};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::import::UnmatchedState;
use crate::domain::ledger::PaymentChannel;
use crate::domain::{Cents, Day, UnmatchedId, day};
use crate::office::{Duty, Unmatched};
use crate::store::CounterPayment;

#[derive(Debug, Subcommand)]
pub enum Payments {
    /// Sign that a channel brought no more payments through a day
    None {
        #[arg(long, value_parser = word!(PaymentChannel))]
        channel: PaymentChannel,
        /// The last day, which must be over
        #[arg(long, value_name = "DATE", value_parser = date)]
        through: Day,
        #[command(flatten)]
        by: By,
    },
    /// Payments that matched no account
    Unmatched {
        /// Those decided already, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Post an unmatched payment to an account
    Match {
        id: i64,
        account: String,
        #[command(flatten)]
        by: By,
    },
    /// Say that an unmatched payment is nobody's here
    Reject {
        id: i64,
        #[command(flatten)]
        by: By,
    },
    /// Post money taken at the counter
    Counter {
        account: String,
        #[arg(value_parser = money)]
        amount: Cents,
        /// The receipt's number, unique at the counter
        #[arg(long, value_name = "NUMBER")]
        receipt: String,
        /// The day of the receipt; today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        received: Option<Day>,
        #[arg(long, default_value = "Paid at the counter")]
        memo: String,
        /// The amount is right although it is far above what is owed
        #[arg(long)]
        confirm_amount: bool,
        #[command(flatten)]
        by: By,
    },
    /// Undo a payment that was posted here by mistake
    Void {
        /// The receipt's number
        receipt: String,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Through which day each channel's payments are loaded
    Watermarks {
        #[command(flatten)]
        json: Json,
    },
}

impl Payments {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::None { channel, through, by } => {
                office.sign_no_payments(channel, through, by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("{channel}: signed as complete through {}", day::short(through))))
            }
            Self::Unmatched { all, json } => {
                let state = (!all).then_some(UnmatchedState::Open);
                let payments = office.unmatched(state).await?;
                json.or(&payments, || unmatched(&payments))
            }
            Self::Match { id, account, by } => {
                let account = office.account(&account).await?;
                office.match_payment(UnmatchedId(id), account.id, by.may(&office, Duty::Write).await?).await?;
                let said = format!("Payment {id} is posted to account {}", account.profile.number);
                Ok(Answer::done(said).urgent(office.recalls(account.id).await?))
            }
            Self::Reject { id, by } => {
                office.reject_payment(UnmatchedId(id), by.may(&office, Duty::Write).await?).await?;
                Ok(Answer::done(format!("Payment {id} is rejected: it belongs to no account here")))
            }
            Self::Counter { account, amount, receipt, received, memo, confirm_amount, by } => {
                let account = office.account(&account).await?;
                let received_on = received.unwrap_or_else(|| office.today());
                let payment = CounterPayment { amount, received_on, reference: receipt, memo };
                let by = by.may(&office, Duty::Write).await?;
                let taken = if confirm_amount {
                    office.confirmed_counter_payment(account.id, &payment, by).await?
                } else {
                    office.counter_payment(account.id, &payment, by).await?
                };
                let balance = office.snapshot(account.id).await?.balance();
                let number = &account.profile.number;
                let said = if taken.is_new { "is posted" } else { "was posted before" };
                // Whom to call back is said at the end of every command.
                Ok(Answer::done(format!("{amount} {said} to account {number}; its balance is {balance}")))
            }
            Self::Void { receipt, reason, by } => {
                let voided = office.void_payment(&receipt, &reason, by.may(&office, Duty::Release).await?).await?;
                let number = office.store.account(voided.account).await?.profile.number;
                let balance = office.snapshot(voided.account).await?.balance();
                let said = if voided.is_new { "is voided" } else { "was voided already" };
                Ok(Answer::done(format!(
                    "Receipt {receipt}, {}, {said}; the balance of account {number} is {balance}",
                    voided.amount
                )))
            }
            Self::Watermarks { json } => {
                let watermarks = office.store.watermarks().await?;
                json.or(&watermarks, || {
                    let mut table = Table::new(&[Column::Left("Channel"), Column::Left("Loaded through")]);
                    for channel in PaymentChannel::ALL {
                        let through =
                            watermarks.get(channel).map_or_else(|| "no day at all".into(), |d| day::short(*d));
                        table.row([channel.to_string(), through]);
                    }
                    table.show("")
                })
            }
        }
    }
}

fn unmatched(payments: &[Unmatched]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Received"),
        Right("Amount"),
        Left("Account given"),
        Left("Reference"),
        Left("File"),
        Left("State"),
        Left("By"),
    ]);
    for Unmatched { payment, .. } in payments {
        let row = &payment.row;
        table.row([
            payment.id.to_string(),
            day::short(row.effective_on),
            row.amount.abs().to_string(),
            row.account.to_string(),
            row.reference.clone(),
            payment.file.clone(),
            payment.state.to_string(),
            payment.decided_by.clone().unwrap_or_default(),
        ]);
    }
    let mut text = table.show("Every payment matches an account.");
    let mut likely = Table::new(&[Right("ID"), Left("May be for"), Left("Customer"), Right("Owes"), Left("Why")]);
    let mut any = false;
    for Unmatched { payment, suggestions } in payments {
        for found in suggestions {
            any = true;
            let (number, owed) = (found.number.to_string(), found.owed.to_string());
            likely.row([payment.id.to_string(), number, found.name.clone(), owed, found.why()]);
        }
    }
    if any {
        text.push('\n');
        text.push_str(&likely.show(""));
        text.push_str(
            "\nNothing is posted by that: `arrears payments match ID ACCOUNT`, or `arrears payments reject ID`.\n",
        );
    }
    text
}
