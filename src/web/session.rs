//! Who is asking: sessions by cookie, and the token that proves a form is ours.
//!
//! The cookie holds 32 random bytes; the database only their SHA-256. A form's token is derived from the cookie, so it
//! needs no storage and ends with the session.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use chrono::TimeDelta;
use rand::Rng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Web;
use super::error::WebError;
use crate::domain::document::hex;
use crate::office::Duty;
use crate::store::StaffMember;

const COOKIE: &str = "arrears_session";

/// A working day with its breaks; then one logs in again.
pub const SESSION_LENGTH: TimeDelta = TimeDelta::hours(10);

/// The person who is logged in. A page that takes one cannot be seen without.
#[derive(Clone, Debug)]
pub struct Person {
    pub member: StaffMember,
    /// The SHA-256 of the session's token.
    pub session: String,
    /// Stands in every form of the page.
    pub form_token: String,
}

impl Person {
    /// The name for the log.
    pub fn name(&self) -> &str {
        &self.member.name
    }

    /// Refuses whoever may not change anything.
    pub fn must_write(&self) -> Result<(), WebError> {
        self.must(Duty::Write)
    }

    /// Refuses whoever may not release notices and lists.
    pub fn must_release(&self) -> Result<(), WebError> {
        self.must(Duty::Release)
    }

    /// Refuses whoever may not approve shut-offs and referrals.
    pub fn must_approve(&self) -> Result<(), WebError> {
        self.must(Duty::Approve)
    }

    fn must(&self, duty: Duty) -> Result<(), WebError> {
        let role = self.member.role;
        if duty.is_of(role) { Ok(()) } else { Err(WebError::Forbidden { what: duty.what(), role }) }
    }

    /// Whether a form bears this session's token.
    pub fn signed(&self, token: &str) -> bool {
        self.form_token.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

impl FromRequestParts<Arc<Web>> for Person {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, WebError> {
        let login = || WebError::LoginNeeded { then: local_path(&parts.uri) };
        let token = token_of(&parts.headers).ok_or_else(login)?;
        let session = hex(&Sha256::digest(&token));
        let member = web.office.store.session(&session, web.office.now()).await?.ok_or_else(login)?;
        let form_token = hex(&Sha256::new().chain_update(b"arrears form\0").chain_update(&token).finalize());
        Ok(Self { member, session, form_token })
    }
}

/// Opens a session for a person whose password was right; gives the cookie to set.
pub async fn open(web: &Web, member: &StaffMember, headers: &HeaderMap) -> Result<Cookie<'static>, WebError> {
    let mut bytes = [0_u8; 32];
    #[expect(clippy::disallowed_methods, reason = "a session's token is chance, and the console is where it comes in")]
    rand::rng().fill_bytes(&mut bytes);
    let token = hex(&bytes);
    let now = web.office.now();
    web.office.store.open_session(&hex(&Sha256::digest(&token)), &member.name, now, now + SESSION_LENGTH).await?;
    Ok(cookie(token, headers))
}

/// The cookie that takes the session's cookie away.
pub fn ended(headers: &HeaderMap) -> Cookie<'static> {
    let mut gone = cookie(String::new(), headers);
    gone.make_removal();
    gone
}

/// The SHA-256 of the session's token that a request bears.
pub fn of(headers: &HeaderMap) -> Option<String> {
    token_of(headers).map(|token| hex(&Sha256::digest(&token)))
}

/// Whether the browser says that the request comes from a page of another origin.
pub fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// Where to go after logging in: a path of this console, whatever the address says.
pub fn safe_path(path: &str) -> &str {
    let local =
        path.starts_with('/') && !path.starts_with("//") && path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if local { path } else { "/" }
}

/// `Secure` is set when the proxy in front says that it was reached over TLS; on loopback there is none.
fn cookie(value: String, headers: &HeaderMap) -> Cookie<'static> {
    let secure = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    Cookie::build((COOKIE, value)).path("/").http_only(true).same_site(SameSite::Strict).secure(secure).build()
}

fn token_of(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let token = jar.get(COOKIE)?.value().to_owned();
    (token.len() == 64).then_some(token)
}

fn local_path(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;

    #[test]
    fn login_leads_back_to_a_page_of_the_console_and_nowhere_else() {
        assert_eq!(safe_path("/calls?day=2026-05-22"), "/calls?day=2026-05-22");
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nSet-Cookie:x"] {
            assert_eq!(safe_path(elsewhere), "/", "{elsewhere}");
        }
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_secure_behind_tls() {
        let plain = cookie("t".into(), &HeaderMap::new()).to_string();
        assert_eq!(plain, "arrears_session=t; HttpOnly; SameSite=Strict; Path=/");
        let headers = HeaderMap::from_iter([("x-forwarded-proto".parse().unwrap(), "https".parse().unwrap())]);
        assert!(cookie("t".into(), &headers).to_string().contains("Secure"));
    }

    #[test]
    fn an_auditor_may_look_and_not_touch() {
        let member = StaffMember { name: "Ana".into(), role: Role::Auditor, languages: Vec::new(), capacity: 0 };
        let person = Person { member, session: String::new(), form_token: "abc".into() };
        assert!(person.must_write().is_err());
        assert!(person.must_release().is_err());
        assert!(person.signed("abc"));
        assert!(!person.signed("abd"));
        assert!(!person.signed(""));
    }
}
