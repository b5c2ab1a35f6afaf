//! Delivery of emails: to a mail server, or into a folder where none is configured.
//!
//! What goes out are the kept bytes. The outcome says what the outbox does next: done, try again, or show it to a
//! person. A retry after a lost answer may deliver twice; the Message-ID is the same, so that it can be told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use super::files::write_whole;
use crate::config::MailConfig;
pub use crate::config::mail::Security;

/// Where the mail server is.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<(String, SecretString)>,
    /// For each answer of the server.
    pub timeout: Duration,
}

/// Why there is no mailer.
#[derive(Debug, thiserror::Error)]
#[error("the mail server {host} cannot be set up: {cause}")]
pub struct MailerError {
    host: String,
    cause: lettre::transport::smtp::Error,
}

/// What sends emails.
#[derive(Clone)]
pub enum Mailer {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
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
    /// Never like this: the server refused it for good (5xx), or the address is none. A person looks at it.
    Fail(String),
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
    pub const fn pace(&self) -> Pace {
        match self {
            Self::Smtp(_) => Pace { claimed: 4, side_by_side: 4 },
            Self::Folder(_) => Pace { claimed: 64, side_by_side: 1 },
        }
    }

    /// As the city configured it: to its server, or into `mail/` of the data directory. `password` is the value of the
    /// variable that the configuration names.
    ///
    /// # Errors
    /// When the host cannot be used.
    pub fn configured(config: &MailConfig, dir: &Path, password: Option<String>) -> Result<Self, MailerError> {
        let Some(host) = &config.host else { return Ok(Self::Folder(dir.join("mail"))) };
        let credentials = config.user.clone().zip(password.map(SecretString::from));
        Self::smtp(&SmtpSettings {
            host: host.clone(),
            port: config.port,
            security: config.security,
            credentials,
            timeout: Duration::from_secs(config.timeout_seconds),
        })
    }

    /// A mailer to a server. Connections are opened when they are needed.
    ///
    /// # Errors
    /// When the host's name cannot be used for TLS.
    pub fn smtp(settings: &SmtpSettings) -> Result<Self, MailerError> {
        let parameters = || {
            TlsParameters::new(settings.host.clone())
                .map_err(|cause| MailerError { host: settings.host.clone(), cause })
        };
        let tls = match settings.security {
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::StartTls => Tls::Required(parameters()?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.clone())
            .port(settings.port)
            .tls(tls)
            .timeout(Some(settings.timeout));
        if let Some((user, password)) = &settings.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self::Smtp(builder.build()))
    }

    /// Sends one message. `name` is that of [`super::email::message_name`].
    pub async fn send(&self, name: &str, from: &str, to: &str, message: &[u8]) -> Delivery {
        match self {
            Self::Smtp(transport) => {
                let envelope = match envelope(from, to) {
                    Ok(envelope) => envelope,
                    Err(reason) => return Delivery::Fail(reason),
                };
                match transport.send_raw(&envelope, message).await {
                    Ok(response) => Delivery::Accepted(response.message().collect::<Vec<_>>().join(" ")),
                    Err(error) if error.is_permanent() || error.is_client() => Delivery::Fail(described(&error)),
                    Err(error) => Delivery::Retry(described(&error)),
                }
            }
            Self::Folder(folder) => into_folder(folder, name, message).await,
        }
    }
}

fn envelope(from: &str, to: &str) -> Result<Envelope, String> {
    let address = |text: &str| text.parse::<Address>().map_err(|_| format!("{text} is not an email address"));
    Envelope::new(Some(address(from)?), vec![address(to)?]).map_err(|error| error.to_string())
}

fn described(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
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
        let mailer = Mailer::smtp(&SmtpSettings {
            host: "127.0.0.1".into(),
            port,
            security: Security::None,
            credentials: None,
            timeout: Duration::from_secs(2),
        })
        .unwrap();
        let down = mailer.send("abc", "a@b.example", "c@d.example", b"x").await;
        assert!(matches!(down, Delivery::Retry(_)), "{down:?}");
        let wrong = mailer.send("abc", "a@b.example", "nobody", b"x").await;
        assert_eq!(wrong, Delivery::Fail("nobody is not an email address".into()));
    }
}
