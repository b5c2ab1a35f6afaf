//! Notices as sent: which ones left, when, under which proof, and the name of each exhibit.
//!
//! A notice that was planned, canceled or voided before it left is no exhibit: nothing is called sent that was not.

use super::input::{NoticeExhibit, PacketInput};
use crate::domain::document::MediaType;
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{Channel, Day};

/// A notice that left, with its place in the packet.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// From 1, in order of sending.
    pub number: usize,
    pub on: Day,
    pub notice: &'a Notice,
    pub document: Option<(MediaType, &'a [u8])>,
}

/// The notices that left on or before the cut-off, in order of sending.
#[must_use]
pub fn sent(input: &PacketInput) -> Vec<Sent<'_>> {
    let mut left: Vec<(Day, &NoticeExhibit)> = input
        .notices
        .iter()
        .filter_map(|exhibit| sent_on(&exhibit.notice).map(|on| (on, exhibit)))
        .filter(|(on, _)| *on <= input.cut_off)
        .collect();
    left.sort_by_key(|(on, exhibit)| (*on, exhibit.notice.id));
    left.into_iter()
        .zip(1..)
        .map(|((on, exhibit), number)| Sent {
            number,
            on,
            notice: &exhibit.notice,
            document: exhibit.document.as_ref().map(|(media_type, bytes)| (*media_type, bytes.as_slice())),
        })
        .collect()
}

/// The day on which a notice left the city, `None` while it has not.
#[must_use]
pub fn sent_on(notice: &Notice) -> Option<Day> {
    match notice.state {
        NoticeState::Mailed
        | NoticeState::Posted
        | NoticeState::Sent
        | NoticeState::Returned
        | NoticeState::Bounced => notice.mailed_on.or(notice.served_on).or(notice.dated).or(notice.released_on),
        NoticeState::Planned
        | NoticeState::Released
        | NoticeState::Rendered
        | NoticeState::Batched
        | NoticeState::Canceled
        | NoticeState::Voided
        | NoticeState::Failed => None,
    }
}

impl Sent<'_> {
    /// Where its bytes stand in the packet: `notices/003-final_notice-2026-05-01.pdf`.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        let (media_type, _) = self.document?;
        let extension = match media_type {
            MediaType::Pdf => "pdf",
            MediaType::Email => "eml",
            MediaType::Html => "html",
            MediaType::Zip => "zip",
            MediaType::Csv => "csv",
            MediaType::Json => "json",
        };
        let template = file_part(self.notice.template.as_str());
        Some(format!("notices/{:03}-{template}-{}.{extension}", self.number, self.on))
    }

    /// What became of it, in words that claim no more than is recorded, with days as `show` writes them.
    #[must_use]
    pub fn delivery(&self, show: fn(&Day) -> String) -> String {
        let on = |day: Option<Day>| day.map(|day| format!(" {}", show(&day))).unwrap_or_default();
        match self.notice.state {
            NoticeState::Returned => format!("Returned{}", on(self.notice.returned_on)),
            NoticeState::Bounced => format!("Bounced{}", on(self.notice.returned_on)),
            NoticeState::Posted => format!("Left at the premises{}", on(self.notice.served_on)),
            NoticeState::Sent => "Accepted by the mail server".to_owned(),
            NoticeState::Mailed => match self.notice.channel {
                Channel::Mail => "Mailed; not returned".to_owned(),
                Channel::Posting => "Posted".to_owned(),
                Channel::Hand => "Handed over".to_owned(),
                Channel::Phone => "Told".to_owned(),
                Channel::Email => "Accepted by the mail server".to_owned(),
            },
            NoticeState::Planned
            | NoticeState::Released
            | NoticeState::Rendered
            | NoticeState::Batched
            | NoticeState::Canceled
            | NoticeState::Voided
            | NoticeState::Failed => "Not sent".to_owned(),
        }
    }
}

/// A name that is safe in a path, and another for every name: letters, digits, `_`, `-` and `.` stay, `/` becomes `~`, and
/// anything else its number, as `%20` for a blank.
#[must_use]
pub fn file_part(name: &str) -> String {
    let mut part = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '/' => part.push('~'),
            '_' | '-' | '.' => part.push(c),
            c if c.is_ascii_alphanumeric() => part.push(c),
            c => part.push_str(&format!("%{:02X}", u32::from(c))),
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_that_differ_only_in_their_marks_have_packets_of_different_names() {
        let parts = ["10/2", "10.2", "10-2", "10_2", "10~2", "10%2"].map(file_part);
        assert_eq!(parts, ["10~2", "10.2", "10-2", "10_2", "10%7E2", "10%252"]);
    }
}
