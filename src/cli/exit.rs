//! How a command ends: its exit code, and what is told on the error stream.

use std::process::ExitCode;

use crate::config::ConfigError;
use crate::office::{ErrorKind, OfficeError};
use crate::store::StoreError;

/// The exit codes, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or nothing was left to do.
    Done,
    /// Something failed that is not the input's fault.
    Failed,
    /// The command was not understood.
    Usage,
    /// Something was refused: a file, an act, a policy.
    Refused,
    /// Something that was named does not exist.
    NotFound,
}

impl Exit {
    /// Every code, in order.
    pub const ALL: &'static [Self] = &[Self::Done, Self::Failed, Self::Usage, Self::Refused, Self::NotFound];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotFound => 4,
        }
    }

    /// What it means, for the help and the manual.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or nothing was left to do",
            Self::Failed => "something failed that is not the input's fault: the database, the disk; try again",
            Self::Usage => "the command was not understood",
            Self::Refused => "something was refused: a file, an act, a policy; what was not refused is done",
            Self::NotFound => "something that was named does not exist: an account, an id, a file",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    /// What, where and what to do.
    pub message: String,
}

impl Failure {
    /// A refusal of the command line's own.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, message: message.into() }
    }

    /// A failure that is nobody's fault who typed the command.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }
}

impl From<OfficeError> for Failure {
    fn from(error: OfficeError) -> Self {
        let exit = match (&error, error.kind()) {
            (OfficeError::File { source, .. }, _) if source.kind() == std::io::ErrorKind::NotFound => Exit::NotFound,
            // A database that is busy for too long is no refusal: the same command may be given again.
            (OfficeError::Store(StoreError::Busy(_) | StoreError::NoConnection(_)), _) | (_, ErrorKind::Internal) => {
                Exit::Failed
            }
            (_, ErrorKind::NotFound) => Exit::NotFound,
            (_, ErrorKind::Refused | ErrorKind::Conflict | ErrorKind::Input) => Exit::Refused,
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        OfficeError::Store(error).into()
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        OfficeError::Config(error).into()
    }
}

/// What a command says, and how it ends. Nothing is printed below [`super::run`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For the output stream.
    pub out: String,
    /// For the error stream: what was refused beside what was done.
    pub err: String,
    pub exit: Exit,
}

/// What a command gives.
pub type Result<T = Answer, E = Failure> = std::result::Result<T, E>;

impl Answer {
    /// Done; with this to say. A missing line end is added.
    #[must_use]
    pub fn done(out: impl Into<String>) -> Self {
        let mut out = out.into();
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        Self { out, err: String::new(), exit: Exit::Done }
    }

    /// Adds what cannot wait, a line each, behind what was done.
    #[must_use]
    pub fn urgent(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        for line in lines {
            self.out.push_str("At once: ");
            self.out.push_str(&line);
            self.out.push('\n');
        }
        self
    }

    /// Adds what was refused, a line each; then the command ends as refused.
    #[must_use]
    pub fn with_refusals(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        for line in lines {
            self.err.push_str(&line);
            self.err.push('\n');
            self.exit = Exit::Refused;
        }
        self
    }
}

/// `1 notice`, `3 notices`.
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_whose_fault_it_is() {
        let exit = |error: OfficeError| Failure::from(error).exit;
        assert_eq!(exit(OfficeError::NotFound { what: "account", id: "10-9".into() }), Exit::NotFound);
        assert_eq!(exit(OfficeError::refused("no", "ask the lead")), Exit::Refused);
        assert_eq!(exit(OfficeError::Store(StoreError::Conflict("twice".into()))), Exit::Refused);
        assert_eq!(exit(OfficeError::Store(StoreError::Busy("locked".into()))), Exit::Failed);
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert_eq!(exit(OfficeError::file(std::path::Path::new("a.csv"), missing)), Exit::NotFound);
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert_eq!(exit(OfficeError::file(std::path::Path::new("a.csv"), denied)), Exit::Failed);
    }

    #[test]
    fn a_refusal_beside_what_was_done_ends_the_command_as_refused() {
        let answer = Answer::done("Released 1 notice.").with_refusals(["notice 2: paid".to_owned()]);
        assert_eq!(answer.out, "Released 1 notice.\n");
        assert_eq!(answer.err, "notice 2: paid\n");
        assert_eq!(answer.exit, Exit::Refused);
    }
}
