//! Debts that go from one account to another: two entries each, posted together and known as one.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::types::Json;

use super::given::{PostedTransfer, Stamp};
use super::ledger::{EntryRow, OWN_SOURCE, post_one};
use super::log::{self, NewLine};
use super::{Backend, Conn, FOR_UPDATE, Result, ids, sql};
use crate::domain::proposal::Proposal;
use crate::domain::transfer::{GoneDebt, Half, MovedDebt, halves};
use crate::domain::{AccountId, AccountNumber, Cents, Day, EntryId, EntryKind};
use crate::rulebook::policy::LedgerRules;

/// Locks both accounts, in order of their ids: two transfers that cross do not wait for one another.
pub(super) async fn lock(conn: &mut Conn, from: AccountId, to: AccountId) -> Result<()> {
    let lock = format!("SELECT account_id FROM review WHERE account_id IN {} ORDER BY account_id {FOR_UPDATE}", ids(1));
    let _: Vec<i64> = sqlx::query_scalar(sql(lock)).bind(Json([from, to])).fetch_all(conn).await?;
    Ok(())
}

/// Posts both halves of each debt, with a line in the log of either account.
pub(super) async fn post(
    conn: &mut Conn,
    proposal: &Proposal,
    to: AccountId,
    number: &AccountNumber,
    debts: &[MovedDebt],
    rules: &LedgerRules,
    stamp: &Stamp,
) -> Result<()> {
    let from = proposal.account;
    let left: String =
        sqlx::query_scalar("SELECT number FROM account WHERE id = $1").bind(from.0).fetch_one(&mut *conn).await?;
    for (n, debt) in debts.iter().enumerate() {
        let [leaves, arrives] = halves(debt, from, to);
        let name = format!("transfer of proposal {}, {}", proposal.id, n + 1);
        let out = row(leaves, format!("{name}, out"), format!("To account {number}"), stamp.on);
        let (credit, _) = post_one(conn, out, rules, stamp).await?;
        let memo = format!("From account {left}, billed {}, entry {credit}", debt.billed_on);
        let (debit, _) = post_one(conn, row(arrives, format!("{name}, in"), memo, stamp.on), rules, stamp).await?;
        sqlx::query("INSERT INTO transfer (credit_id, debit_id, debt_id, proposal_id, from_id, to_id) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(credit.0)
            .bind(debit.0)
            .bind(debt.item.0)
            .bind(proposal.id.0)
            .bind(from.0)
            .bind(to.0)
            .execute(&mut *conn)
            .await?;
        let body = |entry: EntryId, other: EntryId, account: &str| {
            json!({
                "entry": entry, "other_entry": other, "other_account": account, "amount": debt.open, "due_on": debt.due_on,
                "proposal": proposal.id, "reason": proposal.reason,
            })
        };
        let lines = [
            NewLine::of(from, "debt transferred away", body(credit, debit, number.as_str())),
            NewLine::of(to, "debt transferred here", body(debit, credit, &left)),
        ];
        log::write(conn, &lines, None, stamp).await?;
    }
    Ok(())
}

fn row(half: Half, reference: String, memo: String, on: Day) -> EntryRow {
    EntryRow {
        account: half.account,
        service: half.service,
        kind: EntryKind::Transfer,
        cents: half.amount,
        effective_on: on,
        due_on: half.due_on,
        printed: half.printed,
        designated_item: half.designated,
        designated_service: None,
        reverses: None,
        channel: None,
        source: OWN_SOURCE.to_owned(),
        reference,
        memo,
    }
}

/// Account, entry, cents; then of the other half: account, entry, cents.
type PairColumns = (i64, i64, i64, Option<i64>, Option<i64>, Option<i64>);

/// Every transfer that Arrears posted, each half with the other where it has one.
pub(super) async fn all(conn: &mut Conn) -> Result<Vec<PostedTransfer>> {
    let found: Vec<PairColumns> = sqlx::query_as(
        "SELECT own.account_id, own.id, own.cents, other.account_id, other.id, other.cents
         FROM entry AS own
         LEFT JOIN transfer ON transfer.credit_id = own.id OR transfer.debit_id = own.id
         LEFT JOIN entry AS other ON other.id = CASE WHEN transfer.credit_id = own.id THEN transfer.debit_id
            ELSE transfer.credit_id END
         WHERE own.source = 'arrears' AND own.kind = 'transfer' ORDER BY own.id",
    )
    .fetch_all(conn)
    .await?;
    let pair = |(account, entry, cents, other_account, other, other_cents): PairColumns| PostedTransfer {
        account: AccountId(account),
        entry: EntryId(entry),
        amount: Cents::new(cents),
        other_account: other_account.map(AccountId),
        other: other.map(EntryId),
        other_amount: other_cents.map(Cents::new),
    };
    Ok(found.into_iter().map(pair).collect())
}

/// The debts of an account that are owed on others now, by what they were on it.
pub(super) async fn gone(conn: &mut Conn, account: AccountId) -> Result<Vec<GoneDebt>> {
    let found: Vec<(i64, i64, String, i64, i64)> = sqlx::query_as(
        "WITH RECURSIVE way (item_id, to_id, debit_id) AS (
            SELECT debt_id, to_id, debit_id FROM transfer WHERE from_id = $1
            UNION ALL
            SELECT way.item_id, later.to_id, later.debit_id
            FROM way JOIN transfer AS later ON later.debt_id = way.debit_id)
         SELECT way.item_id, account.id, account.number, way.debit_id, open_item.open_cents
         FROM way JOIN account ON account.id = way.to_id
         JOIN open_item ON open_item.account_id = way.to_id AND open_item.entry_id = way.debit_id
         WHERE way.to_id <> $1 AND open_item.open_cents > 0 ORDER BY way.item_id, way.debit_id",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    let debt = |(item, to, number, now, open): (i64, i64, String, i64, i64)| GoneDebt {
        item: EntryId(item),
        to: AccountId(to),
        number: AccountNumber::from(number),
        now: EntryId(now),
        open: Cents::new(open),
    };
    Ok(found.into_iter().map(debt).collect())
}

impl Backend {
    pub async fn debts_gone_from(&self, account: AccountId) -> Result<Vec<GoneDebt>> {
        let mut tx = self.read().await?;
        gone(&mut tx, account).await
    }

    pub async fn accounts_of_customer(&self, account: AccountId) -> Result<Vec<AccountId>> {
        let found: Vec<i64> = sqlx::query_scalar(
            "SELECT other.id FROM account AS mine JOIN account AS other ON other.customer = mine.customer
             WHERE mine.id = $1 AND mine.customer IS NOT NULL AND other.id <> mine.id ORDER BY other.id",
        )
        .bind(account.0)
        .fetch_all(&self.reader)
        .await?;
        Ok(found.into_iter().map(AccountId).collect())
    }

    pub async fn debts_that_may_follow(
        &self,
        due_by: Day,
        customers_of: &[AccountId],
    ) -> Result<Vec<(AccountId, Vec<AccountId>)>> {
        let select = format!(
            "SELECT DISTINCT gone.id, here.id FROM account AS known
             JOIN account AS gone ON gone.customer = known.customer
             JOIN account AS here ON here.customer = gone.customer AND here.id <> gone.id
             WHERE known.id IN {} AND known.customer IS NOT NULL
                AND gone.ended_on IS NOT NULL AND here.ended_on IS NULL
                AND EXISTS (SELECT 1 FROM open_item WHERE open_item.account_id = gone.id AND open_item.due_on <= $1)
             ORDER BY gone.id, here.id",
            ids(2)
        );
        let found: Vec<(i64, i64)> =
            sqlx::query_as(sql(select)).bind(due_by).bind(Json(customers_of)).fetch_all(&self.reader).await?;
        let mut follow: BTreeMap<AccountId, Vec<AccountId>> = BTreeMap::new();
        for (gone, here) in found {
            follow.entry(AccountId(gone)).or_default().push(AccountId(here));
        }
        Ok(follow.into_iter().collect())
    }
}
