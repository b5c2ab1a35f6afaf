//! Files of deposits: what is held, and what they say of a deposit that was applied here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::log::{self, NewLine};
use super::{Conn, Result, exception, rows, sql, texts};
use crate::domain::day::short;
use crate::domain::deposit::NewDeposit;
use crate::domain::import::{RefusedRow, RowRefusal};
use crate::domain::{AccountId, AccountNumber, Cents, Day, EntryId};

/// What a file of deposits did.
#[derive(Default)]
pub(super) struct Taken {
    pub added: u32,
    pub updated: u32,
    pub unchanged: u32,
    pub amount: Cents,
    pub refused: Vec<RefusedRow>,
    pub touched: BTreeSet<AccountId>,
    /// Deposits that were applied here, and of which the file says something else now.
    differing: Vec<(AccountId, String)>,
}

#[derive(Serialize)]
struct DepositRow<'a> {
    account: AccountId,
    source: &'a str,
    reference: &'a str,
    cents: Cents,
    interest: Cents,
    received_on: Day,
    returned_on: Option<Day>,
}

/// Takes a page of a file of deposits. What was paid in, when, and for whom stands once and for all; its interest grows, and
/// it may be given back.
pub(super) async fn take(conn: &mut Conn, page: &[NewDeposit], stamp: &Stamp) -> Result<Taken> {
    let numbers: BTreeSet<&AccountNumber> = page.iter().map(|row| &row.account).collect();
    let select = format!("SELECT number, id FROM account WHERE number IN {}", texts(1));
    let found: Vec<(String, i64)> = sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(&mut *conn).await?;
    let accounts: BTreeMap<String, AccountId> = found.into_iter().map(|(number, id)| (number, AccountId(id))).collect();
    let references: BTreeSet<&str> = page.iter().map(|row| row.reference.as_str()).collect();
    let known = known(conn, &references).await?;
    let mut taken = Taken::default();
    let mut written: Vec<DepositRow<'_>> = Vec::new();
    for row in page {
        let refuse = |refusal| RefusedRow { line: row.line, refusal };
        let Some(account) = accounts.get(row.account.as_str()).copied() else {
            taken.refused.push(refuse(RowRefusal::UnknownAccount { account: row.account.clone() }));
            continue;
        };
        let new = DepositRow {
            account,
            source: &row.source,
            reference: &row.reference,
            cents: row.amount,
            interest: row.interest,
            received_on: row.received_on,
            returned_on: row.returned_on,
        };
        match known.get(&(row.source.clone(), row.reference.clone())) {
            None => {
                taken.added += 1;
                taken.amount += row.amount;
            }
            Some(before) if !before.is_same_deposit(account, row) => {
                taken.refused.push(refuse(RowRefusal::Conflict {
                    source_id: row.source.clone(),
                    reference: row.reference.clone(),
                    before: before.describe(),
                    now: describe(row.amount, row.received_on, row.account.as_str()),
                }));
                continue;
            }
            // What it became is in the ledger.
            Some(before) if before.applied.is_some() => {
                taken.unchanged += 1;
                if let Some(text) = before.differs(row) {
                    taken.differing.push((account, text));
                }
                continue;
            }
            Some(before) if before.says_all_of(row) => {
                taken.unchanged += 1;
                continue;
            }
            Some(_) => taken.updated += 1,
        }
        taken.touched.insert(account);
        written.push(new);
    }
    if taken.refused.is_empty() {
        for (account, text) in std::mem::take(&mut taken.differing) {
            let kind = ExceptionKind::DepositGivenBack;
            // Each file says it again.
            if !exception::was_told(conn, account, kind, &text).await? {
                exception::open(conn, Some(account), kind, &text, stamp).await?;
                taken.touched.insert(account);
            }
        }
    }
    if taken.refused.is_empty() && !written.is_empty() {
        let upsert = format!(
            "INSERT INTO deposit (account_id, source, reference, cents, interest_cents, received_on, returned_on, recorded_at)
             SELECT r.account, r.source, r.reference, r.cents, r.interest, r.received_on, r.returned_on, $2 FROM {}
             WHERE true
             ON CONFLICT (reference, source) DO UPDATE
             SET interest_cents = excluded.interest_cents, returned_on = excluded.returned_on",
            rows(
                1,
                "account bigint, source text, reference text, cents bigint, interest bigint, received_on date, \
                 returned_on date"
            )
        );
        sqlx::query(sql(upsert)).bind(Json(&written)).bind(stamp.at).execute(&mut *conn).await?;
        let line = |row: &DepositRow<'_>| {
            let body = json!({
                "deposit": row.reference, "source": row.source, "amount": row.cents, "interest": row.interest.to_string(),
                "received_on": row.received_on, "returned_on": row.returned_on,
            });
            NewLine::of(row.account, "deposit held", body)
        };
        let lines: Vec<NewLine> = written.iter().map(line).collect();
        log::write(conn, &lines, None, stamp).await?;
    }
    Ok(taken)
}

struct Before {
    account: AccountId,
    number: String,
    cents: Cents,
    interest: Cents,
    received_on: Day,
    returned_on: Option<Day>,
    /// The credit that it became, its day and its amount.
    applied: Option<(EntryId, Day, Cents)>,
}

impl Before {
    fn is_same_deposit(&self, account: AccountId, row: &NewDeposit) -> bool {
        (self.account, self.cents, self.received_on) == (account, row.amount, row.received_on)
    }

    fn says_all_of(&self, row: &NewDeposit) -> bool {
        (self.interest, self.returned_on) == (row.interest, row.returned_on)
    }

    /// What the lead is told where it was applied and the row says that it was given back, or bore something else.
    fn differs(&self, row: &NewDeposit) -> Option<String> {
        let (entry, on, amount) = self.applied?;
        let name = format!("deposit {} of {}", row.reference, row.source);
        let done = format!("{amount} of it was applied here on {} (entry {entry})", short(on));
        let number = &self.number;
        match row.returned_on {
            Some(returned) if self.returned_on != row.returned_on => Some(format!(
                "The billing system says that {name} was given back to the customer on {}, and {done}: they may have both. No \
                 notice, shut-off or referral until this is cleared. Where it was given back, `arrears adjust {number} --amount {} \
                 --reason TEXT` takes back what was applied, and another approves it; where it was not, have the file corrected",
                short(returned),
                amount.to_plain()
            )),
            _ if self.interest != row.interest => Some(format!(
                "The billing system says that {name} bore {} of interest, and {done} with {}. No notice, shut-off or referral until \
                 this is cleared: post the difference on both sides, or have the file corrected",
                row.interest, self.interest
            )),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        describe(self.cents, self.received_on, &self.number)
    }
}

fn describe(amount: Cents, received_on: Day, number: &str) -> String {
    format!("deposit of {amount} received {received_on}, account {number}")
}

type BeforeColumns = (String, String, i64, String, i64, i64, Day, Option<Day>, Option<i64>, Option<Day>, Option<i64>);

async fn known(conn: &mut Conn, references: &BTreeSet<&str>) -> Result<BTreeMap<(String, String), Before>> {
    let select = format!(
        "SELECT deposit.source, deposit.reference, deposit.account_id, account.number, deposit.cents,
            deposit.interest_cents, deposit.received_on, deposit.returned_on, entry.id, entry.effective_on, entry.cents
         FROM deposit JOIN account ON account.id = deposit.account_id LEFT JOIN entry ON entry.id = deposit.entry_id WHERE deposit.reference IN {}",
        texts(1)
    );
    let found: Vec<BeforeColumns> = sqlx::query_as(sql(select)).bind(Json(references)).fetch_all(conn).await?;
    let before = |row: BeforeColumns| {
        let (source, reference, account, number, cents, interest, received_on, returned_on, entry, on, credit) = row;
        let applied = entry.zip(on).zip(credit);
        let before = Before {
            account: AccountId(account),
            number,
            cents: Cents::new(cents),
            interest: Cents::new(interest),
            received_on,
            returned_on,
            applied: applied.map(|((entry, on), credit)| (EntryId(entry), on, Cents::new(credit).abs())),
        };
        ((source, reference), before)
    };
    Ok(found.into_iter().map(before).collect())
}
