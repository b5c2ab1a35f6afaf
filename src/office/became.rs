//! What became of what a stage decided: its notices, orders, calls and referrals in words. A stage that acted has only
//! decided; what was mailed, left or done stands with the pieces.

use super::{Office, Result};
use crate::domain::call::{Call, CallState};
use crate::domain::case::StageRef;
use crate::domain::day::short;
use crate::domain::decision::{ActKey, Decision, Finding};
use crate::domain::field_order::{FieldOrder, OrderKind, OrderState};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::referral::{Referral, ReferralState};
use crate::domain::{AccountId, Channel, Day, Step, StepState};

/// A piece that a stage ordered.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Notice(Box<Notice>),
    Order(FieldOrder),
    Call(Call),
    Referral(Referral),
}

impl Piece {
    fn is_of(&self, stage: &StageRef) -> bool {
        match self {
            Self::Notice(notice) => notice.of == *stage,
            Self::Order(order) => order.of.as_ref() == Some(stage),
            Self::Call(call) => call.of.as_ref() == Some(stage),
            Self::Referral(referral) => referral.act_key.parse::<ActKey>().is_ok_and(|key| key.of == *stage),
        }
    }
}

impl Office {
    /// All that was ordered for the account.
    pub(super) async fn pieces_of(&self, account: AccountId) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        pieces.extend(self.store.notices_of(account).await?.into_iter().map(|notice| Piece::Notice(Box::new(notice))));
        pieces.extend(self.store.orders_of(account).await?.into_iter().map(Piece::Order));
        pieces.extend(self.store.calls_of(account).await?.into_iter().map(Piece::Call));
        pieces.extend(self.store.referrals_of(account).await?.into_iter().map(Piece::Referral));
        Ok(pieces)
    }
}

/// The pieces of the finding's stage that were ordered on the day on which it acted.
pub(super) fn pieces_for<'a>(pieces: &'a [Piece], decision: &Decision, finding: &Finding, on: Day) -> Vec<&'a Piece> {
    let Some(case) = &decision.case else { return Vec::new() };
    let runs = case.tracks.iter().filter(|run| finding.track.as_ref() == Some(&run.track));
    let stages: Vec<StageRef> = runs
        .flat_map(|run| {
            let acted =
                move |step: &&Step| finding.stage.as_ref() == Some(&step.stage) && step.state == StepState::Acted(on);
            run.steps.iter().filter(acted).map(move |step| StageRef {
                case: case.number,
                track: run.track.clone(),
                anchor: run.anchor,
                stage: step.stage.clone(),
                round: step.round,
            })
        })
        .collect();
    pieces.iter().filter(|piece| stages.iter().any(|stage| piece.is_of(stage))).collect()
}

/// `decided Fri 2026-05-01; mailed Mon 2026-05-04`, each fate once; `None` for a stage that ordered no piece.
pub(super) fn became(on: Day, pieces: &[&Piece]) -> Option<String> {
    // The order to leave a tag tells what became of its paper.
    let is_tagged = pieces.iter().any(|piece| matches!(piece, Piece::Order(order) if order.kind == OrderKind::Tag));
    let mut fates: Vec<String> = Vec::new();
    for piece in pieces {
        let fate = match piece {
            Piece::Notice(notice) if notice.channel == Channel::Posting && is_tagged => continue,
            Piece::Notice(notice) => of_notice(notice),
            Piece::Order(order) => of_order(order),
            Piece::Call(call) => of_call(call),
            Piece::Referral(referral) => of_referral(referral),
        };
        if !fates.contains(&fate) {
            fates.push(fate);
        }
    }
    (!pieces.is_empty()).then(|| format!("decided {}; {}", short(on), fates.join("; ")))
}

fn of_notice(notice: &Notice) -> String {
    let is_email = notice.channel == Channel::Email;
    match notice.state {
        NoticeState::Planned => "waits for release by the lead".to_owned(),
        NoticeState::Released | NoticeState::Rendered if is_email => "released, email not sent".to_owned(),
        NoticeState::Released => "released, not printed".to_owned(),
        NoticeState::Rendered => "released, waits for a print batch".to_owned(),
        NoticeState::Batched => "printed, not mailed".to_owned(),
        NoticeState::Mailed => dated("mailed", notice.mailed_on),
        NoticeState::Posted => dated("left by the crew", notice.served_on),
        NoticeState::Sent => dated("emailed", notice.mailed_on),
        NoticeState::Returned => dated("mailed, came back", notice.returned_on),
        NoticeState::Bounced => "email bounced".to_owned(),
        NoticeState::Canceled => because("notice canceled", notice.cause.as_deref()),
        NoticeState::Voided => because("notice voided", notice.cause.as_deref()),
        NoticeState::Failed => because("notice failed", notice.cause.as_deref()),
    }
}

fn of_order(order: &FieldOrder) -> String {
    let id = order.id;
    match order.state {
        OrderState::Prepared => format!("order {id} waits for approval"),
        OrderState::Approved => match order.kind {
            OrderKind::ShutOff | OrderKind::Limit => format!("order {id} is approved, not finalized"),
            OrderKind::Restore | OrderKind::Tag | OrderKind::Visit => format!("order {id} waits for a crew"),
        },
        OrderState::Finalized => format!("order {id} is finalized, waits for a crew"),
        OrderState::Dispatched => format!("order {id} is with {}", order.crew.as_deref().unwrap_or("a crew")),
        OrderState::Done if order.is_done_without_leave() => {
            let cause = order.cause.as_deref().unwrap_or_default();
            dated(&format!("order {id} was done without leave ({cause})"), order.done_on)
        }
        OrderState::Done => {
            let what = match order.kind {
                OrderKind::ShutOff => "shut off",
                OrderKind::Limit => "flow limited",
                OrderKind::Restore => "restored",
                OrderKind::Tag => "left by the crew",
                OrderKind::Visit => "visited",
            };
            dated(what, order.done_on)
        }
        OrderState::NotDone => because(&format!("order {id} was not done"), Some(&order.note)),
        OrderState::Canceled => because(&format!("order {id} was canceled"), order.cause.as_deref()),
    }
}

fn of_call(call: &Call) -> String {
    let attempts = format!("{} of {} attempts made", call.attempts_made, call.attempts_wanted);
    match call.state {
        CallState::Waiting => format!("{attempts}, waits for a call list"),
        CallState::Listed => format!("{attempts}, its call list is not released"),
        CallState::Released => attempts,
        CallState::Done => format!("called, {attempts}"),
        CallState::Dropped => because("call dropped", call.cause.as_deref()),
        CallState::Canceled => because("call canceled", call.cause.as_deref()),
    }
}

fn of_referral(referral: &Referral) -> String {
    match referral.state {
        ReferralState::Candidate => "referral waits for approval".to_owned(),
        ReferralState::Approved => "referral approved, not placed".to_owned(),
        ReferralState::Placed => dated("placed", referral.placed_on),
        ReferralState::Recalled => because("referral recalled", referral.cause.as_deref()),
        ReferralState::Returned => because("debt returned by the destination", referral.cause.as_deref()),
        ReferralState::Canceled => because("referral canceled", referral.cause.as_deref()),
        ReferralState::Declined => because("referral declined", referral.cause.as_deref()),
    }
}

fn dated(what: &str, on: Option<Day>) -> String {
    on.map_or_else(|| what.to_owned(), |on| format!("{what} {}", short(on)))
}

fn because(what: &str, why: Option<&str>) -> String {
    why.filter(|why| !why.trim().is_empty()).map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cents, OrderId, Service};
    use crate::office::testing::{City, day};

    fn order(kind: OrderKind, state: OrderState) -> FieldOrder {
        FieldOrder {
            id: OrderId(363),
            account: AccountId(1),
            act_key: String::new(),
            of: None,
            kind,
            service: Service::Water,
            state,
            for_day: day("2026-06-29"),
            amount: Cents::new(22_420),
            approved_by: None,
            approved_on: None,
            finalized_by: None,
            finalized_on: None,
            dispatched_on: None,
            done_on: None,
            done_at: None,
            crew: Some("Crew 1".to_owned()),
            note: String::new(),
            instruction: None,
            cause: None,
        }
    }

    #[test]
    fn an_order_is_called_done_only_when_the_crew_has_done_it() {
        let told = |order| became(day("2026-06-27"), &[&Piece::Order(order)]).unwrap();
        let prepared = order(OrderKind::ShutOff, OrderState::Prepared);
        assert_eq!(told(prepared), "decided Sat 2026-06-27; order 363 waits for approval");
        let under_way = order(OrderKind::ShutOff, OrderState::Dispatched);
        assert_eq!(told(under_way), "decided Sat 2026-06-27; order 363 is with Crew 1");
        let tag = FieldOrder { done_on: Some(day("2026-06-29")), ..order(OrderKind::Tag, OrderState::Done) };
        assert_eq!(told(tag), "decided Sat 2026-06-27; left by the crew Mon 2026-06-29");
        let cause = Some("the debt was paid".to_owned());
        let canceled = FieldOrder { cause, ..order(OrderKind::ShutOff, OrderState::Canceled) };
        assert_eq!(told(canceled), "decided Sat 2026-06-27; order 363 was canceled: the debt was paid");
    }

    #[test]
    fn a_stage_that_ordered_no_piece_is_left_as_it_was_said() {
        assert_eq!(became(day("2026-06-27"), &[]), None);
    }

    async fn says(city: &City, stage: &str, on: Option<Day>) -> String {
        let why = city.office.why(city.debtor().await, on).await.unwrap();
        let stage = format!("shut_off / {stage}");
        why.explained.into_iter().find(|one| one.stage == stage).map(|one| one.says).unwrap_or_default()
    }

    #[tokio::test]
    async fn why_says_of_a_notice_that_was_only_decided_that_it_waits_for_the_lead() {
        let city = City::new().await;
        city.at("2026-05-01", "04:00");
        city.office.night(day("2026-05-01")).await.unwrap();
        let told = says(&city, "final_notice", None).await;
        assert_eq!(told, "decided Fri 2026-05-01; waits for release by the lead");
    }

    #[tokio::test]
    async fn why_says_what_was_mailed_and_what_waits_for_approval() {
        let city = City::new().await;
        let order = city.to_the_approval().await;
        let told = says(&city, "final_notice", None).await;
        assert_eq!(told, "decided Fri 2026-05-01; mailed Fri 2026-05-01");
        let told = says(&city, "shut_off", None).await;
        assert_eq!(told, format!("decided Fri 2026-05-22; order {order} waits for approval"));
        // What became of it since was not known then.
        assert_eq!(says(&city, "final_notice", Some(day("2026-05-02"))).await, "decided Fri 2026-05-01");
    }
}
