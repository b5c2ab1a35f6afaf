//! Debts that are out: what destinations were told, debts that have to come back, and those that time will bar.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::document;
use super::exception;
use super::given::{Among, ExceptionKind, ExportFile, LimitationTerms, NewReport, ReferralReport, Stamp};
use super::kept;
use super::log::{self, NewLine};
use super::{Backend, Conn, LOCK_EXPORT, Result, StoreError, ids, rows, sql};
use crate::domain::day::{plus_days, plus_months, short};
use crate::domain::placement::{Placed, PlacementEnd, ReportKind, ReportLine};
use crate::domain::referral::{Referral, ReferralState};
use crate::domain::{AccountId, Cents, Day, ReferralId};

/// What was out of the accounts, and what had come back, as it was known at an instant; now where none is given.
pub(super) async fn placed(
    conn: &mut Conn,
    accounts: &[AccountId],
    known: Option<DateTime<Utc>>,
) -> Result<BTreeMap<AccountId, Vec<Placed>>> {
    let condition =
        format!("account_id IN {} AND state IN ('placed', 'recalled', 'returned') ORDER BY account_id, id", ids(1));
    let found: Vec<Referral> = kept::list(conn, kept::select(&condition).bind(Json(accounts.to_vec()))).await?;
    let mut placed: BTreeMap<AccountId, Vec<Placed>> = BTreeMap::new();
    for referral in found {
        let Some(placement) = &referral.placement else { continue };
        if known.is_some_and(|by| placement.at > by) {
            continue;
        }
        let ended = placement.ended.as_ref().filter(|end| known.is_none_or(|by| end.at <= by));
        if let Some(on) = referral.placed_on {
            let back_on = ended.map(PlacementEnd::free_from);
            let returned = ended.and_then(|end| end.returned);
            let out =
                Placed { referral: referral.id, to: referral.to, on, items: placement.items(), back_on, returned };
            placed.entry(referral.account).or_default().push(out);
        }
    }
    Ok(placed)
}

/// Says on the exceptions list why the account's debt has to be called back; clears what stands there otherwise.
pub(super) async fn tell_recall(conn: &mut Conn, account: AccountId, why: Option<&str>, stamp: &Stamp) -> Result<()> {
    let standing: Vec<(i64, String)> = sqlx::query_as(
        "SELECT id, text FROM exception WHERE account_id = $1 AND kind = $2 AND cleared_on IS NULL ORDER BY id",
    )
    .bind(account.0)
    .bind(ExceptionKind::RecallReferral.word())
    .fetch_all(&mut *conn)
    .await?;
    let over: Vec<i64> = standing.iter().filter(|(_, text)| Some(text.as_str()) != why).map(|(id, _)| *id).collect();
    if !over.is_empty() {
        exception::settle_lines(conn, &over, stamp).await?;
    }
    if let Some(why) = why {
        exception::open(conn, Some(account), ExceptionKind::RecallReferral, why, stamp).await?;
    }
    Ok(())
}

#[derive(Serialize)]
struct LineRow<'a> {
    referral: ReferralId,
    n: u32,
    body: &'a ReportLine,
}

type Row = (Json<ReferralReport>, Option<DateTime<Utc>>);

fn report((Json(report), written_at): Row) -> ReferralReport {
    ReferralReport { written_at, ..report }
}

impl Backend {
    pub async fn report_lines(&self, referrals: &[ReferralId]) -> Result<Vec<ReportLine>> {
        let select =
            format!("SELECT body FROM referral_report_line WHERE referral_id IN {} ORDER BY referral_id, n", ids(1));
        let found: Vec<(Json<ReportLine>,)> =
            sqlx::query_as(sql(select)).bind(Json(referrals)).fetch_all(&self.reader).await?;
        Ok(found.into_iter().map(|(Json(line),)| line).collect())
    }

    pub async fn make_report(&self, new: &NewReport, stamp: &Stamp) -> Result<ReferralReport> {
        let mut tx = self.write().await?;
        sqlx::query(LOCK_EXPORT).execute(&mut *tx).await?;
        let begins = format!("report-{}-{}-", new.to.word(), stamp.on);
        let before: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM referral_report WHERE made_on = $1 AND name LIKE $2 || '%'")
                .bind(stamp.on)
                .bind(&begins)
                .fetch_one(&mut *tx)
                .await?;
        let recalls = new.lines.iter().filter(|line| line.kind == ReportKind::Recall).count();
        let made = ReferralReport {
            name: format!("{begins}{}", before + 1),
            to: new.to,
            made_on: stamp.on,
            made_by: stamp.by.to_string(),
            lines: (new.lines.len() - recalls) as u64,
            recalls: recalls as u64,
            files: ExportFile::of(&new.files),
            written_at: None,
        };
        let id: i64 =
            sqlx::query_scalar("INSERT INTO referral_report (made_on, name, body) VALUES ($1, $2, $3) RETURNING id")
                .bind(stamp.on)
                .bind(&made.name)
                .bind(Json(&made))
                .fetch_one(&mut *tx)
                .await?;
        let lines: Vec<LineRow> =
            new.lines.iter().map(|line| LineRow { referral: line.referral, n: line.n, body: line }).collect();
        let insert = format!(
            "INSERT INTO referral_report_line (referral_id, n, report_id, body)
             SELECT r.referral, r.n, $2, r.body FROM {} WHERE true
             ON CONFLICT (referral_id, n) DO NOTHING",
            rows(1, "referral bigint, n bigint, body jsonb")
        );
        let added = sqlx::query(sql(insert)).bind(Json(&lines)).bind(id).execute(&mut *tx).await?;
        if added.rows_affected() != lines.len() as u64 {
            return Err(StoreError::Stale);
        }
        for (_, document) in &new.files {
            document::keep(&mut tx, document, None, &format!("report {}", made.name), stamp).await?;
        }
        let told: BTreeSet<ReferralId> = new.lines.iter().map(|line| line.referral).collect();
        let body = json!({ "report": made.name, "referrals": told, "lines": made.lines, "recalls": made.recalls });
        log::write(&mut tx, &[NewLine { account: None, what: "referrals reported", body }], None, stamp).await?;
        tx.commit().await?;
        Ok(made)
    }

    pub async fn referral_reports(&self, only_unwritten: bool) -> Result<Vec<ReferralReport>> {
        let select = if only_unwritten {
            "SELECT body, written_at FROM referral_report WHERE written_at IS NULL ORDER BY id"
        } else {
            "SELECT body, written_at FROM referral_report ORDER BY id DESC"
        };
        let found: Vec<Row> = sqlx::query_as(select).fetch_all(&self.reader).await?;
        Ok(found.into_iter().map(report).collect())
    }

    pub async fn report_written(&self, name: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let written = sqlx::query("UPDATE referral_report SET written_at = COALESCE(written_at, $2) WHERE name = $1")
            .bind(name)
            .bind(stamp.at)
            .execute(&mut *tx)
            .await?;
        if written.rows_affected() == 0 {
            return Err(StoreError::not_found("report to a destination", name));
        }
        Ok(tx.commit().await?)
    }

    pub async fn tell_recall(&self, account: AccountId, why: Option<&str>, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        tell_recall(&mut tx, account, why, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn referrals_out(&self, accounts: &[AccountId]) -> Result<Vec<Referral>> {
        let mut tx = self.read().await?;
        // By the accounts, and not by the index of states: those that are out are many more than an account's.
        let condition = format!("account_id IN {} ORDER BY id", ids(1));
        let mut referrals: Vec<Referral> =
            kept::list(&mut tx, kept::select(&condition).bind(Json(accounts.to_vec()))).await?;
        referrals.retain(|referral| referral.state == ReferralState::Placed);
        Ok(referrals)
    }

    pub async fn warn_of_limitation(&self, terms: LimitationTerms, among: Among<'_>, stamp: &Stamp) -> Result<u64> {
        let LimitationTerms { years, ahead_days, least } = terms;
        let months = i32::from(years) * 12;
        let today = stamp.on;
        let ends = plus_days(today, i64::from(ahead_days));
        let mut tx = self.write().await?;
        let mut told = 0;
        for (stage, kind) in [("passed", ExceptionKind::LimitationPassed), ("near", ExceptionKind::LimitationNear)] {
            let mut barred: BTreeMap<AccountId, Vec<(i64, Day, Cents)>> = BTreeMap::new();
            let due = fell_due(among, today, if stage == "passed" { 0 } else { i64::from(ahead_days) }, months);
            for (account, entry, due_on, open) in untold(&mut tx, among, due, least, stage).await? {
                let last_day = plus_months(due_on, months);
                let is_meant = if stage == "passed" { last_day < today } else { today <= last_day && last_day <= ends };
                if is_meant {
                    barred.entry(account).or_default().push((entry, last_day, open));
                }
            }
            for (account, debts) in barred {
                let amount: Cents = debts.iter().map(|(.., open)| *open).sum();
                let first = debts.iter().map(|(_, last_day, _)| *last_day).min().unwrap_or(today);
                let text = match kind {
                    ExceptionKind::LimitationPassed => {
                        format!("The limitation of {amount} passed on {} ({})", short(first), counted(debts.len()))
                    }
                    _ => format!("The limitation of {amount} ends on {} ({})", short(first), counted(debts.len())),
                };
                exception::open(&mut tx, Some(account), kind, &text, stamp).await?;
                told += 1;
                for (entry, ..) in debts {
                    sqlx::query(
                        "INSERT INTO limitation_told (entry_id, stage, told_on) VALUES ($1, $2, $3)
                         ON CONFLICT (entry_id, stage) DO NOTHING",
                    )
                    .bind(entry)
                    .bind(stage)
                    .bind(today)
                    .execute(&mut *tx)
                    .await?;
                }
            }
        }
        tx.commit().await?;
        Ok(told)
    }
}

/// The days on which debts fell due of which it is to be told now, `ahead` days before the last day to sue.
fn fell_due(among: Among<'_>, today: Day, ahead: i64, months: i32) -> (Day, Day) {
    // A few days more than the months give: their ends differ. What is taken is weighed by its own last day.
    let due = |on: Day, slack: i64| plus_days(plus_months(plus_days(on, ahead), -months), slack);
    match among {
        // However old.
        Among::Accounts(_) => (plus_months(today, -12 * 200), due(today, 4)),
        Among::Since(day) => (due(day, -4), due(today, 4)),
    }
}

/// Open debts that fell due within these days, and of which that was not told yet.
async fn untold(
    conn: &mut Conn,
    among: Among<'_>,
    due: (Day, Day),
    least: Cents,
    stage: &str,
) -> Result<Vec<(AccountId, i64, Day, Cents)>> {
    let accounts: &[AccountId] = match among {
        Among::Accounts(accounts) => accounts,
        Among::Since(_) => &[],
    };
    let among = match among {
        Among::Accounts(_) => format!("account_id IN {} AND due_on BETWEEN $1 AND $2", ids(5)),
        // The fifth value is bound, so that it is named.
        Among::Since(_) => "due_on BETWEEN $1 AND $2 AND $5 IS NOT NULL".to_owned(),
    };
    let select = format!(
        "SELECT account_id, entry_id, due_on, open_cents FROM open_item
         WHERE {among} AND open_cents > 0 AND open_cents >= $3
            AND NOT EXISTS (SELECT 1 FROM limitation_told AS told
                            WHERE told.entry_id = open_item.entry_id AND told.stage = $4)
         ORDER BY account_id, due_on, entry_id"
    );
    let found: Vec<(i64, i64, Day, i64)> = sqlx::query_as(sql(select))
        .bind(due.0)
        .bind(due.1)
        .bind(least.get())
        .bind(stage)
        .bind(Json(accounts))
        .fetch_all(conn)
        .await?;
    Ok(found.into_iter().map(|(a, entry, due, open)| (AccountId(a), entry, due, Cents::new(open))).collect())
}

fn counted(debts: usize) -> String {
    if debts == 1 { "one debt".to_owned() } else { format!("{debts} debts") }
}
