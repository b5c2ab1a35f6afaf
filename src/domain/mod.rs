//! The nouns of the work: money, days, accounts, ledgers, cases, notices, calls, field orders, referrals.
//!
//! Everything here is plain data and pure arithmetic. Deliberately absent: any clock, file, database, randomness
//! or async code; and any choice of what should happen to an account (that is `decide`).

pub mod account;
pub mod action;
pub mod arrangement;
pub mod arrears;
pub mod balance;
pub mod calendar;
pub mod call;
pub mod case;
pub mod day;
pub mod decision;
pub mod deposit;
pub mod dispute;
pub mod document;
pub mod event;
pub mod evidence;
pub mod fee;
pub mod field_order;
pub mod hold;
pub mod ids;
pub mod import;
pub mod kinship;
pub mod layout;
pub mod ledger;
pub mod money;
pub mod notice;
pub mod own_name;
pub mod person;
pub mod petition;
pub mod placement;
pub mod postal;
pub mod promise;
pub mod proof;
pub mod proposal;
pub mod referral;
pub mod route;
pub mod snapshot;
pub mod spoken;
pub mod spreadsheet;
mod standing;
pub mod suggestion;
pub mod taken_off;
#[cfg(test)]
pub mod testing;
pub mod transfer;
pub mod world;
pub mod write_off;

pub use account::{Address, CustomerClass, Language, Occupancy, Party, Profile, Service};
pub use action::{Action, Channel, Recipient};
pub use calendar::Calendar;
pub use case::{Case, Step, StepState, TrackRun};
pub use day::Day;
pub use decision::{Act, ActKey, Decision};
pub use event::{Event, EventKind};
pub use ids::*;
pub use ledger::{Entry, EntryKind, OpenItem};
pub use money::Cents;
pub use person::{Actor, Role};
pub use snapshot::Snapshot;
pub use world::World;
