//! What is seen to outside and told here: a task that is done, an email that bounced.

use super::accounts::{need_reason, not_ahead};
use super::{Office, OfficeError, Result};
use crate::domain::{Channel, Day, NoticeId};

impl Office {
    /// Closes a task that was seen to.
    ///
    /// # Errors
    /// When there is no such open task.
    pub async fn close_task(&self, id: i64, by: &str) -> Result<()> {
        let account = self.store.close_task(id, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// Records that an email came back: what counted from it counts no longer, a letter tells it instead, and a
    /// person looks after the address.
    ///
    /// # Errors
    /// When the notice is no email that was sent, the day lies ahead, or no reason is given.
    pub async fn email_bounced(&self, id: NoticeId, on: Day, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        not_ahead(on, self.today(), "the day on which an email bounced")?;
        let notice = self.store.notice(id).await?;
        if notice.channel != Channel::Email {
            return Err(OfficeError::refused(
                format!("notice {id} went by {}, and only an email bounces", notice.channel),
                "`arrears notices returned` records a letter that came back",
            ));
        }
        self.came_back(&notice, on, reason, true, &self.stamp(by)).await?;
        Ok(())
    }
}
