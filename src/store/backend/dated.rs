//! What was agreed with accounts, or found of them, and may end: as it is now, or as it was known at an earlier instant.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::marks::Moment;
use super::snapshot::By;
use super::{Conn, Result, ids, sql};
use crate::domain::arrangement::Arrangement;
use crate::domain::dispute::Dispute;
use crate::domain::hold::Hold;
use crate::domain::petition::Petition;
use crate::domain::promise::Promise;
use crate::domain::proof::Proof;
use crate::domain::{AccountId, ArrangementId, DisputeId, HoldId, PetitionId, PromiseId, ProofId};

/// Something agreed that may end: what is known of its end is taken back when it was not known yet.
pub(super) trait Dated: serde::de::DeserializeOwned + Send + Unpin + 'static {
    fn identify(&mut self, id: i64);
    fn reopen(&mut self);
}

impl Dated for Hold {
    fn identify(&mut self, id: i64) {
        self.id = HoldId(id);
    }
    fn reopen(&mut self) {
        self.ended_on = None;
    }
}

impl Dated for Proof {
    fn identify(&mut self, id: i64) {
        self.id = ProofId(id);
    }
    fn reopen(&mut self) {
        self.ended_on = None;
    }
}

impl Dated for Promise {
    fn identify(&mut self, id: i64) {
        self.id = PromiseId(id);
    }
    fn reopen(&mut self) {
        self.canceled_on = None;
    }
}

impl Dated for Arrangement {
    fn identify(&mut self, id: i64) {
        self.id = ArrangementId(id);
    }
    fn reopen(&mut self) {
        self.canceled_on = None;
    }
}

impl Dated for Dispute {
    fn identify(&mut self, id: i64) {
        self.id = DisputeId(id);
    }
    /// Takes the latest step back.
    fn reopen(&mut self) {
        match &mut self.appeal {
            Some(appeal) if appeal.ruling.is_some() => appeal.ruling = None,
            Some(_) => self.appeal = None,
            None => self.ruling = None,
        }
    }
}

impl Dated for Petition {
    fn identify(&mut self, id: i64) {
        self.id = PetitionId(id);
    }
    fn reopen(&mut self) {
        self.ended = None;
    }
}

type DatedColumns<T> = (i64, i64, Json<T>, DateTime<Utc>, Option<DateTime<Utc>>);

/// Those of the accounts that were known, as they were known.
pub(super) async fn dated<T: Dated>(
    conn: &mut Conn,
    table: &str,
    accounts: &[AccountId],
    known: Option<&Moment>,
) -> Result<By<T>> {
    let select = format!(
        "SELECT id, account_id, body, recorded_at, ended_at FROM {table}
         WHERE account_id IN {} ORDER BY account_id, id",
        ids(1)
    );
    let found: Vec<DatedColumns<T>> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut dated: By<T> = By::new();
    for (id, account, Json(mut noun), recorded_at, ended_at) in found {
        if known.is_some_and(|moment| !moment.has(table, id, recorded_at)) {
            continue;
        }
        if known.is_some_and(|moment| ended_at.is_some_and(|ended| ended > moment.at)) {
            noun.reopen();
        }
        noun.identify(id);
        dated.entry(AccountId(account)).or_default().push(noun);
    }
    Ok(dated)
}
