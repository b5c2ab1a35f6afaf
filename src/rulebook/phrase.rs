//! Date phrases: `more than 60 days after due`, `7 business days before shut_off`.
//!
//! A small parser by hand, because its errors are read by people who write policies.

use crate::domain::{EventKind, StageId};

use super::document::Node;
use super::error::{Fault, Span, nearest, one_of};
use super::policy::{Anchor, Lead, Offset, Unit, When};
use super::tokens::Phrase;

/// What a wait can count from, with what it means and an example: the source of `rules explain`.
pub const ANCHORS: &[(&str, &str, &str)] = &[
    ("billed", "the day on which the track's first bill was billed", "60 days after billed"),
    ("due", "the day on which it was due", "more than 60 days after due"),
    ("opened", "the day on which the case opened", "10 days after opened"),
    ("printed NAME", "a date printed on the bill, by its name", "1 day after printed pay_by"),
    ("STAGE", "the day on which a stage of the track was decided", "15 days after final_notice"),
    ("STAGE mailed", "the day on which its letter was marked mailed", "15 days after final_notice mailed"),
    ("STAGE served", "the legal date of its notice", "10 days after final_notice served"),
    ("STAGE posted", "the day on which a crew left its tag", "48 hours after final_notice posted"),
    ("STAGE made", "the day of the conversation that its calls brought", "7 days after contact made"),
    ("STAGE failed", "the day on which its attempts ended without one", "2 days after contact failed"),
    ("STAGE done", "the day on which the crew shut off", "15 days after shut_off done"),
    ("EVENT", "the day on which something happened", "60 days after installment missed"),
];

/// What may stand after a stage's name: `final_notice mailed`.
pub(super) const STAGE_EVENTS: &[(&str, EventKind)] = &[
    ("released", EventKind::NoticeReleased),
    ("mailed", EventKind::NoticeMailed),
    ("served", EventKind::NoticeServed),
    ("posted", EventKind::NoticePosted),
    ("returned", EventKind::NoticeReturned),
    ("voided", EventKind::NoticeVoided),
    ("made", EventKind::ContactMade),
    ("failed", EventKind::ContactFailed),
    ("done", EventKind::ShutOff),
];

/// Words of a phrase that no stage may be called, since a phrase could then mean two things.
pub(super) const RESERVED: &[&str] = &["billed", "due", "opened", "printed", "restored", "placed", "recalled"];

/// Words for units; the singular first.
const UNITS: &[(&str, &str, Unit)] = &[
    ("day", "days", Unit::Day),
    ("hour", "hours", Unit::Hour),
    ("week", "weeks", Unit::Week),
    ("month", "months", Unit::Month),
    ("year", "years", Unit::Year),
];

/// A day relative to something: `60 days after due`, `more than 7 days after notice mailed`, `due`.
pub(super) fn when(node: &Node, stages: &[String]) -> Result<When, Fault> {
    let mut phrase = Phrase::of(node, "a day")?;
    let begins_with_offset = phrase.peek().is_some_and(|token| {
        matches!(token.text, "more" | "at") || token.text.starts_with(|c: char| c.is_ascii_digit())
    });
    let parsed = if begins_with_offset {
        let offset = offset(&mut phrase)?;
        if phrase.peek().is_some_and(|token| token.text == "before") {
            return Err(Fault::new(phrase.here(), "a day is counted after something here, not before it")
                .help("plan a stage back from a later one with `lead: 7 business days before shut_off`"));
        }
        phrase.need("after")?;
        When { offset, anchor: anchor(&mut phrase, stages)? }
    } else {
        When { offset: Offset { n: 0, unit: Unit::Day, more_than: false }, anchor: anchor(&mut phrase, stages)? }
    };
    phrase.end()?;
    Ok(parsed)
}

/// `7 business days before shut_off`.
pub(super) fn lead(node: &Node, stages: &[String]) -> Result<Lead, Fault> {
    let mut phrase = Phrase::of(node, "a lead")?;
    let offset = offset(&mut phrase)?;
    if phrase.peek().is_some_and(|token| token.text == "after") {
        return Err(Fault::new(phrase.here(), "a lead is counted before a later stage, not after something")
            .help("count forward with `start: 7 days after due`"));
    }
    phrase.need("before")?;
    let before = stage(&mut phrase, stages)?;
    phrase.end()?;
    Ok(Lead { offset, before })
}

/// A distance alone: `1 month`.
pub(super) fn distance(node: &Node) -> Result<Offset, Fault> {
    let mut phrase = Phrase::of(node, "a distance")?;
    let offset = offset(&mut phrase)?;
    phrase.end()?;
    Ok(offset)
}

/// `60 days`, and nothing but calendar days.
pub(super) fn days(node: &Node, what: &str) -> Result<u16, Fault> {
    let mut phrase = Phrase::of(node, what)?;
    let n = calendar_days(&mut phrase)?;
    phrase.end()?;
    Ok(n)
}

/// `5 days after mailed`.
pub(super) fn days_after(node: &Node, anchor: &str, what: &str) -> Result<u16, Fault> {
    let mut phrase = Phrase::of(node, what)?;
    let n = calendar_days(&mut phrase)?;
    phrase.need("after")?;
    phrase.need(anchor)?;
    phrase.end()?;
    Ok(n)
}

/// A distance that must be in calendar days.
pub(super) fn calendar_days(phrase: &mut Phrase<'_>) -> Result<u16, Fault> {
    let at = phrase.here();
    let offset = offset(phrase)?;
    if offset.unit != Unit::Day {
        return Err(Fault::new(at, "this is counted in calendar days").expected("a number of days, such as 60 days"));
    }
    Ok(offset.n + u16::from(offset.more_than))
}

/// `[more than | at least] N [business] UNIT`.
pub(super) fn offset(phrase: &mut Phrase<'_>) -> Result<Offset, Fault> {
    let more_than = phrase.eat("more than");
    if !more_than {
        // `at least 7 days` is what `7 days` means.
        let _ = phrase.eat("at least");
    }
    let n = phrase.number("days, hours, weeks, months or years")?;
    if phrase.eat("business days") || phrase.eat("business day") || phrase.eat("open days") || phrase.eat("open day") {
        return Ok(Offset { n, unit: Unit::BusinessDay, more_than });
    }
    if phrase.eat("calendar days") || phrase.eat("calendar day") {
        return Ok(Offset { n, unit: Unit::Day, more_than });
    }
    let units = || UNITS.iter().flat_map(|(one, many, _)| [*one, *many]).chain(["business days"]);
    let expected = "days, business days, hours, weeks, months or years";
    let Some(token) = phrase.peek() else {
        return Err(
            Fault::new(phrase.here(), format!("expected a unit after {n}, but the text ends")).expected(expected)
        );
    };
    match UNITS.iter().find(|(one, many, _)| token.text == *one || token.text == *many) {
        Some((_, _, unit)) => {
            phrase.bump();
            Ok(Offset { n, unit: *unit, more_than })
        }
        None => Err(Fault::new(token.at, format!("expected a unit after {n}, but `{}` stands there", token.text))
            .near(token.text, units())
            .expected(expected)),
    }
}

/// What an offset counts from.
fn anchor(phrase: &mut Phrase<'_>, stages: &[String]) -> Result<Anchor, Fault> {
    let Some(first) = phrase.peek() else {
        return Err(Fault::new(phrase.here(), format!("expected what is counted from after `{}`", phrase.last()))
            .expected(anchors(stages)));
    };
    if phrase.eat("billed") {
        return Ok(Anchor::Billed);
    }
    if phrase.eat("due") {
        return Ok(Anchor::Due);
    }
    if phrase.eat("opened") {
        return Ok(Anchor::Opened);
    }
    if phrase.eat("printed") {
        let name = phrase.bump().ok_or_else(|| Fault::new(phrase.here(), "expected the name of a date on the bill"))?;
        return Ok(Anchor::Printed(name.text.to_owned()));
    }
    // A stage called `notice` is meant by `notice mailed`, not any notice at all.
    if stages.iter().any(|stage| stage == first.text) {
        let stage = stage(phrase, stages)?;
        let Some(verb) = phrase.peek() else { return Ok(Anchor::Stage(stage)) };
        if let Some((_, kind)) = STAGE_EVENTS.iter().find(|(words, _)| phrase.eat(words)) {
            return Ok(Anchor::Event(*kind, Some(stage)));
        }
        let verbs = || STAGE_EVENTS.iter().map(|(word, _)| *word);
        return Err(Fault::new(verb.at, format!("`{}` is nothing that becomes of a stage", verb.text))
            .near(verb.text, verbs())
            .expected(one_of(verbs())));
    }
    if let Some(kind) = EventKind::ALL.iter().find(|kind| phrase.eat(kind.word())) {
        return Ok(Anchor::Event(*kind, None));
    }
    // Two words may be an event misspelled; one word is more likely a stage.
    let rest = phrase.rest();
    let known = || ["billed", "due", "opened"].into_iter().chain(stages.iter().map(String::as_str));
    let mut fault = Fault::new(first.at, format!("`{}` is neither a stage of this track nor an event", first.text))
        .expected(anchors(stages));
    fault.nearest = nearest(first.text, known())
        .or_else(|| nearest(&rest, EventKind::ALL.iter().map(|kind| kind.word())))
        .map(str::to_owned);
    Err(fault)
}

/// What an offset can count from, for messages.
fn anchors(stages: &[String]) -> String {
    let stages = one_of(stages.iter().map(String::as_str));
    if stages.is_empty() {
        return "`billed`, `due`, `opened` or an event such as `payment returned`".to_owned();
    }
    format!(
        "`billed`, `due`, `opened`, an event such as `payment returned`, or a stage ({stages}), also with `mailed`, `served` or `posted`"
    )
}

/// The name of a stage of the track.
pub(super) fn stage(phrase: &mut Phrase<'_>, stages: &[String]) -> Result<StageId, Fault> {
    match phrase.bump() {
        Some(token) => known_stage(token.text, token.at, stages),
        None => Err(Fault::new(phrase.here(), "expected the name of a stage, but the text ends")
            .expected(one_of(stages.iter().map(String::as_str)))),
    }
}

/// The stage that `text` names.
pub(super) fn known_stage(text: &str, at: Span, stages: &[String]) -> Result<StageId, Fault> {
    if stages.iter().any(|stage| stage == text) {
        return Ok(StageId::from(text));
    }
    let known = || stages.iter().map(String::as_str);
    let fault = Fault::new(at, format!("there is no stage `{text}` here")).near(text, known());
    Err(if stages.is_empty() { fault } else { fault.expected(one_of(known())) })
}

#[cfg(test)]
mod tests {
    use super::super::document::Value;
    use super::*;

    fn node(text: &str) -> Node {
        let width = u32::try_from(text.len()).unwrap();
        Node { at: Span { line: 1, column: 1, width }, value: Value::Text(text.into()) }
    }

    fn stages() -> Vec<String> {
        ["final_notice", "contact", "shut_off"].map(str::to_owned).into()
    }

    fn refusal(text: &str) -> String {
        when(&node(text), &stages()).unwrap_err().message
    }

    fn days(n: u16) -> Offset {
        Offset { n, unit: Unit::Day, more_than: false }
    }

    #[test]
    fn a_day_is_counted_from_the_bill_a_stage_or_an_event() {
        let read = |text: &str| when(&node(text), &stages()).unwrap();
        assert_eq!(
            read("more than 60 days after due"),
            When { offset: Offset { more_than: true, ..days(60) }, anchor: Anchor::Due }
        );
        assert_eq!(
            read("5 days after final_notice mailed"),
            When { offset: days(5), anchor: Anchor::Event(EventKind::NoticeMailed, Some("final_notice".into())) }
        );
        assert_eq!(
            read("60 days after installment missed"),
            When { offset: days(60), anchor: Anchor::Event(EventKind::InstallmentMissed, None) }
        );
        assert_eq!(read("contact").offset, days(0));
        assert_eq!(read("7 open days after payment returned").offset.unit, Unit::BusinessDay);
    }

    #[test]
    fn every_example_of_what_is_counted_from_is_read() {
        for (_, _, example) in ANCHORS {
            assert!(when(&node(example), &stages()).is_ok(), "{example}");
        }
    }

    #[test]
    fn a_stage_is_meant_before_an_event_of_the_same_words() {
        let read = |text: &str, stages: &[&str]| {
            let stages: Vec<String> = stages.iter().map(|stage| (*stage).to_owned()).collect();
            when(&node(text), &stages).unwrap().anchor
        };
        let mailed = "7 days after notice mailed";
        assert_eq!(read(mailed, &["notice"]), Anchor::Event(EventKind::NoticeMailed, Some("notice".into())));
        assert_eq!(read(mailed, &["letter"]), Anchor::Event(EventKind::NoticeMailed, None));
        let failed = "2 days after contact failed";
        assert_eq!(read(failed, &["contact"]), Anchor::Event(EventKind::ContactFailed, Some("contact".into())));
    }

    #[test]
    fn an_act_is_planned_back_from_a_later_one() {
        let read = lead(&node("at least 48 hours before shut_off"), &stages()).unwrap();
        assert_eq!(read.offset, Offset { n: 48, unit: Unit::Hour, more_than: false });
        assert_eq!(read.before, StageId::from("shut_off"));
    }

    #[test]
    fn what_is_wrong_is_named_where_it_stands() {
        assert_eq!(refusal("15"), "expected a unit after 15, but the text ends");
        assert_eq!(refusal("15 dasy after due"), "expected a unit after 15, but `dasy` stands there");
        assert_eq!(refusal("15 days"), "expected `after`, but the text ends");
        assert_eq!(
            refusal("15 days after final_notise mailed"),
            "`final_notise` is neither a stage of this track nor an event"
        );
        assert_eq!(refusal("15 days after final_notice maild"), "`maild` is nothing that becomes of a stage");
        assert_eq!(refusal("70000 days after due"), "`70000` is no number of days, hours, weeks, months or years");
        let fault = when(&node("15 days after final_notise mailed"), &stages()).unwrap_err();
        assert_eq!((fault.at.column, fault.nearest.as_deref()), (15, Some("final_notice")));
    }
}
