//! What shows that a notice reached people: mailings, postings and conversations as they were recorded.

use super::held::earlier;
use super::plan::Planner;
use crate::domain::decision::Verdict;
use crate::domain::{Action, Channel, Day, EventKind, ItemId, Recipient, StageId, Step};
use crate::rulebook::policy::{ServedFrom, Stage};

/// What came of the attempts to speak to somebody before a shut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    Made(Day),
    /// They failed on the first day, and a notice was left at the premises on the second.
    Failed(Day, Day),
}

impl<'p, 'a> Planner<'p, 'a> {
    /// The day of an event of a stage's latest round; of several pieces the last one counts.
    ///
    /// A mailing that came back, or a notice that was voided, never happened.
    pub fn event_of(&self, stage: &StageId, kind: EventKind) -> Result<Day, Verdict> {
        if self.acted_on(stage).is_none() {
            return Err(Verdict::WaitsForStage(stage.clone()));
        }
        let mut happened = None;
        for event in self.view.stage_events(stage, self.round(stage)) {
            if undoes(event.kind, kind) {
                happened = None;
            } else if event.kind == kind {
                happened = happened.max(Some(event.on));
            }
        }
        // Where it came back, what was left at the premises since stands in for it.
        let mail = matches!(kind, EventKind::NoticeMailed | EventKind::NoticeServed);
        match happened {
            Some(day) => Ok(day),
            None if mail => {
                self.left_instead(stage).unwrap_or_else(|| Err(Verdict::WaitsFor(kind, Some(stage.clone()))))
            }
            None => Err(Verdict::WaitsFor(kind, Some(stage.clone()))),
        }
    }

    /// Whether the notice of the stage's latest round was voided, and nothing of it was mailed since.
    pub fn is_voided(&self, stage: &StageId) -> bool {
        let of_round = self.view.stage_events(stage, self.round(stage));
        let last = of_round.filter(|e| matches!(e.kind, EventKind::NoticeMailed | EventKind::NoticeVoided)).last();
        last.is_some_and(|event| event.kind == EventKind::NoticeVoided)
    }

    /// Whether the stage's attempts to reach the customer have been ordered and have not ended.
    pub fn is_unanswered(&self, stage: &Stage) -> bool {
        stage.acts.iter().any(|action| matches!(action, Action::Call(_)))
            && self.acted_on(&stage.id).is_some()
            && self.event_of(&stage.id, EventKind::ContactMade).is_err()
            && self.event_of(&stage.id, EventKind::ContactFailed).is_err()
    }

    /// Whether the stage's attempts were ordered, have not ended, and can no longer be made as they were ordered: the
    /// customer asked not to be called, or the number is gone; or there is one now where the lead was told of none.
    pub fn fell_through(&self, stage: &Stage) -> bool {
        let profile = &self.view.snapshot.profile;
        let round = self.round(&stage.id);
        let replaced = || self.view.stage_events(&stage.id, round).any(|event| event.kind == EventKind::CallImpossible);
        stage.acts.iter().any(|action| match action {
            Action::Call(call) if call.required || call.or_visit => {
                self.is_unanswered(stage)
                    && match profile.cannot_be_called() {
                        Some(_) => !replaced(),
                        None => replaced() && !call.or_visit,
                    }
            }
            _ => false,
        })
    }

    /// The day from which a lead counts: when the stage's notice was served, its tag posted, its call ended.
    pub fn served(&self, stage: &Stage, acted: Day) -> Result<Day, Verdict> {
        let mut served = acted;
        for action in &stage.acts {
            let kinds: &[EventKind] = match action {
                Action::Notice(notice) if notice.by.contains(&Channel::Mail) => {
                    &[EventKind::NoticeServed, EventKind::NoticePosted]
                }
                Action::Notice(notice)
                    if notice.by.contains(&Channel::Posting) || notice.by.contains(&Channel::Hand) =>
                {
                    &[EventKind::NoticePosted, EventKind::ContactMade]
                }
                Action::Tag(_) => &[EventKind::NoticePosted],
                Action::Call(_) | Action::Visit(_) => &[EventKind::ContactMade, EventKind::ContactFailed],
                Action::Notice(_)
                | Action::Fee(_)
                | Action::ReverseFee { .. }
                | Action::ApplyDeposit(_)
                | Action::Disconnect { .. }
                | Action::Restore { .. }
                | Action::Task { .. }
                | Action::Hold { .. }
                | Action::Flag { .. }
                | Action::Refer { .. }
                | Action::Route { .. }
                | Action::NoRoute { .. }
                | Action::Freeze { .. }
                | Action::WriteOff => continue,
            };
            let happened = kinds.iter().filter_map(|kind| self.event_of(&stage.id, *kind).ok()).min();
            match happened {
                Some(day) => served = served.max(day),
                None => {
                    let waits = Verdict::WaitsFor(kinds[0], Some(stage.id.clone()));
                    return Err(self.left_instead(&stage.id).and_then(Result::err).unwrap_or(waits));
                }
            }
        }
        Ok(served)
    }

    /// A shut-off's notice: the last statutory one before it in the track that acted and still has force; where there
    /// is none, the last written one.
    pub fn notice_before(&self, stage: &Stage) -> Option<(&'a Stage, &'p Step)> {
        let last = |wanted: fn(&Stage) -> bool| {
            let ahead = self.track.stages.iter().take_while(|other| other.id != stage.id);
            ahead.filter(|other| wanted(other) && self.acted_on(&other.id).is_some()).last()
        };
        let notice = last(is_statutory).or_else(|| last(is_written))?;
        self.step(&notice.id).map(|step| (notice, step))
    }

    /// The items that a shut-off may rest on: those that its notice listed. `None` before there is a notice.
    pub fn listed_for(&self, stage: &Stage) -> Option<Vec<ItemId>> {
        self.notice_before(stage).map(|(_, step)| step.items.clone())
    }

    /// The day on which the stage's notice was mailed, left at the premises or handed over.
    pub fn written_evidence(&self, stage: &Stage) -> Result<Day, Verdict> {
        let (notice, _) = self.notice_before(stage).ok_or(Verdict::WaitsFor(EventKind::NoticeMailed, None))?;
        let kinds = [EventKind::NoticeMailed, EventKind::NoticePosted, EventKind::NoticeServed];
        kinds
            .iter()
            .find_map(|kind| self.event_of(&notice.id, *kind).ok())
            .ok_or_else(|| Verdict::WaitsFor(EventKind::NoticeMailed, Some(notice.id.clone())))
    }

    /// The day on which the notice reached people by one of the channels.
    pub fn notice_evidence(&self, stage: &Stage, by: &[Channel], from: ServedFrom) -> Result<Day, Verdict> {
        let Some((notice_stage, _)) = self.notice_before(stage) else {
            return Err(Verdict::WaitsFor(EventKind::NoticeMailed, None));
        };
        let mailed = match from {
            ServedFrom::Mailed => EventKind::NoticeMailed,
            ServedFrom::Served => EventKind::NoticeServed,
        };
        if by.contains(&Channel::Mail) {
            match self.event_of(&notice_stage.id, mailed) {
                Ok(day) => return Ok(day),
                Err(verdict) if by.len() == 1 => return Err(verdict),
                Err(_) => {}
            }
        }
        // What did not arrive by mail may have been said or left at the premises by another stage of the run.
        let other = |channel: Channel, kind: EventKind| {
            let ahead = self.track.stages.iter().take_while(|other| other.id != stage.id);
            let required = ahead.filter(|other| by.contains(&channel) && self.speaks_of_all(other));
            required.filter_map(|other| self.event_of(&other.id, kind).ok()).min()
        };
        earlier(other(Channel::Posting, EventKind::NoticePosted), other(Channel::Phone, EventKind::ContactMade))
            .ok_or_else(|| Verdict::WaitsFor(mailed, Some(notice_stage.id.clone())))
    }

    /// Whether the stage is one that the law requires, and rested on every debt of the view.
    fn speaks_of_all(&self, stage: &Stage) -> bool {
        let required = stage.acts.iter().any(|action| match action {
            Action::Notice(notice) => notice.statutory,
            Action::Tag(tag) => tag.statutory && !tag.to_tenants,
            Action::Call(call) | Action::Visit(call) => call.required,
            _ => false,
        });
        let listed = self.step(&stage.id).map(|step| &step.items);
        required && listed.is_some_and(|listed| self.view.items().all(|item| listed.contains(&item.id)))
    }

    /// What came of the required attempts ahead of the stage; what is still missing, where it is.
    pub fn contact_evidence(&self, stage: &Stage) -> Result<Contact, Verdict> {
        let ahead = || self.track.stages.iter().take_while(|other| other.id != stage.id);
        let calls = |other: &&Stage| {
            other.acts.iter().any(|act| matches!(act, Action::Call(call) | Action::Visit(call) if call.required))
        };
        let first = |kind| ahead().filter(calls).filter_map(|other| self.event_of(&other.id, kind).ok()).min();
        if let Some(made) = first(EventKind::ContactMade) {
            return Ok(Contact::Made(made));
        }
        let waits = |kind, wanted: &dyn Fn(&&Stage) -> bool| {
            Verdict::WaitsFor(kind, ahead().find(|other| wanted(other)).map(|other| other.id.clone()))
        };
        let failed = first(EventKind::ContactFailed).ok_or_else(|| waits(EventKind::ContactMade, &calls))?;
        let posting = |other: &&Stage| posts(other);
        let left =
            ahead().filter(posting).filter_map(|other| self.event_of(&other.id, EventKind::NoticePosted).ok()).min();
        left.map(|left| Contact::Failed(failed, left)).ok_or_else(|| waits(EventKind::NoticePosted, &posting))
    }

    /// The day on which the notice for the tenants of a landlord's account was left ahead of the shut-off.
    pub fn tenants_told(&self, stage: &Stage) -> Result<Day, Verdict> {
        let ahead = || {
            let ahead = self.track.stages.iter().take_while(|other| other.id != stage.id);
            ahead.filter(|other| {
                other.acts.iter().any(|act| matches!(act, Action::Tag(tag) if tag.statutory && tag.to_tenants))
            })
        };
        let left = ahead().filter_map(|other| self.event_of(&other.id, EventKind::NoticePosted).ok());
        left.min().ok_or_else(|| match ahead().next() {
            Some(other) => Verdict::WaitsFor(EventKind::NoticePosted, Some(other.id.clone())),
            None => Verdict::Unknown("no stage of the policy tells the tenants of the landlord's account".to_owned()),
        })
    }

    /// For a stage that tells the tenants of a landlord's account: whether the account is known for one only since other stages
    /// went past it.
    pub fn lacks_tenants(&self, stage: &Stage) -> bool {
        let tells = stage.acts.iter().any(|act| matches!(act, Action::Tag(tag) if tag.statutory && tag.to_tenants));
        let later = || self.track.stages.iter().skip_while(|other| other.id != stage.id);
        tells
            && self.view.snapshot.profile.landlords_tenants().is_some()
            && !later().any(|other| other.disconnects() && self.acted_on(&other.id).is_some())
    }

    /// The day on which the occupant's copy was mailed: a notice counts as mailed when all its pieces are.
    pub fn occupant_evidence(&self, stage: &Stage) -> Result<Day, Verdict> {
        let Some((notice_stage, _)) = self.notice_before(stage) else {
            return Err(Verdict::WaitsFor(EventKind::NoticeMailed, None));
        };
        let copies = notice_stage
            .acts
            .iter()
            .any(|action| matches!(action, Action::Notice(notice) if notice.to.contains(&Recipient::Occupant)));
        if !copies {
            return Err(Verdict::Unknown(format!("{} has no copy for the occupant", notice_stage.id)));
        }
        self.event_of(&notice_stage.id, EventKind::NoticeMailed)
    }
}

/// Whether the stage leaves a notice that the law requires at the premises. One for a landlord's tenants is another notice.
pub fn posts(stage: &Stage) -> bool {
    stage.acts.iter().any(|act| match act {
        Action::Tag(tag) => tag.statutory && !tag.to_tenants,
        Action::Notice(notice) => notice.statutory && notice.by.contains(&Channel::Posting),
        _ => false,
    })
}

fn is_statutory(stage: &Stage) -> bool {
    stage.acts.iter().any(|action| matches!(action, Action::Notice(notice) if notice.statutory))
}

/// Whether the stage leaves something in writing: a letter, or a tag at the door. An email alone is none.
fn is_written(stage: &Stage) -> bool {
    stage.acts.iter().any(|action| match action {
        Action::Notice(notice) => {
            notice.by.iter().any(|by| matches!(by, Channel::Mail | Channel::Posting | Channel::Hand))
        }
        Action::Tag(tag) => !tag.to_tenants,
        _ => false,
    })
}

/// Whether an event undoes earlier ones of the other kind.
const fn undoes(event: EventKind, earlier: EventKind) -> bool {
    match event {
        EventKind::NoticeReturned => matches!(earlier, EventKind::NoticeMailed | EventKind::NoticeServed),
        EventKind::NoticeVoided => {
            matches!(earlier, EventKind::NoticeMailed | EventKind::NoticeServed | EventKind::NoticePosted)
        }
        _ => false,
    }
}
