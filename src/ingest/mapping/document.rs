//! A mapping as it is written: what serde reads, each node that can be wrong with its place.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::Encoding;
use super::values::AmountForm;
use crate::domain::import::FileKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub mapping: String,
    pub files: Spanned<String>,
    pub kind: Spanned<FileKind>,
    #[serde(default)]
    pub encoding: Encoding,
    #[serde(default)]
    pub layout: LayoutWord,
    pub header: Option<Spanned<bool>>,
    #[serde(default)]
    pub skip_lines: u32,
    pub records: Option<String>,
    #[serde(default)]
    pub other_records: Vec<String>,
    pub dates: Option<Spanned<String>>,
    #[serde(default)]
    pub amounts: AmountForm,
    pub columns: BTreeMap<String, Spanned<ColumnDoc>>,
    pub control: Option<Spanned<ControlDoc>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LayoutWord {
    #[default]
    Commas,
    Semicolons,
    Tabs,
    Bars,
    Fixed,
}

/// A column: the name or number of the city's, or more about it.
#[derive(Default)]
pub(super) struct ColumnDoc(pub LongColumn);

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LongColumn {
    pub from: Option<NameOrNumber>,
    pub at: Option<[u32; 2]>,
    pub is: Option<String>,
    pub join: Option<Vec<PieceDoc>>,
    pub with: Option<String>,
    pub record: Option<String>,
    pub dates: Option<String>,
    pub amounts: Option<AmountForm>,
    pub words: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum NameOrNumber {
    Number(u32),
    Name(String),
}

/// A part of a value: a column of the city's, or a place of a fixed layout, in this record or in another.
#[derive(Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a column's name or number, a place like [2, 3], or {record: \"5\", at: [15, 6]}"
)]
pub(super) enum PieceDoc {
    Number(u32),
    Name(String),
    At([u32; 2]),
    Of(PieceOf),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PieceOf {
    pub record: Option<String>,
    pub at: [u32; 2],
}

impl From<NameOrNumber> for PieceDoc {
    fn from(column: NameOrNumber) -> Self {
        match column {
            NameOrNumber::Number(number) => Self::Number(number),
            NameOrNumber::Name(name) => Self::Name(name),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ControlDoc {
    pub record: String,
    pub count: Option<PlaceDoc>,
    pub total: Option<PlaceDoc>,
    pub amounts: Option<AmountForm>,
    pub through: Option<PlaceDoc>,
    pub dates: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "expected a column's number, or in a fixed layout a place like [2, 5]")]
pub(super) enum PlaceDoc {
    Number(u32),
    At([u32; 2]),
}

impl<'de> Deserialize<'de> for ColumnDoc {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Short;
        impl<'de> Visitor<'de> for Short {
            type Value = ColumnDoc;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name or number of a column of the city's, or {from: ...}, {at: [1, 10]}, {is: ...}, {join: [...]}")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<ColumnDoc, E> {
                let from = Some(NameOrNumber::Name(name.to_owned()));
                Ok(ColumnDoc(LongColumn { from, ..LongColumn::default() }))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<ColumnDoc, E> {
                let number = u32::try_from(number).map_err(|_| E::custom("no file has so many columns"))?;
                Ok(ColumnDoc(LongColumn { from: Some(NameOrNumber::Number(number)), ..LongColumn::default() }))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<ColumnDoc, E> {
                self.visit_u64(u64::try_from(number).map_err(|_| E::custom("columns are numbered from 1"))?)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnDoc, A::Error> {
                Deserialize::deserialize(de::value::MapAccessDeserializer::new(map)).map(ColumnDoc)
            }
        }
        deserializer.deserialize_any(Short)
    }
}
