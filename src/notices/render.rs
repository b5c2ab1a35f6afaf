//! Rendering: a released notice becomes the bytes that are kept and go out.

use super::email::{self, EmailError};
use super::letter::{self, Part};
use super::wording::{WordingError, Wordings};
use crate::config::CityProfile;
use crate::domain::arrangement::Installment;
use crate::domain::document::{Document, MediaType};
use crate::domain::notice::Notice;
use crate::domain::{AccountNumber, Channel, Day, NoticeId, Profile};
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
    /// A name or an address that cannot be printed.
    #[error(
        "notice {notice} of account {account} cannot be printed: no font shows {letters}, which stands in the name or the \
         address; have it corrected in the billing system, take the accounts file in, and clear this line: the letter is then \
         made anew"
    )]
    Unshown { notice: NoticeId, account: AccountNumber, letters: String },
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
                .map_err(|cause| unshown(typesetter, notice, profile, cause))?;
            Ok(Document::new(MediaType::Pdf, set.pdf))
        }
        Channel::Email => message(city, notice, profile, dated, &parts),
        Channel::Phone => Err(RenderError::Phone { notice: notice.id }),
    }
}

/// What the typesetter refused, in the lead's words where the cause is a letter of a name or an address.
fn unshown(typesetter: &Typesetter, notice: &Notice, profile: &Profile, cause: TypesetError) -> RenderError {
    let texts = serde_json::json!([
        notice.addressee,
        notice.address.lines(),
        profile.customer_name,
        profile.mailing_address.lines(),
        profile.service_address.lines()
    ]);
    let letters = typesetter.unshown(&texts);
    if letters.is_empty() || !matches!(cause, TypesetError::Layout { .. }) {
        return RenderError::Typeset { notice: notice.id, cause };
    }
    let letters: Vec<String> =
        letters.into_iter().map(|letter| format!("{letter} (U+{:04X})", u32::from(letter))).collect();
    RenderError::Unshown { notice: notice.id, account: profile.number.clone(), letters: letters.join(", ") }
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

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::domain::Language;

    fn set(name: &str) -> Result<Document, RenderError> {
        let (typesetter, wordings, city) = (Typesetter::new(), Wordings::builtin().unwrap(), CityProfile::default());
        let press = Press { typesetter: &typesetter, city: &city, wordings: &wordings };
        let profile = Profile { customer_name: name.into(), ..samples::profile() };
        let notice =
            Notice { addressee: name.into(), ..samples::notice("final_notice", Channel::Mail, &[Language::English]) };
        render(press, &notice, &profile, samples::day("2026-05-04"))
    }

    #[test]
    fn a_name_that_no_font_shows_is_told_with_its_letters_its_account_and_what_to_do() {
        let told = set("Rosa 🙂 Muñoz").unwrap_err().to_string();
        assert!(
            told.starts_with("notice 4711 of account 10-04417 cannot be printed: no font shows 🙂 (U+1F642)"),
            "{told}"
        );
        assert!(told.contains("have it corrected in the billing system"), "{told}");
    }

    #[test]
    fn a_name_of_one_very_long_word_is_broken_and_set() {
        assert!(set(&"Wolfeschlegelsteinhausenbergerdorff".repeat(4)).is_ok());
    }
}
