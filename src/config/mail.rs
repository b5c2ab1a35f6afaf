//! How emails leave: by a mail server, or as files when none is named.

use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::notices::deliver::{Mailer, MailerError, Security, SmtpSettings};

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

impl MailConfig {
    /// The mailer: to the server, or into `mail/` of the data directory. `password` is the variable's value.
    ///
    /// # Errors
    /// When the host cannot be used.
    pub fn mailer(&self, dir: &Path, password: Option<String>) -> Result<Mailer, MailerError> {
        let Some(host) = &self.host else { return Ok(Mailer::Folder(dir.join("mail"))) };
        let credentials = self.user.clone().zip(password.map(SecretString::from));
        Mailer::smtp(&SmtpSettings {
            host: host.clone(),
            port: self.port,
            security: self.security,
            credentials,
            timeout: Duration::from_secs(self.timeout_seconds),
        })
    }
}
