//! The people of the division and their passwords: Argon2id, as text that carries its own salt and cost.

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use super::duties::is_governed;
use super::{Office, OfficeError, Result};
use crate::store::StaffMember;

/// Fewer characters than this are refused for a new password.
pub const LEAST_PASSWORD: usize = 10;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    #[error("a password needs at least {LEAST_PASSWORD} characters")]
    TooShort,
    /// Longer than Argon2 takes, which no person types.
    #[error("the password cannot be used: choose another")]
    Unusable,
}

/// The text to keep for a password. The salt is the caller's sixteen random bytes.
///
/// # Errors
/// [`BadPassword`] says what to choose instead.
pub fn hash_password(password: &str, salt: [u8; 16]) -> Result<String, BadPassword> {
    if password.chars().count() < LEAST_PASSWORD {
        return Err(BadPassword::TooShort);
    }
    hash_any(password, salt)
}

/// Whether the password is the one kept. With nothing kept it takes as long and is false, so that the time of the
/// answer does not tell whether a name exists.
#[must_use]
pub fn verify_password(password: &str, kept: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let nobody = || NOBODY.get_or_init(|| hash_any("nobody has this password", [7; 16]).unwrap_or_default());
    let Ok(parsed) = PasswordHash::new(kept.unwrap_or_else(|| nobody())) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && kept.is_some()
}

fn hash_any(password: &str, salt: [u8; 16]) -> Result<String, BadPassword> {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|_| BadPassword::Unusable)
}

impl Office {
    /// Adds a person, or changes role, languages and capacity of one. A password that was set stays.
    ///
    /// # Errors
    /// When the name is empty, or nobody would be left who may add people: the first person is a lead or an
    /// administrator, and the last one stays it.
    pub async fn put_staff(&self, member: &StaffMember, by: &str) -> Result<()> {
        if member.name.trim().is_empty() || member.name != member.name.trim() {
            return Err(OfficeError::Input {
                what: "the name of a person",
                given: member.name.clone(),
                expected: "a name without blanks around it, as the log shall show it".into(),
            });
        }
        let mut staff = self.store.staff().await?;
        let folded = |name: &str| name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
        let alike = staff.iter().find(|known| known.name != member.name && folded(&known.name) == folded(&member.name));
        if let Some(known) = alike {
            return Err(OfficeError::refused(
                format!("{} is on the staff already", known.name),
                "give somebody else a name that nobody takes for theirs, as with a middle initial",
            ));
        }
        let own = staff.iter().find(|known| known.name == by && member.name == by);
        if let Some(own) = own.filter(|own| own.role != member.role) {
            return Err(OfficeError::refused(
                format!("{by} is {}, and nobody changes their own role", own.role),
                "ask another who may change who is on the staff",
            ));
        }
        staff.retain(|other| other.name != member.name);
        staff.push(member.clone());
        if !is_governed(&staff) {
            return Err(OfficeError::refused(
                format!("with {} as {}, nobody could add people or change roles", member.name, member.role),
                "add a lead or an administrator first",
            ));
        }
        Ok(self.store.put_staff(member, None, &self.stamp(by)).await?)
    }

    /// Takes a person off the staff: the person's sessions end, and the name may do nothing any more. What was done under it
    /// stays in the log. Calls of today's list that are the person's and are still to be made are nobody's then; gives
    /// their number.
    ///
    /// # Errors
    /// When there is no such person, or nobody would be left who may add people.
    pub async fn remove_staff(&self, name: &str, by: &str) -> Result<usize> {
        Ok(self.store.remove_staff(name, &self.stamp(by)).await?)
    }

    /// Sets a person's password; sessions that were opened by the old one end. The salt is the caller's sixteen random bytes.
    ///
    /// # Errors
    /// When there is no such person, or the password is too short.
    pub async fn set_password(&self, name: &str, password: &str, salt: [u8; 16], by: &str) -> Result<()> {
        let (member, _) = self
            .store
            .staff_login(name)
            .await?
            .ok_or_else(|| OfficeError::NotFound { what: "person", id: name.to_owned() })?;
        let hash = hash_password(password, salt)
            .map_err(|bad| OfficeError::refused(bad.to_string(), "nothing was changed"))?;
        Ok(self.store.put_staff(&member, Some(&hash), &self.stamp(by)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_only_its_own_name() {
        let kept = hash_password("correct horse", [1; 16]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify_password("correct horse", Some(&kept)));
        assert!(!verify_password("correct hors", Some(&kept)));
        assert!(!verify_password("correct horse", None));
        assert!(!verify_password("correct horse", Some("not a hash")));
    }

    #[test]
    fn a_short_password_is_refused_with_what_it_needs() {
        assert_eq!(hash_password("short", [1; 16]), Err(BadPassword::TooShort));
    }

    #[test]
    fn the_password_of_nobody_opens_nothing() {
        assert!(!verify_password("nobody has this password", None));
    }
}
