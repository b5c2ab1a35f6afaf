//! The packet: examined, drawn up, set, packed, hashed. The same input gives the same bytes.

use std::fmt;

use serde_json::{Value, json};

use super::input::PacketInput;
use super::limitation::Limitation;
use super::refusal::{self, PacketRefusal};
use super::sent::{self, sent};
use super::statement::{self, Statement};
use super::{archive, face, tables};
use crate::domain::document::sha256;
use crate::domain::{Cents, Day, DocumentHash, Language};
use crate::typeset::{DocumentMeta, Typesetter};

/// The layout of `packet.pdf`.
const LAYOUT: &str = "packet";

/// A finished packet.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// `packet-1042-07-2026-09-30.zip`.
    pub file_name: String,
    pub zip: Vec<u8>,
    /// The SHA-256 of `zip`.
    pub hash: DocumentHash,
    /// What is in it, in order; the manifest is last.
    pub parts: Vec<Part>,
    /// The ledger's balance at the cut-off.
    pub total: Cents,
    /// The first day on which the oldest open debt was delinquent.
    pub first_delinquent_on: Option<Day>,
    pub last_payment: Option<(Day, Cents)>,
    /// The limitation that ends first.
    pub limitation: Option<Limitation>,
    /// What the lead should read before it leaves; the cover prints the same.
    pub warnings: Vec<String>,
}

/// One file of a packet.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    pub path: String,
    pub bytes: Vec<u8>,
    pub hash: DocumentHash,
}

impl Part {
    fn new(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), hash: sha256(&bytes), bytes }
    }
}

/// Without the bytes: a packet in a log line would fill the log.
impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({}, {}, {}, {:?})", self.file_name, self.total, self.hash, self.parts)
    }
}

/// Without the bytes.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({}, {} bytes, {})", self.path, self.bytes.len(), self.hash)
    }
}

/// Makes the packet of one account.
///
/// # Errors
/// A [`PacketRefusal`] when the packet would be wrong or unlawful; see [`refusal::examine`].
pub fn build(input: &PacketInput, typesetter: &Typesetter) -> Result<Packet, PacketRefusal> {
    refusal::examine(input)?;
    let statement = statement::draw(input);
    let exhibits = exhibits(input, &statement)?;
    let pdf = typesetter.pdf(LAYOUT, &typesetter.printable(face::data(input, &statement, &exhibits)), &meta(input))?;

    let mut parts = vec![Part::new("packet.pdf", pdf)];
    parts.extend(exhibits);
    let manifest = written(&manifest(input, &statement, &parts))?;
    parts.push(Part::new("manifest.json", manifest));

    let zip = archive::pack(&parts, input.cut_off).map_err(|error| PacketRefusal::Archive(error.to_string()))?;
    Ok(Packet {
        file_name: format!("packet-{}-{}.zip", sent::file_part(input.profile.number.as_str()), input.cut_off),
        hash: sha256(&zip),
        zip,
        parts,
        total: statement.claim.total,
        first_delinquent_on: statement.first_delinquent_on(),
        last_payment: statement.last_payment.map(|entry| (entry.effective_on, entry.amount.abs())),
        limitation: statement.first_limitation().map(|line| line.limitation),
        warnings: face::warnings(input, &statement),
    })
}

/// Everything but the PDF and the manifest: the tables, then the notices byte for byte as kept.
fn exhibits(input: &PacketInput, statement: &Statement<'_>) -> Result<Vec<Part>, PacketRefusal> {
    let mut parts = vec![
        Part::new("statement.csv", tables::statement_csv(statement)),
        Part::new("statement.json", written(&tables::statement_json(input, statement))?),
        Part::new("calls.csv", tables::calls_csv(input)),
        Part::new("arrangements.csv", tables::arrangements_csv(input)),
        Part::new("notices.csv", tables::notices_csv(input)),
    ];
    for piece in sent(input) {
        if let (Some(path), Some((_, bytes))) = (piece.path(), piece.document) {
            parts.push(Part::new(path, bytes.to_vec()));
        }
    }
    Ok(parts)
}

/// `manifest.json`: what the packet is, and each file with its size and SHA-256.
fn manifest(input: &PacketInput, statement: &Statement<'_>, parts: &[Part]) -> Value {
    let files: Vec<Value> =
        parts.iter().map(|part| json!({ "path": part.path, "bytes": part.bytes.len(), "sha256": part.hash })).collect();
    json!({
        "format": "arrears packet 1",
        "account": input.profile.number,
        "referral": input.referral.id,
        "destination": input.referral.to,
        "cut_off": input.cut_off,
        "checked_on": input.checked_on,
        "total": statement.claim.total.to_plain(),
        "limitation_last_day": statement.first_limitation().map(|line| line.limitation.last_day),
        "policy_sha256": input.policy.hash,
        "files": files,
    })
}

fn meta(input: &PacketInput) -> DocumentMeta {
    DocumentMeta {
        title: format!("Referral packet, account {}, cut-off {}", input.profile.number, input.cut_off),
        language: Language::English,
        date: input.cut_off,
        author: format!("{}, {}", input.city.name, input.city.department),
    }
}

/// JSON with indents and a line feed at its end. Its keys are in alphabetical order.
fn written(value: &Value) -> Result<Vec<u8>, PacketRefusal> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| PacketRefusal::Archive(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}
