//! The way to the mail server: a few connections of our own, kept open from one email to the next.
//!
//! Each carries one email at a time. Small packets are not held back on them (`TCP_NODELAY`), without which each email
//! would wait for 40 ms; where TLS begins with the first byte, the library opens them and does. One on which anything
//! went wrong is closed, and the next email opens another.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;

use super::deliver::Delivery;
use super::dkim::{DkimError, Signer};
use crate::config::mail::Security;

/// A connection that was idle for longer is asked whether it still stands.
const FRESH: Duration = Duration::from_secs(2);

/// Where the mail server is, and what it gets.
#[derive(Debug)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Authorities, in PEM, that are trusted beside the machine's.
    pub authorities: Option<Vec<u8>>,
    pub credentials: Option<(String, SecretString)>,
    /// For opening a connection.
    pub timeout: Duration,
    /// How many are open at most.
    pub connections: usize,
    pub signer: Option<Signer>,
    /// Where reports of what could not be delivered go, if not to the sender.
    pub bounces_to: Option<String>,
}

impl Default for SmtpSettings {
    /// In the clear, to port 25 of this machine.
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 25,
            security: Security::None,
            authorities: None,
            credentials: None,
            timeout: Duration::from_secs(30),
            connections: 4,
            signer: None,
            bounces_to: None,
        }
    }
}

/// Why there is no mailer.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    #[error("the mail server {host} cannot be set up: {cause}")]
    Server { host: String, cause: lettre::transport::smtp::Error },
    #[error("ca_file: {}: {source}", path.display())]
    Authorities { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Dkim(#[from] DkimError),
}

/// A mail server, with the connections to it that are idle.
pub struct Server {
    settings: SmtpSettings,
    /// `None`: in the clear.
    tls: Option<TlsParameters>,
    hello: ClientId,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Server {
    /// A server. Connections are opened when they are needed.
    ///
    /// # Errors
    /// When the host's name or the authorities cannot be used for TLS.
    pub fn new(settings: SmtpSettings) -> Result<Self, MailerError> {
        let problem = |cause| MailerError::Server { host: settings.host.clone(), cause };
        let tls = match settings.security {
            Security::None => None,
            Security::Tls | Security::StartTls => {
                let mut parameters = TlsParameters::builder(settings.host.clone());
                if let Some(pem) = &settings.authorities {
                    parameters = parameters.add_root_certificate(Certificate::from_pem(pem).map_err(problem)?);
                }
                Some(parameters.build().map_err(problem)?)
            }
        };
        Ok(Self { settings, tls, hello: ClientId::default(), idle: Mutex::default() })
    }

    /// How many emails may be under way side by side.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.settings.connections
    }

    /// Sends one email.
    pub async fn send(&self, from: &str, to: &str, message: &[u8]) -> Delivery {
        let envelope = match envelope(self.settings.bounces_to.as_deref().unwrap_or(from), to) {
            Ok(envelope) => envelope,
            Err(words) => return Delivery::Refused { words, of_address: true },
        };
        let signed = match self.settings.signer.as_ref().map(|signer| signer.sign(message)).transpose() {
            Ok(signed) => signed,
            Err(reason) => return Delivery::Retry(format!("it cannot be signed: {reason}")),
        };
        let bytes = signed.as_ref().map_or(message, |signed| &signed.bytes);
        match self.carry(&envelope, bytes).await {
            Ok(words) => Delivery::Accepted(match signed {
                Some(signed) => format!("{words}; {}", signed.words),
                None => words,
            }),
            Err(delivery) => delivery,
        }
    }

    async fn carry(&self, envelope: &Envelope, bytes: &[u8]) -> Result<String, Delivery> {
        let mut connection = match self.standing().await {
            Some(connection) => connection,
            None => self.open().await?,
        };
        // What fails has closed the connection; what is dropped half-way goes with it.
        let response = connection.send(envelope, bytes).await.map_err(|error| outcome(&error))?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.has_broken() && idle.len() < self.settings.connections {
            idle.push((connection, Instant::now()));
        }
        Ok(response.message().collect::<Vec<_>>().join(" "))
    }

    /// An idle connection on which the server still answers.
    async fn standing(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() < FRESH {
                return Some(connection);
            }
            if tokio::time::timeout(self.settings.timeout, connection.test_connected()).await == Ok(true) {
                return Some(connection);
            }
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Delivery> {
        let timeout = self.settings.timeout;
        tokio::time::timeout(timeout, self.greeted())
            .await
            .unwrap_or_else(|_| Err(Delivery::Retry(format!("no connection within {} s", timeout.as_secs()))))
    }

    /// A connection that is protected as it is to be, and on which the server knows who sends.
    async fn greeted(&self) -> Result<AsyncSmtpConnection, Delivery> {
        let SmtpSettings { host, port, security, timeout, credentials, .. } = &self.settings;
        // A server that takes no connection says nothing against the email: it waits.
        let refused = |error: lettre::transport::smtp::Error| Delivery::Retry(described(&error));
        let mut connection = match (security, &self.tls) {
            (Security::Tls, Some(tls)) => {
                let (server, tls) = ((host.as_str(), *port), Some(tls.clone()));
                let opening = AsyncSmtpConnection::connect_tokio1(server, Some(*timeout), &self.hello, tls, None);
                opening.await.map_err(refused)?
            }
            (Security::Tls | Security::StartTls | Security::None, _) => {
                let down = |error: std::io::Error| Delivery::Retry(format!("{host}:{port}: {error}"));
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(down)?;
                stream.set_nodelay(true).map_err(down)?;
                let opening = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello);
                opening.await.map_err(refused)?
            }
        };
        if let (Security::StartTls, Some(tls)) = (security, &self.tls) {
            // A server that offers none gets nothing, neither password nor email; tried again, it may offer it.
            if !connection.can_starttls() {
                return Err(Delivery::Retry(format!("{host}:{port} offers no STARTTLS, and `security` requires it")));
            }
            connection.starttls(tls.clone(), &self.hello).await.map_err(refused)?;
        }
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|error| not_known(user, &error))?;
        }
        Ok(connection)
    }
}

fn envelope(from: &str, to: &str) -> Result<Envelope, String> {
    let address = |text: &str| text.parse::<Address>().map_err(|_| format!("{text} is not an email address"));
    Envelope::new(Some(address(from)?), vec![address(to)?]).map_err(|error| error.to_string())
}

/// What an error means for the email.
fn outcome(error: &lettre::transport::smtp::Error) -> Delivery {
    let words = described(error);
    if error.is_client() {
        // What cannot be said to this server, as an address that it has no letters for.
        return Delivery::Refused { words, of_address: false };
    }
    let code = error.status().map(u16::from).filter(|_| error.is_permanent());
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    match code.map(|code| Fault::of(code, &said)) {
        Some(Fault::Address) => Delivery::Refused { words, of_address: true },
        Some(Fault::Message) => Delivery::Refused { words, of_address: false },
        // A city that a server does not believe would turn every email into a letter: its mail waits until that is mended.
        Some(Fault::Sender) => Delivery::Retry(words),
        None if error.status().is_some() => Delivery::Retry(words),
        None => Delivery::Unanswered(words),
    }
}

/// Whose fault a server gives as its reason to take an email never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The recipient's address or mailbox.
    Address,
    /// The sender: its standing, its password, the server's policy.
    Sender,
    /// What is sent: its size or kind.
    Message,
}

impl Fault {
    /// By the enhanced status code that the server's words begin with (RFC 3463), or else by its reply (RFC 5321, 4.2.3).
    fn of(code: u16, said: &str) -> Self {
        let enhanced = said.split_whitespace().next().filter(|word| word.starts_with("5.") && word.len() > 3);
        match enhanced.and_then(|word| word.split('.').nth(1)) {
            Some("1" | "2") => Self::Address,
            Some("3" | "6") => Self::Message,
            Some(_) => Self::Sender,
            None => match code {
                550 | 551 | 553 => Self::Address,
                552 => Self::Message,
                _ => Self::Sender,
            },
        }
    }
}

/// A password that the server does not take is no fault of the email: it waits until somebody has put it right.
fn not_known(user: &str, error: &lettre::transport::smtp::Error) -> Delivery {
    Delivery::Retry(format!("the server does not know {user}: {}", described(error)))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream::{self, StreamExt};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_refusal_is_the_address_s_fault_only_where_the_server_says_so() {
        assert_eq!(Fault::of(550, "5.1.1 <gone@elm.example>: unknown user"), Fault::Address);
        assert_eq!(Fault::of(552, "5.2.2 mailbox full"), Fault::Address);
        assert_eq!(Fault::of(550, "no such user here"), Fault::Address);
        assert_eq!(Fault::of(552, "5.3.4 message too large"), Fault::Message);
        assert_eq!(Fault::of(550, "5.7.1 relaying denied"), Fault::Sender);
        assert_eq!(Fault::of(554, "your host is on a list"), Fault::Sender);
        assert_eq!(Fault::of(530, "5.5.1 authentication required"), Fault::Sender);
    }

    /// A server that counts connections and emails, and hangs up after so many emails on one.
    struct Counting {
        port: u16,
        opened: Arc<AtomicUsize>,
        taken: Arc<AtomicUsize>,
    }

    impl Counting {
        async fn start(most: usize) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let (opened, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (counts, takes) = (Arc::clone(&opened), Arc::clone(&taken));
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    counts.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(talk(stream, most, Arc::clone(&takes)));
                }
            });
            Self { port, opened, taken }
        }
    }

    #[tokio::test]
    async fn an_email_that_a_server_read_and_did_not_answer_may_have_left_and_one_that_had_no_connection_has_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"220 ready\r\n").await.unwrap();
            let mut line = String::new();
            while line.trim_end() != "." {
                line.clear();
                stream.read_line(&mut line).await.unwrap();
                let answer = if line.starts_with("DATA") { "354 go on\r\n" } else { "250 ok\r\n" };
                if !line.starts_with("Pay") && !line.starts_with("Subject") && line.trim_end().len() > 1 {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        let server = Server::new(SmtpSettings { port, ..SmtpSettings::default() }).unwrap();
        let sent = send(&server, 1).await;
        assert!(matches!(sent[0], Delivery::Unanswered(_)), "{sent:?}");
        let sent = send(&server, 1).await;
        assert!(matches!(sent[0], Delivery::Retry(_)), "nobody listens any more: {sent:?}");
    }

    async fn talk(stream: TcpStream, most: usize, taken: Arc<AtomicUsize>) {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 ready\r\n").await.unwrap();
        let (mut line, mut in_email, mut emails) = (String::new(), false, 0);
        while emails < most && stream.read_line(&mut line).await.unwrap_or(0) > 0 {
            let answer = match line.trim_end() {
                "." if in_email => {
                    in_email = false;
                    emails += 1;
                    taken.fetch_add(1, Ordering::SeqCst);
                    Some("250 taken\r\n")
                }
                _ if in_email => None,
                "DATA" => {
                    in_email = true;
                    Some("354 go on\r\n")
                }
                _ => Some("250 ok\r\n"),
            };
            if let Some(answer) = answer {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            line.clear();
        }
    }

    async fn send(server: &Server, emails: usize) -> Vec<Delivery> {
        let sends = (0..emails).map(|_| server.send("a@elm.example", "b@elm.example", b"Subject: x\r\n\r\nPay.\r\n"));
        stream::iter(sends).buffer_unordered(server.connections()).collect().await
    }

    #[tokio::test]
    async fn emails_share_a_few_connections_that_stay_open() {
        let counting = Counting::start(usize::MAX).await;
        let server = Server::new(SmtpSettings { port: counting.port, ..SmtpSettings::default() }).unwrap();
        for _ in 0..5 {
            assert!(send(&server, 40).await.iter().all(|sent| *sent == Delivery::Accepted("taken".into())));
        }
        assert_eq!(counting.taken.load(Ordering::SeqCst), 200);
        assert!(counting.opened.load(Ordering::SeqCst) <= 4);
    }

    #[tokio::test]
    async fn a_connection_that_the_server_ended_costs_one_email_a_wait_and_is_opened_anew() {
        let counting = Counting::start(1).await;
        let settings = SmtpSettings { port: counting.port, connections: 1, ..SmtpSettings::default() };
        let server = Server::new(settings).unwrap();
        let taken = Delivery::Accepted("taken".into());
        assert_eq!(send(&server, 1).await, std::slice::from_ref(&taken));
        let again = send(&server, 2).await;
        assert!(matches!(again[0], Delivery::Unanswered(_)), "{again:?}");
        assert_eq!(again[1], taken);
        assert_eq!(counting.opened.load(Ordering::SeqCst), 2);
    }
}
