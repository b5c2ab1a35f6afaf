//! Text in CSV files that people open in a spreadsheet.

/// Text that no spreadsheet takes for a formula.
///
/// One that begins with `=`, `+`, `-`, `@` (also in their wide forms), a tab or a line break would be one, and a customer's
/// name or a note could carry it. It gets a leading apostrophe, which a spreadsheet hides and a program can strip. Amounts
/// and days never come here, so that a credit stays the number -154.00.
#[must_use]
pub fn guarded(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}
