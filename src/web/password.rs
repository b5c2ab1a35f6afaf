//! Passwords of the staff: Argon2id, as text that carries its own salt and cost.

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

/// Fewer characters than this are refused for a new password.
pub const LEAST_LENGTH: usize = 10;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    #[error("a password needs at least {LEAST_LENGTH} characters")]
    TooShort,
    /// Longer than Argon2 takes, which no person types.
    #[error("the password cannot be used: choose another")]
    Unusable,
}

/// The text to keep for a password. The salt is the caller's sixteen random bytes.
///
/// # Errors
/// [`BadPassword`] says what to choose instead.
pub fn hash(password: &str, salt: [u8; 16]) -> Result<String, BadPassword> {
    if password.chars().count() < LEAST_LENGTH {
        return Err(BadPassword::TooShort);
    }
    hash_any(password, salt)
}

/// Whether the password is the one kept. With nothing kept it takes as long and is false, so that the time of the
/// answer does not tell whether a name exists.
#[must_use]
pub fn verify(password: &str, kept: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let nobody = || NOBODY.get_or_init(|| hash_any("nobody has this password", [7; 16]).unwrap_or_default());
    let Ok(parsed) = PasswordHash::new(kept.unwrap_or_else(|| nobody())) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && kept.is_some()
}

fn hash_any(password: &str, salt: [u8; 16]) -> Result<String, BadPassword> {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|_| BadPassword::Unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_only_its_own_name() {
        let kept = hash("correct horse", [1; 16]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify("correct horse", Some(&kept)));
        assert!(!verify("correct hors", Some(&kept)));
        assert!(!verify("correct horse", None));
        assert!(!verify("correct horse", Some("not a hash")));
    }

    #[test]
    fn a_short_password_is_refused_with_what_it_needs() {
        assert_eq!(hash("short", [1; 16]), Err(BadPassword::TooShort));
    }

    #[test]
    fn the_password_of_nobody_opens_nothing() {
        assert!(!verify("nobody has this password", None));
    }
}
