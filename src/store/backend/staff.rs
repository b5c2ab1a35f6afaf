//! People of the division and their sessions.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::types::Json;

use super::given::{StaffMember, Stamp};
use super::log::{self, NewLine};
use super::{Backend, Conn, FOR_UPDATE, Result, StoreError, call, sql, word};
use crate::domain::{AccountId, Language, Role};

type Row = (String, String, Json<Vec<Language>>, i64);
type LoginRow = (String, String, Json<Vec<Language>>, i64, Option<String>);

fn member((name, role, Json(languages), capacity): Row) -> Result<StaffMember> {
    let role = word(Role::from_word, &role)?;
    let capacity = u32::try_from(capacity)
        .map_err(|_| StoreError::Corrupt(format!("a capacity of {capacity} calls for {name}")))?;
    Ok(StaffMember { name, role, languages, capacity })
}

async fn end_sessions(conn: &mut Conn, staff: &str) -> Result<()> {
    sqlx::query("DELETE FROM session WHERE staff = $1").bind(staff).execute(conn).await?;
    Ok(())
}

impl Backend {
    pub async fn put_staff(&self, person: &StaffMember, password_hash: Option<&str>, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let before: Option<String> = sqlx::query_scalar("SELECT role FROM staff WHERE name = $1")
            .bind(&person.name)
            .fetch_optional(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO staff (name, role, languages, capacity, password_hash) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET role = excluded.role, languages = excluded.languages,
                capacity = excluded.capacity, password_hash = COALESCE(excluded.password_hash, staff.password_hash)",
        )
        .bind(&person.name)
        .bind(person.role.word())
        .bind(Json(&person.languages))
        .bind(i64::from(person.capacity))
        .bind(password_hash)
        .execute(&mut *tx)
        .await?;
        if password_hash.is_some() {
            // Whoever came in by the old password is out.
            end_sessions(&mut tx, &person.name).await?;
        }
        let what = if before.is_some() { "staff changed" } else { "staff added" };
        let body = json!({
            "name": person.name,
            "from": before,
            "to": person.role,
            "calls": person.capacity,
            "languages": person.languages,
            "password": if password_hash.is_some() { "set" } else { "as before" },
        });
        log::write(&mut tx, &[NewLine { account: None, what, body }], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn remove_staff(&self, name: &str, stamp: &Stamp) -> Result<usize> {
        let mut tx = self.write().await?;
        // All are locked: of two who take one another off the staff, the second is refused.
        let select = format!("SELECT name, role FROM staff ORDER BY name {FOR_UPDATE}");
        let staff: Vec<(String, String)> = sqlx::query_as(sql(select)).fetch_all(&mut *tx).await?;
        let Some((_, role)) = staff.iter().find(|(other, _)| other == name) else {
            return Err(StoreError::not_found("person", name));
        };
        let mut stays = staff.iter().filter(|(other, _)| other != name);
        if !stays.any(|(_, role)| Role::from_word(role).is_some_and(Role::may_govern)) {
            return Err(StoreError::Conflict(format!(
                "without {name}, nobody could add people or change roles: add a lead or an administrator first"
            )));
        }
        end_sessions(&mut tx, name).await?;
        sqlx::query("DELETE FROM staff WHERE name = $1").bind(name).execute(&mut *tx).await?;
        let body = json!({ "name": name, "from": role });
        log::write(&mut tx, &[NewLine { account: None, what: "staff removed", body }], None, stamp).await?;
        let freed = call::free(&mut tx, name, stamp).await?;
        tx.commit().await?;
        Ok(freed)
    }

    pub async fn staff(&self) -> Result<Vec<StaffMember>> {
        let found: Vec<Row> = sqlx::query_as("SELECT name, role, languages, capacity FROM staff ORDER BY name")
            .fetch_all(&self.reader)
            .await?;
        found.into_iter().map(member).collect()
    }

    pub async fn set_household(&self, name: &str, accounts: &[AccountId], stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM household WHERE name = $1").bind(name).execute(&mut *tx).await?;
        for account in accounts {
            sqlx::query("INSERT INTO household (name, account_id) VALUES ($1, $2)")
                .bind(name)
                .bind(account.0)
                .execute(&mut *tx)
                .await?;
        }
        let body = json!({ "name": name, "accounts": accounts });
        log::write(&mut tx, &[NewLine { account: None, what: "household told", body }], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn households(&self) -> Result<Vec<(String, AccountId)>> {
        let found: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, account_id FROM household ORDER BY name, account_id")
                .fetch_all(&self.reader)
                .await?;
        Ok(found.into_iter().map(|(name, account)| (name, AccountId(account))).collect())
    }

    pub async fn staff_login(&self, name: &str) -> Result<Option<(StaffMember, Option<String>)>> {
        let found: Option<LoginRow> =
            sqlx::query_as("SELECT name, role, languages, capacity, password_hash FROM staff WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.reader)
                .await?;
        found
            .map(|(name, role, languages, capacity, hash)| Ok((member((name, role, languages, capacity))?, hash)))
            .transpose()
    }

    pub async fn open_session(
        &self,
        token_hash: &str,
        staff: &str,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM session WHERE expires_at <= $1").bind(now).execute(&mut *tx).await?;
        sqlx::query("INSERT INTO session (token_hash, staff, expires_at) VALUES ($1, $2, $3)")
            .bind(token_hash)
            .bind(staff)
            .bind(expires_at)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    pub async fn session(&self, token_hash: &str, now: DateTime<Utc>) -> Result<Option<StaffMember>> {
        let found: Option<Row> = sqlx::query_as(
            "SELECT staff.name, staff.role, staff.languages, staff.capacity
             FROM session JOIN staff ON staff.name = session.staff
             WHERE session.token_hash = $1 AND session.expires_at > $2",
        )
        .bind(token_hash)
        .bind(now)
        .fetch_optional(&self.reader)
        .await?;
        found.map(member).transpose()
    }

    pub async fn close_session(&self, token_hash: &str) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE token_hash = $1").bind(token_hash).execute(&self.writer).await?;
        Ok(())
    }
}
