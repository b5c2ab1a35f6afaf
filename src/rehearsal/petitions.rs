//! Petitions in bankruptcy, as facts of an account in memory.

use super::account::Account;
use crate::domain::petition::{Chapter, Petition, StayEnd};
use crate::domain::{Day, PetitionId};

impl Account<'_> {
    /// A petition in bankruptcy of today, or of an earlier day and learned today.
    pub fn petition(&mut self, petition_on: Day) {
        let (today, known_through) = (self.world.today, self.last_entry());
        self.petitions.push(Petition {
            id: PetitionId(i64::try_from(self.petitions.len()).unwrap_or(i64::MAX)),
            chapter: Chapter::Thirteen,
            court: "rehearsal".into(),
            case_number: "rehearsal".into(),
            petition_on,
            relief_on: petition_on,
            learned_on: today,
            recorded_on: today,
            recorded_by: "rehearsal".into(),
            known_through,
            assurance: None,
            discharged_on: None,
            ended: None,
            ordered_on: None,
            of_after: Vec::new(),
        });
        self.learned();
    }

    /// The latest petition is dismissed today.
    pub fn dismiss(&mut self) {
        let today = self.world.today;
        if let Some(petition) = self.petitions.last_mut().filter(|petition| petition.ended.is_none()) {
            petition.ended = Some((today, StayEnd::Dismissed));
            self.learned();
        }
    }
}
