//! Deposits: what files say is held, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::{PostedDeposit, Stamp};
use super::ledger::{EntryRow, OWN_SOURCE};
use super::log::{self, NewLine};
use super::snapshot::{By, Known};
use super::{Backend, Conn, Result, StoreError, ids, rows, sql, texts};
use crate::domain::action::DepositAction;
use crate::domain::deposit::{Applied, Deposit, NewDeposit, count_taken};
use crate::domain::import::{RefusedRow, RowRefusal};
use crate::domain::{AccountId, AccountNumber, Act, Cents, Day, DepositId, EntryId, EntryKind, Service};

/// Deposit, account, amount, interest, received, source, reference, given back, recorded; then of the credit that it became:
/// entry, amount, day, recorded.
type Columns = (
    i64,
    i64,
    i64,
    i64,
    Day,
    String,
    String,
    Option<Day>,
    DateTime<Utc>,
    Option<i64>,
    Option<i64>,
    Option<Day>,
    Option<DateTime<Utc>>,
);

/// The deposits of the accounts, as they were known by then, in the order in which they were received.
pub(super) async fn of(conn: &mut Conn, accounts: &[AccountId], known: Known) -> Result<By<Deposit>> {
    let select = format!(
        "SELECT deposit.id, deposit.account_id, deposit.cents, deposit.interest_cents, deposit.received_on,
            deposit.source, deposit.reference, deposit.returned_on, deposit.recorded_at,
            entry.id, entry.cents, entry.effective_on, entry.recorded_at
         FROM deposit LEFT JOIN entry ON entry.id = deposit.entry_id
         WHERE deposit.account_id IN {} ORDER BY deposit.account_id, deposit.received_on, deposit.id",
        ids(1)
    );
    let found: Vec<Columns> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(&mut *conn).await?;
    let is_known = |at: DateTime<Utc>| known.is_none_or(|by| at <= by);
    let mut deposits: By<Deposit> = By::new();
    for (
        id,
        account,
        cents,
        interest,
        received_on,
        source,
        reference,
        returned_on,
        recorded_at,
        entry,
        credit,
        on,
        at,
    ) in found
    {
        if !is_known(recorded_at) {
            continue;
        }
        let applied = match (entry, credit, on, at) {
            (Some(entry), Some(credit), Some(on), Some(at)) if is_known(at) => {
                Some(Applied { entry: EntryId(entry), on, amount: Cents::new(credit).abs() })
            }
            _ => None,
        };
        deposits.entry(AccountId(account)).or_default().push(Deposit {
            id: DepositId(id),
            amount: Cents::new(cents),
            interest: Cents::new(interest),
            received_on,
            source,
            reference,
            returned_on,
            taken: Cents::ZERO,
            applied,
        });
    }
    let holding: Vec<AccountId> = deposits.keys().copied().collect();
    if !holding.is_empty() {
        let credits = credits_of_theirs(conn, &holding, known).await?;
        for (account, deposits) in &mut deposits {
            count_taken(deposits, credits.get(account).map(Vec::as_slice).unwrap_or_default());
        }
    }
    Ok(deposits)
}

impl Backend {
    pub async fn deposits_of(&self, account: AccountId) -> Result<Vec<Deposit>> {
        let mut tx = self.read().await?;
        Ok(of(&mut tx, &[account], None).await?.remove(&account).unwrap_or_default())
    }
}

/// Credits that the billing system posted as applied deposits, and that stand.
async fn credits_of_theirs(conn: &mut Conn, accounts: &[AccountId], known: Known) -> Result<By<(Day, Cents)>> {
    let select = format!(
        "SELECT account_id, effective_on, cents, recorded_at FROM entry
         WHERE account_id IN {} AND kind = 'deposit' AND source <> '{OWN_SOURCE}' AND cents < 0
            AND NOT EXISTS (SELECT 1 FROM entry AS undoing WHERE undoing.reverses = entry.id)
         ORDER BY account_id, effective_on, id",
        ids(1)
    );
    let found: Vec<(i64, Day, i64, DateTime<Utc>)> =
        sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut credits: By<(Day, Cents)> = By::new();
    for (account, on, cents, recorded_at) in found {
        if known.is_none_or(|by| recorded_at <= by) {
            credits.entry(AccountId(account)).or_default().push((on, Cents::new(cents)));
        }
    }
    Ok(credits)
}

/// The day of the first bill since service ended, if it stands.
pub(super) async fn final_bill(
    conn: &mut Conn,
    account: AccountId,
    ended: Option<Day>,
    known: Known,
) -> Result<Option<Day>> {
    let Some(ended) = ended else { return Ok(None) };
    let found: Vec<(Day, DateTime<Utc>)> = sqlx::query_as(
        "SELECT effective_on, recorded_at FROM entry
         WHERE account_id = $1 AND kind = 'charge' AND cents > 0 AND effective_on >= $2
            AND NOT EXISTS (SELECT 1 FROM entry AS undoing WHERE undoing.reverses = entry.id)
         ORDER BY effective_on, id",
    )
    .bind(account.0)
    .bind(ended)
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().find(|(_, at)| known.is_none_or(|by| *at <= by)).map(|(on, _)| on))
}

/// The credit that a deposit becomes.
pub(super) fn credit(act: &Act, applied: &DepositAction) -> EntryRow {
    EntryRow {
        account: act.key.account,
        service: Service::General,
        kind: EntryKind::Deposit,
        cents: -act.amount.unwrap_or(Cents::ZERO),
        effective_on: act.for_day,
        due_on: None,
        printed: BTreeMap::new(),
        designated_item: applied.first,
        designated_service: None,
        reverses: None,
        channel: None,
        source: OWN_SOURCE.to_owned(),
        reference: act.key.to_string(),
        memo: "Deposit applied".to_owned(),
    }
}

/// What the lead is told of a deposit that is larger than the debt.
pub(super) fn refund_text(act: &Act, applied: &DepositAction) -> String {
    format!(
        "Refund {} to {}: of the deposit of {}, applied after the end of service, so much is left over. Arrears pays nothing \
         out; have the billing system do it, and bring its entry back in a file of adjustments",
        applied.refund,
        applied.payee,
        act.amount.unwrap_or(Cents::ZERO)
    )
}

/// Records which credit each deposit became, with a line in the log.
pub(super) async fn applied(conn: &mut Conn, deposits: &[(DepositId, Cents)], stamp: &Stamp) -> Result<()> {
    let mut lines = Vec::with_capacity(deposits.len());
    for (deposit, amount) in deposits {
        let entry: Option<(i64, i64, String)> = sqlx::query_as(
            "SELECT entry.id, entry.account_id, deposit.reference FROM deposit
             JOIN entry ON entry.account_id = deposit.account_id AND entry.source = $2 AND entry.kind = 'deposit'
                AND entry.reference LIKE '%/deposit/' || CAST(deposit.id AS TEXT) || '/deposit/%'
             WHERE deposit.id = $1",
        )
        .bind(deposit.0)
        .bind(OWN_SOURCE)
        .fetch_optional(&mut *conn)
        .await?;
        let (entry, account, reference) = entry.ok_or_else(|| StoreError::not_found("credit of deposit", deposit))?;
        sqlx::query("UPDATE deposit SET entry_id = $2 WHERE id = $1 AND entry_id IS NULL")
            .bind(deposit.0)
            .bind(entry)
            .execute(&mut *conn)
            .await?;
        let body = json!({ "deposit": reference, "amount": amount, "entry": entry });
        lines.push(NewLine::of(AccountId(account), "deposit applied", body));
    }
    log::write(conn, &lines, None, stamp).await
}

/// What a file of deposits did.
#[derive(Default)]
pub(super) struct Taken {
    pub added: u32,
    pub updated: u32,
    pub unchanged: u32,
    pub amount: Cents,
    pub refused: Vec<RefusedRow>,
    pub touched: BTreeSet<AccountId>,
}

#[derive(Serialize)]
struct DepositRow<'a> {
    account: AccountId,
    source: &'a str,
    reference: &'a str,
    cents: Cents,
    interest: Cents,
    received_on: Day,
    returned_on: Option<Day>,
}

/// Takes a page of a file of deposits. What was paid in, when, and for whom stands once and for all; its interest grows, and
/// it may be given back.
pub(super) async fn take(conn: &mut Conn, page: &[NewDeposit], stamp: &Stamp) -> Result<Taken> {
    let numbers: BTreeSet<&AccountNumber> = page.iter().map(|row| &row.account).collect();
    let select = format!("SELECT number, id FROM account WHERE number IN {}", texts(1));
    let found: Vec<(String, i64)> = sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(&mut *conn).await?;
    let accounts: BTreeMap<String, AccountId> = found.into_iter().map(|(number, id)| (number, AccountId(id))).collect();
    let references: BTreeSet<&str> = page.iter().map(|row| row.reference.as_str()).collect();
    let known = known(conn, &references).await?;
    let mut taken = Taken::default();
    let mut written: Vec<DepositRow<'_>> = Vec::new();
    for row in page {
        let refuse = |refusal| RefusedRow { line: row.line, refusal };
        let Some(account) = accounts.get(row.account.as_str()).copied() else {
            taken.refused.push(refuse(RowRefusal::UnknownAccount { account: row.account.clone() }));
            continue;
        };
        let new = DepositRow {
            account,
            source: &row.source,
            reference: &row.reference,
            cents: row.amount,
            interest: row.interest,
            received_on: row.received_on,
            returned_on: row.returned_on,
        };
        match known.get(&(row.source.clone(), row.reference.clone())) {
            None => {
                taken.added += 1;
                taken.amount += row.amount;
            }
            Some(before) if !before.is_same_deposit(account, row) => {
                taken.refused.push(refuse(RowRefusal::Conflict {
                    source_id: row.source.clone(),
                    reference: row.reference.clone(),
                    before: before.describe(),
                    now: describe(row.amount, row.received_on, row.account.as_str()),
                }));
                continue;
            }
            // What it became is in the ledger.
            Some(before) if before.is_applied || before.says_all_of(row) => {
                taken.unchanged += 1;
                continue;
            }
            Some(_) => taken.updated += 1,
        }
        taken.touched.insert(account);
        written.push(new);
    }
    if taken.refused.is_empty() && !written.is_empty() {
        let upsert = format!(
            "INSERT INTO deposit (account_id, source, reference, cents, interest_cents, received_on, returned_on, recorded_at)
             SELECT r.account, r.source, r.reference, r.cents, r.interest, r.received_on, r.returned_on, $2 FROM {}
             WHERE true
             ON CONFLICT (reference, source) DO UPDATE
             SET interest_cents = excluded.interest_cents, returned_on = excluded.returned_on",
            rows(
                1,
                "account bigint, source text, reference text, cents bigint, interest bigint, received_on date, \
                 returned_on date"
            )
        );
        sqlx::query(sql(upsert)).bind(Json(&written)).bind(stamp.at).execute(&mut *conn).await?;
        let line = |row: &DepositRow<'_>| {
            let body = json!({
                "deposit": row.reference, "source": row.source, "amount": row.cents, "interest": row.interest.to_string(),
                "received_on": row.received_on, "returned_on": row.returned_on,
            });
            NewLine::of(row.account, "deposit held", body)
        };
        let lines: Vec<NewLine> = written.iter().map(line).collect();
        log::write(conn, &lines, None, stamp).await?;
    }
    Ok(taken)
}

struct Before {
    account: AccountId,
    number: String,
    cents: Cents,
    interest: Cents,
    received_on: Day,
    returned_on: Option<Day>,
    is_applied: bool,
}

impl Before {
    fn is_same_deposit(&self, account: AccountId, row: &NewDeposit) -> bool {
        (self.account, self.cents, self.received_on) == (account, row.amount, row.received_on)
    }

    fn says_all_of(&self, row: &NewDeposit) -> bool {
        (self.interest, self.returned_on) == (row.interest, row.returned_on)
    }

    fn describe(&self) -> String {
        describe(self.cents, self.received_on, &self.number)
    }
}

fn describe(amount: Cents, received_on: Day, number: &str) -> String {
    format!("deposit of {amount} received {received_on}, account {number}")
}

type BeforeColumns = (String, String, i64, String, i64, i64, Day, Option<Day>, Option<i64>);

async fn known(conn: &mut Conn, references: &BTreeSet<&str>) -> Result<BTreeMap<(String, String), Before>> {
    let select = format!(
        "SELECT deposit.source, deposit.reference, deposit.account_id, account.number, deposit.cents,
            deposit.interest_cents, deposit.received_on, deposit.returned_on, deposit.entry_id
         FROM deposit JOIN account ON account.id = deposit.account_id WHERE deposit.reference IN {}",
        texts(1)
    );
    let found: Vec<BeforeColumns> = sqlx::query_as(sql(select)).bind(Json(references)).fetch_all(conn).await?;
    let before = |row: BeforeColumns| {
        let (source, reference, account, number, cents, interest, received_on, returned_on, entry) = row;
        let before = Before {
            account: AccountId(account),
            number,
            cents: Cents::new(cents),
            interest: Cents::new(interest),
            received_on,
            returned_on,
            is_applied: entry.is_some(),
        };
        ((source, reference), before)
    };
    Ok(found.into_iter().map(before).collect())
}

type PostedColumns = (i64, i64, i64, Option<i64>, Option<i64>);

/// Every deposit that Arrears applied, with what was held.
pub(super) async fn all_applied(conn: &mut Conn) -> Result<Vec<PostedDeposit>> {
    let found: Vec<PostedColumns> = sqlx::query_as(
        "SELECT entry.account_id, entry.id, entry.cents, deposit.account_id, deposit.cents + deposit.interest_cents
         FROM entry LEFT JOIN deposit ON deposit.entry_id = entry.id
         WHERE entry.source = 'arrears' AND entry.kind = 'deposit' ORDER BY entry.id",
    )
    .fetch_all(conn)
    .await?;
    let posted = |(account, entry, cents, holder, held): PostedColumns| PostedDeposit {
        account: AccountId(account),
        entry: EntryId(entry),
        amount: Cents::new(cents),
        held: holder.zip(held).map(|(holder, held)| (AccountId(holder), Cents::new(held))),
    };
    Ok(found.into_iter().map(posted).collect())
}
