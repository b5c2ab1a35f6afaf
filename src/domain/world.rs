//! What a decision knows besides the account: the business date and the city.

use super::calendar::Calendar;
use super::day::Day;

/// The city on one business date.
#[derive(Clone, Debug)]
pub struct World {
    /// The business date.
    pub today: Day,
    pub calendar: Calendar,
    /// Moratoria in force by order or weather, each with its name, first and last day.
    pub moratoria: Vec<Moratorium>,
}

/// A time in which nobody is shut off.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Moratorium {
    pub name: String,
    pub from: Day,
    pub through: Day,
}

impl World {
    /// The same city on another day.
    #[must_use]
    pub fn on(&self, today: Day) -> Self {
        Self { today, ..self.clone() }
    }

    /// The moratorium that covers `day`.
    #[must_use]
    pub fn moratorium_on(&self, day: Day) -> Option<&Moratorium> {
        self.moratoria.iter().find(|m| m.from <= day && day <= m.through)
    }
}
