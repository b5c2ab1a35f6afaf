//! The dated stories of a policy: played on the real engine, and held against what they expect.

use std::collections::BTreeSet;

use super::account::{Account, Payment};
use super::division::Division;
use crate::domain::arrangement::Installment;
use crate::domain::day::plus_days;
use crate::domain::hold::Hold;
use crate::domain::proof::Proof;
use crate::domain::{
    Address, Calendar, Cents, CustomerClass, Day, HoldId, Language, Occupancy, Profile, ProofId, Service, StageId,
    World,
};
use crate::rulebook::Policy;
use crate::rulebook::policy::{Story, StoryFacts};

/// How long a story goes on after its last expectation, in days, when it does not say.
const AFTERMATH_DAYS: i64 = 60;

/// Something that was decided on a day of a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    pub on: Day,
    pub stage: StageId,
    /// `notice`, `fee`, `disconnect`.
    pub act: &'static str,
    pub amount: Option<Cents>,
}

/// Where a story and its rehearsal differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    #[error("{story}: expected {stage} on {on}, and it did not happen{}", other_days(.others))]
    Missing { story: String, stage: StageId, on: Day, others: Vec<Day> },
    #[error("{story}: {stage} happened on {on}, which the story does not expect")]
    Unexpected { story: String, stage: StageId, on: Day },
    #[error("{story}: expected {stage} on {on} to post {expected}, and it posted {}", amount_words(*.got))]
    Amount { story: String, stage: StageId, on: Day, expected: Cents, got: Option<Cents> },
}

fn other_days(days: &[Day]) -> String {
    if days.is_empty() {
        return String::new();
    }
    let days: Vec<String> = days.iter().map(ToString::to_string).collect();
    format!(" (it happened on {})", days.join(", "))
}

fn amount_words(amount: Option<Cents>) -> String {
    amount.map_or_else(|| "nothing".to_owned(), |amount| amount.to_string())
}

/// Plays a story and says where it differs from what the policy expects.
///
/// The stages that the story names must act on exactly the days named; other stages may act besides. A story that
/// expects nothing at all asserts that nothing happens.
///
/// # Errors
/// The audit's sentence, when it refuses a decision.
pub fn play(policy: &Policy, calendar: &Calendar, story: &Story) -> Result<Vec<Difference>, String> {
    let last_fact = story.facts.bills.iter().map(|bill| bill.due).max().unwrap_or(crate::domain::day::FIRST_DAY);
    let last_expected = story.expect.iter().map(|(day, _)| *day).max().unwrap_or(last_fact);
    let until = story.facts.until.unwrap_or_else(|| plus_days(last_expected.max(last_fact), AFTERMATH_DAYS));
    let happened = live(policy, calendar, &story.facts, until)?;
    Ok(compare(story, &happened))
}

/// Lives every day of a story and returns what was decided.
fn live(policy: &Policy, calendar: &Calendar, facts: &StoryFacts, until: Day) -> Result<Vec<Happened>, String> {
    let first = facts.bills.iter().map(|bill| bill.billed).min().unwrap_or(crate::domain::day::FIRST_DAY);
    let world = World { today: first, calendar: calendar.clone(), moratoria: Vec::new() };
    let mut account = Account::new(policy, world, profile(facts));
    let division = Division { mails_on: facts.mailed.clone(), contact: facts.contact, ..Division::default() };
    let mut happened = Vec::new();
    let mut day = first;
    while day <= until {
        account.begin(day);
        tell(&mut account, facts, day);
        let (is_due, before) = (account.is_due(), account.case().cloned());
        let decision = account.decide()?;
        // What is not due to be looked at must not change: the next review is a promise.
        if !is_due && decision.changes(before.as_ref()) {
            return Err(format!("{day}: decided something on a day that no review was due"));
        }
        happened.extend(decision.acts.iter().map(|act| Happened {
            on: act.for_day,
            stage: act.key.of.stage.clone(),
            act: act.action.word(),
            amount: act.amount,
        }));
        account.carry_out(&decision, &division);
        day = plus_days(day, 1);
    }
    Ok(happened)
}

/// The story's facts of a day: bills, payments, returns, events, holds.
fn tell(account: &mut Account, facts: &StoryFacts, day: Day) {
    for bill in facts.bills.iter().filter(|bill| bill.billed == day) {
        account.bill(bill.service, bill.amount, bill.due);
    }
    for (_, amount) in facts.payments.iter().filter(|(on, _)| *on == day) {
        account.pay(Payment { amount: *amount, received_on: day, item: None, service: None });
    }
    for (_, amount) in facts.returned.iter().filter(|(on, _)| *on == day) {
        account.return_payment(Some(*amount));
    }
    for (_, kind) in facts.events.iter().filter(|(on, _)| *on == day) {
        account.happens(*kind, None);
    }
    for (_, installments) in facts.arrangements.iter().filter(|(on, _)| *on == day) {
        let installments = installments.iter().map(|(due_on, amount)| Installment { due_on: *due_on, amount: *amount });
        account.arrange(installments.collect());
    }
    for _ in facts.reinstated.iter().filter(|on| **on == day) {
        account.reinstate();
    }
    for (kind, from, through) in facts.shown.iter().filter(|(_, from, _)| *from == day) {
        account.shows(Proof {
            id: ProofId(0),
            kind: *kind,
            evidence: "story".into(),
            from: *from,
            through: *through,
            ended_on: None,
            recorded_by: "story".into(),
            recorded_on: *from,
        });
    }
    for (kind, from, through) in facts.holds.iter().filter(|(_, from, _)| *from == day) {
        account.hold(Hold {
            id: HoldId(0),
            kind: *kind,
            from: *from,
            through: *through,
            ended_on: if kind.ends_by_decision() { through.map(|last| plus_days(last, 1)) } else { None },
            items: BTreeSet::new(),
            stops_clock: false,
            reason: "story".into(),
            placed_by: "story".into(),
            placed_on: *from,
            estate: None,
        });
    }
}

/// A tenant at one address, with the services that are billed.
fn profile(facts: &StoryFacts) -> Profile {
    let home = Address {
        line1: "1 Story Lane".into(),
        city: "Riverbend".into(),
        state: "CA".into(),
        zip: "95600".into(),
        ..Address::default()
    };
    let elsewhere = Address { line1: "PO Box 1".into(), ..home.clone() };
    let services: BTreeSet<Service> = facts.bills.iter().map(|bill| bill.service).collect();
    Profile {
        number: "STORY".into(),
        customer_name: "A. Customer".into(),
        mailing_address: if facts.mails_elsewhere { elsewhere } else { home.clone() },
        service_address: home,
        email: None,
        phones: vec!["5555550100".into()],
        language: Language::English,
        class: facts.class.unwrap_or(CustomerClass::Residential),
        services: services.into_iter().collect(),
        owner: None,
        occupancy: Occupancy::Tenant,
        third_party: None,
        since: None,
        ended: None,
        attributes: facts.attributes.clone(),
    }
}

fn compare(story: &Story, happened: &[Happened]) -> Vec<Difference> {
    let name = || story.name.clone();
    let mut differences = Vec::new();
    let mut named = Vec::new();
    for (day, expected) in &story.expect {
        for one in expected {
            named.push((one.stage.clone(), *day));
            let of_stage: Vec<&Happened> = happened.iter().filter(|h| h.stage == one.stage).collect();
            let on_day: Vec<&&Happened> = of_stage.iter().filter(|h| h.on == *day).collect();
            if on_day.is_empty() {
                let mut others: Vec<Day> = of_stage.iter().map(|h| h.on).collect();
                others.dedup();
                differences.push(Difference::Missing { story: name(), stage: one.stage.clone(), on: *day, others });
            } else if let Some(expected) = one.fee {
                let got = on_day.iter().find(|h| h.act == "fee").and_then(|h| h.amount);
                if got != Some(expected) {
                    differences.push(Difference::Amount {
                        story: name(),
                        stage: one.stage.clone(),
                        on: *day,
                        expected,
                        got,
                    });
                }
            }
        }
    }
    let nothing_expected = story.expect.is_empty();
    for h in happened {
        let is_named = named.iter().any(|(stage, _)| *stage == h.stage);
        let is_expected = named.contains(&(h.stage.clone(), h.on));
        if (is_named || nothing_expected) && !is_expected {
            let difference = Difference::Unexpected { story: name(), stage: h.stage.clone(), on: h.on };
            if !differences.contains(&difference) {
                differences.push(difference);
            }
        }
    }
    differences
}
