//! The layouts that are part of the program. Adding one is a file under `templates/` and one line here.

/// Each layout by its name. A layout may import another with `#import "name.typ"`.
const LAYOUTS: &[(&str, &str)] = &[
    ("letter", include_str!("../../templates/layouts/letter.typ")),
    ("call_list", include_str!("../../templates/layouts/call_list.typ")),
    ("packet", include_str!("../../templates/packet/packet.typ")),
    ("proof", include_str!("../../templates/layouts/proof.typ")),
    ("merged", include_str!("../../templates/layouts/merged.typ")),
];

/// The names, in order of the list.
#[must_use]
pub fn names() -> Vec<&'static str> {
    LAYOUTS.iter().map(|(name, _)| *name).collect()
}

/// The text of a layout.
#[must_use]
pub fn source(name: &str) -> Option<&'static str> {
    LAYOUTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
