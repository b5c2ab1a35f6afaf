//! Customers who come back owing: who may be one is shown to the lead, and a person says whether it is so.
//!
//! Nothing follows by itself. A confirmed pair lets a transfer be proposed; what was written off is owed again only when
//! one person proposes it and another approves.

use std::collections::BTreeMap;

use super::accounts::need_reason;
use super::transfers::last_day;
use super::{Office, OfficeError, Result};
use crate::domain::hold::HoldKind;
use crate::domain::kinship::{Kinship, KinshipState};
use crate::domain::ledger::OWN_SOURCE;
use crate::domain::proposal::{LeftOver, Proposed};
use crate::domain::referral::ReferralState;
use crate::domain::{AccountId, AccountNumber, Cents, Day, Entry, EntryKind, KinshipId, ProposalId};
use crate::referral::limitation::of_due;

/// Of more customers than this one line tells, and does not name them.
const MANY: usize = 10;

/// A pair of accounts as the lead is shown it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Returning {
    #[serde(flatten)]
    pub pair: Kinship,
    pub number: AccountNumber,
    pub debtor_number: AccountNumber,
    /// What is owed there: past due, written off, placed; bankruptcy; the last day to sue.
    pub owes: Vec<String>,
}

impl Office {
    /// Pairs of accounts that may be one customer's, with what is owed: those that wait for a word, or all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn returning(&self, open_only: bool) -> Result<Vec<Returning>> {
        let mut shown = Vec::new();
        for pair in self.store.kinships(open_only).await? {
            shown.push(Returning {
                number: self.store.account(pair.account).await?.profile.number,
                debtor_number: self.store.account(pair.debtor).await?.profile.number,
                owes: self.owes(pair.debtor).await?,
                pair,
            });
        }
        Ok(shown)
    }

    /// Puts the pairs that were noted on the exceptions list, each once: a line for two customers, and one for all where they
    /// are many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tell_returning(&self) -> Result<()> {
        let stamp = self.daemon_stamp(self.today());
        let untold = self.store.kinships_untold().await?;
        let mut groups: BTreeMap<(bool, String, String), Vec<Kinship>> = BTreeMap::new();
        for pair in untold {
            let who = self.store.account(pair.account).await?.profile.who();
            let owes = self.store.account(pair.debtor).await?.profile.who();
            groups.entry((pair.is_known(), who, owes)).or_default().push(pair);
        }
        if groups.len() > MANY {
            let pairs: Vec<KinshipId> = groups.values().flatten().map(|pair| pair.id).collect();
            let text = format!(
                "{} customers of one file may be back, or are, and owe on {} other accounts: `arrears returning list --all` shows each \
                 pair with what is owed. Say of those that wait whether it is the same customer, `arrears returning confirm ID` or \
                 `arrears returning reject ID`",
                groups.len(),
                pairs.len()
            );
            return Ok(self.store.tell_kinships(&pairs, None, &text, &stamp).await?);
        }
        for pairs in groups.into_values() {
            let Some(first) = pairs.first() else { continue };
            let text = self.told_of(first, &pairs).await?;
            let ids: Vec<KinshipId> = pairs.iter().map(|pair| pair.id).collect();
            self.store.tell_kinships(&ids, Some(first.account), &text, &stamp).await?;
        }
        Ok(())
    }

    /// What the lead reads of the pairs of two customers.
    async fn told_of(&self, first: &Kinship, pairs: &[Kinship]) -> Result<String> {
        let debtor = self.store.account(first.debtor).await?.profile;
        let (number, name) = (&debtor.number, &debtor.customer_name);
        let matches = first.matches.join(", ");
        let others = pairs.len() - 1;
        let (on, owes) = if others == 0 {
            (format!("account {number} ({name})"), self.owes(first.debtor).await?.join("; "))
        } else {
            let others = if others == 1 { "one other account".to_owned() } else { format!("{others} other accounts") };
            let owes =
                format!("{}; the others: `arrears returning list --all`", self.owes(first.debtor).await?.join("; "));
            (format!("account {number} and {others} ({name})"), owes)
        };
        if first.is_known() {
            return Ok(format!(
                "Is the customer who owes on {on}: the same {matches}. There: {owes}. Nothing follows by itself: \
                 `arrears writeoff {number} --reverse --reason TEXT` proposes that what was written off is owed again. Clear this line \
                 when you have seen it"
            ));
        }
        let each: Vec<String> = pairs.iter().map(|pair| pair.id.to_string()).collect();
        let each = match &each[..] {
            [id] => format!("`arrears returning confirm {id}` or `arrears returning reject {id}`"),
            _ => format!(
                "`arrears returning confirm ID` or `arrears returning reject ID`, for each of the pairs {}",
                each.join(", ")
            ),
        };
        Ok(format!(
            "May be the customer who owes on {on}: the same {matches}. There: {owes}. Say whether it is the same customer: {each}"
        ))
    }

    /// Says that both accounts are one customer's.
    ///
    /// # Errors
    /// When it was decided before, the account is of one's own household, or no reason is given.
    pub async fn confirm_returning(&self, id: KinshipId, reason: &str, by: &str) -> Result<Kinship> {
        self.decide_returning(id, KinshipState::Confirmed, reason, by).await
    }

    /// Says that the accounts are two customers'. Nobody is asked for the pair again.
    ///
    /// # Errors
    /// As [`Self::confirm_returning`].
    pub async fn reject_returning(&self, id: KinshipId, reason: &str, by: &str) -> Result<Kinship> {
        self.decide_returning(id, KinshipState::Rejected, reason, by).await
    }

    async fn decide_returning(&self, id: KinshipId, state: KinshipState, reason: &str, by: &str) -> Result<Kinship> {
        need_reason(reason)?;
        let pairs = self.store.kinships(false).await?;
        if let Some(pair) = pairs.iter().find(|pair| pair.id == id) {
            self.not_of_household(by, pair.account).await?;
            self.not_of_household(by, pair.debtor).await?;
        }
        Ok(self.store.decide_kinship(id, state, reason, &self.stamp(by)).await?)
    }

    /// Proposes that what was written off is owed again, from its own due dates: all of it, or the oldest `up_to` an amount.
    /// Gives the proposal, how much, and what is to be known of it.
    ///
    /// # Errors
    /// When nothing was written off here, or not so much, the customer is in bankruptcy, or no reason is given.
    pub async fn propose_reinstatement(
        &self,
        account: AccountId,
        up_to: Option<Cents>,
        reason: &str,
        by: &str,
    ) -> Result<(ProposalId, Cents, Vec<String>)> {
        need_reason(reason)?;
        let entries = self.store.entries(account).await?;
        let (ours, theirs): (Vec<&Entry>, Vec<&Entry>) =
            standing_write_offs(&entries).into_iter().partition(|entry| entry.source == OWN_SOURCE);
        if ours.is_empty() {
            return Err(match theirs.first() {
                Some(entry) => OfficeError::refused(
                    format!("the write-off {} comes from {}", entry.reference, entry.source),
                    "reverse it there, and import the reversal",
                ),
                None => {
                    OfficeError::refused("nothing of this account was written off", "there is nothing to take back")
                }
            });
        }
        self.is_not_in_bankruptcy(account).await?;
        let all = -ours.iter().map(|entry| entry.amount).sum::<Cents>();
        let amount = up_to.unwrap_or(all);
        if amount > all || !amount.is_positive() {
            return Err(OfficeError::Input {
                what: "the amount that is owed again",
                given: amount.to_string(),
                expected: format!("above zero, and no more than what was written off here, {all}"),
            });
        }
        let (ours, partly) = oldest(ours, &entries, amount);
        let facts = self.limitations(&entries, &ours).await?;
        let write_offs = ours.iter().map(|entry| entry.id).collect();
        let what = Proposed::Reinstatement { write_offs, facts: facts.clone(), left_over: Vec::new(), partly };
        let id = self.propose(account, &what, amount, reason, by).await?;
        Ok((id, amount, facts))
    }

    /// What is owed on an account, in words: nothing of it is a reason to do anything.
    async fn owes(&self, account: AccountId) -> Result<Vec<String>> {
        let (today, snapshot) = (self.today(), self.snapshot(account).await?);
        let entries = self.store.entries(account).await?;
        let written_off = standing_write_offs(&entries);
        let years = self.rules_on(today).await?.policy.referral.limitation_years;
        let mut owes = Vec::new();
        let past_due: Cents = snapshot.items.iter().filter(|item| item.due_on < today).map(|item| item.open).sum();
        if past_due.is_positive() {
            owes.push(format!("{past_due} past due"));
        }
        let oldest = snapshot.items.iter().filter(|item| item.due_on < today).min_by_key(|item| item.due_on);
        if let Some(oldest) = oldest {
            owes.push(last_day(&of_due(oldest.id, oldest.due_on, years), today));
        }
        if !written_off.is_empty() {
            owes.push(format!("{} written off", -written_off.iter().map(|entry| entry.amount).sum::<Cents>()));
            owes.extend(self.limitations(&entries, &written_off).await?.into_iter().map(|l| format!("of that, {l}")));
        }
        let referrals = self.store.referrals_of(account).await?;
        let placed = referrals.iter().filter(|referral| referral.state == ReferralState::Placed);
        owes.extend(placed.map(|referral| format!("{} placed with {}", referral.amount, referral.to)));
        if self.is_in_bankruptcy(account).await? {
            owes.push("in bankruptcy: nothing of before the petition is collected (11 USC 362)".to_owned());
        }
        if owes.is_empty() {
            owes.push("nothing any more".to_owned());
        }
        Ok(owes)
    }

    /// By when the debts behind write-offs are to be sued upon, the first of them.
    async fn limitations(&self, entries: &[Entry], write_offs: &[&Entry]) -> Result<Vec<String>> {
        let today = self.today();
        let years = self.rules_on(today).await?.policy.referral.limitation_years;
        let due = |entry: &&Entry| -> Option<Day> {
            let debt = entries.iter().find(|debt| Some(debt.id) == entry.designated_item)?;
            Some(debt.due_on.unwrap_or(debt.effective_on))
        };
        let oldest = write_offs.iter().filter_map(|entry| Some((due(entry)?, entry.id))).min();
        Ok(oldest.map(|(due, item)| last_day(&of_due(item, due, years), today)).into_iter().collect())
    }

    /// What was written off is brought back under no stay, and behind no discharge.
    ///
    /// # Errors
    /// The refusal.
    pub(super) async fn is_not_in_bankruptcy(&self, account: AccountId) -> Result<()> {
        if !self.is_in_bankruptcy(account).await? {
            return Ok(());
        }
        Err(OfficeError::refused(
            "the customer is in bankruptcy, or was discharged: what was owed before the petition is not brought back",
            "11 USC 362(a)(6), 524(a)(2); wait for the court",
        ))
    }

    pub(super) async fn is_in_bankruptcy(&self, account: AccountId) -> Result<bool> {
        let today = self.today();
        let snapshot = self.snapshot(account).await?;
        let is_held = snapshot.holds.iter().any(|hold| hold.kind == HoldKind::Bankruptcy && hold.holds_on(today));
        Ok(is_held || snapshot.stay_on(today).is_some())
    }
}

/// Of write-offs those of the oldest debts that make up the amount, and how much of the last one where not all of it is needed.
fn oldest<'a>(mut write_offs: Vec<&'a Entry>, entries: &[Entry], amount: Cents) -> (Vec<&'a Entry>, Vec<LeftOver>) {
    let due = |entry: &Entry| {
        let debt = entries.iter().find(|debt| Some(debt.id) == entry.designated_item).unwrap_or(entry);
        debt.due_on.unwrap_or(debt.effective_on)
    };
    write_offs.sort_by_key(|entry| (due(entry), entry.id));
    let (mut left, mut partly) = (amount, Vec::new());
    write_offs.retain(|entry| {
        let is_needed = left.is_positive();
        let whole = -entry.amount;
        if is_needed && left < whole {
            partly.push(LeftOver { write_off: entry.id, left });
        }
        left -= whole;
        is_needed
    });
    (write_offs, partly)
}

/// Write-offs that nothing has taken back.
fn standing_write_offs(entries: &[Entry]) -> Vec<&Entry> {
    let is_undone = |entry: &Entry| entries.iter().any(|other| other.reverses == Some(entry.id));
    entries.iter().filter(|entry| entry.kind == EntryKind::WriteOff && !is_undone(entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Language, Role};
    use crate::office::testing::{City, day};
    use crate::store::StaffMember;

    const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,\
                            services,occupancy,service_ended\n";

    /// May 1: $224.20 was written off at Alder Street, which Rosa Muñoz has left.
    async fn written_off() -> City {
        let city = City::new().await;
        for (name, role) in [("Ruth", Role::Lead), ("Omar", Role::Representative), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        city.at("2026-05-01", "09:00");
        comes(&city, "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,2026-04-15")
            .await;
        let account = city.debtor().await;
        let (id, _) = city.office.propose_write_off(account, "moved, no address", "Ruth").await.unwrap();
        city.office.approve_proposal(id, "Ida").await.unwrap();
        city
    }

    async fn comes(city: &City, row: &str) {
        city.takes("accounts-2.csv", &format!("{ACCOUNTS}{row}\n")).await;
    }

    async fn lines(city: &City) -> Vec<String> {
        let lines = city.office.store.exceptions(true).await.unwrap().into_iter();
        lines.filter(|line| line.kind.word() == "returning_debtor").map(|line| line.text).collect()
    }

    #[tokio::test]
    async fn who_seems_to_be_back_owing_is_shown_to_the_lead_with_what_matches_and_what_is_owed() {
        let city = written_off().await;
        city.at("2027-02-01", "09:00");
        comes(&city, "10-000900,ROSA  MUÑOZ,77 Quarry Rd,Riverbend,CA,95600,916-555-0142,water,tenant,").await;
        let [line] = &lines(&city).await[..] else { panic!("one line") };
        for said in [
            "May be the customer who owes on account 10-000417 (Rosa Muñoz)",
            "telephone 9165550142",
            "$224.20 written off; of that, the last day to sue is Thu 2028-03-23",
            "`arrears returning confirm 1` or `arrears returning reject 1`",
        ] {
            assert!(line.contains(said), "{line}");
        }
        let exception = city.office.store.exceptions(true).await.unwrap().remove(0).id;
        let cleared = city.office.clear_exception(exception, Some("seen"), "Ruth").await.unwrap_err().to_string();
        assert!(cleared.contains("arrears returning confirm"), "{cleared}");
    }

    #[tokio::test]
    async fn a_name_alone_or_a_telephone_alone_asks_nobody() {
        let city = written_off().await;
        comes(&city, "10-000900,Rosa Muñoz,77 Quarry Rd,Riverbend,CA,95600,916-555-0199,water,tenant,").await;
        comes(&city, "10-000901,Luis Muñoz,77 Quarry Rd,Riverbend,CA,95600,916-555-0142,water,tenant,").await;
        assert!(lines(&city).await.is_empty());
    }

    #[tokio::test]
    async fn a_pair_that_was_rejected_is_never_asked_for_again() {
        let city = written_off().await;
        let row = "10-000900,Rosa Muñoz,77 Quarry Rd,Riverbend,CA,95600,916-555-0142,water,tenant,";
        comes(&city, row).await;
        let blank = city.office.reject_returning(KinshipId(1), " ", "Ruth").await.unwrap_err().to_string();
        assert!(blank.contains("reason"), "{blank}");
        city.office.reject_returning(KinshipId(1), "mother and daughter", "Ruth").await.unwrap();
        assert!(lines(&city).await.is_empty(), "the line is cleared with the word");
        comes(&city, &row.replace("77 Quarry Rd", "79 Quarry Rd")).await;
        city.at("2026-05-02", "04:00");
        city.office.night(day("2026-05-02")).await.unwrap();
        assert!(lines(&city).await.is_empty());
        let again = city.office.confirm_returning(KinshipId(1), "after all", "Ruth").await.unwrap_err().to_string();
        assert!(again.contains("was rejected by Ruth"), "{again}");
    }

    #[tokio::test]
    async fn what_was_written_off_is_owed_again_only_when_two_people_say_so_and_then_from_its_own_date() {
        let city = written_off().await;
        let debtor = city.debtor().await;
        comes(&city, "10-000900,Rosa Muñoz,77 Quarry Rd,Riverbend,CA,95600,916-555-0142,water,tenant,").await;
        city.office.confirm_returning(KinshipId(1), "she said so at the counter", "Ruth").await.unwrap();
        let balance = || async { city.office.snapshot(debtor).await.unwrap().balance() };
        assert_eq!(balance().await, Cents::ZERO, "nothing follows by itself");
        let (id, amount, facts) = city.office.propose_reinstatement(debtor, None, "she is back", "Omar").await.unwrap();
        assert_eq!((amount, facts.join(";").as_str()), (Cents::new(22_420), "the last day to sue is Thu 2028-03-23"));
        assert_eq!(balance().await, Cents::ZERO);
        city.office.approve_proposal(id, "Ida").await.unwrap();
        let items = city.office.snapshot(debtor).await.unwrap().items;
        assert_eq!(
            items.iter().map(|item| (item.due_on, item.open.get())).collect::<Vec<_>>(),
            [(day("2026-03-23"), 22_420)]
        );
        // Confirmed, the debt may be moved to her new account by two people as well.
        let new = city.office.account("10-000900").await.unwrap().id;
        let (id, _) = city.office.propose_transfer(debtor, new, "she is back", "Omar").await.unwrap();
        city.office.approve_proposal(id, "Ida").await.unwrap();
        assert_eq!(city.office.snapshot(new).await.unwrap().balance(), Cents::new(22_420));
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
        let none = city.office.propose_reinstatement(debtor, None, "again", "Omar").await.unwrap_err().to_string();
        assert!(none.contains("nothing of this account was written off"), "{none}");
    }

    #[tokio::test]
    async fn a_debt_in_bankruptcy_or_past_its_last_day_is_said_to_be_so() {
        let city = written_off().await;
        let debtor = city.debtor().await;
        city.office.hold(debtor, HoldKind::Bankruptcy, (None, None), "case 26-1", "Omar").await.unwrap();
        city.at("2030-04-01", "09:00");
        comes(&city, "10-000900,Rosa Muñoz,77 Quarry Rd,Riverbend,CA,95600,916-555-0142,water,tenant,").await;
        let line = lines(&city).await.remove(0);
        assert!(line.contains("the last day to sue has passed, Thu 2028-03-23"), "{line}");
        assert!(line.contains("in bankruptcy: nothing of before the petition is collected"), "{line}");
        let refused =
            city.office.propose_reinstatement(debtor, None, "she is back", "Omar").await.unwrap_err().to_string();
        assert!(refused.contains("524(a)(2)"), "{refused}");
    }

    #[tokio::test]
    async fn a_debt_that_a_court_discharged_is_never_brought_back() {
        let city = written_off().await;
        let debtor = city.debtor().await;
        let (proposal, ..) = city.office.propose_reinstatement(debtor, None, "she is back", "Omar").await.unwrap();
        let request = crate::office::PetitionRequest {
            chapter: crate::domain::petition::Chapter::Seven,
            court: "Eastern District of California".into(),
            case_number: "26-20417".into(),
            petition_on: day("2026-04-30"),
            relief_on: None,
            learned_on: None,
        };
        let recorded = city.office.record_petition(debtor, &request, "Omar").await.unwrap();
        city.at("2026-08-12", "09:00");
        city.office.petition_discharged(recorded.id, day("2026-08-12"), "Ruth").await.unwrap();
        let late = city.office.approve_proposal(proposal, "Ida").await.unwrap_err().to_string();
        assert!(late.contains("524(a)(2)"), "{late}");
        let refused =
            city.office.propose_reinstatement(debtor, None, "she is back", "Omar").await.unwrap_err().to_string();
        assert!(refused.contains("524(a)(2)"), "{refused}");
    }

    /// So many accounts of a landlord: the first few have ended and owe, the others are active. A `customer` number where given.
    fn landlord(ended: usize, all: usize, phone: &str, customer: &str) -> String {
        let row = |n: usize| {
            let gone = if n < ended { "2026-04-01" } else { "" };
            format!("30-{n:04},Hill Homes LLC,{n} Hill Rd,Riverbend,CA,95600,{phone},water,tenant,{gone},{customer}\n")
        };
        (0..all).map(row).collect()
    }

    async fn landlord_city(customer: &str) -> City {
        let city = City::new().await;
        city.at("2026-04-20", "09:00");
        let head = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy,\
                    service_ended,customer\n";
        city.takes("landlord.csv", &format!("{head}{}", landlord(10, 40, "(916) 555-0100", customer))).await;
        let bill = |n: usize| format!("30-{n:04},water,50.00,2026-03-02,2026-03-23,cis,H-{n}\n");
        let bills: String = (0..20).map(bill).collect();
        city.takes("bills.csv", &format!("account,service,amount,billed_on,due_on,source,reference\n{bills}")).await;
        city.takes("moved.csv", &format!("{head}{}", landlord(10, 40, "(916) 555-0177", customer))).await;
        city
    }

    #[tokio::test]
    async fn a_landlord_whose_number_the_billing_system_has_is_nothing_to_ask_about() {
        let city = landlord_city("C-9").await;
        assert_eq!(lines(&city).await, Vec::<String>::new());
        assert!(city.office.returning(false).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_landlord_with_many_accounts_is_one_question_and_active_accounts_owe_for_themselves() {
        let city = landlord_city("").await;
        let pairs = city.office.returning(true).await.unwrap();
        // One for each account that has ended and owes, and none for those that are active and past due.
        assert_eq!(pairs.len(), 10);
        assert!(pairs.iter().all(|pair| pair.debtor_number.as_str() < "30-0010"), "{pairs:?}");
        let [line] = &lines(&city).await[..] else { panic!("one line") };
        assert!(
            line.contains("owes on account 30-0000 and 9 other accounts (Hill Homes LLC)")
                && line.contains("for each of the pairs 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
            "{line}"
        );
        for n in 1..=10 {
            assert_eq!(lines(&city).await.len(), 1, "until the last is decided");
            city.office.reject_returning(KinshipId(n), "two firms", "Ruth").await.unwrap();
        }
        assert!(lines(&city).await.is_empty());
    }

    #[tokio::test]
    async fn of_more_than_ten_customers_one_line_tells_how_many_they_are() {
        let city = City::new().await;
        city.at("2026-04-20", "09:00");
        let person = |n: usize, at: &str, gone: &str| {
            format!("{at}-{n:04},Pat Doe {n},{n} Oak St,Riverbend,CA,95600,(916) 555-{n:04},water,tenant,{gone}\n")
        };
        let gone: String = (0..12).map(|n| person(n, "40", "2026-04-01")).collect();
        city.takes("gone.csv", &format!("{ACCOUNTS}{gone}")).await;
        let bill = |n: usize| format!("40-{n:04},water,50.00,2026-03-02,2026-03-23,cis,P-{n}\n");
        let bills: String = (0..12).map(bill).collect();
        city.takes("bills.csv", &format!("account,service,amount,billed_on,due_on,source,reference\n{bills}")).await;
        let back: String = (0..12).map(|n| person(n, "50", "")).collect();
        city.takes("back.csv", &format!("{ACCOUNTS}{back}")).await;
        let [line] = &lines(&city).await[..] else { panic!("one line") };
        assert!(line.starts_with("12 customers of one file may be back"), "{line}");
        assert_eq!(city.office.returning(true).await.unwrap().len(), 12);
        let exception = city.office.store.exceptions(true).await.unwrap().remove(0).id;
        assert!(city.office.clear_exception(exception, Some("seen"), "Ruth").await.is_err());
    }
}
