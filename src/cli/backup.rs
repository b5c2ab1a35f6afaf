//! `backup`, `restore` and `restored`: a city in one file, and back.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{By, Json};
use super::exit::{Answer, Exit, counted};
use super::{Desk, Result, doctor};
use crate::clock::{Clock, SystemClock};
use crate::domain::{Actor, NoticeId, day};
use crate::office::{Duty, MayBeDone, restore};
use crate::store::Stamp;

/// Copies a city into one file while it works: the database as it is at one moment, the papers, the configuration
#[derive(Args, Debug)]
pub struct Backup {
    /// A folder, or a file that ends in .zip
    to: PathBuf,
}

impl Backup {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let made = office.back_up(&self.to, desk.database().as_deref()).await?;
        let bytes: u64 = made.manifest.files.iter().map(|file| file.bytes).sum();
        let files = counted(made.manifest.files.len(), "file", "files");
        let seal = made.manifest.seal.as_deref().unwrap_or("none: nothing was recorded yet");
        let unsealed = made.unsealed.map_or_else(String::new, |why| {
            format!("\nNo seal could be made first ({why}): what was recorded since the one above is in the backup, unsealed")
        });
        Ok(Answer::done(format!(
            "{}: {files}, {} KiB\nSeal: {seal}{unsealed}",
            made.path.display(),
            bytes.div_ceil(1024)
        )))
    }
}

/// Makes a city of a backup, in a new directory. Nothing goes out of it until `arrears restored release`
#[derive(Args, Debug)]
pub struct Restore {
    /// What `arrears backup` wrote
    archive: PathBuf,
    #[command(flatten)]
    by: By,
}

impl Restore {
    pub async fn run(self, desk: &Desk) -> Result {
        let now = SystemClock.now();
        // Nobody's role is known before the database is there; the name stands in its log.
        let by = Actor::Person(self.by.name().to_owned());
        let stamp = Stamp { by, on: now.date_naive(), at: now };
        let restored = restore(&self.archive, desk.dir(), desk.database().as_deref(), &stamp).await?;
        let mut out = format!(
            "{} is restored from the backup of {}.\n",
            desk.dir().display(),
            restored.manifest.made_at.format("%Y-%m-%d %H:%M UTC")
        );
        if let Some(url) = restored.struck_out {
            let place = url.rsplit_once('@').map_or(url.as_str(), |(_, place)| place);
            out.push_str(&format!(
                "arrears.yaml named the database {place}. That line is a comment now: write the restored one's address.\n"
            ));
        }
        let office = desk.office().await?;
        let checkup = office.doctor(&|_, _| {}).await?;
        out.push_str(&doctor::text(&checkup));
        out.push_str(
            "\nNothing goes out and no night is run: take in the files that came since (`arrears import`), look at `arrears restored \
             show`, then `arrears restored release --reason TEXT`.",
        );
        let exit = if checkup.is_clean() { Exit::Done } else { Exit::Refused };
        Ok(Answer { exit, ..Answer::done(out) })
    }
}

/// A restored city, until somebody has looked
#[derive(Debug, Subcommand)]
pub enum Restored {
    /// What waits here and may have been done since the backup
    Show {
        #[command(flatten)]
        json: Json,
    },
    /// Let work go on
    Release {
        #[arg(long)]
        reason: String,
        /// Emails that had left since the backup: they are recorded as sent, and not sent again
        #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
        sent: Vec<i64>,
        #[command(flatten)]
        by: By,
    },
}

impl Restored {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Show { json } => {
                let standing = office.may_be_done().await?;
                json.or(&standing, || standing.as_ref().map_or_else(|| "Work goes on.\n".to_owned(), text))
            }
            Self::Release { reason, sent, by } => {
                let by = by.may(&office, Duty::Release).await?;
                let sent: Vec<NoticeId> = sent.into_iter().map(NoticeId).collect();
                office.release_restored(&sent, &reason, by).await?;
                let emails = counted(sent.len(), "email is", "emails are");
                Ok(Answer::done(format!("Work goes on. {emails} recorded as sent.")))
            }
        }
    }
}

fn text(standing: &MayBeDone) -> String {
    let night = standing.last_night.map_or_else(|| "none".to_owned(), day::short);
    let mut text = format!(
        "Restored from the backup of {}. Last night in it: {night}. Since then this may have been done, and is not known here:\n",
        standing.restoration.backup_made_at.format("%Y-%m-%d %H:%M UTC")
    );
    for (id, account, to, message) in &standing.emails {
        text.push_str(&format!(
            "  email {id} to {to} (account {account}), Message-ID <{message}>: ask the mail server's log\n"
        ));
    }
    if standing.unreleased_emails > 0 {
        text.push_str(&format!(
            "  {}: ask the mail server's log before they are released again\n",
            counted(
                standing.unreleased_emails,
                "email that waits for its release",
                "emails that wait for their release"
            )
        ));
    }
    text.push_str(&format!(
        "  {}: compare with the proofs of mailing, and cancel what is void\n  {}: ask the crews\n  {}: ask who got lists\n  {}, and the last list of fees here is {}: \
         ask the billing system for later ones\n",
        counted(standing.letters, "letter not marked mailed", "letters not marked mailed"),
        counted(standing.orders, "field order that is not over", "field orders that are not over"),
        counted(standing.referrals, "referral or list not out", "referrals or lists not out"),
        counted(standing.fees, "fee on no list", "fees on no list"),
        standing.last_fee_list.as_deref().unwrap_or("none"),
    ));
    text
}
