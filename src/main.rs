//! Arrears: the command is read, and done.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    arrears::cli::run(arrears::cli::Cli::parse())
}
