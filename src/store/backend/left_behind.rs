//! Money that pays nothing on an account from which a debt was transferred: it may be meant for that debt, which goes on being
//! asked for where it is now. The account that has the debt is frozen until a person has looked.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::{Conn, Result, exception, ids, sql};
use crate::domain::{AccountId, Cents};

/// A debt that came from another account, and what of it is open.
struct Arrived {
    from: AccountId,
    number: String,
    to: AccountId,
    open: Cents,
}

/// Tells where money is left behind on the accounts, by what no debt of theirs has taken, and clears what was told and is so no more.
pub(super) async fn keep(conn: &mut Conn, unapplied: &BTreeMap<AccountId, Cents>, stamp: &Stamp) -> Result<()> {
    let accounts: Vec<AccountId> = unapplied.keys().copied().collect();
    let arrived = arrived(conn, &accounts).await?;
    if arrived.is_empty() {
        return Ok(());
    }
    let mut told: BTreeMap<AccountId, Vec<String>> = BTreeMap::new();
    for debt in &arrived {
        let texts = told.entry(debt.to).or_default();
        let left = unapplied.get(&debt.from).copied().unwrap_or_default();
        if left.is_positive() && debt.open.is_positive() {
            texts.push(format!(
                "{left} lies on account {number} and pays nothing there, and {open} is owed here that came from that account: the \
                 customer may have paid under the old number, or the bill was taken back. No notice, shut-off or referral until \
                 somebody has looked. Where it is this debt's, bring it over: `arrears adjust {number} --amount {left}` and \
                 `arrears adjust` here of as much less, which another approves; then clear this line",
                number = debt.number,
                open = debt.open,
            ));
        }
    }
    let to: Vec<AccountId> = told.keys().copied().collect();
    let select = format!(
        "SELECT id, account_id, text FROM exception
         WHERE account_id IN {} AND kind = $2 AND cleared_on IS NULL ORDER BY id",
        ids(1)
    );
    let standing: Vec<(i64, i64, String)> = sqlx::query_as(sql(select))
        .bind(Json(to))
        .bind(ExceptionKind::MoneyLeftBehind.word())
        .fetch_all(&mut *conn)
        .await?;
    let is_so = |account: i64, text: &String| told.get(&AccountId(account)).is_some_and(|texts| texts.contains(text));
    let over: Vec<i64> =
        standing.iter().filter(|(_, account, text)| !is_so(*account, text)).map(|(id, ..)| *id).collect();
    if !over.is_empty() {
        exception::settle_lines(conn, &over, stamp).await?;
    }
    for (account, texts) in told {
        for text in BTreeSet::from_iter(texts) {
            exception::open(conn, Some(account), ExceptionKind::MoneyLeftBehind, &text, stamp).await?;
        }
    }
    Ok(())
}

/// The debts that went from the accounts to others, with what is open of each there.
async fn arrived(conn: &mut Conn, accounts: &[AccountId]) -> Result<Vec<Arrived>> {
    let select = format!(
        "SELECT gone.account_id, account.number, came.account_id, COALESCE(open_item.open_cents, 0)
         FROM transfer
         JOIN entry AS gone ON gone.id = transfer.credit_id
         JOIN entry AS came ON came.id = transfer.debit_id
         JOIN account ON account.id = gone.account_id
         LEFT JOIN open_item ON open_item.account_id = came.account_id AND open_item.entry_id = came.id
         WHERE gone.account_id IN {} ORDER BY transfer.credit_id",
        ids(1)
    );
    let found: Vec<(i64, String, i64, i64)> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    Ok(found
        .into_iter()
        .map(|(from, number, to, open)| Arrived {
            from: AccountId(from),
            number,
            to: AccountId(to),
            open: Cents::new(open),
        })
        .collect())
}
