//! `bench`: speed on made-up data; the last line is the result.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::Json;
use super::{Desk, Failure, Result};
use crate::bench;

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Make accounts of which a tenth have something to decide, and measure one night
    Night(Night),
    /// Set final notices, one after the other, and measure them; touches no database
    Letters(Letters),
}

#[derive(Args, Debug)]
pub struct Letters {
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    letters: u32,
    #[command(flatten)]
    json: Json,
}

#[derive(Args, Debug)]
pub struct Night {
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    accounts: u32,
    #[command(flatten)]
    json: Json,
}

impl Bench {
    pub async fn run(self, desk: &Desk) -> Result {
        let args = match self {
            Self::Night(args) => args,
            Self::Letters(args) => {
                let measured =
                    bench::letters::letters(args.letters).map_err(|error| Failure::failed(error.to_string()))?;
                return args.json.or(&measured, || measured.line());
            }
        };
        // Where no folder is named, one is made for the measurement and removed after it.
        let named = desk.dir().as_os_str() != ".";
        let dir = if named {
            desk.dir().to_owned()
        } else {
            std::env::temp_dir().join(format!("arrears-bench-{}", std::process::id()))
        };
        let measured = bench::night(&dir, desk.database().as_deref(), args.accounts, &|line| eprintln!("{line}")).await;
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
        args.json.or(&measured, || text)
    }
}

fn remove(dir: &PathBuf) -> Result<()> {
    std::fs::remove_dir_all(dir)
        .map_err(|error| Failure::failed(format!("{} could not be removed: {error}", dir.display())))
}
