//! Customers who may have come back: accounts of a file that are like one on which something is owed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, exception, ids, rows, sql, texts, word};
use crate::domain::kinship::{Kinship, KinshipState};
use crate::domain::{AccountId, AccountNumber, Day, KinshipId, Profile};

/// An account is looked at with those on which something is past due, was written off, or is placed.
const OWES: &str = "(EXISTS (SELECT 1 FROM open_item WHERE open_item.account_id = debtor.id AND open_item.due_on < $2)
    OR EXISTS (SELECT 1 FROM entry WHERE entry.account_id = debtor.id AND entry.kind = 'write_off'
        AND NOT EXISTS (SELECT 1 FROM entry AS undoing WHERE undoing.reverses = entry.id))
    OR EXISTS (SELECT 1 FROM referral WHERE referral.account_id = debtor.id AND referral.state = 'placed'))";

#[derive(Serialize)]
struct KinRow {
    account: i64,
    debtor: i64,
    matches: Vec<String>,
}

type Pair = (i64, Json<Profile>, i64, Json<Profile>);

/// How two accounts may be one customer's; whether they are alike is seen by their profiles.
const ALIKE: [&str; 2] = ["debtor.customer = mine.customer", "debtor.name_key = mine.name_key AND mine.name_key <> ''"];

/// Notes which of the accounts that a file brought, new or under another name, number or address, are like one that owes.
/// A pair that was noted before is not noted again, whatever a person said of it.
pub(super) async fn note(conn: &mut Conn, numbers: &[&AccountNumber], stamp: &Stamp) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    let mut found: Vec<Pair> = Vec::new();
    for alike in ALIKE {
        let select = format!(
            "SELECT mine.id, mine.profile, debtor.id, debtor.profile
             FROM account AS mine JOIN account AS debtor ON {alike} AND debtor.id <> mine.id
             WHERE mine.number IN {} AND {OWES}",
            texts(1)
        );
        found.extend(sqlx::query_as(sql(select)).bind(Json(numbers)).bind(stamp.on).fetch_all(&mut *conn).await?);
    }
    add(conn, alike(found, stamp.on), stamp).await
}

/// Pairs that are alike, in order of the accounts.
fn alike(found: Vec<Pair>, on: Day) -> Vec<KinRow> {
    let mut kin: Vec<KinRow> = found
        .into_iter()
        // Who has gone from here too is not back.
        .filter(|(_, mine, ..)| mine.ended.is_none_or(|ended| on < ended))
        .map(|(account, mine, debtor, owing)| KinRow { account, debtor, matches: mine.matches(&owing) })
        .filter(|kin| !kin.matches.is_empty())
        .collect();
    kin.sort_by_key(|kin| (kin.account, kin.debtor));
    kin.dedup_by_key(|kin| (kin.account, kin.debtor));
    kin
}

async fn add(conn: &mut Conn, kin: Vec<KinRow>, stamp: &Stamp) -> Result<()> {
    if kin.is_empty() {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO kinship (account_id, debtor_id, matches, opened_on, state)
         SELECT r.account, r.debtor, r.matches, $2, 'open' FROM {}
         WHERE NOT EXISTS (SELECT 1 FROM kinship WHERE kinship.account_id = r.debtor AND kinship.debtor_id = r.account)
         ON CONFLICT (account_id, debtor_id) DO NOTHING",
        rows(1, "account bigint, debtor bigint, matches jsonb")
    );
    sqlx::query(sql(insert)).bind(Json(kin)).bind(stamp.on).execute(conn).await?;
    Ok(())
}

type Row = (i64, i64, i64, Json<Vec<String>>, Day, String, Option<String>, Option<Day>, Option<String>, Option<i64>);

const COLUMNS: &str =
    "id, account_id, debtor_id, matches, opened_on, state, decided_by, decided_on, reason, exception_id";

fn kinship(row: Row) -> Result<Kinship> {
    let (id, account, debtor, Json(matches), opened_on, state, decided_by, decided_on, reason, exception) = row;
    Ok(Kinship {
        id: KinshipId(id),
        account: AccountId(account),
        debtor: AccountId(debtor),
        matches,
        opened_on,
        state: word(KinshipState::from_word, &state)?,
        decided_by,
        decided_on,
        reason,
        exception,
    })
}

impl Backend {
    pub async fn note_returning(&self, accounts: &[AccountId], stamp: &Stamp) -> Result<()> {
        let mut left: Vec<i64> = Vec::new();
        for alike in ALIKE {
            let select = format!(
                "SELECT DISTINCT debtor.id FROM account AS mine JOIN account AS debtor ON {alike}
                 WHERE mine.id IN {} AND debtor.ended_on IS NOT NULL AND {OWES}
                    AND NOT EXISTS (SELECT 1 FROM kinship WHERE kinship.debtor_id = debtor.id)",
                ids(1)
            );
            left.extend(
                sqlx::query_scalar::<_, i64>(sql(select))
                    .bind(Json(accounts))
                    .bind(stamp.on)
                    .fetch_all(&self.reader)
                    .await?,
            );
        }
        if left.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        let mut found: Vec<Pair> = Vec::new();
        for alike in ALIKE {
            let select = format!(
                "SELECT mine.id, mine.profile, debtor.id, debtor.profile
                 FROM account AS debtor JOIN account AS mine ON {alike} AND debtor.id <> mine.id
                 WHERE debtor.id IN {}",
                ids(1)
            );
            found.extend(sqlx::query_as(sql(select)).bind(Json(&left)).fetch_all(&mut *tx).await?);
        }
        // One question for each who has left: of a customer with many accounts, the likest, and of those the newest.
        let mut likest: BTreeMap<i64, KinRow> = BTreeMap::new();
        for kin in alike(found, stamp.on) {
            let known = likest.get(&kin.debtor).map(|known| (known.matches.len(), known.account));
            if known.is_none_or(|known| known < (kin.matches.len(), kin.account)) {
                likest.insert(kin.debtor, kin);
            }
        }
        add(&mut tx, likest.into_values().collect(), stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn kinships_untold(&self) -> Result<Vec<Kinship>> {
        let select = format!("SELECT {COLUMNS} FROM kinship WHERE state = 'open' AND exception_id IS NULL ORDER BY id");
        let found: Vec<Row> = sqlx::query_as(sql(select)).fetch_all(&self.reader).await?;
        found.into_iter().map(kinship).collect()
    }

    pub async fn kinships(&self, open_only: bool) -> Result<Vec<Kinship>> {
        let select = format!("SELECT {COLUMNS} FROM kinship WHERE state = 'open' OR $1 ORDER BY id");
        let found: Vec<Row> = sqlx::query_as(sql(select)).bind(!open_only).fetch_all(&self.reader).await?;
        found.into_iter().map(kinship).collect()
    }

    pub async fn kinships_of(&self, account: AccountId) -> Result<Vec<Kinship>> {
        let select = format!("SELECT {COLUMNS} FROM kinship WHERE account_id = $1 OR debtor_id = $1 ORDER BY id");
        let found: Vec<Row> = sqlx::query_as(sql(select)).bind(account.0).fetch_all(&self.reader).await?;
        found.into_iter().map(kinship).collect()
    }

    pub async fn tell_kinship(&self, id: KinshipId, text: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let account: Option<i64> = sqlx::query_scalar(
            "SELECT account_id FROM kinship WHERE id = $1 AND state = 'open' AND exception_id IS NULL",
        )
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(account) = account else { return Ok(()) };
        let line =
            exception::open(&mut tx, Some(AccountId(account)), ExceptionKind::ReturningDebtor, text, stamp).await?;
        sqlx::query("UPDATE kinship SET exception_id = $2 WHERE id = $1")
            .bind(id.0)
            .bind(line)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    pub async fn decide_kinship(
        &self,
        id: KinshipId,
        state: KinshipState,
        reason: &str,
        stamp: &Stamp,
    ) -> Result<Kinship> {
        let mut tx = self.write().await?;
        let update = format!(
            "UPDATE kinship SET state = $2, decided_by = $3, decided_on = $4, reason = $5
             WHERE id = $1 AND state = 'open' RETURNING {COLUMNS}"
        );
        let decided: Option<Row> = sqlx::query_as(sql(update))
            .bind(id.0)
            .bind(state.word())
            .bind(stamp.by.to_string())
            .bind(stamp.on)
            .bind(reason)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(decided) = decided.map(kinship).transpose()? else {
            let known: Option<(String, Option<String>)> =
                sqlx::query_as("SELECT state, decided_by FROM kinship WHERE id = $1")
                    .bind(id.0)
                    .fetch_optional(&mut *tx)
                    .await?;
            return Err(match known {
                Some((state, by)) => {
                    StoreError::Conflict(format!("pair {id} was {state} by {}", by.as_deref().unwrap_or("somebody")))
                }
                None => StoreError::not_found("pair of accounts", id),
            });
        };
        let what = match state {
            KinshipState::Confirmed => "same customer confirmed",
            KinshipState::Rejected | KinshipState::Open => "same customer rejected",
        };
        let line = |account: AccountId| {
            let body =
                json!({ "pair": id, "other": decided.other(account), "matches": decided.matches, "reason": reason });
            NewLine::of(account, what, body)
        };
        log::write(&mut tx, &[line(decided.account), line(decided.debtor)], None, stamp).await?;
        exception::settle_lines(&mut tx, decided.exception.as_slice(), stamp).await?;
        tx.commit().await?;
        Ok(decided)
    }
}
