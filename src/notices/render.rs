//! Rendering: a released notice becomes the bytes that are kept and go out.

use super::email::{self, EmailError};
use super::letter::{self, Part};
use super::wording::{WordingError, Wordings};
use crate::config::CityProfile;
use crate::domain::arrangement::Installment;
use crate::domain::document::{Document, MediaType};
use crate::domain::notice::Notice;
use crate::domain::{Channel, Day, NoticeId, Profile};
use crate::typeset::{TypesetError, Typesetter};

/// Why a notice could not be rendered. A retry gives the same: it belongs on the exceptions list.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("notice {notice}: {cause}")]
    Wording { notice: NoticeId, cause: WordingError },
    /// A wording that the city wrote itself.
    #[error("{0}")]
    Own(WordingError),
    #[error("notice {notice}: {cause}")]
    Typeset { notice: NoticeId, cause: TypesetError },
    #[error("notice {notice}: {cause}")]
    Email { notice: NoticeId, cause: EmailError },
    #[error("notice {notice} is a telephone call: it stands on the call list and has no document")]
    Phone { notice: NoticeId },
    #[error("notice {notice} names no language in which to write it")]
    NoLanguage { notice: NoticeId },
}

/// What every notice of a city is made with.
#[derive(Clone, Copy)]
pub struct Press<'a> {
    pub typesetter: &'a Typesetter,
    pub city: &'a CityProfile,
    pub wordings: &'a Wordings,
}

/// Renders a notice as it is to go out on `dated`: a PDF for what is mailed, posted or handed over, a message for an
/// email. The same notice, profile, city and date give the same bytes.
///
/// # Errors
/// See [`RenderError`].
pub fn render(press: Press<'_>, notice: &Notice, profile: &Profile, dated: Day) -> Result<Document, RenderError> {
    render_arrangement(press, notice, profile, dated, &[])
}

/// As [`render`], for the letter that confirms an arrangement: it prints the installments.
///
/// # Errors
/// See [`RenderError`].
pub fn render_arrangement(
    press: Press<'_>,
    notice: &Notice,
    profile: &Profile,
    dated: Day,
    installments: &[Installment],
) -> Result<Document, RenderError> {
    let Press { typesetter, city, wordings } = press;
    let parts = letter::parts(city, wordings, notice, profile, dated, installments)
        .map_err(|cause| RenderError::Wording { notice: notice.id, cause })?;
    if parts.is_empty() {
        return Err(RenderError::NoLanguage { notice: notice.id });
    }
    match notice.channel {
        Channel::Mail | Channel::Posting | Channel::Hand => {
            let set = letter::set(typesetter, city, notice, profile, dated, &parts)
                .map_err(|cause| RenderError::Typeset { notice: notice.id, cause })?;
            Ok(Document::new(MediaType::Pdf, set.pdf))
        }
        Channel::Email => message(city, notice, profile, dated, &parts),
        Channel::Phone => Err(RenderError::Phone { notice: notice.id }),
    }
}

fn message(
    city: &CityProfile,
    notice: &Notice,
    profile: &Profile,
    dated: Day,
    parts: &[Part],
) -> Result<Document, RenderError> {
    let bytes = email::message(city, notice, profile, dated, parts)
        .map_err(|cause| RenderError::Email { notice: notice.id, cause })?;
    Ok(Document::new(MediaType::Email, bytes))
}
