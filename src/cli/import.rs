//! `import`: files are taken whole or refused whole, each for itself.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::args::By;
use super::exit::counted;
use super::{Answer, Desk, Exit, Failure, Result};
use crate::domain::balance::BalanceCounts;
use crate::office::{Checked, Duty, Importing, NIGHT, Office, Taken};

#[derive(Args, Debug)]
pub struct Import {
    /// CSV files as docs/IMPORT.md says, in the order given: accounts before what refers to them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Take also amounts, and numbers of rows, that are far above what is usual: somebody has looked
    #[arg(long)]
    confirm_large: bool,
    /// Read the files by this mapping: its name, or its file. Without it by the one whose pattern fits a file's name
    #[arg(long, value_name = "NAME")]
    mapping: Option<String>,
    /// Only look: say what each file holds, or all that is wrong with it by itself
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    by: By,
}

impl Import {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let how = Importing { mapping: self.mapping.clone(), is_confirmed: self.confirm_large };
        if self.check {
            return self.look(&office, &how).await;
        }
        let by = self.by.may(&office, Duty::Write).await?;
        let mut answer = Answer::done("");
        for file in &self.files {
            let name = file.display();
            let taken = office.import_as(file, &how, by).await;
            match taken.map_err(Failure::from) {
                Ok(Taken::Done { outcome, told }) => {
                    let _ = write!(
                        answer.out,
                        "{name}: {} rows, {} new, {} changed, {} known already",
                        outcome.rows, outcome.added, outcome.updated, outcome.unchanged
                    );
                    if !outcome.added_amount.is_zero() {
                        let _ = write!(answer.out, ", {} in all", outcome.added_amount);
                    }
                    if outcome.unmatched > 0 {
                        let _ = write!(
                            answer.out,
                            "; {} no account: `arrears payments unmatched`",
                            counted(outcome.unmatched as usize, "payment matches", "payments match")
                        );
                    }
                    if outcome.returned > 0 {
                        let _ = write!(
                            answer.out,
                            "; {} off the unmatched list",
                            counted(outcome.returned as usize, "returned payment is", "returned payments are")
                        );
                    }
                    if outcome.carried > 0 {
                        let _ = write!(
                            answer.out,
                            "; {} billed anew under an arrangement, which goes on with the new bill",
                            counted(outcome.carried as usize, "bill was", "bills were")
                        );
                    }
                    if outcome.awaited > 0 {
                        let _ = write!(
                            answer.out,
                            "; {} reversed under an arrangement: `arrears exceptions list`",
                            counted(outcome.awaited as usize, "bill was", "bills were")
                        );
                    }
                    if outcome.taken_over > 0 {
                        let _ = write!(
                            answer.out,
                            "; {} own came back, and {} not counted again",
                            counted(outcome.taken_over as usize, "fee of our", "fees of our"),
                            if outcome.taken_over == 1 { "is" } else { "are" }
                        );
                    }
                    if let Some(counts) = &outcome.balances {
                        let _ = write!(answer.out, "; {}", compared(counts));
                    }
                    answer.out.push('\n');
                    for doubt in &outcome.doubts {
                        let _ = writeln!(answer.out, "Look at {doubt}");
                    }
                    look_at_dates(&mut answer.out, &told);
                }
                Ok(Taken::Before { told }) => {
                    let _ = writeln!(answer.out, "{name}: imported before, nothing is new");
                    look_at_dates(&mut answer.out, &told);
                }
                Ok(Taken::Refused { report, kept }) => {
                    let _ = writeln!(answer.err, "{}", report.trim_end());
                    if let Some(kept) = kept {
                        let _ = writeln!(answer.err, "The file and this report are kept: {}", kept.display());
                    }
                    answer.exit = answer.exit.max(Exit::Refused);
                }
                // A file that is not there does not keep the others out; a database that fails does.
                Err(failure) if failure.exit == Exit::Failed => {
                    return Err(Failure { message: format!("{}{}", answer.out, failure.message), ..failure });
                }
                Err(failure) => {
                    let _ = writeln!(answer.err, "arrears: {}", failure.message);
                    answer.exit = answer.exit.max(failure.exit);
                }
            }
        }
        // After the night's run, what comes in is decided at once, so that a paid debt stops what was pending.
        if office.store.last_finished(NIGHT).await? == Some(office.today()) {
            let report = office.settle().await?;
            office.recheck_todays_orders().await?;
            if report.changed > 0 {
                let accounts = counted(usize::try_from(report.changed).unwrap_or(usize::MAX), "account", "accounts");
                let _ = writeln!(answer.out, "Decided anew: {accounts}");
            }
        }
        office.seal("import").await?;
        Ok(answer)
    }
}

impl Import {
    /// Says what each file is by itself. Nothing is imported.
    async fn look(&self, office: &Office, how: &Importing) -> Result {
        let mut answer = Answer::done("");
        for file in &self.files {
            match office.check_file(file, how).await.map_err(Failure::from)? {
                Checked::Good { kind, rows, told } => {
                    let rows = counted(rows, "row", "rows");
                    let _ = writeln!(answer.out, "{}: a {kind} file of {rows}, good by itself", file.display());
                    look_at_dates(&mut answer.out, &told);
                }
                Checked::Wrong(report) => {
                    let _ = writeln!(answer.err, "{}", report.trim_end());
                    answer.exit = answer.exit.max(Exit::Refused);
                }
            }
        }
        Ok(answer)
    }
}

/// What a file of balances showed.
fn compared(counts: &BalanceCounts) -> String {
    let mut text = format!("{} with our ledger", counted(counts.agree as usize, "account agrees", "accounts agree"));
    for (count, what) in [
        (counts.cleared, "differed before and is free again"),
        (counts.accepted, "differs as it did when a person cleared it"),
        (counts.stale, "is passed over, for a later balance is known"),
        (counts.differ, "differs: `arrears exceptions list`"),
    ] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text
}

fn look_at_dates(out: &mut String, told: &[String]) {
    for sentence in told {
        let _ = writeln!(out, "Look at the dates: {sentence}");
    }
}
