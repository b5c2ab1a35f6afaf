//! What a command says beside what it did: that a crew is out for what it has just made void. One way for every command that
//! changes an account, whichever it is.

use std::sync::{Arc, Mutex, PoisonError};

use super::Result;
use crate::office::{CrewsOut, Office};

/// What stood when the command opened the office; nothing where it opened none.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Mutex<Option<CrewsOut>>>);

impl Watch {
    /// Remembers what is asked of crews already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begins(&self, office: &Office) -> Result<()> {
        let stood = office.crews_out().await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(stood);
        Ok(())
    }

    /// What the command says, and behind it each crew that is to be called back since, on the error stream where the output
    /// is read by a program.
    pub async fn tells(&self, result: Result) -> Result {
        let stood = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(stood) = stood else { return result };
        // The command was done or refused, and says so, whatever becomes of this.
        let Ok(lines) = stood.to_call_back().await else { return result };
        match result {
            Ok(mut answer) => {
                let new: Vec<String> = lines.into_iter().filter(|line| !says(&answer.out, line)).collect();
                if answer.out.starts_with(['{', '[']) {
                    answer.err.extend(new.iter().map(|line| format!("At once: {line}\n")));
                    return Ok(answer);
                }
                Ok(answer.urgent(new))
            }
            Err(mut failure) => {
                failure.message.extend(lines.iter().map(|line| format!("\nAt once: {line}")));
                Err(failure)
            }
        }
    }
}

/// Whether the command has said so by itself, without the account.
fn says(out: &str, line: &str) -> bool {
    out.contains(line.rsplit_once(" (account ").map_or(line, |(text, _)| text))
}
