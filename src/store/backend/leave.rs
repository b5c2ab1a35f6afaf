//! Leave, held against what is known now, in the transaction that uses it.
//!
//! The accounts are locked before anything else is read or written, so that a payment lands either before, and wins, or
//! after. Compare first and write then: what is carried out is itself a fact of its account.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use sqlx::types::Json;

use super::given::Permitted;
use super::{Conn, FOR_UPDATE, Result, StoreError, ids, sql};
use crate::audit::{Ordered, Permit};
use crate::domain::case::StageRef;
use crate::domain::{AccountId, Cents, Day};

/// Pieces, parted into those whose leave still rests on what is known and the others.
pub(super) struct Leave<'a, Id> {
    standing: BTreeMap<Id, &'a Permit>,
    pub overtaken: Vec<Id>,
}

/// What the leave for a piece has to name.
pub(super) struct Named<'a> {
    pub account: AccountId,
    pub ordered: Ordered,
    pub of: Option<&'a StageRef>,
    /// What it states; `None` where it states nothing.
    pub amount: Option<Cents>,
    /// The day on which it is carried out; `None` where the leave is for the day of the act itself.
    pub on: Option<Day>,
}

impl<'a, Id: Copy + Ord + Display> Leave<'a, Id> {
    /// Compares the leave of each piece with what is known now. Its accounts are locked, in order of their ids, until the
    /// transaction ends.
    pub(super) async fn of(conn: &mut Conn, pieces: impl IntoIterator<Item = &'a Permitted<Id>>) -> Result<Self>
    where
        Id: 'a,
    {
        let pieces: Vec<&Permitted<Id>> = pieces.into_iter().collect();
        let accounts = pieces.iter().map(|piece| piece.permit.pending().account).collect();
        let known = facts_seqs(conn, &accounts).await?;
        let is_current =
            |permit: &Permit| known.get(&permit.pending().account).is_some_and(|seq| *seq == permit.facts_seq());
        let (standing, overtaken): (Vec<_>, Vec<_>) = pieces.into_iter().partition(|piece| is_current(&piece.permit));
        Ok(Self {
            standing: standing.into_iter().map(|piece| (piece.id, &piece.permit)).collect(),
            overtaken: overtaken.into_iter().map(|piece| piece.id).collect(),
        })
    }

    /// The pieces that may be carried out.
    pub(super) fn ids(&self) -> Vec<Id> {
        self.standing.keys().copied().collect()
    }

    /// Leave for one piece serves no other.
    pub(super) fn is_for(&self, id: Id, named: &Named<'_>) -> Result<()> {
        let is_meant = self.standing.get(&id).is_some_and(|permit| named.is_in(permit));
        if is_meant {
            return Ok(());
        }
        Err(StoreError::Conflict(format!("the leave given for {id} is for another piece or another day: look again")))
    }
}

impl Named<'_> {
    fn is_in(&self, permit: &Permit) -> bool {
        let pending = permit.pending();
        pending.account == self.account
            && pending.ordered == self.ordered
            && Some(&pending.of) == self.of
            && self.amount.is_none_or(|amount| pending.amount == amount)
            && self.on.is_none_or(|on| permit.on() == on)
    }
}

/// Whether the accounts have learned nothing since somebody saw them so. They are locked until the transaction ends.
pub(super) async fn still_known(conn: &mut Conn, seen: &[(AccountId, i64)]) -> Result<bool> {
    let known = facts_seqs(conn, &seen.iter().map(|(account, _)| *account).collect()).await?;
    Ok(seen.iter().all(|(account, seq)| known.get(account) == Some(seq)))
}

/// How far the facts of the accounts have come. The accounts are locked, in order of their ids.
async fn facts_seqs(conn: &mut Conn, accounts: &BTreeSet<AccountId>) -> Result<BTreeMap<AccountId, i64>> {
    let select = format!(
        "SELECT account_id, facts_seq FROM review WHERE account_id IN {} ORDER BY account_id {FOR_UPDATE}",
        ids(1)
    );
    let found: Vec<(i64, i64)> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    Ok(found.into_iter().map(|(account, seq)| (AccountId(account), seq)).collect())
}
