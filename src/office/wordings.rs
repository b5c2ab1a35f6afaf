//! Wordings: the city's own, and the translations that it has signed.
//!
//! A translation that the program brings is a draft. Nothing is printed or sent in it before a person of the city has signed
//! that text; a text that changes afterwards, the city's or the program's, is a draft again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::{Office, OfficeError, Result};
use crate::domain::arrangement::Installment;
use crate::domain::notice::{Notice, Restores};
use crate::domain::{Action, Cents, Channel, Day, DocumentHash, Language, NoticeName, Recipient, Service};
use crate::notices::language::{english_name, listed};
use crate::notices::wording::{self, OwnWording};
use crate::notices::{RenderError, Wordings, render_arrangement, residents, samples};
use crate::rulebook::Policy;
use crate::store::{ExceptionKind, WordingSignature};
use crate::typeset::Typesetter;

/// The folder of the data directory in which a city's own wordings stand: `wordings/final_notice/ko.md`.
pub(super) const FOLDER: &str = "wordings";

/// A wording in one language, and whether it may go out.
#[derive(Clone, Debug, Serialize)]
pub struct WordingState {
    pub name: &'static str,
    pub language: Language,
    /// The city's own text.
    pub own: bool,
    pub standing: WordingStanding,
    pub signed_by: Option<String>,
    pub signed_on: Option<Day>,
    pub note: Option<String>,
}

/// Whether a wording may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WordingStanding {
    /// The text that translations are made from.
    Original,
    Signed,
    /// Signed once, and changed since.
    Changed,
    Draft,
}

/// What is signed, read once for many notices.
#[derive(Debug, Default)]
pub(super) struct Signed(BTreeMap<(NoticeName, Language), DocumentHash>);

impl Signed {
    /// The languages of a notice in which nothing may go out yet.
    fn missing(&self, wordings: &Wordings, notice: &Notice) -> Vec<Language> {
        let is_missing = |language: &Language| {
            let current = wordings.hash(notice.template.as_str(), *language);
            *language != Language::English && self.0.get(&(notice.template.clone(), *language)) != current.as_ref()
        };
        notice.languages.iter().copied().filter(is_missing).collect()
    }

    /// Why the notice may not go out yet, and what to do.
    pub(super) fn refusal(&self, wordings: &Wordings, notice: &Notice) -> Option<String> {
        let missing = self.missing(wordings, notice);
        if missing.is_empty() {
            return None;
        }
        let names: Vec<&str> = missing.iter().map(|language| english_name(*language)).collect();
        let codes: Vec<&str> = missing.iter().map(|language| language.word()).collect();
        Some(format!(
            "the city has not signed its translation of {} into {}; read it with `arrears wordings show {} LANGUAGE`, then \
             `arrears wordings sign {} --language {} --note REVIEW --by NAME`",
            notice.template,
            listed(&names, Language::English),
            notice.template,
            notice.template,
            codes.join(","),
        ))
    }
}

/// What a wording lacks of what the law has a notice state; `None` where it lacks nothing, or there is no such wording.
pub(super) fn unstated(
    policy: &Policy,
    wordings: &Wordings,
    notice: &NoticeName,
    languages: &[Language],
) -> Option<String> {
    let asked = policy.statements(notice);
    for language in languages.iter().filter(|language| wordings.exists(notice, **language)) {
        let stated = wordings.states(notice.as_str(), *language);
        let lacking: Vec<&str> =
            asked.iter().map(|(statement, _)| statement.word()).filter(|word| !stated.contains(word)).collect();
        if let (Some(first), Some((_, citation))) = (lacking.first(), asked.first()) {
            return Some(format!(
                "{notice} in {} does not state {}, for which {citation} asks; write it, and mark the place with \
                 {{# states: {first} #}} in wordings/{notice}/{}.md",
                english_name(*language),
                listed(&lacking, Language::English),
                language.word(),
            ));
        }
    }
    None
}

impl Office {
    /// Every wording of a notice that the law requires ahead of a shut-off states what the law asks for.
    ///
    /// # Errors
    /// The first that does not, and what it lacks.
    pub(super) fn wordings_state_all(&self, policy: &Policy) -> Result<()> {
        let notices = policy.tracks.iter().flat_map(|track| &track.stages).flat_map(|stage| &stage.acts);
        for act in notices {
            if let Action::Notice(notice) = act
                && let Some(lack) = unstated(policy, &self.wordings, &notice.template, Language::ALL)
            {
                return Err(OfficeError::refused(lack, "the policy was not adopted"));
            }
        }
        Ok(())
    }

    /// All wordings and whether they may go out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wording_states(&self) -> Result<Vec<WordingState>> {
        let mut signatures: BTreeMap<(NoticeName, Language), WordingSignature> = self
            .store
            .wording_signatures()
            .await?
            .into_iter()
            .map(|signature| ((signature.name.clone(), signature.language), signature))
            .collect();
        let state = |(name, language): (&'static str, Language)| {
            let signature = signatures.remove(&(NoticeName::from(name), language));
            let standing = match &signature {
                _ if language == Language::English => WordingStanding::Original,
                Some(signature) if Some(&signature.hash) == self.wordings.hash(name, language).as_ref() => {
                    WordingStanding::Signed
                }
                Some(_) => WordingStanding::Changed,
                None => WordingStanding::Draft,
            };
            WordingState {
                name,
                language,
                own: self.wordings.is_own(name, language),
                standing,
                signed_by: signature.as_ref().map(|signature| signature.signed_by.clone()),
                signed_on: signature.as_ref().map(|signature| signature.signed_on),
                note: signature.map(|signature| signature.note),
            }
        };
        Ok(self.wordings.all().into_iter().map(state).collect())
    }

    /// The text of a wording.
    ///
    /// # Errors
    /// When there is none of that name and language.
    pub fn wording_text(&self, name: &str, language: Language) -> Result<&str> {
        self.wordings.text(name, language).ok_or_else(|| no_wording(name))
    }

    /// A notice as it would be printed for a made-up customer, in the languages, one after the other: what a translator reads.
    ///
    /// # Errors
    /// When there is no wording of that name, or no font of this machine shows the language.
    pub fn wording_proof(&self, name: &str, languages: &[Language], recipient: Recipient) -> Result<Vec<u8>> {
        if !wording::names().contains(&name) {
            return Err(no_wording(name));
        }
        let channel = if matches!(name, "shut_off_tag" | "tenants_notice") { Channel::Posting } else { Channel::Mail };
        let mut notice = Notice { recipient, ..samples::notice(name, channel, languages) };
        match name {
            // After a shut-off none is announced; and what restores water is less than all that is past due.
            "how_to_restore" => {
                let facts = &mut notice.facts;
                (facts.pay_by, facts.shut_off_on) = (None, None);
                let past_due = facts.amount;
                facts.items.retain(|item| item.service == Service::Water);
                facts.amount = facts.items.iter().map(|item| item.open).sum();
                facts.restores = Some(Restores { fee: Cents::new(4_500), listed: Cents::ZERO, past_due });
            }
            "dispute_ruling" => samples::tell_ruling(&mut notice.facts),
            "tenants_notice" => {
                let address = samples::profile().service_address;
                (notice.addressee, notice.address) = (residents(languages).to_owned(), address);
            }
            _ => {}
        }
        let installment = Installment { due_on: notice.planned_on, amount: notice.facts.amount };
        let installments = if name == "arrangement_letter" { &[installment][..] } else { &[] };
        let profile = samples::profile();
        let document = render_arrangement(self.press(), &notice, &profile, notice.planned_on, installments)?;
        Ok(document.bytes)
    }

    /// Signs the translations of a notice, or of every notice, into the languages as they stand now. Gives what was signed.
    ///
    /// # Errors
    /// When there is no such notice, or nothing says who reviewed it.
    pub async fn sign_wordings(
        &self,
        name: Option<&str>,
        languages: &[Language],
        note: &str,
        by: &str,
    ) -> Result<Vec<(&'static str, Language)>> {
        if note.trim().is_empty() {
            let expected = "who reviewed the translation, or where the review is filed".to_owned();
            return Err(OfficeError::Input { what: "the note", given: note.to_owned(), expected });
        }
        if let Some(name) = name.filter(|name| !wording::names().contains(name)) {
            return Err(no_wording(name));
        }
        let stamp = self.stamp(by);
        let is_meant = |(of, language): &(&'static str, Language)| {
            *language != Language::English && name.is_none_or(|name| name == *of) && languages.contains(language)
        };
        let meant: Vec<_> = self.wordings.all().into_iter().filter(is_meant).collect();
        let signature = |(name, language): &(&'static str, Language)| {
            self.wordings.hash(name, *language).map(|hash| WordingSignature {
                name: NoticeName::from(*name),
                language: *language,
                hash,
                signed_by: by.to_owned(),
                signed_on: stamp.on,
                note: note.trim().to_owned(),
            })
        };
        let signatures: Vec<WordingSignature> = meant.iter().filter_map(signature).collect();
        self.store.sign_wordings(&signatures, &stamp).await?;
        self.store.clear_exceptions_of(ExceptionKind::WordingUnsigned, &stamp).await?;
        Ok(meant)
    }

    /// What is signed now.
    pub(super) async fn signed(&self) -> Result<Signed> {
        let signatures = self.store.wording_signatures().await?;
        Ok(Signed(signatures.into_iter().map(|s| ((s.name, s.language), s.hash)).collect()))
    }
}

/// Whether this machine has the fonts for every language that notices are written in.
#[must_use]
pub fn prints_every_language() -> bool {
    Typesetter::new().has_wide_fonts()
}

fn no_wording(name: &str) -> OfficeError {
    let expected = format!("one of {}", wording::names().join(", "));
    OfficeError::Input { what: "a notice's name", given: name.to_owned(), expected }
}

/// The program's wordings with those of the data directory in their stead.
pub(super) fn in_force(dir: &Path) -> Result<Wordings> {
    let mut own = Vec::new();
    for name in wording::names() {
        for language in Language::ALL {
            let path = dir.join(FOLDER).join(name).join(format!("{language}.md"));
            match std::fs::read_to_string(&path) {
                Ok(text) => own.push(OwnWording { name: name.to_owned(), language: *language, text }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(OfficeError::file(&path, source)),
            }
        }
    }
    Wordings::with(own).map_err(|cause| RenderError::Own(cause).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::testing::City;

    #[tokio::test]
    async fn a_text_that_changes_after_it_was_signed_is_a_draft_again() {
        let city = City::new().await;
        let korean = async |office: &Office| {
            let states = office.wording_states().await.unwrap();
            states.into_iter().find(|s| s.name == "reminder" && s.language == Language::Korean).unwrap()
        };
        assert_eq!(korean(&city.office).await.standing, WordingStanding::Signed);
        let folder = city.office.dir.join("wordings/reminder");
        std::fs::create_dir_all(&folder).unwrap();
        let text = city.office.wording_text("reminder", Language::Korean).unwrap().replace("감사", "고마움");
        std::fs::write(folder.join("ko.md"), text).unwrap();
        let office = Office::open(&city.office.dir, None, city.office.clock.clone()).await.unwrap();
        let state = korean(&office).await;
        assert_eq!((state.standing, state.own), (WordingStanding::Changed, true));
        let signed = office.sign_wordings(Some("reminder"), &[Language::Korean], "read by J. Park", "M. Delgado").await;
        assert_eq!(signed.unwrap(), [("reminder", Language::Korean)]);
        assert_eq!(korean(&office).await.standing, WordingStanding::Signed);
    }

    #[tokio::test]
    async fn a_wording_of_the_city_that_cannot_be_read_is_named() {
        let city = City::new().await;
        let folder = city.office.dir.join("wordings/demand");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("vi.md"), "Kính gửi").unwrap();
        let error = Office::open(&city.office.dir, None, city.office.clock.clone()).await.err().unwrap().to_string();
        assert!(error.contains("demand/vi.md") && error.contains("---"), "{error}");
    }
}
