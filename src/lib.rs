//! Arrears works a city utility's delinquent accounts by rules.
//!
//! The modules stand in the order of their dependencies; `docs/ARCHITECTURE.md` says who may use whom.

pub mod demo;
pub mod domain;

pub mod rulebook;

pub mod decide;

pub mod audit;

pub mod allocate;

pub mod rehearsal;

pub mod config;

pub mod clock;

pub mod typeset;

pub mod notices;

pub mod referral;

pub mod ingest;

pub mod store;

pub mod report;

pub mod office;

pub mod demo;
