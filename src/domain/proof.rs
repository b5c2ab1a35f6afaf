//! What a household has shown: a certificate of a provider, its means, its will to pay by a plan. Each point by itself, with
//! its evidence and its day, for the law asks for each by itself.

use serde::{Deserialize, Serialize};

use super::account::words;
use super::day::{Day, plus_days};
use super::ids::ProofId;

words! {
    /// A point that a household shows.
    ProofKind {
        /// A primary care provider certifies that a shut-off would be life threatening or a serious threat to health.
        MedicalCertificate = "medical_certificate",
        /// The customer cannot pay within the normal billing cycle.
        UnableToPay = "unable_to_pay",
        /// Somebody of the household has CalWORKs, CalFresh, general assistance, Medi-Cal, SSI/SSP or WIC, or the customer
        /// declares an income under 200% of the federal poverty level. Who shows this is unable to pay, too.
        LowIncome = "low_income",
        /// The customer is willing to enter into a plan of payment.
        WillingToPlan = "willing_to_plan",
    }
}

impl ProofKind {
    /// What is shown, as a sentence names it.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::MedicalCertificate => "a primary care provider certifies a threat to life or health",
            Self::UnableToPay => "the customer cannot pay within the billing cycle",
            Self::LowIncome => "the household's income is under 200% of the federal poverty level",
            Self::WillingToPlan => "the customer is willing to enter into a plan",
        }
    }

    /// Whether what is shown shows this point.
    #[must_use]
    pub fn is_shown_by(self, shown: Self) -> bool {
        shown == self || (self == Self::UnableToPay && shown == Self::LowIncome)
    }

    /// The points that bar a shut-off together, in the order of the statute.
    pub const THREE: [Self; 3] = [Self::MedicalCertificate, Self::UnableToPay, Self::WillingToPlan];
}

/// Something that a household has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub id: ProofId,
    pub kind: ProofKind,
    /// What shows it: who certified, which program, what was declared.
    pub evidence: String,
    /// The day from which it counts.
    pub from: Day,
    /// The last day, inclusive; until somebody ends it where there is none.
    pub through: Option<Day>,
    /// The day on which a person ended it; from then on it shows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<Day>,
    pub recorded_by: String,
    pub recorded_on: Day,
}

impl Proof {
    /// Whether it counts on `day`.
    #[must_use]
    pub fn counts_on(&self, day: Day) -> bool {
        self.from <= day
            && self.through.is_none_or(|through| day <= through)
            && self.ended_on.is_none_or(|ended| day < ended)
    }

    /// The next day after `day` on which [`Self::counts_on`] differs without anyone acting.
    #[must_use]
    pub fn changes_after(&self, day: Day) -> Option<Day> {
        let after_last = self.through.map(|last| plus_days(last, 1));
        [Some(self.from), after_last, self.ended_on].into_iter().flatten().filter(|change| *change > day).min()
    }
}

/// The latest of the proofs that shows the point on the day.
#[must_use]
pub fn shown(proofs: &[Proof], point: ProofKind, day: Day) -> Option<&Proof> {
    proofs.iter().rfind(|proof| point.is_shown_by(proof.kind) && proof.counts_on(day))
}

/// The three points on the day, each with what shows it.
#[must_use]
pub fn three(proofs: &[Proof], day: Day) -> [(ProofKind, Option<&Proof>); 3] {
    ProofKind::THREE.map(|point| (point, shown(proofs, point, day)))
}

#[cfg(test)]
mod tests {
    use super::super::day::parse;
    use super::*;

    fn proof(kind: ProofKind, through: Option<&str>) -> Proof {
        Proof {
            id: ProofId(1),
            kind,
            evidence: "Medi-Cal card".into(),
            from: parse("2026-05-01").unwrap(),
            through: through.and_then(parse),
            ended_on: None,
            recorded_by: "test".into(),
            recorded_on: parse("2026-05-01").unwrap(),
        }
    }

    #[test]
    fn a_low_income_shows_that_the_customer_cannot_pay_and_not_the_other_way_round() {
        let on = parse("2026-05-04").unwrap();
        let low = [proof(ProofKind::LowIncome, None)];
        assert!(shown(&low, ProofKind::UnableToPay, on).is_some());
        let unable = [proof(ProofKind::UnableToPay, None)];
        assert!(shown(&unable, ProofKind::LowIncome, on).is_none());
        assert_eq!(three(&low, on).map(|(_, shown)| shown.is_some()), [false, true, false]);
    }

    #[test]
    fn a_certificate_counts_through_its_last_day() {
        let certificate = proof(ProofKind::MedicalCertificate, Some("2026-10-31"));
        assert!(certificate.counts_on(parse("2026-10-31").unwrap()));
        assert!(!certificate.counts_on(parse("2026-11-01").unwrap()));
        assert_eq!(certificate.changes_after(parse("2026-05-01").unwrap()), parse("2026-11-01"));
    }
}
