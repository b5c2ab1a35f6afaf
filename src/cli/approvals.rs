//! `approvals`, `adjust`, `writeoff`: what one person proposes and another approves. Arrangements against the limits are proposed by
//! `arrange`.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::args::{By, Json, money, word};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::proposal::{Proposal, ProposalKind};
use crate::domain::{AccountNumber, Cents, ProposalId, Service, day};
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum Approvals {
    /// What waits for a second person; with --all, what was decided too
    List {
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Approve what another proposed: it is posted, or the arrangement made
    Approve {
        id: i64,
        #[command(flatten)]
        by: By,
    },
    /// Decline a proposal, or take back one's own
    Decline {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    proposal: Proposal,
    account_number: AccountNumber,
    /// Why it can no longer be approved as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<String>,
}

impl Approvals {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { all, json } => {
                let mut shown = Vec::new();
                for proposal in office.store.proposals(!all).await? {
                    let account_number = office.store.account(proposal.account).await?.profile.number;
                    let stale = office.stale(&proposal).await?;
                    shown.push(Shown { proposal, account_number, stale });
                }
                json.or(&shown, || {
                    let mut table = Table::new(&[
                        Column::Right("ID"),
                        Column::Left("Account"),
                        Column::Left("What"),
                        Column::Right("Amount"),
                        Column::Left("Proposed"),
                        Column::Left("Reason"),
                        Column::Left("Now"),
                    ]);
                    for Shown { proposal, account_number, stale } in &shown {
                        let decided = match (&proposal.decided_by, proposal.decided_on, stale) {
                            (Some(by), Some(on), _) => {
                                let note = proposal.note.iter().map(|note| format!(": {note}"));
                                format!("{} by {by}, {}{}", proposal.state, day::short(on), note.collect::<String>())
                            }
                            (_, _, Some(stale)) => format!("stale, decline it: {stale}"),
                            (_, _, None) => "waits".to_owned(),
                        };
                        table.row([
                            proposal.id.to_string(),
                            account_number.to_string(),
                            proposal.what.kind().word().replace('_', "-"),
                            proposal.shown_amount().to_string(),
                            format!("{} by {}", day::short(proposal.proposed_on), proposal.proposed_by),
                            proposal.reason_with_facts(),
                            decided,
                        ]);
                    }
                    table.show("Nothing waits for a second person.")
                })
            }
            Self::Approve { id, by } => {
                let done = office.approve_proposal(ProposalId(id), by.may(&office, Duty::Approve).await?).await?;
                let number = office.store.account(done.account).await?.profile.number;
                let balance = office.snapshot(done.account).await?.balance();
                if done.what.kind() == ProposalKind::Arrangement {
                    let made = office.store.arrangements_of(done.account).await?.pop();
                    let id = made.map_or_else(String::new, |made| format!(" {}", made.id));
                    return Ok(Answer::done(format!(
                        "Arrangement{id} of {} of account {number} is made, as {} proposed it, and its letter goes out",
                        done.amount, done.proposed_by
                    ))
                    .urgent(office.recalls(done.account).await?));
                }
                Ok(Answer::done(format!(
                    "The {} of {} is posted; the balance of account {number} is {balance}",
                    done.what.kind().word().replace('_', "-"),
                    done.shown_amount()
                )))
            }
            Self::Decline { id, reason, by } => {
                let by = by.may(&office, Duty::Write).await?;
                office.decline_proposal(ProposalId(id), &reason, by).await?;
                Ok(Answer::done(format!("Proposal {id} is declined; nothing was posted or agreed")))
            }
        }
    }
}

#[derive(Args, Debug)]
pub struct Adjust {
    account: String,
    #[arg(long, value_parser = word!(Service))]
    service: Service,
    /// Below zero in the customer's favor: --amount=-25.00
    #[arg(long, value_parser = money, allow_hyphen_values = true)]
    amount: Cents,
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: By,
}

impl Adjust {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let account = office.account(&self.account).await?;
        let by = self.by.may(&office, Duty::Write).await?;
        let id = office.propose_adjustment(account.id, self.service, self.amount, &self.reason, by).await?;
        Ok(Answer::done(waits(id, &format!("An adjustment of {}", self.amount), "posted")))
    }
}

#[derive(Args, Debug)]
pub struct WriteOff {
    account: String,
    /// The other way round: what was written off is owed again, from its own due dates
    #[arg(long)]
    reverse: bool,
    /// With --reverse: only what is left over of write-offs whose debts were paid after all or taken back; nothing is owed by it
    #[arg(long, requires = "reverse")]
    left_over: bool,
    /// With --reverse: only as much of it, of the oldest debts first
    #[arg(long, requires = "reverse", conflicts_with = "left_over", value_parser = money)]
    amount: Option<Cents>,
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: By,
}

impl WriteOff {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let account = office.account(&self.account).await?;
        let by = self.by.may(&office, Duty::Write).await?;
        if self.left_over {
            let (id, amount, facts) = office.propose_left_over(account.id, &self.reason, by).await?;
            let what = format!("That {amount}, which is left over of write-offs, is taken back,");
            return Ok(Answer::done([vec![waits(id, &what, "posted")], facts].concat().join("; ")));
        }
        if self.reverse {
            let (id, amount, facts) = office.propose_reinstatement(account.id, self.amount, &self.reason, by).await?;
            let what = format!("That {amount}, which was written off, is owed again from its own due dates,");
            return Ok(Answer::done([vec![waits(id, &what, "posted")], facts].concat().join("; ")));
        }
        let (id, amount) = office.propose_write_off(account.id, &self.reason, by).await?;
        Ok(Answer::done(waits(id, &format!("The write-off of {amount}, all that is past due,"), "posted")))
    }
}

/// What is said of a proposal: that nothing is `done` yet.
pub(super) fn waits(id: ProposalId, what: &str, done: &str) -> String {
    format!(
        "{what} is proposed and waits for somebody else: `arrears approvals approve {id} --by NAME`; nothing is {done} yet"
    )
}
