//! What is learned of a customer on one account concerns their others: a petition in bankruptcy, and a death.
//!
//! Who the customer is, the billing system says by its number, or a person has confirmed it. What was learned is not
//! recorded there by itself, for a court's paper names its debts; until a person has looked, nobody is asked for anything there:
//! no letter, call, fee, shut-off or referral. Recorded there too, it has its answer, and the hold ends.

use super::{Office, Result};
use crate::domain::AccountId;
use crate::domain::hold::HoldKind;
use crate::domain::kinship::KinshipState;
use crate::domain::placement::ReturnReason;
use crate::store::{HeldWithTask, NewHold};

impl Office {
    /// The other accounts of the account's customer, in the order of their ids.
    pub(super) async fn others_of_customer(&self, account: AccountId) -> Result<Vec<AccountId>> {
        let mut others = self.store.accounts_of_customer(account).await?;
        let pairs = self.store.kinships_of(account).await?;
        let confirmed = pairs.iter().filter(|pair| pair.state == KinshipState::Confirmed);
        others.extend(confirmed.map(|pair| pair.other(account)));
        others.sort_unstable();
        others.dedup();
        Ok(others)
    }

    /// The holds of the customer's other accounts until a person has looked, each with the lead's task. `what` was learned, and
    /// `record` is the command that records it there. With the accounts' numbers.
    pub(super) async fn holds_of_others(
        &self,
        account: AccountId,
        said: ReturnReason,
        what: &str,
        record: &str,
    ) -> Result<(Vec<HeldWithTask>, Vec<String>)> {
        let of = self.store.account(account).await?.profile.number;
        let number_of_hold = HeldWithTask::NUMBER;
        let (mut held, mut numbers) = (Vec::new(), Vec::new());
        for other in self.others_of_customer(account).await? {
            let known = self.snapshot(other).await?;
            let is_recorded = match said {
                ReturnReason::Bankrupt => known.stay_on(self.today()).is_some(),
                ReturnReason::Deceased => {
                    known.holds.iter().any(|hold| hold.kind == HoldKind::Deceased && hold.ended_on.is_none())
                }
                ReturnReason::Disputed
                | ReturnReason::Paid
                | ReturnReason::Uncollectable
                | ReturnReason::Skip
                | ReturnReason::Closed => false,
            };
            if is_recorded {
                continue;
            }
            let number = known.profile.number;
            let hold = NewHold {
                kind: HoldKind::Reported,
                from: self.today(),
                through: None,
                items: Vec::new(),
                stops_clock: true,
                reason: format!("{what}, on the customer's account {of}"),
                estate: None,
            };
            let task = format!(
                "{what}, on account {of} of the same customer. Does it concern this account too? Record it here \
                 (`{record} {number}`), or not; then end the hold (`arrears hold end {number_of_hold}`)"
            );
            held.push(HeldWithTask { account: other, hold, about: HeldWithTask::of_customer(said), task });
            numbers.push(number.to_string());
        }
        Ok((held, numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::plus_days;
    use crate::domain::petition::Chapter;
    use crate::office::PetitionRequest;
    use crate::office::testing::{City, day};

    const ACCOUNTS: &str = "account,customer_name,customer,service_address,service_city,service_state,service_zip,phone,\
                            services,occupancy\n";

    /// Rosa has two accounts, and owes on both since March 23.
    async fn two_accounts() -> (City, AccountId, AccountId) {
        let city = City::new().await;
        let rows = "10-000417,Rosa Muñoz,C-20417,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner\n\
                    10-000900,Rosa Muñoz,C-20417,77 Quarry Rd,Riverbend,CA,95600,(916) 555-0142,water,owner\n";
        city.takes("accounts-2.csv", &format!("{ACCOUNTS}{rows}")).await;
        let bill = "account,service,amount,billed_on,due_on,source,reference\n\
                    10-000900,water,110.00,2026-03-02,2026-03-23,cis,B2-W\n";
        city.takes("charges-2.csv", bill).await;
        let other = city.office.account("10-000900").await.unwrap().id;
        city.at("2026-03-24", "09:00");
        let debtor = city.debtor().await;
        (city, debtor, other)
    }

    fn petition() -> PetitionRequest {
        PetitionRequest {
            chapter: Chapter::Seven,
            court: "Eastern District of California".into(),
            case_number: "26-1".into(),
            petition_on: day("2026-03-20"),
            relief_on: None,
            learned_on: None,
        }
    }

    async fn standing(city: &City, account: AccountId) -> Vec<HoldKind> {
        let holds = city.office.snapshot(account).await.unwrap().holds;
        holds.iter().filter(|hold| hold.ended_on.is_none()).map(|hold| hold.kind).collect()
    }

    /// Nobody is written to, called, or charged a fee on the account through May 8.
    async fn nothing_is_asked(city: &City, account: AccountId) {
        let mut today = day("2026-03-25");
        while today <= day("2026-05-08") {
            city.at(&today.to_string(), "04:00");
            city.office.night(today).await.unwrap();
            assert!(city.office.store.call_list(today).await.unwrap().iter().all(|call| call.account != account));
            today = plus_days(today, 1);
        }
        assert_eq!(city.office.store.notices_of(account).await.unwrap(), []);
        assert_eq!(city.office.snapshot(account).await.unwrap().fees, []);
    }

    #[tokio::test]
    async fn whoevers_petition_is_recorded_on_one_account_is_asked_for_nothing_on_the_other() {
        let (city, debtor, other) = two_accounts().await;
        let recorded = city.office.record_petition(debtor, &petition(), "Omar").await.unwrap();
        assert_eq!(recorded.held, ["10-000900"]);
        assert_eq!(standing(&city, other).await, [HoldKind::Reported]);
        nothing_is_asked(&city, other).await;
        // Recorded there too, it has its answer.
        let tasks =
            async || city.office.store.tasks(true).await.unwrap().iter().filter(|task| task.account == other).count();
        assert_eq!(tasks().await, 1);
        city.office.record_petition(other, &petition(), "Omar").await.unwrap();
        assert_eq!((standing(&city, other).await, tasks().await), (vec![], 0));
        assert_eq!(standing(&city, debtor).await, [], "where it is recorded already it is not asked");
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn whoever_died_by_one_account_is_asked_for_nothing_on_the_other() {
        let (city, debtor, other) = two_accounts().await;
        city.office.record_deceased(debtor, None, "her sister", "Omar").await.unwrap();
        assert_eq!(standing(&city, other).await, [HoldKind::Reported]);
        nothing_is_asked(&city, other).await;
        // That she went bankrupt before is no answer to it.
        city.office.record_petition(other, &petition(), "Omar").await.unwrap();
        assert_eq!(standing(&city, other).await, [HoldKind::Reported]);
        city.office.record_deceased(other, None, "her sister", "Omar").await.unwrap();
        assert!(!standing(&city, other).await.contains(&HoldKind::Reported));
    }
}
