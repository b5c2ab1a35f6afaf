//! The columns of a kind of file as a Markdown table: what `docs/IMPORT.md` shows, from the code that reads them.

use super::format;
use crate::domain::import::FileKind;

/// The table of a kind's columns, in their order, with a line feed at the end.
#[must_use]
pub fn columns_table(kind: FileKind) -> String {
    let columns = format(kind).columns;
    let mut table = String::from("| column | required | meaning | form | example |\n|---|---|---|---|---|\n");
    let mut row = |name: &str, is_required: bool, meaning: &str, expected: &str, example: &str| {
        let required = if is_required { "yes" } else { "" };
        table.push_str(&format!("| `{name}` | {required} | {meaning} | {expected} | `{example}` |\n"));
    };
    for column in columns.named {
        let form = column.expectation();
        row(column.name(), column.is_required(), column.meaning(), &form.expected, &form.example);
    }
    for family in columns.families {
        let form = family.expectation();
        let meaning = format!("{} For example `{}`.", family.meaning(), family.example_name());
        row(&format!("{}*", family.prefix()), false, &meaning, &form.expected, &form.example);
    }
    table
}
