//! How emails leave: by a mail server, or as files when none is named.

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
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            security: Security::StartTls,
            user: None,
            password_env: "ARREARS_SMTP_PASSWORD".into(),
            timeout_seconds: 30,
        }
    }
}
