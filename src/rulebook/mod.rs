//! The rulebook: YAML text to a checked policy.
//!
//! No IO: the caller brings the texts of the policy, its packs and its calendar. Deliberately absent: any evaluation
//! of a condition or date on an account, which is `decide`'s.

pub mod policy;

pub use policy::Policy;
