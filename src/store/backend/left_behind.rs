//! Money that pays nothing on an account from which a debt was transferred: it may be meant for that debt, which goes on being
//! asked for where it is now. The account that has the debt is frozen until a person has looked.
//!
//! What is told of an account is told by all the accounts whose debts it has: what lies on one of them is not over because
//! another was settled, or because something was paid where the debt is now.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::types::Json;

use super::given::{ExceptionKind, LeftBehind, Stamp};
use super::{Backend, Conn, Result, exception, ids, rows, sql, touch};
use crate::domain::{AccountId, Cents, EntryId, ItemId};

/// Money that lies on one account, while debts that came from there are open on another.
struct Lies {
    from: AccountId,
    number: String,
    to: AccountId,
    here: String,
    left: Cents,
    open: Cents,
}

impl Lies {
    fn text(&self) -> String {
        format!(
            "{left} lies on account {number} and pays nothing there, and {open} is owed here that came from that account: the \
             customer may have paid under the old number, or the bill was taken back. No notice, shut-off or referral until \
             somebody has looked. Where it is this debt's, take the debt back to the money: `arrears transfer propose {here} \
             {number} --reason TEXT`, and this line goes away when another approves it. Where it is not, clear this line",
            left = self.left,
            number = self.number,
            open = self.open,
            here = self.here,
        )
    }
}

/// A line that was opened for such money.
struct Told {
    exception: i64,
    left: Cents,
    open: Cents,
    stands: bool,
}

impl Told {
    /// Whether the line says so, or was cleared by a person who saw as much.
    fn holds(&self, lies: &Lies) -> bool {
        if self.stands {
            (lies.left, lies.open) == (self.left, self.open)
        } else {
            lies.left <= self.left && lies.open <= self.open
        }
    }
}

#[derive(Serialize)]
struct Row {
    from_id: AccountId,
    to_id: AccountId,
    exception: i64,
    left_cents: Cents,
    open_cents: Cents,
}

/// Tells where money is left behind, as to the accounts that were just settled, and clears what was told and is so no more.
pub(super) async fn keep(conn: &mut Conn, accounts: &[AccountId], stamp: &Stamp) -> Result<()> {
    let mut here = went_to(conn, accounts).await?;
    here.extend(came_to(conn, accounts).await?);
    if here.is_empty() {
        return Ok(());
    }
    let here: Vec<AccountId> = here.into_iter().collect();
    let told = told(conn, &here).await?;
    let mut lies = lying(conn, Some(&here)).await?;
    let mut kept = BTreeSet::new();
    lies.retain(|lies| match told.get(&(lies.to, lies.from)) {
        Some(known) if known.holds(lies) => {
            kept.insert(known.exception);
            false
        }
        Some(_) | None => true,
    });
    end(conn, &here, &kept, stamp).await?;
    let mut rows_now = Vec::with_capacity(lies.len());
    for lies in lies {
        let line = exception::open(conn, Some(lies.to), ExceptionKind::MoneyLeftBehind, &lies.text(), stamp).await?;
        rows_now.push(Row {
            from_id: lies.from,
            to_id: lies.to,
            exception: line,
            left_cents: lies.left,
            open_cents: lies.open,
        });
    }
    if !rows_now.is_empty() {
        // A freeze alone is looked at tomorrow; but who is restored by what came with it waits for no night.
        let frozen: BTreeSet<AccountId> = rows_now.iter().map(|row| row.to_id).collect();
        touch(conn, &frozen.into_iter().collect::<Vec<_>>(), stamp.on).await?;
        let insert = format!(
            "INSERT INTO left_behind (from_id, to_id, exception_id, left_cents, open_cents)
             SELECT r.from_id, r.to_id, r.exception, r.left_cents, r.open_cents FROM {}",
            rows(1, "from_id bigint, to_id bigint, exception bigint, left_cents bigint, open_cents bigint")
        );
        sqlx::query(sql(insert)).bind(Json(rows_now)).execute(conn).await?;
    }
    Ok(())
}

/// Clears the accounts' lines but those that are kept. What is not frozen any more is looked at today.
async fn end(conn: &mut Conn, here: &[AccountId], kept: &BTreeSet<i64>, stamp: &Stamp) -> Result<()> {
    let delete = format!("DELETE FROM left_behind WHERE to_id IN {} AND NOT (exception_id IN {})", ids(1), ids(2));
    sqlx::query(sql(delete)).bind(Json(here)).bind(Json(kept)).execute(&mut *conn).await?;
    let select = format!(
        "SELECT id, account_id FROM exception
         WHERE account_id IN {} AND NOT (id IN {}) AND kind = $3 AND cleared_on IS NULL ORDER BY id",
        ids(1),
        ids(2)
    );
    let over: Vec<(i64, i64)> = sqlx::query_as(sql(select))
        .bind(Json(here))
        .bind(Json(kept))
        .bind(ExceptionKind::MoneyLeftBehind.word())
        .fetch_all(&mut *conn)
        .await?;
    if over.is_empty() {
        return Ok(());
    }
    let (lines, accounts): (Vec<i64>, BTreeSet<i64>) = over.into_iter().unzip();
    exception::settle_lines(conn, &lines, stamp).await?;
    touch(conn, &accounts.into_iter().map(AccountId).collect::<Vec<_>>(), stamp.on).await
}

/// What was told of the accounts, by them and the accounts where the money lies.
async fn told(conn: &mut Conn, here: &[AccountId]) -> Result<BTreeMap<(AccountId, AccountId), Told>> {
    let select = format!(
        "SELECT left_behind.to_id, left_behind.from_id, exception.id, left_behind.left_cents, left_behind.open_cents,
            exception.cleared_on IS NULL
         FROM left_behind JOIN exception ON exception.id = left_behind.exception_id WHERE left_behind.to_id IN {}",
        ids(1)
    );
    let found: Vec<(i64, i64, i64, i64, i64, bool)> =
        sqlx::query_as(sql(select)).bind(Json(here)).fetch_all(conn).await?;
    let told = |(to, from, exception, left, open, stands)| {
        let (left, open) = (Cents::new(left), Cents::new(open));
        ((AccountId(to), AccountId(from)), Told { exception, left, open, stands })
    };
    Ok(found.into_iter().map(told).collect())
}

/// The money that lies on accounts whose debts are open on these, or on any: from wherever a debt came, and from wherever it
/// had come to there.
async fn lying(conn: &mut Conn, here: Option<&[AccountId]>) -> Result<Vec<Lies>> {
    let of_these = here.map_or("$1 IS NULL".to_owned(), |_| format!("transfer.to_id IN {}", ids(1)));
    let select = format!(
        "WITH RECURSIVE way (to_id, debit_id, from_id, debt_id) AS (
            SELECT to_id, debit_id, from_id, debt_id FROM transfer WHERE {of_these}
            UNION ALL
            SELECT way.to_id, way.debit_id, earlier.from_id, earlier.debt_id
            FROM way JOIN transfer AS earlier ON earlier.debit_id = way.debt_id)
         SELECT old.id, old.number, account.id, account.number, review.unapplied_cents,
            CAST(SUM(open_item.open_cents) AS BIGINT)
         FROM way JOIN review ON review.account_id = way.from_id
         JOIN account AS old ON old.id = way.from_id
         JOIN account ON account.id = way.to_id
         JOIN open_item ON open_item.account_id = way.to_id AND open_item.entry_id = way.debit_id
         WHERE way.from_id <> way.to_id AND review.unapplied_cents > 0 AND open_item.open_cents > 0
         GROUP BY old.id, old.number, account.id, account.number, review.unapplied_cents
         ORDER BY account.id, old.id"
    );
    let found: Vec<(i64, String, i64, String, i64, i64)> =
        sqlx::query_as(sql(select)).bind(here.map(Json)).fetch_all(conn).await?;
    let lies = |(from, number, to, here, left, open)| Lies {
        from: AccountId(from),
        number,
        to: AccountId(to),
        here,
        left: Cents::new(left),
        open: Cents::new(open),
    };
    Ok(found.into_iter().map(lies).collect())
}

/// Where debts of the accounts went, by one transfer or several.
async fn went_to(conn: &mut Conn, accounts: &[AccountId]) -> Result<BTreeSet<AccountId>> {
    let select = format!(
        "WITH RECURSIVE way (to_id, debit_id) AS (
            SELECT to_id, debit_id FROM transfer WHERE from_id IN {}
            UNION SELECT later.to_id, later.debit_id FROM way JOIN transfer AS later ON later.debt_id = way.debit_id)
         SELECT DISTINCT to_id FROM way ORDER BY to_id",
        ids(1)
    );
    let found: Vec<i64> = sqlx::query_scalar(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    Ok(found.into_iter().map(AccountId).collect())
}

/// Those of the accounts to which a debt came.
async fn came_to(conn: &mut Conn, accounts: &[AccountId]) -> Result<BTreeSet<AccountId>> {
    let select = format!("SELECT DISTINCT to_id FROM transfer WHERE to_id IN {} ORDER BY to_id", ids(1));
    let found: Vec<i64> = sqlx::query_scalar(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    Ok(found.into_iter().map(AccountId).collect())
}

/// All money that lies so, and whether a line says it, or a person cleared one that said as much.
pub(super) async fn all(conn: &mut Conn) -> Result<Vec<LeftBehind>> {
    let lies = lying(conn, None).await?;
    let here: BTreeSet<AccountId> = lies.iter().map(|lies| lies.to).collect();
    let told = told(conn, &here.into_iter().collect::<Vec<_>>()).await?;
    let of = |lies: Lies| {
        let is_told = told.get(&(lies.to, lies.from)).is_some_and(|known| known.holds(&lies));
        LeftBehind { from: lies.number, to: lies.to, left: lies.left, open: lies.open, is_told }
    };
    Ok(lies.into_iter().map(of).collect())
}

impl Backend {
    pub async fn accounts_with_debts_of(&self, accounts: &[AccountId]) -> Result<Vec<AccountId>> {
        let mut tx = self.read().await?;
        let mut here = went_to(&mut tx, accounts).await?;
        for account in accounts {
            here.remove(account);
        }
        Ok(here.into_iter().collect())
    }

    pub async fn tell_left_behind(&self, stamp: &Stamp) -> Result<()> {
        let untold = all(&mut *self.read().await?).await?;
        let here: BTreeSet<AccountId> = untold.iter().filter(|lies| !lies.is_told).map(|lies| lies.to).collect();
        if here.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        keep(&mut tx, &here.into_iter().collect::<Vec<_>>(), stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn debts_from(&self, here: AccountId, from: AccountId) -> Result<Vec<ItemId>> {
        let mut tx = self.read().await?;
        came_from(&mut tx, here, from).await
    }
}

/// The debts of an account that came from another, by one transfer or several.
pub(super) async fn came_from(conn: &mut Conn, here: AccountId, from: AccountId) -> Result<Vec<ItemId>> {
    let found: Vec<i64> = sqlx::query_scalar(
        "WITH RECURSIVE way (debit_id, from_id, debt_id) AS (
            SELECT debit_id, from_id, debt_id FROM transfer WHERE to_id = $1
            UNION ALL
            SELECT way.debit_id, earlier.from_id, earlier.debt_id
            FROM way JOIN transfer AS earlier ON earlier.debit_id = way.debt_id)
         SELECT DISTINCT debit_id FROM way WHERE from_id = $2 ORDER BY debit_id",
    )
    .bind(here.0)
    .bind(from.0)
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(EntryId).collect())
}
