//! The call list on paper, and as a spreadsheet.

use super::{Office, OfficeError, Result};
use crate::domain::Day;
use crate::domain::call::CallState;
use crate::domain::spoken::spoken;
use crate::notices::call_sheet::{self, CallRow};

impl Office {
    /// The list's rows as they are printed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_rows(&self, day: Day) -> Result<Vec<CallRow>> {
        let mut rows = Vec::new();
        let listed = self.store.call_list(day).await?;
        let snapshots = self.snapshots_behind(&listed).await?;
        for call in listed {
            let Some(snapshot) = snapshots.get(&call.account) else { continue };
            let against = match call.state {
                CallState::Listed | CallState::Released => self.stands_against_call(&call, snapshot).await?,
                CallState::Waiting | CallState::Done | CallState::Dropped | CallState::Canceled => None,
            };
            let profile = &snapshot.profile;
            let why = call.of.map_or_else(|| "follow-up".into(), |of| spoken(&format!("{} ({})", of.stage, of.track)));
            rows.push(CallRow {
                rank: call.rank.unwrap_or(0),
                account: profile.number.clone(),
                customer: profile.customer_name.clone(),
                phone: profile.phones.first().cloned().unwrap_or_default(),
                language: profile.language,
                amount: call.amount,
                days_past_due: call.days_past_due,
                score_milli: call.score_milli,
                score: call.score,
                why: against.map_or(why, |against| format!("do not call: {against}")),
                script: call.script,
                required: call.required,
                assigned_to: call.assigned_to,
            });
        }
        Ok(rows)
    }

    /// The list as CSV.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_list_csv(&self, day: Day) -> Result<String> {
        let rows = self.call_rows(day).await?;
        let bytes = call_sheet::csv(&rows).map_err(|error| OfficeError::Interrupted(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| OfficeError::Interrupted(error.to_string()))
    }

    /// The list as PDF.
    ///
    /// # Errors
    /// When it cannot be set.
    pub async fn call_list_pdf(&self, day: Day) -> Result<Vec<u8>> {
        let rows = self.call_rows(day).await?;
        Ok(call_sheet::pdf(self.typesetter(), self.city(), day, &rows)?)
    }
}
