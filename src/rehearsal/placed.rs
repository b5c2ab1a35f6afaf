//! Debts in memory that are out with a destination, and come back.

use super::account::Account;
use crate::domain::placement::Placed;
use crate::domain::referral::Destination;
use crate::domain::{EventKind, ItemId, ReferralId};

impl Account<'_> {
    /// The debts are placed with the agency today.
    pub fn place(&mut self, items: impl IntoIterator<Item = ItemId>) {
        let id = ReferralId(i64::try_from(self.placed.len()).unwrap_or(i64::MAX).saturating_add(1));
        let (to, on, items) = (Destination::Agency, self.world.today, items.into_iter().collect());
        self.placed.push(Placed { referral: id, to, on, items, back_on: None });
        self.happens(EventKind::Placed, None);
    }

    /// What was placed last, and is out, is called back today.
    pub fn recall(&mut self) {
        let today = self.world.today;
        if let Some(placed) = self.placed.iter_mut().rev().find(|placed| placed.back_on.is_none()) {
            placed.back_on = Some(today);
            self.happens(EventKind::Recalled, None);
        }
    }
}
