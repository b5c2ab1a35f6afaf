//! Held values: a value, and the first day on which it could differ without a new fact.
//!
//! The day on which an account is looked at again is the least of these days. It is never written by hand.

use crate::domain::Day;

/// A value that holds until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<T> {
    pub value: T,
    /// The first day on which the value could differ by the passage of time alone; `None` when it cannot.
    pub until: Option<Day>,
}

impl<T> Held<T> {
    /// A value that only a new fact can change.
    pub const fn fixed(value: T) -> Self {
        Self { value, until: None }
    }

    /// A value that may differ from `until` on.
    pub const fn until(value: T, until: Option<Day>) -> Self {
        Self { value, until }
    }

    /// The same hold on another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Held<U> {
        Held { value: change(self.value), until: self.until }
    }
}

/// The earlier of two days, where a missing one is never.
#[must_use]
pub fn earlier(a: Option<Day>, b: Option<Day>) -> Option<Day> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Three-valued truth. What the facts do not say is unknown, and unknown bars an adverse act.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    /// From a plain answer.
    #[must_use]
    pub const fn of(answer: bool) -> Self {
        if answer { Self::True } else { Self::False }
    }

    /// The contrary; unknown stays unknown.
    #[must_use]
    pub const fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}
