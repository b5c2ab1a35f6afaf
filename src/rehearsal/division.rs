//! The people of the division, played: how soon letters are mailed, how calls end, what crews do.

use std::collections::BTreeMap;

use crate::domain::{Day, StageId};

/// How the division works in a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// Days from the decision of a notice to its mailing; `None` when nobody mails anything.
    pub mails_after_days: Option<u16>,
    /// Stages whose notices are mailed on one certain day instead.
    pub mails_on: BTreeMap<StageId, Day>,
    /// How attempts to reach the customer end; `None` when nobody calls.
    pub contact: Option<bool>,
    /// Whether crews shut off what they are sent for; otherwise each order is canceled.
    pub cuts: bool,
    /// Whether crews leave the tags that they are sent with; otherwise they come back with them.
    pub posts: bool,
}

impl Default for Division {
    /// A good day: mailed at once, crews do what they are sent for. Nobody calls.
    fn default() -> Self {
        Self { mails_after_days: Some(0), mails_on: BTreeMap::new(), contact: None, cuts: true, posts: true }
    }
}
