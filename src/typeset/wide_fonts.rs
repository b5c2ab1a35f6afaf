//! The fonts of the machine that hold Chinese and Korean.
//!
//! They are no part of the program: Debian's package `fonts-wqy-microhei` brings them, 5 MB. Only the family that the
//! layouts name is read; a machine's other fonts would make a letter look different on each. Its outlines are `TrueType`:
//! the checkers of PDF/A and PDF/UA misread the widths of the larger families' other kind.

use std::path::{Path, PathBuf};

use typst::foundations::Bytes;
use typst::text::{Font, FontInfo};

/// Where systems keep fonts, and where an administrator adds them.
const PLACES: &[&str] = &["/usr/share/fonts", "/usr/local/share/fonts"];
/// How the file of the family is named.
const FILE: &str = "wqy-microhei.ttc";
/// How deep folders are looked into.
const DEPTH: u8 = 4;

/// The faces that were found, in the order of their files' names. A file that cannot be read is left out.
pub(super) fn found() -> Vec<(Font, FontInfo)> {
    let mut files = Vec::new();
    for place in PLACES {
        collect(Path::new(place), DEPTH, &mut files);
    }
    files.sort();
    files.dedup_by(|one, other| one.file_name() == other.file_name());
    let read = |file: PathBuf| std::fs::read(file).ok();
    let faces = files.into_iter().filter_map(read).flat_map(|bytes| Font::iter(Bytes::new(bytes)).collect::<Vec<_>>());
    faces
        .map(|font| {
            let info = font.info().clone();
            (font, info)
        })
        .collect()
}

fn collect(folder: &Path, depth: u8, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, files);
            }
        } else if is_of_family(&path) {
            files.push(path);
        }
    }
}

fn is_of_family(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FILE)
}

/// Whether a letter is one of those: Chinese and Korean letters, and the full-width punctuation between them.
pub(super) const fn is_wide(letter: char) -> bool {
    matches!(letter,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_and_korean_are_wide_and_vietnamese_is_not() {
        assert!("停止，한".chars().all(is_wide));
        assert!(!"Thông báo: nguyễn “ñ”".chars().any(is_wide));
    }
}
