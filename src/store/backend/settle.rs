//! The open items: a projection of the ledger, rebuilt for an account whenever its entries or arrangements change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::Stamp;
use super::kept;
use super::ledger::{EntryRow, OWN_SOURCE, open_items_of};
use super::left_behind;
use super::log::{self, NewLine};
use super::write_off::{self, LeftOver};
use super::{Backend, Conn, Result, count, ids, rows, sql, texts, touch, word};
use crate::domain::arrangement::Arrangement;
use crate::domain::ledger::{PlanSpan, settle};
use crate::domain::petition::Petition;
use crate::domain::write_off::left_over as left_over_text;
use crate::domain::{AccountId, Cents, Day, Entry, EntryId, EntryKind, OpenItem, Service};
use crate::rulebook::policy::LedgerRules;

/// How many accounts are settled with one set of statements.
const PAGE: usize = 5_000;

#[derive(Serialize)]
struct ItemRow {
    account: AccountId,
    due_on: Day,
    entry: EntryId,
    service: Service,
    kind: EntryKind,
    cents: Cents,
    open: Cents,
    billed_on: Day,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    printed: BTreeMap<String, Day>,
}

impl ItemRow {
    fn of(account: AccountId, item: OpenItem) -> Self {
        Self {
            account,
            due_on: item.due_on,
            entry: item.id,
            service: item.service,
            kind: item.kind,
            cents: item.amount,
            open: item.open,
            billed_on: item.billed_on,
            printed: item.printed,
        }
    }
}

/// An item that is paid.
#[derive(Serialize)]
struct GoneRow {
    account: AccountId,
    due_on: Day,
    entry: EntryId,
}

#[derive(Serialize)]
struct ApplicationRow {
    account: AccountId,
    credit: EntryId,
    debt: EntryId,
    cents: Cents,
    on_day: Day,
}

#[derive(Serialize)]
struct ReviewRow {
    account: AccountId,
    unapplied: Cents,
    owed: Cents,
    future_on: Option<Day>,
}

/// Settles the accounts as of the stamp's day and writes their open items. Accounts are in the order of their ids.
pub(super) async fn resettle(
    conn: &mut Conn,
    accounts: &[AccountId],
    rules: &LedgerRules,
    stamp: &Stamp,
) -> Result<()> {
    for page in accounts.chunks(PAGE) {
        resettle_page(conn, page, rules, stamp).await?;
    }
    Ok(())
}

/// Settles accounts to which debts of Arrears' own were just added.
///
/// A debt that no credit can reach changes nothing but itself: none waits unapplied, and none is dated on its day or
/// after it. Most fees are such, and their accounts are spared the replay of their whole ledger. What takes a fee back is
/// a reversal of its own day, and so never such.
pub(super) async fn settle_debts(
    conn: &mut Conn,
    debts: &[EntryRow],
    rules: &LedgerRules,
    stamp: &Stamp,
) -> Result<()> {
    if debts.is_empty() {
        return Ok(());
    }
    let mut first: BTreeMap<AccountId, Day> = BTreeMap::new();
    for debt in debts {
        let day = first.entry(debt.account).or_insert(debt.effective_on);
        *day = debt.effective_on.min(*day);
    }
    let since: Vec<Since> = first.into_iter().map(|(account, since)| Since { account, since }).collect();
    let select = format!(
        "SELECT r.account FROM {} JOIN review ON review.account_id = r.account
         WHERE review.unapplied_cents <> 0 OR r.since > $2
            OR EXISTS (SELECT 1 FROM petition WHERE petition.account_id = r.account) OR EXISTS (
            SELECT 1 FROM entry WHERE entry.account_id = r.account
                AND entry.effective_on >= r.since AND (entry.cents < 0 OR entry.reverses IS NOT NULL))
         ORDER BY r.account",
        rows(1, "account bigint, since date")
    );
    let within_reach: Vec<i64> =
        sqlx::query_scalar(sql(select)).bind(Json(since)).bind(stamp.on).fetch_all(&mut *conn).await?;
    let within_reach: Vec<AccountId> = within_reach.into_iter().map(AccountId).collect();
    let out_of_reach: Vec<&str> = debts
        .iter()
        .filter(|debt| within_reach.binary_search(&debt.account).is_err())
        .map(|debt| debt.reference.as_str())
        .collect();
    let insert = format!(
        "INSERT INTO open_item (account_id, due_on, entry_id, service, kind, cents, open_cents, billed_on, printed)
         SELECT account_id, COALESCE(due_on, effective_on), id, service, kind, cents, cents, effective_on, printed
         FROM entry WHERE reference IN {} AND source = $2",
        texts(1)
    );
    sqlx::query(sql(insert)).bind(Json(out_of_reach)).bind(OWN_SOURCE).execute(&mut *conn).await?;
    let mut more: BTreeMap<AccountId, Cents> = BTreeMap::new();
    for debt in debts.iter().filter(|debt| within_reach.binary_search(&debt.account).is_err()) {
        *more.entry(debt.account).or_insert(Cents::ZERO) += debt.cents;
    }
    let more: Vec<More> = more.into_iter().map(|(account, cents)| More { account, cents }).collect();
    let update = format!(
        "UPDATE review SET owed_cents = review.owed_cents + r.cents FROM {} WHERE review.account_id = r.account",
        rows(1, "account bigint, cents bigint")
    );
    sqlx::query(sql(update)).bind(Json(more)).execute(&mut *conn).await?;
    resettle(conn, &within_reach, rules, stamp).await
}

/// What is added to what an account owes.
#[derive(Serialize)]
struct More {
    account: AccountId,
    cents: Cents,
}

/// The first day on which something is added to an account.
#[derive(Serialize)]
struct Since {
    account: AccountId,
    since: Day,
}

async fn resettle_page(conn: &mut Conn, accounts: &[AccountId], rules: &LedgerRules, stamp: &Stamp) -> Result<()> {
    let on = stamp.on;
    let plans = plans(conn, accounts).await?;
    let mut followed = accounts_off(conn, accounts).await?;
    followed.extend(plans.keys());
    let mut before = open_items_of(conn, accounts).await?;
    let mut idle = write_off::idle(conn, accounts).await?;
    let mut left_over = Vec::new();
    let (mut gone, mut items, mut stayed) = (Vec::new(), Vec::new(), Vec::new());
    let mut applications = Vec::new();
    let mut reviews = Vec::new();
    let mut entries = entries_to_settle(conn, accounts).await?;
    for account in accounts {
        let entries = entries.remove(account).unwrap_or_default();
        let plans = plans.get(account).map(Vec::as_slice).unwrap_or_default();
        let books = settle(&entries, &rules.order, plans, on);
        if followed.contains(account) {
            applications.extend(books.applications.iter().map(|application| ApplicationRow {
                account: *account,
                credit: application.credit,
                debt: application.debt,
                cents: application.amount,
                on_day: application.on,
            }));
        }
        let future_on = entries.iter().map(|entry| entry.effective_on).filter(|day| *day > on).min();
        let owed = books.items.iter().map(|item| item.open).sum();
        reviews.push(ReviewRow { account: *account, unapplied: books.unapplied, owed, future_on });
        if idle.remove(account).unwrap_or_default() != books.idle {
            let text = left_over_text(&books.idle, &entries);
            left_over.push(LeftOver { account: *account, idle: books.idle, text });
        }
        let before = before.remove(account).unwrap_or_default();
        gone.extend(
            before.iter().filter(|item| books.items.iter().all(|now| !is_same_row(now, item))).map(|item| GoneRow {
                account: *account,
                due_on: item.due_on,
                entry: item.id,
            }),
        );
        let row = |item| ItemRow::of(*account, item);
        stayed.extend(books.stayed.into_iter().map(row));
        items.extend(books.items.into_iter().filter(|item| !before.contains(item)).map(row));
    }
    write_items(conn, &gone, &items).await?;
    let petitioned = plans.iter().filter(|(_, spans)| spans.iter().any(|span| span.stays.is_some()));
    let petitioned: Vec<AccountId> = petitioned.map(|(account, _)| *account).collect();
    if !petitioned.is_empty() {
        let delete = format!("DELETE FROM stayed_item WHERE account_id IN {}", ids(1));
        sqlx::query(sql(delete)).bind(Json(&petitioned)).execute(&mut *conn).await?;
        upsert(conn, "stayed_item", &stayed).await?;
    }
    if !followed.is_empty() {
        write_applications(conn, &followed, &applications).await?;
    }
    let update = format!(
        "UPDATE review SET unapplied_cents = r.unapplied, owed_cents = r.owed, future_on = r.future_on FROM {}
         WHERE review.account_id = r.account",
        rows(1, "account bigint, unapplied bigint, owed bigint, future_on date")
    );
    sqlx::query(sql(update)).bind(Json(reviews)).execute(&mut *conn).await?;
    write_off::keep(conn, &left_over, stamp).await?;
    left_behind::keep(conn, accounts, stamp).await
}

fn is_same_row(one: &OpenItem, other: &OpenItem) -> bool {
    (one.due_on, one.id) == (other.due_on, other.id)
}

/// Writes what has changed and nothing else: most of an account's items stay as they are.
async fn write_items(conn: &mut Conn, gone: &[GoneRow], items: &[ItemRow]) -> Result<()> {
    if !gone.is_empty() {
        let delete = format!(
            "DELETE FROM open_item
             WHERE (account_id, due_on, entry_id) IN (SELECT r.account, r.due_on, r.entry FROM {})",
            rows(1, "account bigint, due_on date, entry bigint")
        );
        sqlx::query(sql(delete)).bind(Json(gone)).execute(&mut *conn).await?;
    }
    upsert(conn, "open_item", items).await
}

async fn upsert(conn: &mut Conn, table: &str, items: &[ItemRow]) -> Result<()> {
    if !items.is_empty() {
        let upsert = format!(
            "INSERT INTO {table}
                (account_id, due_on, entry_id, service, kind, cents, open_cents, billed_on, printed)
             SELECT r.account, r.due_on, r.entry, r.service, r.kind, r.cents, r.open, r.billed_on, r.printed
             FROM {} WHERE true
             ON CONFLICT (account_id, due_on, entry_id) DO UPDATE SET open_cents = excluded.open_cents",
            rows(
                1,
                "account bigint, due_on date, entry bigint, service text, kind text, cents bigint, open bigint, \
                 billed_on date, printed jsonb"
            )
        );
        sqlx::query(sql(upsert)).bind(Json(items)).execute(conn).await?;
    }
    Ok(())
}

/// Those of the accounts of which a service is off: what their money has paid since says what still keeps it off.
async fn accounts_off(conn: &mut Conn, accounts: &[AccountId]) -> Result<BTreeSet<AccountId>> {
    let select = format!("SELECT account_id FROM shut_off WHERE restored_at IS NULL AND account_id IN {}", ids(1));
    let found: Vec<i64> = sqlx::query_scalar(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    Ok(found.into_iter().map(AccountId).collect())
}

/// Of accounts with an arrangement, a petition or a service that is off; nobody asks for those of others.
async fn write_applications(
    conn: &mut Conn,
    followed: &BTreeSet<AccountId>,
    applications: &[ApplicationRow],
) -> Result<()> {
    sqlx::query(sql(format!("DELETE FROM application WHERE account_id IN {}", ids(1))))
        .bind(Json(followed))
        .execute(&mut *conn)
        .await?;
    let insert = format!(
        "INSERT INTO application (account_id, credit_id, debt_id, cents, on_day)
         SELECT r.account, r.credit, r.debt, r.cents, r.on_day FROM {}",
        rows(1, "account bigint, credit bigint, debt bigint, cents bigint, on_day date")
    );
    sqlx::query(sql(insert)).bind(Json(applications)).execute(conn).await?;
    Ok(())
}

/// What directs how the accounts' money is applied, by account: arrangements and petitions.
pub(super) async fn plans(conn: &mut Conn, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Vec<PlanSpan>>> {
    let condition = format!("account_id IN {} ORDER BY id", ids(1));
    let mut plans: BTreeMap<AccountId, Vec<PlanSpan>> = BTreeMap::new();
    let query = kept::select::<Arrangement>(&condition).bind(Json(accounts.to_vec()));
    for (account, plan) in kept::with_accounts(conn, query).await? {
        plans.entry(account).or_default().push(plan.span());
    }
    let query = kept::select::<Petition>(&condition).bind(Json(accounts.to_vec()));
    for (account, petition) in kept::with_accounts(conn, query).await? {
        plans.entry(account).or_default().push(petition.span());
    }
    Ok(plans)
}

type Settled = (
    i64,
    i64,
    String,
    String,
    i64,
    Day,
    Option<Day>,
    Option<Json<BTreeMap<String, Day>>>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    String,
);

/// The entries by account, with only what settling reads: no reference or memo, and of write-offs alone the source.
async fn entries_to_settle(conn: &mut Conn, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Vec<Entry>>> {
    let select = format!(
        "SELECT id, account_id, service, kind, cents, effective_on, due_on, printed, designated_item,
            designated_service, reverses, CASE WHEN kind = 'write_off' THEN source ELSE '' END
         FROM entry WHERE account_id IN {} ORDER BY account_id, id",
        ids(1)
    );
    let found: Vec<Settled> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut entries: BTreeMap<AccountId, Vec<Entry>> = BTreeMap::new();
    for (id, account, service, kind, cents, effective_on, due_on, printed, item, only, reverses, source) in found {
        entries.entry(AccountId(account)).or_default().push(Entry {
            id: EntryId(id),
            account: AccountId(account),
            service: word(Service::from_word, &service)?,
            kind: word(EntryKind::from_word, &kind)?,
            amount: Cents::new(cents),
            effective_on,
            due_on,
            printed: printed.map(|Json(printed)| printed).unwrap_or_default(),
            designated_item: item.map(EntryId),
            designated_service: only.map(|text| word(Service::from_word, &text)).transpose()?,
            reverses: reverses.map(EntryId),
            channel: None,
            source,
            reference: String::new(),
            memo: String::new(),
            recorded_at: DateTime::<Utc>::UNIX_EPOCH,
        });
    }
    Ok(entries)
}

impl Backend {
    pub async fn is_ripening(&self, day: Day) -> Result<bool> {
        let any: Option<i64> = sqlx::query_scalar("SELECT account_id FROM review WHERE future_on <= $1 LIMIT 1")
            .bind(day)
            .fetch_optional(&self.reader)
            .await?;
        Ok(any.is_some())
    }

    pub async fn ripen(&self, rules: &LedgerRules, stamp: &Stamp) -> Result<u64> {
        let mut tx = self.write().await?;
        // In the order of the index: asked for in the order of the accounts, SQLite reads every account there is.
        let mut due: Vec<i64> =
            sqlx::query_scalar("SELECT account_id FROM review WHERE future_on <= $1 ORDER BY future_on")
                .bind(stamp.on)
                .fetch_all(&mut *tx)
                .await?;
        if due.is_empty() {
            return Ok(0);
        }
        due.sort_unstable();
        let accounts: Vec<AccountId> = due.into_iter().map(AccountId).collect();
        touch(&mut tx, &accounts, stamp.on).await?;
        resettle(&mut tx, &accounts, rules, stamp).await?;
        let line = NewLine { account: None, what: "entries came due", body: json!({ "accounts": accounts.len() }) };
        log::write(&mut tx, &[line], None, stamp).await?;
        tx.commit().await?;
        count(i64::try_from(accounts.len()).unwrap_or(i64::MAX))
    }
}
