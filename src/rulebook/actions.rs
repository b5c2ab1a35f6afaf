//! What a stage does: `do: {notice: final_notice, by: mail}`, `do: disconnect`, or a list of such.

use rust_decimal::Decimal;

use crate::domain::action::{CallAction, FeeAction, FeeAmount, FeeBase, NoticeAction, Reconnection, TagAction};
use crate::domain::hold::HoldKind;
use crate::domain::referral::Destination;
use crate::domain::{Action, Cents, Channel, NoticeName, Recipient, Role, Service};

use super::document::{Node, Value};
use super::error::{Fault, Report, Span, nearest, one_of};
use super::fields::{self, Fields};
use super::phrase;
use super::tokens::Phrase;

/// The actions with what each does and an example: the source of `rules explain`.
pub const ACTIONS: &[(&str, &str, &str)] = &[
    ("notice", "a letter or email, one wording", "{notice: reminder, by: [email, mail]}"),
    ("call", "attempts to reach the customer by telephone", "{call: courtesy, attempts: 1}"),
    ("visit", "somebody goes to the premises to speak to an adult", "{visit: shut_off_contact}"),
    ("fee", "an entry in the ledger", "{fee: {greater of: [5.00, 5% of unpaid charges]}, name: late fee}"),
    (
        "tag",
        "a notice left at the premises by a crew; `to: tenants` on the door of every dwelling of a landlord's account",
        "{tag: tenants_notice, to: tenants, statutory: yes}",
    ),
    ("disconnect", "a shut-off order for each service", "{disconnect: [water]}"),
    ("limit", "an order to restrict the flow", "{limit: [water]}"),
    ("restore", "an order to turn on again", "{restore: [water], without_fee: yes}"),
    ("task", "something for a person to do", "{task: decide about a small debt, for: lead}"),
    ("hold", "a hold on the account", "{hold: review, days: 14}"),
    ("flag", "a mark on the account", "{flag: cash_only}"),
    ("refer", "a candidate for legal action, at one destination or where a route sends it", "{refer: attorney}"),
    ("freeze", "an amount kept under a name for later stages", "{freeze: arrears_of_october}"),
    ("write_off", "a candidate for write-off", "write_off"),
];

/// The services that an act is for when it names none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults<'a> {
    /// What `disconnect` shuts off.
    pub disconnects: &'a [Service],
    /// The stage's name in words: what a fee without a name is called.
    pub stage: &'a str,
}

/// The acts of `do:`, with the place of each.
pub(super) fn acts(node: &Node, defaults: Defaults<'_>, report: &mut Report<'_>) -> Vec<(Action, Span)> {
    node.each().iter().filter_map(|item| act(item, defaults, report).map(|act| (act, item.at))).collect()
}

fn act(node: &Node, defaults: Defaults<'_>, report: &mut Report<'_>) -> Option<Action> {
    let words = || ACTIONS.iter().map(|(word, ..)| *word);
    match &node.value {
        Value::Text(text) => match text.as_str() {
            "disconnect" => Some(disconnect(services(None, node.at, defaults, report)?, false)),
            "limit" => Some(disconnect(services(None, node.at, defaults, report)?, true)),
            "restore" => {
                let services = services(None, node.at, defaults, report)?;
                Some(Action::Restore { services, without_fee: false })
            }
            "write_off" => Some(Action::WriteOff),
            other => {
                let fault = if words().any(|word| word == other) {
                    let example = ACTIONS.iter().find(|(word, ..)| *word == other).map_or("", |(.., example)| *example);
                    Fault::new(node.at, format!("`{other}` needs to say what")).expected(format!("such as {example}"))
                } else {
                    Fault::new(node.at, format!("`{other}` is not an action"))
                        .near(other, words())
                        .expected(one_of(words()))
                };
                report.add(fault);
                None
            }
        },
        Value::Map(entries) => {
            let named: Vec<&str> =
                entries.iter().map(|entry| entry.key.as_str()).filter(|key| words().any(|word| word == *key)).collect();
            let (at, action) = match (named.as_slice(), entries.first()) {
                ([one], _) => (node.at, *one),
                ([], first) => {
                    let written = first.map_or("", |entry| entry.key.as_str());
                    let at = first.map_or(node.at, |entry| entry.at);
                    let mut fault = Fault::new(at, format!("`{written}` is not an action")).expected(one_of(words()));
                    fault.nearest = nearest(written, words()).map(str::to_owned);
                    report.add(fault);
                    return None;
                }
                ([first, second, ..], _) => {
                    let fault = Fault::new(node.at, format!("`{first}` and `{second}` are two actions"))
                        .help("write a list: `do: [{..}, {..}]`");
                    report.add(fault);
                    return None;
                }
            };
            let fields = Fields::of(node, format!("a {action}"), report)?;
            of_map(action, fields, at, defaults, report)
        }
        Value::Empty | Value::List(_) => {
            let fault = Fault::new(node.at, format!("an action is a word or a map, not {}", node.kind()));
            report.add(fault.expected(one_of(words())));
            None
        }
    }
}

fn disconnect(services: Vec<Service>, limit_only: bool) -> Action {
    Action::Disconnect { services, limit_only }
}

fn of_map(
    action: &str,
    mut fields: Fields<'_>,
    at: Span,
    defaults: Defaults<'_>,
    report: &mut Report<'_>,
) -> Option<Action> {
    let parsed = match action {
        "notice" => notice(&mut fields, report),
        "call" => call(&mut fields, report),
        "visit" => label(&mut fields, "visit", report).map(|script| Action::Visit(CallAction::visit(script))),
        "fee" => fee(&mut fields, defaults, report),
        "tag" => {
            let template = template(&mut fields, "tag", report);
            let statutory = flag(&mut fields, "statutory", report);
            let to_tenants = fields
                .take("to", report)
                .and_then(|node| report.take(fields::word(node, "for whom a tag is", &["tenants"], |word| word)))
                .is_some();
            template.map(|template| Action::Tag(TagAction { template, statutory, to_tenants, doors: None }))
        }
        "disconnect" => {
            services(fields.take("disconnect", report), at, defaults, report).map(|list| disconnect(list, false))
        }
        "limit" => services(fields.take("limit", report), at, defaults, report).map(|list| disconnect(list, true)),
        "restore" => {
            let services = services(fields.take("restore", report), at, defaults, report);
            let without_fee = flag(&mut fields, "without_fee", report);
            services.map(|services| Action::Restore { services, without_fee })
        }
        "task" => {
            let text = fields.take("task", report).and_then(|node| report.take(fields::text(node, "a task")));
            let role = fields
                .take("for", report)
                .and_then(|node| report.take(fields::word(node, "a role", Role::ALL, Role::word)))
                .unwrap_or(Role::Lead);
            text.map(|text| Action::Task { text: text.to_owned(), role })
        }
        "hold" => {
            let kind = fields
                .take("hold", report)
                .and_then(|node| report.take(fields::word(node, "a kind of hold", HoldKind::ALL, HoldKind::word)));
            let days = number(&mut fields, "days", report);
            kind.map(|kind| Action::Hold { kind, days })
        }
        "flag" => label(&mut fields, "flag", report).map(|name| Action::Flag { name }),
        "freeze" => label(&mut fields, "freeze", report).map(|name| Action::Freeze { name }),
        "refer" => fields.take("refer", report).and_then(|node| refer(node, report)),
        _ => Some(Action::WriteOff),
    };
    fields.done(report);
    parsed
}

/// `attorney`, or `by collection`, the name of a route.
fn refer(node: &Node, report: &mut Report<'_>) -> Option<Action> {
    let text = report.take(fields::text(node, "a destination"))?;
    if let Some(route) = text.strip_prefix("by ") {
        report.take(fields::name(route.trim(), node.at, "a route"))?;
        return Some(Action::Route { route: route.trim().to_owned() });
    }
    let known = fields::known(text, node.at, "a destination", Destination::ALL, Destination::word);
    let known = known.map_err(|fault| fault.help("a route is named with `by`: `refer: by collection`"));
    report.take(known).map(|to| Action::Refer { to })
}

fn notice(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Action> {
    let template = template(fields, "notice", report);
    let by = match fields.take("by", report) {
        Some(node) => fields::words(node, "a channel", Channel::ALL, Channel::word, report),
        None => vec![Channel::Mail],
    };
    let statutory = flag(fields, "statutory", report);
    let mut to = match fields.take("to", report) {
        Some(node) => fields::words(node, "a recipient", Recipient::ALL, Recipient::word, report),
        None => vec![Recipient::Customer],
    };
    if let Some(node) = fields.take("copies", report) {
        if matches!(node.value, Value::Map(_)) {
            let fault = Fault::new(node.at, "copies are a list of recipients").help(
                "an occupant's copy is made where the mailing address differs, an owner's where another person owns the premises, a third party's where the customer named one",
            );
            report.add(fault.expected("such as `copies: [occupant, owner]`"));
        } else {
            to.extend(fields::words(node, "a recipient", Recipient::ALL, Recipient::word, report));
        }
    }
    let mut seen = Vec::new();
    to.retain(|recipient| {
        !seen.contains(recipient) && {
            seen.push(*recipient);
            true
        }
    });
    let deemed_days = fields
        .take("served", report)
        .and_then(|node| report.take(phrase::days_after(node, "mailed", "when it counts as served")))
        .unwrap_or(0);
    Some(Action::Notice(NoticeAction { template: template?, by, statutory, to, deemed_days }))
}

fn call(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Action> {
    let script = label(fields, "call", report);
    let attempts = number(fields, "attempts", report).unwrap_or(1).clamp(1, 99);
    let required = flag(fields, "required", report);
    let or_visit = match fields.take("or", report) {
        Some(node) => {
            report.take(fields::word(node, "what may stand in for a call", &["visit"], |word| word)).is_some()
        }
        None => false,
    };
    let attempts = u8::try_from(attempts).unwrap_or(99);
    Some(Action::Call(CallAction { script: script?, attempts, required, or_visit }))
}

fn fee(fields: &mut Fields<'_>, defaults: Defaults<'_>, report: &mut Report<'_>) -> Option<Action> {
    let amount = fields.take("fee", report).and_then(|node| fee_amount(node, report));
    let name = fields.take("name", report).and_then(|node| report.take(fields::text(node, "a fee's name")));
    let due_days = fields
        .take("due", report)
        .and_then(|node| report.take(phrase::days_after(node, "posted", "when a fee is due")))
        .unwrap_or(0);
    let reconnects = fields
        .take("reconnects", report)
        .and_then(|node| report.take(fields::word(node, "when it reconnects", Reconnection::ALL, Reconnection::word)));
    let cost = fields.take("cost", report).and_then(|node| report.take(fields::money(node, "what it costs")));
    let name = name.map_or_else(|| defaults.stage.replace('_', " "), str::to_owned);
    Some(Action::Fee(FeeAction { name, amount: amount?, due_days, reconnects, cost }))
}

/// `10.00`, `10% of unpaid charges`, `{greater of: [5.00, 10% of unpaid charges]}`.
fn fee_amount(node: &Node, report: &mut Report<'_>) -> Option<FeeAmount> {
    if let Value::Map(_) = node.value {
        let mut fields = Fields::of(node, "a fee's amount", report)?;
        let greater = fields.take("greater of", report).map(|list| fee_amounts(list, report));
        let lesser = fields.take("lesser of", report).map(|list| fee_amounts(list, report));
        let at = fields.at();
        fields.done(report);
        return match (greater, lesser) {
            (Some(amounts), None) => amounts.map(FeeAmount::GreaterOf),
            (None, Some(amounts)) => amounts.map(FeeAmount::LesserOf),
            (None, None) => {
                let fault = Fault::new(at, "this is not the amount of a fee");
                report.add(fault.expected("such as `{greater of: [5.00, 10% of unpaid charges]}`"));
                None
            }
            (Some(_), Some(_)) => {
                report.add(Fault::new(at, "a fee is the greater of some amounts or the lesser, not both"));
                None
            }
        };
    }
    let parsed = Phrase::of(node, "a fee").and_then(|mut phrase| simple_fee(&mut phrase));
    report.take(parsed)
}

fn fee_amounts(node: &Node, report: &mut Report<'_>) -> Option<Vec<FeeAmount>> {
    let amounts: Vec<Option<FeeAmount>> = node.each().iter().map(|item| fee_amount(item, report)).collect();
    let amounts: Vec<FeeAmount> = amounts.into_iter().collect::<Option<_>>()?;
    if amounts.len() < 2 {
        report.add(
            Fault::new(node.at, "two amounts at least are compared").expected("such as [5.00, 10% of unpaid charges]"),
        );
        return None;
    }
    Some(amounts)
}

fn simple_fee(phrase: &mut Phrase<'_>) -> Result<FeeAmount, Fault> {
    let expected = "an amount such as 10.00, or a share such as 10% of unpaid charges";
    let Some(token) = phrase.bump() else {
        return Err(Fault::new(phrase.whole(), "expected the amount of a fee").expected(expected));
    };
    let Some(percent) = token.text.strip_suffix('%') else {
        let amount = fields::amount(token.text, token.at, "a fee").map_err(|fault| fault.expected(expected))?;
        if amount == Cents::ZERO {
            return Err(Fault::new(token.at, "a fee of nothing is no fee"));
        }
        phrase.end()?;
        return Ok(FeeAmount::Flat(amount));
    };
    let rate = percent.parse::<Decimal>().ok().filter(|rate| *rate > Decimal::ZERO && *rate <= Decimal::ONE_HUNDRED);
    let Some(rate) = rate else {
        return Err(Fault::new(token.at, format!("`{}` is no share", token.text)).expected("more than 0% up to 100%"));
    };
    phrase.need("of")?;
    let at = phrase.here();
    let base = phrase.rest();
    let base = fields::known(&base, at, "what a share is taken of", FeeBase::ALL, FeeBase::word)?;
    Ok(FeeAmount::Percent(rate, base))
}

/// The services named, or those that the policy or a pack names for `disconnect`.
fn services(node: Option<&Node>, at: Span, defaults: Defaults<'_>, report: &mut Report<'_>) -> Option<Vec<Service>> {
    if let Some(node) = node {
        let services = fields::words(node, "a service", Service::ALL, Service::word, report);
        return (!services.is_empty()).then_some(services);
    }
    if defaults.disconnects.is_empty() {
        let fault = Fault::new(at, "nothing says which services are shut off")
            .expected("`{disconnect: [water]}` here, or `disconnects: [water]` at the head of the policy");
        report.add(fault);
        return None;
    }
    Some(defaults.disconnects.to_vec())
}

/// The name of a wording.
fn template(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<NoticeName> {
    label(fields, key, report).map(NoticeName::from)
}

/// A name.
fn label(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<String> {
    let node = fields.take(key, report)?;
    let text = report.take(fields::text(node, "a name"))?;
    report.take(fields::name(text, node.at, &format!("a {key}")))?;
    Some(text.to_owned())
}

fn flag(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> bool {
    fields.take(key, report).and_then(|node| report.take(fields::yes(node, key))).unwrap_or(false)
}

fn number(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<u16> {
    let node = fields.take(key, report)?;
    let text = report.take(fields::text(node, key))?;
    report.take(fields::count(text, node.at, key))
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    fn read(text: &str) -> Result<Vec<Action>, Vec<String>> {
        let mut report = Report::new("test.yaml", text);
        let node = document::parse(text, &mut report).unwrap();
        let acts = acts(&node, Defaults { disconnects: &[Service::Water], stage: "late_fee" }, &mut report);
        let errors: Vec<String> = report.into_errors().into_iter().map(|error| error.message).collect();
        if errors.is_empty() { Ok(acts.into_iter().map(|(act, _)| act).collect()) } else { Err(errors) }
    }

    #[test]
    fn every_example_of_an_action_is_read() {
        for (word, _, example) in ACTIONS {
            assert_eq!(read(example).map(|acts| acts[0].word()), Ok(*word), "{example}");
        }
    }

    #[test]
    fn a_fee_may_be_the_greater_of_an_amount_and_a_share() {
        let acts = read("{fee: {greater of: [5.00, 10% of unpaid charges]}}").unwrap();
        let [Action::Fee(fee)] = acts.as_slice() else { panic!("a fee") };
        assert_eq!(fee.name, "late fee");
        let share = FeeAmount::Percent(Decimal::TEN, FeeBase::UnpaidCharges);
        assert_eq!(fee.amount, FeeAmount::GreaterOf(vec![FeeAmount::Flat(Cents::new(500)), share]));
    }

    #[test]
    fn two_actions_in_one_map_are_refused() {
        assert_eq!(read("{fee: 10.00, tag: x}"), Err(vec!["`fee` and `tag` are two actions".into()]));
        assert_eq!(read("discnnect"), Err(vec!["`discnnect` is not an action".into()]));
        assert_eq!(read("{fee: {}}"), Err(vec!["this is not the amount of a fee".into()]));
        assert_eq!(read("{fee: 0% of balance}"), Err(vec!["`0%` is no share".into()]));
    }
}
