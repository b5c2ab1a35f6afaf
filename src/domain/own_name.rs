//! What Arrears calls an entry of its own towards the billing system: `ARR-1042`. No name is given twice.
//!
//! A restored database gives entries numbers that were given between the backup and the loss. Whatever was recorded behind a
//! restoration therefore has its minute in the name as well: `ARR-2605040930-1042`.

use chrono::{DateTime, Utc};

use super::ids::EntryId;

const PREFIX: &str = "ARR-";

/// The restorations that the record knows, which is what names depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnNames {
    /// The last entry that each found, and when it was.
    restorations: Vec<(EntryId, DateTime<Utc>)>,
}

impl OwnNames {
    #[must_use]
    pub fn new(mut restorations: Vec<(EntryId, DateTime<Utc>)>) -> Self {
        restorations.sort_by_key(|(last, at)| (*at, *last));
        Self { restorations }
    }

    /// What the entry is called.
    #[must_use]
    pub fn name(&self, entry: EntryId) -> String {
        let behind = self.restorations.iter().rev().find(|(last, _)| entry > *last);
        match behind {
            Some((_, at)) => format!("{PREFIX}{}-{entry}", at.format("%y%m%d%H%M")),
            None => format!("{PREFIX}{entry}"),
        }
    }

    /// The entry of that name. A name that was given before the restoration, to an entry that was lost, is none.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<EntryId> {
        let number = name.strip_prefix(PREFIX)?.rsplit('-').next()?;
        let entry = EntryId(number.parse().ok()?);
        (self.name(entry) == name).then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_number_that_is_given_again_behind_a_restoration_gives_another_name() {
        let at = |day, hour| Utc.with_ymd_and_hms(2026, 5, day, hour, 30, 0).single().unwrap();
        let before = OwnNames::default();
        assert_eq!(before.name(EntryId(1042)), "ARR-1042");
        assert_eq!(before.entry("ARR-1042"), Some(EntryId(1042)));
        // The backup ended with entry 1041; it was restored, and restored once more a day later.
        let once = OwnNames::new(vec![(EntryId(1041), at(4, 9))]);
        let twice = OwnNames::new(vec![(EntryId(1041), at(5, 9)), (EntryId(1041), at(4, 9))]);
        assert_eq!(once.name(EntryId(1042)), "ARR-2605040930-1042");
        assert_eq!(twice.name(EntryId(1042)), "ARR-2605050930-1042");
        assert_eq!((once.name(EntryId(1041)), once.entry("ARR-1042")), ("ARR-1041".to_owned(), None));
        assert_eq!(
            (twice.entry("ARR-2605040930-1042"), twice.entry("ARR-2605050930-1042")),
            (None, Some(EntryId(1042)))
        );
        for word in ["", "ARR-", "1042", "ARR-x", "ARR-01041"] {
            assert_eq!(once.entry(word), None, "{word}");
        }
    }
}
