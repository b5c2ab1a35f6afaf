//! The chains of the log and the seals over log and ledger, hashed anew.

use std::collections::BTreeMap;

use super::{Check, Examination, Finding, PAGE, Result, TAMPERED};
use crate::domain::AccountId;
use crate::domain::evidence::{Line, NOTHING_BEFORE, Sealing, Span, entry_hash};
use crate::office::OfficeError;
use crate::store::{KeptLine, Seal};

/// The seals, each made again from what is there now.
struct Seals {
    check: Check,
    /// Those whose turn has not come.
    waiting: std::vec::IntoIter<Seal>,
    now: Option<(Seal, Sealing)>,
    before: Span,
    previous: String,
}

impl Seals {
    fn new(seals: Vec<Seal>) -> Self {
        let check =
            Check::new("seals", "what was sealed is what is there: nothing was changed, removed or put between");
        let previous = NOTHING_BEFORE.to_owned();
        let mut all = Self { check, waiting: seals.into_iter(), now: None, before: Span::default(), previous };
        all.next();
        all
    }

    /// The next seal's turn.
    fn next(&mut self) {
        self.now = self.waiting.next().map(|seal| {
            let sealing = Sealing::new(&self.previous, seal.through);
            (seal, sealing)
        });
    }

    /// The current seal has seen all that it covers.
    fn close(&mut self) {
        let Some((seal, sealing)) = self.now.take() else { return };
        let (lines, entries) = (sealing.lines, sealing.entries);
        let root = sealing.root();
        let is_so = root == seal.root && seal.previous == self.previous;
        let Span { log, entry } = self.before;
        self.check.expects(is_so, || {
            Finding::at(format!("seal {} ({}, {})", seal.id, seal.why, seal.made_at.format("%Y-%m-%d %H:%M UTC")))
                .found(format!(
                    "log lines {} to {} and entries {} to {} ({lines} and {entries}) give the root {root}",
                    log + 1,
                    seal.through.log,
                    entry + 1,
                    seal.through.entry,
                ))
                .expected(format!("{} ({} lines, {} entries)", seal.root, seal.lines, seal.entries))
                .remedy(TAMPERED)
        });
        self.before = seal.through;
        // The next one is held against what this one says, so that one change is one finding.
        self.previous = seal.root;
        self.next();
    }
}

impl Examination<'_> {
    pub(super) async fn chains_and_seals(&mut self) -> Result<[Check; 2]> {
        let mut chains =
            Check::new("log chains", "each line's hash is that of its fields and of its account's line before");
        let mut heads: BTreeMap<Option<AccountId>, String> = BTreeMap::new();
        let mut seals = Seals::new(self.reading.all_seals().await?);
        let mut after = 0;
        loop {
            let page = self.reading.lines(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for line in page {
                while seals.now.as_ref().is_some_and(|(seal, _)| line.seq > seal.through.log) {
                    self.seal_entries(&mut seals).await?;
                }
                if let Some((_, sealing)) = &mut seals.now {
                    sealing.line(line.seq, line.account, &line.hash);
                }
                follow(&mut chains, &mut heads, line);
            }
            self.watch(&chains);
        }
        while seals.now.is_some() {
            self.seal_entries(&mut seals).await?;
        }
        self.ends(&mut chains, heads).await?;
        Ok([chains, seals.check])
    }

    /// Reads the entries of the current seal, and closes it.
    async fn seal_entries(&mut self, seals: &mut Seals) -> Result<()> {
        let mut after = seals.before.entry;
        let through = seals.now.as_ref().map_or(after, |(seal, _)| seal.through.entry);
        while after < through {
            let page = self.reading.entries_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for entry in page.iter().filter(|entry| entry.id.0 <= through) {
                let hash = entry_hash(entry).map_err(|error| OfficeError::Interrupted(error.to_string()))?;
                if let Some((_, sealing)) = &mut seals.now {
                    sealing.entry(entry.id.0, &hash);
                }
            }
        }
        seals.close();
        Ok(())
    }

    /// Each chain ends where it is said to end: nothing was cut off.
    async fn ends(&mut self, check: &mut Check, mut heads: BTreeMap<Option<AccountId>, String>) -> Result<()> {
        for (chain, kept) in self.reading.chain_heads().await? {
            let last = heads.remove(&chain).unwrap_or_else(|| NOTHING_BEFORE.into());
            if last != kept {
                let finding = Finding::at("the end of the log").found(format!("its last line has the hash {last}"));
                check.finds(in_chain(finding.expected(format!("{kept}: lines were removed or added")), chain));
            }
        }
        for chain in heads.into_keys() {
            let finding = Finding::at("the end of the log").found("lines, and no head of their chain");
            check.finds(in_chain(finding.expected("the hash of the last line"), chain));
        }
        Ok(())
    }
}

/// Goes one line on in its chain. The next one is held against the hash that this one bears.
fn follow(check: &mut Check, heads: &mut BTreeMap<Option<AccountId>, String>, line: KeptLine) {
    let KeptLine { account, run, recorded_at, .. } = line;
    let read = Line { account, run, recorded_at, actor: &line.actor, what: &line.what, body: &line.body };
    let hash = read.hash(heads.get(&account).map_or(NOTHING_BEFORE, String::as_str));
    check.expects(hash == line.hash, || {
        let finding =
            Finding::at(format!("log line {} ({})", line.seq, line.what)).found(format!("its fields give {hash}"));
        in_chain(finding.expected(format!("{}: it was changed, or one before it was removed", line.hash)), account)
    });
    heads.insert(account, line.hash);
}

fn in_chain(finding: Finding, chain: Option<AccountId>) -> Finding {
    let finding = finding.remedy(TAMPERED);
    match chain {
        Some(account) => finding.of(account),
        None => finding,
    }
}
