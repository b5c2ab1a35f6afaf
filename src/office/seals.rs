//! Sealing: what stands in log and ledger when a night, an import or a backup is over.
//!
//! A person's acts are covered by the next seal, that of the coming night at the latest.

use super::{Office, Result};
use crate::domain::Day;
use crate::store::Seal;

impl Office {
    /// Seals what has come since the last seal; `None` where nothing has. `why` says what is over: `import`.
    ///
    /// # Errors
    /// When the database fails; nothing is lost, and the next seal covers it.
    pub async fn seal(&self, why: &str) -> Result<Option<Seal>> {
        Ok(self.store.seal(why, &self.daemon_stamp(self.today())).await?)
    }

    /// Seals a night that is over; where nothing came since, the last seal is given. Its root belongs where nobody who can
    /// write to the database can reach it.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub async fn seal_night(&self, day: Day) -> Result<Option<Seal>> {
        match self.seal(&format!("night of {day}")).await? {
            Some(seal) => Ok(Some(seal)),
            None => Ok(self.store.seals(1).await?.pop()),
        }
    }
}
