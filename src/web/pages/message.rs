//! A kept email as a person reads it: its headers and its text. Only what Arrears itself writes need be understood; the
//! bytes as they went out are in the packet.

/// The headers that are shown, in this order.
const SHOWN: &[&str] = &["From", "To", "Subject", "Date", "Message-ID"];

/// The headers and the plain text of a message. What cannot be decoded is shown as it stands.
pub fn readable(bytes: &[u8]) -> String {
    let message = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let (head, body) = message.split_once("\n\n").unwrap_or((&message, ""));
    let headers = headers(head);
    let mut text: String = SHOWN
        .iter()
        .filter_map(|name| header(&headers, name).map(|value| format!("{name}: {}\n", decoded_words(value))))
        .collect();
    text.push('\n');
    text.push_str(&plain_part(&headers, body));
    text
}

fn plain_part(headers: &[(String, String)], body: &str) -> String {
    let kind = header(headers, "Content-Type").unwrap_or_default();
    let Some((_, boundary)) = kind.split_once("boundary=") else {
        return decoded_body(body, header(headers, "Content-Transfer-Encoding").unwrap_or_default());
    };
    let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
    let part = body.split(&format!("--{boundary}\n")).nth(1).unwrap_or(body);
    let part = part.split(&format!("\n--{boundary}")).next().unwrap_or(part);
    let (head, body) = part.split_once("\n\n").unwrap_or(("", part));
    let encoding = self::headers(head);
    decoded_body(body, header(&encoding, "Content-Transfer-Encoding").unwrap_or_default())
}

/// Header lines with their continuations joined.
fn headers(head: &str) -> Vec<(String, String)> {
    head.replace("\n ", " ")
        .replace("\n\t", " ")
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn decoded_body(body: &str, encoding: &str) -> String {
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        "base64" => base64(body),
        "quoted-printable" => quoted_printable(body),
        _ => None,
    };
    bytes.map_or_else(|| body.to_owned(), |bytes| String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

/// Words such as `=?utf-8?b?w7E=?=`; the space between two of them does not count (RFC 2047).
fn decoded_words(value: &str) -> String {
    let joined = value.replace("?= =?", "?==?");
    let mut out = String::new();
    let mut rest = joined.as_str();
    while let Some((before, word)) = rest.split_once("=?") {
        out.push_str(before);
        let mut parts = word.splitn(4, '?');
        let (_, how, text, after) = (parts.next(), parts.next(), parts.next(), parts.next());
        let bytes = match (how.map(str::to_ascii_lowercase).as_deref(), text) {
            (Some("b"), Some(text)) => base64(text),
            (Some("q"), Some(text)) => quoted_printable(&text.replace('_', " ")),
            _ => None,
        };
        let (Some(bytes), Some(after)) = (bytes, after.and_then(|after| after.strip_prefix('='))) else {
            return value.to_owned();
        };
        out.push_str(&String::from_utf8_lossy(&bytes));
        rest = after;
    }
    out + rest
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| !letter.is_ascii_whitespace() && *letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn quoted_printable(text: &str) -> Option<Vec<u8>> {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use lettre::Message;
    use lettre::message::MultiPart;

    use super::*;

    fn message(text: &str) -> Vec<u8> {
        let body = MultiPart::alternative_plain_html(text.to_owned(), "<p>x</p>".to_owned());
        Message::builder()
            .from("City of Riverbend <utilities@riverbend.example>".parse().unwrap())
            .to("Rosa Muñoz <rosa@example.com>".parse().unwrap())
            .subject("Su factura de agua está vencida: páguela por favor antes del jueves 25 de junio / Your bill")
            .multipart(body)
            .unwrap()
            .formatted()
    }

    #[test]
    fn an_email_in_any_language_is_read_as_it_was_written() {
        for text in [
            "Please pay $80.00 = eighty.",
            "Señora Muñoz: pague antes del 25.\nGracias, y una línea más larga que setenta y ocho letras, sí.",
            "请付款八十元请付款八十元",
        ] {
            let shown = readable(&message(text));
            assert!(shown.contains(text), "{shown}");
            assert!(shown.contains("Rosa Muñoz"), "{shown}");
            assert!(shown.contains("Subject: Su factura de agua está vencida: páguela por favor"), "{shown}");
            assert!(!shown.contains("<p>"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_email_is_shown_as_it_stands_and_breaks_nothing() {
        for text in [
            "",
            "no headers",
            "Subject: =?x\n\nbody",
            "Subject: =?utf-8?q?=?=\n\n=Z",
            "Content-Type: a; boundary=\n\nx",
        ] {
            let _ = readable(text.as_bytes());
        }
        assert!(readable(b"Content-Transfer-Encoding: base64\n\n%%%").contains("%%%"));
    }
}
