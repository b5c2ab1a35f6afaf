//! Referral: the file on a delinquent account for legal action, and the list that goes with it.
//!
//! [`packet`] makes a ZIP of one PDF, tables and every notice as sent; [`export`] makes the attorney's list;
//! [`limitation`] says by when each debt must be sued upon. All is pure: the caller reads the store, names the day, and
//! writes the bytes. Deliberately absent: the choice of what is referred (policy and lead), and any fact that nobody
//! recorded. A check that was not made is printed as not made.

mod archive;
pub mod export;
mod face;
pub mod input;
pub mod layout;
pub mod limitation;
pub mod packet;
mod plans;
pub mod refusal;
pub mod report;
mod sent;
pub mod spreadsheet;
mod statement;
mod tables;
mod timeline;

pub use input::PacketInput;
pub use packet::{Packet, Part};
pub use refusal::{PacketRefusal, Protection};

use crate::domain::call::CallAttempt;

/// The attempts through the cut-off, in order of time.
fn calls(input: &PacketInput) -> Vec<&CallAttempt> {
    let mut calls: Vec<&CallAttempt> = input.calls.iter().filter(|call| call.made_on <= input.cut_off).collect();
    calls.sort_by(|one, other| (one.made_on, &one.at, one.call).cmp(&(other.made_on, &other.at, other.call)));
    calls
}
