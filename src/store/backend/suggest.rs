//! Accounts that unmatched payments may be for, found by indexes: by number, by amount, by name, by what was matched before.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::Json;

use super::{Backend, Conn, Result, ids, sql, texts};
use crate::domain::suggestion::{COMMON, Candidate, Lookup};
use crate::domain::{AccountId, AccountNumber, Cents, Day, Profile};

impl Backend {
    pub async fn candidates_for(&self, lookups: &[Lookup], since: Day) -> Result<Vec<Candidate>> {
        let mut tx = self.read().await?;
        let conn = &mut *tx;
        let matched = matched_before(conn, lookups).await?;
        let mut found: BTreeSet<i64> = matched.keys().copied().collect();
        found.extend(by_number(conn, lookups).await?);
        let formerly = formerly(conn, &found).await?;
        found.extend(formerly.keys().copied());
        found.extend(by_amount(conn, lookups, since).await?);
        found.extend(by_name(conn, lookups).await?);
        read(conn, &found, matched, formerly, since).await
    }
}

async fn by_number(conn: &mut Conn, lookups: &[Lookup]) -> Result<Vec<i64>> {
    let numbers: BTreeSet<&String> = lookups.iter().flat_map(|lookup| &lookup.numbers).collect();
    let select = format!("SELECT id FROM account WHERE number IN {}", texts(1));
    Ok(sqlx::query_scalar(sql(select)).bind(Json(numbers)).fetch_all(conn).await?)
}

async fn by_name(conn: &mut Conn, lookups: &[Lookup]) -> Result<Vec<i64>> {
    let names: BTreeSet<&String> = lookups.iter().flat_map(|lookup| &lookup.names).collect();
    let mut found: Vec<i64> = Vec::new();
    for name in names {
        let of_name: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM account WHERE name_key = $1 ORDER BY name_key, id LIMIT $2")
                .bind(name)
                .bind(some())
                .fetch_all(&mut *conn)
                .await?;
        found.extend(of_name);
    }
    Ok(found)
}

/// Those who owe just that, or were asked for it; of an amount that many owe no more than tells that they are many.
async fn by_amount(conn: &mut Conn, lookups: &[Lookup], since: Day) -> Result<Vec<i64>> {
    let amounts: BTreeSet<Cents> =
        lookups.iter().map(|lookup| lookup.amount).filter(|amount| amount.is_positive()).collect();
    let mut found: Vec<i64> = Vec::new();
    for amount in amounts {
        for select in [
            "SELECT account_id FROM review WHERE owed_cents = $1 AND owed_cents > 0 LIMIT $2",
            "SELECT DISTINCT account_id FROM notice
             WHERE CAST(body -> 'facts' ->> 'amount' AS BIGINT) = $1
                AND state IN ('mailed', 'posted', 'sent') AND CAST(body ->> 'planned_on' AS TEXT) >= $3 LIMIT $2",
        ] {
            let query = sqlx::query_scalar(select).bind(amount.get()).bind(some());
            let query = if select.contains("$3") { query.bind(since.to_string()) } else { query };
            let of_amount: Vec<i64> = query.fetch_all(&mut *conn).await?;
            found.extend(of_amount);
        }
    }
    Ok(found)
}

/// One more than says that there are too many.
fn some() -> i64 {
    i64::try_from(COMMON + 1).unwrap_or(i64::MAX)
}

/// Accounts to which people matched payments that came under the same numbers, with the number and the day of each.
async fn matched_before(conn: &mut Conn, lookups: &[Lookup]) -> Result<BTreeMap<i64, Vec<(String, Day)>>> {
    let given: BTreeSet<&str> = lookups.iter().map(|lookup| lookup.given.as_str()).collect();
    let select = format!(
        "SELECT entry.account_id, unmatched.body ->> 'account', entry.effective_on
         FROM unmatched_payment AS unmatched
         JOIN entry ON entry.reference = unmatched.reference AND entry.source = unmatched.source
         WHERE unmatched.state = 'matched' AND unmatched.body ->> 'account' IN {} ORDER BY entry.id",
        texts(1)
    );
    let found: Vec<(i64, String, Day)> = sqlx::query_as(sql(select)).bind(Json(given)).fetch_all(conn).await?;
    let mut matched: BTreeMap<i64, Vec<(String, Day)>> = BTreeMap::new();
    for (account, number, on) in found {
        matched.entry(account).or_default().push((number, on));
    }
    Ok(matched)
}

/// Other accounts of the customers whose accounts were found and have ended, with the numbers of those.
async fn formerly(conn: &mut Conn, found: &BTreeSet<i64>) -> Result<BTreeMap<i64, Vec<AccountNumber>>> {
    let select = format!(
        "SELECT other.id, mine.number, mine.profile FROM account AS mine
         JOIN account AS other ON other.customer = mine.customer AND other.id <> mine.id WHERE mine.id IN {0}
         UNION ALL
         SELECT kinship.account_id, mine.number, mine.profile FROM kinship
         JOIN account AS mine ON mine.id = kinship.debtor_id
         WHERE kinship.state = 'confirmed' AND kinship.debtor_id IN {0}",
        ids(1)
    );
    let rows: Vec<(i64, String, Json<Profile>)> = sqlx::query_as(sql(select)).bind(Json(found)).fetch_all(conn).await?;
    let mut formerly: BTreeMap<i64, Vec<AccountNumber>> = BTreeMap::new();
    for (other, number, Json(profile)) in rows {
        if profile.ended.is_some() {
            let numbers = formerly.entry(other).or_default();
            numbers.push(AccountNumber::from(number));
            numbers.sort();
            numbers.dedup();
        }
    }
    Ok(formerly)
}

async fn read(
    conn: &mut Conn,
    found: &BTreeSet<i64>,
    mut matched: BTreeMap<i64, Vec<(String, Day)>>,
    mut formerly: BTreeMap<i64, Vec<AccountNumber>>,
    since: Day,
) -> Result<Vec<Candidate>> {
    let select = format!(
        "SELECT account.id, account.number, account.profile, review.owed_cents
         FROM account JOIN review ON review.account_id = account.id WHERE account.id IN {} ORDER BY account.id",
        ids(1)
    );
    let rows: Vec<(i64, String, Json<Profile>, i64)> =
        sqlx::query_as(sql(select)).bind(Json(found)).fetch_all(&mut *conn).await?;
    let select = format!(
        "SELECT account_id, CAST(body -> 'facts' ->> 'amount' AS BIGINT), CAST(body ->> 'planned_on' AS TEXT) FROM notice
         WHERE account_id IN {} AND state IN ('mailed', 'posted', 'sent') ORDER BY id",
        ids(1)
    );
    let notices: Vec<(i64, Option<i64>, String)> =
        sqlx::query_as(sql(select)).bind(Json(found)).fetch_all(conn).await?;
    let mut noticed: BTreeMap<i64, Vec<(Cents, Day)>> = BTreeMap::new();
    for (account, cents, on) in notices {
        if let (Some(cents), Some(on)) = (cents, crate::domain::day::parse(&on).filter(|on| since <= *on)) {
            noticed.entry(account).or_default().push((Cents::new(cents), on));
        }
    }
    let candidate = |(id, number, Json(profile), owed): (i64, String, Json<Profile>, i64)| Candidate {
        account: AccountId(id),
        number: AccountNumber::from(number),
        name_key: profile.name_key(),
        name: profile.customer_name,
        owed: Cents::new(owed),
        noticed: noticed.remove(&id).unwrap_or_default(),
        matched: matched.remove(&id).unwrap_or_default(),
        formerly: formerly.remove(&id).unwrap_or_default(),
        ended: profile.ended,
    };
    Ok(rows.into_iter().map(candidate).collect())
}
