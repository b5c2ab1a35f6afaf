//! The papers: every kept document against its hash, every notice against its document, and the files beside the
//! database against what is recorded of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::left::Left;
use super::{Check, Examination, Finding, PAGE, Result, TAMPERED};
use crate::domain::document::sha256;
use crate::domain::notice::NoticeState;
use crate::domain::{BatchId, DocumentHash, NoticeId};

/// Documents are read a few at a time: they are large.
const DOCUMENTS: u32 = 100;

const WRITE_AGAIN: &str = "restore the file from a backup: its hash is recorded, and the kept letters in the database are whole where no \
                           other finding says otherwise";

/// What the manifest of a batch says that the doctor holds it to.
#[derive(Deserialize)]
struct Manifest {
    sha256: DocumentHash,
    letters: Vec<ManifestLetter>,
}

#[derive(Deserialize)]
struct ManifestLetter {
    piece: NoticeId,
    sha256: DocumentHash,
}

impl Examination<'_> {
    pub(super) async fn papers(&mut self) -> Result<[Check; 4]> {
        let mut documents = Check::new("documents", "every kept document has the SHA-256 under which it is kept");
        let mut kept: BTreeSet<DocumentHash> = BTreeSet::new();
        let mut after = 0;
        loop {
            let page = self.reading.documents(after, DOCUMENTS).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, paper) in page {
                let found = sha256(&paper.document.bytes);
                documents.expects(found == paper.document.hash, || {
                    let finding = Finding::at(format!("document for {}", paper.used_for))
                        .found(format!("its bytes have the SHA-256 {found}"))
                        .expected(paper.document.hash.to_string())
                        .remedy(TAMPERED);
                    paper.account.map_or(finding.clone(), |account| finding.of(account))
                });
                kept.insert(paper.document.hash);
            }
            self.watch(&documents);
        }
        let mut went_out = Check::new("went out", "what left is, to the byte, what the log named when it left");
        let left = self.left().await?;
        let (notices, printed) = self.notices_have_papers(&kept, &left, &mut went_out).await?;
        self.lists_left(&mut went_out, &left).await?;
        Ok([documents, notices, went_out, self.files(&printed).await?])
    }

    /// Notices that were set have their document; gives those of each batch.
    async fn notices_have_papers(
        &mut self,
        kept: &BTreeSet<DocumentHash>,
        left: &Left,
        went_out: &mut Check,
    ) -> Result<(Check, BTreeMap<NoticeId, DocumentHash>)> {
        let mut check = Check::new("notices", "what was set, mailed or sent is kept as it went out, with its proof");
        let mut printed = BTreeMap::new();
        let mut after = 0;
        loop {
            let page = self.reading.notices(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for notice in page {
                left.holds(went_out, &notice);
                let is_set = match notice.state {
                    NoticeState::Planned | NoticeState::Released => false,
                    NoticeState::Rendered
                    | NoticeState::Batched
                    | NoticeState::Mailed
                    | NoticeState::Sent
                    | NoticeState::Posted
                    | NoticeState::Returned
                    | NoticeState::Bounced => true,
                    // Ended before or after it was set.
                    NoticeState::Canceled | NoticeState::Voided | NoticeState::Failed => notice.document.is_some(),
                };
                let has_paper = notice.document.as_ref().is_some_and(|hash| kept.contains(hash));
                check.expects(!is_set || has_paper, || {
                    Finding::at(format!("notice {} ({}, {})", notice.id, notice.template, notice.state))
                        .of(notice.account)
                        .found("no kept document")
                        .expected(notice.document.as_ref().map_or_else(|| "its document".into(), ToString::to_string))
                        .remedy(TAMPERED)
                });
                let went = matches!(notice.state, NoticeState::Mailed | NoticeState::Sent);
                let is_proved =
                    notice.mailed_on.is_some() && notice.proof.as_ref().is_some_and(|proof| !proof.is_empty());
                if went && !is_proved {
                    check.finds(
                        Finding::at(format!("notice {} ({})", notice.id, notice.state))
                            .of(notice.account)
                            .found("no day or no proof of mailing")
                            .expected("both"),
                    );
                }
                if let (Some(_), Some(hash)) = (notice.batch, notice.document) {
                    printed.insert(notice.id, hash);
                }
            }
            self.watch(&check);
        }
        Ok((check, printed))
    }

    /// The files for the printer and the lists that went out, on the disk.
    async fn files(&mut self, printed: &BTreeMap<NoticeId, DocumentHash>) -> Result<Check> {
        let mut check = Check::new("files", "print batches, lists and packets lie on the disk as they were recorded");
        for batch in self.reading.batches().await? {
            self.file(&mut check, &batch.path, &batch.document);
            self.manifest(&mut check, batch.id, &batch.path, &batch.document, printed);
        }
        for list in self.reading.exports().await? {
            for file in list.files.iter().filter(|_| list.written_at.is_some()) {
                let path = self.office.export_path(&list, &file.part);
                let path = path.strip_prefix(&self.office.dir).unwrap_or(&path).display().to_string();
                self.file(&mut check, &path, &file.document);
            }
        }
        for list in self.reading.fee_exports().await?.iter().filter(|list| list.written_at.is_some()) {
            let path = self.office.fee_export_path(list);
            let path = path.strip_prefix(&self.office.dir).unwrap_or(&path).display().to_string();
            self.file(&mut check, &path, &list.document);
        }
        Ok(check)
    }

    /// One file, by its path in the data directory.
    fn file(&self, check: &mut Check, path: &str, recorded: &DocumentHash) {
        let found = found_on(&self.office.dir.join(path));
        check.expects(found.as_deref() == Ok(recorded.as_str()), || {
            let found = found.map_or_else(|missing| missing, |hash| format!("the SHA-256 {hash}"));
            Finding::at(path).found(found).expected(recorded.to_string()).remedy(WRITE_AGAIN)
        });
    }

    /// The manifest beside a batch names the kept letters.
    fn manifest(
        &self,
        check: &mut Check,
        batch: BatchId,
        pdf: &str,
        recorded: &DocumentHash,
        printed: &BTreeMap<NoticeId, DocumentHash>,
    ) {
        let path = Path::new(pdf).with_extension("json");
        let place = path.display().to_string();
        let manifest: Option<Manifest> =
            std::fs::read(self.office.dir.join(&path)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(manifest) = manifest else {
            check.finds(
                Finding::at(place)
                    .found("no manifest that can be read")
                    .expected(format!("the manifest of batch {batch}"))
                    .remedy(WRITE_AGAIN),
            );
            return;
        };
        check.expects(manifest.sha256 == *recorded, || {
            Finding::at(place.clone())
                .found(manifest.sha256.to_string())
                .expected(recorded.to_string())
                .remedy(WRITE_AGAIN)
        });
        for letter in manifest.letters {
            let kept = printed.get(&letter.piece);
            check.expects(kept == Some(&letter.sha256), || {
                Finding::at(format!("{place}, letter {}", letter.piece))
                    .found(letter.sha256.to_string())
                    .expected(kept.map_or_else(|| "no letter of a batch".into(), ToString::to_string))
                    .remedy(WRITE_AGAIN)
            });
        }
    }
}

/// The hash of a file, or why there is none.
fn found_on(path: &Path) -> Result<String, String> {
    std::fs::read(path).map(|bytes| sha256(&bytes).to_string()).map_err(|error| error.to_string())
}
