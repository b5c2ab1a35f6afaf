//! Arrears works a city utility's delinquent accounts by rules.
//!
//! The modules stand in the order of their dependencies; `docs/ARCHITECTURE.md` says who may use whom.

pub mod domain;
pub mod rulebook;
pub mod typeset;

pub mod referral;
