//! `referrals`: candidates for legal action decided, placed, called back.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use super::args::{By, Json, date, word};
use super::exit::counted;
use super::show::{Numbered, maybe, maybe_day, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result};
use crate::domain::placement::ReturnReason;
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{Day, ReferralId, day};
use crate::office::{Approval, Duty, Office, Out, Taken};
use crate::store::{ReferralExport, ReferralReport};

#[derive(Debug, Subcommand)]
pub enum Referrals {
    /// Referrals that are not over, or those in one state
    List {
        #[arg(long, value_parser = word!(ReferralState))]
        state: Option<ReferralState>,
        #[command(flatten)]
        json: Json,
    },
    /// Approve a candidate
    Approve {
        id: i64,
        /// Send it to a court or an agency although the time to sue has run out for some of the debt, for this reason
        #[arg(long, value_name = "REASON")]
        override_limitation: Option<String>,
        #[command(flatten)]
        by: By,
    },
    /// Decline a candidate
    Decline {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Call a referral back
    Recall {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Write the packets and the list of all approved referrals to a destination, and place them
    Export {
        #[arg(long, value_parser = word!(Destination))]
        to: Destination,
        #[command(flatten)]
        by: By,
    },
    /// The lists that went out
    Exports {
        #[command(flatten)]
        json: Json,
    },
    /// Tell a destination what changed since its last report: payments, corrections, what is called back
    Report {
        #[arg(long, value_parser = word!(Destination), required_unless_present = "again")]
        to: Option<Destination>,
        /// Write a report that went out once more, with the same bytes
        #[arg(long, value_name = "NAME", conflicts_with = "to")]
        again: Option<String>,
        #[command(flatten)]
        by: By,
    },
    /// The reports that went out
    Reports {
        #[command(flatten)]
        json: Json,
    },
    /// Record that a destination gives a debt back
    Return {
        id: i64,
        #[arg(long, value_parser = word!(ReturnReason))]
        reason: ReturnReason,
        /// The day on which it came back; today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        on: Option<Day>,
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        by: By,
    },
    /// Take a destination's file of debts that it gives back: `referral,returned_on,reason,note`
    Returns {
        file: PathBuf,
        #[command(flatten)]
        by: By,
    },
}

/// A referral, and how it stands where it was placed.
#[derive(Debug, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    pub referral: Numbered<Referral>,
    pub out: Option<Out>,
    /// The last day to sue upon the first of its debts that time bars.
    pub sue_by: Option<Day>,
}

impl Referrals {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { state, json } => {
                let mut referrals = office.store.referrals(state).await?;
                if state.is_none() {
                    use ReferralState::{Approved, Candidate, Placed};
                    referrals.retain(|referral| matches!(referral.state, Candidate | Approved | Placed));
                }
                let mut rows = Vec::with_capacity(referrals.len());
                for referral in numbered(&office, referrals, |referral| referral.account).await? {
                    let snapshot = office.snapshot(referral.row.account).await?;
                    let out = Out::of(&referral.row, &snapshot);
                    let sue_by = office.sue_by(&referral.row, &snapshot).await?;
                    rows.push(Shown { referral, out, sue_by });
                }
                json.or(&rows, || table(&rows))
            }
            Self::Approve { id, override_limitation, by } => {
                let by = by.may(&office, Duty::Approve).await?;
                let said = match office.approve_referral(ReferralId(id), override_limitation.as_deref(), by).await? {
                    Approval::Approved => format!("Referral {id} is approved"),
                    Approval::Rerouted(why) => {
                        format!("Referral {id} is withdrawn, not approved: {why}. The next night decides it anew")
                    }
                };
                Ok(Answer::done(said))
            }
            Self::Decline { id, reason, by } => {
                office.decline_referral(ReferralId(id), &reason, by.may(&office, Duty::Approve).await?).await?;
                Ok(Answer::done(format!("Referral {id} is declined")))
            }
            Self::Recall { id, reason, by } => {
                office.recall_referral(ReferralId(id), &reason, by.may(&office, Duty::Approve).await?).await?;
                Ok(Answer::done(format!("Referral {id} is called back")))
            }
            Self::Export { to, by } => {
                let exported = office.export_referrals(to, by.may(&office, Duty::Approve).await?).await?;
                let text = match exported.list {
                    Some(list) => {
                        format!("The list for {to} is {}", office.list_path(&list).display())
                    }
                    None => format!("Nothing was placed with {to}"),
                };
                Ok(Answer::done(text).with_refusals(
                    exported.refused.iter().map(|(id, why)| format!("referral {id}: not placed: {why}")),
                ))
            }
            Self::Exports { json } => {
                let lists = office.store.exports(u32::MAX).await?;
                json.or(&lists, || exports(&office, &lists))
            }
            Self::Report { to, again, by } => {
                let by = by.may(&office, Duty::Write).await?;
                let report = match (again, to) {
                    (Some(name), _) => Some(office.rewrite_report(&name).await?),
                    (None, Some(to)) => office.report_referrals(to, by).await?,
                    (None, None) => None,
                };
                Ok(Answer::done(report.map_or_else(
                    || "Nothing has changed since the last report".to_owned(),
                    |report| reported(&office, &report),
                )))
            }
            Self::Reports { json } => {
                let reports = office.store.referral_reports(false).await?;
                json.or(&reports, || reports_table(&reports))
            }
            Self::Return { id, reason, on, note, by } => {
                let by = by.may(&office, Duty::Approve).await?;
                let on = on.unwrap_or_else(|| office.today());
                office.return_referral(ReferralId(id), on, reason, &note, by).await?;
                Ok(Answer::done(format!("Referral {id} is returned: {reason}")))
            }
            Self::Returns { file, by } => {
                let by = by.may(&office, Duty::Approve).await?;
                match office.import(&file, by).await? {
                    Taken::Done { outcome, .. } => {
                        office.settle().await?;
                        office.recheck_todays_orders().await?;
                        Ok(Answer::done(format!("{} came back", counted(outcome.added as usize, "debt", "debts"))))
                    }
                    Taken::Before { .. } => Ok(Answer::done("All of it came back before")),
                    Taken::Refused { report, .. } => Err(Failure::refused(report)),
                }
            }
        }
    }
}

fn reported(office: &Office, report: &ReferralReport) -> String {
    let files: Vec<String> =
        report.files.iter().map(|file| office.report_path(report, &file.part).display().to_string()).collect();
    format!("{}: {} changes and {} recalls are in {}", report.name, report.lines, report.recalls, files.join(" and "))
}

fn reports_table(reports: &[ReferralReport]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[Left("Report"), Left("Made"), Left("By"), Right("Changes"), Right("Recalls")]);
    for report in reports {
        table.row([
            report.name.clone(),
            day::short(report.made_on),
            report.made_by.clone(),
            report.lines.to_string(),
            report.recalls.to_string(),
        ]);
    }
    table.show("No report went out.")
}

fn exports(office: &Office, lists: &[ReferralExport]) -> String {
    use Column::{Left, Right};
    let mut table =
        Table::new(&[Left("List"), Left("Made"), Left("By"), Right("Referrals"), Right("Total"), Left("File")]);
    for list in lists {
        let file = office.list_path(list).display().to_string();
        table.row([
            list.name.clone(),
            day::short(list.made_on),
            list.made_by.clone(),
            list.referrals.len().to_string(),
            list.total.to_string(),
            if list.written_at.is_some() { file } else { "not written yet".into() },
        ]);
    }
    table.show("No list went out.")
}

/// Referrals as a table.
pub fn table(rows: &[Shown]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Account"),
        Left("To"),
        Right("Amount"),
        Left("Proposed"),
        Left("State"),
        Left("Approved by"),
        Left("Placed"),
        Right("Placed amount"),
        Right("Since"),
        Right("Balance there"),
        Left("To sue by"),
        Left("Why"),
    ]);
    for Shown { referral: Numbered { account_number, row: referral }, out, sue_by } in rows {
        table.row([
            referral.id.to_string(),
            account_number.to_string(),
            referral.to.to_string(),
            referral.amount.to_string(),
            day::short(referral.proposed_on),
            referral.state.to_string(),
            maybe(referral.approved_by.as_ref()),
            maybe_day(referral.placed_on),
            maybe(out.map(|out| out.placed).as_ref()),
            maybe(out.map(|out| out.since).as_ref()),
            maybe(out.map(|out| out.balance).as_ref()),
            maybe_day(*sue_by),
            maybe(referral.cause.as_ref()),
        ]);
    }
    table.show("No referrals.")
}
