//! The rulebook: YAML text to a checked policy.
//!
//! `document` makes a tree of nodes that know their places, `tokens`, `phrase`, `day_rules` and `condition` read phrases,
//! `actions`, `tracks`, `settings`, `guards` and `stories` read the parts, `validate` and `breach` check the whole, and
//! `compile` puts them together. No IO: the caller brings the texts of the policy, its packs and its calendar.
//! Deliberately absent: any evaluation of a condition or date on an account, which is `decide`'s.

mod actions;
mod approvals;
mod arrangements;
mod breach;
pub mod calendar;
mod compile;
mod condition;
mod conditional;
mod day_rules;
mod debts;
mod distances;
mod document;
mod error;
mod fields;
mod guards;
mod layouts;
mod origins;
mod outreach;
mod phrase;
pub mod policy;
mod proceedings;
mod routes;
mod settings;
mod sources;
mod stories;
mod tokens;
mod told;
mod tracks;
mod validate;

pub use actions::ACTIONS;
pub use compile::load;
pub use condition::{FACTS, FactType};
pub use error::{Place, RuleError, RuleErrors, Span};
pub use guards::LIMITS;
pub use phrase::ANCHORS;
pub use policy::Policy;
pub use sources::{Sources, shipped, text_of};
