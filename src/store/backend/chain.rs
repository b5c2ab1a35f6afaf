//! The chains of the log: one for each account, and one for what belongs to none.
//!
//! A chain's head stands with the account's review and is locked while lines are added, so that two writers never
//! continue the same line. Heads are read and written for a whole batch of lines at once.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::types::Json;

use super::{Conn, FOR_UPDATE, Result, StoreError, ids, rows, sql};
use crate::domain::AccountId;
use crate::domain::evidence::{Line, NOTHING_BEFORE};

/// Whose lines they are: an account's, or the city's.
pub(super) type Chain = Option<AccountId>;

/// The hash of the last line of each chain.
pub(super) type Heads = BTreeMap<Chain, String>;

/// The heads of the chains, locked until the transaction ends: accounts in order of their ids, the city's last.
pub(super) async fn heads(conn: &mut Conn, chains: &[Chain]) -> Result<Heads> {
    let mut heads = Heads::new();
    let accounts: Vec<AccountId> = chains.iter().filter_map(|chain| *chain).collect();
    if !accounts.is_empty() {
        let select = format!(
            "SELECT account_id, chain_head FROM review WHERE account_id IN {} ORDER BY account_id {FOR_UPDATE}",
            ids(1)
        );
        let found: Vec<(i64, Option<String>)> =
            sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(&mut *conn).await?;
        let head = |(account, head): (i64, Option<String>)| {
            (Some(AccountId(account)), head.unwrap_or_else(|| NOTHING_BEFORE.into()))
        };
        heads.extend(found.into_iter().map(head));
    }
    if chains.contains(&None) {
        let select = format!("SELECT head FROM city_chain {FOR_UPDATE}");
        let head: Option<String> = sqlx::query_scalar(sql(select)).fetch_optional(conn).await?;
        let head = head.ok_or_else(|| StoreError::Corrupt("the city's chain has lost its head".into()))?;
        heads.insert(None, head);
    }
    Ok(heads)
}

/// Puts a line behind the head of its chain, and gives its hash.
pub(super) fn extend(heads: &mut Heads, line: &Line<'_>) -> String {
    let hash = line.hash(heads.get(&line.account).map_or(NOTHING_BEFORE, String::as_str));
    heads.insert(line.account, hash.clone());
    hash
}

#[derive(Serialize)]
struct HeadRow<'a> {
    account: AccountId,
    head: &'a str,
}

/// Keeps the heads.
pub(super) async fn keep(conn: &mut Conn, heads: &Heads) -> Result<()> {
    let of = |(chain, head): (&Chain, _)| chain.map(|account| (account, head));
    let accounts: Vec<HeadRow<'_>> =
        heads.iter().filter_map(of).map(|(account, head): (_, &String)| HeadRow { account, head }).collect();
    if !accounts.is_empty() {
        let update = format!(
            "UPDATE review SET chain_head = r.head FROM {} WHERE review.account_id = r.account",
            rows(1, "account bigint, head text")
        );
        sqlx::query(sql(update)).bind(Json(accounts)).execute(&mut *conn).await?;
    }
    if let Some(head) = heads.get(&None) {
        sqlx::query("UPDATE city_chain SET head = $1").bind(head).execute(conn).await?;
    }
    Ok(())
}
