//! What is typed at a counter, as sets of letters: `munoz` finds Muñoz, and `nguyen` Nguyễn.
//!
//! Each database writes the sets in its own way of matching. Deliberately absent: likeness of sounds, and typing errors.

/// Latin letters with their accents, those of Vietnamese too, each line behind its plain letter.
const ACCENTED: &[&str] = &[
    "aàáâãäåāăąạảấầẩẫậắằẳẵặ",
    "cçćč",
    "dđď",
    "eèéêëēęěẹẻẽếềểễệ",
    "gğ",
    "iìíîïīĩỉị",
    "lł",
    "nñńň",
    "oòóôõöøōőơọỏốồổỗộớờởỡợ",
    "rř",
    "sśšş",
    "tťţ",
    "uùúûüūůűũưụủứừửữự",
    "yýÿỳỷỹỵ",
    "zźżž",
];

/// For each letter of the text all letters that it stands for, small and large; a letter with an accent stands for those
/// without it too, so that either finds either.
pub(super) fn letters(text: &str) -> Vec<String> {
    text.trim().to_lowercase().chars().map(alike).collect()
}

fn alike(letter: char) -> String {
    let small =
        ACCENTED.iter().find(|line| line.contains(letter)).map_or_else(|| letter.to_string(), ToString::to_string);
    let large: String = small.to_uppercase().chars().filter(|large| !small.contains(*large)).collect();
    small + &large
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_stands_for_its_accents_and_an_accent_for_its_letter() {
        assert_eq!(letters("ñ9"), letters("n9"));
        assert!(letters("n")[0].contains('Ñ') && letters("N")[0].contains('ñ'));
        assert_eq!(letters(" - "), ["-"]);
        assert_eq!(letters("李"), ["李"]);
    }
}
