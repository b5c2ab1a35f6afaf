//! The books: the ledger replayed, and held against the open items that everything else rests on.

use std::collections::BTreeSet;

use super::{Check, Examination, Finding, PAGE, Result};
use crate::audit::most_asked;
use crate::domain::arrears::BucketLimits;
use crate::domain::day::plus_days;
use crate::domain::ledger::{ApplicationOrder, IdleWriteOff, settle};
use crate::domain::{AccountId, Cents, Day, Entry, EntryId, EntryKind};
use crate::rulebook::policy::LedgerRules;
use crate::store::KeptBooks;

const REBUILD: &str = "the ledger is what counts: find who changed open items or entries outside Arrears, and compare with the backup \
                       from before";

impl Examination<'_> {
    pub(super) async fn books(&mut self) -> Result<[Check; 5]> {
        let mut open = Check::new("open items", "the open items are those that the ledger, replayed, leaves open");
        let mut balances =
            Check::new("balances", "buckets sum to the balance, and the balance is the sum of the entries");
        let mut reversals = Check::new("reversals", "what is undone is undone once, whole, on its own account");
        let mut stays = Check::new(
            "stayed debts",
            "nothing is asked for that a petition stays, by what the audit reads of each debt",
        );
        let rules = self.ledger_rules().await?;
        let mut after = AccountId(0);
        loop {
            let page = self.reading.books(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.account;
            for books in page {
                replay(&mut open, &mut balances, &books, &rules, self.office.today());
                undone(&mut reversals, &books);
                asked_for(&mut stays, &books, self.office.today());
            }
            self.watch(&open);
        }
        Ok([open, balances, reversals, stays, self.remittances().await?])
    }

    /// The rules of every adopted policy: an account was settled by those that were in force, and the order of application
    /// may have changed since.
    async fn ledger_rules(&self) -> Result<Vec<LedgerRules>> {
        let mut rules: Vec<LedgerRules> = Vec::new();
        for policy in self.office.store.policies().await?.into_iter().rev() {
            let ledger = self.office.rules_of(&policy.hash).await?.policy.ledger.clone();
            if !rules.iter().any(|known| known.order == ledger.order) {
                rules.push(ledger);
            }
        }
        if rules.is_empty() {
            let (order, buckets) = (ApplicationOrder::default(), BucketLimits::default());
            rules.push(LedgerRules { due_days: None, order, de_minimis: Cents::ZERO, buckets });
        }
        Ok(rules)
    }

    async fn remittances(&mut self) -> Result<Check> {
        let mut check = Check::new("remittances", "each source and reference stands in the ledger once");
        check.looked_at = u64::try_from(self.reading.through().await?.entry).unwrap_or(0);
        for (source, reference, times) in self.reading.doubles().await? {
            check.finds(
                Finding::at(format!("entry {source}/{reference}"))
                    .found(format!("posted {times} times"))
                    .expected("once")
                    .remedy(REBUILD),
            );
        }
        for matched in self.reading.posted_matches().await? {
            check.expects(matched.posted == 1, || {
                Finding::at(format!("unmatched payment {}/{}", matched.source, matched.reference))
                    .found(format!("matched, and posted {} times", matched.posted))
                    .expected("once")
                    .remedy(REBUILD)
            });
        }
        Ok(check)
    }
}

fn replay(open: &mut Check, balances: &mut Check, books: &KeptBooks, rules: &[LedgerRules], today: Day) {
    // What is dated ahead does not count yet; all else does, whatever the day.
    let last = books.entries.iter().map(|entry| entry.effective_on).max().unwrap_or(today);
    // A stay begins and ends by days that no entry need have.
    let as_of = books.future_on.map_or(last.max(today), |day| plus_days(day, -1));
    let replayed = |order: &ApplicationOrder| settle(&books.entries, order, &books.plans, as_of);
    let is_so = rules.iter().any(|rules| {
        let replayed = replayed(&rules.order);
        replayed.items == books.items
            && replayed.stayed == books.stayed
            && replayed.unapplied == books.unapplied
            && replayed.idle == books.idle
            && books.owed == books.items.iter().map(|item| item.open).sum::<Cents>()
    });
    let Some(first) = rules.first() else { return };
    open.expects(is_so, || {
        let now = replayed(&first.order);
        let differs = |item| !books.items.contains(item);
        let place = now.items.iter().find(|item| differs(item)).map(|item| item.id);
        let stored = |id: Option<EntryId>| books.items.iter().find(|item| Some(item.id) == id).map(|item| item.open);
        let says = place.and_then(|id| now.items.iter().find(|item| item.id == id)).map(|item| item.open);
        let sum = |items: &[crate::domain::OpenItem]| items.iter().map(|item| item.open).sum::<Cents>();
        let over = |idle: &[IdleWriteOff]| idle.iter().map(|idle| idle.left).sum::<Cents>();
        Finding::at(place.map_or_else(|| "open items".into(), |id| format!("open item {id}")))
            .of(books.account)
            .found(format!(
                "{} open in all, {} unapplied and {} left over of write-offs{}",
                sum(&books.items),
                books.unapplied,
                over(&books.idle),
                stored(place).map(|open| format!("; this one {open}")).unwrap_or_default()
            ))
            .expected(format!(
                "{} open in all, {} unapplied and {} left over of write-offs{}",
                sum(&now.items),
                now.unapplied,
                over(&now.idle),
                says.map(|open| format!("; this one {open}")).unwrap_or_default()
            ))
            .remedy(REBUILD)
    });
    let all: Vec<_> = books.items.iter().chain(&books.stayed).cloned().collect();
    let left_over: Cents = books.idle.iter().map(|idle| idle.left).sum();
    let stored: Cents = all.iter().map(|item| item.open).sum::<Cents>() - books.unapplied;
    let entries: Cents =
        books.entries.iter().filter(|entry| entry.effective_on <= as_of).map(|entry| entry.amount).sum::<Cents>()
            + left_over;
    let buckets: Cents = first.buckets.fill(&all, books.unapplied, today).iter().sum();
    balances.expects(stored == entries && buckets == stored, || {
        Finding::at("balance")
            .of(books.account)
            .found(format!("open items, with those stayed, less credit {stored}, buckets {buckets}"))
            .expected(format!("{entries}, the sum of the entries, without what is left over of write-offs"))
            .remedy(REBUILD)
    });
}

/// Of each open debt no more is asked for than the audit says that a petition leaves.
fn asked_for(check: &mut Check, books: &KeptBooks, today: Day) {
    for plan in &books.plans {
        let stands = plan.until.is_none_or(|last| today <= last);
        let Some(petition_on) = plan.stays.filter(|on| *on <= today && stands) else { continue };
        for item in &books.items {
            let most = most_asked(item, petition_on, plan.of_after.contains(&item.id));
            check.expects(item.open <= most, || {
                Finding::at(format!("open item {}", item.id))
                    .of(books.account)
                    .found(format!("{} is asked for under the petition of {petition_on}", item.open))
                    .expected(format!("{most} at most, the part of the time after"))
            });
        }
    }
}

fn undone(check: &mut Check, books: &KeptBooks) {
    let mut seen: BTreeSet<EntryId> = BTreeSet::new();
    for entry in books.entries.iter().filter(|entry| entry.kind == EntryKind::Reversal) {
        let original: Option<&Entry> =
            entry.reverses.and_then(|id| books.entries.iter().find(|original| original.id == id));
        let is_whole = original.is_some_and(|original| original.amount + entry.amount == Cents::ZERO);
        let is_first = entry.reverses.is_some_and(|id| seen.insert(id));
        check.expects(is_whole && is_first, || {
            Finding::at(format!("entry {}", entry.id))
                .of(books.account)
                .found(format!("a reversal of {}", entry.amount))
                .expected("the whole of one entry of the account that nothing else undoes")
                .remedy(REBUILD)
        });
    }
}
