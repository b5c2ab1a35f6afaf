//! The texts that a policy is loaded from, by their paths: the caller reads files, this room does not.

use std::collections::BTreeMap;

use super::error::{Place, RuleError, RuleErrors, Span, nearest, one_of};

/// Texts by path relative to the folder of rules, with `/`: `riverbend.yaml`, `guards/us-ca-water.yaml`,
/// `calendars/us-federal.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, String>);

impl Sources {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These files and one more, which replaces one of the same path.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.insert(path, text);
        self
    }

    /// Adds a file, or replaces the one of the same path.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.insert(path.into(), text.into());
    }

    /// The text of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// All files, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The names of the files of a folder, without folder and ending: `us-federal` for `calendars/us-federal.yaml`.
    pub fn names<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().filter_map(move |path| path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".yaml"))
    }

    /// The refusal of a file that is not there.
    pub(super) fn missing(&self, path: &str) -> RuleErrors {
        let known = || self.0.keys().map(String::as_str);
        RuleErrors(vec![RuleError {
            place: Place { file: path.to_owned(), at: Span { line: 1, column: 1, width: 1 }, excerpt: String::new() },
            message: format!("there is no file `{path}` among the rules"),
            expected: Some(one_of(known())),
            nearest: nearest(path, known()).map(str::to_owned),
            help: None,
            also: None,
        }])
    }
}

impl FromIterator<(String, String)> for Sources {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}

/// The files that come with Arrears, so that the program works alone. A test holds the list to the folder `rules`.
#[must_use]
pub fn shipped() -> Sources {
    Sources::new()
        .with("riverbend.yaml", include_str!("../../rules/riverbend.yaml"))
        .with("guards/us-ca-water.yaml", include_str!("../../rules/guards/us-ca-water.yaml"))
        .with("calendars/us-federal.yaml", include_str!("../../rules/calendars/us-federal.yaml"))
        .with("calendars/riverbend.yaml", include_str!("../../rules/calendars/riverbend.yaml"))
}
