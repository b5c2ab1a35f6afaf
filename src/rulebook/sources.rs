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

/// The text of a file of rules.
///
/// # Errors
/// When it is not UTF-8: with the place of the first byte that is none.
pub fn text_of(path: &str, bytes: Vec<u8>) -> Result<String, RuleErrors> {
    let failed = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(failed) => failed,
    };
    let (good, rest) = failed.as_bytes().split_at(failed.utf8_error().valid_up_to());
    let good = String::from_utf8_lossy(good);
    let (before, line) = good.rsplit_once('\n').map_or((None, &*good), |(before, line)| (Some(before), line));
    let rest = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let at = Span {
        line: count(before.map_or(1, |before| before.matches('\n').count() + 2)),
        column: count(line.chars().count() + 1),
        width: 1,
    };
    let excerpt = format!("{line}{}", String::from_utf8_lossy(rest)).trim_end().to_owned();
    Err(RuleErrors(vec![RuleError {
        place: Place { file: path.to_owned(), at, excerpt },
        message: "the file is not UTF-8".to_owned(),
        expected: Some("text in UTF-8".to_owned()),
        nearest: None,
        help: Some("save the file anew as UTF-8; an editor calls it \"encoding\"".to_owned()),
        also: None,
    }]))
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
        .with("layouts/agency-csv.yaml", include_str!("../../rules/layouts/agency-csv.yaml"))
        .with("layouts/lien-list.yaml", include_str!("../../rules/layouts/lien-list.yaml"))
        .with("layouts/nc-setoff.yaml", include_str!("../../rules/layouts/nc-setoff.yaml"))
        .with("layouts/san-mateo-tax-roll.yaml", include_str!("../../rules/layouts/san-mateo-tax-roll.yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_utf_8_is_refused_with_the_place_of_its_first_bad_byte() {
        let errors = text_of("city.yaml", b"policy: city\ntitle: Ca\xf1on City\n".to_vec()).unwrap_err();
        let place = &errors.0[0].place;
        assert_eq!(place.at, Span { line: 2, column: 10, width: 1 });
        assert!(errors.to_string().contains("--> city.yaml:2:10"), "{errors}");
        assert!(errors.to_string().contains("2 | title: Ca\u{fffd}on City"), "{errors}");
        assert_eq!(
            text_of("city.yaml", b"\xff".to_vec()).unwrap_err().0[0].place.at,
            Span { line: 1, column: 1, width: 1 }
        );
        assert_eq!(text_of("city.yaml", "title: Cañon City".into()).unwrap(), "title: Cañon City");
    }
}
