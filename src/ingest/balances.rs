//! Balances: what the billing system says that each account owes. They post nothing; they are held against our ledger.

use std::collections::BTreeMap;

use super::columns::{Column, Columns, Row};
use super::errors::{FileErrors, Problem};
use super::forms;
use crate::domain::balance::NewBalance;
use crate::domain::import::FileKind;
use crate::domain::{AccountNumber, Cents, Day, Service};

pub const COLUMNS: Columns =
    Columns { kind: FileKind::Balances, named: &[&ACCOUNT, &SERVICE, &BALANCE, &AS_OF], families: &[] };

static ACCOUNT: Column<AccountNumber> = Column::required("account", &forms::ACCOUNT, "The account.", "10-000417");
static SERVICE: Column<Service> = Column::optional(
    "service",
    &forms::SERVICE,
    "Where the billing system keeps a balance for each service: a row for each; the rows of an account are added up.",
    "water",
);
static BALANCE: Column<Cents> = Column::required(
    "balance",
    &forms::BALANCE,
    "Debts less credits: what is owed above zero, a credit below.",
    "136.25",
);
static AS_OF: Column<Day> = Column::required(
    "as_of",
    &forms::DATE,
    "The day at whose end that was so. The same for all rows of an account.",
    "2026-05-20",
);

/// A balance.
pub fn row(row: &mut Row) -> Option<NewBalance> {
    let account = row.required(&ACCOUNT);
    let service = row.optional(&SERVICE);
    let amount = row.required(&BALANCE);
    let as_of = row.required(&AS_OF);
    Some(NewBalance { line: row.line, account: account?, service, amount: amount?, as_of: as_of? })
}

/// Reports accounts whose rows cannot be added up: a service twice, a row without one beside others, or two days.
pub fn report_repeats(balances: &[NewBalance], errors: &mut FileErrors) {
    let mut of_account: BTreeMap<&AccountNumber, Vec<&NewBalance>> = BTreeMap::new();
    for balance in balances {
        let rows = of_account.entry(&balance.account).or_default();
        let differs = rows.iter().find_map(|first| {
            if first.as_of != balance.as_of {
                Some((first, "the two rows of the account are of different days"))
            } else if first.service == balance.service {
                Some((first, "the account has a balance there already"))
            } else if first.service.is_none() || balance.service.is_none() {
                Some((first, "the account has a balance of one service and one of all"))
            } else {
                None
            }
        });
        if let Some((first, differs)) = differs {
            let problem = Problem::Repeated { first_line: first.line, differs: differs.to_owned() };
            errors.add(balance.line, Some("account"), Some(balance.account.as_str()), problem);
        }
        rows.push(balance);
    }
}
