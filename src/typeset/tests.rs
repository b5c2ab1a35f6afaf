//! The layouts in their parts: what is refused, and that the same data give the same bytes.

use serde_json::json;

use super::*;
use crate::domain::day;

fn meta() -> DocumentMeta {
    DocumentMeta {
        title: "A proof".into(),
        language: Language::English,
        date: day::parse("2026-05-22").unwrap(),
        author: "City of Riverbend".into(),
    }
}

fn proof(text: &str) -> Result<Typeset, TypesetError> {
    Typesetter::new().typeset("proof", &json!({ "text": text }), &meta())
}

#[test]
fn the_same_data_give_the_same_bytes() {
    assert_eq!(proof("Riverbend").unwrap(), proof("Riverbend").unwrap());
    assert_ne!(proof("Riverbend").unwrap().pdf, proof("Elsewhere").unwrap().pdf);
}

#[test]
fn a_name_that_looks_like_markup_is_set_as_text() {
    assert!(proof("#panic() $x *y* \\ ]").is_ok());
}

#[test]
fn data_that_a_layout_does_not_get_is_an_error_on_the_layouts_line() {
    let error = Typesetter::new().pdf("proof", &json!({}), &meta()).unwrap_err();
    assert!(matches!(&error, TypesetError::Layout { place, .. } if place.line == Some(4)), "{error}");
    assert!(error.to_string().starts_with("proof.typ:4: "), "{error}");
}

#[test]
fn a_letter_that_no_font_has_is_refused_instead_of_printed_as_a_box() {
    let error = proof("สมชาย ").unwrap_err();
    assert!(matches!(&error, TypesetError::Layout { .. }), "{error}");
}

#[test]
fn an_unknown_layout_is_refused_by_name() {
    let error = Typesetter::new().pdf("lettr", &json!({}), &meta()).unwrap_err();
    assert!(error.to_string().starts_with("there is no layout named lettr; there are "), "{error}");
}

#[test]
fn merged_letters_begin_on_the_front_of_a_sheet_each() {
    let one = proof("one").unwrap().pdf;
    let merged = Typesetter::new().merge(&[one.clone(), one], &meta()).unwrap();
    assert_eq!(merged.pages, 3, "front, blank back, front");
    assert_eq!(pages_of(&merged.pdf), Some(3));
}

#[test]
fn a_letter_that_is_no_pdf_is_named_by_its_number() {
    let one = proof("one").unwrap().pdf;
    let error = Typesetter::new().merge(&[one, b"not a PDF".to_vec()], &meta()).unwrap_err();
    assert!(matches!(error, TypesetError::NotPdf { number: 2 }));
}
