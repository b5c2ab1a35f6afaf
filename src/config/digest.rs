//! The daily digest: an email to the lead after each night.

use serde::{Deserialize, Serialize};

/// Who gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Digest {
    /// An email address. It may be a list's, so that the seal's root reaches more than one mailbox.
    pub to: Option<String>,
}
