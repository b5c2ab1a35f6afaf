//! What makes the record evidence: the hash of each log line over the one before it, and the seal over both log and
//! ledger.
//!
//! Every text that is hashed here is UTF-8, one field a line, so that an auditor can make it again with a query and
//! `sha256sum`; `docs/EVIDENCE.md` shows how. Deliberately absent: any key. A seal says nothing by itself to somebody who
//! holds the whole database; it says it together with the roots that a city keeps elsewhere, as the digest brings them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::document::hex;
use super::ids::{AccountId, RunId};
use super::ledger::Entry;

/// What stands before the first line of a chain, and before the first seal.
pub const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line of the log as it is hashed: what the database has, to the byte.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// None for what concerns the whole city: these lines have a chain of their own.
    pub account: Option<AccountId>,
    pub run: Option<RunId>,
    pub recorded_at: DateTime<Utc>,
    /// Who, as JSON.
    pub actor: &'a str,
    pub what: &'a str,
    /// The body, as JSON.
    pub body: &'a str,
}

impl Line<'_> {
    /// The line's hash in lower-case hex, over that of the line before it in its chain.
    #[must_use]
    pub fn hash(&self, previous: &str) -> String {
        let Line { actor, what, body, .. } = self;
        let (account, run) = (number(self.account.map(|id| id.0)), number(self.run.map(|id| id.0)));
        let at = instant(self.recorded_at);
        let mut hash = Sha256::new();
        for field in ["arrears-log-1", previous, &account, &run, &at, actor, what] {
            hash.update(field);
            hash.update("\n");
        }
        hash.update(body);
        hash.update("\n");
        hex(&hash.finalize())
    }
}

/// An entry of the ledger as it is sealed: the hash of a JSON array of all its columns.
///
/// # Errors
/// When it cannot be written as JSON, which no entry that was read brings about.
pub fn entry_hash(entry: &Entry) -> Result<String, serde_json::Error> {
    let (cents, recorded_at) = (entry.amount.get(), instant(entry.recorded_at));
    let columns: [&dyn Column; 16] = [
        &entry.id,
        &entry.account,
        &entry.service,
        &entry.kind,
        &cents,
        &entry.effective_on,
        &entry.due_on,
        &entry.printed,
        &entry.designated_item,
        &entry.designated_service,
        &entry.reverses,
        &entry.channel,
        &entry.source,
        &entry.reference,
        &entry.memo,
        &recorded_at,
    ];
    let mut text = String::from("[");
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&column.text()?);
    }
    text.push_str("]\n");
    Ok(hex(&Sha256::digest(&text)))
}

/// A value of a column as JSON.
trait Column {
    fn text(&self) -> Result<String, serde_json::Error>;
}

impl<T: Serialize> Column for T {
    fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// Which part of log and ledger a seal covers: what came after the seal before it, through these numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The last line of the log.
    pub log: i64,
    /// The last entry of the ledger.
    pub entry: i64,
}

/// A seal as it is made: lines of the log in the order of their numbers, then entries in the order of theirs.
#[derive(Clone)]
pub struct Sealing {
    hash: Sha256,
    pub lines: u64,
    pub entries: u64,
}

impl Sealing {
    /// Begins the seal of all through `through`, behind the seal with the root `previous`.
    #[must_use]
    pub fn new(previous: &str, through: Span) -> Self {
        let mut hash = Sha256::new();
        hash.update(format!("arrears-seal-1\n{previous}\n{} {}\n", through.log, through.entry));
        Self { hash, lines: 0, entries: 0 }
    }

    /// The next line of the log, with its hash as it is recorded.
    pub fn line(&mut self, seq: i64, account: Option<AccountId>, hash: &str) {
        self.lines += 1;
        self.hash.update(format!("log {seq} {} {hash}\n", number(account.map(|id| id.0))));
    }

    /// The next entry, with its [`entry_hash`].
    pub fn entry(&mut self, id: i64, hash: &str) {
        self.entries += 1;
        self.hash.update(format!("entry {id} {hash}\n"));
    }

    /// The root.
    #[must_use]
    pub fn root(self) -> String {
        hex(&self.hash.finalize())
    }
}

fn number(id: Option<i64>) -> String {
    id.map_or_else(|| "-".into(), |id| id.to_string())
}

/// An instant in UTC, to the microsecond, which is what PostgreSQL keeps.
fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::PaymentChannel;
    use crate::domain::{Cents, EntryId, EntryKind, Service, day};

    fn at() -> DateTime<Utc> {
        "2026-05-20T16:30:00.1234567Z".parse().unwrap()
    }

    fn line(body: &str) -> Line<'_> {
        let (account, run) = (Some(AccountId(7)), None);
        Line { account, run, recorded_at: at(), actor: r#"{"person":"Ruth"}"#, what: "hold placed", body }
    }

    /// `printf 'arrears-log-1\n%064d\n7\n-\n2026-05-20T16:30:00.123456Z\n{"person":"Ruth"}\nhold placed\n{"a":1}\n' 0 | sha256sum`
    #[test]
    fn a_line_s_hash_is_what_sha256sum_says_of_its_fields() {
        let hash = line(r#"{"a":1}"#).hash(NOTHING_BEFORE);
        assert_eq!(hash, "5e66eecb7f1e8c1be87431cfc51c30e99515d1e82cd79e2ce8a0a8cd263acfcc");
    }

    #[test]
    fn every_field_and_the_line_before_change_the_hash() {
        let first = line("{}");
        let changed = [
            first.hash(&"1".repeat(64)),
            Line { account: None, ..first }.hash(NOTHING_BEFORE),
            Line { run: Some(RunId(1)), ..first }.hash(NOTHING_BEFORE),
            Line { recorded_at: at() + chrono::TimeDelta::microseconds(1), ..first }.hash(NOTHING_BEFORE),
            Line { actor: "\"daemon\"", ..first }.hash(NOTHING_BEFORE),
            Line { what: "hold ended", ..first }.hash(NOTHING_BEFORE),
            line("[]").hash(NOTHING_BEFORE),
            first.hash(NOTHING_BEFORE),
        ];
        let different: std::collections::BTreeSet<&String> = changed.iter().collect();
        assert_eq!(different.len(), changed.len());
    }

    /// `printf '[3,7,"water","payment",-4020,"2026-05-20",null,{},2,null,null,"lockbox","bank","LB 1","","2026-05-20T16:30:00.123456Z"]\n' | sha256sum`
    #[test]
    fn an_entry_s_hash_is_what_sha256sum_says_of_its_columns() {
        let entry = Entry {
            id: EntryId(3),
            account: AccountId(7),
            service: Service::Water,
            kind: EntryKind::Payment,
            amount: Cents::new(-4020),
            effective_on: day::parse("2026-05-20").unwrap(),
            due_on: None,
            printed: std::collections::BTreeMap::new(),
            designated_item: Some(EntryId(2)),
            designated_service: None,
            reverses: None,
            channel: Some(PaymentChannel::Lockbox),
            source: "bank".into(),
            reference: "LB 1".into(),
            memo: String::new(),
            recorded_at: at(),
        };
        assert_eq!(entry_hash(&entry).unwrap(), "bf68dbad04e000e3c0137f1fc4a475ee15f739b0b1f01626b3c30bbf5dbf0cd4");
    }

    /// `printf 'arrears-seal-1\n%064d\n12 3\nlog 11 7 aa\nlog 12 - bb\nentry 3 cc\n' 0 | sha256sum`
    #[test]
    fn a_seal_s_root_is_what_sha256sum_says_of_its_lines() {
        let mut seal = Sealing::new(NOTHING_BEFORE, Span { log: 12, entry: 3 });
        seal.line(11, Some(AccountId(7)), "aa");
        seal.line(12, None, "bb");
        seal.entry(3, "cc");
        assert_eq!((seal.lines, seal.entries), (2, 1));
        assert_eq!(seal.root(), "ba88f11c025a5bba0543f7efb8f7aa89e235982df525ac747ba4244b7c0c7492");
    }
}
