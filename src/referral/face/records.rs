//! The records behind the claim, a table each: contacts, promises, arrangements, orders, notices, log, exhibits.

use serde_json::{Value, json};

use super::super::input::PacketInput;
use super::super::packet::Part;
use super::super::plans::plans;
use super::super::sent::{Sent, sent};
use super::super::statement::Statement;
use super::super::tables::sent_to;
use super::super::timeline::words;
use super::{capital, language, phone, plain, us};
use crate::domain::Recipient;
use crate::domain::field_order::FieldOrder;
use crate::domain::notice::NoticeState;
use crate::domain::promise::{Promise, PromiseState};

pub fn later(statement: &Statement<'_>) -> Vec<Value> {
    let lines = statement.later.iter();
    lines
        .map(|entry| {
            json!({
                "date": us(entry.effective_on),
                "text": format!("{}, {}", capital(entry.service.word()), words(entry.kind.word())),
                "reference": entry.reference,
                "amount": plain(entry.amount),
            })
        })
        .collect()
}

pub fn calls(input: &PacketInput) -> Vec<Value> {
    super::super::calls(input)
        .into_iter()
        .map(|call| {
            json!({
                "when": format!("{} {}", us(call.made_on), call.at),
                "by": call.by,
                "phone": phone(&call.phone),
                "outcome": capital(&words(call.outcome.word())),
                "contact": call.outcome.is_contact(),
                "note": call.note,
            })
        })
        .collect()
}

pub fn promises(input: &PacketInput) -> Vec<Value> {
    let mut made: Vec<&Promise> = input.promises.iter().filter(|p| p.made_on <= input.cut_off).collect();
    made.sort_by_key(|promise| (promise.made_on, promise.id));
    made.into_iter()
        .map(|promise| {
            let result = match promise.state(&input.entries, input.cut_off) {
                PromiseState::Open => "Open at the cut-off".to_owned(),
                PromiseState::Kept(day) => format!("Kept {}", us(day)),
                PromiseState::Broken(day) => format!("Broken {}", us(day)),
                PromiseState::Canceled(day) => format!("Canceled {}", us(day)),
            };
            json!({
                "made": us(promise.made_on),
                "by": promise.taken_by,
                "amount": plain(promise.amount),
                "pay_by": us(promise.pay_by),
                "last_day": us(promise.last_day()),
                "result": result,
            })
        })
        .collect()
}

pub fn arrangements(input: &PacketInput) -> Vec<Value> {
    plans(input)
        .into_iter()
        .map(|plan| {
            let lines: Vec<Value> = plan
                .installments
                .iter()
                .map(|line| {
                    json!({
                        "due": us(line.due_on),
                        "last_day": us(line.last_day),
                        "amount": plain(line.amount),
                        "paid": plain(line.paid),
                        "result": capital(line.result.word()),
                    })
                })
                .collect();
            json!({
                "made": us(plan.arrangement.made_on),
                "by": plan.arrangement.made_by,
                "total": plan.arrangement.total().to_string(),
                "state": plan.state_word(|day| us(*day)),
                "note": plan.arrangement.note,
                "lines": lines,
            })
        })
        .collect()
}

pub fn field_orders(input: &PacketInput) -> Vec<Value> {
    let mut orders: Vec<&FieldOrder> = input.field_orders.iter().filter(|o| o.for_day <= input.cut_off).collect();
    orders.sort_by_key(|order| (order.for_day, order.id));
    orders
        .into_iter()
        .map(|order| {
            let done = order.done_on.map(|day| format!("{} {}", us(day), order.done_at.as_deref().unwrap_or_default()));
            let note = order.cause.as_deref().unwrap_or(&order.note);
            json!({
                "day": us(order.for_day),
                "what": format!("{}, {}", capital(&words(order.kind.word())), order.service),
                "approved": order.approved_by.as_deref().unwrap_or("–"),
                "state": capital(&words(order.state.word())),
                "done": done.unwrap_or_else(|| "–".to_owned()).trim_end(),
                "note": note,
            })
        })
        .collect()
}

pub fn notices(input: &PacketInput) -> Vec<Value> {
    sent(input).iter().map(notice).collect()
}

fn notice(piece: &Sent<'_>) -> Value {
    let notice = piece.notice;
    let languages: Vec<&str> = notice.languages.iter().map(|spoken| language(*spoken)).collect();
    let recipient = match notice.recipient {
        Recipient::Customer => "Customer",
        Recipient::Occupant => "Occupant",
        Recipient::Owner => "Owner",
        Recipient::ThirdParty => "Third party",
    };
    // A piece that came back served nobody, whatever was reckoned when it left.
    let came_back = matches!(notice.state, NoticeState::Returned | NoticeState::Bounced);
    let served = notice.served_on.filter(|_| !came_back).map(|day| format!("; served {}", us(day))).unwrap_or_default();
    json!({
        "number": format!("{:03}", piece.number),
        "sent": us(piece.on),
        "name": capital(&words(notice.template.as_str())),
        "languages": languages.join(", "),
        "citation": notice.facts.citation,
        "channel": capital(notice.channel.word()),
        "to": format!("{recipient}: {}, {}", notice.addressee, sent_to(piece)),
        "amount": plain(notice.facts.amount),
        "proof": notice.proof.as_deref().unwrap_or("No proof recorded"),
        "delivery": format!("{}{served}", piece.delivery(|day| us(*day))),
        "sha256": notice.document.as_ref().map_or("No document", |hash| hash.as_str()),
    })
}

pub fn history(input: &PacketInput) -> Vec<Value> {
    let lines = input.history.iter().filter(|line| line.on <= input.cut_off);
    lines.map(|line| json!([us(line.on), line.by, line.text])).collect()
}

/// The files beside the PDF. The PDF's own hash stands in the manifest, which no file can state of itself.
pub fn exhibits(input: &PacketInput, parts: &[Part]) -> Vec<Value> {
    let pieces = sent(input);
    parts
        .iter()
        .map(|part| {
            let what = match part.path.as_str() {
                "statement.csv" => "Statement of account, as a table".to_owned(),
                "statement.json" => "Statement, open items, aging and claim, for programs".to_owned(),
                "calls.csv" => "Log of telephone calls".to_owned(),
                "arrangements.csv" => "Arrangements and installments".to_owned(),
                "notices.csv" => "Index of notices".to_owned(),
                path => pieces.iter().find(|piece| piece.path().as_deref() == Some(path)).map_or_else(
                    || "Exhibit".to_owned(),
                    |piece| {
                        let name = capital(&words(piece.notice.template.as_str()));
                        format!("{name}, {} {}, as sent", piece.notice.channel, us(piece.on))
                    },
                ),
            };
            json!({ "path": part.path, "what": what, "bytes": part.bytes.len(), "sha256": part.hash })
        })
        .collect()
}
