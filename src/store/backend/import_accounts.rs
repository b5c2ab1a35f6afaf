//! The accounts of a file: new records, changed ones, and who among them may be a customer who has come back.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::types::Json;

use super::account_change::{self, Change};
use super::given::Stamp;
use super::import::{PAGE, Taking};
use super::{Conn, Result, kinship, rows, sql, texts};
use crate::domain::{AccountId, AccountNumber, Address, Day, Profile};

impl Taking<'_> {
    pub(super) async fn accounts(&mut self, conn: &mut Conn, profiles: &[(u32, Profile)], stamp: &Stamp) -> Result<()> {
        for page in profiles.chunks(PAGE) {
            self.accounts_page(conn, page, stamp).await?;
        }
        Ok(())
    }

    async fn accounts_page(&mut self, conn: &mut Conn, page: &[(u32, Profile)], stamp: &Stamp) -> Result<()> {
        // The last line of an account in the page is the one that counts.
        let latest: BTreeMap<&AccountNumber, &Profile> =
            page.iter().map(|(_, profile)| (&profile.number, profile)).collect();
        let numbers: Vec<&AccountNumber> = latest.keys().copied().collect();
        let select = format!("SELECT number, id, profile FROM account WHERE number IN {}", texts(1));
        let found: Vec<(String, i64, Json<Profile>)> =
            sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(&mut *conn).await?;
        let known: BTreeMap<String, (i64, Profile)> =
            found.into_iter().map(|(number, id, Json(profile))| (number, (id, profile))).collect();
        let mut written: BTreeSet<&AccountNumber> = BTreeSet::new();
        // Those of whom it is known anew who they are, or how they are reached.
        let (mut new, mut changed, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        let mut changes = Vec::new();
        for (_, given) in page {
            self.outcome.rows += 1;
            let profile = latest.get(&given.number).copied().unwrap_or(given);
            if !written.insert(&profile.number) {
                self.outcome.unchanged += 1;
                continue;
            }
            match known.get(profile.number.as_str()) {
                None => new.push(AccountRow::new(None, profile)),
                Some((_, before)) if before == profile => self.outcome.unchanged += 1,
                Some((id, before)) => {
                    if who(before) != who(profile) {
                        moved.push(&profile.number);
                    }
                    self.touched.insert(AccountId(*id));
                    changed.push(AccountRow::new(Some(*id), profile));
                    changes.push(Change { account: AccountId(*id), before: before.clone(), after: profile });
                }
            }
        }
        self.outcome.added += u32::try_from(new.len()).unwrap_or(u32::MAX);
        self.outcome.updated += u32::try_from(changed.len()).unwrap_or(u32::MAX);
        self.outcome.changes_kept = self.outcome.updated > 0;
        add_accounts(conn, &new, stamp).await?;
        change_accounts(conn, &changed).await?;
        account_change::note(conn, &changes, stamp).await?;
        let news: Vec<&AccountNumber> = new.iter().map(|row| row.number).chain(moved).collect();
        kinship::note(conn, &news, stamp).await
    }
}

/// Who the customer is, and how they are reached.
fn who(profile: &Profile) -> (Option<&str>, String, &[String], Option<&str>, &Address) {
    let Profile { phones, email, mailing_address, .. } = profile;
    (profile.customer(), profile.name_key(), phones, email.as_deref(), mailing_address)
}

#[derive(Serialize)]
struct AccountRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    number: &'a AccountNumber,
    customer_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<&'a str>,
    name_key: String,
    service_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_on: Option<Day>,
    profile: &'a Profile,
}

impl<'a> AccountRow<'a> {
    fn new(id: Option<i64>, profile: &'a Profile) -> Self {
        let service_address = profile.service_address.one_line();
        Self {
            id,
            number: &profile.number,
            customer_name: &profile.customer_name,
            customer: profile.customer(),
            name_key: profile.name_key(),
            service_address,
            ended_on: profile.ended,
            profile,
        }
    }
}

async fn add_accounts(conn: &mut Conn, new: &[AccountRow<'_>], stamp: &Stamp) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO account (number, customer_name, customer, name_key, service_address, ended_on, profile, recorded_at)
         SELECT r.number, r.customer_name, r.customer, r.name_key, r.service_address, r.ended_on, r.profile, $2 FROM {}",
        rows(
            1,
            "number text, customer_name text, customer text, name_key text, service_address text, ended_on date, \
             profile jsonb"
        )
    );
    sqlx::query(sql(insert)).bind(Json(new)).bind(stamp.at).execute(&mut *conn).await?;
    let numbers: Vec<&AccountNumber> = new.iter().map(|row| row.number).collect();
    let review = format!(
        "INSERT INTO review (account_id, next_review, facts_seq, unapplied_cents)
         SELECT id, $2, 1, 0 FROM account WHERE number IN {} ORDER BY id",
        texts(1)
    );
    sqlx::query(sql(review)).bind(Json(numbers)).bind(stamp.on).execute(conn).await?;
    Ok(())
}

async fn change_accounts(conn: &mut Conn, changed: &[AccountRow<'_>]) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let update = format!(
        "UPDATE account SET customer_name = r.customer_name, customer = r.customer, name_key = r.name_key,
            service_address = r.service_address, ended_on = r.ended_on, profile = r.profile
         FROM {} WHERE account.id = r.id",
        rows(
            1,
            "id bigint, customer_name text, customer text, name_key text, service_address text, ended_on date, profile jsonb"
        )
    );
    sqlx::query(sql(update)).bind(Json(changed)).execute(conn).await?;
    Ok(())
}
