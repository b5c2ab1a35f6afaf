//! The account as of the cut-off: the statement with its running balance, the claim by service and kind, the open items.
//!
//! Computed once; the PDF, the CSV and the JSON show the same values.

use std::collections::{BTreeMap, BTreeSet};

use super::input::PacketInput;
use super::limitation::{self, Clock, Limitation};
use crate::domain::arrears::days_past_due;
use crate::domain::petition::{PERIOD_FROM, PERIOD_THROUGH};
use crate::domain::{Cents, Day, Entry, EntryId, EntryKind, OpenItem, Service};

/// Everything about the money at the cut-off.
#[derive(Debug)]
pub struct Statement<'a> {
    pub periods: Vec<Period<'a>>,
    pub claim: Claim,
    /// Oldest due first.
    pub items: Vec<ItemLine<'a>>,
    pub aging: Aging,
    pub last_payment: Option<&'a Entry>,
    /// Entries after the cut-off that are known: no part of the claim, and shown so that nobody is misled.
    pub later: Vec<&'a Entry>,
}

/// The lines from one billing date to the next.
#[derive(Debug)]
pub struct Period<'a> {
    /// `None` for what stands before the first bill.
    pub billed_on: Option<Day>,
    /// The days of service billed, where the bill states them.
    pub service: Option<(Day, Day)>,
    pub lines: Vec<Line<'a>>,
}

/// One ledger entry with the balance after it.
#[derive(Debug)]
pub struct Line<'a> {
    pub entry: &'a Entry,
    /// The day, in the city, on which the entry was recorded.
    pub recorded_on: Day,
    pub balance: Cents,
    pub tie: Option<Tie<'a>>,
}

/// What an entry undoes, or what undid it.
#[derive(Clone, Copy, Debug)]
pub enum Tie<'a> {
    Undoes(&'a Entry),
    UndoneBy(&'a Entry),
}

impl Line<'_> {
    /// The tie in words, with days as `show` writes them; empty where there is none.
    #[must_use]
    pub fn note(&self, show: fn(&Day) -> String) -> String {
        match self.tie {
            Some(Tie::Undoes(e)) => format!("Undoes {} {} of {}", e.kind, e.reference, show(&e.effective_on)),
            Some(Tie::UndoneBy(e)) => format!("Undone by {} on {}", e.reference, show(&e.effective_on)),
            None => String::new(),
        }
    }
}

/// What is claimed, by service and kind; open amounts, after all payments.
#[derive(Debug)]
pub struct Claim {
    pub rows: Vec<ClaimRow>,
    /// Credit that no debt has taken, zero or more; it lowers the total.
    pub unapplied: Cents,
    /// The ledger's balance.
    pub total: Cents,
    /// Of the open items, what is past due and what is not yet.
    pub past_due: Cents,
    pub not_due: Cents,
}

/// The open amounts of one service.
#[derive(Debug)]
pub struct ClaimRow {
    pub service: Service,
    pub charges: Cents,
    pub fees: Cents,
    pub interest: Cents,
    /// Adjustments, transfers and whatever else is a debt.
    pub other: Cents,
}

impl ClaimRow {
    /// The service's sum.
    #[must_use]
    pub fn total(&self) -> Cents {
        self.charges + self.fees + self.interest + self.other
    }
}

/// One open item with its limitation.
#[derive(Debug)]
pub struct ItemLine<'a> {
    pub item: &'a OpenItem,
    pub reference: &'a str,
    pub days_past_due: i64,
    pub limitation: Limitation,
    /// As of the day of the check.
    pub clock: Clock,
}

/// The aging at the cut-off, a row a service; the last row is the total, which is the balance.
#[derive(Debug)]
pub struct Aging {
    pub headings: Vec<String>,
    pub rows: Vec<(Option<Service>, Vec<Cents>)>,
}

/// Draws up the statement of `input`.
#[must_use]
pub fn draw(input: &PacketInput) -> Statement<'_> {
    let mut known: Vec<&Entry> = input.entries.iter().collect();
    known.sort_by_key(|entry| (entry.effective_on, entry.is_credit(), entry.id));
    let (through, later): (Vec<&Entry>, Vec<&Entry>) =
        known.into_iter().partition(|entry| entry.effective_on <= input.cut_off);
    let undone: BTreeSet<EntryId> = through.iter().filter_map(|entry| entry.reverses).collect();
    let last_payment = through.iter().rev().find(|e| e.kind == EntryKind::Payment && !undone.contains(&e.id)).copied();
    Statement {
        periods: periods(input, &through),
        claim: claim(input),
        items: items(input),
        aging: aging(input),
        last_payment,
        later,
    }
}

impl Statement<'_> {
    /// The limitation that ends first.
    #[must_use]
    pub fn first_limitation(&self) -> Option<&ItemLine<'_>> {
        self.items.iter().min_by_key(|line| (line.limitation.last_day, line.item.id))
    }

    /// The day on which the oldest open debt became delinquent.
    #[must_use]
    pub fn first_delinquent_on(&self) -> Option<Day> {
        self.items.iter().map(|line| line.limitation.accrued_on).min()
    }
}

fn periods<'a>(input: &PacketInput, entries: &[&'a Entry]) -> Vec<Period<'a>> {
    let by_id: BTreeMap<EntryId, &'a Entry> = entries.iter().map(|entry| (entry.id, *entry)).collect();
    let undone_by: BTreeMap<EntryId, &'a Entry> =
        entries.iter().filter_map(|entry| entry.reverses.map(|undone| (undone, *entry))).collect();
    let mut periods: Vec<Period<'a>> = Vec::new();
    let mut balance = Cents::ZERO;
    for entry in entries {
        balance += entry.amount;
        let undoes = entry.reverses.and_then(|undone| by_id.get(&undone)).map(|first| Tie::Undoes(first));
        let tie = undoes.or_else(|| undone_by.get(&entry.id).map(|by| Tie::UndoneBy(by)));
        let recorded_on = entry.recorded_at.with_timezone(&input.city.time_zone).date_naive();
        let line = Line { entry, recorded_on, balance, tie };
        let bill = (entry.kind == EntryKind::Charge).then_some(entry.effective_on);
        match periods.last_mut() {
            Some(period) if bill.is_none() || bill == period.billed_on => {
                period.service = period.service.or(service_period(entry));
                period.lines.push(line);
            }
            Some(_) | None => {
                periods.push(Period { billed_on: bill, service: service_period(entry), lines: vec![line] });
            }
        }
    }
    periods
}

fn service_period(entry: &Entry) -> Option<(Day, Day)> {
    Some((*entry.printed.get(PERIOD_FROM)?, *entry.printed.get(PERIOD_THROUGH)?))
}

fn claim(input: &PacketInput) -> Claim {
    let mut rows: BTreeMap<Service, ClaimRow> = BTreeMap::new();
    for item in &input.books.items {
        let row = rows.entry(item.service).or_insert(ClaimRow {
            service: item.service,
            charges: Cents::ZERO,
            fees: Cents::ZERO,
            interest: Cents::ZERO,
            other: Cents::ZERO,
        });
        let kind = match item.kind {
            EntryKind::Charge => &mut row.charges,
            EntryKind::Fee => &mut row.fees,
            EntryKind::Interest => &mut row.interest,
            EntryKind::Adjustment
            | EntryKind::Transfer
            | EntryKind::Payment
            | EntryKind::Deposit
            | EntryKind::Reversal
            | EntryKind::WriteOff => &mut row.other,
        };
        *kind += item.open;
    }
    let (past, ahead): (Vec<&OpenItem>, Vec<&OpenItem>) =
        input.books.items.iter().partition(|item| item.due_on < input.cut_off);
    Claim {
        rows: rows.into_values().collect(),
        unapplied: input.books.unapplied,
        total: input.books.balance,
        past_due: past.iter().map(|item| item.open).sum(),
        not_due: ahead.iter().map(|item| item.open).sum(),
    }
}

fn items(input: &PacketInput) -> Vec<ItemLine<'_>> {
    let references: BTreeMap<EntryId, &str> = input.entries.iter().map(|e| (e.id, e.reference.as_str())).collect();
    input
        .books
        .items
        .iter()
        .map(|item| {
            let limitation = limitation::of_item(item, input.policy.limitation_years);
            ItemLine {
                item,
                reference: references.get(&item.id).copied().unwrap_or_default(),
                days_past_due: days_past_due(item, input.cut_off),
                limitation,
                clock: limitation.on(input.checked_on),
            }
        })
        .collect()
}

fn aging(input: &PacketInput) -> Aging {
    let limits = &input.policy.buckets;
    let services: BTreeSet<Service> = input.books.items.iter().map(|item| item.service).collect();
    let mut rows: Vec<(Option<Service>, Vec<Cents>)> = services
        .into_iter()
        .map(|service| {
            let own: Vec<OpenItem> = input.books.items.iter().filter(|i| i.service == service).cloned().collect();
            (Some(service), limits.fill(&own, Cents::ZERO, input.cut_off))
        })
        .collect();
    rows.push((None, limits.fill(&input.books.items, input.books.unapplied, input.cut_off)));
    Aging { headings: limits.headings(), rows }
}
