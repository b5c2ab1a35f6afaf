//! Notices: which pieces an act makes, how they are worded, and how they leave as letters and emails.
//!
//! One wording a notice and language (`wording`) becomes blocks; a letter (`letter`) and an email (`email`) are two
//! dresses of the same blocks. Everything up to `render` is pure: the same notice on the same date gives the same
//! bytes. Only `deliver` (with `smtp` and `dkim`) and `batch` touch a network or a folder. Deliberately absent: the database, and any choice
//! of whether a notice is sent.

pub mod batch;
pub mod blocks;
pub mod bounce;
pub mod call_sheet;
pub mod deliver;
pub mod digest;
pub mod dkim;
pub mod email;
mod email_html;
mod email_text;
pub mod files;
pub mod language;
pub mod letter;
pub mod plan;
pub mod render;
pub(crate) mod samples;
pub mod smtp;
pub mod wording;

pub use deliver::{Delivery, Mailer};
pub use plan::{ARRANGEMENT_LETTER, arrangement_letter, of_act, residents, ruling_letter};
pub use render::{Press, RenderError, render, render_arrangement};
pub use wording::Wordings;
