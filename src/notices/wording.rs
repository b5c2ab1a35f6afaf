//! Wordings: Markdown with variables, one file a notice and language, read into blocks.
//!
//! A wording is `templates/notices/<name>/<language>.md`: a head with `title`, `subject` and `stub`, then Markdown in
//! which `{{ customer }}` and the like are filled in. A variable that is not known is an error and never a gap. What
//! is filled in is escaped, so that a name with an asterisk stays a name. Some variables stand for a whole block and
//! stand alone in their paragraph: `{{ amount_due }}`, `{{ charges }}`, `{{ installments }}`, `{{ ways_to_pay }}`. A
//! quotation (`>`) is a box. A city writes its own where a file of the same shape stands in its folder of wordings.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tera::{Context, Tera};

use super::blocks::{BLOCK_VARIABLES, MARK, escape_markdown, read_blocks};
pub use super::blocks::{Block, Run};
use super::language::WRITTEN;
use crate::domain::document::sha256;
use crate::domain::{DocumentHash, Language, NoticeName};

/// The wordings that are part of the program. Adding one is its files and its lines here.
const WORDINGS: &[(&str, Language, &str)] = &[
    ("reminder", Language::English, include_str!("../../templates/notices/reminder/en.md")),
    ("reminder", Language::Spanish, include_str!("../../templates/notices/reminder/es.md")),
    ("reminder", Language::Chinese, include_str!("../../templates/notices/reminder/zh.md")),
    ("reminder", Language::Tagalog, include_str!("../../templates/notices/reminder/tl.md")),
    ("reminder", Language::Vietnamese, include_str!("../../templates/notices/reminder/vi.md")),
    ("reminder", Language::Korean, include_str!("../../templates/notices/reminder/ko.md")),
    ("final_notice", Language::English, include_str!("../../templates/notices/final_notice/en.md")),
    ("final_notice", Language::Spanish, include_str!("../../templates/notices/final_notice/es.md")),
    ("final_notice", Language::Chinese, include_str!("../../templates/notices/final_notice/zh.md")),
    ("final_notice", Language::Tagalog, include_str!("../../templates/notices/final_notice/tl.md")),
    ("final_notice", Language::Vietnamese, include_str!("../../templates/notices/final_notice/vi.md")),
    ("final_notice", Language::Korean, include_str!("../../templates/notices/final_notice/ko.md")),
    ("shut_off_tag", Language::English, include_str!("../../templates/notices/shut_off_tag/en.md")),
    ("shut_off_tag", Language::Spanish, include_str!("../../templates/notices/shut_off_tag/es.md")),
    ("shut_off_tag", Language::Chinese, include_str!("../../templates/notices/shut_off_tag/zh.md")),
    ("shut_off_tag", Language::Tagalog, include_str!("../../templates/notices/shut_off_tag/tl.md")),
    ("shut_off_tag", Language::Vietnamese, include_str!("../../templates/notices/shut_off_tag/vi.md")),
    ("shut_off_tag", Language::Korean, include_str!("../../templates/notices/shut_off_tag/ko.md")),
    ("tenants_notice", Language::English, include_str!("../../templates/notices/tenants_notice/en.md")),
    ("tenants_notice", Language::Spanish, include_str!("../../templates/notices/tenants_notice/es.md")),
    ("tenants_notice", Language::Chinese, include_str!("../../templates/notices/tenants_notice/zh.md")),
    ("tenants_notice", Language::Tagalog, include_str!("../../templates/notices/tenants_notice/tl.md")),
    ("tenants_notice", Language::Vietnamese, include_str!("../../templates/notices/tenants_notice/vi.md")),
    ("tenants_notice", Language::Korean, include_str!("../../templates/notices/tenants_notice/ko.md")),
    ("how_to_restore", Language::English, include_str!("../../templates/notices/how_to_restore/en.md")),
    ("how_to_restore", Language::Spanish, include_str!("../../templates/notices/how_to_restore/es.md")),
    ("how_to_restore", Language::Chinese, include_str!("../../templates/notices/how_to_restore/zh.md")),
    ("how_to_restore", Language::Tagalog, include_str!("../../templates/notices/how_to_restore/tl.md")),
    ("how_to_restore", Language::Vietnamese, include_str!("../../templates/notices/how_to_restore/vi.md")),
    ("how_to_restore", Language::Korean, include_str!("../../templates/notices/how_to_restore/ko.md")),
    ("demand", Language::English, include_str!("../../templates/notices/demand/en.md")),
    ("demand", Language::Spanish, include_str!("../../templates/notices/demand/es.md")),
    ("demand", Language::Chinese, include_str!("../../templates/notices/demand/zh.md")),
    ("demand", Language::Tagalog, include_str!("../../templates/notices/demand/tl.md")),
    ("demand", Language::Vietnamese, include_str!("../../templates/notices/demand/vi.md")),
    ("demand", Language::Korean, include_str!("../../templates/notices/demand/ko.md")),
    ("arrangement_letter", Language::English, include_str!("../../templates/notices/arrangement_letter/en.md")),
    ("arrangement_letter", Language::Spanish, include_str!("../../templates/notices/arrangement_letter/es.md")),
    ("arrangement_letter", Language::Chinese, include_str!("../../templates/notices/arrangement_letter/zh.md")),
    ("arrangement_letter", Language::Tagalog, include_str!("../../templates/notices/arrangement_letter/tl.md")),
    ("arrangement_letter", Language::Vietnamese, include_str!("../../templates/notices/arrangement_letter/vi.md")),
    ("arrangement_letter", Language::Korean, include_str!("../../templates/notices/arrangement_letter/ko.md")),
    ("dispute_ruling", Language::English, include_str!("../../templates/notices/dispute_ruling/en.md")),
    ("dispute_ruling", Language::Spanish, include_str!("../../templates/notices/dispute_ruling/es.md")),
    ("dispute_ruling", Language::Chinese, include_str!("../../templates/notices/dispute_ruling/zh.md")),
    ("dispute_ruling", Language::Tagalog, include_str!("../../templates/notices/dispute_ruling/tl.md")),
    ("dispute_ruling", Language::Vietnamese, include_str!("../../templates/notices/dispute_ruling/vi.md")),
    ("dispute_ruling", Language::Korean, include_str!("../../templates/notices/dispute_ruling/ko.md")),
];

/// The names of the notices that have a wording, in order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = WORDINGS.iter().map(|(name, _, _)| *name).collect();
    names.dedup();
    names
}

/// The wordings in force: those that are part of the program, and a city's own in their stead.
#[derive(Debug)]
pub struct Wordings {
    texts: BTreeMap<(String, Language), Text>,
    tera: Tera,
}

#[derive(Clone, Debug)]
struct Text {
    text: String,
    /// The city's own.
    own: bool,
}

/// A city's own wording of a notice in a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnWording {
    pub name: String,
    pub language: Language,
    pub text: String,
}

/// A wording filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wording {
    pub title: String,
    pub subject: String,
    /// Whether a letter carries a payment stub.
    pub stub: bool,
    pub blocks: Vec<Block>,
}

/// Why a wording cannot be filled in. All are faults of the wording or of what it is given; a retry does not help.
#[derive(Debug, thiserror::Error)]
pub enum WordingError {
    #[error("there is no wording named {name} in {language}; there are {}", names().join(", "))]
    Unknown { name: NoticeName, language: Language },
    #[error("wordings/{name}: no notice has that name; there are {}", names().join(", "))]
    Unnamed { name: String },
    #[error("the head of notices/{file}: {fault}")]
    Head { file: String, fault: &'static str },
    /// Tera's own text names the line and what is missing.
    #[error("notices/{file}: {fault}")]
    Template { file: String, fault: String },
    #[error("{name} lists installments, and none are given: it is rendered with its arrangement")]
    NoInstallments { name: NoticeName },
    #[error("notices/{file}: a wording is made of headings, paragraphs, lists, boxes, bold and italic, not of {found}")]
    Construct { file: String, found: String },
}

impl Wordings {
    /// Those that are part of the program.
    ///
    /// # Errors
    /// A fault of the program's own files; its tests read them all.
    pub fn builtin() -> Result<Self, WordingError> {
        Self::with(Vec::new())
    }

    /// With a city's own in the place of those of the same name and language.
    ///
    /// # Errors
    /// [`WordingError::Unnamed`], [`WordingError::Head`], [`WordingError::Template`]: the file and what is wrong in it.
    pub fn with(own: Vec<OwnWording>) -> Result<Self, WordingError> {
        let mut texts: BTreeMap<(String, Language), Text> = WORDINGS
            .iter()
            .map(|(name, language, text)| {
                (((*name).to_owned(), *language), Text { text: (*text).to_owned(), own: false })
            })
            .collect();
        for OwnWording { name, language, text } in own {
            if !names().contains(&name.as_str()) {
                return Err(WordingError::Unnamed { name });
            }
            texts.insert((name, language), Text { text, own: true });
        }
        let mut tera = Tera::default();
        tera.autoescape_on(vec![".md"]);
        tera.set_escape_fn(escape_markdown);
        for ((name, language), Text { text, .. }) in &texts {
            let file = file_of(name, *language);
            let head = Head::read(text).map_err(|fault| WordingError::Head { file: file.clone(), fault })?;
            let parts = [(".title", head.title), (".subject", head.subject), (".stub", head.stub), ("", head.body)];
            for (suffix, part) in parts {
                let fault = |error: tera::Error| WordingError::Template { file: file.clone(), fault: told(&error) };
                tera.add_raw_template(&format!("{file}{suffix}"), part).map_err(fault)?;
            }
        }
        Ok(Self { texts, tera })
    }

    /// Whether there is a wording of that name in the language.
    #[must_use]
    pub fn exists(&self, name: &NoticeName, language: Language) -> bool {
        self.text(name.as_str(), language).is_some()
    }

    /// The text, as it is written.
    #[must_use]
    pub fn text(&self, name: &str, language: Language) -> Option<&str> {
        self.texts.get(&(name.to_owned(), language)).map(|text| text.text.as_str())
    }

    /// What the text says that it states, by the marks in it: `{# states: extension #}`.
    #[must_use]
    pub fn states(&self, name: &str, language: Language) -> BTreeSet<&str> {
        // A mark that nothing follows states nothing.
        let says = |rest: &str| rest.lines().next().is_some_and(|line| !line.trim().is_empty());
        let text = self.text(name, language).unwrap_or_default();
        let marked = text.split("{# states: ").skip(1).filter_map(|rest| rest.split_once(" #}"));
        marked.filter(|(_, rest)| says(rest)).map(|(name, _)| name).collect()
    }

    /// Whether the text is the city's own.
    #[must_use]
    pub fn is_own(&self, name: &str, language: Language) -> bool {
        self.texts.get(&(name.to_owned(), language)).is_some_and(|text| text.own)
    }

    /// What names the text beyond doubt: who signs a translation signs this.
    #[must_use]
    pub fn hash(&self, name: &str, language: Language) -> Option<DocumentHash> {
        self.text(name, language).map(|text| sha256(text.as_bytes()))
    }

    /// Names and languages of all texts, a name's languages in the order in which a notice prints them.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, Language)> {
        let in_order = |name: &'static str| WRITTEN.iter().map(move |language| (name, *language));
        names().into_iter().flat_map(in_order).filter(|(name, language)| self.text(name, *language).is_some()).collect()
    }

    /// Fills in the wording of that name.
    ///
    /// # Errors
    /// See [`WordingError`]; an undefined variable is one.
    pub fn fill(
        &self,
        name: &NoticeName,
        language: Language,
        values: &serde_json::Value,
    ) -> Result<Wording, WordingError> {
        if !self.exists(name, language) {
            return Err(WordingError::Unknown { name: name.clone(), language });
        }
        let file = file_of(name.as_str(), language);
        let template_error = |error: tera::Error| WordingError::Template { file: file.clone(), fault: told(&error) };
        let mut context = Context::from_serialize(&without_marks(values)).map_err(template_error)?;
        for (variable, _) in BLOCK_VARIABLES {
            context.insert(*variable, &format!("{MARK}{variable}{MARK}"));
        }
        let part = |suffix: &str| self.tera.render(&format!("{file}{suffix}"), &context).map_err(template_error);
        let (title, subject) = (part(".title")?, part(".subject")?);
        let stub = part(".stub")? == "yes";
        let blocks = read_blocks(&part("")?).map_err(|found| WordingError::Construct { file: file.clone(), found })?;
        Ok(Wording { title, subject, stub, blocks })
    }
}

/// Tera's own text, which names the line and what is missing.
fn told(error: &tera::Error) -> String {
    error.to_string()
}

fn file_of(name: &str, language: Language) -> String {
    format!("{name}/{}.md", language.word())
}

struct Head<'a> {
    title: &'a str,
    subject: &'a str,
    stub: &'a str,
    body: &'a str,
}

impl<'a> Head<'a> {
    fn read(text: &'a str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("---\n").ok_or("it begins with a line ---")?;
        let (lines, body) = rest.split_once("\n---\n").ok_or("it ends with a line ---")?;
        let mut head = Self { title: "", subject: "", stub: "yes", body };
        for line in lines.lines() {
            match line.split_once(": ") {
                Some(("title", value)) => head.title = value,
                Some(("subject", value)) => head.subject = value,
                Some(("stub", value @ ("yes" | "no"))) => head.stub = value,
                _ => return Err("its lines are title, subject, and stub: yes or no"),
            }
        }
        if head.title.is_empty() || head.subject.is_empty() {
            return Err("it needs a title and a subject");
        }
        Ok(head)
    }
}

fn without_marks(values: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match values {
        Value::String(text) => Value::String(text.replace(MARK, "")),
        Value::Array(list) => Value::Array(list.iter().map(without_marks).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), without_marks(v))).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) => values.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_not_known_is_an_error_that_names_it() {
        let error = Wordings::builtin()
            .unwrap()
            .fill(&"reminder".into(), Language::English, &serde_json::json!({}))
            .unwrap_err();
        assert!(error.to_string().starts_with("notices/reminder/en.md: "), "{error}");
        assert!(error.to_string().contains("customer"), "{error}");
    }

    #[test]
    fn an_unknown_wording_is_refused_with_the_names_that_there_are() {
        let error = Wordings::builtin()
            .unwrap()
            .fill(&"remnider".into(), Language::English, &serde_json::json!({}))
            .unwrap_err();
        assert!(error.to_string().contains("there are reminder, final_notice, shut_off_tag"), "{error}");
    }
}
