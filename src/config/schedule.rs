//! When the daemon does what: cron expressions with seconds, in the city's time zone.

use serde::{Deserialize, Serialize};

/// The schedules. Day of week 1 is Sunday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedules {
    /// The run of the business date. Not between two and three: on one day in March those hours do not exist.
    pub night: String,
    /// Taking files in.
    pub inbox: String,
    /// Doing what waits in the outbox.
    pub outbox: String,
    /// Writing the list of fees for the billing system, once a day at most; by command alone where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<String>,
}

impl Default for Schedules {
    fn default() -> Self {
        Self {
            night: "0 30 3 * * *".into(),
            inbox: "0 */5 * * * *".into(),
            outbox: "*/20 * * * * *".into(),
            fees: None,
        }
    }
}

impl Schedules {
    /// Each by its name.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let fees = self.fees.as_deref().map(|fees| ("fees", fees));
        let always: [(&'static str, &str); 3] =
            [("night", &self.night), ("inbox", &self.inbox), ("outbox", &self.outbox)];
        always.into_iter().chain(fees).collect()
    }
}
