//! `why`: what stands with an account, rule by rule, with its citation and the facts that it read.

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::args::{Json, date};
use super::{Desk, Failure, Result};
use crate::domain::{AccountNumber, Day, day};
use crate::office::{Explained, ShownPoint};

#[derive(Args, Debug)]
pub struct WhyArgs {
    account: String,
    /// As was known by the end of that day; today where absent
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: Option<Day>,
    #[command(flatten)]
    json: Json,
}

#[derive(Serialize)]
struct Shown {
    account_number: AccountNumber,
    on: Day,
    /// What protects the account, and what is off there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stands: Vec<String>,
    /// Why the case ends on that day, where it does.
    closed: Option<String>,
    explained: Vec<Explained>,
    next_review: Option<Day>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    points: Vec<ShownPoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    agreements: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    record: Vec<String>,
    has_case: bool,
    /// The exception that freezes the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<String>,
}

impl WhyArgs {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let account = office.account(&self.account).await?;
        if let Some(on) = self.on.filter(|on| *on > office.today()) {
            return Err(Failure::refused(format!(
                "{} has not come: `arrears simulate --from {} --to {on} --account {}` says what it would bring",
                day::short(on),
                office.today(),
                account.profile.number
            )));
        }
        let why = office.why(account.id, self.on).await?;
        let shown = Shown {
            account_number: account.profile.number,
            on: why.on,
            stands: why.stands,
            closed: why.decision.closed.as_ref().map(ToString::to_string),
            has_case: why.decision.case.is_some(),
            frozen: why.frozen,
            explained: why.explained,
            next_review: why.next_review,
            points: why.points,
            agreements: why.agreements,
            record: why.record,
        };
        self.json.or(&shown, || format!("{}\n{}", account.profile.customer_name, text(&shown)))
    }
}

fn text(shown: &Shown) -> String {
    let mut text = format!("Account {} on {}\n\n", shown.account_number, day::long(shown.on));
    for stands in &shown.stands {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{stands}.");
    }
    if !shown.stands.is_empty() {
        text.push('\n');
    }
    let indent = shown.explained.iter().map(|one| one.stage.chars().count()).max().unwrap_or(0);
    for one in &shown.explained {
        let _ = writeln!(text, "{:<indent$}  {}", one.stage, one.says);
        let place = [one.citation.as_str(), one.place.as_str()].map(str::trim);
        let sources: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
        for line in one.facts.iter().cloned().chain([sources.join(" · ")]).filter(|line| !line.is_empty()) {
            let _ = writeln!(text, "{:<indent$}    {line}", "");
        }
    }
    if !shown.points.is_empty() {
        let _ = writeln!(text, "\n{}\n", super::protection::told(&shown.points));
    }
    if let Some(frozen) = &shown.frozen {
        let _ = writeln!(text, "Frozen: {frozen}");
    }
    for told in &shown.agreements {
        let _ = writeln!(text, "\n{told}\n");
    }
    for told in &shown.record {
        let _ = writeln!(text, "\n{told}");
    }
    match (&shown.closed, shown.has_case) {
        (Some(cause), _) => {
            let _ = writeln!(text, "The case closes: {cause}.");
        }
        (None, false) => text.push_str("No case is open: nothing is past due that the policy works.\n"),
        (None, true) => {}
    }
    let next = shown.next_review.map_or_else(
        || "when something new is learned".to_owned(),
        |next| format!("{}, or when something new is learned", day::short(next)),
    );
    let _ = writeln!(text, "\nLooked at again: {next}");
    text
}
