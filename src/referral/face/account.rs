//! The money on the pages: the claim, the statement by billing period, the open items, the aging.

use serde_json::{Value, json};

use super::super::input::PacketInput;
use super::super::limitation::Clock;
use super::super::statement::Statement;
use super::super::tables::sides;
use super::super::timeline::words;
use super::{blank_zero, capital, plain, us};

pub fn claim(statement: &Statement<'_>) -> Value {
    let claim = &statement.claim;
    let rows: Vec<Value> = claim
        .rows
        .iter()
        .map(|row| {
            let amounts = [row.charges, row.fees, row.interest, row.other, row.total()];
            json!({ "service": capital(row.service.word()), "amounts": amounts.map(blank_zero) })
        })
        .collect();
    json!({
        "rows": rows,
        "unapplied": claim.unapplied.is_positive().then(|| (-claim.unapplied).to_string()),
        "past_due": claim.past_due.to_string(),
        "not_due": claim.not_due.to_string(),
        "total": claim.total.to_string(),
    })
}

pub fn periods(statement: &Statement<'_>) -> Vec<Value> {
    statement
        .periods
        .iter()
        .map(|period| {
            let heading = match (period.billed_on, period.service) {
                (Some(on), Some((from, to))) => format!("Billed {} for service {} to {}", us(on), us(from), us(to)),
                (Some(on), None) => format!("Billed {}", us(on)),
                (None, _) => "Before the first bill".to_owned(),
            };
            let lines: Vec<Value> = period
                .lines
                .iter()
                .map(|line| {
                    let entry = line.entry;
                    let (charge, credit) = sides(entry.amount);
                    let mut text = format!("{}, {}", capital(entry.service.word()), words(entry.kind.word()));
                    for extra in [&entry.memo, &line.note(|day| us(*day))] {
                        if !extra.is_empty() {
                            text.push_str(". ");
                            text.push_str(extra);
                        }
                    }
                    json!({
                        "date": us(entry.effective_on),
                        "recorded": us(line.recorded_on),
                        "text": text,
                        "reference": entry.reference,
                        "due": entry.due_on.map(us).unwrap_or_default(),
                        "charge": charge.map(plain).unwrap_or_default(),
                        "credit": credit.map(plain).unwrap_or_default(),
                        "balance": plain(line.balance),
                    })
                })
                .collect();
            json!({ "heading": heading, "lines": lines })
        })
        .collect()
}

pub fn items(statement: &Statement<'_>) -> Vec<Value> {
    statement
        .items
        .iter()
        .map(|line| {
            let (left, flag) = match line.clock {
                Clock::NotAccrued => ("not accrued".to_owned(), ""),
                Clock::Runs(days) => (format!("{days} days left"), ""),
                Clock::Near(days) => (format!("{days} days left"), "near"),
                Clock::Passed(days) => (format!("passed {days} days ago"), "passed"),
            };
            json!({
                "item": format!("{}, {}", capital(line.item.service.word()), words(line.item.kind.word())),
                "reference": line.reference,
                "due": us(line.item.due_on),
                "amount": plain(line.item.amount),
                "open": plain(line.item.open),
                "days": line.days_past_due.max(0),
                "accrued": us(line.limitation.accrued_on),
                "last_day": us(line.limitation.last_day),
                "left": left,
                "flag": flag,
            })
        })
        .collect()
}

pub fn limitation_note(input: &PacketInput) -> String {
    let years = input.policy.limitation_years;
    let unit = if years == 1 { "year" } else { "years" };
    let citation = &input.policy.limitation_citation;
    let source = if citation.is_empty() { "no citation given".to_owned() } else { citation.clone() };
    format!(
        "Each debt accrues on the day after its due date and is counted for {years} {unit} ({source}), the shortest \
         period that the city’s policy takes to apply. Neither the city’s own fees nor later payments extend it. \
         Whether another period applies is for counsel."
    )
}

pub fn aging(statement: &Statement<'_>) -> Value {
    let rows: Vec<Value> = statement
        .aging
        .rows
        .iter()
        .map(|(service, amounts)| {
            let mut cells: Vec<String> = amounts.iter().map(|amount| blank_zero(*amount)).collect();
            cells.push(plain(amounts.iter().sum()));
            json!({ "name": service.map_or("Total".to_owned(), |s| capital(s.word())), "amounts": cells })
        })
        .collect();
    let headings: Vec<String> = statement.aging.headings.iter().map(|heading| heading.replace('-', "–")).collect();
    json!({ "headings": headings, "rows": rows })
}
