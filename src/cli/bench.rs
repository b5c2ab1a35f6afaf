//! `bench`: speed on made-up data; the last line is the result.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};

use super::args::Json;
use super::{Desk, Failure, Result};
use crate::bench::{letters, night};

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Make accounts of which a tenth have something to decide, and measure one night
    Night(Night),
    /// Set final notices, one after the other, and measure them; touches no database
    Letters(Letters),
}

#[derive(Args, Debug)]
pub struct Night {
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    accounts: u32,
    /// The data stand: measure only
    #[arg(long, hide = true)]
    measure: bool,
    #[command(flatten)]
    json: Json,
}

#[derive(Args, Debug)]
pub struct Letters {
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    letters: u32,
    #[command(flatten)]
    json: Json,
}

impl Bench {
    pub async fn run(self, desk: &Desk) -> Result {
        match self {
            Self::Night(args) if args.measure => {
                let measured = night::measure(desk.dir(), desk.database().as_deref(), args.accounts).await?;
                args.json.or(&measured, || measured.line())
            }
            Self::Night(args) => args.run(desk).await,
            Self::Letters(args) => {
                let measured = letters::letters(args.letters).map_err(|error| Failure::failed(error.to_string()))?;
                args.json.or(&measured, || measured.line())
            }
        }
    }
}

impl Night {
    async fn run(self, desk: &Desk) -> Result {
        // Where no folder is named, one is made for the measurement and removed after it.
        let named = desk.dir().as_os_str() != ".";
        let dir = if named {
            desk.dir().to_owned()
        } else {
            std::env::temp_dir().join(format!("arrears-bench-{}", std::process::id()))
        };
        let measured = self.measured(&dir, desk.database().as_deref()).await;
        if !named {
            remove(&dir)?;
        }
        let measured = measured?;
        let report = measured.report;
        let text = format!(
            "{} accounts, {} decided: {} changed something; {} notices, {} fees, {} calls, {} refused\n{}",
            measured.accounts,
            measured.decisions,
            report.changed,
            report.notices,
            report.fees,
            report.calls,
            report.refused,
            measured.line()
        );
        self.json.or(&measured, || text)
    }

    /// The night is measured in a process of its own: what making the data took of memory is not the night's.
    async fn measured(&self, dir: &Path, database: Option<&str>) -> Result<night::Measured> {
        night::prepare(dir, database, self.accounts, &|line| eprintln!("{line}")).await?;
        eprintln!("the night");
        let itself = std::env::current_exe().map_err(|error| Failure::failed(format!("this program: {error}")))?;
        let mut measuring = Command::new(itself);
        measuring.args(["bench", "night", "--measure", "--json", "--accounts"]).arg(self.accounts.to_string());
        measuring.arg("--dir").arg(dir);
        if let Some(url) = database {
            // Not as an argument: the address may hold a password, and everybody sees the arguments of a process.
            measuring.env("ARREARS_DATABASE", url);
        }
        let output =
            measuring.output().map_err(|error| Failure::failed(format!("the night could not be begun: {error}")))?;
        if !output.status.success() {
            return Err(Failure::failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| Failure::failed(format!("the night's result could not be read: {error}")))
    }
}

fn remove(dir: &PathBuf) -> Result<()> {
    std::fs::remove_dir_all(dir)
        .map_err(|error| Failure::failed(format!("{} could not be removed: {error}", dir.display())))
}
