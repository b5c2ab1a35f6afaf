//! Lists of referrals that go out: recorded with all their bytes before a file is written.
//!
//! The record comes first, so that whoever is killed between the record and the files finds the same list to write again,
//! and no referral ever stands on two.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::types::Json;

use super::document;
use super::given::{ExportFile, NewExport, Permitted, ReferralExport, Stamp, Whole};
use super::leave::{Leave, Named};
use super::log::{self, NewLine};
use super::referral;
use super::{Backend, Conn, LOCK_EXPORT, Result, StoreError};
use crate::audit::Ordered;
use crate::domain::{ActKey, ReferralId};

type Row = (Json<ReferralExport>, Option<DateTime<Utc>>);

fn export((Json(export), written_at): Row) -> ReferralExport {
    ReferralExport { written_at, ..export }
}

/// All lists that went out, oldest first.
pub(super) async fn all(conn: &mut Conn) -> Result<Vec<ReferralExport>> {
    let found: Vec<Row> =
        sqlx::query_as("SELECT body, written_at FROM referral_export ORDER BY id").fetch_all(conn).await?;
    Ok(found.into_iter().map(export).collect())
}

impl Backend {
    pub async fn make_export(
        &self,
        new: &NewExport,
        referrals: &[Permitted<ReferralId>],
        stamp: &Stamp,
    ) -> Result<Whole<ReferralExport, ReferralId>> {
        let mut tx = self.write().await?;
        sqlx::query(LOCK_EXPORT).execute(&mut *tx).await?;
        let leave = Leave::of(&mut tx, referrals).await?;
        if !leave.overtaken.is_empty() {
            return Ok(Whole::Overtaken(leave.overtaken));
        }
        let begins = format!("{}-{}-", new.to.word(), stamp.on);
        let before: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM referral_export WHERE made_on = $1 AND name LIKE $2 || '%'")
                .bind(stamp.on)
                .bind(&begins)
                .fetch_one(&mut *tx)
                .await?;
        let made = ReferralExport {
            name: format!("{begins}{}", before + 1),
            to: new.to,
            made_on: stamp.on,
            made_by: stamp.by.to_string(),
            referrals: referrals.iter().map(|piece| piece.id).collect(),
            total: new.total,
            files: ExportFile::of(&new.files),
            written_at: None,
        };
        let id: i64 =
            sqlx::query_scalar("INSERT INTO referral_export (made_on, name, body) VALUES ($1, $2, $3) RETURNING id")
                .bind(stamp.on)
                .bind(&made.name)
                .bind(Json(&made))
                .fetch_one(&mut *tx)
                .await?;
        for Permitted { id: referral, .. } in referrals {
            let placement =
                new.placements.iter().find(|(id, _)| id == referral).map(|(_, placement)| placement.clone());
            let placed = referral::place(&mut tx, *referral, new.to, placement, stamp).await?;
            let key: ActKey = placed
                .act_key
                .parse()
                .map_err(|error| StoreError::Corrupt(format!("{} of referral {referral}: {error}", placed.act_key)))?;
            let named = Named {
                account: placed.account,
                ordered: Ordered::Referral(new.to),
                of: Some(&key.of),
                amount: None,
                on: Some(stamp.on),
            };
            leave.is_for(*referral, &named)?;
            sqlx::query("INSERT INTO referral_export_line (referral_id, export_id) VALUES ($1, $2)")
                .bind(referral.0)
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        for (_, document) in &new.files {
            document::keep(&mut tx, document, None, &format!("export {}", made.name), stamp).await?;
        }
        let body =
            json!({ "export": made.name, "referrals": made.referrals, "total": made.total, "files": made.files });
        log::write(&mut tx, &[NewLine { account: None, what: "referrals exported", body }], None, stamp).await?;
        tx.commit().await?;
        Ok(Whole::Made(made))
    }

    pub async fn exports(&self, limit: u32) -> Result<Vec<ReferralExport>> {
        let found: Vec<Row> = sqlx::query_as("SELECT body, written_at FROM referral_export ORDER BY id DESC LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await?;
        Ok(found.into_iter().map(export).collect())
    }

    pub async fn unwritten_exports(&self) -> Result<Vec<ReferralExport>> {
        let found: Vec<Row> =
            sqlx::query_as("SELECT body, written_at FROM referral_export WHERE written_at IS NULL ORDER BY id")
                .fetch_all(&self.reader)
                .await?;
        Ok(found.into_iter().map(export).collect())
    }

    pub async fn export_written(&self, name: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let written = sqlx::query("UPDATE referral_export SET written_at = COALESCE(written_at, $2) WHERE name = $1")
            .bind(name)
            .bind(stamp.at)
            .execute(&mut *tx)
            .await?;
        if written.rows_affected() == 0 {
            return Err(StoreError::not_found("list of referrals", name));
        }
        Ok(tx.commit().await?)
    }
}
