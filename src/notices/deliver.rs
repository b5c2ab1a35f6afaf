//! Delivery of emails: to a mail server, or into a folder where none is configured.
//!
//! What goes out are the kept bytes, behind the city's signature where it has one. The outcome says what the outbox does next: done, try again, or show it to a
//! person. A retry after a lost answer may deliver twice; the Message-ID is the same, so that it can be told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::dkim::Signer;
use super::files::write_whole;
pub use super::smtp::{MailerError, Server, SmtpSettings};
use crate::config::MailConfig;
pub use crate::config::mail::Security;

/// What sends emails.
#[derive(Clone)]
pub enum Mailer {
    Smtp(Arc<Server>),
    /// Each message becomes a file `<name>.eml` in this folder.
    Folder(PathBuf),
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The server took it, or the file is on the disk; with its words or the file's name.
    Accepted(String),
    /// Not now: no connection, or the server said so (4xx).
    Retry(String),
    /// The connection broke, or nothing came in time, while the email was under way: the server may have it. It is tried again,
    /// under the same Message-ID.
    Unanswered(String),
    /// Never: the server refused it for good (5xx), or the address is none. A letter goes in its place.
    Refused {
        /// The server's words.
        words: String,
        /// Whether what it refused is the address, so that nothing more is sent there.
        of_address: bool,
    },
}

/// How fast emails may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many are taken from the outbox at a time.
    pub claimed: u32,
    /// How many are under way side by side.
    pub side_by_side: usize,
}

impl Mailer {
    /// A server takes a few at a time, over as many connections; files are written one after the other.
    #[must_use]
    pub fn pace(&self) -> Pace {
        match self {
            Self::Smtp(server) => {
                let side_by_side = server.connections();
                Pace { claimed: u32::try_from(side_by_side).unwrap_or(1), side_by_side }
            }
            Self::Folder(_) => Pace { claimed: 64, side_by_side: 1 },
        }
    }

    /// As the city configured it: to its server, or into `mail/` of the data directory. `password` is the value of the
    /// variable that the configuration names. Files are named from the data directory.
    ///
    /// # Errors
    /// When the host, the authorities or the key cannot be used.
    pub fn configured(config: &MailConfig, dir: &Path, password: Option<String>) -> Result<Self, MailerError> {
        let Some(host) = &config.host else { return Ok(Self::Folder(dir.join("mail"))) };
        let read = |path: &PathBuf| {
            std::fs::read(dir.join(path)).map_err(|source| MailerError::Authorities { path: dir.join(path), source })
        };
        let signer = match &config.dkim {
            Some(dkim) => Some(Signer::open(&dkim.domain, &dkim.selector, &dir.join(&dkim.key_file))?),
            None => None,
        };
        Self::smtp(SmtpSettings {
            host: host.clone(),
            port: config.port,
            security: config.security,
            authorities: config.ca_file.as_ref().map(read).transpose()?,
            credentials: config.user.clone().zip(password.map(SecretString::from)),
            timeout: Duration::from_secs(config.timeout_seconds),
            connections: usize::from(config.connections.get()),
            signer,
            bounces_to: config.bounces_to.clone(),
        })
    }

    /// A mailer to a server. Connections are opened when they are needed.
    ///
    /// # Errors
    /// When the host's name or the authorities cannot be used for TLS.
    pub fn smtp(settings: SmtpSettings) -> Result<Self, MailerError> {
        Ok(Self::Smtp(Arc::new(Server::new(settings)?)))
    }

    /// Sends one message. `name` is that of [`super::email::message_name`].
    pub async fn send(&self, name: &str, from: &str, to: &str, message: &[u8]) -> Delivery {
        match self {
            Self::Smtp(server) => server.send(from, to, message).await,
            Self::Folder(folder) => into_folder(folder, name, message).await,
        }
    }
}

async fn into_folder(folder: &Path, name: &str, message: &[u8]) -> Delivery {
    let path = folder.join(format!("{name}.eml"));
    let (target, bytes) = (path.clone(), message.to_vec());
    match tokio::task::spawn_blocking(move || write_whole(&target, &bytes)).await {
        // As it stands in the data directory, wherever that lies.
        Ok(Ok(())) => {
            let folder = folder.file_name().unwrap_or_default().to_string_lossy();
            Delivery::Accepted(format!("{folder}/{name}.eml"))
        }
        Ok(Err(error)) => Delivery::Retry(format!("{}: {error}", path.display())),
        Err(error) => Delivery::Retry(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_server_each_message_is_a_file_and_a_retry_is_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Mailer::Folder(folder.path().join("mail"));
        for _ in 0..2 {
            let sent = mailer.send("abc", "a@b.example", "c@d.example", b"Subject: x\r\n\r\n").await;
            assert!(matches!(sent, Delivery::Accepted(_)), "{sent:?}");
        }
        let files: Vec<_> =
            std::fs::read_dir(folder.path().join("mail")).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(files, ["abc.eml"]);
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_tried_again_and_an_address_that_is_none_is_not() {
        // A port that was free a moment ago and that nobody listens on.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mailer = Mailer::smtp(SmtpSettings { port, ..SmtpSettings::default() }).unwrap();
        let down = mailer.send("abc", "a@b.example", "c@d.example", b"x").await;
        assert!(matches!(down, Delivery::Retry(_)), "{down:?}");
        let wrong = mailer.send("abc", "a@b.example", "nobody", b"x").await;
        let words = "nobody is not an email address".to_owned();
        assert_eq!(wrong, Delivery::Refused { words, of_address: true });
    }
}
