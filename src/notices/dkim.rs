//! The city's signature under each email (DKIM, RFC 6376 and 8463), made when it is sent.
//!
//! The kept document is what was rendered. What is sent is that, to the byte, behind one more header. The proof of sending
//! names domain, selector and time: with them and the key the same signature can be made again.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::{ContentTransferEncoding, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use lettre::{Address, Message};

/// The headers that are signed, where an email has them.
const SIGNED: [&str; 10] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Auto-Submitted",
    "Content-Language",
    super::bounce::NOTICE_HEADER,
];

/// What a private Ed25519 key in PKCS#8 begins with (RFC 8410); the 32 bytes of the key follow.
const ED25519_PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// RSA's name in PKCS#8: `rsaEncryption` without parameters.
const RSA_NAME: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];

/// Why the city's emails cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    #[error("dkim: {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "dkim: {}: {why}; make a key with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048` or `-algorithm ED25519`",
        path.display()
    )]
    Key { path: PathBuf, why: String },
}

/// What signs emails for a domain.
pub struct Signer {
    domain: String,
    selector: String,
    key: String,
    algorithm: DkimSigningAlgorithm,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}, {})", self.domain, self.selector)
    }
}

/// An email as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub bytes: Vec<u8>,
    /// For the proof: `DKIM elm.example, arrears, t=1774886400`.
    pub words: String,
}

impl Signer {
    /// Reads the private key, RSA or Ed25519, in PEM.
    ///
    /// # Errors
    /// When the file cannot be read or holds no such key.
    pub fn open(domain: &str, selector: &str, path: &Path) -> Result<Self, DkimError> {
        let pem = std::fs::read_to_string(path).map_err(|source| DkimError::Read { path: path.to_owned(), source })?;
        let wrong = |why: String| DkimError::Key { path: path.to_owned(), why };
        let (key, algorithm) = key(&pem).map_err(|why| wrong(why.to_owned()))?;
        DkimSigningKey::new(&key, algorithm).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), key, algorithm })
    }

    /// Puts the signature in front of an email.
    ///
    /// # Errors
    /// When the bytes are no email.
    pub fn sign(&self, email: &[u8]) -> Result<Signed, String> {
        let text = std::str::from_utf8(email).map_err(|error| error.to_string())?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("it has no body")?;
        let mut headers = Vec::new();
        for (name, value) in unfolded(head) {
            if let Some(signed) = SIGNED.iter().find(|signed| signed.eq_ignore_ascii_case(name)) {
                headers.push((HeaderName::new_from_ascii_str(signed), value));
            }
        }
        let names = headers.iter().map(|(name, _)| name.clone()).collect();
        let relaxed = DkimCanonicalizationType::Relaxed;
        let key = DkimSigningKey::new(&self.key, self.algorithm).map_err(|error| error.to_string())?;
        let canonicalization = DkimCanonicalization { header: relaxed, body: relaxed };
        let config = DkimConfig::new(self.selector.clone(), self.domain.clone(), key, names, canonicalization);
        let mut message = bare(body)?;
        for (name, value) in headers {
            message.headers_mut().insert_raw(HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value));
        }
        message.sign(&config);
        let signature = message.headers().get_raw("DKIM-Signature").ok_or("it was not signed")?;
        let field = |name: &str| signature.split("; ").find(|field| field.starts_with(name)).unwrap_or_default();
        let words = format!("DKIM {}, {}, {}", self.domain, self.selector, field("t="));
        let bytes = [format!("DKIM-Signature: {}\r\n", folded(signature)).as_bytes(), email].concat();
        Ok(Signed { bytes, words })
    }
}

/// A message of the body, whose headers are to be set.
fn bare(body: &str) -> Result<Message, String> {
    let nobody = Address::new("nobody", "localhost").map_err(|error| error.to_string())?;
    let nobody = Mailbox::new(None, nobody);
    let body = Body::dangerous_pre_encoded(body.as_bytes().to_vec(), ContentTransferEncoding::EightBit);
    Message::builder().from(nobody.clone()).to(nobody).body(body).map_err(|error| error.to_string())
}

/// The headers with their values as they stand, folds taken out.
fn unfolded(head: &str) -> Vec<(&str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for line in head.split("\r\n") {
        match (line.starts_with([' ', '\t']), headers.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => value.push_str(line),
            (false, _, Some((name, value))) => headers.push((name, value.trim_start().to_owned())),
            (true, None, _) | (false, _, None) => {}
        }
    }
    headers
}

/// A field a line: white space does not count in the relaxed form, and lines stay short. The signature itself is cut.
fn folded(signature: &str) -> String {
    let cut = |field: &str| {
        let pieces: Vec<String> =
            field.chars().collect::<Vec<_>>().chunks(70).map(|piece| piece.iter().collect()).collect();
        pieces.join("\r\n ")
    };
    let cut_long = |field: &str| if field.starts_with("b=") { cut(field) } else { field.to_owned() };
    signature.split("; ").map(cut_long).collect::<Vec<_>>().join(";\r\n ")
}

/// The key in the form that the signing library reads: RSA as PKCS#1 in PEM, Ed25519 as its 32 bytes in base64.
fn key(pem: &str) -> Result<(String, DkimSigningAlgorithm), &'static str> {
    if pem.contains("BEGIN RSA PRIVATE KEY") {
        return Ok((pem.to_owned(), DkimSigningAlgorithm::Rsa));
    }
    if !pem.contains("BEGIN PRIVATE KEY") {
        return Err("it holds no private key in PEM");
    }
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = BASE64.decode(base64).map_err(|_| "its base64 is broken")?;
    if let Some(secret) = der.strip_prefix(&ED25519_PKCS8) {
        return Ok((BASE64.encode(secret), DkimSigningAlgorithm::Ed25519));
    }
    let at =
        der.windows(RSA_NAME.len()).position(|window| window == RSA_NAME).ok_or("it is neither RSA nor Ed25519")?;
    // The octet string behind the name holds the key as PKCS#1: a tag, a length of one to three bytes, the key.
    let rest = &der[at + RSA_NAME.len()..];
    let skipped = match rest {
        [4, 0x82, ..] => 4,
        [4, 0x81, ..] => 3,
        [4, ..] => 2,
        _ => return Err("its RSA key is broken"),
    };
    let pkcs1 = BASE64.encode(rest.get(skipped..).ok_or("its RSA key is broken")?);
    let lines: Vec<&str> = pkcs1.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"));
    Ok((pem, DkimSigningAlgorithm::Rsa))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(pem: &str) -> Result<Signer, DkimError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, pem).unwrap();
        Signer::open("elm.example", "arrears", &path)
    }

    /// The key of RFC 8032, test 1, as `openssl genpkey` writes keys.
    fn ed25519() -> Signer {
        open(
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n",
        )
        .unwrap()
    }

    #[test]
    fn what_is_sent_is_what_is_kept_behind_the_signature() {
        let kept = "From: City of Elm <billing@elm.example>\r\nSubject: a\r\n b\r\nReceived: no\r\n\r\nPay.\r\n";
        let signed = ed25519().sign(kept.as_bytes()).unwrap();
        let sent = String::from_utf8(signed.bytes).unwrap();
        let signature = sent.strip_suffix(kept).unwrap();
        assert!(signature.starts_with("DKIM-Signature: v=1;\r\n a=ed25519-sha256;\r\n d=elm.example;"), "{signature}");
        assert!(signature.contains(" h=from:subject;\r\n"), "{signature}");
        assert!(signature.lines().all(|line| line.len() < 78), "{signature}");
        assert!(signed.words.starts_with("DKIM elm.example, arrears, t=1"), "{}", signed.words);
    }

    #[test]
    fn a_key_that_is_none_is_told_with_how_to_make_one() {
        for text in ["", "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"] {
            let error = open(text).unwrap_err().to_string();
            assert!(error.contains("key.pem") && error.contains("openssl genpkey"), "{error}");
        }
    }
}
