//! Findings in plain words: what is done, what waits on what until when, what is barred by what, with the ordinance.

use std::fmt::Write;

use crate::domain::Decision;
use crate::domain::day::short;
use crate::domain::decision::{Bar, Finding, Verdict};
use crate::rulebook::Policy;

/// One explained finding.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Explained {
    /// `shut_off / final_notice`.
    pub stage: String,
    /// A sentence.
    pub says: String,
    /// The rule's ordinance or statute.
    pub citation: String,
    /// `riverbend.yaml:42`.
    pub place: String,
    /// The facts that it read: `debt at least 60 days old = $26.00`.
    pub facts: Vec<String>,
}

/// All findings of a decision, in order of the policy.
#[must_use]
pub fn explain(decision: &Decision, policy: &Policy) -> Vec<Explained> {
    decision.findings.iter().map(|finding| explain_one(finding, policy)).collect()
}

/// One finding.
#[must_use]
pub fn explain_one(finding: &Finding, policy: &Policy) -> Explained {
    let origin = policy.origin(finding.rule);
    let stage = match (&finding.track, &finding.stage) {
        (Some(track), Some(stage)) => format!("{track} / {stage}"),
        (None, Some(stage)) => stage.to_string(),
        (_, None) => origin.map(|origin| origin.name.clone()).unwrap_or_default(),
    };
    Explained {
        stage,
        says: sentence(finding, policy),
        citation: origin.map(|origin| origin.citation.clone()).unwrap_or_default(),
        place: origin.map(|origin| format!("{}:{}", origin.file, origin.line)).unwrap_or_default(),
        facts: finding.facts.iter().map(|(fact, value)| format!("{fact} = {value}")).collect(),
    }
}

fn sentence(finding: &Finding, policy: &Policy) -> String {
    let mut text = match &finding.verdict {
        Verdict::Acts => "acts today".to_owned(),
        Verdict::Done(day) => format!("done {}", short(*day)),
        Verdict::WaitsUntil(day) => format!("waits until {}", short(*day)),
        Verdict::WaitsFor(kind, Some(stage)) => format!("waits for {stage}: {kind}"),
        Verdict::WaitsFor(kind, None) => format!("waits for: {kind}"),
        Verdict::WaitsForStage(stage) => format!("comes after {stage}"),
        Verdict::NotMet => "does not apply: its condition is not met".to_owned(),
        Verdict::NotForAccount => "not for this account".to_owned(),
        Verdict::Unknown(fact) => format!("barred: {fact} is not known, and what is not known bars an adverse act"),
        Verdict::Barred(bar) => format!("barred: {}", bar_words(bar, policy)),
        Verdict::Expired(day) => format!("its time ran out {}", short(*day)),
        Verdict::CanceledBy(by, again) => format!(
            "canceled by {} on {}: {}; made anew {}, unless the stage is skipped",
            by.by,
            by.on,
            by.reason,
            short(*again)
        ),
        Verdict::TakenBack(day) => format!("fee taken back {}: by the dates that count, it had no ground", short(*day)),
        Verdict::Overridden(by) => format!("skipped by {} on {}: {}", by.by, by.on, by.reason),
    };
    if let (Some(until), Verdict::Barred(_) | Verdict::NotMet) = (finding.until, &finding.verdict) {
        // Writing to a string does not fail.
        let _ = write!(text, "; could change {}", short(until));
    }
    text
}

/// What bars, in words.
#[must_use]
pub fn bar_words(bar: &Bar, policy: &Policy) -> String {
    match bar {
        Bar::Rule(rule) => policy.origin(*rule).map_or_else(|| "a rule".to_owned(), |origin| origin.name.clone()),
        Bar::Hold(kind) => format!("a hold stands ({kind})"),
        Bar::Stayed(amount, petition) => format!("{amount} is stayed ({petition}), and asked for by nobody"),
        Bar::Appealable(dispute, last) => {
            let citation = &policy.proceedings.disputes.citation;
            let cite = if citation.is_empty() { String::new() } else { format!(" ({citation})") };
            format!("the ruling on dispute {dispute} can be appealed until {}{cite}", short(*last))
        }
        Bar::Promise => "a promise to pay is open".to_owned(),
        Bar::Arrangement => "an arrangement is being kept".to_owned(),
        Bar::Moratorium(name) => format!("moratorium: {name}"),
        Bar::ClosedDay(name) => format!("not on this day: {name}"),
        Bar::NotListed => "no notice listed this debt".to_owned(),
        Bar::Frozen(reason) => format!("an exception stands: {reason}"),
        Bar::Deposit(held) => format!("service has ended and a deposit of {held} is held, which is applied first"),
        Bar::Placed(to, on) => format!("the debt is out ({to}) since {}", short(*on)),
        Bar::Off(services) => {
            let names: Vec<&str> = services.iter().map(|service| service.word()).collect();
            format!("{} is off already; what falls due is told once it is on again", names.join(" and "))
        }
        Bar::GivenUp(service, amount) => format!(
            "{service} stays off: {amount} of what it was shut off for was written off or moved to another account, which is no \
             payment; the lead decides, by `arrears orders restore`"
        ),
    }
}
