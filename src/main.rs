//! Arrears: the command is read, and done.

use std::process::ExitCode;

use clap::Parser;

/// A night takes and gives back small pieces of memory by the hundred million, on several threads; the system's own
/// allocator keeps much of it after an import.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    arrears::cli::run(arrears::cli::Cli::parse())
}
