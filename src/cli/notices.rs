//! `notices`: listed, shown, released, canceled, batched, mailed, returned.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{By, Json, date, word};
use super::exit::counted;
use super::show::{Numbered, maybe, maybe_day, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result};
use crate::domain::document::MediaType;
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{BatchId, Day, NoticeId, day, postal};
use crate::office::{Batching, Duty, IfLate, Marked, Office, OfficeError, Released, Reprinted};

#[derive(Debug, Subcommand)]
pub enum Notices {
    /// Notices that are on their way, or those in one state
    List {
        #[arg(long, value_parser = word!(NoticeState))]
        state: Option<NoticeState>,
        /// Every notice of an account, in any state
        #[arg(long, value_name = "ACCOUNT", conflicts_with = "state")]
        account: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// One notice; with --out, the letter or email itself, kept or as a draft
    Show {
        id: i64,
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
    /// Release planned notices; each is looked at again first
    Release {
        #[arg(required_unless_present = "all", value_name = "ID")]
        ids: Vec<i64>,
        /// Every planned notice
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        #[command(flatten)]
        by: By,
    },
    /// Cancel a notice that nobody was told of yet
    Cancel {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Put all letters that are ready into a print batch
    Batch {
        #[command(flatten)]
        by: By,
    },
    /// Write the files of a print batch again, of the letters as they were kept; changes nothing
    Reprint {
        /// The batch
        id: i64,
    },
    /// Mark letters as mailed, with the proof
    Mailed(Mailed),
    /// Record that a piece came back
    Returned {
        id: i64,
        #[arg(long, value_name = "DATE", value_parser = date)]
        on: Day,
        /// What the carrier says: moved, no such number
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

#[derive(Args, Debug)]
pub struct Mailed {
    #[arg(required_unless_present = "batch", value_name = "ID")]
    ids: Vec<i64>,
    /// A whole print batch
    #[arg(long, value_name = "ID", conflicts_with = "ids")]
    batch: Option<i64>,
    /// The day on which the carrier accepted them
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: Day,
    /// Void the letters whose stated dates are too early for that day, and mark the others; without it, nothing is marked
    #[arg(long)]
    void_late: bool,
    /// The carrier took them although the post office was closed that day
    #[arg(long)]
    closed_day: bool,
    /// The carrier's form and number: PS 3665 no. 118
    #[arg(long)]
    proof: String,
    #[command(flatten)]
    by: By,
}

/// The states that `list` shows when none is asked for: what somebody has still to see to.
const ON_THEIR_WAY: [NoticeState; 5] =
    [NoticeState::Planned, NoticeState::Released, NoticeState::Rendered, NoticeState::Batched, NoticeState::Failed];

impl Notices {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { state, account, json } => {
                let rows = listed(&office, state, account.as_deref()).await?;
                json.or(&rows, || table(&rows))
            }
            Self::Show { id, out, json } => show(&office, NoticeId(id), out, json).await,
            Self::Release { ids, all, by } => {
                let ids: Vec<NoticeId> = if all {
                    let planned = office.store.notices_in(NoticeState::Planned, u32::MAX).await?;
                    planned.iter().map(|notice| notice.id).collect()
                } else {
                    ids.into_iter().map(NoticeId).collect()
                };
                let released = office.release_notices(&ids, by.may(&office, Duty::Release).await?).await?;
                Ok(done(&released, "released", "not released"))
            }
            Self::Cancel { id, reason, by } => {
                // One that does not exist is not "gone out".
                office.store.notice(NoticeId(id)).await?;
                office.cancel_notice(NoticeId(id), &reason, by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("Notice {id} is canceled")))
            }
            Self::Batch { by } => Ok(batched(&office, office.make_batch(by.may(&office, Duty::Write).await?).await?)),
            Self::Reprint { id } => Ok(reprinted(&office, BatchId(id), office.reprint_batch(BatchId(id)).await?)),
            Self::Mailed(args) => {
                let late = if args.void_late { IfLate::Void } else { IfLate::Refuse };
                let by = args.by.may(&office, Duty::Write).await?;
                if !args.closed_day
                    && let Some(closed) = postal::closed(args.on)
                {
                    return Err(Failure::refused(format!(
                        "{} is {closed}: the post office takes no mail then, and what is marked is not taken back. Correct the \
                         day, or say --closed-day where the carrier took them all the same; nothing was marked",
                        day::short(args.on)
                    )));
                }
                let marked = match args.batch {
                    Some(batch) => office.mark_batch_mailed(BatchId(batch), args.on, late, &args.proof, by).await?,
                    None => {
                        let ids: Vec<NoticeId> = args.ids.iter().copied().map(NoticeId).collect();
                        office.mark_mailed(&ids, args.on, late, &args.proof, by).await?
                    }
                };
                Ok(mailed(&marked, args.on))
            }
            Self::Returned { id, on, reason, by } => {
                office.mark_returned(NoticeId(id), on, &reason, by.may(&office, Duty::Write).await?).await?;
                Ok(Answer::done(format!("Notice {id} came back {}: its service is void", day::short(on))))
            }
        }
    }
}

fn batched(office: &Office, Batching { made, dropped }: Batching) -> Answer {
    let dropped = dropped.into_iter().map(|(id, why)| format!("notice {id}: not printed: {why}"));
    let Some(made) = made else { return Answer::done("No letter waits for a batch").with_refusals(dropped) };
    let waiting = made.waiting.iter().map(|(id, why)| format!("notice {id}: left for the next batch: {why}"));
    Answer::done(format!(
        "Batch {}: {}, {}\nWhen the carrier has them: arrears notices mailed --batch {} --on DATE --proof FORM --by NAME",
        made.batch,
        counted(made.pieces as usize, "letter", "letters"),
        office.dir.join(&made.path).display(),
        made.batch
    ))
    .with_refusals(dropped.chain(waiting))
}

fn reprinted(office: &Office, id: BatchId, Reprinted { path, pieces, is_same_file, taken_out }: Reprinted) -> Answer {
    let how = if is_same_file { "the same file" } else { "the same letters, in a file that is set anew" };
    let refusals = taken_out.into_iter().map(|(id, why)| format!("notice {id} must not go out: {why}"));
    let letters = counted(pieces as usize, "letter", "letters");
    Answer::done(format!("Batch {id} again: {letters}, {how}, {}", office.dir.join(path).display()))
        .with_refusals(refusals)
}

fn done(outcome: &Released, verb: &str, not: &str) -> Answer {
    let count = counted(outcome.released.len(), "notice is", "notices are");
    Answer::done(format!("{count} {verb}"))
        .with_refusals(outcome.refused.iter().map(|(id, why)| format!("notice {id}: {not}: {why}")))
}

fn mailed(marked: &Marked, on: Day) -> Answer {
    let count = counted(marked.mailed.len(), "notice is", "notices are");
    let mut refusals: Vec<String> =
        marked.voided.iter().map(|(id, why)| format!("notice {id}: not mailed: {why}")).collect();
    if !marked.taken_out.is_empty() {
        let letters = counted(marked.taken_out.len(), "letter of the batch is", "letters of the batch are");
        refusals.push(format!("{letters} no longer wanted and must not go out:"));
        refusals.extend(marked.taken_out.iter().map(|(id, why)| format!("  notice {id}, {why}")));
    }
    Answer::done(format!("{count} marked as mailed {}", day::short(on))).with_refusals(refusals)
}

async fn listed(office: &Office, state: Option<NoticeState>, account: Option<&str>) -> Result<Vec<Numbered<Notice>>> {
    let mut notices = Vec::new();
    if let Some(number) = account {
        notices = office.store.notices_of(office.account(number).await?.id).await?;
    } else {
        for state in state.as_ref().map_or(ON_THEIR_WAY.as_slice(), std::slice::from_ref) {
            notices.extend(office.store.notices_in(*state, u32::MAX).await?);
        }
    }
    numbered(office, notices, |notice| notice.account).await
}

/// Notices as a table.
pub fn table(rows: &[Numbered<Notice>]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Account"),
        Left("Notice"),
        Left("By"),
        Left("To"),
        Right("Amount"),
        Left("Planned"),
        Left("State"),
        Left("Mailed"),
        Left("Served"),
        Left("Why"),
    ]);
    for Numbered { account_number, row: notice } in rows {
        table.row([
            notice.id.to_string(),
            account_number.to_string(),
            notice.template.to_string(),
            notice.channel.to_string(),
            format!("{}: {}", notice.recipient, notice.addressee),
            notice.facts.amount.to_string(),
            day::short(notice.planned_on),
            notice.state.to_string(),
            maybe_day(notice.mailed_on),
            maybe_day(notice.served_on),
            notice.cause.clone().unwrap_or_default(),
        ]);
    }
    table.show("No notices.")
}

async fn show(office: &Office, id: NoticeId, out: Option<PathBuf>, json: Json) -> Result {
    let notice = office.store.notice(id).await?;
    let account = office.store.account(notice.account).await?;
    if let Some(out) = out {
        let document = office.preview_notice(id).await?;
        std::fs::write(&out, &document.bytes).map_err(|source| Failure::from(OfficeError::file(&out, source)))?;
        let kind = match document.media_type {
            MediaType::Pdf => "letter",
            MediaType::Email => "email",
            MediaType::Html | MediaType::Zip | MediaType::Csv | MediaType::Json => "document",
        };
        let standing = if notice.document.is_some() { "as it was kept" } else { "as a draft of today" };
        return Ok(Answer::done(format!("The {kind} of notice {id} is in {}, {standing}", out.display())));
    }
    let row = Numbered { account_number: account.profile.number, row: notice };
    json.or(&row, || text(&row))
}

fn text(row: &Numbered<Notice>) -> String {
    let notice = &row.row;
    let facts = &notice.facts;
    let address = notice.address.one_line();
    let to = notice.email.as_deref().filter(|_| notice.channel == crate::domain::Channel::Email).unwrap_or(&address);
    let languages: Vec<&str> = notice.languages.iter().map(|language| language.word()).collect();
    let mut text = String::new();
    let lines: [(&str, String); 17] = [
        ("Notice", format!("{}: {}, {}", notice.id, notice.template, notice.state)),
        ("Account", row.account_number.to_string()),
        ("Stage", format!("{} / {}, round {}", notice.of.track, notice.of.stage, notice.of.round)),
        ("To", format!("{}, {} by {}: {to}", notice.addressee, notice.recipient, notice.channel)),
        ("Languages", languages.join(" ")),
        ("To pay", facts.amount.to_string()),
        ("Balance", facts.balance.to_string()),
        ("Pay by", maybe_day(facts.pay_by)),
        ("Shut-off not before", maybe_day(facts.shut_off_on)),
        ("Citation", facts.citation.clone()),
        ("Planned", day::short(notice.planned_on)),
        ("Released", with(notice.released_on, notice.released_by.as_ref())),
        ("Dated", maybe_day(notice.dated)),
        ("Mailed", with(notice.mailed_on, notice.proof.as_ref())),
        ("Served", maybe_day(notice.served_on)),
        ("Returned", maybe_day(notice.returned_on)),
        ("Why", notice.cause.clone().unwrap_or_default()),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<20} {value}");
    }
    text.push_str("\nDebts listed\n");
    let mut table = Table::new(&[
        Column::Left("Service"),
        Column::Left("Kind"),
        Column::Left("Billed"),
        Column::Left("Due"),
        Column::Right("Open"),
    ]);
    for item in &facts.items {
        table.row([
            item.service.to_string(),
            item.kind.to_string(),
            day::short(item.billed_on),
            day::short(item.due_on),
            item.open.to_string(),
        ]);
    }
    text.push_str(&table.show("None."));
    text
}

/// `Fri 2026-05-22, PS 3665`.
fn with(on: Option<Day>, what: Option<&String>) -> String {
    let parts = [maybe_day(on), maybe(what)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
