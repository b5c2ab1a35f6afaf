//! Accounts: the billing system's master record, one row an account, the whole record each time.

use std::collections::BTreeMap;

use super::columns::{Column, Columns, Described, Family, Row};
use super::errors::Problem;
use super::forms;
use crate::domain::account::{LANDLORD_ACCOUNT, MASTER_METER, UNITS};
use crate::domain::import::FileKind;
use crate::domain::{AccountNumber, Address, CustomerClass, Day, Language, Occupancy, Party, Profile, Service};

pub const COLUMNS: Columns = Columns {
    kind: FileKind::Accounts,
    named: &[
        &NUMBER,
        &CUSTOMER_NAME,
        &CUSTOMER_NUMBER,
        &SERVICE_ADDRESS.line1,
        &SERVICE_ADDRESS.line2,
        &SERVICE_ADDRESS.city,
        &SERVICE_ADDRESS.state,
        &SERVICE_ADDRESS.zip,
        &MAILING_ADDRESS.line1,
        &MAILING_ADDRESS.line2,
        &MAILING_ADDRESS.city,
        &MAILING_ADDRESS.state,
        &MAILING_ADDRESS.zip,
        &EMAIL,
        &PHONES[0],
        &PHONES[1],
        &PHONES[2],
        &LANGUAGE,
        &CLASS,
        &SERVICES,
        &OCCUPANCY,
        &OWNER_NAME,
        &OWNER_ADDRESS.line1,
        &OWNER_ADDRESS.line2,
        &OWNER_ADDRESS.city,
        &OWNER_ADDRESS.state,
        &OWNER_ADDRESS.zip,
        &THIRD_PARTY_NAME,
        &THIRD_PARTY_ADDRESS.line1,
        &THIRD_PARTY_ADDRESS.line2,
        &THIRD_PARTY_ADDRESS.city,
        &THIRD_PARTY_ADDRESS.state,
        &THIRD_PARTY_ADDRESS.zip,
        &SERVICE_BEGAN,
        &SERVICE_ENDED,
        &PARCEL,
        &OPT_OUT_CALLS,
        &LANDLORD,
        &SHARED_METER,
        &DWELLINGS,
    ],
    families: &[&CUSTOMER, &PREMISES],
};

/// The five columns of an address.
struct AddressColumns {
    line1: Column<String>,
    line2: Column<String>,
    city: Column<String>,
    state: Column<String>,
    zip: Column<String>,
}

macro_rules! address_columns {
    ($need:ident, $prefix:literal, $meaning:literal, $($line1:literal, $line2:literal, $city:literal, $zip:literal)?) => {
        AddressColumns {
            line1: Column::$need(concat!($prefix, "_address"), &forms::TEXT, $meaning, $($line1)?),
            line2: Column::optional(concat!($prefix, "_address2"), &forms::TEXT, "A second line, such as a unit.", $($line2)?),
            city: Column::$need(concat!($prefix, "_city"), &forms::TEXT, "The city.", $($city)?),
            state: Column::$need(concat!($prefix, "_state"), &forms::STATE, "The state.", "CA"),
            zip: Column::$need(concat!($prefix, "_zip"), &forms::ZIP, "The ZIP code.", $($zip)?),
        }
    };
}

static NUMBER: Column<AccountNumber> = Column::required(
    "account",
    &forms::ACCOUNT,
    "The account number that the customer and the billing system know.",
    "10-000417",
);
static CUSTOMER_NAME: Column<String> =
    Column::required("customer_name", &forms::TEXT, "Who owes, as a letter addresses them.", "Rosa Muñoz");
static CUSTOMER_NUMBER: Column<String> = Column::optional(
    "customer",
    &forms::REFERENCE,
    "The billing system's number of the customer, the same on all accounts of one customer: so that a debt can follow them.",
    "C-20417",
);
static SERVICE_ADDRESS: AddressColumns = address_columns!(
    required,
    "service",
    "Street and number of the premises.",
    "418 Alder St",
    "Unit 3",
    "Riverbend",
    "95600"
);
static MAILING_ADDRESS: AddressColumns = address_columns!(
    optional,
    "mailing",
    "Where letters to the customer go. All five blank: the service address.",
    "PO Box 77",
    "c/o Ana Ruiz",
    "Riverbend",
    "95600-0077"
);
static EMAIL: Column<String> = Column::optional(
    "email",
    &forms::EMAIL,
    "Where emails to the customer go. Blank: letters only.",
    "rosa.munoz@example.com",
);
static PHONES: [Column<String>; 3] = [
    Column::optional("phone", &forms::PHONE, "The number to call first.", "(916) 555-0142"),
    Column::optional("phone2", &forms::PHONE, "The number to call next.", "916-555-0107"),
    Column::optional("phone3", &forms::PHONE, "The number to call last.", "9165550199"),
];
static LANGUAGE: Column<Language> =
    Column::optional("language", &forms::LANGUAGE, "The customer's language. Blank is English.", "es");
static CLASS: Column<CustomerClass> = Column::optional(
    "class",
    &forms::CLASS,
    "The customer's class. Blank is `residential`, the most protected.",
    "residential",
);
static SERVICES: Column<Vec<Service>> =
    Column::required("services", &forms::SERVICES, "The services that the account has.", "water;sewer;refuse");
static OCCUPANCY: Column<Occupancy> = Column::optional(
    "occupancy",
    &forms::OCCUPANCY,
    "Who lives at the service address. Blank is `tenant`, the most protected.",
    "owner",
);
static OWNER_NAME: Column<String> = Column::optional(
    "owner_name",
    &forms::TEXT,
    "The owner of the property, where that is not the customer.",
    "Delta Homes LLC",
);
static OWNER_ADDRESS: AddressColumns = address_columns!(
    optional,
    "owner",
    "The owner's street or box. Needed with `owner_name`.",
    "900 Harbor Blvd",
    "Suite 12",
    "Millbrook",
    "95643"
);
static THIRD_PARTY_NAME: Column<String> = Column::optional(
    "third_party_name",
    &forms::TEXT,
    "Who else is notified, where the customer named one (Public Utilities Code 10010.1).",
    "Elena Muñoz",
);
static THIRD_PARTY_ADDRESS: AddressColumns = address_columns!(
    optional,
    "third_party",
    "The third party's street or box. Needed with `third_party_name`.",
    "77 Quarry Rd",
    "Apt 2",
    "Millbrook",
    "95643"
);
static SERVICE_BEGAN: Column<Day> =
    Column::optional("service_began", &forms::DATE, "When service began.", "2019-08-01");
static SERVICE_ENDED: Column<Day> = Column::optional(
    "service_ended",
    &forms::DATE,
    "When service ended; a final bill follows. Blank: it has not.",
    "2026-04-15",
);
static PARCEL: Column<String> = Column::optional(
    "parcel",
    &forms::TEXT,
    "The assessor's parcel number, for liens and the tax roll.",
    "041-220-017",
);
static OPT_OUT_CALLS: Column<bool> = Column::optional(
    "opt_out_calls",
    &forms::FLAG,
    "Whether the customer asked not to be telephoned. Blank is no.",
    "no",
);
static LANDLORD: Column<bool> = Column::optional(
    LANDLORD_ACCOUNT,
    &forms::FLAG,
    "Whether the customer is the landlord or manager of those who live there, who are told before a shut-off. Blank: as the class, the meter, the dwellings and the owner tell.",
    "yes",
);
static SHARED_METER: Column<bool> =
    Column::optional(MASTER_METER, &forms::FLAG, "Whether one meter serves several dwellings.", "yes");
static DWELLINGS: Column<u16> =
    Column::optional(UNITS, &forms::COUNT, "How many dwellings the premises have: so many doors.", "24");
static CUSTOMER: Family<String> = Family {
    prefix: "customer.",
    form: &forms::TEXT,
    meaning: "A fact about the customer, for policies that ask for it.",
    example: ("age", "71"),
};
static PREMISES: Family<String> = Family {
    prefix: "premises.",
    form: &forms::TEXT,
    meaning: "A fact about the premises, for policies that ask for it.",
    example: ("meter", "5/8"),
};

/// An account's record.
pub fn row(row: &mut Row) -> Option<Profile> {
    let number = row.required(&NUMBER);
    let customer_name = row.required(&CUSTOMER_NAME);
    let service_address = address(row, &SERVICE_ADDRESS);
    let mailing_address = if is_given(row, &MAILING_ADDRESS) {
        complete_address(row, &MAILING_ADDRESS, "a part of the mailing address")
    } else {
        service_address.clone()
    };
    let email = row.optional(&EMAIL);
    let mut phones: Vec<String> = Vec::new();
    for column in &PHONES {
        phones.extend(row.optional(column).filter(|phone| !phones.contains(phone)));
    }
    let language = row.optional(&LANGUAGE).unwrap_or(Language::English);
    let class = row.optional(&CLASS).unwrap_or(CustomerClass::Residential);
    let services = row.required(&SERVICES);
    let occupancy = row.optional(&OCCUPANCY).unwrap_or(Occupancy::Tenant);
    let owner = party(row, &OWNER_NAME, &OWNER_ADDRESS);
    let third_party = party(row, &THIRD_PARTY_NAME, &THIRD_PARTY_ADDRESS);
    let since = row.optional(&SERVICE_BEGAN);
    let ended = row.optional(&SERVICE_ENDED);
    if let (Some(began), Some(ended)) = (since, ended)
        && ended < began
    {
        let problem = Problem::BeforeOther { other: "service_began", other_value: began.to_string() };
        row.error(SERVICE_ENDED.name, Some(&ended.to_string()), problem);
    }
    let attributes = attributes(row);
    Some(Profile {
        number: number?,
        customer_name: customer_name?,
        service_address: service_address?,
        mailing_address: mailing_address?,
        email,
        phones,
        language,
        class,
        services: services?,
        owner,
        occupancy,
        third_party,
        since,
        ended,
        attributes,
    })
}

fn attributes(row: &mut Row) -> BTreeMap<String, String> {
    let mut attributes = row.family(&CUSTOMER, true);
    attributes.extend(row.family(&PREMISES, true));
    // What the law of tenants goes by is understood when it comes in, or refused.
    for column in [&LANDLORD, &SHARED_METER] {
        if let Some(says) = row.optional(column) {
            attributes.insert(column.name.to_owned(), yes_or_no_word(says));
        }
    }
    if let Some(dwellings) = row.optional(&DWELLINGS) {
        attributes.insert(UNITS.to_owned(), dwellings.to_string());
    }
    if let Some(parcel) = row.optional(&PARCEL) {
        attributes.insert(PARCEL.name.to_owned(), parcel);
    }
    if let Some(customer) = row.optional(&CUSTOMER_NUMBER) {
        attributes.insert(CUSTOMER_NUMBER.name.to_owned(), customer);
    }
    if let Some(opts_out) = row.optional(&OPT_OUT_CALLS) {
        attributes.insert(OPT_OUT_CALLS.name.to_owned(), yes_or_no_word(opts_out));
    }
    attributes
}

fn yes_or_no_word(says: bool) -> String {
    if says { "yes" } else { "no" }.to_owned()
}

/// An address whose columns are required, or checked by the caller.
fn address(row: &mut Row, columns: &AddressColumns) -> Option<Address> {
    let line1 = row.required(&columns.line1);
    let line2 = row.optional(&columns.line2).unwrap_or_default();
    let city = row.required(&columns.city);
    let state = row.required(&columns.state);
    let zip = row.required(&columns.zip);
    Some(Address { line1: line1?, line2, city: city?, state: state?, zip: zip? })
}

fn is_given(row: &mut Row, columns: &AddressColumns) -> bool {
    row.has(&columns.line1)
        || row.has(&columns.line2)
        || row.has(&columns.city)
        || row.has(&columns.state)
        || row.has(&columns.zip)
}

/// An address that must be whole since a part of it, or the name that belongs to it, is given.
fn complete_address(row: &mut Row, columns: &AddressColumns, because: &str) -> Option<Address> {
    let parts = [&columns.line1, &columns.city, &columns.state, &columns.zip];
    let mut is_whole = true;
    for column in parts {
        if !row.has(column) {
            is_whole = false;
            let problem = Problem::Incomplete { because: because.to_owned(), expectation: column.expectation() };
            row.error(column.name, None, problem);
        }
    }
    if is_whole { address(row, columns) } else { None }
}

/// A name with its address: both or neither.
fn party(row: &mut Row, name: &Column<String>, columns: &AddressColumns) -> Option<Party> {
    if row.has(name) {
        let address = complete_address(row, columns, name.name);
        let name = row.required(name);
        return Some(Party { name: name?, address: address? });
    }
    if is_given(row, columns) {
        let because = format!("a part of {}", columns.line1.name);
        row.error(name.name, None, Problem::Incomplete { because, expectation: name.expectation() });
    }
    None
}
