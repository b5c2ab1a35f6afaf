//! Where each rule stands and what it rests on, numbered as rules are met.

use crate::domain::RuleId;

use super::error::Span;
use super::policy::Origin;

/// The origins of a policy and its packs while they are read.
#[derive(Debug, Default)]
pub(super) struct Origins(pub Vec<Origin>);

impl Origins {
    /// Numbers a rule.
    pub fn add(&mut self, file: &str, at: Span, name: String, citation: String) -> RuleId {
        let rule = RuleId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Origin { file: file.to_owned(), line: at.line, name, citation });
        rule
    }
}
