//! The paper that a crew leaves at a door: set before the crew goes, and true on the day on which it is left.

use super::{Office, Result};
use crate::domain::day::short;
use crate::domain::field_order::FieldOrder;
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{Channel, Day};

/// Why a crew cannot leave a paper today.
pub(super) enum Fault {
    /// It waits until the paper is there.
    Waits(String),
    /// What it says is not true any more: the order falls, and the stage orders it anew.
    Untrue(String),
}

impl Office {
    /// The notice that a crew is to leave.
    pub(super) async fn paper_of(&self, order: &FieldOrder) -> Result<Option<Notice>> {
        let notices = self.store.notices_of(order.account).await?;
        Ok(notices.into_iter().find(|notice| {
            notice.act_key == order.act_key && notice.channel == Channel::Posting && notice.state.is_pending()
        }))
    }

    /// What is wrong with the paper of a tag, were it left on the day.
    pub(super) async fn fault_of_paper(&self, order: &FieldOrder, on: Day) -> Result<Option<Fault>> {
        let Some(paper) = self.paper_of(order).await? else {
            return Ok(Some(Fault::Waits(
                "there is no paper to leave: Exceptions says what became of its notice".to_owned(),
            )));
        };
        if paper.state != NoticeState::Rendered || paper.document.is_none() {
            return Ok(Some(Fault::Waits(format!(
                "notice {}, which the crew is to leave, is {} and not set on paper yet: `arrears outbox` sets it, and \
                 Exceptions says why where it cannot be",
                paper.id, paper.state
            ))));
        }
        let is_past = |stated: &Day| *stated <= on;
        let shut_off =
            paper.facts.shut_off_on.filter(is_past).map(|day| format!("a shut-off on or after {}", short(day)));
        let pay_by = paper.facts.pay_by.filter(|day| *day < on).map(|day| format!("payment by {}", short(day)));
        Ok(pay_by.or(shut_off).map(|says| {
            Fault::Untrue(format!("notice {} asks for {says}, which is past; it is ordered and set anew", paper.id))
        }))
    }
}
