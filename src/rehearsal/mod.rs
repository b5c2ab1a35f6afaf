//! The rehearsal: one account, lived through day by day with the real decision and the real audit.
//!
//! It plays the dated stories that stand in a policy, random histories in the tests, and the days ahead of an account.
//! People are played too: letters are mailed, calls end, crews do what they are sent for. Deliberately absent: any
//! database, file or document. What is tried here is the policy and the engine.

mod account;
mod ahead;
mod deposits;
mod division;
mod household;
mod letters;
mod petitions;
mod placed;
#[cfg(test)]
mod scenarios;
mod story;

pub use account::{Account, Payment};
pub use ahead::ahead;
pub use division::Division;
pub use story::{Difference, Happened, play};
