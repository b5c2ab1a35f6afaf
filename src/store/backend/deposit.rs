//! Deposits: what is held, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, PostedDeposit, Stamp};
use super::ledger::{EntryRow, OWN_SOURCE, entries_known};
use super::log::{self, NewLine};
use super::snapshot::{By, Known};
use super::task::{self, NewTask};
use super::{Backend, Conn, Result, StoreError, exception, ids, sql, write_off};
use crate::domain::action::DepositAction;
use crate::domain::day::short;
use crate::domain::deposit::{Applied, Deposit, count_taken};
use crate::domain::{AccountId, Act, Cents, Day, DepositId, EntryId, EntryKind, Role, Service};

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

/// A deposit that a decision applies.
pub(super) struct Applying {
    account: AccountId,
    deposit: DepositId,
    amount: Cents,
    /// The act that applies it, and the reference of the credit.
    key: String,
    /// What is left over, to whom it goes, and the task that says so.
    refund: Cents,
    payee: String,
    task: String,
}

impl Applying {
    pub(super) fn of(act: &Act, applied: &DepositAction) -> Self {
        Self {
            account: act.key.account,
            deposit: applied.deposit,
            amount: act.amount.unwrap_or(Cents::ZERO),
            key: act.key.to_string(),
            refund: applied.refund,
            payee: applied.payee.clone(),
            task: refund_text(act, applied),
        }
    }
}

/// What the lead is told of a deposit that is larger than the debt.
fn refund_text(act: &Act, applied: &DepositAction) -> String {
    format!(
        "Refund {} to {}: of the deposit of {}, applied after the end of service, so much is left over. Arrears pays nothing \
         out; have the billing system do it, and bring its entry back in a file of adjustments",
        applied.refund,
        applied.payee,
        act.amount.unwrap_or(Cents::ZERO)
    )
}

/// Records which credit each deposit became, with a line in the log, and what is to be done with what is left over.
pub(super) async fn applied(conn: &mut Conn, deposits: &[Applying], stamp: &Stamp) -> Result<()> {
    let mut lines = Vec::with_capacity(deposits.len());
    for applying in deposits {
        let Applying { account, deposit, amount, key, .. } = applying;
        let entry: Option<(i64, String)> = sqlx::query_as(
            "SELECT entry.id, deposit.reference FROM entry JOIN deposit ON deposit.account_id = entry.account_id
             WHERE entry.reference = $1 AND entry.source = $2 AND deposit.id = $3",
        )
        .bind(key)
        .bind(OWN_SOURCE)
        .bind(deposit.0)
        .fetch_optional(&mut *conn)
        .await?;
        let (entry, reference) = entry.ok_or_else(|| StoreError::not_found("credit of deposit", deposit))?;
        sqlx::query("UPDATE deposit SET entry_id = $2 WHERE id = $1 AND entry_id IS NULL")
            .bind(deposit.0)
            .bind(entry)
            .execute(&mut *conn)
            .await?;
        let body = json!({ "deposit": reference, "amount": amount, "entry": entry });
        lines.push(NewLine::of(*account, "deposit applied", body));
        if applying.refund.is_positive() {
            left_over(conn, applying, &reference, stamp).await?;
        }
    }
    log::write(conn, &lines, None, stamp).await
}

/// What is left over of a deposit is the customer's, unless debts were written off before it was applied: it pays what is owed
/// before anything of it is given back. Then no task says to refund it, and the lead decides.
async fn left_over(conn: &mut Conn, applying: &Applying, reference: &str, stamp: &Stamp) -> Result<()> {
    let account = applying.account;
    let entries = entries_known(conn, account, None).await?;
    let written_off = write_off::standing_of(conn, account, &entries).await?;
    let gone: Cents = written_off.iter().map(|(_, amount)| *amount).sum();
    if !gone.is_positive() {
        let (act_key, text, role) = (applying.key.clone(), applying.task.clone(), Role::Lead);
        return task::add(conn, &[NewTask { account, act_key, text, role }], stamp.on).await;
    }
    let number: String =
        sqlx::query_scalar("SELECT number FROM account WHERE id = $1").bind(account.0).fetch_one(&mut *conn).await?;
    let Applying { amount, refund, payee, .. } = applying;
    let days: BTreeSet<String> = written_off.iter().map(|(entry, _)| short(entry.effective_on)).collect();
    let text = format!(
        "{refund} is left over of deposit {reference} of {amount}, and {gone} was written off before it was applied ({}). A deposit \
         pays what is owed before anything of it is given back: `arrears writeoff {number} --reverse --amount {} --reason TEXT`, \
         which another approves, and the money pays it. Refund to {payee} only what is left then; where the debt is not to be \
         brought back, all of it. Clear this line when it is done",
        days.into_iter().collect::<Vec<_>>().join(", "),
        gone.min(*refund).to_plain()
    );
    exception::open(conn, Some(account), ExceptionKind::WrittenOffBefore, &text, stamp).await.map(|_| ())
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
