//! An email that came back, and what is done in its place.

use crate::domain::notice::NewNotice;

/// Why an email came back, and what follows from it in the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounced {
    /// The mail server's words, or a person's.
    pub reason: String,
    /// What failed is the address: from now on the account's notices go by mail instead, until it has another.
    pub marks_address: bool,
    /// The letter that tells what the email did not. One that its act has already is left alone.
    pub letter: Option<NewNotice>,
}
