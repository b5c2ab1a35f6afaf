//! Snapshots: all that is known of accounts, now or by an earlier instant.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::dated::dated;
use super::given::{ExceptionKind, RecordSince};
use super::ledger::{ENTRY_COLUMNS, entries_known, entry, open_items_of};
use super::marks::Moment;
use super::petition::stayed_of;
use super::{
    Backend, Conn, Result, StoreError, account, deposit, fee, hindsight, ids, kept, placement, sql, word, write_off,
};
use crate::domain::arrangement::Arrangement;
use crate::domain::case::StageRef;
use crate::domain::dispute::Dispute;
use crate::domain::field_order::{FieldOrder, OrderKind};
use crate::domain::hold::Hold;
use crate::domain::import::ImportOutcome;
use crate::domain::ledger::{Application, settle};
use crate::domain::petition::Petition;
use crate::domain::promise::Promise;
use crate::domain::proof::Proof;
use crate::domain::taken_off::{self, TakenOff};
use crate::domain::{
    AccountId, Case, Cents, Day, Entry, EntryId, EntryKind, Event, EventKind, Profile, Service, Snapshot,
};
use crate::rulebook::policy::LedgerRules;

/// Lists by account.
pub(super) type By<T> = BTreeMap<AccountId, Vec<T>>;

/// The instant by which something had to be known; none for all that is known.
pub(super) type Known = Option<DateTime<Utc>>;

impl Backend {
    /// Read in a task of its own: what comes from the database is unfolded beside whatever else is under way.
    pub async fn snapshots(&self, accounts: &[AccountId]) -> Result<Vec<Snapshot>> {
        let (backend, accounts) = (self.clone(), accounts.to_vec());
        tokio::spawn(async move { backend.read_snapshots(&accounts).await })
            .await
            .map_err(|error| StoreError::Corrupt(format!("the reading of snapshots broke off: {error}")))?
    }

    async fn read_snapshots(&self, accounts: &[AccountId]) -> Result<Vec<Snapshot>> {
        let mut tx = self.read().await?;
        let mut found = heads(&mut tx, accounts).await?;
        let mut items = open_items_of(&mut tx, accounts).await?;
        let mut stayed = stayed_of(&mut tx, accounts).await?;
        let mut idle = write_off::idle(&mut tx, accounts).await?;
        let mut taken = taken_off(&mut tx, accounts).await?;
        for snapshot in &mut found {
            snapshot.items = items.remove(&snapshot.account).unwrap_or_default();
            snapshot.stayed = stayed.remove(&snapshot.account).unwrap_or_default();
            snapshot.idle = idle.remove(&snapshot.account).unwrap_or_default();
            snapshot.taken_off = taken.remove(&snapshot.account).unwrap_or_default();
        }
        learn(&mut tx, &mut found, accounts, None).await?;
        let planned: Vec<AccountId> = found
            .iter()
            .filter(|snapshot| {
                let asks = snapshot.case.as_ref().is_some_and(Case::asks);
                asks || !(snapshot.arrangements.is_empty()
                    && snapshot.promises.is_empty()
                    && snapshot.shut_off.is_empty())
            })
            .map(|snapshot| snapshot.account)
            .collect();
        if !planned.is_empty() {
            let mut payments = payments(&mut tx, &planned).await?;
            let mut applications = applications(&mut tx, &planned).await?;
            for snapshot in &mut found {
                snapshot.payments = payments.remove(&snapshot.account).unwrap_or_default();
                snapshot.applications = applications.remove(&snapshot.account).unwrap_or_default();
            }
        }
        Ok(found)
    }

    pub async fn record_since(&self, account: AccountId, known_by: DateTime<Utc>) -> Result<RecordSince> {
        let mut tx = self.read().await?;
        let changes = hindsight::record_changes(&mut tx, account, &Moment::of(known_by)).await?;
        let came_at: DateTime<Utc> = sqlx::query_scalar("SELECT recorded_at FROM account WHERE id = $1")
            .bind(account.0)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("account with id", account))?;
        let files: Vec<(String, Json<ImportOutcome>, DateTime<Utc>)> = sqlx::query_as(
            "SELECT name, outcome, imported_at FROM import_file
             WHERE kind = 'accounts' AND imported_at > $1 ORDER BY imported_at, name",
        )
        .bind(known_by)
        .fetch_all(&mut *tx)
        .await?;
        let is_unkept = |outcome: &ImportOutcome| outcome.updated > 0 && !outcome.changes_kept;
        let unkept = files.into_iter().filter(|(_, Json(outcome), _)| is_unkept(outcome));
        let unkept = unkept.map(|(name, _, at)| (name, at)).collect();
        Ok(RecordSince { came_at, changes, unkept })
    }

    pub async fn snapshot_as_of(
        &self,
        account: AccountId,
        day: Day,
        known_by: DateTime<Utc>,
        rules: &LedgerRules,
    ) -> Result<Snapshot> {
        let mut tx = self.read().await?;
        as_of(&mut tx, account, day, &Moment::of(known_by), rules).await
    }
}

/// The account as it was known at the moment, settled as of `day`.
pub(super) async fn as_of(
    conn: &mut Conn,
    account: AccountId,
    day: Day,
    moment: &Moment,
    rules: &LedgerRules,
) -> Result<Snapshot> {
    let mut found = heads(conn, &[account]).await?;
    for known in &mut found {
        hindsight::record(conn, account, &mut known.profile, moment).await?;
    }
    learn(conn, &mut found, &[account], Some(moment)).await?;
    let mut snapshot = found.pop().ok_or_else(|| StoreError::not_found("account with id", account))?;
    hindsight::unlearn(conn, account, &mut snapshot.arrangements, moment).await?;
    let mut entries = entries_known(conn, account, Some(moment.at)).await?;
    entries.retain(|entry| moment.has("entry", entry.id.0, entry.recorded_at));
    let plans = snapshot.spans();
    let books = settle(&entries, &rules.order, &plans, day);
    snapshot.taken_off = taken_off::taken_off(&entries);
    snapshot.items = books.items;
    snapshot.stayed = books.stayed;
    snapshot.unapplied = books.unapplied;
    snapshot.idle = books.idle;
    (snapshot.case, snapshot.cases_so_far) = case_known(conn, account, moment).await?;
    let asks = snapshot.case.as_ref().is_some_and(Case::asks);
    if asks || !plans.is_empty() || !snapshot.promises.is_empty() || !snapshot.shut_off.is_empty() {
        snapshot.payments = entries.into_iter().filter(is_payment).collect();
        snapshot.applications = books.applications;
    }
    snapshot.frozen = hindsight::frozen(conn, account, moment).await?;
    Ok(snapshot)
}

/// Payments and what undoes them: what promises and arrangements are held against.
fn is_payment(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Payment | EntryKind::Reversal)
}

type HeadColumns = (i64, Json<Profile>, i64, i64, Option<i64>, Option<Json<Case>>, Option<String>);

/// The snapshots with profile, sequence, credit, case and freeze, in order of the accounts' ids.
async fn heads(conn: &mut Conn, accounts: &[AccountId]) -> Result<Vec<Snapshot>> {
    let freezing: Vec<String> =
        ExceptionKind::ALL.iter().filter(|kind| kind.freezes()).map(|kind| format!("'{}'", kind.word())).collect();
    let select = format!(
        "SELECT account.id, account.profile, review.facts_seq, review.unapplied_cents, case_state.cases_so_far,
            case_state.body,
            (SELECT MIN(exception.text) FROM exception
             WHERE exception.account_id = account.id AND exception.cleared_on IS NULL
               AND exception.kind IN ({}))
         FROM account
         JOIN review ON review.account_id = account.id
         LEFT JOIN case_state ON case_state.account_id = account.id
         WHERE account.id IN {} ORDER BY account.id",
        freezing.join(", "),
        ids(1)
    );
    let found: Vec<HeadColumns> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    found
        .into_iter()
        .map(|(id, Json(profile), facts_seq, unapplied, cases, case, frozen)| {
            Ok(Snapshot {
                unapplied: Cents::new(unapplied),
                case: case.map(|Json(case)| case),
                cases_so_far: cases_from(cases.unwrap_or(0))?,
                frozen,
                ..Snapshot::new(AccountId(id), facts_seq, profile)
            })
        })
        .collect()
}

fn cases_from(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| StoreError::Corrupt(format!("{number} cases of one account")))
}

/// Fills in what happened to the accounts and what was agreed with them.
async fn learn(conn: &mut Conn, found: &mut [Snapshot], accounts: &[AccountId], moment: Option<&Moment>) -> Result<()> {
    let known: Known = moment.map(|moment| moment.at);
    let mut events = events(conn, accounts, moment).await?;
    let mut holds: By<Hold> = dated(conn, "hold", accounts, moment).await?;
    let mut proofs: By<Proof> = dated(conn, "proof", accounts, moment).await?;
    let mut promises: By<Promise> = dated(conn, "promise", accounts, moment).await?;
    let mut arrangements: By<Arrangement> = dated(conn, "arrangement", accounts, moment).await?;
    let mut shut_off = shut_off(conn, accounts, known).await?;
    let mut flags = account::flags(conn, accounts, known).await?;
    let mut disputes: By<Dispute> = dated(conn, "dispute", accounts, moment).await?;
    let mut petitions: By<Petition> = dated(conn, "petition", accounts, moment).await?;
    let mut fees = fee::posted(conn, accounts, known).await?;
    let mut ledgers = fee::overtaken(conn, &fees, &petitions, known).await?;
    let mut deposits = deposit::of(conn, accounts, known).await?;
    let mut placed = placement::placed(conn, accounts, known).await?;
    for snapshot in found {
        let account = &snapshot.account;
        snapshot.events = events.remove(account).unwrap_or_default();
        snapshot.holds = holds.remove(account).unwrap_or_default();
        snapshot.proofs = proofs.remove(account).unwrap_or_default();
        snapshot.promises = promises.remove(account).unwrap_or_default();
        snapshot.arrangements = arrangements.remove(account).unwrap_or_default();
        snapshot.disputes = disputes.remove(account).unwrap_or_default();
        snapshot.petitions = petitions.remove(account).unwrap_or_default();
        // From the day on which the lead has named who acts for the estate of a customer who died, letters go there.
        if let Some(estate) = snapshot.holds.iter().filter(|hold| hold.ended_on.is_none()).find_map(Hold::addressed) {
            estate.address(&mut snapshot.profile);
        }
        if let Some(off) = shut_off.remove(account) {
            snapshot.without_leave = without_leave(conn, *account, &off).await?;
            snapshot.shut_off = off.into_iter().map(|(service, _)| service).collect();
        }
        snapshot.fees = fees.remove(account).unwrap_or_default();
        if let Some(deposits) = deposits.remove(account) {
            snapshot.final_bill = deposit::final_bill(conn, *account, snapshot.profile.ended, known).await?;
            snapshot.deposits = deposits;
        }
        snapshot.ledger = ledgers.remove(account).unwrap_or_default();
        let all = placed.remove(account).unwrap_or_default();
        (snapshot.placed, snapshot.came_back) = all.into_iter().partition(|placed| placed.back_on.is_none());
        snapshot.profile.attributes.extend(flags.remove(account).unwrap_or_default());
    }
    Ok(())
}

type EventColumns = (i64, i64, String, Day, Option<Json<StageRef>>, DateTime<Utc>);

async fn events(conn: &mut Conn, accounts: &[AccountId], moment: Option<&Moment>) -> Result<By<Event>> {
    let select = format!(
        "SELECT id, account_id, kind, on_day, stage, recorded_at FROM event
         WHERE account_id IN {} ORDER BY account_id, id",
        ids(1)
    );
    let found: Vec<EventColumns> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut events: By<Event> = By::new();
    for (id, account, kind, on, stage, recorded_at) in found {
        if moment.is_none_or(|moment| moment.has("event", id, recorded_at)) {
            let kind = word(EventKind::from_word, &kind)?;
            let event = Event { kind, on, of: stage.map(|Json(stage)| stage) };
            events.entry(AccountId(account)).or_default().push(event);
        }
    }
    Ok(events)
}

type ShutOffColumns = (i64, String, Day, DateTime<Utc>, Option<DateTime<Utc>>);

/// The services that are off, and since when.
async fn shut_off(conn: &mut Conn, accounts: &[AccountId], known: Known) -> Result<By<(Service, Day)>> {
    let select = format!(
        "SELECT account_id, service, since, recorded_at, restored_at FROM shut_off
         WHERE account_id IN {} ORDER BY account_id, service",
        ids(1)
    );
    let found: Vec<ShutOffColumns> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut services: By<(Service, Day)> = By::new();
    for (account, service, since, recorded_at, restored_at) in found {
        let restored = restored_at.is_some_and(|restored| known.is_none_or(|by| restored <= by));
        if !restored && known.is_none_or(|by| recorded_at <= by) {
            services.entry(AccountId(account)).or_default().push((word(Service::from_word, &service)?, since));
        }
    }
    Ok(services)
}

/// The services that are off because a crew did a canceled order.
async fn without_leave(conn: &mut Conn, account: AccountId, off: &[(Service, Day)]) -> Result<Vec<Service>> {
    let orders: Vec<FieldOrder> = kept::of_account(conn, account).await?;
    let is_wrong = |(service, since): &&(Service, Day)| {
        let mut cuts = orders.iter().filter(|order| matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit));
        cuts.any(|cut| cut.is_done_without_leave() && cut.service == *service && cut.done_on == Some(*since))
    };
    Ok(off.iter().filter(is_wrong).map(|(service, _)| *service).collect())
}

async fn payments(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<Entry>> {
    let select = format!(
        "SELECT {ENTRY_COLUMNS} FROM entry WHERE account_id IN {} AND kind IN ('payment', 'reversal')
         ORDER BY account_id, effective_on, id",
        ids(1)
    );
    let found: Vec<_> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut payments: By<Entry> = By::new();
    for row in found {
        let entry = entry(row)?;
        payments.entry(entry.account).or_default().push(entry);
    }
    Ok(payments)
}

/// What was taken off the accounts' debts, in the order of the entries; there is little of it, and it has an index of its own.
async fn taken_off(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<TakenOff>> {
    let select = format!(
        "SELECT {ENTRY_COLUMNS} FROM entry
         WHERE account_id IN {} AND cents < 0 AND kind IN ('adjustment', 'reversal', 'transfer', 'write_off')
            AND NOT EXISTS (SELECT 1 FROM entry AS undoing WHERE undoing.reverses = entry.id)
         ORDER BY account_id, id",
        ids(1)
    );
    let found: Vec<_> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut taken: By<TakenOff> = By::new();
    for row in found {
        let entry = entry(row)?;
        taken.entry(entry.account).or_default().extend(TakenOff::of(&entry));
    }
    Ok(taken)
}

pub(super) async fn applications(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<Application>> {
    let select = format!(
        "SELECT application.account_id, credit_id, debt_id, application.cents, on_day,
            COALESCE(entry.due_on, entry.effective_on)
         FROM application JOIN entry ON entry.id = application.debt_id
         WHERE application.account_id IN {} ORDER BY application.account_id, on_day, credit_id, debt_id",
        ids(1)
    );
    let found: Vec<(i64, i64, i64, i64, Day, Day)> =
        sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut applications: By<Application> = By::new();
    for (account, credit, debt, cents, on, due_on) in found {
        applications.entry(AccountId(account)).or_default().push(Application {
            credit: EntryId(credit),
            debt: EntryId(debt),
            amount: Cents::new(cents),
            on,
            due_on,
        });
    }
    Ok(applications)
}

/// The case as the last decision known by then left it, and how many cases there had been.
async fn case_known(conn: &mut Conn, account: AccountId, by: &Moment) -> Result<(Option<Case>, u32)> {
    let found: Option<Json<Value>> = sqlx::query_scalar(
        "SELECT body FROM log WHERE account_id = $1 AND what = 'decision' AND recorded_at <= $2
            AND (recorded_at < $2 OR seq <= $3)
         ORDER BY seq DESC LIMIT 1",
    )
    .bind(account.0)
    .bind(by.at)
    .bind(by.line)
    .fetch_optional(conn)
    .await?;
    let Some(Json(body)) = found else { return Ok((None, 0)) };
    let damaged =
        |error: serde_json::Error| StoreError::Corrupt(format!("a logged decision of account {account}: {error}"));
    let case = body.get("decision").and_then(|decision| decision.get("case")).cloned().unwrap_or(Value::Null);
    let cases = body.get("cases_so_far").and_then(Value::as_i64).unwrap_or(0);
    Ok((serde_json::from_value(case).map_err(damaged)?, cases_from(cases)?))
}
