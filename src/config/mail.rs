//! How emails leave: by a mail server, or as files when none is named.

use std::num::NonZeroU8;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte, usually port 465.
    Tls,
    /// STARTTLS, required, usually port 587.
    StartTls,
    /// In the clear: only for a server on this machine.
    None,
}

/// The mail server. Without a host, emails become `.eml` files under `mail/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    pub host: Option<String>,
    pub port: u16,
    pub security: Security,
    pub user: Option<String>,
    /// The name of the environment variable that holds the password, so that no file does.
    pub password_env: String,
    pub timeout_seconds: u64,
    /// Authorities, in PEM, that are trusted beside the machine's. Relative to the data directory.
    pub ca_file: Option<PathBuf>,
    /// How many connections carry emails side by side.
    pub connections: NonZeroU8,
    /// Where mail systems report what they could not deliver; the city's address where it is left out.
    pub bounces_to: Option<String>,
    /// The signature under each email; none where it is left out.
    pub dkim: Option<DkimSettings>,
}

/// The city's DKIM key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DkimSettings {
    pub domain: String,
    /// The public key stands in DNS under `SELECTOR._domainkey.DOMAIN`.
    pub selector: String,
    /// The private key in PEM, RSA or Ed25519. Relative to the data directory.
    pub key_file: PathBuf,
}

/// So many connections carry what a city sends in a night, and a small mail server bears them.
const CONNECTIONS: NonZeroU8 = NonZeroU8::new(4).unwrap();

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            security: Security::StartTls,
            user: None,
            password_env: "ARREARS_SMTP_PASSWORD".into(),
            timeout_seconds: 30,
            ca_file: None,
            connections: CONNECTIONS,
            bounces_to: None,
            dkim: None,
        }
    }
}
