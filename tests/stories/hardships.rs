//! What happens in few lives and changes much: deposits and the end of service, debts that go to another account, petitions in
//! bankruptcy, write-offs whose debts turn out paid, and placements that come back. Each life has one of these courses.

use arrears::domain::day::plus_days;
use arrears::domain::petition::{Chapter as Law, StayEnd};
use arrears::domain::placement::ReturnReason;
use arrears::domain::referral::ReferralState;
use arrears::domain::{Cents, Day, ProposalId};
use arrears::office::PetitionRequest;
use arrears::store::CounterPayment;

use super::lives::{BY, City, Dice, Fact, first_day};

/// Who approves what the other proposes.
const OTHER: &str = "I. Vance";
/// The customer's next account.
const NEXT: &str = "10-000900";

/// One of the rarer things.
#[derive(Clone, Debug)]
pub enum Hardship {
    /// The billing system tells of a deposit.
    Deposit { cents: i64 },
    /// Service ends, and the customer has another account.
    ServiceEnds,
    /// Debts go to the other account, where two people agree.
    Transfer,
    /// A petition of some days ago.
    Petition { days_ago: i64 },
    /// The court's word on it: a discharge, or a dismissal.
    Court { discharges: bool },
    /// All that is past due is written off.
    WriteOff,
    /// Money of the time before a write-off is learned after it.
    LateMoney { cents: i64 },
    /// What is left over of write-offs is taken back; where nothing is, what was written off is owed again.
    WriteOffBack,
    /// What is out is called back by the city, or given back by its destination.
    PlacementBack { is_given_back: bool },
}

/// The rarer things of a life, each with its day. A life has one course of them, and a deposit may lie with any.
pub fn course(seed: u64) -> Vec<(i64, Hardship)> {
    let mut dice = Dice(seed ^ 0x0bad_cafe);
    let mut day = |from: i64, within: u64| from + i64::try_from(dice.below(within)).expect("a small number");
    let deposit = (day(5, 20), Hardship::Deposit { cents: 15_000 });
    let mut course = match seed % 4 {
        0 => vec![
            (day(60, 40), Hardship::Petition { days_ago: 3 }),
            (day(130, 20), Hardship::Court { discharges: false }),
            (day(160, 10), Hardship::Petition { days_ago: 20 }),
            (day(200, 20), Hardship::Court { discharges: true }),
        ],
        1 => std::iter::once((day(95, 20), Hardship::ServiceEnds))
            .chain((125..235).step_by(10).map(|from| (from, Hardship::Transfer)))
            .collect(),
        2 => vec![
            (day(75, 10), Hardship::WriteOff),
            (day(90, 5), Hardship::LateMoney { cents: 2_500 }),
            (day(110, 10), Hardship::WriteOffBack),
            (day(130, 10), Hardship::WriteOff),
            (day(150, 10), Hardship::LateMoney { cents: 700 }),
            (day(170, 10), Hardship::WriteOffBack),
            (day(190, 10), Hardship::WriteOffBack),
        ],
        _ => (150..235)
            .step_by(15)
            .map(|from| (day(from, 5), Hardship::PlacementBack { is_given_back: from % 2 == 0 }))
            .collect(),
    };
    course.push(deposit);
    course
}

impl City {
    /// What cannot be done on such a day is refused, in both cities alike.
    pub async fn suffers(&mut self, day: Day, hardship: &Hardship) {
        match hardship {
            Hardship::Deposit { cents } => {
                let amount = Cents::new(*cents).to_plain();
                let head = "account,deposit,received_on,source,reference";
                let text = format!("{head}\n10-000417,{amount},{},cis,D-1\n", first_day());
                self.takes(&format!("deposits-{day}.csv"), &text).await;
            }
            Hardship::ServiceEnds => {
                self.ended_on = Some(day);
                self.takes(&format!("accounts-end-{day}.csv"), &Self::records(day)).await;
            }
            Hardship::Transfer => {
                let Ok(next) = self.office.account(NEXT).await else { return };
                if let Ok((id, _)) = self.office.propose_transfer(self.account, next.id, "the same customer", BY).await
                {
                    drop(self.office.approve_proposal(id, OTHER).await);
                }
            }
            Hardship::Petition { days_ago } => {
                let request = PetitionRequest {
                    chapter: Law::Seven,
                    court: "Eastern District".to_owned(),
                    case_number: format!("26-{day}"),
                    petition_on: plus_days(day, -days_ago),
                    relief_on: None,
                    learned_on: None,
                };
                drop(self.office.record_petition(self.account, &request, BY).await);
            }
            Hardship::Court { discharges } => self.hears_from_court(day, *discharges).await,
            Hardship::WriteOff => {
                if let Ok((id, _)) = self.office.propose_write_off(self.account, "moved, no address", BY).await {
                    drop(self.office.approve_proposal(id, OTHER).await);
                }
            }
            Hardship::LateMoney { cents } => {
                let (reference, memo) = (format!("LATE-{day}"), String::new());
                let payment =
                    CounterPayment { amount: Cents::new(*cents), received_on: plus_days(day, -30), reference, memo };
                drop(self.office.confirmed_counter_payment(self.account, &payment, BY).await);
            }
            Hardship::WriteOffBack => self.takes_write_off_back().await,
            Hardship::PlacementBack { is_given_back } => {
                let placed = self.office.store.referrals_of(self.account).await.expect("the referrals");
                for referral in placed.iter().filter(|referral| referral.state == ReferralState::Placed) {
                    if *is_given_back {
                        drop(
                            self.office
                                .return_referral(referral.id, day, ReturnReason::Skip, "no forwarding", BY)
                                .await,
                        );
                    } else {
                        drop(self.office.recall_referral(referral.id, "paid at the counter", BY).await);
                    }
                }
            }
        }
    }

    async fn hears_from_court(&self, day: Day, discharges: bool) {
        let snapshot = self.office.snapshot(self.account).await.expect("the account");
        let Some(petition) = snapshot.petitions.iter().rfind(|petition| petition.ended.is_none()) else { return };
        if !discharges {
            drop(self.office.petition_ended(petition.id, day, StayEnd::Dismissed, BY).await);
            return;
        }
        if let Ok(Some(id)) = self.office.petition_discharged(petition.id, day, BY).await {
            drop(self.office.approve_proposal(id, OTHER).await);
        }
    }

    async fn takes_write_off_back(&self) {
        let office = &self.office;
        let left: Result<ProposalId, _> =
            office.propose_left_over(self.account, "paid after all", BY).await.map(|(id, ..)| id);
        let proposed = match left {
            Ok(id) => Ok(id),
            Err(_) => office.propose_reinstatement(self.account, None, "found again", BY).await.map(|(id, ..)| id),
        };
        if let Ok(id) = proposed {
            office.approve_proposal(id, OTHER).await.expect("what was just proposed stands");
        }
    }

    /// The billing system's record of both accounts once service has ended here.
    fn records(day: Day) -> String {
        format!(
            "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy,\
             service_ended,customer\n\
             10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,{day},C-7\n\
             {NEXT},Rosa Muñoz,9 Mill St,Riverbend,CA,95600,(916) 555-0142,water,owner,,C-7\n"
        )
    }

    /// The ledger of the customer's next account, where there is one.
    pub async fn next_ledger(&self) -> Vec<arrears::domain::Entry> {
        match self.office.account(NEXT).await {
            Ok(next) => self.office.store.entries(next.id).await.expect("the entries"),
            Err(_) => Vec::new(),
        }
    }
}

impl From<Hardship> for Fact {
    fn from(hardship: Hardship) -> Self {
        Self::Rarer(hardship)
    }
}
