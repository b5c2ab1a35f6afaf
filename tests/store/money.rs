//! Write-offs that have lost their debts, and payments that find nobody, on both databases.

use arrears::domain::fee::TwoFees;
use arrears::domain::person::Override;
use arrears::domain::proposal::{LeftOver, Proposed, to_write_off};
use arrears::domain::suggestion::{Lookup, suggest};
use arrears::domain::{AccountId, Cents, EntryId};
use arrears::store::{ExceptionKind, Store};

use super::{
    account, accounts_file, at, charge, day, lead, one_debtor, payment, profile, rules, snapshot, take, take_entries,
};

async fn told(store: &Store) -> Vec<String> {
    let lines = store.exceptions(true).await.unwrap().into_iter();
    lines.filter(|line| line.kind == ExceptionKind::WriteOffLeftOver).map(|line| line.text).collect()
}

/// What is open, what is left over of write-offs, and whether the account is frozen.
async fn stands(store: &Store, debtor: AccountId) -> (Vec<i64>, Vec<i64>, bool) {
    let seen = snapshot(store, debtor).await;
    (
        seen.items.iter().map(|item| item.open.get()).collect(),
        seen.idle.iter().map(|idle| idle.left.get()).collect(),
        seen.frozen.is_some(),
    )
}

pub async fn what_is_left_over_of_a_write_off_is_kept_told_and_taken_back_whole(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let owed: i64 = stands(&store, debtor).await.0.iter().sum();
    let stamp = lead("2026-06-01");
    let debts = to_write_off(&snapshot(&store, debtor).await.items, stamp.on);
    let amount: Cents = debts.iter().map(|debt| debt.open).sum();
    assert_eq!(amount.get(), owed);
    let id = store.propose(debtor, &Proposed::WriteOff { debts }, amount, "moved", &stamp).await.unwrap();
    store.approve_proposal(id, &[], &rules(), &lead("2026-06-02")).await.unwrap();
    take_entries(&store, vec![charge("1001", "C-NEW", 8_000, "2026-06-03", "2026-06-24")], &at("2026-06-03")).await;
    assert_eq!(stands(&store, debtor).await, (vec![8_000], vec![], false));
    // A check of May is learned on June 5.
    take_entries(&store, vec![payment("1001", "LATE", 500, "2026-05-20")], &at("2026-06-05")).await;
    assert_eq!(stands(&store, debtor).await, (vec![8_000], vec![500], true));
    assert!(told(&store).await[0].starts_with("$5.00 of the write-off of "));
    let idle = snapshot(&store, debtor).await.idle;
    let what = |left| Proposed::Reinstatement {
        write_offs: vec![idle[0].write_off],
        facts: Vec::new(),
        left_over: vec![LeftOver { write_off: idle[0].write_off, left: Cents::new(left) }],
        partly: Vec::new(),
    };
    let stamp = lead("2026-06-06");
    let stale = store.propose(debtor, &what(400), Cents::new(400), "paid", &stamp).await.unwrap();
    let refused = store.approve_proposal(stale, &[], &rules(), &stamp).await.unwrap_err().to_string();
    assert!(refused.contains("from $4.00 to $5.00"), "{refused}");
    let id = store.propose(debtor, &what(500), Cents::new(500), "paid", &stamp).await.unwrap();
    store.approve_proposal(id, &[], &rules(), &stamp).await.unwrap();
    assert_eq!(stands(&store, debtor).await, (vec![8_000], vec![], false));
    assert!(told(&store).await.is_empty());
    // As it was known on the day in between.
    let then = store.snapshot_as_of(debtor, day("2026-06-05"), at("2026-06-05").at, &rules()).await.unwrap();
    assert_eq!((then.idle.len(), then.frozen.is_some()), (1, true));
}

pub async fn a_payment_of_no_account_finds_those_that_it_may_be_for(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let owed = stands(&store, debtor).await.0.iter().sum::<i64>();
    let known = |number: &str, name: &str, customer: &str| {
        let mut profile = profile(number);
        name.clone_into(&mut profile.customer_name);
        profile.attributes.insert("customer".into(), customer.into());
        profile
    };
    let mut old = known("2001", "Lee Wong", "C-9");
    old.ended = Some(day("2026-01-31"));
    let people = [old, known("3005", "Lee Wong", "C-9")];
    take(&store, &accounts_file(&people), &at("2026-05-01")).await;
    let mut by_name = payment("99", "P-3", 100, "2026-05-02");
    by_name.memo = "WONG, LEE".into();
    let rows = [
        payment("1010", "P-1", owed, "2026-05-02"),
        payment("9999", "P-2", owed, "2026-05-02"),
        by_name,
        payment("2010", "P-4", 100, "2026-05-02"),
    ];
    let lookups: Vec<Lookup> = rows.iter().map(Lookup::of).collect();
    let candidates = store.candidates_for(&lookups, day("2026-01-01")).await.unwrap();
    let said: Vec<String> = lookups
        .iter()
        .map(|lookup| {
            let found = suggest(lookup, &candidates);
            found.iter().map(|one| format!("{}: {}", one.number, one.why())).collect::<Vec<_>>().join(" | ")
        })
        .collect();
    assert_eq!(
        said,
        [
            "1001: two digits of its number are swapped; owes just that",
            "1001: owes just that",
            "2001: the payer's name | 3005: the payer's name",
            "3005: the customer of 2001, which has ended | 2001: two digits of its number are swapped",
        ]
        .map(str::to_owned)
    );
    let found = account(&store, "1001").await;
    assert_eq!(found, debtor);
}

pub async fn that_two_fees_are_two_is_kept_with_who_said_it(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let said = |reason: &str| Override { by: "Ida".into(), reason: reason.into(), on: day("2026-05-02") };
    let two = |reason| TwoFees { own: EntryId(1), other: EntryId(2), said: said(reason) };
    let seen = snapshot(&store, debtor).await.facts_seq;
    for reason in ["a second reading", "a second reading of May 4"] {
        store.say_two_fees(debtor, &two(reason), &lead("2026-05-02")).await.unwrap();
    }
    assert_eq!(store.two_fees_of(debtor).await.unwrap(), [two("a second reading of May 4")]);
    assert!(seen < snapshot(&store, debtor).await.facts_seq, "what rests on the ledger is looked at again");
    let log = store.log_of(debtor, 10).await.unwrap();
    assert_eq!(log.iter().filter(|line| line.what == "two fees").count(), 2);
}
