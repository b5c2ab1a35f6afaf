//! The outbox: nothing was done twice, and nothing that should be done is forgotten.

use std::collections::BTreeMap;

use super::{Check, Examination, Finding, PAGE, Result};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{Channel, NoticeId};
use crate::store::{KeptWork, WorkKind};

/// No lease is longer: ten minutes for work.
const LONGEST_LEASE: i64 = 3_600;

const REPORT: &str = "nothing needs to be undone; report a defect with the account's log, and cancel the notice (`arrears notices cancel`) \
                      if it must not go out";

impl Examination<'_> {
    pub(super) async fn work(&mut self) -> Result<[Check; 1]> {
        let mut check = Check::new("outbox", "what waits is to be done once, and what was done is not done again");
        let mut work: BTreeMap<NoticeId, Vec<KeptWork>> = BTreeMap::new();
        let mut after = 0;
        loop {
            let page = self.reading.work(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for one in page {
                check.expects(one.leased_for <= LONGEST_LEASE, || {
                    Finding::at(format!("work {} ({})", one.id, one.kind))
                        .of(one.account)
                        .found(format!("held for another {} s", one.leased_for))
                        .expected("some minutes at most")
                        .remedy("the database's clock was set back: the work goes on when the lease has run out")
                });
                work.entry(one.notice).or_default().push(one);
            }
        }
        let mut after = 0;
        loop {
            let page = self.reading.notices(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for notice in page {
                let of_notice = work.remove(&notice.id).unwrap_or_default();
                check.looked_at += 1;
                if let Some((found, expected)) = wrong(&notice, &of_notice) {
                    check.finds(
                        Finding::at(format!("notice {} ({}, by {})", notice.id, notice.state, notice.channel))
                            .of(notice.account)
                            .found(found)
                            .expected(expected)
                            .remedy(REPORT),
                    );
                }
            }
        }
        for one in work.into_values().flatten() {
            check.finds(
                Finding::at(format!("work {} ({})", one.id, one.kind))
                    .of(one.account)
                    .found(format!("no notice {}", one.notice))
                    .expected("the notice that it is for")
                    .remedy(REPORT),
            );
        }
        Ok([check])
    }
}

/// What is wrong with a notice's work, and what was expected.
fn wrong(notice: &Notice, work: &[KeptWork]) -> Option<(&'static str, &'static str)> {
    let state = |kind: WorkKind| {
        let mut of_kind = work.iter().filter(|one| one.kind == kind);
        (of_kind.next().map(|one| one.state.as_str()), of_kind.next().is_some())
    };
    let ((render, rendered_twice), (send, sent_twice)) = (state(WorkKind::RenderNotice), state(WorkKind::SendEmail));
    if rendered_twice || sent_twice {
        return Some(("the same work stands twice", "each once"));
    }
    let is_email = notice.channel == Channel::Email;
    match notice.state {
        NoticeState::Released
            if matches!(notice.channel, Channel::Mail | Channel::Email) && render != Some("ready") =>
        {
            Some(("released, and nothing waits to set it", "work that waits"))
        }
        NoticeState::Rendered if is_email && send != Some("ready") => {
            Some(("set, and nothing waits to send it", "work that waits"))
        }
        NoticeState::Sent | NoticeState::Bounced if send != Some("done") => {
            Some(("sent, and its sending is not done: it could be sent again", "work that is done"))
        }
        NoticeState::Mailed | NoticeState::Returned | NoticeState::Canceled | NoticeState::Voided
            if render == Some("ready") || send == Some("ready") =>
        {
            Some(("over, and something waits to set or send it", "no work that waits"))
        }
        NoticeState::Planned if !work.is_empty() => Some(("not released, and something was to be done", "no work")),
        NoticeState::Planned
        | NoticeState::Released
        | NoticeState::Rendered
        | NoticeState::Batched
        | NoticeState::Mailed
        | NoticeState::Posted
        | NoticeState::Sent
        | NoticeState::Returned
        | NoticeState::Bounced
        | NoticeState::Canceled
        | NoticeState::Voided
        | NoticeState::Failed => None,
    }
}
