//! Why the office did not do what it was asked, in words that say what to do.

use std::path::{Path, PathBuf};

use crate::audit::Refusal;
use crate::domain::document::MediaType;
use crate::store::StoreError;

/// The office's result.
pub type Result<T, E = OfficeError> = std::result::Result<T, E>;

/// What kind of trouble it is: pages and exit codes differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    NotFound,
    /// A rule, a protection or an earlier act stands against it.
    Refused,
    /// Another was faster, or what is recorded contradicts it.
    Conflict,
    /// What was given cannot be right.
    Input,
    /// The machine, the database or the program.
    Internal,
}

/// Why an act was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no {what} {id}")]
    NotFound { what: &'static str, id: String },
    #[error("no policy is in force on {on}: adopt one with `arrears rules adopt FILE --by NAME`")]
    NoPolicy { on: crate::domain::Day },
    #[error("the policy {hash} that an open case follows is not among those adopted: the database is damaged")]
    PolicyMissing { hash: String },
    #[error(
        "the policy {name} in the database is not the one that was adopted as {hash}: somebody changed it there, and nothing is \
         decided by it; restore the last backup"
    )]
    PolicyAltered { name: String, hash: String },
    #[error("{0}")]
    Rules(crate::rulebook::RuleErrors),
    #[error("{why}; {way_forward}")]
    Refused { why: String, way_forward: String },
    #[error("not done: {0}")]
    Reexamined(Refusal),
    #[error("{what} cannot be {given:?}: {expected}")]
    Input { what: &'static str, given: String, expected: String },
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Config(crate::config::ConfigError),
    #[error("{0}")]
    Render(#[from] crate::notices::RenderError),
    #[error("{0}")]
    Typeset(#[from] crate::typeset::TypesetError),
    #[error("{0}")]
    Batch(#[from] crate::notices::batch::BatchError),
    #[error("{0}")]
    Intake(#[from] crate::ingest::intake::IntakeError),
    #[error("a kept {} document is missing: {hash}; restore the last backup", kind.word())]
    DocumentMissing { kind: MediaType, hash: String },
    #[error("{0}")]
    Packet(#[from] crate::referral::PacketRefusal),
    #[error("the work was interrupted: {0}")]
    Interrupted(String),
}

impl OfficeError {
    /// A file that could not be read or written.
    #[must_use]
    pub fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// A refusal with a way forward.
    #[must_use]
    pub fn refused(why: impl Into<String>, way_forward: impl Into<String>) -> Self {
        Self::Refused { why: why.into(), way_forward: way_forward.into() }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::Store(StoreError::NotFound { .. }) => ErrorKind::NotFound,
            Self::Store(
                StoreError::Conflict(_) | StoreError::Stale | StoreError::Busy(_) | StoreError::NoConnection(_),
            ) => ErrorKind::Conflict,
            Self::NoPolicy { .. } | Self::Refused { .. } | Self::Reexamined(_) | Self::Packet(_) => ErrorKind::Refused,
            Self::Input { .. } | Self::Rules(_) | Self::Config(_) => ErrorKind::Input,
            Self::Store(_)
            | Self::PolicyMissing { .. }
            | Self::PolicyAltered { .. }
            | Self::File { .. }
            | Self::Render(_)
            | Self::Typeset(_)
            | Self::Batch(_)
            | Self::Intake(_)
            | Self::DocumentMissing { .. }
            | Self::Interrupted(_) => ErrorKind::Internal,
        }
    }
}
