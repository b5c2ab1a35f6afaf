//! Wordings: Markdown with variables, one file a notice and language, read into blocks.
//!
//! A wording is `templates/notices/<name>/<language>.md`: a head with `title`, `subject` and `stub`, then Markdown in
//! which `{{ customer }}` and the like are filled in. A variable that is not known is an error and never a gap. What
//! is filled in is escaped, so that a name with an asterisk stays a name. Some variables stand for a whole block and
//! stand alone in their paragraph: `{{ amount_due }}`, `{{ charges }}`, `{{ installments }}`, `{{ ways_to_pay }}`. A
//! quotation (`>`) is a box.

use std::sync::LazyLock;

use serde::Serialize;
use tera::{Context, Tera};

use super::blocks::{BLOCK_VARIABLES, MARK, escape_markdown, read_blocks};
pub use super::blocks::{Block, Run};
use crate::domain::{Language, NoticeName};

/// The wordings that are part of the program. Adding one is its files and its lines here.
const WORDINGS: &[(&str, Language, &str)] = &[
    ("reminder", Language::English, include_str!("../../templates/notices/reminder/en.md")),
    ("reminder", Language::Spanish, include_str!("../../templates/notices/reminder/es.md")),
    ("final_notice", Language::English, include_str!("../../templates/notices/final_notice/en.md")),
    ("final_notice", Language::Spanish, include_str!("../../templates/notices/final_notice/es.md")),
    ("shut_off_tag", Language::English, include_str!("../../templates/notices/shut_off_tag/en.md")),
    ("shut_off_tag", Language::Spanish, include_str!("../../templates/notices/shut_off_tag/es.md")),
    ("demand", Language::English, include_str!("../../templates/notices/demand/en.md")),
    ("demand", Language::Spanish, include_str!("../../templates/notices/demand/es.md")),
    ("arrangement_letter", Language::English, include_str!("../../templates/notices/arrangement_letter/en.md")),
    ("arrangement_letter", Language::Spanish, include_str!("../../templates/notices/arrangement_letter/es.md")),
];

/// The names of the notices that have a wording, in order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = WORDINGS.iter().map(|(name, _, _)| *name).collect();
    names.dedup();
    names
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

/// Whether there is a wording of that name in the language.
#[must_use]
pub fn exists(name: &NoticeName, language: Language) -> bool {
    source(name, language).is_some()
}

/// Fills in the wording of that name.
///
/// # Errors
/// See [`WordingError`]; an undefined variable is one.
pub fn fill(name: &NoticeName, language: Language, values: &serde_json::Value) -> Result<Wording, WordingError> {
    let unknown = || WordingError::Unknown { name: name.clone(), language };
    source(name, language).ok_or_else(unknown)?;
    let templates = TEMPLATES.as_ref().map_err(Fault::to_error)?;
    let file = file_of(name.as_str(), language);
    let template_error = |error: tera::Error| WordingError::Template { file: file.clone(), fault: error.to_string() };
    let mut context = Context::from_serialize(&without_marks(values)).map_err(template_error)?;
    for (variable, _) in BLOCK_VARIABLES {
        context.insert(*variable, &format!("{MARK}{variable}{MARK}"));
    }
    let part = |suffix: &str| templates.render(&format!("{file}{suffix}"), &context).map_err(template_error);
    let (title, subject) = (part(".title")?, part(".subject")?);
    let stub = part(".stub")? == "yes";
    let blocks = read_blocks(&part("")?).map_err(|found| WordingError::Construct { file: file.clone(), found })?;
    Ok(Wording { title, subject, stub, blocks })
}

fn source(name: &NoticeName, language: Language) -> Option<&'static str> {
    WORDINGS.iter().find(|(known, tongue, _)| *known == name.as_str() && *tongue == language).map(|(_, _, text)| *text)
}

fn file_of(name: &str, language: Language) -> String {
    format!("{name}/{}.md", language.word())
}

/// A fault found when the wordings are read, kept so that every use can report it.
#[derive(Debug)]
enum Fault {
    Head(String, &'static str),
    Template(String, String),
}

impl Fault {
    fn to_error(&self) -> WordingError {
        match self {
            Self::Head(file, fault) => WordingError::Head { file: file.clone(), fault },
            Self::Template(file, fault) => WordingError::Template { file: file.clone(), fault: fault.clone() },
        }
    }
}

/// All wordings, read once. Only bodies are escaped: titles and subjects are plain text.
static TEMPLATES: LazyLock<Result<Tera, Fault>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.autoescape_on(vec![".md"]);
    tera.set_escape_fn(escape_markdown);
    for (name, language, text) in WORDINGS {
        let file = file_of(name, *language);
        let head = Head::read(text).map_err(|fault| Fault::Head(file.clone(), fault))?;
        let parts = [(".title", head.title), (".subject", head.subject), (".stub", head.stub), ("", head.body)];
        for (suffix, part) in parts {
            tera.add_raw_template(&format!("{file}{suffix}"), part)
                .map_err(|error| Fault::Template(file.clone(), error.to_string()))?;
        }
    }
    Ok(tera)
});

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
        let error = fill(&"reminder".into(), Language::English, &serde_json::json!({})).unwrap_err();
        assert!(error.to_string().starts_with("notices/reminder/en.md: "), "{error}");
        assert!(error.to_string().contains("customer"), "{error}");
    }

    #[test]
    fn an_unknown_wording_is_refused_with_the_names_that_there_are() {
        let error = fill(&"remnider".into(), Language::English, &serde_json::json!({})).unwrap_err();
        assert!(error.to_string().contains("there are reminder, final_notice, shut_off_tag"), "{error}");
    }
}
