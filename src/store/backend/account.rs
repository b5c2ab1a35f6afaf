//! Accounts: finding them, and which of them are due.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::super::super::search_text::letters;
use super::given::{Account, Stamp, Waiting};
use super::{Backend, Conn, MATCHES, Result, StoreError, count, ids, kept, pattern, sql};
use crate::domain::field_order::{FieldOrder, OrderKind};
use crate::domain::{AccountId, Day, Profile};

type Row = (i64, Json<Profile>);

impl Backend {
    pub async fn due_accounts(
        &self,
        day: Day,
        after: Option<(Day, AccountId)>,
        limit: u32,
    ) -> Result<Vec<(Day, AccountId)>> {
        let (after_day, after_account) = after.unwrap_or((Day::default(), AccountId(0)));
        let found: Vec<(Day, i64)> = sqlx::query_as(
            "SELECT next_review, account_id FROM review
             WHERE next_review <= $1 AND (next_review, account_id) > ($2, $3)
             ORDER BY next_review, account_id LIMIT $4",
        )
        .bind(day)
        .bind(after_day)
        .bind(after_account.0)
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?;
        Ok(found.into_iter().map(|(day, account)| (day, AccountId(account))).collect())
    }

    pub async fn due_and_shut_off(&self, day: Day) -> Result<Vec<AccountId>> {
        let found: Vec<i64> = sqlx::query_scalar(
            "SELECT account_id FROM review
             WHERE next_review <= $1 AND account_id IN (SELECT account_id FROM shut_off WHERE restored_at IS NULL)
             ORDER BY account_id",
        )
        .bind(day)
        .fetch_all(&self.reader)
        .await?;
        Ok(found.into_iter().map(AccountId).collect())
    }

    pub async fn account_ids(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<AccountId>> {
        let found: Vec<i64> = sqlx::query_scalar("SELECT id FROM account WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.map_or(0, |after| after.0))
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await?;
        Ok(found.into_iter().map(AccountId).collect())
    }

    pub async fn account(&self, account: AccountId) -> Result<Account> {
        let found = sqlx::query_as::<_, Row>("SELECT id, profile FROM account WHERE id = $1")
            .bind(account.0)
            .fetch_optional(&self.reader)
            .await?;
        let mut found = self.with_flags(found.into_iter().collect()).await?;
        found.pop().ok_or_else(|| StoreError::not_found("account with id", account))
    }

    pub async fn account_by_number(&self, number: &str) -> Result<Option<Account>> {
        let found = sqlx::query_as::<_, Row>("SELECT id, profile FROM account WHERE number = $1")
            .bind(number.trim())
            .fetch_optional(&self.reader)
            .await?;
        Ok(self.with_flags(found.into_iter().collect()).await?.pop())
    }

    pub async fn search(&self, text: &str, limit: u32) -> Result<Vec<Account>> {
        let select = format!(
            "SELECT id, profile FROM account
             WHERE number {MATCHES} $1 OR customer_name {MATCHES} $1 OR service_address {MATCHES} $1
             ORDER BY number LIMIT $2"
        );
        let found = sqlx::query_as::<_, Row>(sql(select))
            .bind(pattern(&letters(text)))
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await?;
        self.with_flags(found).await
    }

    pub async fn account_count(&self) -> Result<u64> {
        // Accounts are numbered as they come and never removed; counting a million of them takes longer than a quiet night.
        super::count(sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) FROM account").fetch_one(&self.reader).await?)
    }

    pub async fn waiting(&self, day: Day) -> Result<Waiting> {
        let mut tx = self.read().await?;
        let conn = &mut *tx;
        let approved: Vec<FieldOrder> = kept::list(conn, kept::select("state = 'approved' ORDER BY id")).await?;
        let of = |kinds: &[OrderKind]| approved.iter().filter(|order| kinds.contains(&order.kind)).count() as u64;
        Ok(Waiting {
            accounts: number(conn, "SELECT COUNT(*) FROM account").await?,
            open_cases: number(conn, "SELECT COUNT(*) FROM case_state WHERE body IS NOT NULL").await?,
            notices_to_release: number(conn, "SELECT COUNT(*) FROM notice WHERE state = 'planned'").await?,
            letters_to_batch: number(conn, "SELECT COUNT(*) FROM notice WHERE state = 'rendered' AND channel = 'mail'")
                .await?,
            batches_to_mail: number(conn, "SELECT COUNT(*) FROM print_batch WHERE mailed_on IS NULL").await?,
            calls_to_release: calls(conn, "listed", day).await?,
            calls_to_make: calls(conn, "released", day).await?,
            orders_to_approve: number(conn, "SELECT COUNT(*) FROM field_order WHERE state = 'prepared'").await?,
            restorations: of(&[OrderKind::Restore]),
            orders_to_finalize: of(&[OrderKind::ShutOff, OrderKind::Limit]),
            visits_and_tags: of(&[OrderKind::Visit, OrderKind::Tag]),
            orders_to_dispatch: number(conn, "SELECT COUNT(*) FROM field_order WHERE state = 'finalized'").await?,
            orders_in_the_field: number(conn, "SELECT COUNT(*) FROM field_order WHERE state = 'dispatched'").await?,
            referrals_to_approve: number(conn, "SELECT COUNT(*) FROM referral WHERE state = 'candidate'").await?,
            unmatched_payments: number(conn, "SELECT COUNT(*) FROM unmatched_payment WHERE state = 'open'").await?,
            exceptions: number(conn, "SELECT COUNT(*) FROM exception WHERE cleared_on IS NULL").await?,
            tasks: number(conn, "SELECT COUNT(*) FROM task WHERE closed_on IS NULL").await?,
            proposals: number(conn, "SELECT COUNT(*) FROM proposal WHERE state = 'proposed'").await?,
            work: number(conn, "SELECT COUNT(*) FROM outbox WHERE state = 'ready'").await?,
        })
    }

    async fn with_flags(&self, found: Vec<Row>) -> Result<Vec<Account>> {
        let mut accounts: Vec<Account> =
            found.into_iter().map(|(id, Json(profile))| Account { id: AccountId(id), profile }).collect();
        let keys: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
        let mut conn = self.reader.acquire().await?;
        let mut flags = flags(&mut conn, &keys, None).await?;
        for account in &mut accounts {
            account.profile.attributes.extend(flags.remove(&account.id).unwrap_or_default());
        }
        Ok(accounts)
    }
}

async fn number(conn: &mut Conn, select: &'static str) -> Result<u64> {
    count(sqlx::query_scalar(select).fetch_one(conn).await?)
}

async fn calls(conn: &mut Conn, state: &str, day: Day) -> Result<u64> {
    let select = "SELECT COUNT(*) FROM call WHERE state = $1 AND listed_on = $2";
    count(sqlx::query_scalar(select).bind(state).bind(day).fetch_one(conn).await?)
}

/// Makes every account due on `day` at the latest.
pub(super) async fn wake_all(conn: &mut Conn, day: Day) -> Result<u64> {
    let done = sqlx::query("UPDATE review SET next_review = $1 WHERE next_review IS NULL OR next_review > $1")
        .bind(day)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// What Arrears itself marked on the accounts; known by the instant, where one is given.
pub(super) async fn flags(
    conn: &mut Conn,
    accounts: &[AccountId],
    known_by: Option<DateTime<Utc>>,
) -> Result<BTreeMap<AccountId, BTreeMap<String, String>>> {
    let select = format!("SELECT account_id, name, value, recorded_at FROM flag WHERE account_id IN {}", ids(1));
    let found: Vec<(i64, String, String, DateTime<Utc>)> =
        sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut flags: BTreeMap<AccountId, BTreeMap<String, String>> = BTreeMap::new();
    for (account, name, value, recorded_at) in found {
        if known_by.is_none_or(|by| recorded_at <= by) {
            flags.entry(AccountId(account)).or_default().insert(name, value);
        }
    }
    Ok(flags)
}

/// Marks an account.
pub(super) async fn set_flag(
    conn: &mut Conn,
    account: AccountId,
    name: &str,
    value: &str,
    stamp: &Stamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO flag (account_id, name, value, recorded_at) VALUES ($1, $2, $4, $3)
         ON CONFLICT (account_id, name) DO UPDATE SET value = excluded.value, recorded_at = excluded.recorded_at",
    )
    .bind(account.0)
    .bind(name)
    .bind(stamp.at)
    .bind(value)
    .execute(conn)
    .await?;
    Ok(())
}
