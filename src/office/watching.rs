//! What a night looks for beyond the accounts that are due: debts that follow their customer, customers who have come back,
//! placed debts that have to be called back, and debts that time will bar.
//!
//! None of it is looked for among all accounts. What is found of an account is otherwise by a fact, which raises its number
//! above the one at which it was looked at last (what the daemon tells and charges by itself is none); by a debt that reaches a day, which the due dates tell; or by a day of a
//! hold's or an arrangement's, on account of which it is looked at every night. Under a policy that was not in force at the
//! last look everything is looked at. The test below holds that against looking at everything on every day.

use super::{Office, Result, Rules};
use crate::domain::day::plus_days;
use crate::domain::{AccountId, Day};
use crate::store::{Among, Watched};

/// Accounts looked at together: a wait for the disk each.
const PAGE: u32 = 10_000;

impl Office {
    /// Looks at what has changed since the last look, and at what the days since have brought.
    ///
    /// # Errors
    /// When the database fails; the next look then finds the same.
    pub(super) async fn watch(&self, rules: &Rules, day: Day) -> Result<()> {
        let now = Watched { through: day, policy: rules.policy.hash.clone() };
        let last = self.store.watched().await?;
        let last = last.filter(|last| last.policy == now.policy && last.through <= day);
        self.watch_accounts(rules, day, last.is_none()).await?;
        if let Some(last) = last {
            self.watch_days(rules, last.through, day).await?;
        }
        self.tell_returning().await?;
        self.tell_all_rulings(day).await?;
        Ok(self.store.put_watched(&now).await?)
    }

    /// Looks at accounts with facts since the last look, or at all of them, page by page.
    async fn watch_accounts(&self, rules: &Rules, day: Day, all: bool) -> Result<()> {
        let stamp = self.daemon_stamp(day);
        let mut after = None;
        loop {
            let page = self.store.to_look(all, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.account);
            let accounts: Vec<AccountId> = page.iter().map(|look| look.account).collect();
            let mut again = self.propose_debts_that_follow(&accounts, rules, day).await?;
            self.store.note_returning(&accounts, &stamp).await?;
            again.extend(self.watch_placed(&accounts).await?);
            self.watch_limitation(&rules.policy, Among::Accounts(&accounts), day).await?;
            self.store.looked(&page, &again).await?;
        }
    }

    /// Looks at debts that have come to be past due, old enough to follow, or near their limitation, since `last`.
    async fn watch_days(&self, rules: &Rules, last: Day, day: Day) -> Result<()> {
        let past_due = self.store.left_owing(last, plus_days(day, -1)).await?;
        if !past_due.is_empty() {
            self.store.note_returning(&past_due, &self.daemon_stamp(day)).await?;
        }
        if let Some(follow) = rules.policy.debts_follow {
            let (first, through) = (plus_days(last, 1 - follow.least_days()), plus_days(day, -follow.least_days()));
            let old_enough = self.store.left_owing(first, through).await?;
            if !old_enough.is_empty() {
                let again = self.propose_debts_that_follow(&old_enough, rules, day).await?;
                self.store.looked(&[], &again).await?;
            }
        }
        self.watch_limitation(&rules.policy, Among::Since(last), day).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::domain::dispute::{DisputeState, Side};
    use crate::domain::hold::HoldKind;
    use crate::domain::{Language, Role};
    use crate::office::testing::{City, day};
    use crate::office::{DisputeRequest, RulingRequest};
    use crate::store::{ExceptionKind, StaffMember};

    const ACCOUNTS: &str = "account,customer_name,customer,service_address,service_city,service_state,service_zip,phone,\
                            services,occupancy,class,service_ended\n";
    const CHARGES: &str = "account,service,amount,billed_on,due_on,source,reference\n";
    const PAYMENTS: &str = "account,amount,received_on,channel,source,reference\n";
    const DEPOSITS: &str = "account,amount,interest,received_on,returned_on,source,reference\n";
    /// The accounts of the history, two and three to a customer.
    const NUMBERS: u64 = 8;
    const DAYS: i64 = 60;

    /// Whole numbers from a seed, the same on every machine (`SplitMix64`).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: u64) -> i64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            i64::try_from((mixed ^ (mixed >> 31)) % n).unwrap()
        }

        /// The same, as a place in a list.
        fn place(&mut self, n: u64) -> usize {
            usize::try_from(self.below(n)).unwrap()
        }
    }

    /// What happens on a day, the same in both cities.
    #[derive(Clone, Debug)]
    enum Fact {
        File(String, String),
        Hold(i64, HoldKind, i64, Option<i64>),
        HoldEnds(usize),
        Proposal(usize, bool),
        /// The whole account is disputed; the nth dispute that is open is decided for the city.
        Dispute(i64),
        Ruling(usize),
        Policy(i64),
    }

    fn number(n: i64) -> String {
        format!("20-00{n:04}")
    }

    fn fact(dice: &mut Dice, today: Day, n: usize) -> Fact {
        let account = dice.below(NUMBERS);
        let row = |head: &str, row: String| format!("{head}{row}\n");
        match dice.below(12) {
            0..=3 => {
                // Of the last years as well, so that limitations come near and pass.
                let due = plus_days(today, [20, -1, -10, -28, -40, -550, -551, -730, -731][dice.place(9)]);
                let (account, cents) = (number(account), 20 + dice.below(90));
                let billed = plus_days(due, -21).min(today);
                Fact::File(
                    "charges.csv".into(),
                    row(CHARGES, format!("{account},water,{cents}.00,{billed},{due},cis,B{n}")),
                )
            }
            4 | 5 => {
                let (account, cents) = (number(account), 10 + dice.below(120));
                Fact::File(
                    "payments.csv".into(),
                    row(PAYMENTS, format!("{account},{cents}.00,{today},lockbox,lockbox,P{n}")),
                )
            }
            6 | 7 => Fact::File("accounts.csv".into(), row(ACCOUNTS, profile(dice, account, today))),
            8 => {
                let kinds = [HoldKind::Bankruptcy, HoldKind::Investigation, HoldKind::Medical, HoldKind::Dispute];
                let kind = kinds[dice.place(4)];
                let through = (dice.below(2) == 0).then(|| dice.below(12));
                Fact::Hold(account, kind, dice.below(4), through)
            }
            9 => Fact::HoldEnds(dice.place(5)),
            10 => Fact::Proposal(dice.place(3), dice.below(2) == 0),
            _ => match dice.below(6) {
                0 => Fact::Policy(10 + dice.below(3) * 10),
                // Of an account whose debt is out.
                1 => Fact::Dispute([1, 4][dice.place(2)]),
                2 => Fact::Ruling(dice.place(2)),
                _ => {
                    let account = number(account);
                    Fact::File("deposits.csv".into(), row(DEPOSITS, format!("{account},30.00,,2019-08-01,,cis,D{n}")))
                }
            },
        }
    }

    /// A record of the billing system: service goes on or ends; the number of the customer is known or not.
    fn profile(dice: &mut Dice, account: i64, today: Day) -> String {
        let ended = match dice.below(5) {
            0 | 1 => String::new(),
            2 => plus_days(today, 3).to_string(),
            back => plus_days(today, -back * 7).to_string(),
        };
        let customer = if dice.below(4) == 0 { String::new() } else { format!("C-{}", account % 3) };
        let class = if dice.below(4) == 0 { "commercial" } else { "residential" };
        format!(
            "{},Customer {},{customer},{account} Elm St,Riverbend,CA,95600,(916) 555-010{},water,owner,{class},{ended}",
            number(account),
            account % 3,
            account % 3
        )
    }

    async fn history() -> City {
        let city = City::new().await;
        for (name, role) in [("Ruth", Role::Lead), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        let mut dice = Dice(7);
        let rows: Vec<String> = (0..NUMBERS).map(|n| profile(&mut dice, n.cast_signed(), day("2026-03-02"))).collect();
        city.takes("accounts.csv", &format!("{ACCOUNTS}{}\n", rows.join("\n"))).await;
        let bills: Vec<String> = (0..NUMBERS.cast_signed())
            .map(|n| format!("{},water,80.00,2026-02-01,2026-02-{:02},cis,A{n}", number(n), 10 + n))
            .collect();
        city.takes("charges.csv", &format!("{CHARGES}{}\n", bills.join("\n"))).await;
        for n in [1, 4] {
            city.is_out(&number(n)).await;
        }
        city
    }

    impl City {
        async fn lives(&self, fact: &Fact) -> bool {
            let office = &self.office;
            match fact {
                Fact::File(name, text) => {
                    self.inbox(name, text);
                    office.take_inbox().await.unwrap().taken == 1
                }
                Fact::Hold(account, kind, from, through) => {
                    let account = office.account(&number(*account)).await.unwrap().id;
                    let from = plus_days(office.today(), *from);
                    let days = (Some(from), through.map(|days| plus_days(from, days)));
                    office.hold(account, *kind, days, "a history", "Ruth").await.is_ok()
                }
                Fact::HoldEnds(nth) => {
                    let holds = office.store.holds_on(office.today()).await.unwrap();
                    let Some((_, hold)) = holds.get(*nth) else { return false };
                    office.end_hold(hold.id, "a history", "Ruth").await.is_ok()
                }
                Fact::Dispute(account) => {
                    let account = office.account(&number(*account)).await.unwrap().id;
                    let reason = "a history".to_owned();
                    let request = DisputeRequest { items: Vec::new(), reason, raised_on: None };
                    office.open_dispute(account, &request, "Ruth").await.is_ok()
                }
                Fact::Ruling(nth) => {
                    let mut open = office.store.disputes().await.unwrap();
                    open.retain(|(_, dispute)| dispute.state() == DisputeState::Open);
                    let Some((_, dispute)) = open.get(*nth) else { return false };
                    let findings = "a history".to_owned();
                    let ruling = RulingRequest { side: Side::City, findings, credit: None };
                    office.decide_dispute(dispute.id, &ruling, "Ruth").await.is_ok()
                }
                Fact::Proposal(nth, yes) => {
                    let mut open = office.store.proposals(true).await.unwrap();
                    open.sort_by_key(|proposal| (proposal.account, proposal.amount));
                    let Some(proposal) = open.get(*nth) else { return false };
                    if *yes {
                        office.approve_proposal(proposal.id, "Ida").await.is_ok()
                    } else {
                        office.decline_proposal(proposal.id, "a history", "Ida").await.is_ok()
                    }
                }
                Fact::Policy(after) => {
                    let text = crate::rulebook::shipped().get("riverbend.yaml").unwrap().to_owned();
                    let after = format!("classes: same, after: {after} days");
                    let text = text.replace("classes: same, after: 30 days", &after);
                    let path = self.office.dir.join("policy.yaml");
                    std::fs::write(&path, text).unwrap();
                    office.adopt_policy(&path, None, "Ruth").await.is_ok()
                }
            }
        }

        /// All that nights have found, without the numbers under which it stands.
        async fn found(&self) -> Vec<String> {
            let store = &self.office.store;
            let mut found = Vec::new();
            for proposal in store.proposals(false).await.unwrap() {
                let what = json!([proposal.what, proposal.state, proposal.proposed_on, proposal.decided_on]);
                found.push(format!("{} {what}", proposal.account));
            }
            for pair in store.kinships(false).await.unwrap() {
                found.push(format!("{} {} {:?} {}", pair.account, pair.debtor, pair.matches, pair.opened_on));
            }
            for line in store.exceptions(false).await.unwrap() {
                let text = if line.kind == ExceptionKind::ReturningDebtor { "" } else { &line.text };
                found.push(format!(
                    "{:?} {:?} {text} {} {:?}",
                    line.account, line.kind, line.opened_on, line.cleared_on
                ));
            }
            found.sort();
            found
        }
    }

    /// One city looks at what has changed, the other at everything, every night.
    async fn both_find_the_same(seed: u64, reached: &mut BTreeMap<&'static str, usize>) {
        let (changed, all) = (history().await, history().await);
        let mut dice = Dice(seed);
        let mut n = 0;
        for past in 1..=DAYS {
            let today = plus_days(day("2026-03-02"), past);
            for city in [&changed, &all] {
                city.at(&today.to_string(), "04:00");
            }
            all.office.store.tampers("DELETE FROM watched").await.unwrap();
            for city in [&changed, &all] {
                city.office.night(today).await.unwrap();
            }
            assert_eq!(changed.found().await, all.found().await, "seed {seed}, the night of {today}");
            for city in [&changed, &all] {
                city.at(&today.to_string(), "10:00");
            }
            for _ in 0..dice.below(4) {
                n += 1;
                let fact = fact(&mut dice, today, n);
                assert_eq!(changed.lives(&fact).await, all.lives(&fact).await, "seed {seed}, {today}: {fact:?}");
            }
        }
        let store = &changed.office.store;
        assert!(store.to_look(false, None, 100).await.unwrap().len() < 8, "seed {seed}: most have been looked at");
        *reached.entry("proposals").or_default() += store.proposals(false).await.unwrap().len();
        for line in store.exceptions(false).await.unwrap() {
            *reached.entry(line.kind.word()).or_default() += 1;
        }
    }

    #[tokio::test]
    async fn looking_at_what_has_changed_finds_what_looking_at_everything_finds_on_every_day_of_random_histories() {
        let mut reached = BTreeMap::new();
        for seed in 1..=3 {
            both_find_the_same(seed, &mut reached).await;
        }
        for what in ["proposals", "returning_debtor", "recall_referral", "limitation_near", "limitation_passed"] {
            assert!(reached.contains_key(what), "no history reaches {what}: {reached:?}");
        }
    }
}
