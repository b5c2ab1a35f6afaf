//! What a household shows in a rehearsal.

use super::account::Account;
use crate::domain::ProofId;
use crate::domain::proof::Proof;

impl Account<'_> {
    /// The household shows something; its id is given here.
    pub fn shows(&mut self, proof: Proof) {
        let id = ProofId(i64::try_from(self.proofs.len()).unwrap_or(i64::MAX).saturating_add(1));
        self.proofs.push(Proof { id, ..proof });
        self.learned();
    }
}
