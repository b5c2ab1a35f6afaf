//! What left the building, as the log names it. The database can be made to agree with itself; the log's chains and seals
//! cannot, and so every letter, email, batch and list is held to the line that was written when it left.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Check, Examination, Finding, PAGE, Result, TAMPERED};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{BatchId, DocumentHash, NoticeId};
use crate::store::ExportFile;

/// Lines of a notice that leaves, by letter, by email, by a crew.
const LEFT: [&str; 4] = ["notice mailed", "email leaves", "email sent", "notice posted"];
const BATCH: &str = "print batch made";
const REFERRALS: &str = "referrals exported";
const FEES: &str = "fees exported";

/// What the lines name.
#[derive(Default)]
pub(super) struct Left {
    notices: BTreeMap<NoticeId, BTreeSet<Option<DocumentHash>>>,
    batches: BTreeMap<BatchId, DocumentHash>,
    referrals: BTreeMap<String, Vec<ExportFile>>,
    fees: BTreeMap<String, DocumentHash>,
}

/// What such a line says, of what it is about.
#[derive(Deserialize)]
struct Said {
    notice: Option<NoticeId>,
    batch: Option<BatchId>,
    export: Option<String>,
    document: Option<DocumentHash>,
    #[serde(default)]
    files: Vec<ExportFile>,
}

impl Left {
    fn add(&mut self, what: &str, said: Said) {
        let Said { notice, batch, export, document, files } = said;
        if let Some(notice) = notice {
            self.notices.entry(notice).or_default().insert(document);
        } else if let (Some(batch), Some(document)) = (batch, &document) {
            self.batches.insert(batch, document.clone());
        } else if let Some(export) = export {
            if let Some(document) = document {
                self.fees.insert(export, document);
            } else if what == REFERRALS {
                self.referrals.insert(export, files);
            }
        }
    }

    /// Holds a notice to the lines with which it left.
    pub(super) fn holds(&self, check: &mut Check, notice: &Notice) {
        let named = self.notices.get(&notice.id);
        if named.is_none() && !has_left(notice) {
            return;
        }
        let is_it = |named: &BTreeSet<Option<DocumentHash>>| {
            // A tag that a crew printed from its list was kept nowhere, and its line says so too.
            let is_kept = notice.document.is_some() || notice.state == NoticeState::Posted;
            is_kept && named.len() == 1 && named.contains(&notice.document)
        };
        check.expects(named.is_some_and(is_it), || {
            let hashes: Vec<&str> = named.into_iter().flatten().flatten().map(DocumentHash::as_str).collect();
            let expected = if hashes.is_empty() { "a line that names it".to_owned() } else { hashes.join(", ") };
            Finding::at(format!("notice {} ({}, {})", notice.id, notice.template, notice.state))
                .of(notice.account)
                .found(notice.document.as_ref().map_or("no document", DocumentHash::as_str))
                .expected(format!("by the log: {expected}"))
                .remedy(TAMPERED)
        });
    }
}

impl Examination<'_> {
    pub(super) async fn left(&mut self) -> Result<Left> {
        let words: Vec<&str> = LEFT.into_iter().chain([BATCH, REFERRALS, FEES]).collect();
        let (mut left, mut after) = (Left::default(), 0);
        loop {
            let page = self.reading.lines_with(&words, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for line in page {
                // A line that is damaged is found in its chain, and what it should have named here.
                if let Ok(said) = serde_json::from_str(&line.body) {
                    left.add(&line.what, said);
                }
            }
        }
        Ok(left)
    }

    /// Holds batches and lists to the lines with which they were made.
    pub(super) async fn lists_left(&mut self, check: &mut Check, left: &Left) -> Result<()> {
        for batch in self.reading.batches().await? {
            let named = left.batches.get(&batch.id);
            held(check, &batch.path, &batch.document, named);
        }
        for list in self.reading.fee_exports().await? {
            held(check, &format!("list {}", list.name), &list.document, left.fees.get(&list.name));
        }
        for list in self.reading.exports().await? {
            let named = left.referrals.get(&list.name);
            check.expects(named == Some(&list.files), || {
                Finding::at(format!("list {}", list.name))
                    .found("other files than the log names")
                    .expected("those with which the list was made")
                    .remedy(TAMPERED)
            });
        }
        Ok(())
    }
}

fn held(check: &mut Check, place: &str, kept: &DocumentHash, named: Option<&DocumentHash>) {
    check.expects(named == Some(kept), || {
        let expected = named.map_or("a line that names it", DocumentHash::as_str);
        Finding::at(place).found(kept.to_string()).expected(format!("by the log: {expected}")).remedy(TAMPERED)
    });
}

/// Whether it has left, and so has a line that names it.
const fn has_left(notice: &Notice) -> bool {
    match notice.state {
        NoticeState::Mailed | NoticeState::Sent | NoticeState::Returned | NoticeState::Bounced => true,
        // A crew prints its tags from the list of the day where none was set.
        NoticeState::Posted => notice.document.is_some(),
        NoticeState::Planned
        | NoticeState::Released
        | NoticeState::Rendered
        | NoticeState::Batched
        | NoticeState::Canceled
        | NoticeState::Voided
        | NoticeState::Failed => false,
    }
}
