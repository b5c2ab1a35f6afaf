//! The attorney's list: one line an approved referral, and a control file with the totals.
//!
//! The totals stand in a file of their own, so that a program reads the list without knowing a trailer. Text that a
//! spreadsheet would take for a formula is written with a leading apostrophe (see [`super::spreadsheet`]).

use std::collections::{BTreeMap, BTreeSet};

use super::input::PacketInput;
use super::layout::{self, LayoutRefusal};
use super::packet::Packet;
use super::spreadsheet::{Cell, Table, day, maybe_day, money, number, text};
use crate::domain::day::plus_days;
use crate::domain::document::sha256;
use crate::domain::layout::Layout;
use crate::domain::ledger::Books;
use crate::domain::placement::Placement;
use crate::domain::referral::{Referral, ReferralState};
use crate::domain::{AccountNumber, Cents, Day, DocumentHash, EntryKind, Occupancy, OpenItem, Profile, Service};

/// One referral as it goes to the attorney.
#[derive(Clone, Debug)]
pub struct ExportLine {
    pub profile: Profile,
    pub referral: Referral,
    pub cut_off: Day,
    /// Open amounts; services without debt are absent.
    pub by_service: BTreeMap<Service, Cents>,
    /// Zero or more; lowers the total.
    pub unapplied: Cents,
    pub total: Cents,
    pub first_delinquent_on: Option<Day>,
    pub last_payment: Option<(Day, Cents)>,
    pub limitation_last_day: Option<Day>,
    /// Fees and interest, of the total.
    pub penalties: Cents,
    pub packet_file: String,
    pub packet_hash: DocumentHash,
}

/// The list and its control file, both CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    pub list: Vec<u8>,
    /// One line: number of referrals, total, highest, lowest, and the list's SHA-256.
    pub control: Vec<u8>,
    pub total: Cents,
}

/// Why a list is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportRefusal {
    #[error("no referral is approved: approve one first; an empty list is not sent")]
    Empty,
    #[error(
        "the referral of account {account} is {state}, and only an approved or a placed one is sent: approve it or leave it out"
    )]
    NotApproved { account: AccountNumber, state: ReferralState },
    #[error("account {account} stands twice in the list: one debt is at one destination at a time; leave one out")]
    Twice { account: AccountNumber },
    #[error("the services of account {account} sum to {services}, and its total is {total}: build its packet anew")]
    TotalDiffers { account: AccountNumber, services: Cents, total: Cents },
    #[error("{0}")]
    Layout(#[from] LayoutRefusal),
}

impl ExportLine {
    /// The line of an account whose packet was made from `input`.
    #[must_use]
    pub fn of(input: &PacketInput, packet: &Packet) -> Self {
        Self {
            profile: input.profile.clone(),
            referral: input.referral.clone(),
            cut_off: input.cut_off,
            by_service: by_service(&input.books),
            unapplied: input.books.unapplied,
            total: packet.total,
            first_delinquent_on: packet.first_delinquent_on,
            last_payment: packet.last_payment,
            limitation_last_day: packet.limitation.map(|limitation| limitation.last_day),
            penalties: penalties(&input.books),
            packet_file: packet.file_name.clone(),
            packet_hash: packet.hash.clone(),
        }
    }

    /// The line of a debt that was placed before, with what is left of it: for a list that is sent again whole. Its packet
    /// went out with the first.
    #[must_use]
    pub fn again(profile: Profile, referral: Referral, items: &[OpenItem], cut_off: Day) -> Self {
        let placed = referral.placement.as_ref().map(Placement::items).unwrap_or_default();
        let left: Vec<OpenItem> = items.iter().filter(|item| placed.contains(&item.id)).cloned().collect();
        let total = left.iter().map(|item| item.open).sum();
        let first_due = left.iter().map(|item| item.due_on).min();
        let books = Books { items: left, balance: total, ..Books::default() };
        Self {
            profile,
            referral,
            cut_off,
            by_service: by_service(&books),
            unapplied: Cents::ZERO,
            total,
            first_delinquent_on: first_due.map(|due| plus_days(due, 1)),
            last_payment: None,
            limitation_last_day: None,
            penalties: penalties(&books),
            packet_file: String::new(),
            packet_hash: sha256(&[]),
        }
    }

    /// This line and another of the same account as one; the packet is the one of the two that has one.
    fn with(self, other: &Self) -> Self {
        let (own, packet) = if self.packet_file.is_empty() { (other, &self) } else { (&self, other) };
        let (referral, packet_file, packet_hash) =
            (own.referral.clone(), own.packet_file.clone(), own.packet_hash.clone());
        let mut by_service = packet.by_service.clone();
        for (service, open) in &own.by_service {
            *by_service.entry(*service).or_default() += *open;
        }
        Self {
            referral,
            packet_file,
            packet_hash,
            by_service,
            unapplied: self.unapplied + other.unapplied,
            total: self.total + other.total,
            first_delinquent_on: earlier(self.first_delinquent_on, other.first_delinquent_on),
            last_payment: self.last_payment.max(other.last_payment),
            limitation_last_day: earlier(self.limitation_last_day, other.limitation_last_day),
            penalties: self.penalties + other.penalties,
            profile: self.profile,
            cut_off: self.cut_off,
        }
    }
}

/// The lines of a list that is sent again whole, one an account: what is out already and what goes out now stand together.
#[must_use]
pub fn by_account(lines: Vec<ExportLine>) -> Vec<ExportLine> {
    let mut joined: BTreeMap<AccountNumber, ExportLine> = BTreeMap::new();
    for line in lines {
        let line = match joined.remove(&line.profile.number) {
            None => line,
            Some(other) => line.with(&other),
        };
        joined.insert(line.profile.number.clone(), line);
    }
    joined.into_values().collect()
}

/// The list of `lines` in order of account numbers, as the layout has it; with the attorney's columns where there is none.
///
/// # Errors
/// See [`ExportRefusal`].
pub fn export(lines: &[ExportLine], layout: Option<&Layout>) -> Result<Export, ExportRefusal> {
    let mut lines: Vec<&ExportLine> = lines.iter().collect();
    lines.sort_by(|one, other| one.profile.number.cmp(&other.profile.number));
    examine(&lines)?;
    let list = match layout {
        None => list(&lines),
        Some(layout) => {
            let mut list = layout::header(layout);
            for line in &lines {
                list.extend(layout::record(layout, line)?);
            }
            list
        }
    };
    let total = lines.iter().map(|line| line.total).sum();
    let control = control(&lines, total, &sha256(&list));
    Ok(Export { list, control, total })
}

fn examine(lines: &[&ExportLine]) -> Result<(), ExportRefusal> {
    if lines.is_empty() {
        return Err(ExportRefusal::Empty);
    }
    let mut seen = BTreeSet::new();
    for line in lines {
        let account = line.profile.number.clone();
        match line.referral.state {
            ReferralState::Approved | ReferralState::Placed => {}
            state @ (ReferralState::Candidate
            | ReferralState::Recalled
            | ReferralState::Returned
            | ReferralState::Canceled
            | ReferralState::Declined) => return Err(ExportRefusal::NotApproved { account, state }),
        }
        let services = line.by_service.values().sum::<Cents>() - line.unapplied;
        if services != line.total {
            return Err(ExportRefusal::TotalDiffers { account, services, total: line.total });
        }
        if !seen.insert(&line.profile.number) {
            return Err(ExportRefusal::Twice { account });
        }
    }
    Ok(())
}

fn list(lines: &[&ExportLine]) -> Vec<u8> {
    let mut table = Table::new([
        "account",
        "referral",
        "destination",
        "debtor",
        "owner_or_tenant",
        "owner",
        "class",
        "language",
        "service_address",
        "mailing_address",
        "phones",
        "email",
        "cut_off",
        "water",
        "sewer",
        "refuse",
        "electric",
        "gas",
        "stormwater",
        "irrigation",
        "general",
        "unapplied_credit",
        "total",
        "first_delinquent_on",
        "last_payment_on",
        "last_payment",
        "limitation_last_day",
        "packet_file",
        "packet_sha256",
    ]);
    for line in lines {
        let profile = &line.profile;
        let of = |service: Service| money(line.by_service.get(&service).copied().unwrap_or_default());
        let tenancy = match profile.occupancy {
            Occupancy::Owner => "owner",
            Occupancy::Tenant => "tenant",
            Occupancy::Vacant => "vacant",
        };
        table.line([
            text(&profile.number),
            number(line.referral.id.0),
            text(line.referral.to),
            text(&profile.customer_name),
            text(tenancy),
            text(profile.owner.as_ref().map_or("", |owner| &owner.name)),
            text(profile.class),
            text(profile.language),
            text(profile.service_address.one_line()),
            text(profile.mailing_address.one_line()),
            text(profile.phones.join(" ")),
            text(profile.email.as_deref().unwrap_or_default()),
            day(line.cut_off),
            of(Service::Water),
            of(Service::Sewer),
            of(Service::Refuse),
            of(Service::Electric),
            of(Service::Gas),
            of(Service::Stormwater),
            of(Service::Irrigation),
            of(Service::General),
            money(line.unapplied),
            money(line.total),
            maybe_day(line.first_delinquent_on),
            maybe_day(line.last_payment.map(|(on, _)| on)),
            line.last_payment.map_or(Cell::Exact(String::new()), |(_, amount)| money(amount)),
            maybe_day(line.limitation_last_day),
            text(&line.packet_file),
            text(&line.packet_hash),
        ]);
    }
    table.bytes()
}

fn control(lines: &[&ExportLine], total: Cents, list: &DocumentHash) -> Vec<u8> {
    let totals = || lines.iter().map(|line| line.total);
    let mut table = Table::new(["referrals", "total", "highest", "lowest", "list_sha256"]);
    table.line([
        number(i64::try_from(lines.len()).unwrap_or(i64::MAX)),
        money(total),
        money(totals().max().unwrap_or_default()),
        money(totals().min().unwrap_or_default()),
        text(list),
    ]);
    table.bytes()
}

fn earlier(one: Option<Day>, other: Option<Day>) -> Option<Day> {
    [one, other].into_iter().flatten().min()
}

fn penalties(books: &Books) -> Cents {
    let is_penalty = |kind| matches!(kind, EntryKind::Fee | EntryKind::Interest);
    books.items.iter().filter(|item| is_penalty(item.kind)).map(|item| item.open).sum()
}

fn by_service(books: &Books) -> BTreeMap<Service, Cents> {
    let mut amounts = BTreeMap::new();
    for item in &books.items {
        *amounts.entry(item.service).or_insert(Cents::ZERO) += item.open;
    }
    amounts
}
