//! The record of an account as it was known on a day past: what files have changed of it since.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Office, Result};
use crate::domain::AccountId;
use crate::domain::day::short;

impl Office {
    /// In a sentence each, what became of the account's record behind the instant: newest first; and what is not known of it.
    pub(super) async fn record_since(&self, account: AccountId, then: DateTime<Utc>) -> Result<Vec<String>> {
        let since = self.store.record_since(account, then).await?;
        let on = |at| short(self.local_day(at));
        let mut told = Vec::new();
        if since.came_at > then {
            told.push(format!(
                "The account came with a file of {}: before that nothing was known of it, and its record is shown as it came",
                on(since.came_at)
            ));
        }
        for change in &since.changes {
            let field = |(name, [before, after]): (&String, &[Value; 2])| {
                format!("{} was {}, and became {}", name.replace('_', " "), words(before), words(after))
            };
            let fields: Vec<String> = change.fields.iter().map(field).collect();
            told.push(format!("The account's record was changed on {}: {}", on(change.at), fields.join("; ")));
        }
        // What changed before the account was there changed others.
        for (file, at) in since.unkept.iter().filter(|(_, at)| *at > since.came_at) {
            told.push(format!(
                "{file} of {} changed accounts' records before the log kept what: whether this one's was another then is not known",
                on(*at)
            ));
        }
        Ok(told)
    }
}

/// A field's value as a person reads it.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "blank".to_owned(),
        Value::String(text) if text.is_empty() => "blank".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "blank".to_owned(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let parts = fields.values().map(words).filter(|part| part != "blank");
            parts.collect::<Vec<_>>().join(", ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::office::testing::{City, day};

    const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,\
                            occupancy,service_ended,premises.landlord_account,customer,customer.ssn\n";

    async fn comes(city: &City, name: &str, rest: &str) {
        let row = format!("10-000417,{name},418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,{rest}\n");
        city.takes("accounts-2.csv", &format!("{ACCOUNTS}{row}")).await;
    }

    #[tokio::test]
    async fn what_was_known_on_a_day_past_has_the_record_of_that_day_and_says_what_became_of_it() {
        let city = City::new().await;
        city.at("2026-05-06", "09:00");
        comes(&city, "Rosa Muñoz", "tenant,,Y,C-9,123-45-6789").await;
        city.at("2026-05-12", "09:00");
        comes(&city, "Rosa Muñoz", "owner,2026-05-10,,C-9,987-65-4321").await;
        city.at("2026-05-20", "09:00");
        let account = city.debtor().await;
        let profile = |on: &'static str| async { city.office.snapshot_on(account, day(on)).await.unwrap().profile };
        // March 3, May 8, May 12.
        let (first, second, third) =
            (profile("2026-03-03").await, profile("2026-05-08").await, profile("2026-05-12").await);
        assert_eq!((first.ended, first.occupancy.word(), first.customer()), (None, "owner", None));
        assert_eq!(first.landlords_tenants(), None);
        assert_eq!((second.ended, second.occupancy.word(), second.customer()), (None, "tenant", Some("C-9")));
        assert!(second.landlords_tenants().is_some());
        assert_eq!((third.ended, third.occupancy.word()), (Some(day("2026-05-10")), "owner"));
        assert_eq!(third, city.office.snapshot(account).await.unwrap().profile);
        let told =
            |on: &'static str| async { city.office.why(account, Some(day(on))).await.unwrap().record.join("\n") };
        let then = told("2026-05-08").await;
        assert!(
            then.contains("The account's record was changed on Tue 2026-05-12: ")
                && then.contains("ended was blank, and became 2026-05-10; occupancy was tenant, and became owner")
                && !then.contains("2026-05-06")
                && !then.contains("6789"),
            "{then}"
        );
        assert_eq!(told("2026-05-12").await, "");
        assert!(told("2026-03-01").await.starts_with("The account came with a file of Mon 2026-03-02"));
        assert_eq!(city.office.why(account, None).await.unwrap().record, Vec::<String>::new());
    }

    #[tokio::test]
    async fn where_files_changed_records_before_the_log_kept_it_that_is_said() {
        let city = City::new().await;
        city.at("2026-05-06", "09:00");
        comes(&city, "Rosa Muñoz", "tenant,,,,").await;
        let account = city.debtor().await;
        city.office.store.tampers("DELETE FROM log WHERE what = 'account changed'").await.unwrap();
        let old = "UPDATE import_file SET outcome = json_remove(outcome, '$.changes_kept') WHERE kind = 'accounts'";
        city.office.store.tampers(old).await.unwrap();
        city.at("2026-05-20", "09:00");
        let told = city.office.why(account, Some(day("2026-05-04"))).await.unwrap().record;
        assert_eq!(
            told,
            [
                "accounts-2.csv of Wed 2026-05-06 changed accounts' records before the log kept what: whether this one's was another \
              then is not known"
            ]
        );
    }
}
