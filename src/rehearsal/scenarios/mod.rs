//! What the engine means by its words, each statement a dated scenario on the policy of Riverbend.
//!
//! The bill is of March 2, 2026, due Monday March 23: $240.00 of water unless a scenario says otherwise. Left alone it
//! gets a late fee on April 2, a final notice on May 1, the call on May 8, and is shut off on Friday May 22.

mod announced;
mod answered;
mod arrangements;
mod contact;
mod course;
mod fees;
mod holds;
mod law;
mod notices;
mod placed;
mod restored;
mod served;
mod stays;

use super::account::{Account, Payment};
use super::division::Division;
use crate::domain::day::plus_days;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::testing::{day, profile};
use crate::domain::{Act, Cents, Decision, HoldId, ItemId, Service, World};
use crate::rulebook;
use crate::rulebook::{Policy, calendar};

fn riverbend() -> Policy {
    rulebook::load(&rulebook::shipped(), "riverbend.yaml").unwrap()
}

/// An account as it is lived, and what was decided.
struct Tale<'a> {
    account: Account<'a>,
    division: Division,
    acts: Vec<Act>,
    last: Option<Decision>,
}

impl<'a> Tale<'a> {
    /// On March 2, owing $240.00 of water due March 23. Customers are reached when they are called.
    fn new(policy: &'a Policy) -> Self {
        let mut tale = Self::owing_nothing(policy);
        tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
        tale
    }

    fn owing_nothing(policy: &'a Policy) -> Self {
        let path = format!("calendars/{}.yaml", policy.calendar);
        let calendar = calendar::load(rulebook::shipped().get(&path).unwrap(), &path).unwrap();
        let world = World { today: day("2026-03-02"), calendar, moratoria: Vec::new() };
        Self {
            account: Account::new(policy, world, profile()),
            division: Division { contact: Some(true), ..Division::default() },
            acts: Vec::new(),
            last: None,
        }
    }

    /// Lives through the day before, and then tells the account what happens on the day.
    fn on(&mut self, on: &str, tell: impl FnOnce(&mut Account<'a>)) -> &mut Self {
        let on = day(on);
        while self.account.world.today < on {
            self.decide();
            self.account.begin(plus_days(self.account.world.today, 1));
        }
        tell(&mut self.account);
        self
    }

    /// Lives through the day.
    fn through(&mut self, last: &str) -> &mut Self {
        self.on(last, |_| {}).decide();
        self
    }

    /// The daemon is down until the day.
    fn down_until(&mut self, back: &str) -> &mut Self {
        self.account.begin(day(back));
        self
    }

    fn decide(&mut self) {
        let decision = self.account.decide().unwrap();
        self.account.carry_out(&decision, &self.division);
        self.acts.extend(decision.acts.clone());
        self.last = Some(decision);
    }

    /// The days for which the stage acted, as they are written.
    fn days(&self, stage: &str) -> Vec<String> {
        let of_stage = self.acts.iter().filter(|act| act.key.of.stage.as_str() == stage);
        of_stage.map(|act| act.for_day.to_string()).collect()
    }

    fn amounts(&self, stage: &str) -> Vec<i64> {
        let of_stage = self.acts.iter().filter(|act| act.key.of.stage.as_str() == stage);
        of_stage.filter_map(|act| act.amount.map(Cents::get)).collect()
    }
}

fn hold(kind: HoldKind, from: &str, through: Option<&str>) -> Hold {
    Hold {
        id: HoldId(0),
        kind,
        from: day(from),
        through: through.map(day),
        ended_on: None,
        items: std::collections::BTreeSet::new(),
        stops_clock: false,
        reason: "scenario".into(),
        placed_by: "scenario".into(),
        placed_on: day(from),
        estate: None,
    }
}

fn pay(account: &mut Account, cents: i64) {
    let received_on = account.world.today;
    account.pay(Payment { amount: Cents::new(cents), received_on, item: None, service: None });
}

fn pay_for(account: &mut Account, cents: i64, item: ItemId) {
    let received_on = account.world.today;
    account.pay(Payment { amount: Cents::new(cents), received_on, item: Some(item), service: None });
}

/// A policy under California's pack whose contact and posting are there, and may come to nothing.
const HASTY: &str = "
policy: hasty
title: The contact and the posting are passed over for small debts
authority: none
effective: {from: 2026-01-01}
time_zone: America/Los_Angeles
calendar: us-federal
services: [water]
extends: [us-ca-water]
tracks:
  restoration:
    opens: shut off
    stages: {told: {start: 0 days after shut off, do: {notice: how_to_restore, statutory: yes}, cite: a}}
  shut_off:
    stages:
      final_notice:
        start: 39 days after due
        do: {notice: final_notice, by: mail, statutory: yes, copies: [occupant]}
        cite: a
      tenants:
        start: 40 days after due
        if: landlord account
        do: {tag: tenants_notice, to: tenants, statutory: yes}
        cite: a
      contact:
        start: 7 days after final_notice mailed
        if: past due >= 500.00
        do: {call: soon, attempts: 1, required: yes, or: visit}
        cite: b
      default_posting:
        lead: 5 business days before shut_off
        if: arrangement missed
        do: {tag: shut_off_tag, statutory: yes}
        cite: b
      posting: {start: 59 days after due, if: past due >= 500.00, do: {tag: shut_off_tag, statutory: yes}, cite: b}
      shut_off:
        start: [60 days after due, 15 days after final_notice mailed, 7 business days after final_notice mailed]
        do: disconnect
        cite: c
";

/// Learned today, received on the day given.
fn learn_late(account: &mut Account, cents: i64, received: &str) {
    account.pay(Payment { amount: Cents::new(cents), received_on: day(received), item: None, service: None });
}

const MONTHLY: &str = "
policy: monthly
title: Interest every month, and a charge for each bad check
authority: none
effective: {from: 2026-01-01}
time_zone: America/Los_Angeles
calendar: us-federal
services: [water]
tracks:
  interest:
    per: bill
    stages:
      interest: {start: 10 days after due, every: 1 month, do: {fee: 1% of unpaid charges, name: interest}, cite: a}
  bad_check:
    opens: payment returned
    stages:
      charge: {start: 0 days after payment returned, do: {fee: 25.00, name: returned payment}, cite: b}
";

fn monthly() -> Policy {
    rulebook::load(&rulebook::shipped().with("monthly.yaml", MONTHLY), "monthly.yaml").unwrap()
}
