//! The pages' templates, in the binary, and what all of them are given.

use std::sync::LazyLock;

use axum::response::Html;
use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Tera};

use super::error::WebError;
use super::session::Person;
use super::{Said, Web, words};

#[derive(RustEmbed)]
#[folder = "templates/console"]
pub struct Files;

/// Templates that do not parse are a fault of the build, which a test looks for; a page then says that it failed.
static PAGES: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut sources = Vec::new();
    for name in Files::iter().filter(|name| name.ends_with(".html")) {
        let bytes = Files::get(&name).map(|file| file.data).unwrap_or_default();
        sources.push((name.to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    let mut tera = Tera::new();
    tera.add_raw_templates(sources).map_err(|error| error.to_string())?;
    Ok(tera)
});

/// Changes with the style, so that browsers may keep it for long.
pub static STYLE_VERSION: LazyLock<String> = LazyLock::new(|| {
    let style = Files::get("console.css").map(|file| file.data).unwrap_or_default();
    crate::domain::document::sha256(&style).as_str().chars().take(12).collect()
});

/// The places of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    Today,
    Calls,
    Accounts,
    Notices,
    Orders,
    Referrals,
    Approvals,
    Exceptions,
}

/// What the frame around every page shows.
#[derive(Debug, Serialize)]
struct Frame<'a> {
    title: &'a str,
    section: Option<Section>,
    city: &'a str,
    today: String,
    style_version: &'a str,
    person: Option<FramePerson<'a>>,
    said: Option<Said>,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct FramePerson<'a> {
    name: &'a str,
    role: String,
    form_token: &'a str,
    may_write: bool,
    may_release: bool,
    may_approve: bool,
}

impl Web {
    /// A page for a person who is logged in.
    pub fn page<V: Serialize>(
        &self,
        person: &Person,
        template: &str,
        section: Section,
        title: &str,
        view: &V,
    ) -> Result<Html<String>, WebError> {
        let role = person.member.role;
        let frame = Frame {
            title,
            section: Some(section),
            city: &self.office.city().name,
            today: words::long_day(self.office.today()),
            style_version: &STYLE_VERSION,
            person: Some(FramePerson {
                name: &person.member.name,
                role: words::plain(role.word()),
                form_token: &person.form_token,
                may_write: role.may_write(),
                may_release: role.may_release(),
                may_approve: role.may_approve(),
            }),
            said: self.said(&person.session),
            version: env!("CARGO_PKG_VERSION"),
        };
        render(template, &frame, view).map(Html)
    }
}

/// A page without navigation: the login, and errors.
pub fn render_bare<V: Serialize>(template: &str, view: &V) -> Result<String, WebError> {
    let frame = Frame {
        title: "",
        section: None,
        city: "",
        today: String::new(),
        style_version: &STYLE_VERSION,
        person: None,
        said: None,
        version: env!("CARGO_PKG_VERSION"),
    };
    render(template, &frame, view)
}

fn render<V: Serialize>(template: &str, frame: &Frame, view: &V) -> Result<String, WebError> {
    let internal = |error: &dyn std::fmt::Display| WebError::Internal(format!("template {template}: {error}"));
    let pages = PAGES.as_ref().map_err(|error| internal(error))?;
    let mut context = Context::new();
    context.insert("frame", frame);
    context.insert("view", view);
    pages.render(template, &context).map_err(|error| internal(&error))
}

/// A text as one segment of a path or one value of a query.
pub fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses() {
        assert_eq!(PAGES.as_ref().map(|_| ()), Ok(()));
    }

    #[test]
    fn no_template_has_a_script_an_inline_style_or_another_host() {
        for name in Files::iter() {
            let text = String::from_utf8(Files::get(&name).unwrap().data.into_owned()).unwrap();
            for forbidden in ["<script", " style=", "<style", "https://", "http://", "onclick", "| safe", "@import"] {
                let found = text.replace("http://www.w3.org/2000/svg", "").contains(forbidden);
                assert!(!found, "{name} has {forbidden}");
            }
        }
    }

    #[test]
    fn an_account_number_with_a_slash_stays_one_segment() {
        assert_eq!(encoded("12/7 A"), "12%2F7%20A");
    }
}
