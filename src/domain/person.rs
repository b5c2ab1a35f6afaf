//! Who acts: a person of the division with a role, or the daemon by its rules.

use serde::{Deserialize, Serialize};

use super::account::words;

words! {
    /// What a person may do. Later roles do not include earlier ones; `Role::may_release` and the like say what holds.
    Role {
        Representative = "representative",
        Lead = "lead",
        Approver = "approver",
        Auditor = "auditor",
        Administrator = "administrator",
    }
}

impl Role {
    /// May release notices and the call list, and decide holds.
    #[must_use]
    pub const fn may_release(self) -> bool {
        matches!(self, Self::Lead | Self::Administrator)
    }

    /// May add people and change roles; a lead while there is no administrator.
    #[must_use]
    pub const fn may_govern(self) -> bool {
        matches!(self, Self::Lead | Self::Administrator)
    }

    /// May approve shut-offs, referrals and overrides.
    #[must_use]
    pub const fn may_approve(self) -> bool {
        matches!(self, Self::Lead | Self::Approver | Self::Administrator)
    }

    /// May change anything at all.
    #[must_use]
    pub const fn may_write(self) -> bool {
        !matches!(self, Self::Auditor)
    }
}

/// Who did something, for the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The daemon, by the adopted policy.
    Daemon,
    /// A person, by the name that the log shows.
    Person(String),
    /// A file that came in.
    File(String),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Daemon => f.pad("Arrears"),
            Self::Person(name) => f.pad(name),
            Self::File(name) => write!(f, "file {name}"),
        }
    }
}

/// A person, a reason and a day: what every override needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    pub by: String,
    pub reason: String,
    pub on: super::day::Day,
}
