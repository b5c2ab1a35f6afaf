//! What people say about money that came in by files: that none came, that it is nobody's here.

use super::{Office, OfficeError, Result};
use crate::domain::ledger::PaymentChannel;
use crate::domain::{Day, UnmatchedId};

impl Office {
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
    /// When there is no such line.
    pub async fn clear_exception(&self, id: i64, by: &str) -> Result<()> {
        let account = self.store.exceptions(true).await?.into_iter().find(|line| line.id == id).and_then(|e| e.account);
        self.store.clear_exception(id, &self.stamp(by)).await?;
        self.settle_accounts(account.as_slice()).await?;
        Ok(())
    }
}
