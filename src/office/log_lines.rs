//! A line of the log in words, for the pages and the command line alike.

use serde_json::Value;

use crate::domain::{Cents, Decision};
use crate::store::LogLine;

/// Keys that only the program reads.
const INWARD: &[&str] = &[
    "account",
    "act_key",
    "document",
    "files",
    "hash",
    "id",
    "placed_by",
    "placed_on",
    "made_by",
    "made_on",
    "taken_by",
];
/// Keys whose numbers are cents.
const MONEY: &[&str] = &["amount", "balance", "open", "paid", "total"];

/// What the line says beside its head: of a decision what it did, of anything else its small values.
#[must_use]
pub fn details(line: &LogLine) -> String {
    let decision = line.body.get("decision").and_then(|body| serde_json::from_value::<Decision>(body.clone()).ok());
    decision.map_or_else(|| values(&line.body), |decision| decided(&decision))
}

/// What was decided: the acts, what was canceled, and whether the case ended. The reasons stand under Why.
fn decided(decision: &Decision) -> String {
    let acts = decision.acts.iter().map(|act| {
        let amount = act.amount.map(|amount| format!(" {amount}")).unwrap_or_default();
        format!("{}: {}{amount}", act.key.of.stage.as_str().replace('_', " "), act.action.word())
    });
    let cancels =
        decision.cancels.iter().map(|(of, cause)| format!("{} canceled: {cause}", of.stage.as_str().replace('_', " ")));
    let closed = decision.closed.iter().map(|cause| format!("case closed: {cause}"));
    let all: Vec<String> = acts.chain(cancels).chain(closed).collect();
    if all.is_empty() { "the case went on".to_owned() } else { all.join("; ") }
}

/// What a line carries, as `name: value` pairs; what lies deeper is for the command line.
fn values(body: &Value) -> String {
    let Value::Object(fields) = body else { return plain(body) };
    fields
        .iter()
        .filter(|(name, value)| !INWARD.contains(&name.as_str()) && !value.is_object())
        .filter_map(|(name, value)| {
            let text = match value.as_i64() {
                Some(cents) if MONEY.contains(&name.as_str()) => Cents::new(cents).to_string(),
                _ => plain(value),
            };
            (!text.is_empty()).then(|| format!("{}: {text}", name.replace('_', " ")))
        })
        .collect::<Vec<_>>()
        .join("; ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => String::new(),
        Value::Array(values) => values.iter().map(plain).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_of_the_log_shows_money_as_money_and_hides_what_only_the_program_reads() {
        let body = json!({ "account": 4, "act_key": "4/1/x", "amount": 8_000, "pay_by": "2026-05-29", "kept": true, "of": {} });
        assert_eq!(values(&body), "amount: $80.00; kept: yes; pay by: 2026-05-29");
    }
}
