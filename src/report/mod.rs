//! Reports: what stands and what was done, in figures that balance.
//!
//! Each report is a pure function over rows, so that it can be checked without a database; the store's rows are fed
//! to it from outside. Deliberately absent: any choice about an account.

pub mod aging;
pub mod shut_offs;
pub mod write_offs;
