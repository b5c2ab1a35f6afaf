//! Money by hand: taken at the counter, voided; and what people say about money that came in by files.

use super::accounts::{need_reason, not_ahead, positive};
use super::orders::is_shut_off;
use super::{Office, OfficeError, Result};
use crate::domain::day::plus_days;
use crate::domain::field_order::{FieldOrder, OrderState};
use crate::domain::import::{UnmatchedPayment, UnmatchedState};
use crate::domain::ledger::PaymentChannel;
use crate::domain::suggestion::{Lookup, Suggestion, suggest};
use crate::domain::{AccountId, Cents, Day, EntryId, UnmatchedId};
use crate::store::{CounterPayment, ExceptionKind, VoidedPayment};

/// A counter payment above this, and above twice what is owed, is asked about: a cipher too many costs somebody a month.
const UNUSUAL: Cents = Cents::new(50_000);

/// A payment is held against what notices of so many days asked for.
const NOTICED_DAYS: i64 = 120;

/// A payment that matched no account, and whose it may be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unmatched {
    #[serde(flatten)]
    pub payment: UnmatchedPayment,
    pub suggestions: Vec<Suggestion>,
}

/// What came of money taken at the counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtCounter {
    pub entry: EntryId,
    /// False where the receipt was posted before: nothing new was.
    pub is_new: bool,
    /// Shut-offs that it canceled while a crew was out for them: somebody must call the crew back.
    pub recalled: Vec<FieldOrder>,
}

impl Office {
    /// Posts money taken at the counter and decides the account at once.
    ///
    /// # Errors
    /// When the receipt has no number, the amount is not above zero or unusual (see [`Self::confirmed_counter_payment`]), the day lies ahead, or the
    /// receipt is known with another amount or was voided.
    pub async fn counter_payment(&self, account: AccountId, payment: &CounterPayment, by: &str) -> Result<AtCounter> {
        let owed = self.snapshot(account).await?.balance().max(Cents::ZERO);
        if payment.amount > UNUSUAL && payment.amount > owed + owed && !self.is_posted(account, payment).await? {
            return Err(OfficeError::refused(
                format!("{} is more than twice what is owed, {owed}", payment.amount),
                "count again, and confirm the amount if it is right",
            ));
        }
        self.confirmed_counter_payment(account, payment, by).await
    }

    /// Posts money taken at the counter, the amount of which somebody has looked at twice.
    ///
    /// # Errors
    /// As [`Self::counter_payment`], but for an unusual amount.
    pub async fn confirmed_counter_payment(
        &self,
        account: AccountId,
        payment: &CounterPayment,
        by: &str,
    ) -> Result<AtCounter> {
        positive(payment.amount, "a payment")?;
        if payment.reference.trim().is_empty() || payment.reference.trim() != payment.reference {
            return Err(OfficeError::Input {
                what: "a receipt",
                given: payment.reference.clone(),
                expected: "the receipt's number, without blanks around it: by it the payment is found and voided"
                    .into(),
            });
        }
        not_ahead(payment.received_on, self.today(), "the day of a payment")?;
        let rules = self.rules_on(self.today()).await?;
        let is_new = !self.is_posted(account, payment).await?;
        let mut out = self.store.orders_of(account).await?;
        for beside in self.store.accounts_with_debts_of(&[account]).await? {
            out.extend(self.store.orders_of(beside).await?);
        }
        out.retain(|order| order.state == OrderState::Dispatched && is_shut_off(order.kind));
        let entry = self.store.counter_payment(account, payment, &rules.policy.ledger, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        let mut recalled = Vec::new();
        for order in out {
            let now = self.store.order(order.id).await?;
            if now.state == OrderState::Canceled {
                recalled.push(now);
            }
        }
        Ok(AtCounter { entry, is_new, recalled })
    }

    /// Whether the receipt is in the account's ledger: then it is posted no second time, whatever is owed now.
    async fn is_posted(&self, account: AccountId, payment: &CounterPayment) -> Result<bool> {
        let entries = self.store.entries(account).await?;
        Ok(entries
            .iter()
            .any(|entry| entry.channel == Some(PaymentChannel::Counter) && entry.reference == payment.reference))
    }

    /// Undoes a payment that was taken here by mistake, by its receipt: what it had paid is owed again from its own due
    /// date. A second time changes nothing.
    ///
    /// # Errors
    /// When it gives no reason, no such receipt is known, or it came by a file.
    pub async fn void_payment(&self, receipt: &str, reason: &str, by: &str) -> Result<VoidedPayment> {
        need_reason(reason)?;
        let rules = self.rules_on(self.today()).await?;
        let stamp = self.stamp(by);
        if let Some(account) = self.store.account_of_receipt(receipt).await? {
            self.not_of_household(by, account).await?;
        }
        let voided = self.store.void_counter_payment(receipt, reason, &rules.policy.ledger, &stamp).await?;
        self.settle_accounts(&[voided.account]).await?;
        Ok(voided)
    }

    /// The payments that match no account, in one state or all, each that is open with the accounts that it may be for, likeliest
    /// first. A suggestion posts nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unmatched(&self, state: Option<UnmatchedState>) -> Result<Vec<Unmatched>> {
        let payments = self.store.unmatched_payments(state).await?;
        let is_open = |payment: &UnmatchedPayment| payment.state == UnmatchedState::Open;
        let lookups: Vec<Lookup> =
            payments.iter().filter(|payment| is_open(payment)).map(|payment| Lookup::of(&payment.row)).collect();
        let candidates = if lookups.is_empty() {
            Vec::new()
        } else {
            self.store.candidates_for(&lookups, plus_days(self.today(), -NOTICED_DAYS)).await?
        };
        let suggested = |payment: UnmatchedPayment| {
            let suggestions =
                if is_open(&payment) { suggest(&Lookup::of(&payment.row), &candidates) } else { Vec::new() };
            Unmatched { payment, suggestions }
        };
        Ok(payments.into_iter().map(suggested).collect())
    }

    /// Posts an unmatched payment to an account.
    ///
    /// # Errors
    /// When it was decided already.
    pub async fn match_payment(&self, id: UnmatchedId, account: AccountId, by: &str) -> Result<EntryId> {
        self.not_of_household(by, account).await?;
        let rules = self.rules_on(self.today()).await?;
        let entry = self.store.match_payment(id, account, &rules.policy.ledger, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(entry)
    }

    /// Signs that a channel brought no more payments through a day, so that shut-offs of the day after may be finalized.
    ///
    /// # Errors
    /// When the day is not over: money may still come on it.
    pub async fn sign_no_payments(&self, channel: PaymentChannel, through: Day, by: &str) -> Result<()> {
        let today = self.today();
        if through >= today {
            return Err(OfficeError::Input {
                what: "the last day without payments",
                given: through.to_string(),
                expected: format!("a day before today, {today}: money may still come on a day that is not over"),
            });
        }
        Ok(self.store.raise_watermark(channel, through, &self.stamp(by)).await?)
    }

    /// Says that an unmatched payment is nobody's here.
    ///
    /// # Errors
    /// When it was decided already.
    pub async fn reject_payment(&self, id: UnmatchedId, by: &str) -> Result<()> {
        Ok(self.store.reject_payment(id, &self.stamp(by)).await?)
    }

    /// Clears a line of the exceptions list. An account that it froze is decided at once.
    ///
    /// # Errors
    /// When there is no such line, or it asks for a reason and none is given.
    pub async fn clear_exception(&self, id: i64, reason: Option<&str>, by: &str) -> Result<()> {
        let line = self.store.exceptions(true).await?.into_iter().find(|line| line.id == id);
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        if let Some(line) = line.as_ref().filter(|line| line.kind.asks_for_reason() && reason.is_none()) {
            if line.kind == ExceptionKind::RestorationUntold {
                return Err(OfficeError::refused(
                    "the law wants that the customer is told how service is restored",
                    "say whom you told, when and how, with --reason",
                ));
            }
            return Err(OfficeError::refused(
                format!("{} bars notices, shut-off and referral until somebody has looked into it", line.kind),
                "say what was found, with --reason",
            ));
        }
        if line.as_ref().is_some_and(|line| line.kind == ExceptionKind::NightHeld) {
            return Err(OfficeError::refused(
                "what is held is released or dropped",
                "`arrears night release --reason TEXT`, or `arrears night drop --reason TEXT`",
            ));
        }
        if let Some(account) =
            line.as_ref().filter(|line| line.kind == ExceptionKind::WriteOffLeftOver).and_then(|l| l.account)
            && self.snapshot(account).await?.idle.iter().any(|idle| idle.is_own)
        {
            return Err(OfficeError::refused(
                "the line goes away when the write-off is taken back",
                "`arrears writeoff ACCOUNT --reverse --left-over --reason TEXT`, and another approves it",
            ));
        }
        if line.as_ref().is_some_and(|line| line.kind == ExceptionKind::ReturningDebtor)
            && self.store.kinships(true).await?.iter().any(|pair| pair.exception == Some(id))
        {
            return Err(OfficeError::refused(
                "somebody says whether it is the same customer",
                "`arrears returning confirm ID --reason TEXT`, or `arrears returning reject ID --reason TEXT`",
            ));
        }
        if let Some(account) = line.as_ref().and_then(|line| line.account) {
            self.not_of_household(by, account).await?;
        }
        self.store.clear_exception(id, reason, &self.stamp(by)).await?;
        self.settle_accounts(line.and_then(|line| line.account).as_slice()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::testing::{City, day};

    #[tokio::test]
    async fn an_unmatched_payment_names_the_accounts_that_it_may_be_for_and_why() {
        let city = City::new().await;
        let head = "account,customer_name,service_address,service_city,service_state,service_zip,services,occupancy,\
                    service_ended,customer";
        let rows = "10-000900,Lee Wong,77 Quarry Rd,Riverbend,CA,95600,water,owner,2026-01-31,C-9\n\
                    10-000905,Lee Wong,9 Mill St,Riverbend,CA,95600,water,owner,,C-9\n";
        city.takes("accounts-2.csv", &format!("{head}\n{rows}")).await;
        let head = "account,amount,received_on,channel,source,reference,memo";
        let rows = "10-000471,224.20,2026-03-02,lockbox,lockbox,LB-1,\n\
                    99-1,224.20,2026-03-02,lockbox,lockbox,LB-2,\n\
                    99-2,5.00,2026-03-02,lockbox,lockbox,LB-3,\"MUÑOZ, ROSA\"\n\
                    10-00900,5.00,2026-03-02,lockbox,lockbox,LB-4,\n\
                    99-3,7.00,2026-03-02,lockbox,lockbox,LB-5,\n";
        city.takes("payments.csv", &format!("{head}\n{rows}")).await;
        let said = || async {
            let unmatched = city.office.unmatched(Some(UnmatchedState::Open)).await.unwrap();
            let of = |one: &Unmatched| {
                let found = one.suggestions.iter().map(|found| format!("{}: {}", found.number, found.why()));
                found.collect::<Vec<_>>().join(" | ")
            };
            unmatched.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(
            said().await,
            [
                "10-000417: two digits of its number are swapped; owes just that",
                "10-000417: owes just that",
                "10-000417: the payer's name",
                "10-000905: the customer of 10-000900, which has ended | 10-000900: one digit of its number is missing",
                "",
            ]
        );
        // What a person matched is remembered by the number under which it came; and nothing is owed any more.
        let payments = city.office.store.unmatched_payments(Some(UnmatchedState::Open)).await.unwrap();
        city.office.match_payment(payments[1].id, city.debtor().await, "Ruth").await.unwrap();
        city.takes(
            "payments-2.csv",
            "account,amount,received_on,channel,source,reference\n99-1,9.00,2026-03-02,lockbox,lockbox,LB-6\n",
        )
        .await;
        let said = said().await;
        assert_eq!(said[0], "10-000417: two digits of its number are swapped");
        assert_eq!(said[4], "10-000417: a payment of Mon 2026-03-02 under that number was matched to it");
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn a_payment_at_the_counter_without_a_receipts_number_is_refused() {
        let city = City::new().await;
        let debtor = city.debtor().await;
        for reference in ["", " ", " R-1"] {
            let (amount, received_on) = (Cents::new(2_000), day("2026-03-02"));
            let payment = CounterPayment { amount, received_on, reference: reference.into(), memo: String::new() };
            let refused = city.office.counter_payment(debtor, &payment, "Omar").await.unwrap_err();
            assert!(refused.to_string().starts_with("a receipt cannot be "), "{refused}");
        }
        assert_eq!(city.office.store.entries(debtor).await.unwrap().len(), 1);
    }
}
