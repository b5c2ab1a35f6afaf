//! Customers who may have come back: accounts of a file that are like one on which something is owed, was written off, or is out.
//!
//! One pair is kept for each account that owes, with the account that is likest it. Where the billing system's own number of the
//! customer agrees there is nothing to ask: such a pair is kept as known where something was written off or is out, and told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, exception, ids, rows, sql, texts, word};
use crate::domain::kinship::{BILLING_SYSTEM, Kinship, KinshipState};
use crate::domain::{AccountId, AccountNumber, Day, KinshipId, Profile};

/// Something was written off there, or is placed.
const GONE: &str = "(EXISTS (SELECT 1 FROM entry WHERE entry.account_id = debtor.id AND entry.kind = 'write_off'
        AND NOT EXISTS (SELECT 1 FROM entry AS undoing WHERE undoing.reverses = entry.id))
    OR EXISTS (SELECT 1 FROM referral WHERE referral.account_id = debtor.id AND referral.state = 'placed'))";

/// The customer has left owing.
const LEFT: &str = "(debtor.ended_on IS NOT NULL
    AND EXISTS (SELECT 1 FROM open_item WHERE open_item.account_id = debtor.id AND open_item.due_on < $2))";

#[derive(Serialize)]
struct KinRow {
    account: i64,
    debtor: i64,
    matches: Vec<String>,
    state: KinshipState,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<&'static str>,
}

type Found = (i64, Json<Profile>);

/// Notes which of the accounts that a file brought, new or under another name, number or address, are like one that owes.
/// A pair that was noted before is not noted again, whatever a person said of it; nor is one of the same two customers.
pub(super) async fn note(conn: &mut Conn, numbers: &[&AccountNumber], stamp: &Stamp) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    let select = format!("SELECT id, profile FROM account WHERE number IN {} ORDER BY id", texts(1));
    let mine: Vec<Found> = sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(&mut *conn).await?;
    let of_customer = format!(
        "SELECT debtor.id, debtor.profile FROM account AS debtor
         WHERE debtor.customer IN (SELECT mine.customer FROM account AS mine WHERE mine.number IN {} AND mine.customer IS NOT NULL)
            AND ended_on IS NOT NULL AND {GONE} ORDER BY debtor.id",
        texts(1)
    );
    let known: Vec<Found> = sqlx::query_as(sql(of_customer)).bind(Json(numbers)).fetch_all(&mut *conn).await?;
    let of_name = format!(
        "SELECT debtor.id, debtor.profile FROM account AS debtor
         WHERE debtor.name_key IN (SELECT mine.name_key FROM account AS mine WHERE mine.number IN {} AND mine.name_key <> '')
            AND ({LEFT} OR {GONE}) ORDER BY debtor.id",
        texts(1)
    );
    let owing: Vec<Found> =
        sqlx::query_as(sql(of_name)).bind(Json(numbers)).bind(stamp.on).fetch_all(&mut *conn).await?;
    let mut kin = same_customer(&mine, &known, stamp.on);
    kin.extend(likest(&mine, &owing, stamp.on));
    let kin = not_asked(conn, kin, &mine).await?;
    add(conn, kin, stamp).await
}

/// Of each that owes the newest account of the same customer by the billing system's number.
fn same_customer(mine: &[Found], owing: &[Found], on: Day) -> Vec<KinRow> {
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for (id, Json(profile)) in mine.iter().filter(|(_, profile)| is_here(profile, on)) {
        if let Some(customer) = profile.customer() {
            let known = newest.entry(customer).or_insert(*id);
            *known = (*known).max(*id);
        }
    }
    let pair = |(debtor, Json(owes)): &Found| {
        let customer = owes.customer()?;
        let account = newest.get(customer).copied().filter(|account| account != debtor)?;
        let (matches, state) = (vec![format!("customer {customer}")], KinshipState::Confirmed);
        Some(KinRow { account, debtor: *debtor, matches, state, decided_by: Some(BILLING_SYSTEM) })
    };
    owing.iter().filter_map(pair).collect()
}

/// Of each that owes the account that is likest it by name and how the customer is reached, of those alike the newest. Two accounts
/// of one customer by the billing system's number are nothing to ask about.
fn likest(mine: &[Found], owing: &[Found], on: Day) -> Vec<KinRow> {
    let mut by_contact: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (n, (_, Json(profile))) in mine.iter().enumerate().filter(|(_, (_, profile))| is_here(profile, on)) {
        for contact in contacts(profile) {
            by_contact.entry(contact).or_default().push(n);
        }
    }
    let mut kin = Vec::new();
    for (debtor, Json(owes)) in owing {
        // A contact is mostly one account's, and of a landlord's many accounts any will do.
        let near: BTreeSet<usize> = contacts(owes)
            .iter()
            .filter_map(|contact| by_contact.get(contact))
            .flat_map(|near| near.iter().rev().take(2).copied())
            .collect();
        let like = near
            .into_iter()
            .filter_map(|n| mine.get(n))
            .filter(|(account, Json(profile))| account != debtor && !is_known_same(profile, owes))
            .map(|(account, Json(profile))| (profile.matches(owes), *account))
            .filter(|(matches, _)| !matches.is_empty())
            .max_by_key(|(matches, account)| (matches.len(), *account));
        kin.extend(like.map(|(matches, account)| KinRow {
            account,
            debtor: *debtor,
            matches,
            state: KinshipState::Open,
            decided_by: None,
        }));
    }
    kin
}

/// Who has gone from here too is not back.
fn is_here(profile: &Profile, on: Day) -> bool {
    profile.ended.is_none_or(|ended| on < ended)
}

fn is_known_same(one: &Profile, other: &Profile) -> bool {
    one.customer().is_some() && one.customer() == other.customer()
}

/// By what an account is alike to others: the name together with each way in which the customer is reached.
fn contacts(profile: &Profile) -> Vec<String> {
    let mut ways: Vec<String> = profile.phones.clone();
    ways.extend(profile.email.iter().map(|email| email.trim().to_ascii_lowercase()));
    let address = profile.mailing_address.one_line();
    ways.push(address.split_whitespace().map(str::to_uppercase).collect::<Vec<_>>().join(" "));
    let name = profile.name_key();
    ways.into_iter().map(|way| format!("{name}|{way}")).collect()
}

/// Without the pairs of customers about whom somebody was asked before.
async fn not_asked(conn: &mut Conn, kin: Vec<KinRow>, mine: &[Found]) -> Result<Vec<KinRow>> {
    if kin.is_empty() {
        return Ok(kin);
    }
    let debtors: Vec<i64> = kin.iter().map(|kin| kin.debtor).collect();
    let select = format!(
        "SELECT kinship.debtor_id, account.profile FROM kinship JOIN account ON account.id = kinship.account_id
         WHERE kinship.debtor_id IN {0}
         UNION ALL
         SELECT kinship.account_id, account.profile FROM kinship JOIN account ON account.id = kinship.debtor_id
         WHERE kinship.account_id IN {0}",
        ids(1)
    );
    let asked: Vec<Found> = sqlx::query_as(sql(select)).bind(Json(debtors)).fetch_all(conn).await?;
    let asked: BTreeSet<(i64, String)> =
        asked.into_iter().map(|(debtor, Json(profile))| (debtor, profile.who())).collect();
    let who: BTreeMap<i64, String> = mine.iter().map(|(id, Json(profile))| (*id, profile.who())).collect();
    let is_new = |kin: &KinRow| who.get(&kin.account).is_none_or(|who| !asked.contains(&(kin.debtor, who.clone())));
    Ok(kin.into_iter().filter(is_new).collect())
}

async fn add(conn: &mut Conn, mut kin: Vec<KinRow>, stamp: &Stamp) -> Result<()> {
    if kin.is_empty() {
        return Ok(());
    }
    kin.sort_by_key(|kin| (kin.account, kin.debtor));
    let insert = format!(
        "INSERT INTO kinship (account_id, debtor_id, matches, opened_on, state, decided_by, decided_on)
         SELECT r.account, r.debtor, r.matches, $2, r.state, r.decided_by, CASE WHEN r.decided_by IS NULL THEN NULL ELSE $2 END
         FROM {}
         WHERE NOT EXISTS (SELECT 1 FROM kinship WHERE kinship.account_id = r.debtor AND kinship.debtor_id = r.account)
         ON CONFLICT (account_id, debtor_id) DO NOTHING",
        rows(1, "account bigint, debtor bigint, matches jsonb, state text, decided_by text")
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
        let select = format!(
            "SELECT debtor.id FROM account AS mine
             JOIN account AS debtor ON debtor.name_key = mine.name_key AND mine.name_key <> '' AND debtor.id <> mine.id
             WHERE mine.id IN {0} AND debtor.ended_on IS NOT NULL AND ({LEFT} OR {GONE})
                AND NOT EXISTS (SELECT 1 FROM kinship WHERE kinship.debtor_id = debtor.id)
             UNION
             SELECT debtor.id FROM account AS debtor
             WHERE debtor.id IN {0} AND debtor.name_key <> '' AND debtor.ended_on IS NOT NULL AND ({LEFT} OR {GONE})
                AND NOT EXISTS (SELECT 1 FROM kinship WHERE kinship.debtor_id = debtor.id)
             ORDER BY 1",
            ids(1)
        );
        let left: Vec<i64> =
            sqlx::query_scalar(sql(select)).bind(Json(accounts)).bind(stamp.on).fetch_all(&self.reader).await?;
        if left.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        let select = format!("SELECT id, profile FROM account WHERE id IN {} ORDER BY id", ids(1));
        let owing: Vec<Found> = sqlx::query_as(sql(select)).bind(Json(&left)).fetch_all(&mut *tx).await?;
        let select = format!(
            "SELECT mine.id, mine.profile FROM account AS mine
             WHERE mine.name_key IN (SELECT debtor.name_key FROM account AS debtor WHERE debtor.id IN {} AND debtor.name_key <> '')
             ORDER BY mine.id",
            ids(1)
        );
        let mine: Vec<Found> = sqlx::query_as(sql(select)).bind(Json(&left)).fetch_all(&mut *tx).await?;
        let kin = likest(&mine, &owing, stamp.on);
        let kin = not_asked(&mut tx, kin, &mine).await?;
        add(&mut tx, kin, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn kinships_untold(&self) -> Result<Vec<Kinship>> {
        let select = format!(
            "SELECT {COLUMNS} FROM kinship
             WHERE exception_id IS NULL AND (state = 'open' OR decided_by = '{BILLING_SYSTEM}') ORDER BY id"
        );
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

    pub async fn tell_kinships(
        &self,
        pairs: &[KinshipId],
        account: Option<AccountId>,
        text: &str,
        stamp: &Stamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        let untold = format!("SELECT id FROM kinship WHERE id IN {} AND exception_id IS NULL ORDER BY id", ids(1));
        let untold: Vec<i64> = sqlx::query_scalar(sql(untold)).bind(Json(pairs)).fetch_all(&mut *tx).await?;
        if untold.is_empty() {
            return Ok(());
        }
        let line = exception::open(&mut tx, account, ExceptionKind::ReturningDebtor, text, stamp).await?;
        let update = format!("UPDATE kinship SET exception_id = $2 WHERE id IN {}", ids(1));
        sqlx::query(sql(update)).bind(Json(untold)).bind(line).execute(&mut *tx).await?;
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
        // A line that asks about several pairs stands until the last of them is decided.
        let waits: Option<i64> =
            sqlx::query_scalar("SELECT id FROM kinship WHERE exception_id = $1 AND state = 'open' ORDER BY id LIMIT 1")
                .bind(decided.exception)
                .fetch_optional(&mut *tx)
                .await?;
        if waits.is_none() {
            exception::settle_lines(&mut tx, decided.exception.as_slice(), stamp).await?;
        }
        tx.commit().await?;
        Ok(decided)
    }
}
