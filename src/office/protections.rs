//! What a household shows, point by point (Health and Safety Code 116910 and 116914), and the request of tenants to become
//! customers (Public Utilities Code 10009.1).
//!
//! Three points together bar a shut-off by law. From the day on which a certificate of a provider is recorded, a hold bars it
//! too, while the lead examines what else is shown: nobody is shut off for a paper that is on its way.

use serde::Serialize;

use super::accounts::need_reason;
use super::{Office, OfficeError, Result};
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::proof::{Proof, ProofKind, three};
use crate::domain::{AccountId, Day, HoldId, ProofId};
use crate::store::{ExceptionKind, NewHold, NewProof};

/// The law of the three points.
pub const THREE_POINTS: &str = "Health and Safety Code 116910(a)";

/// One of the three points, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownPoint {
    pub point: ProofKind,
    pub says: &'static str,
    /// What shows it; `None` where it is missing.
    pub by: Option<Proof>,
}

/// What follows from what was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub id: ProofId,
    /// A hold that was placed while it is examined.
    pub hold: Option<HoldId>,
    /// What is missing of the three points.
    pub missing: Vec<ProofKind>,
}

/// The three points on a day, each with what shows it.
#[must_use]
pub fn points(proofs: &[Proof], on: Day) -> Vec<ShownPoint> {
    let shown = three(proofs, on).into_iter();
    shown.map(|(point, by)| ShownPoint { point, says: point.says(), by: by.cloned() }).collect()
}

impl Office {
    /// Records that a household shows a point, with its evidence. A certificate places a medical hold while none stands, and the
    /// lead is told what to examine.
    ///
    /// # Errors
    /// When there is no evidence, it ends before it begins, or it begins ahead of today.
    pub async fn show_protection(
        &self,
        account: AccountId,
        kind: ProofKind,
        evidence: &str,
        days: (Option<Day>, Option<Day>),
        by: &str,
    ) -> Result<Recorded> {
        let today = self.today();
        if evidence.trim().is_empty() {
            return Err(OfficeError::Input {
                what: "the evidence",
                given: evidence.to_owned(),
                expected: "who certified, which program, or what the customer declared".into(),
            });
        }
        let from = days.0.unwrap_or(today);
        if from > today || days.1.is_some_and(|through| through < from) {
            return Err(OfficeError::Input {
                what: "the days on which it is shown",
                given: days.1.map_or_else(|| from.to_string(), |through| format!("{from} through {through}")),
                expected: format!("a first day through today, {today}, and a last day from then on"),
            });
        }
        self.not_of_household(by, account).await?;
        let stamp = self.stamp(by);
        let before = self.snapshot(account).await?;
        let is_held = before.holds.iter().any(|hold| hold.kind == HoldKind::Medical && hold.holds_on(today));
        // The hold first: were the program killed in between, the account would be held and not unprotected.
        let hold = if kind == ProofKind::MedicalCertificate && !is_held {
            let reason = format!("{THREE_POINTS} is examined: {}", evidence.trim());
            Some(self.store.place_hold(account, &medical(today, reason), &stamp).await?)
        } else {
            None
        };
        let proof = NewProof { kind, evidence: evidence.trim().to_owned(), from, through: days.1 };
        let id = self.store.add_proof(account, &proof, &stamp).await?;
        let missing: Vec<ProofKind> = self.missing_points(account).await?;
        if hold.is_some() {
            let number = before.profile.number;
            let text = format!(
                "account {number} is protected while {THREE_POINTS} is examined: `arrears protection show {number}` says what is \
                 shown and what is missing; the medical hold ends by your decision"
            );
            self.store.open_exception(Some(account), ExceptionKind::ProtectionAsked, &text, &stamp).await?;
        }
        self.settle_accounts(&[account]).await?;
        Ok(Recorded { id, hold, missing })
    }

    async fn missing_points(&self, account: AccountId) -> Result<Vec<ProofKind>> {
        let proofs = self.store.proofs_of(account).await?;
        Ok(three(&proofs, self.today()).into_iter().filter(|(_, by)| by.is_none()).map(|(point, _)| point).collect())
    }

    /// From today on it shows nothing: it was withdrawn, or turned out otherwise.
    ///
    /// # Errors
    /// When it gives no reason.
    pub async fn end_protection(&self, id: ProofId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let account = self.store.end_proof(id, reason, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// The three points of an account today.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn points_of(&self, account: AccountId) -> Result<Vec<ShownPoint>> {
        Ok(points(&self.store.proofs_of(account).await?, self.today()))
    }

    /// A medical hold is not ended while the statute's three points are all shown: the water stays on by law.
    pub(super) async fn may_end(&self, hold: HoldId) -> Result<()> {
        let (account, held) = self.store.hold(hold).await?;
        if held.kind != HoldKind::Medical || !self.missing_points(account).await?.is_empty() {
            return Ok(());
        }
        Err(OfficeError::refused(
            format!("hold {hold} stands on three points that are all shown ({THREE_POINTS})"),
            "end the point that no longer holds, with a reason: `arrears protection end ID --reason TEXT`",
        ))
    }

    /// Tenants of a landlord's account ask to become customers: until it is decided, nobody is shut off.
    ///
    /// # Errors
    /// When nobody is named, or the request stands already.
    pub async fn tenants_ask(&self, account: AccountId, who: &str, by: &str) -> Result<HoldId> {
        need_reason(who)?;
        self.not_of_household(by, account).await?;
        if let Some(standing) = self.tenants_hold(account).await? {
            return Err(OfficeError::refused(
                format!("a request of tenants stands already: hold {}, {}", standing.id, standing.reason),
                format!("decide it with `arrears tenants decide {} --accepted` or `--refused`", standing.id),
            ));
        }
        let hold = tenants(self.today(), format!("asked to become customers: {}", who.trim()));
        let id = self.store.place_hold(account, &hold, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(id)
    }

    /// Decides such a request. Where it is accepted the service stays on, under another hold, until the billing system has moved
    /// it to the tenants; where it is refused, the policy goes its way from today on.
    ///
    /// # Errors
    /// When the hold is no request of tenants, or it gives no reason.
    pub async fn decide_tenants(&self, id: HoldId, accepted: bool, reason: &str, by: &str) -> Result<Option<HoldId>> {
        need_reason(reason)?;
        let (account, hold) = self.store.hold(id).await?;
        if hold.kind != HoldKind::Tenants || !hold.holds_on(self.today()) {
            return Err(OfficeError::NotFound { what: "request of tenants: hold", id: id.to_string() });
        }
        self.not_of_household(by, account).await?;
        let stamp = self.stamp(by);
        let kept = if accepted {
            let text = format!("accepted as customers: {}; until the landlord's account is closed", reason.trim());
            Some(self.store.place_hold(account, &tenants(self.today(), text), &stamp).await?)
        } else {
            None
        };
        let said = if accepted { "accepted" } else { "refused" };
        self.store.end_hold(id, &format!("{said}: {}", reason.trim()), &stamp).await?;
        self.settle_accounts(&[account]).await?;
        Ok(kept)
    }

    async fn tenants_hold(&self, account: AccountId) -> Result<Option<Hold>> {
        let today = self.today();
        let holds = self.store.holds_of(account).await?;
        Ok(holds.into_iter().find(|hold| hold.kind == HoldKind::Tenants && hold.holds_on(today)))
    }
}

fn medical(from: Day, reason: String) -> NewHold {
    NewHold {
        kind: HoldKind::Medical,
        from,
        through: None,
        items: Vec::new(),
        stops_clock: false,
        reason,
        estate: None,
    }
}

fn tenants(from: Day, reason: String) -> NewHold {
    NewHold {
        kind: HoldKind::Tenants,
        from,
        through: None,
        items: Vec::new(),
        stops_clock: false,
        reason,
        estate: None,
    }
}
