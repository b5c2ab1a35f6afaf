//! The languages of a notice as it was planned, against the packs. Planning writes them; this looks again.

use crate::domain::{Language, NoticeName, Profile};
use crate::rulebook::Policy;
use crate::rulebook::policy::Limit;

/// Whether a notice that the law requires, as it is `written`, lacks a language that a pack requires of it.
///
/// # Errors
/// The first language that it lacks, with the law.
pub fn audit_languages(
    policy: &Policy,
    profile: &Profile,
    notice: &NoticeName,
    written: &[Language],
) -> Result<(), MissingLanguage> {
    for guard in &policy.guards {
        let Limit::Languages { languages } = &guard.limit else { continue };
        let has_service = profile.services.contains(&guard.service);
        if !guard.classes.contains(&profile.class) || !(has_service || profile.services.is_empty()) {
            continue;
        }
        if let Some(language) = languages.iter().find(|language| !written.contains(language)) {
            let citation = policy.origin(guard.rule).map_or_else(String::new, |origin| origin.citation.clone());
            return Err(MissingLanguage { notice: notice.clone(), language: *language, citation });
        }
    }
    Ok(())
}

/// A notice that the law requires, without a language that it requires.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{notice} would go out without the language {language} that the law requires ({citation})")]
pub struct MissingLanguage {
    pub notice: NoticeName,
    pub language: Language,
    pub citation: String,
}
