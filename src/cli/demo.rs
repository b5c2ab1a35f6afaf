//! `demo`: a made-up city, lived through in seconds, and where to look.

use std::io::IsTerminal;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::Json;
use super::table::{Column, Table};
use super::{Desk, Failure, Result};
use crate::demo::{Demo, LEAD, PASSWORD, Shown};
use crate::domain::day::{parse, short};

/// The folder of the demonstration where none is named.
const FOLDER: &str = "demo";
/// Its first business date.
const START: &str = "2026-01-04";

#[derive(Args, Debug)]
pub struct DemoArgs {
    /// How many accounts the city has
    #[arg(long, default_value_t = 2_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    accounts: u32,
    /// How many days are lived through
    #[arg(long, default_value_t = 180, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    days: u32,
    /// Another seed makes another city; the same seed makes the same bytes
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    #[command(flatten)]
    json: Json,
}

impl DemoArgs {
    pub async fn run(self, desk: &Desk) -> Result {
        let dir = if desk.dir().as_os_str() == "." { FOLDER.into() } else { desk.dir().to_owned() };
        let start = parse(START).ok_or_else(|| Failure::failed("the first date cannot be read"))?;
        let demo = Demo {
            dir: dir.clone(),
            database: desk.database(),
            accounts: self.accounts,
            days: self.days,
            seed: self.seed,
            start,
        };
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(u64::from(self.days))
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} day {pos} of {len}, {msg}") {
            bar.set_style(style);
        }
        let began = Instant::now();
        let shown = demo
            .show(&|day, shown: &Shown| {
                bar.inc(1);
                bar.set_message(format!(
                    "{}: {} letters, {} calls",
                    short(day),
                    shown.letters_mailed,
                    shown.calls_made
                ));
            })
            .await?;
        bar.finish_and_clear();
        let seconds = began.elapsed().as_secs();
        self.json.or(&shown, || text(&shown, &dir.display().to_string(), seconds))
    }
}

fn text(shown: &Shown, dir: &str, seconds: u64) -> String {
    let last = shown.last_day.map(short).unwrap_or_default();
    let mut text = format!("The City of Riverbend, lived through {last}, in {seconds} s.\n\n");
    let mut done = Table::new(&[Column::Right("Count"), Column::Left("What was done")]);
    for (count, what) in [
        (shown.accounts, "accounts"),
        (shown.files, "files taken in"),
        (shown.nights.changed, "decisions that changed something"),
        (shown.nights.fees, "fees posted"),
        (shown.letters_mailed, "letters mailed"),
        (shown.emails_sent, "emails sent"),
        (shown.letters_returned, "letters that came back"),
        (shown.calls_made, "calls made"),
        (shown.promises, "promises to pay"),
        (shown.arrangements, "arrangements"),
        (shown.disputes, "disputes"),
        (shown.approved, "proposals that another approved"),
        (shown.shut_offs, "shut-offs"),
        (shown.shut_offs_stopped, "shut-offs stopped at the last check"),
        (shown.restorations, "restorations"),
        (shown.nights.closed, "cases closed because the debt was paid"),
        (shown.referrals, "referrals for legal action"),
    ] {
        done.row([count.to_string(), what.to_owned()]);
    }
    text.push_str(&done.show("Nothing was done."));
    text.push_str(&format!("\nPast due now: {}\n\nWhere to look:\n", shown.past_due));
    let mut look = Table::new(&[Column::Left("What"), Column::Left("File")]);
    for (what, path) in &shown.look {
        look.row([what.clone(), path.clone()]);
    }
    text.push_str(&look.show("nowhere"));
    let account = shown.account.as_deref().unwrap_or("ACCOUNT");
    text.push_str(&format!(
        "\nThe pages:      arrears run --dir {dir} --listen 127.0.0.1:8080\n                \
         sign in as {LEAD} with the password {PASSWORD}\n\
         One account:    arrears why {account} --dir {dir}\n\
         Aging:          arrears report aging --dir {dir}\n\
         A packet:       arrears packet {account} --dir {dir} --by \"{LEAD}\"\n\n\
         The demonstration's clock stands still on its last day.\n"
    ));
    text
}
