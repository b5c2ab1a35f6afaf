//! Leave on its way into the store: pieces with the permit of each, and what became of them.

use crate::audit::Permit;

/// A piece, and the leave to carry it out that a second look gave.
///
/// It is used only while its account has learned nothing since that look.
#[derive(Debug, PartialEq, Eq)]
pub struct Permitted<Id> {
    pub id: Id,
    pub permit: Permit,
}

/// What became of pieces of which each stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried<Id> {
    pub done: Vec<Id>,
    /// Their account has learned something since the look: nothing was done with them. Look again.
    pub overtaken: Vec<Id>,
}

/// What became of pieces that make one thing, such as a print batch: it is made of all of them or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole<T, Id> {
    Made(T),
    /// Nothing was made: the accounts of these pieces have learned something since the look. Look again.
    Overtaken(Vec<Id>),
}

/// Whether an email goes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// It is recorded that it goes: hand it to the mail server.
    Goes,
    /// Its account has learned something since the look. Look again.
    Overtaken,
    /// The notice or its work is no longer there to be sent: it was canceled, or another worker holds it.
    Gone,
}
