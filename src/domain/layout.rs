//! Layouts: how a destination wants its list. Fields with their positions or columns, what stands in each, and how it is
//! written. Counties, states and agencies differ, so that a layout is data (`rules/layouts/`) and no code.

use serde::{Deserialize, Serialize};

use super::account::words;

/// How the list to a destination is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub name: String,
    pub title: String,
    pub form: LayoutForm,
    pub line_end: LineEnd,
    /// A correction sends the whole list again, with what has been placed before.
    pub whole: bool,
    /// In the order of their positions or columns.
    pub fields: Vec<LayoutField>,
}

/// Positions or columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayoutForm {
    /// Each record has so many characters, besides its line end.
    Fixed {
        length: u16,
    },
    Csv,
}

words! {
    /// What stands behind each record.
    LineEnd {
        Lf = "lf",
        Crlf = "crlf",
    }
}

/// One field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutField {
    /// The column's heading, or what messages call the field.
    pub name: String,
    /// First and last position, from 1; none in CSV.
    pub at: Option<(u16, u16)>,
    pub value: FieldValue,
    pub format: FieldFormat,
    /// A longer text is cut at the end. Names and streets alone: an amount or a number is never cut.
    pub cut: bool,
    /// Without a value the record is refused.
    pub required: bool,
}

/// What stands in a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
    /// The same in each record; spaces where it is empty.
    Literal(String),
    Of(Datum),
    /// What the account's file gave under the name: `parcel`, `customer.ssn`.
    Attribute(String),
}

words! {
    /// What of a referral can stand in a field.
    Datum {
        Account = "account",
        Referral = "referral",
        Name = "name",
        FirstName = "first name",
        Initial = "initial",
        LastName = "last name",
        OwnerName = "owner name",
        Street = "street",
        City = "city",
        State = "state",
        Zip = "zip",
        ServiceStreet = "service street",
        ServiceCity = "service city",
        ServiceState = "service state",
        ServiceZip = "service zip",
        Phone = "phone",
        Email = "email",
        Class = "class",
        Total = "total",
        /// Bills without fees and interest.
        Charges = "charges",
        /// Fees and interest.
        Penalties = "penalties",
        CutOff = "cut-off",
        FirstDelinquent = "first delinquent",
        Limitation = "limitation",
        LastPayment = "last payment",
        LastPaid = "last paid",
        /// The name of the packet's file.
        Packet = "packet",
        PacketHash = "packet hash",
    }
}

words! {
    /// How a value is written.
    FieldFormat {
        /// To the left, with spaces.
        Text = "text",
        /// Its digits alone, to the right, with zeros in fixed width.
        Digits = "digits",
        /// Cents without a point, to the right, with zeros in fixed width.
        Cents = "cents",
        /// Dollars and cents with a point, to the right in fixed width.
        Amount = "amount",
        IsoDate = "YYYY-MM-DD",
        PlainDate = "YYYYMMDD",
        AmericanDate = "MMDDYYYY",
        SlashDate = "MM/DD/YYYY",
        YearMonth = "YYYYMM",
    }
}

/// What kind a value is, so that a format which cannot hold it is refused when the layout is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Text,
    Money,
    Date,
}

impl Datum {
    #[must_use]
    pub const fn kind(self) -> FieldType {
        match self {
            Self::Total | Self::Charges | Self::Penalties | Self::LastPaid => FieldType::Money,
            Self::CutOff | Self::FirstDelinquent | Self::Limitation | Self::LastPayment => FieldType::Date,
            Self::Account
            | Self::Referral
            | Self::Name
            | Self::FirstName
            | Self::Initial
            | Self::LastName
            | Self::OwnerName
            | Self::Street
            | Self::City
            | Self::State
            | Self::Zip
            | Self::ServiceStreet
            | Self::ServiceCity
            | Self::ServiceState
            | Self::ServiceZip
            | Self::Phone
            | Self::Email
            | Self::Packet
            | Self::PacketHash
            | Self::Class => FieldType::Text,
        }
    }
}

impl FieldFormat {
    #[must_use]
    pub const fn holds(self) -> FieldType {
        match self {
            Self::Text | Self::Digits => FieldType::Text,
            Self::Cents | Self::Amount => FieldType::Money,
            Self::IsoDate | Self::PlainDate | Self::AmericanDate | Self::SlashDate | Self::YearMonth => FieldType::Date,
        }
    }
}

impl LayoutField {
    /// How many characters it has; none in CSV.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        self.at.map(|(from, to)| usize::from(to) + 1 - usize::from(from))
    }

    /// `field amount (14-21)`
    #[must_use]
    pub fn place(&self) -> String {
        match self.at {
            Some((from, to)) => format!("field {} ({from}-{to})", self.name),
            None => format!("column {}", self.name),
        }
    }
}
