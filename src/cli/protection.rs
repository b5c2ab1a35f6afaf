//! `protection`: what a household shows toward the protections of the law, point by point.

use clap::Subcommand;

use super::args::{By, Json, date, word};
use super::show::maybe_day;
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::proof::{Proof, ProofKind};
use crate::domain::{Day, ProofId, day};
use crate::office::{Duty, ShownPoint};

#[derive(Debug, Subcommand)]
pub enum Protection {
    /// Record that the household shows a point, with its evidence
    Record {
        account: String,
        #[arg(value_parser = word!(ProofKind))]
        what: ProofKind,
        /// Who certified, which program, or what the customer declared
        #[arg(long)]
        evidence: String,
        /// The first day; today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        from: Option<Day>,
        /// The last day, inclusive; until somebody ends it where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        through: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// From today on it shows nothing
    End {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// The three points, each with what shows it or that it is missing, and everything that was shown
    Show {
        account: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(serde::Serialize)]
struct Page {
    points: Vec<ShownPoint>,
    proofs: Vec<Proof>,
}

impl Protection {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Record { account, what, evidence, from, through, by } => {
                let account = office.account(&account).await?;
                let by = by.may(&office, Duty::Write).await?;
                let recorded = office.show_protection(account.id, what, &evidence, (from, through), by).await?;
                let number = account.profile.number;
                let mut said = format!("Recorded as no. {} for account {number}: {}", recorded.id, what.says());
                if let Some(hold) = recorded.hold {
                    said += &format!("\nHold {hold} (medical) stands until the lead decides");
                }
                said += &match recorded.missing.as_slice() {
                    [] => "\nAll three points are shown: service is not shut off".to_owned(),
                    missing => {
                        let missing: Vec<&str> = missing.iter().map(|point| point.says()).collect();
                        format!("\nMissing of the three points: {}", missing.join("; "))
                    }
                };
                Ok(Answer::done(said))
            }
            Self::End { id, reason, by } => {
                office.end_protection(ProofId(id), &reason, by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("No. {id} shows nothing from today on")))
            }
            Self::Show { account, json } => {
                let account = office.account(&account).await?.id;
                let page =
                    Page { points: office.points_of(account).await?, proofs: office.store.proofs_of(account).await? };
                json.or(&page, || format!("{}\n\n{}", told(&page.points), table(&page.proofs, office.today())))
            }
        }
    }
}

/// The three points, a line each.
pub fn told(points: &[ShownPoint]) -> String {
    let lines = points.iter().enumerate().map(|(n, point)| {
        let shown = match &point.by {
            Some(proof) => {
                let through = proof.through.map(|day| format!(", through {}", day::short(day))).unwrap_or_default();
                format!("shown since {}{through}: {} ({})", day::short(proof.from), proof.evidence, proof.recorded_by)
            }
            None => "missing".to_owned(),
        };
        format!("{}. {}: {shown}", n + 1, point.says)
    });
    let all = points.iter().all(|point| point.by.is_some());
    let end = if all { "All three are shown: service is not shut off" } else { "Not all three are shown" };
    let law = crate::office::THREE_POINTS;
    lines.chain([format!("{end} ({law}).")]).collect::<Vec<_>>().join("\n")
}

fn table(proofs: &[Proof], today: Day) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("No."),
        Left("Shown"),
        Left("From"),
        Left("Through"),
        Left("Today"),
        Left("Recorded by"),
        Left("Evidence"),
    ]);
    for proof in proofs {
        let through = match (proof.ended_on, proof.through) {
            (Some(ended), _) => format!("ended {}", day::short(ended)),
            (None, Some(through)) => day::short(through),
            (None, None) => "until a person ends it".to_owned(),
        };
        table.row([
            proof.id.to_string(),
            proof.kind.to_string(),
            maybe_day(Some(proof.from)),
            through,
            if proof.counts_on(today) { "counts".into() } else { String::new() },
            proof.recorded_by.clone(),
            proof.evidence.clone(),
        ]);
    }
    table.show("Nothing was shown.")
}
