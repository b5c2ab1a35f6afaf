//! Arrears works a city utility's delinquent accounts by rules.
//!
//! `docs/ARCHITECTURE.md` says what each room is for and who may use whom.

pub mod allocate;
pub mod audit;
pub mod backup;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decide;
pub mod demo;
pub mod domain;
pub mod ingest;
pub mod notices;
pub mod office;
pub mod referral;
pub mod rehearsal;
pub mod report;
pub mod rulebook;
pub mod store;
pub mod typeset;
pub mod web;
pub mod worker;
