//! `arrange`: installments proposed, agreed, canceled, watched.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::args::{By, Json, date, money};
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result, approvals};
use crate::domain::arrangement::{Arrangement, ArrangementState, Installment, Standing};
use crate::domain::{AccountId, AccountNumber, ArrangementId, Cents, Day, day};
use crate::office::{Duty, Eligibility, Office, OfficeError, PlanRequest};

#[derive(Debug, Subcommand)]
pub enum Arrange {
    /// Show each condition of the policy, and the installments that would be agreed; changes nothing
    Propose {
        #[command(flatten)]
        plan: Plan,
        #[command(flatten)]
        json: Json,
    },
    /// Make an arrangement, or propose one against limits of the policy to somebody who approves
    Make {
        #[command(flatten)]
        plan: Plan,
        #[arg(long, default_value = "")]
        note: String,
        /// Propose it against limits of the policy, for this reason; somebody else who may approves it
        #[arg(long = "override", value_name = "REASON")]
        reason: Option<String>,
        /// No longer taken: a second person approves by themselves
        #[arg(long, value_name = "NAME", hide = true)]
        approved_by: Option<String>,
        #[command(flatten)]
        by: By,
    },
    /// Take a missed arrangement up again, within the limits of the policy
    Reinstate {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Cancel an arrangement from today on
    Cancel {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Write the letter that confirms an arrangement, as it is mailed, to hand it over at the counter
    Letter {
        id: i64,
        /// The file to write
        #[arg(long, value_name = "FILE.pdf")]
        out: PathBuf,
    },
    /// The arrangements that are not canceled, or all of one account
    List {
        account: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Args, Debug)]
pub struct Plan {
    account: String,
    /// How many installments, monthly
    #[arg(long, value_name = "COUNT")]
    installments: u16,
    /// When the first of them is due
    #[arg(long, value_name = "DATE", value_parser = date)]
    first_due: Day,
    /// Paid today, or taken already
    #[arg(long, visible_alias = "down-payment", value_name = "AMOUNT", value_parser = money, default_value = "0")]
    down: Cents,
    /// The receipt under which the down payment was taken
    #[arg(long, value_name = "NUMBER")]
    receipt: Option<String>,
}

impl Plan {
    fn request(&self, note: String) -> PlanRequest {
        PlanRequest {
            down_payment: self.down,
            receipt: self.receipt.clone(),
            installments: self.installments,
            first_due: self.first_due,
            note,
        }
    }
}

/// An arrangement with its account and its standing today.
#[derive(Serialize)]
pub struct Line {
    account_number: AccountNumber,
    #[serde(flatten)]
    arrangement: Arrangement,
    standing: Standing,
}

impl Arrange {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Propose { plan, json } => {
                let account = office.account(&plan.account).await?;
                let proposed = office.look_at_arrangement(account.id, &plan.request(String::new())).await?;
                json.or(&proposed.eligibility, || proposal(&proposed.eligibility))
            }
            Self::Make { plan, note, reason, approved_by, by } => {
                let account = office.account(&plan.account).await?;
                let request = plan.request(note);
                let by = by.may(&office, Duty::Write).await?;
                if let Some(approver) = approved_by {
                    return Err(Failure::refused(format!(
                        "nobody approves by being named: leave out `--approved-by`, give `--override REASON`, and {approver} \
                         approves the proposal with `arrears approvals approve`"
                    )));
                }
                if let Some(reason) = reason {
                    let (id, limits) = office.propose_against_limits(account.id, &request, &reason, by).await?;
                    let said = approvals::waits(id, "The arrangement against limits of the policy", "agreed");
                    return Ok(Answer::done(format!("{said}\n{}", limits.join("\n"))));
                }
                let id = office.arrange(account.id, &request, by).await?;
                let made = office.store.arrangements_of(account.id).await?;
                let installments = made.into_iter().find(|made| made.id == id).map(|made| made.installments);
                let said = format!(
                    "Arrangement {id} of account {}\n{}",
                    account.profile.number,
                    schedule(&installments.unwrap_or_default())
                );
                Ok(Answer::done(said).urgent(office.recalls(account.id).await?))
            }
            Self::Reinstate { id, reason, by } => {
                let by = by.may(&office, Duty::Release).await?;
                let pay_by = office.reinstate_arrangement(ArrangementId(id), &reason, by).await?;
                Ok(Answer::done(format!(
                    "Arrangement {id} is taken up again: what was missed is to be paid by {}",
                    day::short(pay_by)
                )))
            }
            Self::Cancel { id, reason, by } => {
                office.cancel_arrangement(ArrangementId(id), &reason, by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("Arrangement {id} is canceled from today on")))
            }
            Self::Letter { id, out } => {
                let letter = office.arrangement_letter(ArrangementId(id)).await?;
                std::fs::write(&out, &letter.bytes).map_err(|source| Failure::from(OfficeError::file(&out, source)))?;
                Ok(Answer::done(format!("The letter of arrangement {id} is in {}", out.display())))
            }
            Self::List { account, json } => {
                let account = match account {
                    Some(number) => Some(office.account(&number).await?.id),
                    None => None,
                };
                let lines = lines(&office, account).await?;
                json.or(&lines, || table(&lines))
            }
        }
    }
}

/// The conditions, and the installments.
fn proposal(proposed: &Eligibility) -> String {
    use Column::Left;
    let columns = [Left("Condition"), Left("Holds"), Left("Asked for"), Left("Found"), Left("Citation")];
    let mut table = Table::new(&columns);
    for point in &proposed.points {
        let holds = match (point.holds, point.overridable) {
            (true, _) => "yes",
            (false, true) => "no, unless overridden",
            (false, false) => "no",
        };
        table.row([
            point.condition.word().to_owned(),
            holds.to_owned(),
            point.asked.clone(),
            point.found.clone(),
            point.citation.clone(),
        ]);
    }
    format!("{}\n{}", table.show(""), schedule(&proposed.installments))
}

fn schedule(installments: &[Installment]) -> String {
    let mut table = Table::new(&[Column::Left("Due"), Column::Right("Amount")]);
    for installment in installments {
        table.row([day::short(installment.due_on), installment.amount.to_string()]);
    }
    let total: Cents = installments.iter().map(|installment| installment.amount).sum();
    table.row(["Total".into(), total.to_string()]);
    table.show("")
}

/// Arrangements with their standing today: of one account, or all that are not canceled.
pub async fn lines(office: &Office, account: Option<AccountId>) -> Result<Vec<Line>> {
    let today = office.today();
    let found = match account {
        Some(id) => office.store.arrangements_of(id).await?.into_iter().map(|plan| (id, plan)).collect(),
        None => office.store.arrangements().await?,
    };
    let mut lines = Vec::with_capacity(found.len());
    for (id, arrangement) in found {
        let snapshot = office.snapshot(id).await?;
        let standing = arrangement.standing(&snapshot.applications, &snapshot.items, today);
        lines.push(Line { account_number: snapshot.profile.number, arrangement, standing });
    }
    Ok(lines)
}

/// Arrangements as a table.
pub fn table(lines: &[Line]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Account"),
        Left("Made"),
        Left("By"),
        Right("Total"),
        Right("Paid"),
        Left("Standing"),
        Left("Next due"),
        Right("Next"),
    ]);
    for Line { account_number, arrangement, standing } in lines {
        let state = match standing.state {
            ArrangementState::Performing => "performing".to_owned(),
            ArrangementState::Missed(on) => format!("missed {}", day::short(on)),
            ArrangementState::Completed => "completed".to_owned(),
            ArrangementState::Canceled(on) => format!("canceled {}", day::short(on)),
        };
        table.row([
            arrangement.id.to_string(),
            account_number.to_string(),
            day::short(arrangement.made_on),
            arrangement.made_by.clone(),
            arrangement.total().to_string(),
            standing.paid.to_string(),
            state,
            super::show::maybe_day(standing.next.map(|next| next.due_on)),
            super::show::maybe(standing.next.map(|next| next.amount).as_ref()),
        ]);
    }
    table.show("No arrangements.")
}
