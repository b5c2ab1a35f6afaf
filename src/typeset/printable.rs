//! Letters that the fonts do not have.
//!
//! The typesetter refuses what it cannot show. That is right for a letter, which is then told to the lead; but an emoji in a
//! call's note must not hold up a packet, nor one customer's name the day's call list. There such a letter is printed as its
//! number, `[U+674E]`, so that nothing is silently changed; the CSV and JSON files keep it as it is.

use serde_json::Value;

/// `data` with every text made printable; `has` says of a letter beyond Latin, Greek and Cyrillic whether a font has it.
pub(super) fn printable(data: Value, has: &impl Fn(char) -> bool) -> Value {
    match data {
        Value::String(text) => Value::String(spelled(&text, has)),
        Value::Array(values) => values.into_iter().map(|value| printable(value, has)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, printable(value, has))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => data,
    }
}

/// The letters of the texts in `data` that no font has, each once, in order.
pub(super) fn unshown(data: &Value, has: &impl Fn(char) -> bool) -> Vec<char> {
    let mut letters: Vec<char> = match data {
        Value::String(text) => text
            .chars()
            .filter(|letter| !(letter.is_whitespace() || letter.is_control() || is_in_fonts(*letter) || has(*letter)))
            .collect(),
        Value::Array(values) => values.iter().flat_map(|value| unshown(value, has)).collect(),
        Value::Object(fields) => fields.values().flat_map(|value| unshown(value, has)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    };
    letters.sort_unstable();
    letters.dedup();
    letters
}

fn spelled(text: &str, has: &impl Fn(char) -> bool) -> String {
    let mut spelled = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_whitespace() || letter.is_control() {
            spelled.push(' ');
        } else if is_in_fonts(letter) || has(letter) {
            spelled.push(letter);
        } else {
            spelled.push_str(&format!("[U+{:04X}]", u32::from(letter)));
        }
    }
    spelled
}

/// Latin with its accents (Vietnamese too), Greek, Cyrillic, and the punctuation that people type.
const fn is_in_fonts(letter: char) -> bool {
    matches!(letter,
        '\u{20}'..='\u{7e}' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{17f}' | '\u{1a0}' | '\u{1a1}' | '\u{1af}' | '\u{1b0}'
        | '\u{218}'..='\u{21b}' | '\u{391}'..='\u{3a1}' | '\u{3a3}'..='\u{3c9}' | '\u{401}'..='\u{45f}'
        | '\u{1ea0}'..='\u{1ef9}' | '\u{2010}'..='\u{2015}' | '\u{2018}'..='\u{201e}' | '\u{2020}'..='\u{2022}'
        | '\u{2026}' | '\u{20ac}' | '\u{2116}' | '\u{2122}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Language;
    use crate::typeset::{DocumentMeta, Typesetter};

    #[test]
    fn every_letter_that_is_left_as_it_is_can_be_set() {
        let letters: String = ('\u{21}'..='\u{2fff}').filter(|letter| is_in_fonts(*letter)).collect();
        let date = crate::domain::day::parse("2026-05-22").unwrap();
        let (title, author, language) = ("A proof".into(), String::new(), Language::English);
        let set = Typesetter::new().pdf(
            "proof",
            &json!({ "text": letters }),
            &DocumentMeta { title, language, date, author },
        );
        assert!(set.is_ok(), "{set:?}");
    }

    #[test]
    fn a_letter_that_no_font_has_is_spelled_by_its_number() {
        let data = json!({ "debtor": "Nguyễn Thị Lý 李", "note": ["Paid 🙂\ttoday\n"] });
        let without = printable(data.clone(), &|_| false);
        assert_eq!(without, json!({ "debtor": "Nguyễn Thị Lý [U+674E]", "note": ["Paid [U+1F642] today "] }));
        // With the machine's font for Chinese and Korean.
        let with = Typesetter::new().printable(data);
        assert_eq!(with, json!({ "debtor": "Nguyễn Thị Lý 李", "note": ["Paid [U+1F642] today "] }));
    }
}
