//! What destinations are told of debts that they have: each change once, recorded with its files before they are written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Office, OfficeError, Result};
use crate::domain::document::{Document, MediaType};
use crate::domain::ledger::settle;
use crate::domain::placement::{ReportKind, ReportLine};
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{Cents, ReferralId};
use crate::notices::files::write_whole;
use crate::referral::report::{Reported, changes_csv, recalls_csv};
use crate::store::{ExportPart, NewReport, ReferralReport, StoreError};

/// How often a report is made anew where one of its lines went out meanwhile.
const ATTEMPTS: u32 = 3;

impl Office {
    /// Tells a destination what changed since its last report; `None` where nothing did.
    ///
    /// # Errors
    /// When the files cannot be written: what is recorded is written by the next export, or by the daemon.
    pub async fn report_referrals(&self, to: Destination, by: &str) -> Result<Option<ReferralReport>> {
        self.goes_out().await?;
        self.write_reports().await?;
        let stamp = self.stamp(by);
        for _ in 0..ATTEMPTS {
            let (lines, of) = self.untold(to).await?;
            if lines.is_empty() {
                return Ok(None);
            }
            let mut files = Vec::new();
            if lines.iter().any(|line| line.kind == ReportKind::Recall) {
                files.push((ExportPart::Recalls, Document::new(MediaType::Csv, recalls_csv(&lines, &of))));
            }
            files.push((ExportPart::List, Document::new(MediaType::Csv, changes_csv(&lines, &of))));
            match self.store.make_report(&NewReport { to, lines, files }, &stamp).await {
                Ok(made) => {
                    self.write_reports().await?;
                    return Ok(Some(made));
                }
                Err(StoreError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Stale.into())
    }

    /// What a destination has not been told.
    async fn untold(&self, to: Destination) -> Result<(Vec<ReportLine>, BTreeMap<ReferralId, Reported>)> {
        let is_meant = |referral: &Referral| {
            let is_out = matches!(referral.state, ReferralState::Placed | ReferralState::Recalled);
            referral.to == to && is_out && referral.placement.is_some()
        };
        let mut referrals = self.store.referrals(None).await?;
        referrals.retain(is_meant);
        let ids: Vec<ReferralId> = referrals.iter().map(|referral| referral.id).collect();
        let mut told: BTreeMap<ReferralId, Vec<ReportLine>> = BTreeMap::new();
        for line in self.store.report_lines(&ids).await? {
            told.entry(line.referral).or_default().push(line);
        }
        let (mut lines, mut of) = (Vec::new(), BTreeMap::new());
        for referral in &referrals {
            let told = told.remove(&referral.id).unwrap_or_default();
            if told.iter().any(|line| line.kind == ReportKind::Recall) {
                continue;
            }
            let fresh = self.untold_of(referral, &told).await?;
            if fresh.is_empty() {
                continue;
            }
            let account = self.store.account(referral.account).await?;
            let cause = referral.cause.clone().unwrap_or_default();
            let (account, debtor) = (account.profile.number, account.profile.customer_name);
            of.insert(referral.id, Reported { account, debtor, cause });
            lines.extend(fresh);
        }
        Ok((lines, of))
    }

    async fn untold_of(&self, referral: &Referral, told: &[ReportLine]) -> Result<Vec<ReportLine>> {
        let Some(placement) = &referral.placement else { return Ok(Vec::new()) };
        let through = placement.ended.as_ref().map_or_else(|| self.today(), |end| end.on);
        let mut entries = self.store.entries(referral.account).await?;
        entries.retain(|entry| entry.effective_on <= through);
        let snapshot = self.snapshot(referral.account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let plans = snapshot.spans();
        let books = settle(&entries, &rules.policy.ledger.order, &plans, through);
        let mut lines = placement.untold(referral.id, &entries, &books.applications, told);
        if referral.state == ReferralState::Recalled {
            let last = lines.last().or(told.last());
            let (balance, n) = last.map_or((placement.amount, 0), |line| (line.balance, line.n));
            lines.push(ReportLine {
                referral: referral.id,
                n: n + 1,
                kind: ReportKind::Recall,
                entry: None,
                source: crate::domain::ledger::OWN_SOURCE.to_owned(),
                reference: format!("R{}", referral.id),
                on: through,
                amount: -balance,
                balance: Cents::ZERO,
            });
        }
        Ok(lines)
    }

    /// Writes the files of every report that is recorded and not yet written; gives the number of reports.
    ///
    /// # Errors
    /// When a file cannot be written; its report stays to be written.
    pub async fn write_reports(&self) -> Result<usize> {
        let waiting = self.store.referral_reports(true).await?;
        for report in &waiting {
            self.write_report(report).await?;
        }
        Ok(waiting.len())
    }

    /// Writes a report again, with the same bytes.
    ///
    /// # Errors
    /// When there is no such report, or its files cannot be written.
    pub async fn rewrite_report(&self, name: &str) -> Result<ReferralReport> {
        let reports = self.store.referral_reports(false).await?;
        let report = reports.into_iter().find(|report| report.name == name);
        let report = report.ok_or_else(|| OfficeError::NotFound { what: "report", id: name.to_owned() })?;
        self.write_report(&report).await?;
        Ok(report)
    }

    async fn write_report(&self, report: &ReferralReport) -> Result<()> {
        for file in &report.files {
            let path = self.part_path(&report.name, &file.part);
            let kept = self.store.document(&file.document).await?.ok_or_else(|| OfficeError::DocumentMissing {
                kind: MediaType::Csv,
                hash: file.document.to_string(),
            })?;
            write_whole(&path, &kept.bytes).map_err(|source| OfficeError::file(&path, source))?;
        }
        Ok(self.store.report_written(&report.name, &self.daemon_stamp(self.today())).await?)
    }

    /// Where a file of a report lies: `exports/report-agency-2026-05-20-1.csv`, and what is called back beside it.
    #[must_use]
    pub fn report_path(&self, report: &ReferralReport, part: &ExportPart) -> PathBuf {
        self.part_path(&report.name, part)
    }
}
