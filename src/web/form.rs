//! What a form brings: checked to be ours and from someone who may write, and read field by field with plain errors.

use std::str::FromStr;
use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;

use super::Web;
use super::error::WebError;
use super::session::{self, Person};
use crate::domain::{Cents, Day, day};

/// A form posted by a person. Everything that changes something takes one.
#[derive(Debug)]
pub struct Posted {
    pub person: Person,
    pub fields: Fields,
}

/// The fields in their order; a name may come more than once.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl FromRequest<Arc<Web>> for Posted {
    type Rejection = WebError;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Self, WebError> {
        let (mut parts, body) = request.into_parts();
        let foreign = session::is_foreign(&parts.headers);
        let person = Person::from_request_parts(&mut parts, web).await.map_err(|error| match error {
            // What was typed is lost; after logging in one begins at the start, not with a form's address.
            WebError::LoginNeeded { .. } => WebError::LoginNeeded { then: "/".to_owned() },
            other => other,
        })?;
        let fields = Fields::read(Request::from_parts(parts, body)).await?;
        if foreign || !person.signed(fields.get("form_token")) {
            return Err(WebError::Unsigned);
        }
        Ok(Self { person, fields })
    }
}

/// The fields of a query: `?day=2026-05-22`.
impl FromRequestParts<Arc<Web>> for Fields {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, WebError> {
        let Query(fields) = Query::<Vec<(String, String)>>::from_request_parts(parts, web)
            .await
            .map_err(|error| WebError::Input(format!("The address could not be read: {}.", error.body_text())))?;
        Ok(Self(fields))
    }
}

/// The number in a path: `/calls/17`. What is no number is not found.
#[derive(Clone, Copy, Debug)]
pub struct Key(pub i64);

impl FromRequestParts<Arc<Web>> for Key {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, WebError> {
        let Path(text) = Path::<String>::from_request_parts(parts, web)
            .await
            .map_err(|_| WebError::NotFound("page at this address".to_owned()))?;
        text.parse().map(Self).map_err(|_| WebError::NotFound("page at this address".to_owned()))
    }
}

impl Fields {
    /// Reads a body of a form.
    pub async fn read(request: Request) -> Result<Self, WebError> {
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, &())
            .await
            .map_err(|error| WebError::Input(format!("The form could not be read: {}.", error.body_text())))?;
        Ok(Self(fields))
    }

    /// The field's text without surrounding space; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// A text that must be given: a reason.
    pub fn text(&self, name: &str, label: &str) -> Result<&str, WebError> {
        match self.get(name) {
            "" => Err(WebError::Input(format!("{label} is missing: fill it in."))),
            text if text.chars().count() > 1_000 => {
                Err(WebError::Input(format!("{label} is longer than 1,000 characters: shorten it.")))
            }
            text => Ok(text),
        }
    }

    /// A date, or none when it is left blank.
    pub fn day(&self, name: &str, label: &str) -> Result<Option<Day>, WebError> {
        match self.get(name) {
            "" => Ok(None),
            text => read_day(text).map(Some).ok_or_else(|| {
                WebError::Input(format!(
                    "{label} is “{text}”, which is no date: write it like 5/22/2026 or 2026-05-22."
                ))
            }),
        }
    }

    /// An amount of money, or none when it is left blank.
    pub fn amount(&self, name: &str, label: &str) -> Result<Option<Cents>, WebError> {
        match self.get(name) {
            "" => Ok(None),
            text => Cents::from_str(text)
                .map(Some)
                .map_err(|error| WebError::Input(format!("{label} is “{text}”: {error}."))),
        }
    }

    /// A whole number above zero.
    pub fn number(&self, name: &str, label: &str) -> Result<u32, WebError> {
        let text = self.get(name);
        text.parse::<u32>()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| WebError::Input(format!("{label} is “{text}”: write a whole number from 1.")))
    }

    /// The keys that were ticked.
    pub fn keys(&self, name: &str) -> Result<Vec<i64>, WebError> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.parse().map_err(|_| WebError::Input(format!("“{value}” is not a key of a line."))))
            .collect()
    }
}

/// Reads `2026-05-22`, as a date field sends it, or `5/22/2026`, as one types it.
pub fn read_day(text: &str) -> Option<Day> {
    day::parse(text).or_else(|| {
        let mut parts = text.trim().split('/').map(str::trim);
        let (month, date, year) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 {
            return None;
        }
        day::parse(&format!("{year}-{month:0>2}-{date:0>2}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    fn says<T: std::fmt::Debug>(result: Result<T, WebError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn dates_are_read_as_the_browser_sends_and_as_people_type_them() {
        let expected = day::parse("2026-05-02");
        assert_eq!(read_day("2026-05-02"), expected);
        assert_eq!(read_day("5/2/2026"), expected);
        assert_eq!(read_day("5/2/26"), None);
        assert_eq!(read_day("2/30/2026"), None);
    }

    #[test]
    fn a_wrong_field_is_named_with_what_was_written_and_what_to_write() {
        let form = fields(&[("amount", "12,3"), ("pay_by", "soon"), ("rank", "0"), ("reason", "  ")]);
        assert_eq!(
            says(form.amount("amount", "The promised amount")),
            "The promised amount is “12,3”: not an amount of money; write it like 180.00."
        );
        assert!(says(form.day("pay_by", "The date")).contains("no date: write it like 5/22/2026"));
        assert!(says(form.number("rank", "The rank")).contains("from 1"));
        assert_eq!(says(form.text("reason", "The reason")), "The reason is missing: fill it in.");
    }

    #[test]
    fn every_ticked_line_counts() {
        let form = fields(&[("notice", "4"), ("form_token", "x"), ("notice", "9")]);
        assert_eq!(form.keys("notice").unwrap(), [4, 9]);
        assert!(fields(&[("notice", "4 or 5")]).keys("notice").is_err());
    }
}
