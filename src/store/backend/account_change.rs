//! What a file changes of an account's record: a line in the log for each account, and a stop where another customer seems to
//! have moved in under the number of one who owes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::log::{self, NewLine};
use super::{Conn, Result, StoreError, exception, ids, sql};
use crate::domain::day::short;
use crate::domain::{AccountId, Cents, Profile};

/// In the log, in place of what has no place in it.
pub(super) const NOT_SHOWN: &str = "not shown";

/// An account's record before a file and with it.
pub(super) struct Change<'a> {
    pub account: AccountId,
    pub before: Profile,
    pub after: &'a Profile,
}

/// Writes down what has changed, and stops the accounts that seem to be another customer's now.
pub(super) async fn note(conn: &mut Conn, changes: &[Change<'_>], stamp: &Stamp) -> Result<()> {
    let mut lines = Vec::with_capacity(changes.len());
    for change in changes {
        let body = json!({ "changes": fields(change)? });
        lines.push(NewLine { account: Some(change.account), what: "account changed", body });
    }
    log::write(conn, &lines, None, stamp).await?;
    let others: Vec<&Change> = changes.iter().filter(|change| is_another_customer(change)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let select =
        format!("SELECT account_id, open_cents FROM open_item WHERE account_id IN {} ORDER BY account_id", ids(1));
    let accounts: Vec<AccountId> = others.iter().map(|change| change.account).collect();
    let open: Vec<(i64, i64)> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(&mut *conn).await?;
    let mut owed: BTreeMap<AccountId, Cents> = BTreeMap::new();
    for (account, cents) in open {
        *owed.entry(AccountId(account)).or_default() += Cents::new(cents);
    }
    for change in others {
        if let Some(owed) = owed.get(&change.account).filter(|owed| owed.is_positive()) {
            let text = told(change, *owed);
            exception::open(conn, Some(change.account), ExceptionKind::CustomerChanged, &text, stamp).await?;
        }
    }
    Ok(())
}

/// Each field that differs, as it was and as it is.
fn fields(change: &Change) -> Result<BTreeMap<String, [Value; 2]>> {
    let flat = |profile: &Profile| -> Result<BTreeMap<String, Value>> {
        let Value::Object(mut fields) =
            serde_json::to_value(profile).map_err(|error| StoreError::Corrupt(error.to_string()))?
        else {
            return Ok(BTreeMap::new());
        };
        let attributes = fields.remove("attributes");
        let attributes = attributes.and_then(|value| value.as_object().cloned()).unwrap_or_default();
        Ok(fields.into_iter().chain(attributes).collect())
    };
    let (before, after) = (flat(&change.before)?, flat(change.after)?);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |of: &BTreeMap<String, Value>, name: &str| {
        // The log is printed and handed out: a number that steals an identity has no place in it.
        let is_secret = name.to_ascii_lowercase().contains("ssn") || name.to_ascii_lowercase().contains("social");
        of.get(name).map_or(Value::Null, |value| if is_secret { json!(NOT_SHOWN) } else { value.clone() })
    };
    let differ = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    Ok(differ.map(|name| (name.clone(), [value(&before, name), value(&after, name)])).collect())
}

/// Another number of the customer; or another name, of a service that began later.
fn is_another_customer(change: &Change) -> bool {
    let Change { before, after, .. } = change;
    match (before.customer(), after.customer()) {
        (Some(old), Some(new)) => old != new,
        _ => before.name_key() != after.name_key() && after.since > before.since,
    }
}

fn told(change: &Change, owed: Cents) -> String {
    let who = |profile: &Profile| {
        let number = profile.customer().map_or_else(String::new, |number| format!(", customer {number}"));
        let since = profile.since.map_or_else(String::new, |day| format!(", since {}", short(day)));
        format!("{}{number}{since}", profile.customer_name)
    };
    format!(
        "The billing system says that this account is of another customer now: {}. It was of {}, and {owed} is owed. An occupant \
         never owes a former occupant's debt: have the billing system give the new customer an account of their own, and this \
         one its customer back. Where it is the same customer, clear this line and say so. No notice, shut-off or referral \
         until then",
        who(change.after),
        who(&change.before)
    )
}
