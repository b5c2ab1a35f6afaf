//! Corrections that add to what is owed: as old as the bill that they correct, and asked about where a petition stands and nothing
//! says what time they are of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::ledger::{ENTRY_COLUMNS, EntryColumns, EntryRow, by_id, entry};
use super::log::{self, NewLine};
use super::{Conn, Result, StoreError, exception, ids, kept, sql};
use crate::domain::day::short;
use crate::domain::petition::{OfAfter, PERIOD_FROM, PERIOD_THROUGH, Petition, is_of_unknown_time};
use crate::domain::transfer::FIRST_BILLED;
use crate::domain::{AccountId, Day, Entry, EntryId, EntryKind};

/// A bill, its day, and what is printed on it.
type Billed = (i64, Day, Option<Json<BTreeMap<String, Day>>>);

fn adds(row: &EntryRow) -> bool {
    row.kind == EntryKind::Adjustment && row.cents.is_positive()
}

/// Gives corrections that add to what is owed the dates of the bills that they name: nothing is designated by them.
pub(super) async fn date(conn: &mut Conn, rows: &mut [EntryRow]) -> Result<()> {
    let named: BTreeSet<EntryId> = rows.iter().filter(|row| adds(row)).filter_map(|row| row.designated_item).collect();
    if named.is_empty() {
        return Ok(());
    }
    let select = format!("SELECT id, effective_on, printed FROM entry WHERE id IN {}", ids(1));
    let found: Vec<Billed> = sqlx::query_as(sql(select)).bind(Json(&named)).fetch_all(conn).await?;
    for row in rows.iter_mut().filter(|row| adds(row)) {
        let Some(bill) = row.designated_item.take() else { continue };
        let Some((_, billed_on, printed)) = found.iter().find(|(id, ..)| *id == bill.0) else { continue };
        let printed = printed.as_ref().map(|Json(printed)| printed);
        let of_bill = |name: &str| printed.and_then(|printed| printed.get(name)).copied();
        let first = of_bill(FIRST_BILLED).unwrap_or(*billed_on);
        row.printed.insert(FIRST_BILLED.to_owned(), first);
        if let (Some(from), Some(through)) = (of_bill(PERIOD_FROM), of_bill(PERIOD_THROUGH))
            && !row.printed.contains_key(PERIOD_FROM)
        {
            row.printed.insert(PERIOD_FROM.to_owned(), from);
            row.printed.insert(PERIOD_THROUGH.to_owned(), through);
        }
    }
    Ok(())
}

/// The accounts among rows that were just posted on which a person may have to say what time a correction is of.
pub(super) fn in_question(rows: &[EntryRow]) -> BTreeSet<AccountId> {
    rows.iter().filter(|row| adds(row)).map(|row| row.account).collect()
}

/// Asks the lead about corrections on the accounts that came after a petition which stays debts, and of which nothing says what
/// time they are of. They are stayed meanwhile. A line that stood once is not opened again.
pub(super) async fn ask(conn: &mut Conn, accounts: &[AccountId], stamp: &Stamp) -> Result<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    let condition = format!("account_id IN {} ORDER BY id", ids(1));
    let petitions =
        kept::with_accounts(conn, kept::select::<Petition>(&condition).bind(Json(accounts.to_vec()))).await?;
    for (account, petition) in petitions.into_iter().filter(|(_, petition)| petition.ended.is_none()) {
        for entry in corrections(conn, account).await? {
            let is_answered = petition.of_after.iter().any(|said| said.entry == entry.id);
            if !is_of_unknown_time(&entry, petition.petition_on) || is_answered {
                continue;
            }
            let text = question(&petition, &entry);
            let kind = ExceptionKind::CorrectionStayed;
            if !exception::was_told(conn, account, kind, &text).await? {
                exception::open(conn, Some(account), kind, &text, stamp).await?;
            }
        }
    }
    Ok(())
}

/// Corrections of the account that add to what is owed and stand.
async fn corrections(conn: &mut Conn, account: AccountId) -> Result<Vec<Entry>> {
    let select = format!(
        "SELECT {ENTRY_COLUMNS} FROM entry WHERE account_id = $1 AND kind = 'adjustment' AND cents > 0
            AND NOT EXISTS (SELECT 1 FROM entry AS undoing WHERE undoing.reverses = entry.id)
         ORDER BY id"
    );
    let found: Vec<EntryColumns> = sqlx::query_as(sql(select)).bind(account.0).fetch_all(conn).await?;
    found.into_iter().map(entry).collect()
}

fn question(petition: &Petition, entry: &Entry) -> String {
    format!(
        "{} of {} added {} on {} (entry {}), after the petition in bankruptcy ({}), and nothing says what time it is of: all of it is stayed (11 USC 362). \
         Where it is of the time after the petition, say so: `arrears bankruptcy after {} {} --reason TEXT`. Where it is of the \
         time before, or you cannot tell, clear this line",
        entry.reference,
        entry.source,
        entry.amount,
        short(entry.effective_on),
        entry.id,
        petition.words(),
        petition.id,
        entry.id
    )
}

/// A person says that a correction is of the time after: it has to be one of which nothing else says so. The question is answered.
pub(super) async fn is_of_after(
    conn: &mut Conn,
    account: AccountId,
    petition: &Petition,
    said: &OfAfter,
    stamp: &Stamp,
) -> Result<()> {
    let entry = by_id(conn, said.entry).await?;
    if entry.account != account || !is_of_unknown_time(&entry, petition.petition_on) {
        return Err(StoreError::Conflict(format!(
            "entry {} is no correction of this account, posted after petition {}, of which nothing says what time it is of",
            said.entry, petition.id
        )));
    }
    if let Some(before) = petition.of_after.iter().find(|known| known.entry == said.entry) {
        return Err(StoreError::Conflict(format!("{} said so of entry {} on {}", before.by, said.entry, before.on)));
    }
    let text = question(petition, &entry);
    exception::settle(conn, account, ExceptionKind::CorrectionStayed, &text, stamp).await?;
    let body = json!({ "petition": petition.id, "entry": entry.id, "amount": entry.amount });
    log::write(conn, &[NewLine::of(account, "correction examined", body)], None, stamp).await
}
