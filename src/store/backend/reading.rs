//! A reading of the whole record in one state of the database, page by page, for `arrears doctor`.
//!
//! Nothing is put right on the way: what cannot be read back is an error, and what contradicts itself comes out as it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::Transaction;
use sqlx::types::Json;

use super::given::{
    FeeExport, KeptBooks, KeptDocument, KeptLine, KeptWork, LeftBehind, PostedDeposit, PostedMatch, PostedTransfer,
    ReferralExport, Seal, WorkKind,
};
use super::kept::{self, Kept};
use super::ledger::{ENTRY_COLUMNS, EntryColumns, entry, open_items_of};
use super::marks::{Marks, Moment};
use super::{
    Backend, CLOCK_SECONDS, Db, Result, deposit, export, ids, left_behind, own_fee, seal, settle, snapshot, sql, texts,
    transfer, word,
};
use crate::domain::call::CallAttempt;
use crate::domain::document::{Document, MediaType};
use crate::domain::evidence::Span;
use crate::domain::field_order::FieldOrder;
use crate::domain::notice::{Notice, PrintBatch};
use crate::domain::placement::ReportLine;
use crate::domain::referral::Referral;
use crate::domain::{AccountId, AccountNumber, BatchId, Cents, Day, Entry, NoticeId, RunId, Snapshot};
use crate::rulebook::policy::LedgerRules;

/// One state of the database, for as long as this is held.
pub struct Reading {
    tx: Transaction<'static, Db>,
}

type LineColumns = (i64, Option<i64>, Option<i64>, DateTime<Utc>, String, String, String, String);
type DocumentColumns = (i64, Option<i64>, String, String, String, Vec<u8>);
type WorkColumns = (i64, i64, String, i64, String, i64, i64, DateTime<Utc>);

/// What a line says of what was known when it was written.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    known: Marks,
}

impl Backend {
    pub async fn reading(&self) -> Result<Reading> {
        Ok(Reading { tx: self.read().await? })
    }
}

impl Reading {
    pub async fn through(&mut self) -> Result<Span> {
        let (log, entry): (Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT (SELECT MAX(seq) FROM log), (SELECT MAX(id) FROM entry)")
                .fetch_one(&mut *self.tx)
                .await?;
        Ok(Span { log: log.unwrap_or(0), entry: entry.unwrap_or(0) })
    }

    pub async fn lines(&mut self, after: i64, limit: u32) -> Result<Vec<KeptLine>> {
        self.chosen_lines("true", &[], after, limit).await
    }

    /// The lines with one of these words alone.
    pub async fn lines_with(&mut self, words: &[&str], after: i64, limit: u32) -> Result<Vec<KeptLine>> {
        self.chosen_lines(&format!("what IN {}", texts(3)), words, after, limit).await
    }

    async fn chosen_lines(&mut self, which: &str, words: &[&str], after: i64, limit: u32) -> Result<Vec<KeptLine>> {
        let select = format!(
            "SELECT seq, account_id, run_id, recorded_at, CAST(actor AS TEXT), what, CAST(body AS TEXT), hash FROM log
             WHERE seq > $1 AND {which} ORDER BY seq LIMIT $2"
        );
        let mut query = sqlx::query_as(sql(select)).bind(after).bind(i64::from(limit));
        if !words.is_empty() {
            query = query.bind(Json(words));
        }
        let found: Vec<LineColumns> = query.fetch_all(&mut *self.tx).await?;
        let line = |(seq, account, run, recorded_at, actor, what, body, hash): LineColumns| KeptLine {
            seq,
            account: account.map(AccountId),
            run: run.map(RunId),
            recorded_at,
            actor,
            what,
            body,
            hash,
        };
        Ok(found.into_iter().map(line).collect())
    }

    pub async fn chain_heads(&mut self) -> Result<Vec<(Option<AccountId>, String)>> {
        let found: Vec<(Option<i64>, String)> = sqlx::query_as(
            "SELECT account_id, chain_head FROM review WHERE chain_head IS NOT NULL
             UNION ALL SELECT NULL, head FROM city_chain",
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(found.into_iter().map(|(account, head)| (account.map(AccountId), head)).collect())
    }

    pub async fn all_seals(&mut self) -> Result<Vec<Seal>> {
        seal::all(&mut self.tx).await
    }

    pub async fn entries_after(&mut self, after: i64, limit: u32) -> Result<Vec<Entry>> {
        let select = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE id > $1 ORDER BY id LIMIT $2");
        let found: Vec<EntryColumns> =
            sqlx::query_as(sql(select)).bind(after).bind(i64::from(limit)).fetch_all(&mut *self.tx).await?;
        found.into_iter().map(entry).collect()
    }

    pub async fn books(&mut self, after: AccountId, limit: u32) -> Result<Vec<KeptBooks>> {
        let heads: Vec<(i64, String, i64, i64, Option<Day>)> = sqlx::query_as(
            "SELECT account.id, account.number, review.unapplied_cents, review.owed_cents, review.future_on
             FROM account JOIN review ON review.account_id = account.id
             WHERE account.id > $1 ORDER BY account.id LIMIT $2",
        )
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(&mut *self.tx)
        .await?;
        let accounts: Vec<AccountId> = heads.iter().map(|(id, ..)| AccountId(*id)).collect();
        let select = format!(
            "SELECT {ENTRY_COLUMNS} FROM entry WHERE account_id IN {} ORDER BY account_id, effective_on, id",
            ids(1)
        );
        let found: Vec<EntryColumns> =
            sqlx::query_as(sql(select)).bind(Json(&accounts)).fetch_all(&mut *self.tx).await?;
        let mut entries: BTreeMap<AccountId, Vec<Entry>> = BTreeMap::new();
        for row in found {
            let entry = entry(row)?;
            entries.entry(entry.account).or_default().push(entry);
        }
        let mut plans = settle::plans(&mut self.tx, &accounts).await?;
        let mut items = open_items_of(&mut self.tx, &accounts).await?;
        let mut stayed = super::petition::stayed_of(&mut self.tx, &accounts).await?;
        let mut idle = super::write_off::idle(&mut self.tx, &accounts).await?;
        let books = |(id, number, unapplied, owed, future_on): (i64, String, i64, i64, Option<Day>)| {
            let account = AccountId(id);
            KeptBooks {
                account,
                number: AccountNumber::from(number),
                entries: entries.remove(&account).unwrap_or_default(),
                plans: plans.remove(&account).unwrap_or_default(),
                items: items.remove(&account).unwrap_or_default(),
                stayed: stayed.remove(&account).unwrap_or_default(),
                unapplied: Cents::new(unapplied),
                owed: Cents::new(owed),
                idle: idle.remove(&account).unwrap_or_default(),
                future_on,
            }
        };
        Ok(heads.into_iter().map(books).collect())
    }

    pub async fn doubles(&mut self) -> Result<Vec<(String, String, i64)>> {
        let found: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT source, reference, COUNT(*) FROM entry GROUP BY source, reference HAVING COUNT(*) > 1
             ORDER BY source, reference",
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(found)
    }

    pub async fn posted_matches(&mut self) -> Result<Vec<PostedMatch>> {
        let found: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT source, reference,
                (SELECT COUNT(*) FROM entry WHERE entry.reference = unmatched_payment.reference
                    AND entry.source = unmatched_payment.source)
             FROM unmatched_payment WHERE state = 'matched' ORDER BY id",
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let matched = |(source, reference, posted)| PostedMatch { source, reference, posted };
        Ok(found.into_iter().map(matched).collect())
    }

    pub async fn transfers(&mut self) -> Result<Vec<PostedTransfer>> {
        transfer::all(&mut self.tx).await
    }

    pub async fn left_behind(&mut self) -> Result<Vec<LeftBehind>> {
        left_behind::all(&mut self.tx).await
    }

    pub async fn applied_deposits(&mut self) -> Result<Vec<PostedDeposit>> {
        deposit::all_applied(&mut self.tx).await
    }

    pub async fn documents(&mut self, after: i64, limit: u32) -> Result<Vec<(i64, KeptDocument)>> {
        let found: Vec<DocumentColumns> = sqlx::query_as(
            "SELECT document_use.id, document_use.account_id, document_use.used_for, document.hash, document.media_type,
                document.bytes
             FROM document_use JOIN document ON document.hash = document_use.hash
             WHERE document_use.id > $1 ORDER BY document_use.id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut *self.tx)
        .await?;
        found
            .into_iter()
            .map(|(id, account, used_for, hash, media_type, bytes)| {
                let media_type = word(MediaType::from_word, &media_type)?;
                let document = Document { hash: hash.into(), media_type, bytes };
                Ok((id, KeptDocument { document, account: account.map(AccountId), used_for }))
            })
            .collect()
    }

    async fn page<T: Kept>(&mut self, after: i64, limit: u32) -> Result<Vec<T>> {
        let query = kept::select::<T>("id > $1 ORDER BY id LIMIT $2").bind(after).bind(i64::from(limit));
        kept::list(&mut self.tx, query).await
    }

    pub async fn notices(&mut self, after: i64, limit: u32) -> Result<Vec<Notice>> {
        self.page(after, limit).await
    }

    pub async fn notices_of(&mut self, account: AccountId) -> Result<Vec<Notice>> {
        kept::of_account(&mut self.tx, account).await
    }

    pub async fn orders(&mut self, after: i64, limit: u32) -> Result<Vec<FieldOrder>> {
        self.page(after, limit).await
    }

    pub async fn referrals(&mut self, after: i64, limit: u32) -> Result<Vec<Referral>> {
        self.page(after, limit).await
    }

    pub async fn attempts(&mut self) -> Result<Vec<CallAttempt>> {
        kept::list(&mut self.tx, kept::select("id > 0 ORDER BY account_id, made_on, id")).await
    }

    pub async fn batches(&mut self) -> Result<Vec<PrintBatch>> {
        let found: Vec<(i64, Json<PrintBatch>)> =
            sqlx::query_as("SELECT id, body FROM print_batch ORDER BY id").fetch_all(&mut *self.tx).await?;
        Ok(found.into_iter().map(|(id, Json(batch))| PrintBatch { id: BatchId(id), ..batch }).collect())
    }

    pub async fn exports(&mut self) -> Result<Vec<ReferralExport>> {
        export::all(&mut self.tx).await
    }

    pub async fn report_lines(&mut self) -> Result<Vec<ReportLine>> {
        let found: Vec<(Json<ReportLine>,)> =
            sqlx::query_as("SELECT body FROM referral_report_line ORDER BY referral_id, n")
                .fetch_all(&mut *self.tx)
                .await?;
        Ok(found.into_iter().map(|(Json(line),)| line).collect())
    }

    pub async fn fee_exports(&mut self) -> Result<Vec<FeeExport>> {
        own_fee::all(&mut self.tx).await
    }

    pub async fn work(&mut self, after: i64, limit: u32) -> Result<Vec<KeptWork>> {
        let select = format!(
            "SELECT id, account_id, kind, subject, state, lease_until - {CLOCK_SECONDS}, attempts, not_before FROM outbox
             WHERE id > $1 ORDER BY id LIMIT $2"
        );
        let found: Vec<WorkColumns> =
            sqlx::query_as(sql(select)).bind(after).bind(i64::from(limit)).fetch_all(&mut *self.tx).await?;
        found
            .into_iter()
            .map(|(id, account, kind, subject, state, leased_for, attempts, not_before)| {
                let kind = word(WorkKind::from_word, &kind)?;
                let (account, notice) = (AccountId(account), NoticeId(subject));
                Ok(KeptWork { id, account, kind, notice, state, leased_for, attempts, not_before })
            })
            .collect()
    }

    /// The last line with these words in the account's log whose body names the id under the key.
    pub async fn line_on(
        &mut self,
        account: AccountId,
        what: &str,
        key: &str,
        id: i64,
    ) -> Result<Option<(i64, DateTime<Utc>)>> {
        let found: Option<(i64, DateTime<Utc>)> = sqlx::query_as(
            "SELECT seq, recorded_at FROM log
             WHERE account_id = $1 AND what = $2 AND CAST(body ->> $3 AS TEXT) = $4 ORDER BY seq DESC LIMIT 1",
        )
        .bind(account.0)
        .bind(what)
        .bind(key)
        .bind(id.to_string())
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(found)
    }

    pub async fn snapshot_at_line(
        &mut self,
        account: AccountId,
        day: Day,
        line: i64,
        rules: &LedgerRules,
    ) -> Result<Snapshot> {
        let (at, Json(body)): (DateTime<Utc>, Json<Told>) =
            sqlx::query_as("SELECT recorded_at, body FROM log WHERE seq = $1")
                .bind(line)
                .fetch_one(&mut *self.tx)
                .await?;
        let moment = Moment { at, line, marks: body.known };
        snapshot::as_of(&mut self.tx, account, day, &moment, rules).await
    }
}
