//! Fees for the billing system: a list of what it does not have yet, recorded first and then written.
//!
//! Each line bears a reference that is never given twice. The billing system sends it back beside its own
//! (`arrears_reference` in its charges and adjustments), and the fee is known and not counted again.

use std::path::PathBuf;

use super::{Office, OfficeError, Result};
use crate::domain::document::{Document, MediaType};
use crate::notices::files::write_whole;
use crate::store::{FeeExport, FeeLine, NewFeeExport, Stamp, StoreError};

/// How often the list is made anew where fees were posted meanwhile.
const ATTEMPTS: u32 = 5;

impl Office {
    /// Lists the fees that the billing system was not told of yet, and what takes fees back, and writes the list; `None`
    /// where there is none. A fee that was taken back before it was listed is on no list.
    ///
    /// # Errors
    /// While a restored city stands still or a night is held: its fees may be told already, or may not be meant. When the
    /// file cannot be written: what is recorded is written by the next export, or by the daemon.
    pub async fn export_fees(&self, by: &str) -> Result<Option<FeeExport>> {
        self.export_fees_of(&self.stamp(by)).await
    }

    /// The same, by the daemon at its hour.
    ///
    /// # Errors
    /// As [`Self::export_fees`].
    pub async fn export_fees_by_itself(&self) -> Result<Option<FeeExport>> {
        self.export_fees_of(&self.daemon_stamp(self.today())).await
    }

    async fn export_fees_of(&self, stamp: &Stamp) -> Result<Option<FeeExport>> {
        self.goes_out().await?;
        self.nothing_is_held().await?;
        self.write_fee_exports().await?;
        for _ in 0..ATTEMPTS {
            let lines = self.store.fees_to_export().await?;
            if lines.is_empty() {
                return Ok(None);
            }
            let document = Document::new(MediaType::Csv, list(&lines)?);
            match self.store.make_fee_export(&NewFeeExport { lines, document }, stamp).await {
                Ok(made) => {
                    self.write_fee_exports().await?;
                    return Ok(Some(made));
                }
                Err(StoreError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Stale.into())
    }

    /// Writes the files of the lists that were not written yet; gives their number.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub async fn write_fee_exports(&self) -> Result<usize> {
        let waiting = self.store.fee_exports(true).await?;
        for list in &waiting {
            self.write_fee_export(list).await?;
        }
        Ok(waiting.len())
    }

    /// Writes a list again, with the same bytes; where it lies.
    ///
    /// # Errors
    /// When there is no such list, or its file cannot be written.
    pub async fn rewrite_fee_export(&self, name: &str) -> Result<PathBuf> {
        let lists = self.store.fee_exports(false).await?;
        let list = lists.into_iter().find(|list| list.name == name);
        let list = list.ok_or_else(|| OfficeError::NotFound { what: "list of fees", id: name.to_owned() })?;
        self.write_fee_export(&list).await
    }

    /// Where a list lies: `exports/fees-2026-05-20-1.csv`.
    #[must_use]
    pub fn fee_export_path(&self, list: &FeeExport) -> PathBuf {
        self.dir.join("exports").join(format!("{}.csv", list.name))
    }

    async fn write_fee_export(&self, list: &FeeExport) -> Result<PathBuf> {
        let path = self.fee_export_path(list);
        let kept = self
            .store
            .document(&list.document)
            .await?
            .ok_or_else(|| OfficeError::DocumentMissing { kind: MediaType::Csv, hash: list.document.to_string() })?;
        write_whole(&path, &kept.bytes).map_err(|source| OfficeError::file(&path, source))?;
        self.store.fee_export_written(&list.name, &self.daemon_stamp(self.today())).await?;
        Ok(path)
    }
}

/// The list: a line each, and a control record with the number of lines and their total.
fn list(lines: &[FeeLine]) -> Result<Vec<u8>> {
    let broken = |error: String| OfficeError::Interrupted(format!("the list of fees could not be made: {error}"));
    let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let mut write = |row: &[String]| csv.write_record(row).map_err(|error| broken(error.to_string()));
    let head = ["arrears_reference", "kind", "account", "service", "amount", "posted_on", "due_on", "name", "reverses"];
    write(&head.map(str::to_owned))?;
    for line in lines {
        write(&[
            line.reference.clone(),
            line.kind.to_string(),
            line.account.to_string(),
            line.service.to_string(),
            line.amount.to_plain(),
            line.on.to_string(),
            line.due_on.map(|day| day.to_string()).unwrap_or_default(),
            line.name.clone(),
            line.reverses.clone().unwrap_or_default(),
        ])?;
    }
    let total: crate::domain::Cents = lines.iter().map(|line| line.amount).sum();
    write(&["#control".to_owned(), "fees".to_owned(), lines.len().to_string(), total.to_plain()])?;
    csv.into_inner().map_err(|error| broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::domain::{Cents, EntryKind};
    use crate::office::testing::{City, day};
    use crate::store::ExceptionKind;

    const CHARGES: &str = "account,service,kind,amount,billed_on,due_on,source,reference,arrears_reference\n";

    /// On April 2, with a late fee of Arrears' own for the bill of $224.20; its reference for the billing system, and its amount.
    async fn with_a_late_fee(city: &City) -> (String, Cents) {
        city.at("2026-04-02", "04:00");
        city.office.night(day("2026-04-02")).await.unwrap();
        let entries = city.office.store.entries(city.debtor().await).await.unwrap();
        let fee = entries.iter().find(|entry| entry.kind == EntryKind::Fee).unwrap();
        (format!("ARR-{}", fee.id), fee.amount)
    }

    async fn owed(city: &City) -> Cents {
        city.office.snapshot(city.debtor().await).await.unwrap().balance()
    }

    /// A file of balances, as of the end of a day.
    async fn balance(city: &City, amount: Cents, as_of: &str) {
        city.takes("balances.csv", &format!("account,balance,as_of\n10-000417,{},{as_of}\n", amount.to_plain())).await;
    }

    async fn frozen(city: &City) -> Option<String> {
        city.office.snapshot(city.debtor().await).await.unwrap().frozen
    }

    #[tokio::test]
    async fn a_late_fee_that_comes_back_under_the_billing_systems_reference_is_counted_once() {
        let city = City::new().await;
        let (reference, amount) = with_a_late_fee(&city).await;
        let once = owed(&city).await;
        let list = city.office.export_fees("Ruth").await.unwrap().unwrap();
        assert_eq!((list.name.as_str(), list.total), ("fees-2026-04-02-1", amount));
        let path = city.office.fee_export_path(&list);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("\n{reference},fee,10-000417,")), "{text}");
        assert!(text.ends_with(&format!("#control,fees,1,{}\n", amount.to_plain())), "{text}");
        // Done once; and written again with the same bytes.
        assert_eq!(city.office.export_fees("Ruth").await.unwrap(), None);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(city.office.rewrite_fee_export(&list.name).await.unwrap(), path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        // The billing system has it under a name and a day of its own.
        let row = format!("10-000417,general,fee,{},2026-04-04,2026-04-25,cis,L-99,", amount.to_plain());
        city.at("2026-04-05", "09:00");
        for name in ["charges-1.csv", "charges-2.csv"] {
            city.takes(name, &format!("{CHARGES}{row}{reference}\n")).await;
        }
        city.takes("charges-3.csv", &format!("{CHARGES}{row}\n")).await;
        assert_eq!(owed(&city).await, once, "known by its own reference as well, once it came with ours");
        // Its balance of April 3 is without the fee, that of April 4 with it; both agree.
        for (said, as_of) in [(once - amount, "2026-04-03"), (once, "2026-04-04")] {
            balance(&city, said, as_of).await;
            assert_eq!(frozen(&city).await, None, "{as_of}");
        }
    }

    #[tokio::test]
    async fn a_fee_that_comes_back_without_our_reference_is_caught_by_the_balance() {
        let city = City::new().await;
        let (reference, amount) = with_a_late_fee(&city).await;
        let once = owed(&city).await;
        city.office.export_fees("Ruth").await.unwrap();
        let row = format!("10-000417,general,fee,{},2026-04-04,2026-04-25,cis,L-99,", amount.to_plain());
        city.at("2026-04-05", "09:00");
        city.takes("charges.csv", &format!("{CHARGES}{row}\n")).await;
        assert_eq!(owed(&city).await, once + amount);
        balance(&city, once, "2026-04-04").await;
        let why = frozen(&city).await.unwrap();
        assert!(why.contains(&format!("{amount} less there. Likely counted twice: L-99 of cis")), "{why}");
        assert!(why.contains(&reference), "{why}");
        // With our reference the file is refused, for the fee stands there twice; reversed and brought again, it is one.
        city.inbox("charges-2.csv", &format!("{CHARGES}{row}{reference}\n"));
        assert_eq!(city.office.take_inbox().await.unwrap().refused, 1);
        let reversal = "account,reversed_on,reverses_source,reverses_reference,source,reference\n\
                        10-000417,2026-04-05,cis,L-99,cis,X-1\n";
        city.takes("reversals.csv", reversal).await;
        city.takes("charges-4.csv", &format!("{CHARGES}{row}{reference}\n")).await;
        assert_eq!(owed(&city).await, once);
        balance(&city, once, "2026-04-05").await;
        assert_eq!(frozen(&city).await, None, "a later file that agrees clears it");
    }

    #[tokio::test]
    async fn a_fee_that_comes_back_with_another_amount_refuses_the_file() {
        let city = City::new().await;
        let (reference, _) = with_a_late_fee(&city).await;
        city.inbox("charges.csv", &format!("{CHARGES}10-000417,general,fee,9.99,2026-04-02,,cis,L-99,{reference}\n"));
        assert_eq!(city.office.take_inbox().await.unwrap().refused, 1);
        let report = std::fs::read_to_string(city.office.dir.join("refused/charges.csv.report.txt")).unwrap();
        let place = format!("line 2, column arrears_reference: \"{reference}\": {reference} of Arrears is fee of");
        assert!(report.contains(&place) && report.contains("$9.99"), "{report}");
    }

    #[tokio::test]
    async fn a_fee_that_is_waived_before_it_is_listed_is_on_no_list_and_one_that_is_waived_later_is_taken_back_by_the_next()
     {
        for is_listed in [false, true] {
            let city = City::new().await;
            let (reference, amount) = with_a_late_fee(&city).await;
            if is_listed {
                city.office.export_fees("Ruth").await.unwrap().unwrap();
            }
            let debtor = city.debtor().await;
            let entries = city.office.store.entries(debtor).await.unwrap();
            let fee = entries.iter().find(|entry| entry.kind == EntryKind::Fee).unwrap().id;
            let reason = "first time in a year";
            let (waiver, _) = city.office.propose_waiver(debtor, fee, reason, "Omar").await.unwrap();
            city.office.approve_proposal(waiver, "Ruth").await.unwrap();
            let next = city.office.export_fees("Ruth").await.unwrap();
            assert_eq!(next.as_ref().map(|list| list.total), is_listed.then_some(-amount));
            if let Some(list) = next {
                let text = std::fs::read_to_string(city.office.fee_export_path(&list)).unwrap();
                assert!(text.contains(&format!(",{reference}\n")), "{text}");
            }
            // On their way or not, the fee and what took it back are nothing together.
            balance(&city, Cents::new(22_420), "2026-04-02").await;
            assert_eq!(frozen(&city).await, None);
        }
    }

    #[tokio::test]
    async fn a_fee_that_is_waived_here_and_taken_back_there_under_its_own_name_is_told_no_second_time() {
        for is_listed in [false, true] {
            let city = City::new().await;
            let (reference, amount) = with_a_late_fee(&city).await;
            city.office.export_fees("Ruth").await.unwrap();
            let row = format!("10-000417,general,fee,{},2026-04-04,2026-04-25,cis,L-99,", amount.to_plain());
            city.at("2026-04-05", "09:00");
            city.takes("charges.csv", &format!("{CHARGES}{row}{reference}\n")).await;
            let debtor = city.debtor().await;
            let entries = city.office.store.entries(debtor).await.unwrap();
            let fee = entries.iter().find(|entry| entry.kind == EntryKind::Fee).unwrap().id;
            let (waiver, _) = city.office.propose_waiver(debtor, fee, "first in a year", "Omar").await.unwrap();
            city.office.approve_proposal(waiver, "Ruth").await.unwrap();
            // The waiver is on a list, or the billing system was quicker: it has taken L-99 back as X-1.
            if is_listed {
                city.office.export_fees("Ruth").await.unwrap().unwrap();
            }
            let head = "account,reversed_on,reverses_source,reverses_reference,source,reference\n";
            let reversal = format!("{head}10-000417,2026-04-05,cis,L-99,cis,X-1\n");
            city.takes("reversals.csv", &reversal).await;
            city.takes("reversals-again.csv", &format!("{reversal}\n")).await;
            assert_eq!(owed(&city).await, Cents::new(22_420));
            assert_eq!(city.office.export_fees("Ruth").await.unwrap(), None, "it has taken it back");
            // Without it at once, and after the weeks in which something may be on its way.
            for as_of in ["2026-04-05", "2026-07-01"] {
                city.at("2026-07-02", "09:00");
                balance(&city, Cents::new(22_420), as_of).await;
                assert_eq!(frozen(&city).await, None, "{as_of}");
            }
            city.inbox("reversals-2.csv", &format!("{head}10-000417,2026-04-06,cis,L-99,cis,X-2\n"));
            assert_eq!(city.office.take_inbox().await.unwrap().refused, 1, "a second one is another");
        }
    }

    #[tokio::test]
    async fn a_balance_that_differs_by_a_cent_bars_what_is_adverse_until_a_person_has_cleared_it_with_a_reason() {
        let city = City::new().await;
        city.at("2026-04-30", "09:00");
        balance(&city, Cents::new(22_419), "2026-04-29").await;
        let why = frozen(&city).await.unwrap();
        let said = "As of Wed 2026-04-29 the billing system says $224.19, and our ledger $224.20: $0.01 less there.";
        assert!(why.starts_with(said), "{why}");
        city.at("2026-05-01", "04:00");
        let report = city.office.night(day("2026-05-01")).await.unwrap();
        assert_eq!(report.notices, 0, "nobody is told of a debt that may be wrong");
        let line = city.office.store.exceptions(true).await.unwrap().remove(0);
        assert_eq!(line.kind.word(), "balance_differs");
        // An older file that agrees says nothing of today.
        balance(&city, Cents::new(22_420), "2026-04-28").await;
        assert!(frozen(&city).await.is_some());
        for reason in [None, Some(" ")] {
            let refused = city.office.clear_exception(line.id, reason, "Ruth").await.unwrap_err();
            assert!(refused.to_string().contains("--reason"), "{refused}");
        }
        city.office.clear_exception(line.id, Some("rounding at the CIS, ticket 88"), "Ruth").await.unwrap();
        assert_eq!(frozen(&city).await, None);
    }

    #[tokio::test]
    async fn a_write_off_goes_to_the_billing_system_too_and_is_no_difference_meanwhile() {
        let city = City::new().await;
        city.at("2026-04-20", "09:00");
        let debtor = city.debtor().await;
        let (proposal, amount) = city.office.propose_write_off(debtor, "moved, no address", "Omar").await.unwrap();
        city.office.approve_proposal(proposal, "Ida").await.unwrap();
        let list = city.office.export_fees("Ruth").await.unwrap().unwrap();
        assert_eq!((list.entries.len(), list.total), (1, -amount));
        city.at("2026-04-22", "09:00");
        balance(&city, amount, "2026-04-21").await;
        assert_eq!(frozen(&city).await, None, "the billing system need not have it yet");
        assert_eq!(owed(&city).await, Cents::ZERO);
        assert!(city.office.export_fees("Ruth").await.unwrap().is_none(), "it stands on one list");
    }

    #[tokio::test]
    async fn no_fee_leaves_a_restored_city_or_a_held_night_and_a_lost_reference_is_never_given_to_another_fee() {
        let city = City::new().await;
        city.at("2026-04-01", "09:00");
        let stamp = city.office.stamp("Sam");
        city.office.store.mark_restored(stamp.at, &stamp).await.unwrap();
        let refused = city.office.export_fees("Ruth").await.unwrap_err().to_string();
        assert!(refused.contains("restored from the backup"), "{refused}");
        let standing = city.office.may_be_done().await.unwrap().unwrap();
        assert_eq!((standing.fees, standing.last_fee_list), (0, None));
        city.office.release_restored(&[], "a test", "Ruth").await.unwrap();
        // The night makes the fee good, under the number that it had in the night that was lost.
        let (lost, amount) = with_a_late_fee(&city).await;
        let held = city.office.store.open_exception(None, ExceptionKind::NightHeld, "too many", &stamp).await.unwrap();
        let refused = city.office.export_fees("Ruth").await.unwrap_err().to_string();
        assert!(refused.contains("the night is held"), "{refused}");
        city.office.store.clear_exception(held, Some("a test"), &stamp).await.unwrap();
        let waiting = city.office.store.fees_to_export().await.unwrap();
        assert_eq!(waiting[0].reference, lost.replace("ARR-", "ARR-2604011600-"));
        // What the billing system had of the lost list: refused under the old reference, known under the new one.
        let row = format!("{CHARGES}10-000417,general,fee,{},2026-04-02,,cis,L-99,", amount.to_plain());
        city.inbox("charges.csv", &format!("{row}{lost}\n"));
        assert_eq!(city.office.take_inbox().await.unwrap().refused, 1);
        let once = owed(&city).await;
        city.takes("charges-2.csv", &format!("{row}{}\n", waiting[0].reference)).await;
        assert_eq!(owed(&city).await, once);
        assert_eq!(city.office.export_fees("Ruth").await.unwrap(), None, "it is told no second time");
    }

    #[tokio::test]
    async fn a_difference_that_was_cleared_is_told_again_only_when_it_is_another() {
        let city = City::new().await;
        city.at("2026-04-30", "09:00");
        balance(&city, Cents::new(22_419), "2026-04-27").await;
        let line = city.office.store.exceptions(true).await.unwrap().remove(0);
        city.office.clear_exception(line.id, Some("rounding"), "Ruth").await.unwrap();
        balance(&city, Cents::new(22_419), "2026-04-28").await;
        assert_eq!(frozen(&city).await, None, "the same cent");
        balance(&city, Cents::new(22_418), "2026-04-29").await;
        assert!(frozen(&city).await.is_some(), "another cent");
    }

    const ADJUSTMENTS: &str = "account,amount,adjusted_on,for_reference,source,reference\n";

    /// April 6: the late fee went out, came back under the billing system's name, and was waived here by two people.
    async fn waived(city: &City) -> Cents {
        let (name, fee) = with_a_late_fee(city).await;
        city.office.export_fees("Ruth").await.unwrap();
        city.at("2026-04-05", "09:00");
        let row = format!("10-000417,general,fee,{},2026-04-03,2026-04-03,cis,F-7,{name}\n", fee.to_plain());
        city.takes("charges-2.csv", &format!("{CHARGES}{row}")).await;
        city.at("2026-04-06", "09:00");
        let account = city.debtor().await;
        let entries = city.office.store.entries(account).await.unwrap();
        let entry = entries.iter().find(|entry| entry.kind == EntryKind::Fee).unwrap().id;
        let (id, _) = city.office.propose_waiver(account, entry, "first time", "Omar").await.unwrap();
        city.office.approve_proposal(id, "Ruth").await.unwrap();
        fee
    }

    #[tokio::test]
    async fn a_credit_that_names_the_fee_which_was_waived_here_is_that_waiver_and_is_not_counted_again() {
        let city = City::new().await;
        let fee = waived(&city).await;
        assert_eq!(owed(&city).await, Cents::new(22_420));
        city.at("2026-04-07", "09:00");
        let row = format!("10-000417,-{},2026-04-07,F-7,cis,ADJ-9\n", fee.to_plain());
        city.takes("adjustments.csv", &format!("{ADJUSTMENTS}{row}")).await;
        assert_eq!(owed(&city).await, Cents::new(22_420));
        // The billing system has both now: its balance is ours, and nothing waits to be told.
        city.at("2026-04-08", "09:00");
        balance(&city, Cents::new(22_420), "2026-04-07").await;
        assert_eq!((frozen(&city).await, city.office.export_fees("Ruth").await.unwrap()), (None, None));
        // The same row in another file says nothing new.
        let again = format!("{ADJUSTMENTS}{row}10-000417,-1.00,2026-04-08,,cis,ADJ-10\n");
        city.takes("adjustments-2.csv", &again).await;
        assert_eq!(owed(&city).await, Cents::new(22_320));
    }

    #[tokio::test]
    async fn a_credit_of_that_amount_which_names_nothing_is_taken_and_told() {
        let city = City::new().await;
        let fee = waived(&city).await;
        city.at("2026-04-07", "09:00");
        let row = format!("10-000417,-{},2026-04-07,,cis,ADJ-9\n", fee.to_plain());
        city.takes("adjustments.csv", &format!("{ADJUSTMENTS}{row}")).await;
        assert_eq!(owed(&city).await, Cents::new(22_420) - fee);
        let lines = city.office.store.exceptions(true).await.unwrap();
        let doubt = lines.iter().find(|line| line.kind == ExceptionKind::FileDoubtful).unwrap();
        assert!(
            doubt.text.contains("1 credit is of the amount of a fee that was waived here (first: line 2, ADJ-9 for account 10-000417, and \
                                 the late fee of 2026-04-02)"),
            "{}",
            doubt.text
        );
    }
}
