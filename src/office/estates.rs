//! Customers who died: collection from them stops, their household keeps its water, and the lead finds who acts for the estate.

use serde::Serialize;

use super::accounts::{need_reason, not_ahead};
use super::{Office, OfficeError, Result};
use crate::domain::account::Party;
use crate::domain::day::{plus_days, plus_months, short};
use crate::domain::hold::{Estate, Hold, HoldKind};
use crate::domain::placement::ReturnReason;
use crate::domain::{AccountId, Day, HoldId, Role};
use crate::rulebook::policy::EstateRules;
use crate::store::{HeldWithTask, NewHold};

/// What is learned of an estate.
#[derive(Clone, Debug)]
pub enum EstateNews {
    /// The lead names who acts for it: letters go there.
    Representative(Party),
    LettersIssued(Day),
    /// Notice of the administration was given to the city.
    Noticed(Day),
    Claimed(Day),
}

/// A customer who died, and what is known of the estate.
#[derive(Clone, Debug, Serialize)]
pub struct KnownEstate {
    #[serde(skip)]
    pub account: AccountId,
    #[serde(flatten)]
    pub hold: Hold,
    /// The last day for a claim, once it can be said.
    pub claim_by: Option<Day>,
}

impl Office {
    /// The customers who died and whose holds stand today.
    ///
    /// # Errors
    /// When no policy is in force.
    pub async fn deceased(&self) -> Result<Vec<KnownEstate>> {
        let today = self.today();
        let rules = self.rules_on(today).await?;
        let estates = &rules.policy.proceedings.estates;
        let holds = self.store.holds_on(today).await?.into_iter();
        let known = |(account, hold): (AccountId, Hold)| {
            let claim_by = hold.estate.as_ref().and_then(|estate| last_day_for_claim(estate, estates));
            KnownEstate { account, hold, claim_by }
        };
        Ok(holds.filter(|(_, hold)| hold.kind == HoldKind::Deceased).map(known).collect())
    }

    /// Records that the customer died. All collection stops until a person ends it, and the lead has a task.
    ///
    /// # Errors
    /// When it is recorded already, the day lies ahead, or nobody is named who told of it.
    pub async fn record_deceased(
        &self,
        account: AccountId,
        died_on: Option<Day>,
        told_by: &str,
        by: &str,
    ) -> Result<HoldId> {
        need_reason(told_by)?;
        self.not_of_household(by, account).await?;
        let today = self.today();
        if let Some(day) = died_on {
            not_ahead(day, today, "the day of the death")?;
        }
        let snapshot = self.snapshot(account).await?;
        if let Some(known) =
            snapshot.holds.iter().find(|hold| hold.kind == HoldKind::Deceased && hold.ended_on.is_none())
        {
            return Err(OfficeError::refused(
                format!("hold {} stands for it since {}", known.id, known.from),
                "`arrears deceased list` shows what is known",
            ));
        }
        let rules = self.rules_of_case(&snapshot).await?;
        let rule = rules.policy.holds.iter().find(|rule| rule.kind == HoldKind::Deceased);
        let name = snapshot.profile.customer_name.clone();
        let hold = NewHold {
            kind: HoldKind::Deceased,
            from: today,
            through: None,
            items: Vec::new(),
            stops_clock: rule.is_some_and(|rule| rule.stops_clock),
            reason: format!("the customer died; told by {told_by}"),
            estate: Some(Estate {
                of: name.clone(),
                died_on,
                told_by: told_by.to_owned(),
                representative: None,
                letters_on: None,
                noticed_on: None,
                claimed_on: None,
            }),
        };
        let id = HeldWithTask::NUMBER;
        let task = format!(
            "{name} died, as {told_by} told. Find who acts for the estate (`arrears deceased representative {id}`) and who lives \
             at {}: whoever does may become the customer, by an account of their own in the billing system. Nothing is \
             shut off until you decide (`arrears deceased end {id}`)",
            snapshot.profile.service_address.one_line()
        );
        let what = format!("{name} died, as {told_by} told");
        let (others, _) =
            self.holds_of_others(account, ReturnReason::Deceased, &what, "arrears deceased record").await?;
        let mut held = vec![HeldWithTask { account, hold, about: "deceased", task }];
        held.extend(others);
        let placed = self.store.place_holds_with_tasks(&held, &self.stamp(by)).await?;
        let accounts: Vec<AccountId> = held.iter().map(|held| held.account).collect();
        self.settle_accounts(&accounts).await?;
        placed
            .first()
            .copied()
            .ok_or_else(|| OfficeError::NotFound { what: "hold of account", id: account.to_string() })
    }

    /// Writes down what is learned of an estate.
    ///
    /// # Errors
    /// When the hold is none for a customer who died, or a day lies ahead.
    pub async fn estate_news(&self, id: HoldId, news: &EstateNews, by: &str) -> Result<()> {
        let (account, hold) = self.store.hold(id).await?;
        let mut estate = self.estate_of(account, &hold).await?;
        let today = self.today();
        let what = match news {
            EstateNews::Representative(party) => {
                need_reason(&party.name)?;
                estate.representative = Some(party.clone());
                "representative named"
            }
            EstateNews::LettersIssued(day) => {
                not_ahead(*day, today, "the day on which letters were issued")?;
                estate.letters_on = Some(*day);
                "letters issued"
            }
            EstateNews::Noticed(day) => {
                not_ahead(*day, today, "the day on which notice was given")?;
                estate.noticed_on = Some(*day);
                "notice of administration"
            }
            EstateNews::Claimed(day) => {
                not_ahead(*day, today, "the day of the claim")?;
                estate.claimed_on = Some(*day);
                "claim filed"
            }
        };
        self.not_of_household(by, account).await?;
        self.store.put_estate(id, &estate, what, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// A hold that was placed by its kind alone knows nothing of an estate yet.
    async fn estate_of(&self, account: AccountId, hold: &Hold) -> Result<Estate> {
        if hold.kind != HoldKind::Deceased || hold.ended_on.is_some() {
            return Err(OfficeError::refused(
                format!("hold {} is not one for a customer who died, or has ended", hold.id),
                "`arrears deceased list` shows them",
            ));
        }
        match &hold.estate {
            Some(estate) => Ok(estate.clone()),
            None => Ok(Estate {
                of: self.store.account(account).await?.profile.customer_name,
                died_on: None,
                told_by: hold.placed_by.clone(),
                representative: None,
                letters_on: None,
                noticed_on: None,
                claimed_on: None,
            }),
        }
    }

    /// Ends the hold of a customer who died: the only way in which it ends.
    ///
    /// # Errors
    /// When it is none, gives no reason, or the account is of one's own household.
    pub async fn end_deceased(&self, id: HoldId, reason: &str, by: &str) -> Result<()> {
        let (account, hold) = self.store.hold(id).await?;
        self.estate_of(account, &hold).await?;
        self.not_of_household(by, account).await?;
        self.end_hold(id, reason, by).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// Puts before the lead, once each, the estates against which the time for a claim will soon be over.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn tell_claims(&self, day: Day) -> Result<()> {
        for (account, hold) in self.store.estates().await?.into_iter().filter(|(_, hold)| hold.holds_on(day)) {
            let Some(estate) = hold.estate.as_ref().filter(|estate| estate.claimed_on.is_none()) else { continue };
            let rules = self.rules_on(day).await?;
            let estates = &rules.policy.proceedings.estates;
            let Some(last) = last_day_for_claim(estate, estates) else { continue };
            if day < plus_days(last, -i64::from(estates.warn_days)) {
                continue;
            }
            let text = format!(
                "The time for a claim against the estate of {} ends on {} ({}). `arrears deceased claimed {}` when it is filed",
                estate.of,
                short(last),
                estates.citation,
                hold.id
            );
            let key = format!("hold {}, claim by {last}", hold.id);
            self.store.open_task(account, &key, &text, Role::Lead, &self.daemon_stamp(day)).await?;
        }
        Ok(())
    }
}

/// The last day for a claim: the later of what the policy counts from the days that are known. `None` while neither is.
#[must_use]
fn last_day_for_claim(estate: &Estate, rules: &EstateRules) -> Option<Day> {
    let after_letters = estate.letters_on.zip(rules.claim_months_after_letters);
    let after_notice = estate.noticed_on.zip(rules.claim_days_after_notice);
    let by_letters = after_letters.map(|(day, months)| plus_months(day, i32::from(months)));
    by_letters.max(after_notice.map(|(day, days)| plus_days(day, i64::from(days))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::day;

    #[test]
    fn a_claim_is_due_by_the_later_of_four_months_after_letters_and_sixty_days_after_notice() {
        let rules = EstateRules {
            claim_months_after_letters: Some(4),
            claim_days_after_notice: Some(60),
            ..EstateRules::default()
        };
        let mut estate = Estate {
            of: "Rosa".into(),
            died_on: None,
            told_by: "her son".into(),
            representative: None,
            letters_on: None,
            noticed_on: None,
            claimed_on: None,
        };
        assert_eq!(last_day_for_claim(&estate, &rules), None);
        estate.letters_on = Some(day("2026-03-15"));
        assert_eq!(last_day_for_claim(&estate, &rules), Some(day("2026-07-15")));
        estate.noticed_on = Some(day("2026-06-01"));
        assert_eq!(last_day_for_claim(&estate, &rules), Some(day("2026-07-31")));
    }
}
