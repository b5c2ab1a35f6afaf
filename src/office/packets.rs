//! Legal action: referrals approved, packets built.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::accounts::need_reason;
use super::looks::items_of;
use super::{Office, OfficeError, Result, Rules};
use crate::domain::day::plus_days;
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::ledger::settle;
use crate::domain::person::Override;
use crate::domain::referral::{Referral, ReferralState};
use crate::domain::{AccountId, ActKey, Day, ItemId, OpenItem, ReferralId, Snapshot};
use crate::notices::files::write_whole;
use crate::referral::PacketInput;
use crate::referral::input::{ArrangementRecord, City, HistoryLine, HoldRecord, NoticeExhibit, PolicyBasis};
use crate::referral::packet::{Packet, build};
use crate::store::Account;

/// How many lines of the log a packet reads.
const LOG_LINES: u32 = 10_000;

/// A packet that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketMade {
    /// Relative to the data directory.
    pub path: String,
    pub packet: Packet,
}

impl Office {
    /// Declines a candidate with a reason.
    ///
    /// # Errors
    /// When it gives no reason.
    pub async fn decline_referral(&self, id: ReferralId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        self.not_of_household(by, self.store.referral(id).await?.account).await?;
        Ok(self.store.decline_referral(id, reason, &self.stamp(by)).await?)
    }

    /// Builds the packet of an account's approved referral as of today, and writes it under `packets/`.
    ///
    /// # Errors
    /// A named refusal when the packet would be wrong or unlawful, or no referral is approved.
    pub async fn packet(&self, account: &Account, limitation_override: Option<Override>) -> Result<PacketMade> {
        self.has_a_name()?;
        let referrals = self.store.referrals_of(account.id).await?;
        let approved = |referral: &&Referral| matches!(referral.state, ReferralState::Approved | ReferralState::Placed);
        let referral = referrals.iter().rfind(approved).cloned().ok_or_else(|| {
            OfficeError::refused(
                format!("account {} has no approved referral", account.profile.number),
                "approve its candidate first: `arrears referrals list`, then `arrears referrals approve ID --by NAME`",
            )
        })?;
        let input = self.packet_input(account, referral, limitation_override).await?;
        let packet = build(&input, self.typesetter())?;
        let path = format!("packets/{}", packet.file_name);
        let file = self.dir.join(&path);
        write_whole(&file, &packet.zip).map_err(|source| OfficeError::file(&file, source))?;
        Ok(PacketMade { path, packet })
    }

    pub(super) async fn packet_input(
        &self,
        account: &Account,
        referral: Referral,
        limitation_override: Option<Override>,
    ) -> Result<PacketInput> {
        let today = self.today();
        let over_limitation = referral.limitation_override.clone();
        let snapshot = self.snapshot(account.id).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let entries = self.store.entries(account.id).await?;
        let arrangements = self.store.arrangements_of(account.id).await?;
        let mut books = settle(&entries, &rules.policy.ledger.order, &snapshot.spans(), today);
        let mut notices = Vec::new();
        for notice in self.store.notices_of(account.id).await? {
            let document = match &notice.document {
                Some(hash) => self.store.document(hash).await?.map(|document| (document.media_type, document.bytes)),
                None => None,
            };
            notices.push(NoticeExhibit { notice, document });
        }
        let arrangements = arrangements
            .into_iter()
            .map(|arrangement| {
                let standing = arrangement.standing(&books.applications, &books.items, today);
                ArrangementRecord { arrangement, standing }
            })
            .collect();
        let claimed = claimed(&referral, &snapshot, today);
        let (items, beside): (Vec<OpenItem>, Vec<OpenItem>) =
            std::mem::take(&mut books.items).into_iter().partition(|item| claimed.contains(&item.id));
        books.balance -= beside.iter().map(|item| item.open).sum();
        books.items = items;
        Ok(PacketInput {
            city: self.packet_city(),
            profile: account.profile.clone(),
            referral,
            cut_off: today,
            checked_on: today,
            policy: basis(&rules),
            books,
            beside,
            notices,
            calls: self.store.attempts_of(account.id).await?,
            promises: self.store.promises_of(account.id).await?,
            arrangements,
            holds: self.hold_records(account.id).await?,
            petitions: snapshot.petitions.clone(),
            proofs: self.store.proofs_of(account.id).await?,
            field_orders: self.store.orders_of(account.id).await?,
            events: snapshot.events.clone(),
            history: self.history(account.id).await?,
            checks: Vec::new(),
            exception: snapshot.frozen.clone(),
            two_fees: self.store.two_fees_of(account.id).await?,
            limitation_override: limitation_override.or(over_limitation),
            entries,
        })
    }

    fn packet_city(&self) -> City {
        let city = self.city();
        let custodian = &self.config.custodian;
        City {
            name: city.name.clone(),
            department: city.division.get(crate::domain::Language::English).to_owned(),
            address: city.address.clone(),
            phone: city.phone.clone(),
            state_name: custodian.state.clone(),
            custodian_name: custodian.name.clone(),
            custodian_title: custodian.title.clone(),
            time_zone: self.config.time_zone,
        }
    }

    async fn hold_records(&self, account: AccountId) -> Result<Vec<HoldRecord>> {
        let log = self.store.log_of(account, LOG_LINES).await?;
        let holds = self.store.holds_of(account).await?;
        Ok(holds
            .into_iter()
            .map(|hold| {
                // The decision on a hold is the reason that its end was logged with.
                let outcome = log
                    .iter()
                    .filter(|line| line.what == "hold ended")
                    .find(|line| line.body.get("hold").and_then(serde_json::Value::as_i64) == Some(hold.id.0))
                    .and_then(|line| line.body.get("reason").and_then(|reason| reason.as_str().map(str::to_owned)));
                HoldRecord { hold, outcome }
            })
            .collect())
    }

    async fn history(&self, account: AccountId) -> Result<Vec<HistoryLine>> {
        let mut lines = self.store.log_of(account, LOG_LINES).await?;
        lines.reverse();
        Ok(lines
            .into_iter()
            .map(|line| HistoryLine {
                on: self.local_day(line.recorded_at),
                by: line.actor.to_string(),
                text: line.what,
            })
            .collect())
    }

    /// The city's date at an instant.
    #[must_use]
    pub fn local_day(&self, at: DateTime<Utc>) -> Day {
        at.with_timezone(&self.config.time_zone).date_naive()
    }

    /// Referrals whose limitation ends within the days ahead, for the lead's warning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn limitation_warnings(&self, days: i64) -> Result<Vec<(AccountId, Day)>> {
        let today = self.today();
        let rules = self.rules_on(today).await?;
        let years = rules.policy.referral.limitation_years;
        let mut warnings = Vec::new();
        for referral in self.store.referrals(None).await? {
            if !matches!(referral.state, ReferralState::Candidate | ReferralState::Approved) {
                continue;
            }
            let snapshot = self.snapshot(referral.account).await?;
            if let Some(limitation) = crate::referral::limitation::earliest(&snapshot.items, years)
                && limitation.last_day <= plus_days(today, days)
            {
                warnings.push((referral.account, limitation.last_day));
            }
        }
        Ok(warnings)
    }
}

/// The debts that a referral places: its own, without what is not past due, contested, or out with another. What was placed
/// stays what it was.
fn claimed(referral: &Referral, snapshot: &Snapshot, today: Day) -> BTreeSet<ItemId> {
    if let Some(placement) = referral.placement.as_ref().filter(|_| referral.state == ReferralState::Placed) {
        return placement.items();
    }
    let of_stage = || referral.act_key.parse().map(|key: ActKey| items_of(snapshot, &key.of)).unwrap_or_default();
    let own = if referral.items.is_empty() { of_stage() } else { referral.items.clone() };
    let contested = snapshot.disputed(today);
    let is_out = |id: &ItemId| snapshot.placed.iter().any(|placed| placed.items.contains(id));
    snapshot
        .items
        .iter()
        .filter(|item| item.due_on < today && (own.is_empty() || own.contains(&item.id)))
        .map(|item| item.id)
        .filter(|id| !contested.contains(id) && !is_out(id))
        .collect()
}

fn basis(rules: &Rules) -> PolicyBasis {
    let policy = &rules.policy;
    let also_bars_referral: BTreeSet<HoldKind> =
        HoldKind::ALL.iter().copied().filter(|kind| policy.hold_blocks(*kind).contains(&Blocks::Referral)).collect();
    PolicyBasis {
        hash: policy.hash.clone(),
        title: policy.title.clone(),
        authority: policy.authority.clone(),
        effective_from: policy.effective_from,
        buckets: policy.ledger.buckets.clone(),
        limitation_years: policy.referral.limitation_years,
        limitation_citation: policy.referral.limitation_citation.clone(),
        declaration_citation: policy.referral.declaration_citation.clone(),
        also_bars_referral,
        citations: policy
            .tracks
            .iter()
            .flat_map(|track| &track.stages)
            .filter_map(|stage| policy.origin(stage.rule))
            .filter(|origin| !origin.citation.is_empty())
            .map(|origin| (origin.name.clone(), origin.citation.clone()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Refusal;
    use crate::domain::notice::NoticeState;
    use crate::office::IfLate;
    use crate::office::testing::{City, day};

    /// The demand was mailed on August 21; on September 21 the agency's candidate waits.
    async fn candidate(city: &City) -> ReferralId {
        let office = &city.office;
        city.at("2026-08-21", "04:00");
        office.night(day("2026-08-21")).await.unwrap();
        let planned = office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
        let ids: Vec<_> = planned.iter().map(|notice| notice.id).collect();
        office.release_notices(&ids, "Ruth").await.unwrap();
        office.work_outbox(&city.mailer()).await.unwrap();
        let made = office.make_batch("Ruth").await.unwrap().made.unwrap();
        office.mark_batch_mailed(made.batch, day("2026-08-21"), IfLate::Void, "PS 3665", "Ruth").await.unwrap();
        city.at("2026-09-21", "04:00");
        office.night(day("2026-09-21")).await.unwrap();
        office.store.referrals(Some(ReferralState::Candidate)).await.unwrap()[0].id
    }

    #[tokio::test]
    async fn a_referral_is_approved_after_another_look_and_the_approver_reads_what_stands_against_it() {
        let city = City::new().await;
        let id = candidate(&city).await;
        let account = city.debtor().await;
        let dispute =
            city.office.hold(account, HoldKind::Dispute, (None, None), "meter read twice", "Omar").await.unwrap();
        let refused = city.office.approve_referral(id, None, "Ruth").await.unwrap_err();
        assert_eq!(refused.to_string(), "not done: a dispute hold stands");
        assert_eq!(city.office.store.referral(id).await.unwrap().state, ReferralState::Candidate);
        city.office.end_hold(dispute, "read right", "Ruth").await.unwrap();
        city.office.approve_referral(id, None, "Ruth").await.unwrap();
        assert_eq!(city.office.store.referral(id).await.unwrap().state, ReferralState::Approved);
        let again = city.office.approve_referral(id, None, "Ruth").await.unwrap_err();
        assert!(again.to_string().contains("only a candidate is approved"), "{again}");
    }

    #[tokio::test]
    async fn a_referral_whose_debt_was_paid_a_moment_ago_is_not_approved() {
        let city = City::new().await;
        let id = candidate(&city).await;
        // The file is in the books, and nobody has decided the account yet.
        city.lockbox("10-000417", "260.00", "2026-09-21").await;
        let refused = city.office.approve_referral(id, None, "Ruth").await.unwrap_err();
        assert!(matches!(refused, OfficeError::Reexamined(Refusal::Paid)), "{refused}");
    }
}
