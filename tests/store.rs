//! The store's contract, held by SQLite and by PostgreSQL alike.

#[path = "store/books.rs"]
mod books;
mod common;
#[path = "store/debts.rs"]
mod debts;
#[path = "store/money.rs"]
mod money;

use std::collections::{BTreeMap, BTreeSet};

use arrears::audit::{Cleared, Ordered, Pending, Permit};
use arrears::domain::account::{Address, CustomerClass, Language, Occupancy};
use arrears::domain::action::{CallAction, FeeAction, FeeAmount, NoticeAction, TagAction};
use arrears::domain::arrangement::{ArrangementState, Installment, PlanRequest, Reinstatement};
use arrears::domain::arrears::BucketLimits;
use arrears::domain::balance::{BalanceCounts, NewBalance};
use arrears::domain::call::{CallAttempt, CallOutcome, CallState};
use arrears::domain::case::{Cause, StageRef};
use arrears::domain::day::{parse, plus_days};
use arrears::domain::decision::{Finding, Verdict};
use arrears::domain::dispute::{DisputeState, Side};
use arrears::domain::document::{Document, MediaType, sha256};
use arrears::domain::fee::Undone;
use arrears::domain::field_order::{FinalizeRefusal, OrderKind, OrderState};
use arrears::domain::hold::{Estate, HoldKind};
use arrears::domain::import::{FileKind, ImportFile, ImportOutcome, ImportRows, NewEntry, RowRefusal, UnmatchedState};
use arrears::domain::ledger::{ApplicationOrder, PaymentChannel, settle};
use arrears::domain::notice::{ListedItem, NewNotice, NoticeFacts, NoticeState, Restores};
use arrears::domain::petition::{Chapter, StayEnd};
use arrears::domain::placement::{Placement, ReportKind, ReportLine, ReturnReason};
use arrears::domain::promise::PromiseState;
use arrears::domain::proof::ProofKind;
use arrears::domain::proposal::{ProposalState, Proposed};
use arrears::domain::referral::{Destination, ReferralState};
use arrears::domain::{
    AccountId, Act, ActKey, Action, Actor, ArrangementId, CallId, Case, Cents, Channel, Day, Decision, EntryId,
    EntryKind, EventKind, NoticeId, OrderId, PolicyHash, Profile, Recipient, ReferralId, Role, RuleId, RunId, Service,
    Snapshot, UnmatchedId,
};
use arrears::ingest::FileErrors;
use arrears::rulebook::policy::LedgerRules;
use arrears::store::{
    AdoptedPolicy, Among, Bounced, CallNext, Carried, Commit, CommitOutcome, CounterPayment, CrewResult, DebtReturn,
    ExceptionKind, ExportPart, FollowUp, ImportResult, Job, Leaving, LimitationTerms, ListedCall, NewArrangement,
    NewBatch, NewDispute, NewExport, NewFeeExport, NewHold, NewPetition, NewPromise, NewProof, NewReport, NewRuling,
    Permitted, PetitionNews, Pieces, PolicySource, ReferralExport, RenderedPiece, RunStart, StaffMember, Stamp, Store,
    StoreError, Whole, WorkKind,
};
use books::{
    a_correction_after_a_petition_is_stayed_until_a_person_says_what_time_it_is_of,
    a_deposit_that_is_given_back_after_it_was_applied_freezes_its_account,
    a_payment_that_came_back_before_it_was_matched_can_still_be_matched_by_a_person,
    holds_and_the_tasks_that_belong_to_them_are_placed_together_or_not_at_all,
    money_for_a_debt_that_was_written_off_is_told_and_as_much_of_it_is_brought_back,
    what_is_left_of_a_deposit_is_not_refunded_while_debts_are_written_off,
};
use chrono::{DateTime, TimeDelta, Utc};
use debts::{
    a_debt_may_follow_the_same_customer_from_an_account_that_has_ended,
    a_deposit_is_taken_from_a_file_applied_once_and_known_as_it_was,
    a_deposit_that_the_billing_system_applied_is_held_no_longer_until_that_is_reversed,
    a_transfer_posts_both_halves_of_each_debt_or_nothing,
    an_account_is_looked_at_once_for_its_facts_and_again_for_a_new_one,
    what_lies_under_an_old_number_stays_told_whatever_is_settled_beside_it,
    what_was_written_off_comes_back_from_its_own_due_date,
    who_has_left_owing_is_held_against_those_who_are_here_once_a_debt_is_past_due,
    who_is_like_a_debtor_is_noted_once_and_never_again_once_a_person_has_decided,
};
use money::{
    a_payment_of_no_account_finds_those_that_it_may_be_for, that_two_fees_are_two_is_kept_with_who_said_it,
    what_is_left_over_of_a_write_off_is_kept_told_and_taken_back_whole,
};
use serde_json::json;
use sqlx::Connection;

/// Runs each contract on both databases, each time on an empty one.
macro_rules! contract {
    ($($name:ident)+) => {
        mod on_sqlite {$(
            #[test]
            fn $name() {
                let directory = tempfile::tempdir().expect("a temporary directory");
                let url = format!("sqlite:{}", directory.path().join("arrears.db").display());
                super::run(super::$name, &url);
            }
        )+}
        mod on_postgres {$(
            #[test]
            fn $name() {
                super::run(super::$name, &super::common::postgres::new_database());
            }
        )+}
    };
}

contract! {
    importing_a_file_again_changes_nothing
    rows_that_are_known_already_are_left_alone
    the_same_reference_with_another_amount_refuses_the_whole_file
    every_row_that_stands_against_a_file_is_told
    a_payment_of_no_known_account_waits_for_a_person_to_match_it
    an_unmatched_payment_that_comes_again_for_a_known_account_is_matched
    a_rejected_payment_that_comes_again_for_a_known_account_is_taken_and_told
    an_unmatched_payment_that_comes_again_under_another_unknown_number_is_listed_anew
    a_rejected_payment_stays_rejected_when_an_older_file_names_its_earlier_number
    a_payment_that_had_two_unknown_numbers_is_known_under_the_earlier_one_when_it_is_matched
    the_same_file_again_posts_a_payment_whose_account_has_come_meanwhile
    a_known_row_that_names_another_account_is_a_conflict_also_where_that_account_is_unknown
    a_payment_that_a_person_matched_is_known_when_its_file_comes_again
    a_matched_payment_pays_the_debt_and_the_service_that_it_was_designated_to
    a_reversal_under_a_known_reference_that_undoes_another_payment_is_a_conflict
    a_reversal_dated_before_what_it_undoes_refuses_the_file
    what_was_posted_here_is_not_undone_by_a_file_that_a_person_takes_in
    a_counter_payment_that_the_bank_returns_comes_back_by_the_inbox
    a_check_that_bounces_before_it_is_matched_leaves_the_list_and_the_file_s_other_rows_go_in
    a_bounced_check_whose_account_is_found_later_is_posted_with_its_return
    the_reference_of_a_return_that_waits_with_its_payment_names_nothing_else
    a_check_that_a_person_matched_comes_back_under_the_number_that_was_misread
    a_check_that_a_file_matched_comes_back_under_the_number_that_was_misread
    a_return_that_came_before_its_payment_was_found_is_known_when_the_bank_says_it_again
    a_check_that_was_voided_at_the_counter_and_comes_back_in_the_bank_s_file_is_an_event_once
    a_returned_payment_brings_the_debt_back_and_is_an_event
    a_designated_payment_pays_the_debt_that_it_names
    a_bill_without_a_due_date_is_due_by_the_ledger_rule
    a_post_dated_payment_counts_from_its_day
    a_new_fact_makes_the_account_due_and_pages_follow_one_another
    a_control_record_raises_the_watermark_and_never_lowers_it
    a_counter_payment_is_posted_once
    a_waived_fee_is_reversed_and_a_file_s_entry_is_not
    a_fee_that_had_no_ground_is_taken_back_once_and_the_next_decision_sees_it
    a_decision_on_old_facts_is_not_committed
    of_two_decisions_on_the_same_facts_the_second_is_stale_once_the_case_has_moved
    a_fee_is_posted_once_and_the_account_looked_at_again_the_next_day
    a_fee_leaves_the_items_that_the_whole_ledger_gives
    an_act_ordered_again_stands_once
    a_cured_case_cancels_what_is_pending_but_not_the_restoration
    a_restarted_stage_cancels_its_own_acts_alone
    two_workers_never_claim_the_same_work
    a_lost_lease_completes_nothing
    work_that_fails_stands_on_the_exceptions_list
    a_notice_that_failed_is_voided_with_its_other_pieces_when_a_person_clears_the_cause
    a_failed_email_beside_a_letter_is_not_told_again
    a_tag_that_the_crew_left_is_posted_and_one_that_it_brought_back_is_not
    a_tag_that_no_crew_has_left_is_withdrawn_when_its_arrangement_is_taken_up_again
    a_letter_is_served_its_deemed_days_after_the_carrier_took_it
    an_act_is_served_when_its_last_letter_has_left
    another_s_copy_serves_neither_customer_nor_occupant
    an_email_beside_a_letter_is_not_the_mailing_and_one_alone_that_bounces_is_none
    a_returned_letter_loses_its_service
    a_statutory_notice_is_not_served_by_email
    an_email_that_no_server_takes_told_nobody_and_its_letter_is_planned_once
    an_email_that_left_while_it_was_canceled_is_recorded_as_sent
    an_email_voided_beside_a_mailed_letter_does_not_undo_the_letter
    work_that_waits_for_a_hold_to_end_uses_up_no_attempt
    a_policy_adopted_ahead_wakes_accounts_that_are_decided_meanwhile
    a_canceled_notice_is_never_rendered
    what_was_known_on_an_earlier_day_can_be_rebuilt
    a_dispute_holds_its_account_until_it_is_decided_appealed_and_its_credit_approved
    a_ruling_whose_credit_is_declined_is_withdrawn
    a_petition_takes_older_debt_out_of_what_is_open_until_it_is_dismissed
    a_correction_after_a_petition_is_stayed_until_a_person_says_what_time_it_is_of
    a_deposit_that_is_given_back_after_it_was_applied_freezes_its_account
    what_is_left_of_a_deposit_is_not_refunded_while_debts_are_written_off
    money_for_a_debt_that_was_written_off_is_told_and_as_much_of_it_is_brought_back
    a_payment_that_came_back_before_it_was_matched_can_still_be_matched_by_a_person
    holds_and_the_tasks_that_belong_to_them_are_placed_together_or_not_at_all
    what_a_petition_stays_is_written_off_after_its_discharge
    letters_go_to_an_estate_once_somebody_acts_for_it
    an_arrangement_moves_money_to_current_charges_and_is_held_against_what_was_applied
    an_approval_of_an_arrangement_and_the_arrangement_are_one
    terms_that_a_payment_has_overtaken_are_not_agreed
    a_late_payment_that_sets_known_money_free_for_the_arranged_bill_counts
    a_receipt_that_is_voided_and_posted_anew_is_paid_toward_no_arrangement_and_no_promise
    an_old_check_that_comes_back_is_no_missed_installment
    only_what_is_learned_after_an_arrangement_or_promise_is_paid_toward_it
    a_payment_received_before_an_arrangement_and_loaded_after_it_undoes_its_default
    what_became_of_an_arrangement_and_a_freeze_in_the_afternoon_was_not_known_at_noon
    an_arrangement_is_completed_when_its_bill_turns_out_not_to_be_owed_and_the_lead_has_said_so
    a_bill_that_is_billed_anew_before_it_is_reversed_keeps_its_arrangement
    a_bill_that_is_billed_anew_days_after_it_was_reversed_keeps_its_arrangement
    a_bill_that_is_billed_anew_twice_and_paid_in_time_completes_its_arrangement
    a_reversed_bill_that_no_running_arrangement_covers_is_told_to_nobody
    a_fee_of_our_own_goes_out_once_and_is_counted_once_when_it_comes_back
    balances_are_held_against_the_ledger_of_their_day
    a_promise_is_kept_by_the_ledger
    a_deposit_is_taken_from_a_file_applied_once_and_known_as_it_was
    a_deposit_that_the_billing_system_applied_is_held_no_longer_until_that_is_reversed
    a_transfer_posts_both_halves_of_each_debt_or_nothing
    what_lies_under_an_old_number_stays_told_whatever_is_settled_beside_it
    a_debt_may_follow_the_same_customer_from_an_account_that_has_ended
    an_account_is_looked_at_once_for_its_facts_and_again_for_a_new_one
    who_has_left_owing_is_held_against_those_who_are_here_once_a_debt_is_past_due
    who_is_like_a_debtor_is_noted_once_and_never_again_once_a_person_has_decided
    what_is_left_over_of_a_write_off_is_kept_told_and_taken_back_whole
    a_payment_of_no_account_finds_those_that_it_may_be_for
    that_two_fees_are_two_is_kept_with_who_said_it
    what_was_written_off_comes_back_from_its_own_due_date
    the_lead_orders_the_call_list_and_releases_it
    attempts_without_a_conversation_end_in_contact_failed
    an_opt_out_on_the_telephone_outlives_the_next_master_record
    a_required_call_is_not_dropped_and_an_opt_out_leaves_its_contact_to_be_made
    a_visit_is_for_the_crew_and_one_that_met_nobody_is_contact_failed
    a_visit_is_a_conversation_only_when_it_says_with_whom
    a_required_call_without_a_visit_in_its_place_is_a_task_for_the_lead
    a_hold_ends_by_a_person_and_is_not_ended_twice
    what_a_household_shows_is_known_from_its_recording_until_its_end
    a_shut_off_is_approved_finalized_dispatched_and_done
    what_money_has_paid_is_kept_from_the_shut_off_on_now_and_as_of_a_day_past
    a_restoration_ends_the_letter_that_says_service_is_off
    a_shut_off_refused_at_finalization_is_canceled_with_its_reason
    a_payment_after_dispatch_calls_the_crew_back_and_a_late_cut_is_an_incident
    a_shut_off_canceled_while_it_is_dispatched_is_recalled_or_never_leaves
    an_order_without_a_result_is_told_once_and_settled_by_the_result
    an_unmatched_payment_that_came_in_after_the_checks_leaves_the_whole_list_unfinalized
    a_payment_between_the_second_look_and_the_approval_leaves_a_referral_a_candidate
    a_referral_is_approved_before_it_is_placed
    a_referral_stands_on_one_list_and_each_list_of_a_day_has_its_number
    a_debt_that_is_out_is_known_until_it_comes_back
    a_line_of_a_report_goes_out_once
    a_referral_that_its_route_sends_elsewhere_is_withdrawn_at_its_stage
    what_the_policy_proposes_to_write_off_is_proposed_once
    a_debt_is_told_when_time_will_bar_it_and_when_it_has
    a_payment_between_the_second_look_and_the_release_keeps_the_notice_back
    several_pieces_of_one_account_are_released_together
    of_two_accounts_released_together_only_the_one_that_learned_something_waits
    a_payment_while_letters_are_merged_leaves_no_batch
    a_payment_between_the_second_look_and_the_mail_server_keeps_the_email_back
    an_email_that_was_canceled_on_its_way_is_an_incident_and_serves_nothing
    an_email_that_is_canceled_after_an_attempt_without_an_answer_may_have_left_and_is_told
    sent_emails_are_looked_through_from_the_newest_and_found_by_their_address
    an_email_that_never_reached_its_server_is_canceled_and_nobody_is_told
    a_payment_before_approval_finalization_or_dispatch_keeps_the_order_where_it_is
    a_payment_while_packets_are_made_leaves_no_list
    leave_for_one_piece_or_day_serves_no_other
    a_business_date_is_run_once
    the_policy_effective_last_is_in_force_and_wakes_every_account
    a_frozen_account_is_due_again_when_a_person_clears_it
    people_log_in_by_sessions_that_expire
    of_two_leads_who_take_one_another_off_the_staff_one_stays
    a_document_is_kept_byte_for_byte
    an_account_is_found_by_number_name_or_street
    a_newer_database_is_refused
}

fn run<F: Future<Output = ()>>(contract: impl FnOnce(Store, String) -> F, url: &str) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(url).await.expect("an empty database");
        contract(store, url.to_owned()).await;
    });
}

/// Checked by the compiler alone: the daemon spawns these, so their futures go from thread to thread.
#[expect(dead_code, reason = "it is compiled, never called")]
fn use_cases_can_be_spawned(store: &Store, file: &ImportFile, stamp: &Stamp, attempt: &CallAttempt, follow: &FollowUp) {
    fn sent<T: Send>(_: T) {}
    sent(store.import(file, &rules(), stamp));
    sent(store.ripen(&rules(), stamp));
    sent(store.snapshots(&[]));
    sent(store.commit_decisions(Some(RunId(1)), &[], &rules(), stamp));
    sent(store.release_notices(&[], stamp));
    sent(store.mark_mailed(&Pieces::Single(Vec::new()), stamp.on, "", stamp));
    sent(store.record_attempt(attempt, follow, stamp));
    sent(store.finalize_orders(&[], &[], UnmatchedId(0), stamp));
}

// What the stories are told with.

fn day(text: &str) -> Day {
    parse(text).expect("a date")
}

/// Noon of the business date, by the daemon.
fn at(text: &str) -> Stamp {
    by(Actor::Daemon, text)
}

fn by(actor: Actor, text: &str) -> Stamp {
    let noon = day(text).and_hms_opt(12, 0, 0).expect("a time").and_utc();
    Stamp { by: actor, on: day(text), at: noon }
}

fn lead(text: &str) -> Stamp {
    by(Actor::Person("Dana Reyes".to_owned()), text)
}

fn rules() -> LedgerRules {
    LedgerRules {
        due_days: Some(21),
        order: ApplicationOrder::default(),
        de_minimis: Cents::ZERO,
        buckets: BucketLimits::default(),
    }
}

fn profile(number: &str) -> Profile {
    let address = |line1: &str| Address {
        line1: line1.to_owned(),
        line2: String::new(),
        city: "Riverbend".to_owned(),
        state: "CA".to_owned(),
        zip: "95600".to_owned(),
    };
    Profile {
        number: number.into(),
        customer_name: format!("Customer {number}"),
        service_address: address(&format!("{number} Oak St")),
        mailing_address: address(&format!("{number} Oak St")),
        email: None,
        phones: vec!["5305550100".to_owned()],
        language: Language::English,
        class: CustomerClass::Residential,
        services: vec![Service::Water, Service::Sewer],
        owner: None,
        occupancy: Occupancy::Owner,
        third_party: None,
        since: None,
        ended: None,
        attributes: BTreeMap::from([("parcel".to_owned(), "012-345".to_owned())]),
    }
}

fn accounts_file(profiles: &[Profile]) -> ImportFile {
    let name = format!("accounts-{}.csv", profiles.len());
    let text = format!("{profiles:?}");
    let rows = (2_u32..).zip(profiles.iter().cloned()).collect();
    ImportFile {
        name,
        hash: sha256(text.as_bytes()),
        content: sha256(text.as_bytes()),
        kind: FileKind::Accounts,
        columns: BTreeSet::new(),
        rows: ImportRows::Accounts(rows),
        loaded_through: Vec::new(),
    }
}

fn entries_file(kind: FileKind, rows: Vec<NewEntry>) -> ImportFile {
    let hash = sha256(format!("{rows:?}").as_bytes());
    let rows = (2_u32..).zip(rows).map(|(line, row)| NewEntry { line, ..row }).collect();
    let name = format!("{kind}.csv");
    ImportFile {
        name,
        content: hash.clone(),
        hash,
        kind,
        columns: BTreeSet::new(),
        rows: ImportRows::Entries(rows),
        loaded_through: Vec::new(),
    }
}

fn entry(account: &str, reference: &str, kind: EntryKind, cents: i64, on: &str) -> NewEntry {
    NewEntry {
        line: 0,
        account: account.into(),
        service: Service::Water,
        kind,
        amount: Cents::new(cents),
        effective_on: day(on),
        due_on: None,
        printed: BTreeMap::new(),
        channel: None,
        designated_reference: None,
        designated_service: None,
        reverses: None,
        source: "cis".to_owned(),
        reference: reference.to_owned(),
        arrears_reference: None,
        memo: String::new(),
    }
}

fn charge(account: &str, reference: &str, cents: i64, billed: &str, due: &str) -> NewEntry {
    NewEntry { due_on: Some(day(due)), ..entry(account, reference, EntryKind::Charge, cents, billed) }
}

fn payment(account: &str, reference: &str, cents: i64, on: &str) -> NewEntry {
    let source = "lockbox".to_owned();
    let channel = Some(PaymentChannel::Lockbox);
    NewEntry { source, channel, ..entry(account, reference, EntryKind::Payment, -cents, on) }
}

fn reversal(account: &str, reference: &str, of: &str, on: &str) -> NewEntry {
    let reverses = Some(("lockbox".to_owned(), of.to_owned()));
    NewEntry { reverses, ..entry(account, reference, EntryKind::Reversal, 0, on) }
}

async fn take(store: &Store, file: &ImportFile, stamp: &Stamp) -> ImportResult {
    store.import(file, &rules(), stamp).await.expect("the import")
}

async fn take_entries(store: &Store, rows: Vec<NewEntry>, stamp: &Stamp) {
    let result = take(store, &entries_file(FileKind::Charges, rows), stamp).await;
    assert!(matches!(result, ImportResult::Done(_)), "{result:?}");
}

/// One account, 1001, with a bill of $180.00 due 2026-03-23.
async fn one_debtor(store: &Store) -> AccountId {
    take(store, &accounts_file(&[profile("1001")]), &at("2026-03-02")).await;
    let bill = charge("1001", "B-1", 18_000, "2026-03-02", "2026-03-23");
    take_entries(store, vec![bill], &at("2026-03-02")).await;
    account(store, "1001").await
}

async fn account(store: &Store, number: &str) -> AccountId {
    store.account_by_number(number).await.expect("a lookup").expect("the account").id
}

async fn snapshot(store: &Store, account: AccountId) -> Snapshot {
    store.snapshots(&[account]).await.expect("snapshots").pop().expect("the account's snapshot")
}

async fn open_cents(store: &Store, account: AccountId) -> Vec<i64> {
    snapshot(store, account).await.items.iter().map(|item| item.open.get()).collect()
}

async fn begin(store: &Store, date: &str) -> RunId {
    match store.begin_run(day(date), "night", &at(date)).await.expect("a run") {
        RunStart::New(run) | RunStart::Resumed(run) | RunStart::AlreadyDone(run) => run,
    }
}

fn stage(name: &str) -> StageRef {
    StageRef { case: 1, track: "shut_off".into(), anchor: EntryId(1), stage: name.into(), round: 1 }
}

fn finding() -> Finding {
    Finding { rule: RuleId(0), track: None, stage: None, verdict: Verdict::Acts, facts: Vec::new(), until: None }
}

fn act(account: AccountId, of: &str, action: Action, on: &str) -> Act {
    Act {
        key: ActKey { account, of: stage(of), service: None, n: 0 },
        action,
        amount: Some(Cents::new(18_000)),
        for_day: day(on),
        notice: None,
        needs_release: true,
        because: finding(),
    }
}

fn decision(seen: &Snapshot, on: &str, acts: Vec<Act>) -> Decision {
    let policy = PolicyHash::from("policy");
    let case = Case { number: 1, opened_on: day("2026-03-24"), policy: policy.clone(), tracks: Vec::new() };
    Decision {
        account: seen.account,
        seen_seq: seen.facts_seq,
        on: day(on),
        policy,
        case: Some(case),
        closed: None,
        acts,
        cancels: Vec::new(),
        findings: Vec::new(),
        next_review: Some(day("2026-12-31")),
    }
}

fn piece(account: AccountId, of: &str, channel: Channel, recipient: Recipient, on: &str) -> NewNotice {
    NewNotice {
        key: ActKey { account, of: stage(of), service: None, n: 0 },
        template: "final_notice".into(),
        channel,
        recipient,
        addressee: "Customer 1001".to_owned(),
        address: Address::default(),
        email: (channel == Channel::Email).then(|| "c1001@example.org".to_owned()),
        languages: vec![Language::English],
        statutory: true,
        deemed_days: 5,
        facts: NoticeFacts {
            items: Vec::new(),
            amount: Cents::new(18_000),
            balance: Cents::new(18_000),
            days_past_due: 39,
            pay_by: None,
            shut_off_on: None,
            citation: "13.04.050".to_owned(),
            deposit: None,
            reconnection: None,
            restores: None,
            agreed: None,
            ruled: None,
        },
        needs_release: true,
        planned_on: day(on),
    }
}

fn notice_action() -> Action {
    Action::Notice(NoticeAction {
        template: "final_notice".into(),
        by: vec![Channel::Mail],
        statutory: true,
        to: vec![Recipient::Customer],
        deemed_days: 5,
    })
}

fn call_action() -> Action {
    Action::Call(CallAction { script: "reminder".to_owned(), attempts: 2, required: false, or_visit: false })
}

fn disconnect() -> Action {
    Action::Disconnect { services: vec![Service::Water], limit_only: false }
}

async fn commit(store: &Store, decision: &Decision, pieces: &[NewNotice], on: &str) -> CommitOutcome {
    let run = begin(store, on).await;
    let before = snapshot(store, decision.account).await;
    let cleared = Cleared::unaudited(decision.clone());
    let commits = [Commit::of(cleared, &before, pieces.to_vec()).expect("a decision as text")];
    store.commit_decisions(Some(run), &commits, &rules(), &at(on)).await.expect("the commit")[0]
}

/// Commits a decision with the acts on what is known now.
async fn decide(store: &Store, account: AccountId, acts: Vec<Act>, pieces: &[NewNotice], on: &str) {
    let decision = decision(&snapshot(store, account).await, on, acts);
    assert_eq!(commit(store, &decision, pieces, on).await, CommitOutcome::Committed);
}

/// A final notice to the customer by mail, planned on 2026-05-01.
async fn one_notice(store: &Store) -> (AccountId, NoticeId) {
    let debtor = one_debtor(store).await;
    let letter = piece(debtor, "final_notice", Channel::Mail, Recipient::Customer, "2026-05-01");
    let act = act(debtor, "final_notice", notice_action(), "2026-05-01");
    decide(store, debtor, vec![act], &[letter], "2026-05-01").await;
    let planned = store.notices_in(NoticeState::Planned, 10).await.expect("the notices");
    (debtor, planned[0].id)
}

/// Leave as a second look of the day gives it, on what is known of the account now.
async fn leave<Id>(
    store: &Store,
    id: Id,
    account: AccountId,
    ordered: Ordered,
    of: StageRef,
    on: &str,
) -> Permitted<Id> {
    let pending = Pending {
        account,
        ordered,
        of,
        service: None,
        items: BTreeSet::new(),
        amount: Cents::new(18_000),
        for_day: day(on),
    };
    let known = snapshot(store, account).await;
    Permitted { id, permit: Permit::unexamined(pending, known.facts_seq, day(on)) }
}

async fn leave_for_notice(store: &Store, id: NoticeId, on: &str) -> Permitted<NoticeId> {
    let notice = store.notice(id).await.expect("the notice");
    leave(store, id, notice.account, Ordered::Notice, notice.of, on).await
}

async fn leave_for_order(store: &Store, id: OrderId, on: &str) -> Permitted<OrderId> {
    let order = store.order(id).await.expect("the order");
    let ordered = match order.kind {
        OrderKind::ShutOff | OrderKind::Limit => Ordered::ShutOff,
        OrderKind::Restore => Ordered::Restore,
        OrderKind::Tag => Ordered::Tag,
        OrderKind::Visit => Ordered::Call,
    };
    leave(store, id, order.account, ordered, order.of.expect("a stage"), on).await
}

async fn leave_for_referral(store: &Store, id: ReferralId, on: &str) -> Permitted<ReferralId> {
    let referral = store.referral(id).await.expect("the referral");
    let key: ActKey = referral.act_key.parse().expect("the key of an act");
    leave(store, id, referral.account, Ordered::Referral(referral.to), key.of, on).await
}

/// Looks again and approves.
async fn approve_referral(store: &Store, id: ReferralId, on: &str) {
    let piece = leave_for_referral(store, id, on).await;
    assert_eq!(store.approve_referral(&piece, None, &lead(on)).await.expect("an outcome"), all_done(&[id]));
}

fn all_done<Id>(done: &[Id]) -> Carried<Id>
where
    Id: Clone,
{
    Carried { done: done.to_vec(), overtaken: Vec::new() }
}

fn overtaken<Id>(ids: &[Id]) -> Carried<Id>
where
    Id: Clone,
{
    Carried { done: Vec::new(), overtaken: ids.to_vec() }
}

/// Looks again and releases.
async fn release(store: &Store, notice: NoticeId, on: &str) -> Carried<NoticeId> {
    let piece = leave_for_notice(store, notice, on).await;
    store.release_notices(&[piece], &lead(on)).await.expect("the release")
}

/// Looks again, and gives the order to a crew.
async fn dispatch(store: &Store, order: OrderId, on: &str) -> Carried<OrderId> {
    let piece = leave_for_order(store, order, on).await;
    store.dispatch_orders(&[piece], UnmatchedId(0), "Truck 2", &lead(on)).await.expect("the dispatch")
}

/// Looks again and approves.
async fn approve(store: &Store, order: OrderId, on: &str) -> Carried<OrderId> {
    let piece = leave_for_order(store, order, on).await;
    store.approve_orders(&[piece], &lead(on)).await.expect("the approval")
}

/// Customer 1001 pays the whole bill.
async fn pays(store: &Store, on: &str) {
    take_entries(store, vec![payment("1001", "P-1", 18_000, on)], &at(on)).await;
}

fn letter_bytes(text: &str) -> Document {
    Document::new(MediaType::Pdf, text.as_bytes().to_vec())
}

async fn render(store: &Store, notice: NoticeId, on: &str) {
    assert_eq!(release(store, notice, on).await, all_done(&[notice]));
    let bytes = letter_bytes(&format!("letter {notice}"));
    let jobs = store.claim_work(WorkKind::RenderNotice, 100, at(on).at, 60).await.expect("the claim");
    let job = jobs.into_iter().find(|job| job.work.notice() == notice).expect("the work");
    let piece = RenderedPiece { job, document: bytes, dated: day(on) };
    assert_eq!(store.notices_rendered(&[piece], &at(on)).await.expect("the rendering"), [notice]);
}

/// The notice is released and cannot be rendered.
async fn fail(store: &Store, notice: NoticeId, cause: &str, on: &str) {
    assert_eq!(release(store, notice, on).await, all_done(&[notice]));
    let jobs = store.claim_work(WorkKind::RenderNotice, 100, at(on).at, 60).await.expect("the claim");
    let job = jobs.into_iter().find(|job| job.work.notice() == notice).expect("the work");
    assert!(store.fail_work(&job, cause, &at(on)).await.expect("failed"));
}

fn kinds(snapshot: &Snapshot) -> Vec<(EventKind, Day)> {
    snapshot.events.iter().map(|event| (event.kind, event.on)).collect()
}

// Files that come in.

async fn importing_a_file_again_changes_nothing(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let before = snapshot(&store, debtor).await;
    let file = entries_file(FileKind::Charges, vec![charge("1001", "B-1", 18_000, "2026-03-02", "2026-03-23")]);
    let again = take(&store, &file, &at("2026-03-09")).await;
    let ImportResult::AlreadyImported(outcome) = again else { panic!("{again:?}") };
    assert_eq!((outcome.rows, outcome.added, outcome.added_amount), (1, 1, Cents::new(18_000)));
    assert_eq!(snapshot(&store, debtor).await, before);
    assert_eq!(store.imports(10).await.expect("the imports").len(), 2);
}

async fn rows_that_are_known_already_are_left_alone(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let before = snapshot(&store, debtor).await.facts_seq;
    let rows = vec![
        charge("1001", "B-1", 18_000, "2026-03-02", "2026-03-23"),
        charge("1001", "B-2", 9_500, "2026-04-02", "2026-04-23"),
    ];
    let result = take(&store, &entries_file(FileKind::Charges, rows), &at("2026-04-02")).await;
    let ImportResult::Done(outcome) = result else { panic!("{result:?}") };
    assert_eq!((outcome.added, outcome.unchanged), (1, 1));
    assert_eq!(open_cents(&store, debtor).await, [18_000, 9_500]);
    assert_eq!(snapshot(&store, debtor).await.facts_seq, before + 1);

    let mut moved = profile("1001");
    moved.mailing_address.line1 = "PO Box 12".to_owned();
    let result = take(&store, &accounts_file(&[moved, profile("1002")]), &at("2026-04-03")).await;
    let ImportResult::Done(outcome) = result else { panic!("{result:?}") };
    assert_eq!((outcome.added, outcome.updated), (1, 1));
    assert_eq!(snapshot(&store, debtor).await.profile.mailing_address.line1, "PO Box 12");
}

async fn the_same_reference_with_another_amount_refuses_the_whole_file(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let rows = vec![
        charge("1001", "B-2", 9_500, "2026-04-02", "2026-04-23"),
        charge("1001", "B-1", 18_100, "2026-03-02", "2026-03-23"),
    ];
    let result = take(&store, &entries_file(FileKind::Charges, rows), &at("2026-04-02")).await;
    let ImportResult::Refused(refused) = result else { panic!("{result:?}") };
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].line, 3);
    let message = refused[0].refusal.to_string();
    assert!(message.contains("$180.00") && message.contains("$181.00") && message.contains("B-1"), "{message}");
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
}

async fn every_row_that_stands_against_a_file_is_told(store: Store, _: String) {
    one_debtor(&store).await;
    take_entries(&store, vec![payment("1001", "P-1", 5_000, "2026-03-20")], &at("2026-03-20")).await;
    take_entries(&store, vec![reversal("1001", "R-1", "P-1", "2026-03-25")], &at("2026-03-25")).await;
    let mut stray = payment("1001", "P-2", 100, "2026-03-26");
    stray.designated_reference = Some("B-9".to_owned());
    let rows = vec![
        charge("9999", "B-7", 100, "2026-03-26", "2026-04-20"),
        reversal("1001", "R-2", "P-1", "2026-03-26"),
        reversal("1001", "R-3", "P-9", "2026-03-26"),
        stray,
        charge("1001", "B-8", 100, "2026-03-26", "2026-04-20"),
    ];
    let result = take(&store, &entries_file(FileKind::Adjustments, rows), &at("2026-03-26")).await;
    let ImportResult::Refused(refused) = result else { panic!("{result:?}") };
    let lines: Vec<u32> = refused.iter().map(|row| row.line).collect();
    assert_eq!(lines, [2, 3, 4, 5]);
    assert!(matches!(refused[0].refusal, RowRefusal::UnknownAccount { .. }));
    assert!(matches!(refused[1].refusal, RowRefusal::AlreadyReversed { .. }));
    assert!(matches!(refused[2].refusal, RowRefusal::UnknownOriginal { .. }));
    assert!(matches!(refused[3].refusal, RowRefusal::UnknownDesignation { .. }));
}

async fn a_payment_of_no_known_account_waits_for_a_person_to_match_it(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let strays = vec![payment("1010", "P-1", 5_000, "2026-04-10"), payment("1020", "P-2", 700, "2026-04-10")];
    let result = take(&store, &entries_file(FileKind::Payments, strays), &at("2026-04-10")).await;
    let ImportResult::Done(outcome) = result else { panic!("{result:?}") };
    assert_eq!((outcome.added, outcome.unmatched), (0, 2));
    let open = store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list");
    store.match_payment(open[0].id, debtor, &rules(), &lead("2026-04-11")).await.expect("the match");
    store.reject_payment(open[1].id, &lead("2026-04-11")).await.expect("the rejection");
    assert_eq!(open_cents(&store, debtor).await, [13_000]);
    assert!(store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list").is_empty());
    let twice = store.match_payment(open[0].id, debtor, &rules(), &lead("2026-04-11")).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
}

/// A payment of $50.00 of April 10 under P-1, its account misread as 1010, in file `lockbox`.
async fn one_misread(store: &Store) -> UnmatchedId {
    let stray = payment("1010", "P-1", 5_000, "2026-04-10");
    take(store, &entries_file(FileKind::Payments, vec![stray]), &at("2026-04-10")).await;
    store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list")[0].id
}

async fn took(store: &Store, rows: Vec<NewEntry>, on: &str) -> ImportOutcome {
    let result = take(store, &entries_file(FileKind::Payments, rows), &at(on)).await;
    let ImportResult::Done(outcome) = result else { panic!("{result:?}") };
    outcome
}

/// Refused to the lead, who takes a file in by hand.
async fn refused(store: &Store, rows: Vec<NewEntry>, on: &str) -> Vec<RowRefusal> {
    let result = take(store, &entries_file(FileKind::Reversals, rows), &lead(on)).await;
    let ImportResult::Refused(refused) = result else { panic!("{result:?}") };
    refused.into_iter().map(|row| row.refusal).collect()
}

/// The unmatched payments: account as given, state, by whom.
async fn unmatched(store: &Store) -> Vec<(String, UnmatchedState, Option<String>)> {
    let all = store.unmatched_payments(None).await.expect("the list");
    all.into_iter().map(|payment| (payment.row.account.to_string(), payment.state, payment.decided_by)).collect()
}

async fn an_unmatched_payment_that_comes_again_for_a_known_account_is_matched(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    one_misread(&store).await;
    let corrected = vec![payment("1001", "P-1", 5_000, "2026-04-10"), payment("1001", "P-2", 700, "2026-04-11")];
    let outcome = took(&store, corrected.clone(), "2026-04-11").await;
    assert_eq!((outcome.added, outcome.unchanged, outcome.added_amount), (2, 0, Cents::new(-5_700)));
    assert_eq!(open_cents(&store, debtor).await, [12_300]);
    assert_eq!(unmatched(&store).await, [("1010".to_owned(), UnmatchedState::Matched, Some("Arrears".to_owned()))]);
    let log = store.log_of(debtor, 10).await.expect("the log");
    assert!(log.iter().any(|line| line.what == "payment matched"));
    // The same content in another file is known.
    let again = [vec![charge("1001", "B-2", 100, "2026-04-12", "2026-05-03")], corrected].concat();
    assert_eq!(took(&store, again, "2026-04-12").await.unchanged, 2);
    // With another amount it is a conflict, and nothing is posted.
    one_of(&store, "P-9").await;
    let other = refused(&store, vec![payment("1001", "P-9", 4_000, "2026-04-10")], "2026-04-12").await;
    assert!(matches!(&other[..], [RowRefusal::Conflict { .. }]), "{other:?}");
    assert!(other[0].to_string().contains("unmatched payment of $50.00"), "{other:?}");
}

async fn one_of(store: &Store, reference: &str) {
    took(store, vec![payment("1010", reference, 5_000, "2026-04-10")], "2026-04-10").await;
}

async fn a_rejected_payment_that_comes_again_for_a_known_account_is_taken_and_told(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let stray = one_misread(&store).await;
    store.reject_payment(stray, &lead("2026-04-11")).await.expect("the rejection");
    assert_eq!(took(&store, vec![payment("1001", "P-1", 5_000, "2026-04-10")], "2026-04-14").await.added, 1);
    assert_eq!(open_cents(&store, debtor).await, [13_000]);
    assert_eq!(unmatched(&store).await[0].1, UnmatchedState::Matched);
    let lines = store.exceptions(true).await.expect("the exceptions");
    assert_eq!((lines.len(), lines[0].kind, lines[0].account), (1, ExceptionKind::RejectedPayment, Some(debtor)));
    for part in ["P-1 of lockbox", "$50.00", "Dana Reyes", "1001"] {
        assert!(lines[0].text.contains(part), "{}", lines[0].text);
    }
}

async fn an_unmatched_payment_that_comes_again_under_another_unknown_number_is_listed_anew(store: Store, _: String) {
    let stray = one_misread(&store).await;
    let row = |number: &str| payment(number, "P-1", 5_000, "2026-04-10");
    let same = NewEntry { memo: "check 211".to_owned(), ..row("1010") };
    assert_eq!(took(&store, vec![same], "2026-04-11").await.unchanged, 1);
    store.reject_payment(stray, &lead("2026-04-11")).await.expect("the rejection");
    assert_eq!(took(&store, vec![row("1007")], "2026-04-12").await.unmatched, 1);
    let open = store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list");
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].row.account.as_str(), "1007");
    assert!(open[0].id > stray, "whoever looked before has not seen it");
    assert_eq!(unmatched(&store).await.len(), 1);
    let early = store.reject_payment(stray, &lead("2026-04-12")).await;
    assert!(matches!(early, Err(StoreError::NotFound { .. })), "the list of April 11 decides nothing: {early:?}");
}

/// P-1 misread as 1010 on April 10 and as 1007 on April 12.
async fn one_misread_twice(store: &Store) -> UnmatchedId {
    one_misread(store).await;
    took(store, vec![payment("1007", "P-1", 5_000, "2026-04-10")], "2026-04-12").await;
    store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list")[0].id
}

async fn a_rejected_payment_stays_rejected_when_an_older_file_names_its_earlier_number(store: Store, _: String) {
    let stray = one_misread_twice(&store).await;
    store.reject_payment(stray, &lead("2026-04-13")).await.expect("the rejection");
    let of_the_month = vec![payment("1010", "P-1", 5_000, "2026-04-10"), payment("1020", "P-2", 700, "2026-04-14")];
    let outcome = took(&store, of_the_month, "2026-04-14").await;
    assert_eq!((outcome.unchanged, outcome.unmatched), (1, 1));
    let open = store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list");
    assert_eq!(open.iter().map(|payment| &*payment.row.reference).collect::<Vec<_>>(), ["P-2"]);
}

async fn a_payment_that_had_two_unknown_numbers_is_known_under_the_earlier_one_when_it_is_matched(
    store: Store,
    _: String,
) {
    let debtor = one_debtor(&store).await;
    let stray = one_misread_twice(&store).await;
    store.match_payment(stray, debtor, &rules(), &lead("2026-04-13")).await.expect("the match");
    let of_the_month = vec![payment("1010", "P-1", 5_000, "2026-04-10"), payment("1001", "P-2", 700, "2026-04-14")];
    let outcome = took(&store, of_the_month, "2026-04-14").await;
    assert_eq!((outcome.added, outcome.unchanged), (1, 1));
    assert_eq!(took(&store, vec![reversal("1010", "R-1", "P-1", "2026-04-15")], "2026-04-15").await.added, 1);
    assert_eq!(open_cents(&store, debtor).await, [17_300]);
}

async fn the_same_file_again_posts_a_payment_whose_account_has_come_meanwhile(store: Store, _: String) {
    let mut file = entries_file(FileKind::Payments, vec![payment("1001", "P-1", 5_000, "2026-04-10")]);
    file.loaded_through = vec![(PaymentChannel::Lockbox, day("2026-04-12"))];
    take(&store, &file, &at("2026-04-10")).await;
    let still = take(&store, &file, &at("2026-04-11")).await;
    assert!(matches!(still, ImportResult::AlreadyImported(_)), "nobody knows 1001 yet: {still:?}");
    let loaded = store.watermarks().await.expect("the watermarks");
    assert_eq!(loaded, BTreeMap::from([(PaymentChannel::Lockbox, day("2026-04-10"))]), "its control record is heard");
    let debtor = one_debtor(&store).await;
    let again = take(&store, &file, &at("2026-04-12")).await;
    let ImportResult::Done(outcome) = again else { panic!("{again:?}") };
    assert_eq!((outcome.rows, outcome.added), (1, 1));
    assert_eq!(open_cents(&store, debtor).await, [13_000]);
    assert!(store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list").is_empty());
    let known = take(&store, &file, &at("2026-04-13")).await;
    assert!(matches!(known, ImportResult::AlreadyImported(_)), "{known:?}");
}

async fn a_known_row_that_names_another_account_is_a_conflict_also_where_that_account_is_unknown(
    store: Store,
    _: String,
) {
    one_debtor(&store).await;
    take_entries(&store, vec![payment("1001", "P-1", 500, "2026-04-10")], &at("2026-04-10")).await;
    let rows =
        vec![charge("9999", "B-1", 18_000, "2026-03-02", "2026-03-23"), payment("9999", "P-1", 500, "2026-04-10")];
    let refused = refused(&store, rows, "2026-04-11").await;
    assert_eq!(refused.len(), 2);
    for refusal in refused {
        let text = refusal.to_string();
        assert!(matches!(refusal, RowRefusal::Conflict { .. }), "{text}");
        assert!(text.contains("account 1001") && text.contains("account 9999"), "{text}");
    }
}

async fn a_payment_that_a_person_matched_is_known_when_its_file_comes_again(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let stray = one_misread(&store).await;
    store.match_payment(stray, debtor, &rules(), &lead("2026-04-11")).await.expect("the match");
    let rows = vec![payment("1010", "P-1", 5_000, "2026-04-10"), payment("1001", "P-2", 700, "2026-04-11")];
    let outcome = took(&store, rows, "2026-04-12").await;
    assert_eq!((outcome.added, outcome.unchanged, outcome.unmatched), (1, 1, 0));
    assert_eq!(open_cents(&store, debtor).await, [12_300]);
}

async fn a_matched_payment_pays_the_debt_and_the_service_that_it_was_designated_to(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let sewer = NewEntry { service: Service::Sewer, ..charge("1001", "B-3", 4_000, "2026-04-02", "2026-04-23") };
    let bills = vec![charge("1001", "B-2", 9_500, "2026-04-02", "2026-04-23"), sewer];
    take_entries(&store, bills, &at("2026-04-02")).await;
    let mut for_bill = payment("1010", "P-1", 9_500, "2026-04-10");
    for_bill.designated_reference = Some("B-2".to_owned());
    let mut for_sewer = payment("1010", "P-2", 4_000, "2026-04-10");
    for_sewer.designated_service = Some(Service::Sewer);
    let mut for_nothing_here = payment("1010", "P-3", 1_000, "2026-04-10");
    for_nothing_here.designated_reference = Some("B-77".to_owned());
    took(&store, vec![for_bill, for_sewer, for_nothing_here], "2026-04-10").await;
    for payment in store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list") {
        store.match_payment(payment.id, debtor, &rules(), &lead("2026-04-11")).await.expect("the match");
    }
    assert_eq!(open_cents(&store, debtor).await, [17_000], "bill and sewer are paid; the third follows the order");
}

async fn a_reversal_under_a_known_reference_that_undoes_another_payment_is_a_conflict(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let checks = vec![payment("1001", "P-1", 5_000, "2026-04-10"), payment("1001", "P-2", 5_000, "2026-04-10")];
    take_entries(&store, checks, &at("2026-04-10")).await;
    take_entries(&store, vec![reversal("1001", "R-1", "P-1", "2026-04-20")], &at("2026-04-20")).await;
    let second = refused(&store, vec![reversal("1001", "R-1", "P-2", "2026-04-20")], "2026-04-21").await;
    let text = second[0].to_string();
    assert!(matches!(&second[..], [RowRefusal::Conflict { .. }]), "{text}");
    assert!(text.contains("reversal of P-1 of lockbox") && text.contains("reversal of P-2 of lockbox"), "{text}");
    assert_eq!(open_cents(&store, debtor).await, [13_000]);
    let again = vec![reversal("1001", "R-1", "P-1", "2026-04-20"), reversal("1001", "R-2", "P-2", "2026-04-20")];
    let outcome = took(&store, again, "2026-04-21").await;
    assert_eq!((outcome.added, outcome.unchanged), (1, 1));
}

async fn a_reversal_dated_before_what_it_undoes_refuses_the_file(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    take_entries(&store, vec![payment("1001", "P-1", 18_000, "2026-05-20")], &at("2026-05-20")).await;
    let rows = vec![reversal("1001", "R-1", "P-1", "2026-05-02")];
    let result = take(&store, &entries_file(FileKind::Reversals, rows), &at("2026-06-03")).await;
    let ImportResult::Refused(rows) = result else { panic!("{result:?}") };
    let report = FileErrors::from_refused("reversals.csv", FileKind::Reversals, &rows).text();
    let says = "line 2, column reversed_on: \"2026-05-02\": P-1 of lockbox, which this row reverses, is of 2026-05-20: \
        expected that day or a later one\n";
    assert!(report.contains(says), "{report}");
    took(&store, vec![reversal("1001", "R-1", "P-1", "2026-05-20")], "2026-06-03").await;
    assert_eq!(open_cents(&store, debtor).await, [18_000], "a check may come back on its own day");
}

/// $50.00 at the counter on April 10, on receipt R-17.
async fn paid_at_the_counter(store: &Store, debtor: AccountId) {
    let receipt = CounterPayment {
        amount: Cents::new(5_000),
        received_on: day("2026-04-10"),
        reference: "R-17".to_owned(),
        memo: "check 211".to_owned(),
    };
    store.counter_payment(debtor, &receipt, &rules(), &lead("2026-04-10")).await.expect("posted");
}

async fn a_counter_payment_that_the_bank_returns_comes_back_by_the_inbox(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    paid_at_the_counter(&store, debtor).await;
    let back = NewEntry {
        reverses: Some(("counter".to_owned(), "R-17".to_owned())),
        ..reversal("1001", "X-1", "", "2026-04-17")
    };
    assert!(matches!(
        &refused(&store, vec![back.clone()], "2026-04-17").await[..],
        [RowRefusal::CounterPayment { .. }]
    ));
    let inbox = by(Actor::File("returns.csv".to_owned()), "2026-04-17");
    let result = take(&store, &entries_file(FileKind::Reversals, vec![back]), &inbox).await;
    assert!(matches!(result, ImportResult::Done(_)), "{result:?}");
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
    let snapshot = store.snapshots(&[debtor]).await.expect("a snapshot").remove(0);
    assert!(snapshot.events.iter().any(|event| event.kind == EventKind::PaymentReturned), "{:?}", snapshot.events);
}

async fn what_was_posted_here_is_not_undone_by_a_file_that_a_person_takes_in(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    paid_at_the_counter(&store, debtor).await;
    decide(&store, debtor, vec![fee(debtor, "2026-04-10")], &[], "2026-04-10").await;
    let fee = store.entries(debtor).await.expect("the entries").into_iter().find(|entry| entry.kind == EntryKind::Fee);
    let fee = fee.expect("the fee");
    let undoes = |row: NewEntry, source: &str, reference: &str| NewEntry {
        reverses: Some((source.to_owned(), reference.to_owned())),
        ..row
    };
    let rows = vec![
        undoes(reversal("1001", "X-1", "", "2026-04-11"), "counter", "R-17"),
        undoes(reversal("1001", "X-2", "", "2026-04-11"), "arrears", &fee.reference),
    ];
    let refused = refused(&store, rows, "2026-04-11").await;
    assert!(refused[0].to_string().contains("`arrears payments void R-17`"), "{refused:?}");
    assert!(refused[1].to_string().contains(&format!("`arrears fee waive 1001 {}`", fee.id)), "{refused:?}");
    // A counter payment that a file brought is the file's to reverse.
    let by_file = NewEntry { source: "counter".to_owned(), ..payment("1001", "R-18", 700, "2026-04-10") };
    took(&store, vec![by_file], "2026-04-11").await;
    let back = undoes(reversal("1001", "X-3", "", "2026-04-12"), "counter", "R-18");
    assert_eq!(took(&store, vec![back], "2026-04-12").await.added, 1);
}

async fn a_check_that_bounces_before_it_is_matched_leaves_the_list_and_the_file_s_other_rows_go_in(
    store: Store,
    _: String,
) {
    let debtor = one_debtor(&store).await;
    one_misread(&store).await;
    take_entries(&store, vec![payment("1001", "P-2", 18_000, "2026-04-10")], &at("2026-04-10")).await;
    let returns = vec![reversal("1010", "R-1", "P-1", "2026-04-15"), reversal("1001", "R-2", "P-2", "2026-04-15")];
    let early = refused(&store, vec![reversal("1010", "R-1", "P-1", "2026-04-09")], "2026-04-15").await;
    assert!(matches!(&early[..], [RowRefusal::ReversedBefore { .. }]), "{early:?}");
    let outcome = took(&store, returns.clone(), "2026-04-15").await;
    assert_eq!((outcome.rows, outcome.added, outcome.returned), (2, 1, 1));
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
    let listed = store.unmatched_payments(None).await.expect("the list").remove(0);
    assert_eq!((listed.state, listed.returned.expect("its return").on), (UnmatchedState::Returned, day("2026-04-15")));
    // The bank says it again, and then says something else.
    let again = [returns, vec![payment("1001", "P-3", 1, "2026-04-15")]].concat();
    assert_eq!(took(&store, again, "2026-04-16").await.unchanged, 2);
    let twice = refused(&store, vec![reversal("1010", "R-9", "P-1", "2026-04-15")], "2026-04-16").await;
    assert!(matches!(&twice[..], [RowRefusal::AlreadyReversed { .. }]), "{twice:?}");
}

async fn a_bounced_check_whose_account_is_found_later_is_posted_with_its_return(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    one_misread(&store).await;
    took(&store, vec![reversal("1010", "R-1", "P-1", "2026-04-15")], "2026-04-15").await;
    took(&store, vec![payment("1001", "P-1", 5_000, "2026-04-10")], "2026-04-17").await;
    let known = snapshot(&store, debtor).await;
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
    assert_eq!(kinds(&known), [(EventKind::PaymentReturned, day("2026-04-15"))]);
    let entries = store.entries(debtor).await.expect("the entries");
    assert_eq!(entries.iter().map(|entry| entry.amount.get()).collect::<Vec<_>>(), [18_000, -5_000, 5_000]);
}

async fn the_reference_of_a_return_that_waits_with_its_payment_names_nothing_else(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    one_misread(&store).await;
    take_entries(&store, vec![payment("1001", "P-2", 1_000, "2026-04-10")], &at("2026-04-10")).await;
    took(&store, vec![reversal("1010", "R-1", "P-1", "2026-04-15")], "2026-04-15").await;
    let others = [
        reversal("1001", "R-1", "P-2", "2026-04-16"),
        reversal("1010", "R-1", "P-1", "2026-04-16"),
        NewEntry { source: "cis".to_owned(), ..payment("1001", "R-1", 1_000, "2026-04-16") },
        NewEntry { source: "cis".to_owned(), ..payment("1010", "R-1", 1_000, "2026-04-16") },
    ];
    for other in others {
        let refused = refused(&store, vec![other], "2026-04-16").await;
        assert!(matches!(&refused[..], [RowRefusal::Conflict { .. }]), "{refused:?}");
        let text = refused[0].to_string();
        assert!(text.contains("reversal of P-1 of lockbox on 2026-04-15, account 1010"), "{text}");
    }
    took(&store, vec![payment("1001", "P-1", 5_000, "2026-04-10")], "2026-04-17").await;
    assert_eq!(open_cents(&store, debtor).await, [17_000], "P-2 stands as paid, the bounced check does not");
}

async fn a_check_that_a_person_matched_comes_back_under_the_number_that_was_misread(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let stray = one_misread(&store).await;
    store.match_payment(stray, debtor, &rules(), &lead("2026-04-11")).await.expect("the match");
    comes_back_under_the_misread_number(&store, debtor).await;
}

async fn a_check_that_a_file_matched_comes_back_under_the_number_that_was_misread(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    one_misread(&store).await;
    took(&store, vec![payment("1001", "P-1", 5_000, "2026-04-10")], "2026-04-12").await;
    comes_back_under_the_misread_number(&store, debtor).await;
}

/// P-1 stands on the account, and the bank returns it as of 1010.
async fn comes_back_under_the_misread_number(store: &Store, debtor: AccountId) {
    assert_eq!(open_cents(store, debtor).await, [13_000]);
    let elsewhere = refused(store, vec![reversal("1099", "R-1", "P-1", "2026-04-15")], "2026-04-15").await;
    assert!(matches!(&elsewhere[..], [RowRefusal::UnknownAccount { .. }]), "{elsewhere:?}");
    let back = reversal("1010", "R-1", "P-1", "2026-04-15");
    assert_eq!(took(store, vec![back.clone()], "2026-04-15").await.added, 1);
    assert_eq!(open_cents(store, debtor).await, [18_000]);
    assert_eq!(kinds(&snapshot(store, debtor).await), [(EventKind::PaymentReturned, day("2026-04-15"))]);
    let again = vec![back, charge("1001", "B-2", 100, "2026-04-16", "2026-05-07")];
    let outcome = took(store, again, "2026-04-16").await;
    assert_eq!((outcome.added, outcome.unchanged), (1, 1));
}

async fn a_return_that_came_before_its_payment_was_found_is_known_when_the_bank_says_it_again(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    one_misread(&store).await;
    let back = reversal("1010", "R-1", "P-1", "2026-04-15");
    took(&store, vec![back.clone()], "2026-04-15").await;
    let found = vec![payment("1001", "P-1", 5_000, "2026-04-10"), payment("1001", "P-2", 1_000, "2026-04-10")];
    took(&store, found, "2026-04-17").await;
    let outcome = took(&store, vec![back, reversal("1001", "R-2", "P-2", "2026-04-18")], "2026-04-18").await;
    assert_eq!((outcome.added, outcome.unchanged), (1, 1));
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
    let later = refused(&store, vec![reversal("1010", "R-1", "P-1", "2026-04-19")], "2026-04-19").await;
    assert!(matches!(&later[..], [RowRefusal::Conflict { .. }]), "{later:?}");
}

async fn a_check_that_was_voided_at_the_counter_and_comes_back_in_the_bank_s_file_is_an_event_once(
    store: Store,
    _: String,
) {
    let debtor = one_debtor(&store).await;
    paid_at_the_counter(&store, debtor).await;
    take_entries(&store, vec![payment("1001", "P-2", 1_000, "2026-04-10")], &at("2026-04-10")).await;
    let voided = store.void_counter_payment("R-17", "the bank called", &rules(), &lead("2026-04-16")).await;
    assert!(voided.expect("voided").is_new);
    let back = NewEntry {
        reverses: Some(("counter".to_owned(), "R-17".to_owned())),
        ..reversal("1001", "X-1", "", "2026-04-15")
    };
    let before = snapshot(&store, debtor).await.facts_seq;
    let outcome = took(&store, vec![back.clone()], "2026-04-17").await;
    assert_eq!((outcome.added, outcome.unchanged), (0, 1));
    let known = snapshot(&store, debtor).await;
    assert_eq!(kinds(&known), [(EventKind::PaymentReturned, day("2026-04-15"))]);
    assert_eq!(known.facts_seq, before + 1, "the account is looked at again");
    let cumulative = vec![back.clone(), reversal("1001", "X-2", "P-2", "2026-04-18")];
    let outcome = took(&store, cumulative, "2026-04-18").await;
    assert_eq!((outcome.added, outcome.unchanged), (1, 1));
    let days = [(EventKind::PaymentReturned, day("2026-04-15")), (EventKind::PaymentReturned, day("2026-04-18"))];
    assert_eq!(kinds(&snapshot(&store, debtor).await), days, "each check once");
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
    let by_hand = NewEntry { memo: "taken in by hand".to_owned(), ..back };
    let by_hand = refused(&store, vec![by_hand], "2026-04-19").await;
    assert!(matches!(&by_hand[..], [RowRefusal::CounterPayment { .. }]), "{by_hand:?}");
}

async fn a_returned_payment_brings_the_debt_back_and_is_an_event(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    take_entries(&store, vec![payment("1001", "P-1", 18_000, "2026-05-20")], &at("2026-05-20")).await;
    assert!(open_cents(&store, debtor).await.is_empty());
    take_entries(&store, vec![reversal("1001", "R-1", "P-1", "2026-06-03")], &at("2026-06-03")).await;
    let known = snapshot(&store, debtor).await;
    assert_eq!(known.items[0].due_on, day("2026-03-23"));
    assert_eq!(kinds(&known), [(EventKind::PaymentReturned, day("2026-06-03"))]);
    let entries = store.entries(debtor).await.expect("the entries");
    assert_eq!(entries.iter().map(|entry| entry.amount.get()).collect::<Vec<_>>(), [18_000, -18_000, 18_000]);
}

async fn a_designated_payment_pays_the_debt_that_it_names(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let mut named = payment("1001", "P-1", 9_500, "2026-04-10");
    named.designated_reference = Some("B-2".to_owned());
    let rows = vec![charge("1001", "B-2", 9_500, "2026-04-02", "2026-04-23"), named];
    take_entries(&store, rows, &at("2026-04-10")).await;
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
}

async fn a_bill_without_a_due_date_is_due_by_the_ledger_rule(store: Store, _: String) {
    take(&store, &accounts_file(&[profile("1001")]), &at("2026-03-02")).await;
    let bill = entry("1001", "B-1", EntryKind::Charge, 18_000, "2026-03-02");
    take_entries(&store, vec![bill], &at("2026-03-02")).await;
    let debtor = account(&store, "1001").await;
    assert_eq!(snapshot(&store, debtor).await.items[0].due_on, day("2026-03-23"));
}

async fn a_post_dated_payment_counts_from_its_day(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    take_entries(&store, vec![payment("1001", "P-1", 18_000, "2026-04-15")], &at("2026-04-10")).await;
    assert_eq!(store.ripen(&rules(), &at("2026-04-14")).await.expect("nothing"), 0);
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
    assert_eq!(store.ripen(&rules(), &at("2026-04-15")).await.expect("one account"), 1);
    assert!(open_cents(&store, debtor).await.is_empty());
    assert_eq!(store.ripen(&rules(), &at("2026-04-15")).await.expect("nothing more"), 0);
}

async fn a_new_fact_makes_the_account_due_and_pages_follow_one_another(store: Store, _: String) {
    let numbers = ["1001", "1002", "1003"];
    take(&store, &accounts_file(&numbers.map(profile)), &at("2026-03-02")).await;
    let first = store.due_accounts(day("2026-03-02"), None, 2).await.expect("a page");
    let second = store.due_accounts(day("2026-03-02"), first.last().copied(), 2).await.expect("a page");
    assert_eq!((first.len(), second.len()), (2, 1));
    for number in numbers {
        let id = account(&store, number).await;
        decide(&store, id, Vec::new(), &[], "2026-03-02").await;
    }
    assert!(store.due_accounts(day("2026-03-03"), None, 10).await.expect("a page").is_empty());
    take_entries(&store, vec![charge("1002", "B-1", 100, "2026-03-03", "2026-03-24")], &at("2026-03-03")).await;
    let due = store.due_accounts(day("2026-03-03"), None, 10).await.expect("a page");
    assert_eq!(due, [(day("2026-03-03"), account(&store, "1002").await)]);
    assert_eq!(store.account_ids(None, 10).await.expect("all").len(), 3);
}

async fn a_control_record_raises_the_watermark_and_never_lowers_it(store: Store, _: String) {
    one_debtor(&store).await;
    let mut file = entries_file(FileKind::Payments, vec![payment("1001", "P-1", 100, "2026-04-10")]);
    // A year mistyped: nobody can know that a day which is not over is complete.
    file.loaded_through = vec![(PaymentChannel::Lockbox, day("2027-04-10"))];
    take(&store, &file, &at("2026-04-11")).await;
    store.raise_watermark(PaymentChannel::Lockbox, day("2026-04-09"), &lead("2026-04-11")).await.expect("no change");
    store.raise_watermark(PaymentChannel::Counter, day("2026-04-10"), &lead("2026-04-11")).await.expect("signed");
    let both = [(PaymentChannel::Lockbox, day("2026-04-10")), (PaymentChannel::Counter, day("2026-04-10"))];
    assert_eq!(store.watermarks().await.expect("the watermarks"), BTreeMap::from(both));
}

async fn a_counter_payment_is_posted_once(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let receipt = |cents| CounterPayment {
        amount: Cents::new(cents),
        received_on: day("2026-04-10"),
        reference: "receipt 17".to_owned(),
        memo: "cash".to_owned(),
    };
    let first = store.counter_payment(debtor, &receipt(5_000), &rules(), &lead("2026-04-10")).await.expect("posted");
    let again = store.counter_payment(debtor, &receipt(5_000), &rules(), &lead("2026-04-10")).await.expect("the same");
    assert_eq!(first, again);
    assert_eq!(open_cents(&store, debtor).await, [13_000]);
    let other = store.counter_payment(debtor, &receipt(6_000), &rules(), &lead("2026-04-10")).await;
    assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
}

fn fee(account: AccountId, on: &str) -> Act {
    let fee = FeeAction {
        name: "late charge".to_owned(),
        amount: FeeAmount::Flat(Cents::new(1_000)),
        due_days: 21,
        reconnects: None,
        cost: None,
    };
    Act { amount: Some(Cents::new(1_000)), ..act(account, "late_charge", Action::Fee(fee), on) }
}

async fn a_fee_that_had_no_ground_is_taken_back_once_and_the_next_decision_sees_it(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    decide(&store, debtor, vec![fee(debtor, "2026-04-01")], &[], "2026-04-01").await;
    let posted = snapshot(&store, debtor).await;
    assert_eq!(posted.fees.len(), 1);
    assert_eq!(posted.fees[0].bill, Some((day("2026-03-02"), day("2026-03-23"))));
    assert_eq!(posted.ledger, [], "nothing of an earlier day was learned since");

    take_entries(&store, vec![payment("1001", "P-1", 18_000, "2026-03-20")], &at("2026-04-15")).await;
    let learned = snapshot(&store, debtor).await;
    assert_eq!(learned.ledger.len(), 3, "the bill, the fee and the payment that was received in time");
    let reversal = Act {
        key: learned.fees[0].reversal_key(),
        action: Action::ReverseFee { fee: learned.fees[0].entry, name: "late charge".to_owned() },
        amount: Some(Cents::new(1_000)),
        ..act(debtor, "late_charge", notice_action(), "2026-04-15")
    };
    decide(&store, debtor, vec![reversal.clone()], &[], "2026-04-15").await;
    let after = snapshot(&store, debtor).await;
    assert_eq!(after.fees[0].undone, Some(Undone::TakenBack(day("2026-04-15"))));
    assert_eq!((after.balance(), after.ledger.len()), (Cents::ZERO, 0));

    decide(&store, debtor, vec![reversal], &[], "2026-04-16").await;
    assert_eq!(snapshot(&store, debtor).await.balance(), Cents::ZERO, "ordered again, it stands once");
    let waived = waive(&store, debtor, after.fees[0].entry, "2026-04-17").await;
    assert!(matches!(waived, Err(StoreError::Conflict(_))), "{waived:?}");
}

/// Waives an entry as two people do; gives what undoes it.
async fn waive(store: &Store, account: AccountId, entry: EntryId, on: &str) -> Result<EntryId, StoreError> {
    let what = Proposed::Waiver { fee: entry, by_law: false };
    let proposal = store.propose(account, &what, Cents::new(1_000), "first in a year", &lead(on)).await?;
    store.approve_proposal(proposal, &[], &rules(), &by(Actor::Person("Ida".to_owned()), on)).await?;
    let entries = store.entries(account).await?;
    Ok(entries.iter().find(|undoing| undoing.reverses == Some(entry)).expect("what undoes it").id)
}

async fn a_waived_fee_is_reversed_and_a_file_s_entry_is_not(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    decide(&store, debtor, vec![fee(debtor, "2026-04-01")], &[], "2026-04-01").await;
    let entries = store.entries(debtor).await.expect("the entries");
    let waive = async |id| waive(&store, debtor, id, "2026-04-02").await;
    waive(entries[1].id).await.expect("the waiver");
    let seen = snapshot(&store, debtor).await;
    assert_eq!(seen.fees[0].undone, Some(Undone::Waived(day("2026-04-02"))));
    assert_eq!(open_cents(&store, debtor).await, [18_000]);
    assert!(matches!(waive(entries[1].id).await, Err(StoreError::Conflict(_))));
    assert!(matches!(waive(entries[0].id).await, Err(StoreError::Conflict(_))));
    assert!(matches!(waive(EntryId(999)).await, Err(StoreError::NotFound { .. })));
}

// Decisions.

async fn a_decision_on_old_facts_is_not_committed(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let seen = snapshot(&store, debtor).await;
    let late = decision(&seen, "2026-05-22", vec![act(debtor, "shut_off", disconnect(), "2026-05-22")]);
    take_entries(&store, vec![payment("1001", "P-1", 18_000, "2026-05-22")], &at("2026-05-22")).await;
    assert_eq!(commit(&store, &late, &[], "2026-05-22").await, CommitOutcome::Stale);
    assert!(store.field_orders(None, None).await.expect("the orders").is_empty());
    assert_eq!(snapshot(&store, debtor).await.case, None);
    assert_eq!(store.due_accounts(day("2026-05-22"), None, 10).await.expect("a page").len(), 1);
}

/// A stage that a person skips while the night decides on the same account is not written over.
async fn of_two_decisions_on_the_same_facts_the_second_is_stale_once_the_case_has_moved(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let seen = snapshot(&store, debtor).await;
    let opens_a_case = decision(&seen, "2026-05-22", Vec::new());
    let ends_it = Decision { case: None, ..opens_a_case.clone() };
    assert_eq!(commit(&store, &opens_a_case, &[], "2026-05-22").await, CommitOutcome::Committed);
    assert_eq!(commit(&store, &ends_it, &[], "2026-05-22").await, CommitOutcome::Stale);
    assert_eq!(snapshot(&store, debtor).await.case, opens_a_case.case);
}

async fn a_fee_is_posted_once_and_the_account_looked_at_again_the_next_day(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    decide(&store, debtor, vec![fee(debtor, "2026-04-01")], &[], "2026-04-01").await;
    decide(&store, debtor, vec![fee(debtor, "2026-04-01")], &[], "2026-04-02").await;
    let known = snapshot(&store, debtor).await;
    assert_eq!(known.balance(), Cents::new(19_000));
    assert_eq!(known.items[1].due_on, day("2026-04-22"));
    let due = store.due_accounts(day("2026-12-31"), None, 10).await.expect("a page");
    assert_eq!(due, [(day("2026-04-03"), debtor)]);
    // The billing system sends the fee back under Arrears' own reference: it is the same fee.
    let posted = store.entries(debtor).await.expect("the entries").pop().expect("the fee");
    let mut back = entry("1001", &posted.reference, EntryKind::Fee, 1_000, "2026-04-01");
    back.source = posted.source;
    back.service = Service::General;
    let result = take(&store, &entries_file(FileKind::Charges, vec![back]), &at("2026-04-03")).await;
    let ImportResult::Done(outcome) = result else { panic!("{result:?}") };
    assert_eq!((outcome.added, outcome.taken_over), (0, 1));
}

/// A fee is opened without replaying the ledger where no credit can reach it; either way the items are the ledger's.
async fn a_fee_leaves_the_items_that_the_whole_ledger_gives(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let entries = |payments: Vec<NewEntry>, on: &'static str| {
        let store = &store;
        async move {
            take_entries(store, payments, &at(on)).await;
        }
    };
    let is_the_ledgers = |on: &'static str| {
        let store = &store;
        async move {
            let books = settle(&store.entries(debtor).await.expect("the entries"), &rules().order, &[], day(on));
            let known = snapshot(store, debtor).await;
            assert_eq!((known.items, known.unapplied), (books.items, books.unapplied), "on {on}");
        }
    };
    let posted = |name: &'static str, effective: &'static str, on: &'static str| {
        let store = &store;
        async move {
            let mut late = fee(debtor, effective);
            late.key.of.stage = name.into();
            decide(store, debtor, vec![late], &[], on).await;
        }
    };
    // Nothing was paid: the fee stands beside the bill.
    posted("first", "2026-04-01", "2026-04-01").await;
    is_the_ledgers("2026-04-01").await;
    // A part payment of today, dated like the fee that follows it.
    entries(vec![payment("1001", "P-1", 5_000, "2026-04-10")], "2026-04-10").await;
    posted("second", "2026-04-10", "2026-04-10").await;
    is_the_ledgers("2026-04-10").await;
    // A fee that is posted late, dated before that payment.
    posted("third", "2026-04-05", "2026-04-20").await;
    is_the_ledgers("2026-04-20").await;
    // More was paid than is owed: what waits pays the next fee at once.
    entries(vec![payment("1001", "P-2", 16_500, "2026-04-21")], "2026-04-21").await;
    posted("fourth", "2026-04-25", "2026-04-25").await;
    is_the_ledgers("2026-04-25").await;
    assert_eq!(snapshot(&store, debtor).await.balance(), Cents::new(500));
}

async fn an_act_ordered_again_stands_once(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    for on in ["2026-05-01", "2026-05-02"] {
        let acts = vec![
            act(debtor, "final_notice", notice_action(), on),
            act(debtor, "contact", call_action(), on),
            act(debtor, "shut_off", disconnect(), on),
            act(debtor, "refer", Action::Refer { to: Destination::Attorney }, on),
            act(debtor, "look", Action::Task { text: "Look at the meter".to_owned(), role: Role::Lead }, on),
        ];
        let letter = piece(debtor, "final_notice", Channel::Mail, Recipient::Customer, on);
        decide(&store, debtor, acts, &[letter], on).await;
    }
    assert_eq!(store.notices_of(debtor).await.expect("the notices").len(), 1);
    assert_eq!(store.calls_of(debtor).await.expect("the calls").len(), 1);
    assert_eq!(store.orders_of(debtor).await.expect("the orders").len(), 1);
    assert_eq!(store.referrals_of(debtor).await.expect("the referrals").len(), 1);
    let tasks = store.tasks(true).await.expect("the tasks");
    assert_eq!(tasks.len(), 1);
    store.close_task(tasks[0].id, &lead("2026-05-03")).await.expect("closed");
    assert!(store.tasks(true).await.expect("the tasks").is_empty());
    let waiting = store.waiting(day("2026-05-03")).await.expect("the counts");
    assert_eq!((waiting.notices_to_release, waiting.orders_to_approve, waiting.referrals_to_approve), (1, 1, 1));
}

async fn a_cured_case_cancels_what_is_pending_but_not_the_restoration(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let restore = Action::Restore { services: vec![Service::Water], without_fee: false };
    let acts = vec![
        act(debtor, "contact", call_action(), "2026-05-01"),
        act(debtor, "shut_off", disconnect(), "2026-05-22"),
        act(debtor, "restore", restore, "2026-05-01"),
        act(debtor, "refer", Action::Refer { to: Destination::Agency }, "2026-05-01"),
    ];
    let letter = piece(debtor, "final_notice", Channel::Mail, Recipient::Customer, "2026-05-01");
    decide(&store, debtor, acts, &[letter], "2026-05-01").await;
    let notice = store.notices_of(debtor).await.expect("the notices")[0].id;
    render(&store, notice, "2026-05-01").await;

    let mut cured = decision(&snapshot(&store, debtor).await, "2026-05-02", Vec::new());
    cured.case = None;
    cured.closed = Some(Cause::Cured);
    assert_eq!(commit(&store, &cured, &[], "2026-05-02").await, CommitOutcome::Committed);
    let notice = store.notice(notice).await.expect("the notice");
    assert_eq!((notice.state, notice.cause.as_deref()), (NoticeState::Canceled, Some("the debt was paid")));
    assert_eq!(store.calls_of(debtor).await.expect("the calls")[0].state, CallState::Canceled);
    assert_eq!(store.referrals_of(debtor).await.expect("the referrals")[0].state, ReferralState::Canceled);
    let orders = store.orders_of(debtor).await.expect("the orders");
    let states: Vec<(OrderKind, OrderState)> = orders.iter().map(|order| (order.kind, order.state)).collect();
    assert_eq!(states, [(OrderKind::ShutOff, OrderState::Canceled), (OrderKind::Restore, OrderState::Approved)]);
    let known = snapshot(&store, debtor).await;
    assert_eq!((known.case, known.cases_so_far), (None, 1));
}

async fn a_restarted_stage_cancels_its_own_acts_alone(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let acts =
        vec![act(debtor, "contact", call_action(), "2026-05-01"), act(debtor, "shut_off", disconnect(), "2026-05-22")];
    decide(&store, debtor, acts, &[], "2026-05-01").await;
    let mut restarted = decision(&snapshot(&store, debtor).await, "2026-05-10", Vec::new());
    restarted.cancels = vec![(stage("shut_off"), Cause::Expired)];
    commit(&store, &restarted, &[], "2026-05-10").await;
    assert_eq!(store.orders_of(debtor).await.expect("the orders")[0].state, OrderState::Canceled);
    assert_eq!(store.calls_of(debtor).await.expect("the calls")[0].state, CallState::Waiting);
}

// The outbox.

async fn two_workers_never_claim_the_same_work(store: Store, _: String) {
    take(&store, &accounts_file(&[profile("1001")]), &at("2026-03-02")).await;
    let debtor = account(&store, "1001").await;
    let pieces: Vec<NewNotice> = (0..40)
        .map(|round| {
            let mut piece = piece(debtor, "reminder", Channel::Mail, Recipient::Customer, "2026-05-01");
            piece.key.of.round = round;
            piece.needs_release = false;
            piece
        })
        .collect();
    decide(&store, debtor, Vec::new(), &pieces, "2026-05-01").await;
    let claim = || async {
        let mut claimed = Vec::new();
        loop {
            let jobs = store.claim_work(WorkKind::RenderNotice, 3, at("2026-05-01").at, 60).await.expect("a claim");
            if jobs.is_empty() {
                return claimed;
            }
            for job in jobs {
                assert!(store.complete_work(&job).await.expect("completed"));
                claimed.push(job.work.key());
            }
        }
    };
    let (one, other) = tokio::join!(claim(), claim());
    let all: BTreeSet<&String> = one.iter().chain(&other).collect();
    assert_eq!((one.len() + other.len(), all.len()), (40, 40));
}

async fn a_lost_lease_completes_nothing(store: Store, _: String) {
    let (_, notice) = one_notice(&store).await;
    release(&store, notice, "2026-05-01").await;
    let now = at("2026-05-01").at;
    let early = store.claim_work(WorkKind::RenderNotice, 1, now - TimeDelta::days(1), 0).await.expect("a claim");
    assert!(early.is_empty(), "its time has not come");
    let first = store.claim_work(WorkKind::RenderNotice, 1, now, 0).await.expect("a claim");
    let second = store.claim_work(WorkKind::RenderNotice, 1, now, 60).await.expect("a second claim");
    assert_eq!((first[0].attempts, second[0].attempts), (1, 2));
    assert!(store.claim_work(WorkKind::RenderNotice, 1, now, 60).await.expect("nothing").is_empty());
    assert!(!store.complete_work(&first[0]).await.expect("refused"));
    let later = now + TimeDelta::minutes(5);
    assert!(store.retry_work(&second[0], later, "the printer was busy").await.expect("put back"));
    assert!(store.claim_work(WorkKind::RenderNotice, 1, now, 60).await.expect("nothing yet").is_empty());
    let third = store.claim_work(WorkKind::RenderNotice, 1, later, 60).await.expect("a third claim");
    assert!(store.complete_work(&third[0]).await.expect("done"));

    assert!(store.take_lease("day", "one", 60).await.expect("taken"));
    assert!(!store.take_lease("day", "two", 60).await.expect("held"));
    assert!(store.take_lease("day", "one", 0).await.expect("renewed"));
    assert!(store.take_lease("day", "two", 60).await.expect("run out"));
    store.drop_lease("day", "two").await.expect("given back");
    assert!(store.take_lease("day", "one", 60).await.expect("free"));
}

async fn work_that_fails_stands_on_the_exceptions_list(store: Store, _: String) {
    let (debtor, notice) = one_notice(&store).await;
    release(&store, notice, "2026-05-01").await;
    let now = at("2026-05-01").at;
    let job = store.claim_work(WorkKind::RenderNotice, 1, now, 60).await.expect("a claim").remove(0);
    assert!(store.fail_work(&job, "no wording in Korean", &at("2026-05-01")).await.expect("failed"));
    assert_eq!(store.notice(notice).await.expect("the notice").state, NoticeState::Failed);
    let exceptions = store.exceptions(true).await.expect("the list");
    assert_eq!((exceptions[0].account, exceptions[0].kind), (Some(debtor), ExceptionKind::WorkFailed));
    assert!(store.claim_work(WorkKind::RenderNotice, 1, now, 60).await.expect("nothing").is_empty());
}

/// Clears what stands on the exceptions list.
async fn clear_all(store: &Store, on: &str) {
    for exception in store.exceptions(true).await.expect("the list") {
        store.clear_exception(exception.id, None, &lead(on)).await.expect("cleared");
    }
}

async fn states(store: &Store, debtor: AccountId) -> Vec<NoticeState> {
    store.notices_of(debtor).await.expect("the notices").iter().map(|notice| notice.state).collect()
}

async fn a_notice_that_failed_is_voided_with_its_other_pieces_when_a_person_clears_the_cause(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let to = |recipient| piece(debtor, "final_notice", Channel::Mail, recipient, "2026-05-01");
    decide(&store, debtor, Vec::new(), &[to(Recipient::Customer), to(Recipient::Occupant)], "2026-05-01").await;
    let notices = store.notices_of(debtor).await.expect("the notices");
    render(&store, notices[1].id, "2026-05-01").await;
    fail(&store, notices[0].id, "no wording in Korean", "2026-05-01").await;
    assert_eq!(states(&store, debtor).await, [NoticeState::Failed, NoticeState::Rendered], "it waits for a person");
    clear_all(&store, "2026-05-04").await;
    assert_eq!(states(&store, debtor).await, [NoticeState::Voided, NoticeState::Voided]);
    let last = kinds(&snapshot(&store, debtor).await).pop();
    assert_eq!(last, Some((EventKind::NoticeVoided, day("2026-05-04"))), "so that the stage comes around again");
}

async fn a_failed_email_beside_a_letter_is_not_told_again(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let by = |channel| piece(debtor, "final_notice", channel, Recipient::Customer, "2026-05-01");
    decide(&store, debtor, Vec::new(), &[by(Channel::Email), by(Channel::Mail)], "2026-05-01").await;
    let email = store.notices_of(debtor).await.expect("the notices")[0].id;
    fail(&store, email, "it names no address", "2026-05-01").await;
    clear_all(&store, "2026-05-04").await;
    assert_eq!(states(&store, debtor).await, [NoticeState::Failed, NoticeState::Planned]);
}

async fn a_tag_that_the_crew_left_is_posted_and_one_that_it_brought_back_is_not(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    for (tag, on, is_left, state, came_of_it) in [
        ("posting", "2026-05-20", false, NoticeState::Rendered, EventKind::OrderCanceled),
        ("posting_again", "2026-05-21", true, NoticeState::Posted, EventKind::NoticeServed),
    ] {
        let action =
            Action::Tag(TagAction { template: "shut_off_tag".into(), statutory: true, to_tenants: false, doors: None });
        let paper = piece(debtor, tag, Channel::Posting, Recipient::Customer, on);
        decide(&store, debtor, vec![act(debtor, tag, action, on)], &[paper], on).await;
        let notice = store.notices_of(debtor).await.expect("the notices").pop().expect("one");
        render(&store, notice.id, on).await;
        let order = store.orders_of(debtor).await.expect("the orders").pop().expect("one").id;
        assert_eq!(dispatch(&store, order, on).await, all_done(&[order]));
        let result = CrewResult { done: is_left, note: "a dog in the yard".to_owned(), ..done(on) };
        store.record_order_result(order, &result, &rules(), &lead(on)).await.expect("recorded");
        let notice = store.notice(notice.id).await.expect("the notice");
        assert_eq!((notice.state, notice.served_on), (state, is_left.then(|| day(on))));
        assert_eq!(kinds(&snapshot(&store, debtor).await).pop(), Some((came_of_it, day(on))));
    }
}

async fn a_tag_that_no_crew_has_left_is_withdrawn_when_its_arrangement_is_taken_up_again(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    arrange(&store, debtor, "2026-05-15").await;
    let on = "2026-06-10";
    let action =
        Action::Tag(TagAction { template: "shut_off_tag".into(), statutory: true, to_tenants: false, doors: None });
    let mut paper = piece(debtor, "posting", Channel::Posting, Recipient::Customer, on);
    let owed = snapshot(&store, debtor).await.items[0].clone();
    paper.facts.items = vec![ListedItem {
        item: owed.id,
        service: owed.service,
        kind: owed.kind,
        billed_on: owed.billed_on,
        due_on: owed.due_on,
        open: owed.open,
    }];
    decide(&store, debtor, vec![act(debtor, "posting", action, on)], &[paper], on).await;
    let plan = store.arrangements_of(debtor).await.expect("it")[0].id;
    let again = Reinstatement { on: day(on), by: "lead".into(), reason: "paid late".into(), pay_by: day("2026-06-20") };
    let seen = snapshot(&store, debtor).await.facts_seq;
    let withdrawn = store.reinstate_arrangement(plan, &again, &[], seen, &lead(on)).await.expect("taken up again");
    assert_eq!((withdrawn.notices, withdrawn.tags), (0, 1));
    let order = store.orders_of(debtor).await.expect("the orders").pop().expect("one");
    assert_eq!(order.state, OrderState::Canceled);
    assert!(order.cause.expect("a cause").contains("was reinstated on 2026-06-10: paid late"));
    assert_eq!(states(&store, debtor).await, [NoticeState::Canceled]);
}

/// Until as many connections to the database wait for a lock.
async fn until_blocked(url: &str, wanted: i64) {
    let mut watching = sqlx::PgConnection::connect(url).await.expect("a connection of its own");
    let select =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let waiting: i64 = sqlx::query_scalar(select).fetch_one(&mut watching).await.expect("counted");
        if waiting >= wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// An import is stopped when its entries have their numbers and no account knows of them yet; the night would post a fee.
#[test]
fn a_fee_waits_for_an_import_that_is_under_way_and_is_decided_anew() {
    let contract = async |store: Store, url: String| {
        let debtor = one_debtor(&store).await;
        let late = decision(&snapshot(&store, debtor).await, "2026-04-03", vec![fee(debtor, "2026-04-03")]);
        let mut other = sqlx::PgConnection::connect(&url).await.expect("a second connection");
        let mut held = other.begin().await.expect("a transaction");
        sqlx::query("LOCK TABLE review IN SHARE MODE").execute(&mut *held).await.expect("no account is touched");
        let paid = entries_file(FileKind::Payments, vec![payment("1001", "P-1", 18_000, "2026-03-20")]);
        let (terms, stamp) = (rules(), at("2026-04-03"));
        let posting = async {
            until_blocked(&url, 1).await;
            commit(&store, &late, &[], "2026-04-03").await
        };
        let letting_go = async {
            until_blocked(&url, 2).await;
            held.commit().await.expect("let go");
        };
        let (taken, outcome, ()) = tokio::join!(store.import(&paid, &terms, &stamp), posting, letting_go);
        assert!(matches!(taken, Ok(ImportResult::Done(_))), "{taken:?}");
        assert_eq!(outcome, CommitOutcome::Stale, "the payment of March 20 was learned before the fee");
        assert!(snapshot(&store, debtor).await.fees.is_empty());
    };
    run(contract, &common::postgres::new_database());
}

/// An import is stopped when the bank's return of R-17 is posted and nobody else sees it yet; the lead would void R-17.
#[test]
fn a_void_waits_for_an_import_that_is_under_way_and_finds_its_return() {
    let contract = async |store: Store, url: String| {
        let debtor = one_debtor(&store).await;
        paid_at_the_counter(&store, debtor).await;
        let mut other = sqlx::PgConnection::connect(&url).await.expect("a second connection");
        let mut held = other.begin().await.expect("a transaction");
        sqlx::query("LOCK TABLE event IN SHARE MODE").execute(&mut *held).await.expect("no event is recorded");
        let back = NewEntry {
            reverses: Some(("counter".to_owned(), "R-17".to_owned())),
            ..reversal("1001", "X-1", "", "2026-04-15")
        };
        let returns = entries_file(FileKind::Reversals, vec![back]);
        let (terms, stamp, by) = (rules(), at("2026-04-16"), lead("2026-04-16"));
        let voiding = async {
            until_blocked(&url, 1).await;
            store.void_counter_payment("R-17", "the bank called", &terms, &by).await
        };
        let letting_go = async {
            until_blocked(&url, 2).await;
            held.commit().await.expect("let go");
        };
        let (taken, voided, ()) = tokio::join!(store.import(&returns, &terms, &stamp), voiding, letting_go);
        assert!(matches!(taken, Ok(ImportResult::Done(_))), "{taken:?}");
        assert!(!voided.expect("it is undone").is_new, "by the bank");
        assert_eq!(open_cents(&store, debtor).await, [18_000]);
    };
    run(contract, &common::postgres::new_database());
}

// Notices.

async fn a_letter_is_served_its_deemed_days_after_the_carrier_took_it(store: Store, _: String) {
    let (debtor, notice) = one_notice(&store).await;
    render(&store, notice, "2026-05-01").await;
    let new = NewBatch { sheets: 1, path: "print/1.zip".to_owned(), document: "hash".into() };
    let piece = leave_for_notice(&store, notice, "2026-05-01").await;
    let Whole::Made(batch) = store.make_batch(&[piece], &new, &at("2026-05-01")).await.expect("a batch") else {
        panic!("nothing came between");
    };
    assert_eq!(snapshot(&store, debtor).await.events.len(), 1, "a batch that was not mailed serves nothing");
    let mailed =
        store.mark_mailed(&Pieces::Batch(batch), day("2026-05-04"), "PS 3877 no. 4411", &lead("2026-05-05")).await;
    assert_eq!(mailed.expect("mailed"), [notice]);
    let piece = store.notice(notice).await.expect("the notice");
    assert_eq!((piece.state, piece.served_on), (NoticeState::Mailed, Some(day("2026-05-09"))));
    let expected = [
        (EventKind::NoticeReleased, day("2026-05-01")),
        (EventKind::NoticeMailed, day("2026-05-04")),
        (EventKind::NoticeServed, day("2026-05-09")),
    ];
    let known = snapshot(&store, debtor).await;
    assert_eq!(kinds(&known), expected);
    assert_eq!(known.events[2].of, Some(stage("final_notice")));
    assert_eq!(store.batch(batch).await.expect("the batch").mailed_on, Some(day("2026-05-04")));
    let twice = store.mark_mailed(&Pieces::Batch(batch), day("2026-05-05"), "again", &lead("2026-05-05")).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
}

async fn an_act_is_served_when_its_last_letter_has_left(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let to = |recipient| piece(debtor, "final_notice", Channel::Mail, recipient, "2026-05-01");
    let pieces = [to(Recipient::Customer), to(Recipient::Occupant)];
    decide(&store, debtor, vec![act(debtor, "final_notice", notice_action(), "2026-05-01")], &pieces, "2026-05-01")
        .await;
    let notices: Vec<NoticeId> =
        store.notices_of(debtor).await.expect("the notices").iter().map(|notice| notice.id).collect();
    for notice in &notices {
        render(&store, *notice, "2026-05-01").await;
    }
    let mail = async |notice: NoticeId, on: &str| {
        let one = Pieces::Single(vec![notice]);
        store.mark_mailed(&one, day(on), "counter 3", &lead(on)).await.expect("mailed");
        kinds(&snapshot(&store, debtor).await)
    };
    let after_first = mail(notices[0], "2026-05-04").await;
    assert!(after_first.iter().all(|(kind, _)| *kind == EventKind::NoticeReleased), "{after_first:?}");
    let after_last = mail(notices[1], "2026-05-06").await;
    assert!(after_last.contains(&(EventKind::NoticeServed, day("2026-05-11"))), "{after_last:?}");
}

async fn another_s_copy_serves_neither_customer_nor_occupant(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let to = |recipient| piece(debtor, "final_notice", Channel::Mail, recipient, "2026-05-01");
    let pieces = [to(Recipient::Customer), to(Recipient::Occupant), to(Recipient::ThirdParty)];
    decide(&store, debtor, Vec::new(), &pieces, "2026-05-01").await;
    let notices = store.notices_of(debtor).await.expect("the notices");
    for notice in &notices {
        render(&store, notice.id, "2026-05-01").await;
    }
    let occupant = notices.iter().find(|n| n.recipient == Recipient::Occupant).expect("the occupant's").id;
    store.cancel_notices(&[occupant], "no such unit", &lead("2026-05-04")).await.expect("canceled");
    let others = Pieces::Single(notices.iter().map(|n| n.id).filter(|id| *id != occupant).collect());
    let mailed = store.mark_mailed(&others, day("2026-05-04"), "counter 3", &lead("2026-05-04")).await.expect("mailed");
    assert_eq!(mailed.len(), 2);
    let known = kinds(&snapshot(&store, debtor).await);
    assert!(known.iter().all(|(kind, _)| *kind == EventKind::NoticeReleased), "the occupant was not told: {known:?}");
}

fn no_such_user() -> Bounced {
    Bounced { reason: "550 no such user".into(), marks_address: true, letter: None }
}

async fn an_email_beside_a_letter_is_not_the_mailing_and_one_alone_that_bounces_is_none(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let by = |stage, channel| NewNotice {
        statutory: false,
        deemed_days: 0,
        ..piece(debtor, stage, channel, Recipient::Customer, "2026-05-01")
    };
    let pieces = [by("both", Channel::Email), by("both", Channel::Mail), by("alone", Channel::Email)];
    decide(&store, debtor, Vec::new(), &pieces, "2026-05-01").await;
    let notices = store.notices_of(debtor).await.expect("the notices");
    let of = |stage: &str, channel| {
        notices.iter().find(|n| n.of.stage.as_str() == stage && n.channel == channel).expect("a piece").id
    };
    for notice in &notices {
        render(&store, notice.id, "2026-05-01").await;
    }
    let events = async |name: &str| {
        let known = snapshot(&store, debtor).await.events;
        let of_stage = known.into_iter().filter(|event| event.of == Some(stage(name)));
        of_stage
            .filter(|event| event.kind != EventKind::NoticeReleased)
            .map(|event| (event.kind, event.on))
            .collect::<Vec<_>>()
    };
    let send = async |id| store.email_sent(id, day("2026-05-01"), "250 ok", &at("2026-05-01")).await.expect("sent");
    send(of("both", Channel::Email)).await;
    assert_eq!(events("both").await, Vec::new(), "the letter has not left");
    let letter = Pieces::Single(vec![of("both", Channel::Mail)]);
    store.mark_mailed(&letter, day("2026-05-04"), "counter 3", &lead("2026-05-04")).await.expect("mailed");
    let on = day("2026-05-04");
    assert_eq!(events("both").await, [(EventKind::NoticeMailed, on), (EventKind::NoticeServed, on)]);

    let email = of("alone", Channel::Email);
    send(email).await;
    let on = day("2026-05-01");
    assert_eq!(events("alone").await, [(EventKind::NoticeMailed, on), (EventKind::NoticeServed, on)]);
    let letter = NewNotice { needs_release: true, ..by("alone", Channel::Mail) };
    let bounced = Bounced { letter: Some(letter), ..no_such_user() };
    store.email_bounced(email, day("2026-05-02"), &bounced, &at("2026-05-02")).await.expect("bounced");
    assert_eq!(events("alone").await.pop(), Some((EventKind::NoticeReturned, day("2026-05-02"))), "it told nobody");
    let again = store.email_bounced(email, day("2026-05-02"), &bounced, &at("2026-05-02")).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "once: {again:?}");
    let letters = store.notices_of(debtor).await.expect("the notices");
    let letters: Vec<NoticeState> = letters
        .iter()
        .filter(|n| n.of.stage.as_str() == "alone" && n.channel == Channel::Mail)
        .map(|n| n.state)
        .collect();
    assert_eq!(letters, [NoticeState::Planned], "it waits for the lead");
    let marked = snapshot(&store, debtor).await.profile.attributes;
    assert_eq!(marked["undeliverable_email_because"], "since 2026-05-02: 550 no such user");
}

async fn a_returned_letter_loses_its_service(store: Store, _: String) {
    let (debtor, notice) = one_notice(&store).await;
    render(&store, notice, "2026-05-01").await;
    let one = Pieces::Single(vec![notice]);
    store.mark_mailed(&one, day("2026-05-01"), "counter 3", &lead("2026-05-01")).await.expect("mailed");
    store.mark_returned(notice, day("2026-05-12"), "no such number", &lead("2026-05-12")).await.expect("returned");
    let piece = store.notice(notice).await.expect("the notice");
    assert_eq!((piece.state, piece.served_on), (NoticeState::Returned, None));
    let last = kinds(&snapshot(&store, debtor).await).pop();
    assert_eq!(last, Some((EventKind::NoticeReturned, day("2026-05-12"))));
    assert_eq!(store.exceptions(true).await.expect("the list")[0].kind, ExceptionKind::ReturnedMail);
}

async fn a_statutory_notice_is_not_served_by_email(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let mut reminder = piece(debtor, "reminder", Channel::Email, Recipient::Customer, "2026-05-01");
    reminder.statutory = false;
    reminder.deemed_days = 0;
    let statutory = piece(debtor, "final_notice", Channel::Email, Recipient::Customer, "2026-05-01");
    decide(&store, debtor, Vec::new(), &[reminder, statutory], "2026-05-01").await;
    let notices = store.notices_of(debtor).await.expect("the notices");
    for notice in &notices {
        render(&store, notice.id, "2026-05-01").await;
    }
    let jobs = store.claim_work(WorkKind::SendEmail, 10, at("2026-05-01").at, 60).await.expect("two emails");
    assert_eq!(jobs.len(), 2);
    for notice in &notices {
        store.email_sent(notice.id, day("2026-05-01"), "250 ok", &at("2026-05-01")).await.expect("sent");
    }
    let served: Vec<_> = snapshot(&store, debtor)
        .await
        .events
        .into_iter()
        .filter(|event| event.kind == EventKind::NoticeServed)
        .map(|event| event.of)
        .collect();
    assert_eq!(served, [Some(stage("reminder"))]);
    store.email_bounced(notices[1].id, day("2026-05-02"), &no_such_user(), &at("2026-05-02")).await.expect("bounced");
    assert_eq!(store.notice(notices[1].id).await.expect("the notice").state, NoticeState::Bounced);
}

async fn an_email_that_no_server_takes_told_nobody_and_its_letter_is_planned_once(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let by = |channel| NewNotice {
        statutory: false,
        ..piece(debtor, "reminder", channel, Recipient::Customer, "2026-05-01")
    };
    decide(&store, debtor, Vec::new(), &[by(Channel::Email)], "2026-05-01").await;
    let email = store.notices_of(debtor).await.expect("the notices")[0].id;
    render(&store, email, "2026-05-01").await;
    let job = store.claim_work(WorkKind::SendEmail, 10, at("2026-05-01").at, 60).await.expect("the email").remove(0);
    let refused = Bounced { letter: Some(NewNotice { needs_release: true, ..by(Channel::Mail) }), ..no_such_user() };
    assert!(store.email_refused(&job, &refused, &at("2026-05-01")).await.expect("refused"));
    assert!(!store.email_refused(&job, &refused, &at("2026-05-01")).await.expect("once"), "its work is over");
    let pieces = store.notices_of(debtor).await.expect("the notices");
    let pieces: Vec<_> = pieces.iter().map(|n| (n.channel, n.state, n.served_on)).collect();
    assert_eq!(pieces, [(Channel::Email, NoticeState::Failed, None), (Channel::Mail, NoticeState::Planned, None)]);
    let marked = snapshot(&store, debtor).await.profile.attributes;
    assert_eq!(marked["undeliverable_email_because"], "since 2026-05-01: 550 no such user");
    assert_eq!(store.exceptions(true).await.expect("the list")[0].kind, ExceptionKind::EmailBounced);
}

async fn an_email_that_left_while_it_was_canceled_is_recorded_as_sent(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let email = piece(debtor, "reminder", Channel::Email, Recipient::Customer, "2026-05-01");
    decide(&store, debtor, Vec::new(), &[email], "2026-05-01").await;
    let email = store.notices_of(debtor).await.expect("the notices")[0].id;
    render(&store, email, "2026-05-01").await;
    store.cancel_notices(&[email], "paid at the counter", &lead("2026-05-01")).await.expect("canceled");
    store.email_sent(email, day("2026-05-01"), "250 ok", &at("2026-05-01")).await.expect("it has left");
    let sent = store.notice(email).await.expect("the notice");
    assert_eq!((sent.state, sent.cause.as_deref()), (NoticeState::Sent, Some("paid at the counter")));
}

async fn an_email_voided_beside_a_mailed_letter_does_not_undo_the_letter(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let by = |channel| piece(debtor, "final_notice", channel, Recipient::Customer, "2026-05-01");
    decide(&store, debtor, Vec::new(), &[by(Channel::Email), by(Channel::Mail)], "2026-05-01").await;
    let notices = store.notices_of(debtor).await.expect("the notices");
    for notice in &notices {
        render(&store, notice.id, "2026-05-01").await;
    }
    let letter = Pieces::Single(vec![notices[1].id]);
    store.mark_mailed(&letter, day("2026-05-04"), "PS 3665", &lead("2026-05-04")).await.expect("mailed");
    let before = kinds(&snapshot(&store, debtor).await);
    store.void_notices(&[notices[0].id], "its amounts have changed", &at("2026-05-04")).await.expect("voided");
    assert_eq!(states(&store, debtor).await, [NoticeState::Voided, NoticeState::Mailed]);
    assert_eq!(kinds(&snapshot(&store, debtor).await), before);
}

async fn work_that_waits_for_a_hold_to_end_uses_up_no_attempt(store: Store, _: String) {
    let (_, notice) = one_notice(&store).await;
    assert_eq!(release(&store, notice, "2026-05-01").await.done, [notice]);
    let now = at("2026-05-01").at;
    for waited in 0..10 {
        let then = now + TimeDelta::hours(waited);
        let job = store.claim_work(WorkKind::RenderNotice, 1, then, 60).await.expect("a claim").remove(0);
        assert_eq!(job.attempts, 1);
        assert!(store.wait_with_work(&job, then + TimeDelta::hours(1), "a dispute").await.expect("put back"));
    }
}

async fn a_policy_adopted_ahead_wakes_accounts_that_are_decided_meanwhile(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    store.adopt_policy(&policy("ahead", "2026-07-01"), &lead("2026-06-01")).await.expect("adopted");
    let later = Decision {
        next_review: Some(day("2026-09-01")),
        ..decision(&snapshot(&store, debtor).await, "2026-06-10", Vec::new())
    };
    assert_eq!(commit(&store, &later, &[], "2026-06-10").await, CommitOutcome::Committed);
    let due = store.due_accounts(day("2026-12-31"), None, 10).await.expect("a page");
    assert_eq!(due, [(day("2026-07-01"), debtor)]);
}

async fn a_canceled_notice_is_never_rendered(store: Store, _: String) {
    let (_, notice) = one_notice(&store).await;
    release(&store, notice, "2026-05-01").await;
    let job = store.claim_work(WorkKind::RenderNotice, 1, at("2026-05-01").at, 60).await.expect("a claim").remove(0);
    let canceled = store.cancel_notices(&[notice], "the customer came in", &lead("2026-05-01")).await;
    assert_eq!(canceled.expect("canceled"), [notice]);
    let now = at("2026-05-02").at;
    assert!(store.claim_work(WorkKind::RenderNotice, 10, now, 60).await.expect("nothing").is_empty());
    let late = RenderedPiece { job, document: letter_bytes("late"), dated: day("2026-05-01") };
    assert!(store.notices_rendered(&[late], &at("2026-05-01")).await.expect("nothing").is_empty());
    assert_eq!(store.notice(notice).await.expect("the notice").document, None);
    assert_eq!(release(&store, notice, "2026-05-02").await, all_done(&[]));
    let piece = leave_for_notice(&store, notice, "2026-05-02").await;
    let missing = Permitted { id: NoticeId(99), ..piece };
    let missing = store.release_notices(&[missing], &lead("2026-05-02")).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
}

// What is known of an account.

async fn what_was_known_on_an_earlier_day_can_be_rebuilt(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let hold = NewHold {
        kind: HoldKind::Dispute,
        from: day("2026-04-01"),
        through: None,
        items: Vec::new(),
        stops_clock: false,
        reason: "meter misread".to_owned(),
        estate: None,
    };
    let hold = store.place_hold(debtor, &hold, &lead("2026-04-01")).await.expect("a hold");
    decide(&store, debtor, Vec::new(), &[], "2026-04-02").await;
    let then = store.snapshot_as_of(debtor, day("2026-04-02"), end_of("2026-04-02"), &rules()).await.expect("then");
    assert_eq!(then.facts_seq, snapshot(&store, debtor).await.facts_seq);
    assert_eq!(then, snapshot(&store, debtor).await, "the same while nothing more is known");

    let before = store.snapshot_as_of(debtor, day("2026-03-31"), end_of("2026-03-31"), &rules()).await.expect("before");
    assert_eq!((before.items.len(), before.holds.len(), before.case), (1, 0, None), "no hold and no case yet");

    // A payment of April 1 is learned on April 10; the hold ends; the case closes.
    take_entries(&store, vec![payment("1001", "P-1", 18_000, "2026-04-01")], &at("2026-04-10")).await;
    store.end_hold(hold, "the meter was right", &lead("2026-04-10")).await.expect("ended");
    let mut cured = decision(&snapshot(&store, debtor).await, "2026-04-10", Vec::new());
    cured.case = None;
    cured.closed = Some(Cause::Cured);
    commit(&store, &cured, &[], "2026-04-10").await;

    let again = store.snapshot_as_of(debtor, day("2026-04-02"), end_of("2026-04-02"), &rules()).await.expect("then");
    assert_eq!(Snapshot { facts_seq: then.facts_seq, ..again }, then);
    let now = store.snapshot_as_of(debtor, day("2026-04-10"), end_of("2026-04-10"), &rules()).await.expect("now");
    assert_eq!((now.items.len(), now.case, now.cases_so_far), (0, None, 1));
    assert_eq!(now.holds[0].ended_on, Some(day("2026-04-10")));
    let log: Vec<String> = store.log_of(debtor, 10).await.expect("the log").into_iter().map(|line| line.what).collect();
    assert_eq!(log, ["decision", "hold ended", "decision", "hold placed"]);
}

fn disputing(item: EntryId) -> NewDispute {
    let raised_on = day("2026-04-01");
    NewDispute { items: vec![item], reason: "the meter was misread".into(), raised_on, stops_clock: false }
}

fn ruling(side: Side, proposals: Vec<(Proposed, Cents, String)>) -> NewRuling {
    let appeal_by = (side == Side::City).then(|| day("2026-04-20"));
    NewRuling {
        side,
        findings: "tested".into(),
        appeal_by,
        proposals,
        tell: "decided".into(),
        task: Some("tell the customer".into()),
        seen: None,
    }
}

fn credit(item: EntryId, cents: i64) -> (Proposed, Cents, String) {
    let what = Proposed::Adjustment { service: Service::Water, change: Cents::new(-cents), item: Some(item) };
    (what, Cents::new(cents), "dispute".to_owned())
}

async fn a_dispute_holds_its_account_until_it_is_decided_appealed_and_its_credit_approved(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    take_entries(&store, vec![charge("1001", "B-0", 5_000, "2026-02-02", "2026-02-23")], &at("2026-03-02")).await;
    let entries = store.entries(debtor).await.expect("entries");
    let item = entries.iter().find(|entry| entry.reference == "B-1").expect("the bill").id;
    let on_phone = NewHold {
        kind: HoldKind::Dispute,
        from: day("2026-04-01"),
        through: None,
        items: Vec::new(),
        stops_clock: false,
        reason: "says the bill is wrong".into(),
        estate: None,
    };
    let bare = store.place_hold(debtor, &on_phone, &lead("2026-04-01")).await.expect("a hold");
    let opened = store.open_dispute(debtor, &disputing(item), &lead("2026-04-02")).await.expect("a dispute");
    let known = snapshot(&store, debtor).await;
    assert_eq!(known.disputed(day("2026-04-02")), BTreeSet::from([item]));
    assert_eq!(known.holds.iter().find(|hold| hold.id == bare).expect("it").ended_on, Some(day("2026-04-02")));
    let again = store.open_dispute(debtor, &disputing(item), &lead("2026-04-02")).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    let ended = store.end_hold(opened.hold, "no", &lead("2026-04-03")).await;
    assert!(matches!(ended, Err(StoreError::Conflict(_))), "{ended:?}");

    let id = opened.id;
    let for_city =
        store.rule_on_dispute(id, &ruling(Side::City, Vec::new()), &lead("2026-04-10")).await.expect("ruled");
    assert_eq!(for_city.state(), DisputeState::ForCity(Some(day("2026-04-20"))));
    assert!(snapshot(&store, debtor).await.disputed(day("2026-04-10")).is_empty());
    assert_eq!(store.tasks(true).await.expect("tasks").len(), 1, "the customer is to be told");
    let late = store.appeal_dispute(id, "a leak", &lead("2026-04-21")).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let appealed = store.appeal_dispute(id, "a leak", &lead("2026-04-20")).await.expect("appealed");
    assert_eq!(appealed.state(), DisputeState::Appealed);
    assert_eq!(snapshot(&store, debtor).await.disputed(day("2026-04-20")), BTreeSet::from([item]));

    let of_customer = ruling(Side::Customer, vec![credit(item, 6_000)]);
    let ruled = store.rule_on_dispute(id, &of_customer, &lead("2026-04-22")).await.expect("ruled");
    assert_eq!(ruled.state(), DisputeState::Settling);
    assert!(!snapshot(&store, debtor).await.disputed(day("2026-04-22")).is_empty(), "until it is approved");
    let proposal = ruled.standing_ruling().expect("it").proposals[0];
    store.approve_proposal(proposal, &[], &rules(), &lead("2026-04-23")).await.expect("approved");
    let known = snapshot(&store, debtor).await;
    let open: Vec<i64> = known.items.iter().map(|item| item.open.get()).collect();
    assert_eq!(open, [5_000, 12_000], "the credit is for the disputed bill, and not for the older one");
    assert_eq!(known.disputes[0].state(), DisputeState::ForCustomer);
    assert!(known.disputed(day("2026-04-23")).is_empty());
}

async fn a_ruling_whose_credit_is_declined_is_withdrawn(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let item = snapshot(&store, debtor).await.items[0].id;
    let opened = store.open_dispute(debtor, &disputing(item), &lead("2026-04-02")).await.expect("a dispute");
    let of_customer = ruling(Side::Customer, vec![credit(item, 6_000), credit(item, 500)]);
    let ruled = store.rule_on_dispute(opened.id, &of_customer, &lead("2026-04-10")).await.expect("ruled");
    let [first, second] = ruled.standing_ruling().expect("it").proposals[..] else { panic!("two proposals") };
    store.decline_proposal(first, "the meter was tested", &lead("2026-04-11")).await.expect("declined");
    assert_eq!(store.dispute(opened.id).await.expect("it").1.state(), DisputeState::Open);
    assert_eq!(store.proposal(second).await.expect("it").state, ProposalState::Declined);
    assert_eq!(snapshot(&store, debtor).await.disputed(day("2026-04-11")), BTreeSet::from([item]));
}

fn petitioning(on: &str) -> NewPetition {
    NewPetition {
        chapter: Chapter::Thirteen,
        court: "Eastern District of California".into(),
        case_number: "26-20417".into(),
        petition_on: day(on),
        relief_on: day(on),
        learned_on: day("2026-05-04"),
        late: Some("a payment was taken".into()),
        others: Vec::new(),
    }
}

async fn a_petition_takes_older_debt_out_of_what_is_open_until_it_is_dismissed(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    take_entries(&store, vec![payment("1001", "P-1", 5_000, "2026-04-25")], &at("2026-04-25")).await;
    assert_eq!(snapshot(&store, debtor).await.items[0].open, Cents::new(13_000));
    let stamp = lead("2026-05-04");
    let id = store.record_petition(debtor, &petitioning("2026-04-20"), &rules(), &stamp).await.expect("a petition");
    let known = snapshot(&store, debtor).await;
    assert_eq!((known.items.len(), known.unapplied, known.stayed_amount()), (0, Cents::new(5_000), Cents::new(18_000)));
    let exceptions = store.exceptions(true).await.expect("exceptions");
    assert_eq!(exceptions.iter().map(|line| line.kind).collect::<Vec<_>>(), [ExceptionKind::PetitionLate]);
    let twice = store.record_petition(debtor, &petitioning("2026-04-20"), &rules(), &stamp).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    let before = store.snapshot_as_of(debtor, day("2026-05-03"), end_of("2026-05-03"), &rules()).await.expect("before");
    assert_eq!((before.items[0].open, before.stayed.len()), (Cents::new(13_000), 0), "as it was known then");

    let dismissed = PetitionNews::Ended(day("2026-06-01"), day("2026-05-29"), StayEnd::Dismissed);
    store.petition_news(id, &dismissed, &rules(), &lead("2026-06-01")).await.expect("dismissed");
    let known = snapshot(&store, debtor).await;
    assert_eq!((known.items[0].open, known.items[0].due_on), (Cents::new(13_000), day("2026-03-23")));
    assert!(known.stayed.is_empty());
    let then = store.snapshot_as_of(debtor, day("2026-05-31"), end_of("2026-05-31"), &rules()).await.expect("then");
    assert_eq!(then.stayed_amount(), Cents::new(18_000));
}

async fn what_a_petition_stays_is_written_off_after_its_discharge(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let stamp = lead("2026-05-04");
    let id = store.record_petition(debtor, &petitioning("2026-05-04"), &rules(), &stamp).await.expect("a petition");
    assert_eq!(snapshot(&store, debtor).await.stayed_amount(), Cents::new(18_000), "from its own day on");
    let news = PetitionNews::Discharged(day("2026-08-03"));
    let proposed = store.petition_news(id, &news, &rules(), &lead("2026-08-03")).await.expect("discharged");
    let proposed = proposed.expect("a proposal");
    assert_eq!(snapshot(&store, debtor).await.stayed_amount(), Cents::new(18_000), "until another approves");
    store.approve_proposal(proposed, &[], &rules(), &lead("2026-08-04")).await.expect("approved");
    let known = snapshot(&store, debtor).await;
    assert_eq!((known.stayed.len(), known.items.len(), known.unapplied), (0, 0, Cents::ZERO));
}

async fn letters_go_to_an_estate_once_somebody_acts_for_it(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let mut estate = Estate {
        of: "Pat Doe".into(),
        died_on: None,
        told_by: "her son".into(),
        representative: None,
        letters_on: None,
        noticed_on: None,
        claimed_on: None,
    };
    let hold = NewHold {
        kind: HoldKind::Deceased,
        from: day("2026-04-01"),
        through: None,
        items: Vec::new(),
        stops_clock: false,
        reason: "the customer died".into(),
        estate: Some(estate.clone()),
    };
    let id = store.place_hold(debtor, &hold, &lead("2026-04-01")).await.expect("a hold");
    let before = snapshot(&store, debtor).await.profile;
    let address = Address { line1: "9 Elm St".into(), zip: "95601".into(), ..before.mailing_address.clone() };
    estate.representative = Some(arrears::domain::Party { name: "Ana Doe".into(), address });
    store.put_estate(id, &estate, "representative named", &lead("2026-04-02")).await.expect("put");
    let profile = snapshot(&store, debtor).await.profile;
    assert_eq!(profile.customer_name, "Estate of Pat Doe");
    assert_eq!(
        (profile.mailing_address.line1.as_str(), profile.mailing_address.line2.as_str()),
        ("c/o Ana Doe", "9 Elm St")
    );
    store.end_hold(id, "her daughter is the customer now", &lead("2026-05-01")).await.expect("ended");
    assert_eq!(snapshot(&store, debtor).await.profile, before);
}

fn end_of(text: &str) -> DateTime<Utc> {
    day(text).and_hms_opt(23, 59, 59).expect("a time").and_utc()
}

async fn an_arrangement_moves_money_to_current_charges_and_is_held_against_what_was_applied(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let old = snapshot(&store, debtor).await.items[0].id;
    let plan = two_installments(&store, debtor).await;
    let made = store.add_arrangement(debtor, &plan, &rules(), &lead("2026-05-15")).await.expect("an arrangement");
    let again = NewArrangement { seen_seq: snapshot(&store, debtor).await.facts_seq, ..plan };
    let twice = store.add_arrangement(debtor, &again, &rules(), &lead("2026-05-15")).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    take_entries(&store, vec![charge("1001", "B-2", 5_000, "2026-05-20", "2026-06-10")], &at("2026-05-20")).await;
    take_entries(&store, vec![payment("1001", "P-1", 14_000, "2026-06-01")], &at("2026-06-01")).await;
    let known = snapshot(&store, debtor).await;
    let open: Vec<_> = known.items.iter().map(|item| (item.id, item.open.get())).collect();
    assert_eq!(open, [(old, 9_000)], "the current bill first, then the installment");
    let (_, standing) = known.arrangement_on(day("2026-06-02")).expect("it runs");
    assert_eq!((standing.state, standing.paid), (ArrangementState::Performing, Cents::new(9_000)));
    store.cancel_arrangement(made, "the customer moved", &rules(), &lead("2026-06-05")).await.expect("canceled");
    assert!(snapshot(&store, debtor).await.arrangement_on(day("2026-06-05")).is_none());
    assert!(store.arrangements().await.expect("all").is_empty());
}

/// $90.00 on June 1 and on July 1 for the oldest bill, by what is known now.
async fn two_installments(store: &Store, debtor: AccountId) -> NewArrangement {
    let known = snapshot(store, debtor).await;
    NewArrangement {
        seen_seq: known.facts_seq,
        covers: vec![known.items[0].id],
        installments: ["2026-06-01", "2026-07-01"]
            .map(|due| Installment { due_on: day(due), amount: Cents::new(9_000) })
            .to_vec(),
        grace_days: 0,
        note: String::new(),
        taken: None,
        overridden: None,
        letter: Vec::new(),
    }
}

async fn an_approval_of_an_arrangement_and_the_arrangement_are_one(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let plan = two_installments(&store, debtor).await;
    let what = Proposed::Arrangement {
        request: PlanRequest { installments: 2, first_due: day("2026-06-01"), ..PlanRequest::default() },
        covers: plan.covers.iter().copied().collect(),
        installments: plan.installments.clone(),
        limits: vec!["number of installments: 1 is asked for, and there is 2".into()],
    };
    let amount = Cents::new(18_000);
    let id = store
        .propose(debtor, &what, amount, "in hospital", &by(Actor::Person("Omar".to_owned()), "2026-05-15"))
        .await
        .expect("proposed");
    let proposal = store.proposal(id).await.expect("it waits");
    assert_eq!(proposal.what, what, "it is read as it was written");
    assert!(matches!(
        store.approve_proposal(id, &[], &rules(), &lead("2026-05-15")).await,
        Err(StoreError::Conflict(_))
    ));
    // What was looked at is stale: the approval is not recorded either.
    let stale = NewArrangement { seen_seq: plan.seen_seq - 1, ..plan.clone() };
    let refused = store.approve_arrangement(&proposal, &stale, &rules(), &lead("2026-05-15")).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(store.proposal(id).await.expect("it waits").state, ProposalState::Proposed);
    let plan = NewArrangement { seen_seq: snapshot(&store, debtor).await.facts_seq, ..plan };
    store.approve_arrangement(&proposal, &plan, &rules(), &lead("2026-05-16")).await.expect("approved and made");
    let made = store.arrangements_of(debtor).await.expect("one").remove(0);
    assert_eq!((made.made_by.as_str(), made.made_on), ("Omar", day("2026-05-16")));
    let twice = store.approve_arrangement(&proposal, &plan, &rules(), &lead("2026-05-16")).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_) | StoreError::Stale)), "{twice:?}");
    assert_eq!(store.arrangements_of(debtor).await.expect("one").len(), 1);
}

async fn arrange(store: &Store, debtor: AccountId, on: &str) -> ArrangementId {
    let plan = two_installments(store, debtor).await;
    store.add_arrangement(debtor, &plan, &rules(), &lead(on)).await.expect("an arrangement")
}

async fn terms_that_a_payment_has_overtaken_are_not_agreed(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let seen_seq = snapshot(&store, debtor).await.facts_seq;
    let terms = two_installments(&store, debtor).await;
    let promise = NewPromise { seen_seq, amount: Cents::new(9_000), pay_by: day("2026-05-29"), grace_days: 0 };
    // A file that was under way at the counter brings half of what is owed.
    take_entries(&store, vec![payment("1001", "P-1", 9_000, "2026-05-15")], &at("2026-05-15")).await;
    let arranged = store.add_arrangement(debtor, &terms, &rules(), &lead("2026-05-15")).await;
    assert!(matches!(arranged, Err(StoreError::Stale)), "{arranged:?}");
    let promised = store.add_promise(debtor, &promise, &lead("2026-05-15")).await;
    assert!(matches!(promised, Err(StoreError::Stale)), "{promised:?}");
    assert!(snapshot(&store, debtor).await.promises.is_empty());
    arrange(&store, debtor, "2026-05-15").await;
}

#[test]
fn an_arrangement_that_is_canceled_beside_a_file_forgets_none_of_its_post_dated_checks() {
    let contract = async |store: Store, url: String| {
        let debtor = one_debtor(&store).await;
        let plan = arrange(&store, debtor, "2026-05-15").await;
        let mut other = sqlx::PgConnection::connect(&url).await.expect("a second connection");
        let mut held = other.begin().await.expect("a transaction");
        sqlx::query("LOCK TABLE log IN SHARE MODE").execute(&mut *held).await.expect("no line is written");
        let check = entries_file(FileKind::Payments, vec![payment("1001", "P-1", 18_000, "2026-05-29")]);
        let (terms, stamp, by) = (rules(), at("2026-05-20"), lead("2026-05-20"));
        let canceling = async {
            until_blocked(&url, 1).await;
            store.cancel_arrangement(plan, "no longer wanted", &terms, &by).await
        };
        let letting_go = async {
            until_blocked(&url, 2).await;
            held.commit().await.expect("let go");
        };
        let (taken, canceled, ()) = tokio::join!(store.import(&check, &terms, &stamp), canceling, letting_go);
        assert!(matches!(taken, Ok(ImportResult::Done(_))), "{taken:?}");
        canceled.expect("canceled");
        assert!(store.is_ripening(day("2026-05-29")).await.expect("asked"), "the check of May 29 is forgotten");
        store.ripen(&terms, &at("2026-05-29")).await.expect("ripened");
        assert_eq!(open_cents(&store, debtor).await, [0_i64; 0]);
    };
    run(contract, &common::postgres::new_database());
}

async fn a_late_payment_that_sets_known_money_free_for_the_arranged_bill_counts(store: Store, _: String) {
    take(&store, &accounts_file(&[profile("1001")]), &at("2026-02-02")).await;
    let older = charge("1001", "B-0", 9_000, "2026-02-02", "2026-02-23");
    let bill = charge("1001", "B-1", 18_000, "2026-03-02", "2026-03-23");
    take_entries(&store, vec![older, bill], &at("2026-03-02")).await;
    let debtor = account(&store, "1001").await;
    take_entries(&store, vec![payment("1001", "C-1", 9_000, "2026-05-14")], &at("2026-05-14")).await;
    assert_eq!(open_cents(&store, debtor).await, [18_000], "the older bill is paid");
    arrange(&store, debtor, "2026-05-15").await;
    // It was received a day before the other, and so pays the older bill.
    take_entries(&store, vec![payment("1001", "P-1", 9_000, "2026-05-13")], &at("2026-05-18")).await;
    assert_eq!(open_cents(&store, debtor).await, [9_000]);
    assert_eq!(arranged(&store, debtor, "2026-06-03").await, (ArrangementState::Performing, Cents::new(9_000)));
}

async fn a_receipt_that_is_voided_and_posted_anew_is_paid_toward_no_arrangement_and_no_promise(
    store: Store,
    _: String,
) {
    let debtor = one_debtor(&store).await;
    let receipt = async |reference: &str, on: &str| {
        let (amount, reference) = (Cents::new(9_000), reference.to_owned());
        let taken = CounterPayment { amount, received_on: day("2026-05-14"), reference, memo: String::new() };
        store.counter_payment(debtor, &taken, &rules(), &lead(on)).await.expect("posted");
    };
    receipt("R-1", "2026-05-14").await;
    arrange(&store, debtor, "2026-05-15").await;
    let seen_seq = snapshot(&store, debtor).await.facts_seq;
    let promise = NewPromise { seen_seq, amount: Cents::new(9_000), pay_by: day("2026-05-29"), grace_days: 0 };
    store.add_promise(debtor, &promise, &lead("2026-05-15")).await.expect("a promise");
    store.void_counter_payment("R-1", "wrong receipt number", &rules(), &lead("2026-05-16")).await.expect("voided");
    receipt("R-2", "2026-05-16").await;
    assert_eq!(open_cents(&store, debtor).await, [9_000]);
    let missed = ArrangementState::Missed(day("2026-06-01"));
    assert_eq!(arranged(&store, debtor, "2026-06-03").await, (missed, Cents::ZERO));
    let known = snapshot(&store, debtor).await;
    assert_eq!(known.promises[0].state(&known.payments, day("2026-05-29")), PromiseState::Open);
}

async fn an_old_check_that_comes_back_is_no_missed_installment(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    take_entries(&store, vec![payment("1001", "P-1", 6_000, "2026-05-14")], &at("2026-05-14")).await;
    arrange(&store, debtor, "2026-05-15").await;
    take_entries(&store, vec![reversal("1001", "R-1", "P-1", "2026-05-20")], &at("2026-05-20")).await;
    assert_eq!(arranged(&store, debtor, "2026-06-01").await, (ArrangementState::Performing, Cents::ZERO));
    take_entries(&store, vec![payment("1001", "P-2", 9_000, "2026-06-01")], &at("2026-06-01")).await;
    assert_eq!(open_cents(&store, debtor).await, [9_000]);
    assert_eq!(arranged(&store, debtor, "2026-06-03").await, (ArrangementState::Performing, Cents::new(9_000)));
    // The installment itself comes back.
    take_entries(&store, vec![reversal("1001", "R-2", "P-2", "2026-06-05")], &at("2026-06-05")).await;
    let missed = ArrangementState::Missed(day("2026-06-01"));
    assert_eq!(arranged(&store, debtor, "2026-06-05").await, (missed, Cents::ZERO));
}

/// How the arrangement stands on a day, and what was paid toward it.
async fn arranged(store: &Store, debtor: AccountId, on: &str) -> (ArrangementState, Cents) {
    let known = snapshot(store, debtor).await;
    let (_, standing) = known.arrangement_on(day(on)).expect("it runs");
    (standing.state, standing.paid)
}

async fn only_what_is_learned_after_an_arrangement_or_promise_is_paid_toward_it(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let on = "2026-05-15";
    take_entries(&store, vec![charge("1001", "B-2", 5_000, "2026-05-01", "2026-05-29")], &at("2026-05-01")).await;
    let morning = payment("1001", "P-1", 3_000, on);
    take_entries(&store, vec![morning], &at(on)).await;
    arrange(&store, debtor, on).await;
    let promise = NewPromise {
        seen_seq: snapshot(&store, debtor).await.facts_seq,
        amount: Cents::new(3_000),
        pay_by: day("2026-05-29"),
        grace_days: 0,
    };
    store.add_promise(debtor, &promise, &lead(on)).await.expect("a promise");
    assert_eq!(open_cents(&store, debtor).await, [15_000, 5_000], "the morning's money stays on the bill that it paid");
    let stands = async || {
        let known = snapshot(&store, debtor).await;
        let (_, standing) = known.arrangement_on(day(on)).expect("it runs");
        (standing.paid, known.promises[0].state(&known.payments, day(on)))
    };
    assert_eq!(stands().await, (Cents::ZERO, PromiseState::Open));
    let afternoon = payment("1001", "P-2", 7_000, on);
    take_entries(&store, vec![afternoon], &at(on)).await;
    assert_eq!(open_cents(&store, debtor).await, [13_000], "the current bill first, then the arrangement's");
    assert_eq!(stands().await, (Cents::new(2_000), PromiseState::Kept(day(on))));
}

async fn a_payment_received_before_an_arrangement_and_loaded_after_it_undoes_its_default(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    arrange(&store, debtor, "2026-05-15").await;
    let state = async |on: &str| snapshot(&store, debtor).await.arrangement_on(day(on)).expect("it runs").1.state;
    assert_eq!(state("2026-06-02").await, ArrangementState::Missed(day("2026-06-01")));
    take_entries(&store, vec![payment("1001", "P-1", 9_000, "2026-05-13")], &at("2026-06-03")).await;
    assert_eq!(state("2026-06-03").await, ArrangementState::Performing);
}

async fn what_became_of_an_arrangement_and_a_freeze_in_the_afternoon_was_not_known_at_noon(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    arrange(&store, debtor, "2026-05-15").await;
    let on = day("2026-06-10");
    let hour = |hour: i64| Stamp { at: at("2026-06-10").at + TimeDelta::hours(hour), ..lead("2026-06-10") };
    // At one it is taken up again, at two the bill is reversed, at three it is billed anew.
    let (plan, seen) =
        (store.arrangements_of(debtor).await.expect("it")[0].id, snapshot(&store, debtor).await.facts_seq);
    let again = Reinstatement { on, by: "lead".into(), reason: "paid late".into(), pay_by: day("2026-06-20") };
    store.reinstate_arrangement(plan, &again, &[], seen, &hour(1)).await.expect("taken up again");
    take_entries(&store, vec![unbilled("1001", "R-1", "B-1", "2026-06-10")], &hour(2)).await;
    take_entries(&store, vec![charge("1001", "B-1A", 18_000, "2026-06-10", "2026-03-23")], &hour(3)).await;
    let known = async |hours: i64| {
        let known = store.snapshot_as_of(debtor, on, hour(hours).at, &rules()).await.expect("a snapshot");
        let plan = &known.arrangements[0];
        let reversed = (plan.covers.len(), plan.reversed.carried.len(), plan.reversed.unreplaced.len());
        (plan.reinstated.len(), reversed, known.frozen.is_some())
    };
    assert_eq!(known(0).await, (0, (1, 0, 0), false));
    assert_eq!(known(1).await, (1, (1, 0, 0), false));
    assert!(known(2).await.2, "it was frozen until the bill came anew");
    assert_eq!(known(3).await, (1, (2, 1, 0), false));
}

/// The reversal of a bill.
fn unbilled(account: &str, reference: &str, of: &str, on: &str) -> NewEntry {
    NewEntry { reverses: Some(("cis".to_owned(), of.to_owned())), ..reversal(account, reference, of, on) }
}

/// What stands on the exceptions list, by kind.
async fn standing_lines(store: &Store) -> Vec<(i64, ExceptionKind)> {
    let lines = store.exceptions(true).await.expect("the list");
    lines.into_iter().map(|line| (line.id, line.kind)).collect()
}

async fn an_arrangement_is_completed_when_its_bill_turns_out_not_to_be_owed_and_the_lead_has_said_so(
    store: Store,
    _: String,
) {
    let debtor = one_debtor(&store).await;
    arrange(&store, debtor, "2026-05-15").await;
    let outcome = took(&store, vec![unbilled("1001", "R-1", "B-1", "2026-05-20")], "2026-05-20").await;
    assert_eq!((outcome.carried, outcome.awaited), (0, 1));
    // Nobody knows yet whether it is billed anew.
    assert_eq!(arranged(&store, debtor, "2026-05-20").await.0, ArrangementState::Performing);
    let frozen = snapshot(&store, debtor).await.frozen.expect("the account is frozen");
    assert!(frozen.starts_with("B-1 of cis ($180.00, water due 2026-03-23) was reversed"), "{frozen}");
    let lines = standing_lines(&store).await;
    assert_eq!(lines.len(), 1);
    store.clear_exception(lines[0].0, Some("not owed"), &lead("2026-05-21")).await.expect("cleared");
    assert_eq!(snapshot(&store, debtor).await.frozen, None);
    assert_eq!(arranged(&store, debtor, "2026-05-21").await.0, ArrangementState::Completed);
}

async fn a_bill_that_is_billed_anew_before_it_is_reversed_keeps_its_arrangement(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    arrange(&store, debtor, "2026-05-15").await;
    took(&store, vec![payment("1001", "P-1", 9_000, "2026-06-01")], "2026-06-01").await;
    took(&store, vec![charge("1001", "B-2", 9_500, "2026-06-02", "2026-06-22")], "2026-06-02").await;
    // The files of a morning: charges come before reversals. The bill is of $175.00 now.
    took(&store, vec![charge("1001", "B-1A", 17_500, "2026-06-10", "2026-03-23")], "2026-06-10").await;
    let outcome = took(&store, vec![unbilled("1001", "R-1", "B-1", "2026-06-10")], "2026-06-10").await;
    assert_eq!((outcome.carried, outcome.awaited), (1, 0));
    assert_eq!(open_cents(&store, debtor).await, [8_500, 9_500], "what was paid on the first is paid on the second");
    let performing = (ArrangementState::Performing, Cents::new(9_000));
    assert_eq!(arranged(&store, debtor, "2026-06-10").await, performing);
    assert_eq!(snapshot(&store, debtor).await.frozen, None);
    let lines = store.exceptions(true).await.expect("the list");
    assert_eq!(lines.iter().map(|line| line.kind).collect::<Vec<_>>(), [ExceptionKind::RebilledDiffers]);
    assert!(lines[0].text.contains("B-1A of cis ($175.00"), "{}", lines[0].text);
    // The same files again change nothing.
    let again = entries_file(FileKind::Payments, vec![unbilled("1001", "R-1", "B-1", "2026-06-10")]);
    assert!(matches!(take(&store, &again, &at("2026-06-11")).await, ImportResult::AlreadyImported(_)));
    assert_eq!(standing_lines(&store).await.len(), 1);
    assert_eq!(arranged(&store, debtor, "2026-06-11").await, performing);
}

async fn a_bill_that_is_billed_anew_days_after_it_was_reversed_keeps_its_arrangement(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    arrange(&store, debtor, "2026-05-15").await;
    took(&store, vec![unbilled("1001", "R-1", "B-1", "2026-05-20")], "2026-05-20").await;
    // A bill of another service is not it.
    let sewer = NewEntry { service: Service::Sewer, ..charge("1001", "B-1S", 18_000, "2026-05-21", "2026-03-23") };
    took(&store, vec![sewer], "2026-05-21").await;
    assert!(snapshot(&store, debtor).await.frozen.is_some());
    let outcome = took(&store, vec![charge("1001", "B-1A", 18_000, "2026-05-22", "2026-03-23")], "2026-05-22").await;
    assert_eq!((outcome.carried, outcome.awaited), (1, 0));
    assert_eq!(snapshot(&store, debtor).await.frozen, None);
    assert!(standing_lines(&store).await.is_empty(), "the file has cleared it");
    assert_eq!(arranged(&store, debtor, "2026-06-01").await.0, ArrangementState::Performing);
    assert_eq!(arranged(&store, debtor, "2026-06-02").await.0, ArrangementState::Missed(day("2026-06-01")));
    let log = store.log_of(debtor, 20).await.expect("the log");
    let told: Vec<&str> = log.iter().rev().map(|line| line.what.as_str()).collect();
    assert!(told.contains(&"arrangement carried over") && told.contains(&"exception cleared"), "{told:?}");
}

async fn a_bill_that_is_billed_anew_twice_and_paid_in_time_completes_its_arrangement(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    arrange(&store, debtor, "2026-05-15").await;
    took(&store, vec![payment("1001", "P-1", 9_000, "2026-06-01")], "2026-06-01").await;
    for (on, of, to) in [("2026-06-08", "B-1", "B-1A"), ("2026-06-15", "B-1A", "B-1B")] {
        took(&store, vec![charge("1001", to, 18_000, on, "2026-03-23")], on).await;
        took(&store, vec![unbilled("1001", &format!("R-{of}"), of, on)], on).await;
    }
    assert_eq!(arranged(&store, debtor, "2026-06-30").await, (ArrangementState::Performing, Cents::new(9_000)));
    took(&store, vec![payment("1001", "P-2", 9_000, "2026-07-01")], "2026-07-01").await;
    assert_eq!(arranged(&store, debtor, "2026-07-02").await, (ArrangementState::Completed, Cents::new(18_000)));
    assert!(standing_lines(&store).await.is_empty());
}

async fn a_reversed_bill_that_no_running_arrangement_covers_is_told_to_nobody(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    arrange(&store, debtor, "2026-05-15").await;
    took(&store, vec![charge("1001", "B-2", 9_500, "2026-06-02", "2026-06-22")], "2026-06-02").await;
    took(&store, vec![unbilled("1001", "R-2", "B-2", "2026-06-03")], "2026-06-03").await;
    took(&store, vec![payment("1001", "P-1", 18_000, "2026-06-04")], "2026-06-04").await;
    assert_eq!(arranged(&store, debtor, "2026-06-04").await.0, ArrangementState::Completed);
    took(&store, vec![unbilled("1001", "R-1", "B-1", "2026-06-05")], "2026-06-05").await;
    assert!(standing_lines(&store).await.is_empty());
}

// The billing system's books beside ours.

/// A late fee of $10.00 that a decision of April 2 posted.
async fn one_own_fee(store: &Store, debtor: AccountId) -> EntryId {
    decide(store, debtor, vec![fee(debtor, "2026-04-02")], &[], "2026-04-02").await;
    let entries = store.entries(debtor).await.expect("entries");
    entries.iter().find(|entry| entry.kind == EntryKind::Fee).expect("the fee").id
}

async fn export_fees(store: &Store, on: &str) -> Vec<EntryId> {
    let lines = store.fees_to_export().await.expect("the fees");
    let document = Document::new(MediaType::Csv, format!("{lines:?}").into_bytes());
    let export = NewFeeExport { lines, document };
    store.make_fee_export(&export, &lead(on)).await.expect("the list").entries
}

/// A fee as the billing system sends it back.
fn comes_back(reference: &str, own: EntryId, cents: i64) -> NewEntry {
    NewEntry {
        arrears_reference: Some(format!("ARR-{own}")),
        ..entry("1001", reference, EntryKind::Fee, cents, "2026-04-05")
    }
}

async fn balance_of(store: &Store, debtor: AccountId) -> Cents {
    snapshot(store, debtor).await.balance()
}

async fn a_fee_of_our_own_goes_out_once_and_is_counted_once_when_it_comes_back(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let fee = one_own_fee(&store, debtor).await;
    assert_eq!(export_fees(&store, "2026-04-03").await, [fee]);
    assert!(store.fees_to_export().await.expect("the fees").is_empty());
    let list = store.fee_exports(true).await.expect("the lists").remove(0);
    assert_eq!((list.name.as_str(), list.total), ("fees-2026-04-03-1", Cents::new(1_000)));
    store.fee_export_written(&list.name, &lead("2026-04-03")).await.expect("written");
    assert!(store.fee_exports(true).await.expect("the lists").is_empty());

    let outcome = took(&store, vec![comes_back("L-99", fee, 1_000)], "2026-04-05").await;
    assert_eq!((outcome.taken_over, outcome.added), (1, 0));
    assert_eq!(balance_of(&store, debtor).await, Cents::new(19_000));
    // It is known by either reference from now on, also to who pays it; under a second of theirs it is refused.
    let plain = NewEntry { arrears_reference: None, memo: "again".to_owned(), ..comes_back("L-99", fee, 1_000) };
    let paid =
        NewEntry { designated_reference: Some("L-99".to_owned()), ..payment("1001", "P-1", 1_000, "2026-04-06") };
    let outcome = took(&store, vec![plain, paid], "2026-04-06").await;
    assert_eq!((outcome.unchanged, outcome.added), (1, 1));
    assert_eq!(open_cents(&store, debtor).await, [18_000], "the fee is paid, not the older bill");
    let refusals = refused(&store, vec![comes_back("L-100", fee, 1_000)], "2026-04-07").await;
    assert!(matches!(refusals[..], [RowRefusal::OwnTwice { .. }]), "{refusals:?}");
    let refusals = refused(&store, vec![comes_back("L-99", fee, 1_100)], "2026-04-07").await;
    assert!(matches!(refusals[..], [RowRefusal::OwnDiffers { .. }]), "{refusals:?}");
    let refusals = refused(&store, vec![comes_back("L-101", EntryId(4_711), 1_000)], "2026-04-07").await;
    assert!(matches!(refusals[..], [RowRefusal::UnknownOwn { .. }]), "{refusals:?}");

    // What takes it back goes out and comes back in the same way.
    let undone = waive(&store, debtor, fee, "2026-04-08").await.expect("waived");
    assert_eq!(export_fees(&store, "2026-04-08").await, [undone]);
    let credit = NewEntry { kind: EntryKind::Adjustment, ..comes_back("A-7", undone, -1_000) };
    assert_eq!(took(&store, vec![credit], "2026-04-09").await.taken_over, 1);
    assert_eq!(balance_of(&store, debtor).await, Cents::new(17_000));
}

/// A file of balances as of a day.
async fn balances(store: &Store, cents: i64, as_of: &str, on: &str) -> BalanceCounts {
    let rows = vec![NewBalance {
        line: 2,
        account: "1001".into(),
        service: None,
        amount: Cents::new(cents),
        as_of: day(as_of),
    }];
    let hash = sha256(format!("{rows:?}").as_bytes());
    let rows = ImportRows::Balances(rows);
    let name = "balances.csv".to_owned();
    let file = ImportFile {
        name,
        content: hash.clone(),
        hash,
        kind: FileKind::Balances,
        columns: BTreeSet::new(),
        rows,
        loaded_through: Vec::new(),
    };
    match take(store, &file, &at(on)).await {
        ImportResult::Done(outcome) => outcome.balances.expect("counts"),
        result => panic!("{result:?}"),
    }
}

async fn balances_are_held_against_the_ledger_of_their_day(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    one_own_fee(&store, debtor).await;
    let one = |change: fn(&mut BalanceCounts)| {
        let mut counts = BalanceCounts::default();
        change(&mut counts);
        counts
    };
    took(&store, vec![payment("1001", "P-1", 5_000, "2026-04-03")], "2026-04-03").await;
    // The fee of April 2 is on its way; the payment of April 3 is no part of April 2.
    assert_eq!(balances(&store, 18_000, "2026-04-02", "2026-04-04").await, one(|counts| counts.agree = 1));
    assert_eq!(balances(&store, 13_000, "2026-04-03", "2026-04-04").await, one(|counts| counts.agree = 1));
    assert_eq!(balances(&store, 18_000, "2026-04-04", "2026-04-05").await, one(|counts| counts.differ = 1));
    let frozen = snapshot(&store, debtor).await.frozen.expect("it differs");
    assert!(frozen.contains("says $180.00, and our ledger $130.00 ($140.00 with $10.00 of fees"), "{frozen}");
    assert!(frozen.contains("$50.00 more there. Likely it lacks P-1 of lockbox"), "{frozen}");
    assert_eq!(balances(&store, 13_000, "2026-04-03", "2026-04-06").await, one(|counts| counts.stale = 1));
    let agrees = one(|counts| (counts.agree, counts.cleared) = (1, 1));
    assert_eq!(balances(&store, 13_000, "2026-04-06", "2026-04-07").await, agrees);
    assert_eq!(snapshot(&store, debtor).await.frozen, None);
    // A person has looked into a difference: it is told again when it is another.
    assert_eq!(balances(&store, 13_001, "2026-04-07", "2026-04-08").await, one(|counts| counts.differ = 1));
    let (line, kind) = standing_lines(&store).await[0];
    assert_eq!(kind, ExceptionKind::BalanceDiffers);
    store.clear_exception(line, Some("rounding"), &lead("2026-04-08")).await.expect("cleared");
    assert_eq!(balances(&store, 13_001, "2026-04-08", "2026-04-09").await, one(|counts| counts.accepted = 1));
    assert_eq!(balances(&store, 13_002, "2026-04-09", "2026-04-10").await, one(|counts| counts.differ = 1));
}

async fn a_promise_is_kept_by_the_ledger(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let seen_seq = snapshot(&store, debtor).await.facts_seq;
    let promise = NewPromise { seen_seq, amount: Cents::new(5_000), pay_by: day("2026-05-15"), grace_days: 1 };
    store.add_promise(debtor, &promise, &lead("2026-05-11")).await.expect("a promise");
    let known = snapshot(&store, debtor).await;
    assert_eq!(known.promises[0].state(&known.payments, day("2026-05-16")), PromiseState::Open);
    take_entries(&store, vec![payment("1001", "P-1", 5_000, "2026-05-16")], &at("2026-05-18")).await;
    let known = snapshot(&store, debtor).await;
    assert_eq!(known.promises[0].state(&known.payments, day("2026-05-20")), PromiseState::Kept(day("2026-05-16")));
    assert_eq!(store.promises_due(day("2026-05-15"), day("2026-05-15")).await.expect("due").len(), 1);
}

// Calls.

fn listed(store_call: &arrears::domain::call::Call, rank: u32) -> ListedCall {
    ListedCall {
        call: store_call.id,
        rank,
        score_milli: 1_000,
        score: Vec::new(),
        assigned_to: Some("Ana".to_owned()),
        amount: Cents::new(18_000),
        days_past_due: 39,
    }
}

async fn the_lead_orders_the_call_list_and_releases_it(store: Store, _: String) {
    let numbers = ["1001", "1002", "1003"];
    take(&store, &accounts_file(&numbers.map(profile)), &at("2026-03-02")).await;
    for number in numbers {
        let id = account(&store, number).await;
        decide(&store, id, vec![act(id, "contact", call_action(), "2026-05-01")], &[], "2026-05-01").await;
    }
    assert!(store.calls_waiting(day("2026-04-30")).await.expect("none yet").is_empty());
    let waiting = store.calls_waiting(day("2026-05-01")).await.expect("three");
    let lines: Vec<ListedCall> = (1..).zip(&waiting).map(|(rank, call)| listed(call, rank)).collect();
    store.set_call_list(day("2026-05-01"), &lines, &at("2026-05-01")).await.expect("the list");
    store.move_call(waiting[2].id, 1, &lead("2026-05-01")).await.expect("moved");
    store.assign_call(waiting[0].id, None, &lead("2026-05-01")).await.expect("assigned");
    store.drop_call(waiting[1].id, "paid at the counter", &lead("2026-05-01")).await.expect("dropped");
    let ranked = store.call_list(day("2026-05-01")).await.expect("the list");
    let order: Vec<_> = ranked.iter().map(|call| call.id).collect();
    assert_eq!(order, [waiting[2].id, waiting[0].id, waiting[1].id]);
    // A fact since the look keeps one back; it stays on the list, and the next look withholds it.
    let mut pieces = Vec::new();
    for call in [&waiting[0], &waiting[2]] {
        let of = call.of.clone().expect("a stage");
        pieces.push(leave(&store, call.id, call.account, Ordered::Call, of, "2026-05-01").await);
    }
    take_entries(&store, vec![payment("1001", "P-1", 500, "2026-05-01")], &at("2026-05-01")).await;
    let release = async |pieces: &[Permitted<CallId>], withheld: &[(CallId, String)]| {
        store.release_call_list(day("2026-05-01"), pieces, withheld, &lead("2026-05-01")).await.expect("released")
    };
    let (kept_back, released) = (waiting[0].id, waiting[2].id);
    let outcome = release(&pieces, &[]).await;
    assert_eq!(outcome, Carried { done: vec![released], overtaken: vec![kept_back] });
    assert_eq!(store.call(kept_back).await.expect("the call").state, CallState::Listed);
    assert_eq!(release(&[], &[(kept_back, "paid".to_owned())]).await, all_done(&[]));
    let call = store.call(kept_back).await.expect("the call");
    assert_eq!((call.state, call.cause.as_deref()), (CallState::Waiting, Some("paid")));
    // What was not called waits for the next list.
    assert_eq!(store.calls_waiting(day("2026-05-04")).await.expect("left over").len(), 2);
    store.set_call_list(day("2026-05-04"), &[listed(&waiting[0], 1)], &at("2026-05-04")).await.expect("the next list");
    assert_eq!(store.call(waiting[2].id).await.expect("the call").state, CallState::Waiting);
    assert_eq!(store.call(waiting[0].id).await.expect("the call").listed_on, Some(day("2026-05-04")));
}

async fn try_call(store: &Store, debtor: AccountId, outcome: CallOutcome, next: CallNext, on: &str) {
    let call = store.calls_of(debtor).await.expect("the calls")[0].clone();
    let attempt = CallAttempt {
        call: call.id,
        account: debtor,
        made_on: day(on),
        at: "10:15".to_owned(),
        by: "Ana".to_owned(),
        outcome,
        phone: "5305550100".to_owned(),
        note: String::new(),
    };
    let follow = FollowUp { next, promise: None, hold: None };
    store.record_attempt(&attempt, &follow, &lead(on)).await.expect("recorded");
}

async fn attempts_without_a_conversation_end_in_contact_failed(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    decide(&store, debtor, vec![act(debtor, "contact", call_action(), "2026-05-01")], &[], "2026-05-01").await;
    try_call(&store, debtor, CallOutcome::NoAnswer, CallNext::Again(day("2026-05-04")), "2026-05-01").await;
    assert!(store.calls_waiting(day("2026-05-03")).await.expect("not yet").is_empty());
    try_call(&store, debtor, CallOutcome::LeftMessage, CallNext::Done, "2026-05-04").await;
    let known = snapshot(&store, debtor).await;
    let expected = [
        (EventKind::CallAttempted, day("2026-05-01")),
        (EventKind::CallAttempted, day("2026-05-04")),
        (EventKind::ContactFailed, day("2026-05-04")),
    ];
    assert_eq!(kinds(&known), expected);
    assert_eq!(known.events[2].of, Some(stage("contact")));
    assert_eq!(store.attempts_between(day("2026-05-01"), day("2026-05-03")).await.expect("one").len(), 1);
    assert_eq!(store.attempts_of(debtor).await.expect("two").len(), 2);
}

async fn an_opt_out_on_the_telephone_outlives_the_next_master_record(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    decide(&store, debtor, vec![act(debtor, "contact", call_action(), "2026-05-01")], &[], "2026-05-01").await;
    try_call(&store, debtor, CallOutcome::OptOut, CallNext::Done, "2026-05-01").await;
    let mut renamed = profile("1001");
    renamed.customer_name = "Someone Else".to_owned();
    take(&store, &accounts_file(&[renamed]), &at("2026-05-02")).await;
    let known = snapshot(&store, debtor).await;
    assert!(known.profile.refuses_calls());
    let over = [(EventKind::CallAttempted, day("2026-05-01")), (EventKind::ContactFailed, day("2026-05-01"))];
    assert_eq!(kinds(&known), over, "nothing of the debt was spoken of");
}

fn required_call(or_visit: bool) -> CallAction {
    CallAction { script: "shut_off_contact".to_owned(), attempts: 2, required: true, or_visit }
}

async fn a_required_call_is_not_dropped_and_an_opt_out_leaves_its_contact_to_be_made(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let call = Action::Call(required_call(true));
    decide(&store, debtor, vec![act(debtor, "contact", call, "2026-05-08")], &[], "2026-05-08").await;
    let id = store.calls_of(debtor).await.expect("the calls")[0].id;
    let dropped = store.drop_call(id, "no time", &lead("2026-05-08")).await;
    assert!(matches!(&dropped, Err(StoreError::Conflict(why)) if why.contains("skip its stage")), "{dropped:?}");
    try_call(&store, debtor, CallOutcome::OptOut, CallNext::Again(day("2026-05-11")), "2026-05-08").await;
    assert_eq!(store.call(id).await.expect("the call").state, CallState::Done, "nobody calls again");
    assert_eq!(kinds(&snapshot(&store, debtor).await), [(EventKind::CallAttempted, day("2026-05-08"))]);
}

async fn a_visit_is_for_the_crew_and_one_that_met_nobody_is_contact_failed(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    for (stage, on, at, came_of_it) in [
        ("contact", "2026-05-08", None, vec![EventKind::OrderCanceled]),
        ("contact_again", "2026-05-11", Some("10:40"), vec![EventKind::CallAttempted, EventKind::ContactFailed]),
    ] {
        let visit = Action::Visit(required_call(true));
        decide(&store, debtor, vec![act(debtor, stage, visit, on)], &[], on).await;
        let order = store.orders_of(debtor).await.expect("the orders").pop().expect("one");
        assert_eq!((order.kind, order.state), (OrderKind::Visit, OrderState::Approved));
        assert_eq!(dispatch(&store, order.id, on).await, all_done(&[order.id]));
        let result = CrewResult { done: false, at: at.map(str::to_owned), ..done(on) };
        store.record_order_result(order.id, &result, &rules(), &lead(on)).await.expect("recorded");
        let known = snapshot(&store, debtor).await;
        let mut expected = vec![EventKind::CallImpossible];
        expected.extend(came_of_it);
        let of_stage =
            known.events.iter().filter(|event| event.of.as_ref().is_some_and(|of| of.stage.as_str() == stage));
        assert_eq!(of_stage.map(|event| event.kind).collect::<Vec<_>>(), expected, "{stage}");
    }
}

async fn a_visit_is_a_conversation_only_when_it_says_with_whom(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let visit = Action::Visit(required_call(true));
    decide(&store, debtor, vec![act(debtor, "contact", visit, "2026-05-08")], &[], "2026-05-08").await;
    let order = store.orders_of(debtor).await.expect("the orders").pop().expect("one").id;
    assert_eq!(dispatch(&store, order, "2026-05-08").await, all_done(&[order]));
    let bare = CrewResult { note: String::new(), ..done("2026-05-08") };
    let refused = store.record_order_result(order, &bare, &rules(), &lead("2026-05-08")).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let spoken = CrewResult { note: "spoke with Rosa Muñoz".to_owned(), ..bare };
    store.record_order_result(order, &spoken, &rules(), &lead("2026-05-08")).await.expect("recorded");
    assert_eq!(kinds(&snapshot(&store, debtor).await).pop().map(|event| event.0), Some(EventKind::ContactMade));
}

async fn a_required_call_without_a_visit_in_its_place_is_a_task_for_the_lead(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let visit = Action::Visit(required_call(false));
    decide(&store, debtor, vec![act(debtor, "contact", visit, "2026-05-08")], &[], "2026-05-08").await;
    assert!(store.orders_of(debtor).await.expect("the orders").is_empty());
    let tasks = store.tasks(true).await.expect("the tasks");
    assert_eq!((tasks.len(), tasks[0].role, tasks[0].account), (1, Role::Lead, debtor));
    assert!(tasks[0].text.contains("cannot be telephoned"), "{}", tasks[0].text);
}

async fn a_hold_ends_by_a_person_and_is_not_ended_twice(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let hold = NewHold {
        kind: HoldKind::Medical,
        from: day("2026-05-01"),
        through: Some(day("2026-05-30")),
        items: Vec::new(),
        stops_clock: false,
        reason: "certificate of Dr. Lee".to_owned(),
        estate: None,
    };
    let before = snapshot(&store, debtor).await.facts_seq;
    let id = store.place_hold(debtor, &hold, &lead("2026-05-01")).await.expect("placed");
    assert_eq!(snapshot(&store, debtor).await.facts_seq, before + 1);
    assert_eq!(store.holds_on(day("2026-06-15")).await.expect("in force").len(), 1, "it ends by decision alone");
    store.end_hold(id, "recovered", &lead("2026-06-16")).await.expect("ended");
    assert!(store.holds_on(day("2026-06-16")).await.expect("none").is_empty());
    let twice = store.end_hold(id, "again", &lead("2026-06-17")).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    let backwards = NewHold { through: Some(day("2026-04-01")), ..hold };
    assert!(store.place_hold(debtor, &backwards, &lead("2026-05-01")).await.is_err());
}

async fn what_a_household_shows_is_known_from_its_recording_until_its_end(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let proof = NewProof {
        kind: ProofKind::MedicalCertificate,
        evidence: "Dr. A. Osei: home dialysis".to_owned(),
        from: day("2026-05-01"),
        through: Some(day("2026-10-31")),
    };
    let before = snapshot(&store, debtor).await;
    let id = store.add_proof(debtor, &proof, &lead("2026-05-04")).await.expect("recorded");
    let shown = snapshot(&store, debtor).await;
    assert_eq!(shown.facts_seq, before.facts_seq + 1, "a fact of the account: it is decided anew");
    let [kept] = &shown.proofs[..] else { panic!("one proof") };
    assert_eq!((kept.id, kept.kind, kept.recorded_on), (id, ProofKind::MedicalCertificate, day("2026-05-04")));
    assert!(kept.counts_on(day("2026-10-31")) && !kept.counts_on(day("2026-11-01")));
    assert_eq!(store.end_proof(id, "the patient has moved away", &lead("2026-06-08")).await.expect("ended"), debtor);
    assert!(!snapshot(&store, debtor).await.proofs[0].counts_on(day("2026-06-08")));
    let twice = store.end_proof(id, "again", &lead("2026-06-09")).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    let backwards = NewProof { through: Some(day("2026-04-01")), ..proof };
    assert!(store.add_proof(debtor, &backwards, &lead("2026-05-04")).await.is_err());
    let said: Vec<String> = store.log_of(debtor, 10).await.expect("log").into_iter().map(|line| line.what).collect();
    for what in ["protection shown", "protection no longer shown"] {
        assert!(said.iter().any(|line| line == what), "{said:?}");
    }
}

// Field orders.

async fn one_order(store: &Store) -> (AccountId, OrderId) {
    let debtor = one_debtor(store).await;
    decide(store, debtor, vec![act(debtor, "shut_off", disconnect(), "2026-05-22")], &[], "2026-05-21").await;
    let order = store.field_orders(Some(OrderState::Prepared), Some(day("2026-05-22"))).await.expect("orders")[0].id;
    (debtor, order)
}

fn done(on: &str) -> CrewResult {
    CrewResult {
        done: true,
        on: day(on),
        at: Some("09:40".to_owned()),
        crew: "Truck 4".to_owned(),
        note: String::new(),
    }
}

/// Looks again on the order's day and finalizes.
async fn finalize(store: &Store, order: OrderId) -> Carried<OrderId> {
    let piece = leave_for_order(store, order, "2026-05-22").await;
    store.finalize_orders(&[piece], &[], UnmatchedId(0), &lead("2026-05-22")).await.expect("the finalization")
}

async fn dispatched(store: &Store, order: OrderId) {
    assert_eq!(approve(store, order, "2026-05-21").await, all_done(&[order]));
    assert_eq!(dispatch(store, order, "2026-05-22").await, all_done(&[]), "not yet");
    assert_eq!(finalize(store, order).await, all_done(&[order]));
    assert_eq!(dispatch(store, order, "2026-05-22").await, all_done(&[order]));
}

async fn a_shut_off_is_approved_finalized_dispatched_and_done(store: Store, _: String) {
    let (debtor, order) = one_order(&store).await;
    let early = store.record_order_result(order, &done("2026-05-22"), &rules(), &lead("2026-05-22")).await;
    assert!(matches!(early, Err(StoreError::Conflict(_))), "{early:?}");
    dispatched(&store, order).await;
    store.record_order_result(order, &done("2026-05-22"), &rules(), &lead("2026-05-22")).await.expect("done");
    let known = snapshot(&store, debtor).await;
    assert_eq!(known.shut_off, [Service::Water]);
    assert_eq!(kinds(&known), [(EventKind::ShutOff, day("2026-05-22"))]);

    let restore = Action::Restore { services: vec![Service::Water], without_fee: false };
    decide(&store, debtor, vec![act(debtor, "restore", restore, "2026-05-26")], &[], "2026-05-26").await;
    let order = store.orders_of(debtor).await.expect("the orders")[1].id;
    assert_eq!(dispatch(&store, order, "2026-05-26").await, all_done(&[order]));
    store.record_order_result(order, &done("2026-05-26"), &rules(), &lead("2026-05-26")).await.expect("done");
    assert!(snapshot(&store, debtor).await.shut_off.is_empty());
    assert!(store.shut_offs().await.expect("none").is_empty());
    let then = store.snapshot_as_of(debtor, day("2026-05-23"), end_of("2026-05-23"), &rules()).await.expect("then");
    assert_eq!(then.shut_off, [Service::Water]);
}

async fn what_money_has_paid_is_kept_from_the_shut_off_on_now_and_as_of_a_day_past(store: Store, _: String) {
    let (debtor, order) = one_order(&store).await;
    take_entries(&store, vec![payment("1001", "P-1", 3_000, "2026-05-01")], &at("2026-05-01")).await;
    assert_eq!(snapshot(&store, debtor).await.applications, []);
    dispatched(&store, order).await;
    store.record_order_result(order, &done("2026-05-22"), &rules(), &lead("2026-05-22")).await.expect("done");
    let paid = |snapshot: &Snapshot| snapshot.applications.iter().map(|part| part.amount.get()).collect::<Vec<_>>();
    assert_eq!(paid(&snapshot(&store, debtor).await), [3_000], "also what was paid before");
    take_entries(&store, vec![payment("1001", "P-2", 7_500, "2026-05-23")], &at("2026-05-23")).await;
    let now = snapshot(&store, debtor).await;
    assert_eq!(paid(&now), [3_000, 7_500]);
    let then = store.snapshot_as_of(debtor, day("2026-05-23"), end_of("2026-05-23"), &rules()).await.expect("then");
    assert_eq!((then.applications, then.payments), (now.applications, now.payments));
}

async fn a_restoration_ends_the_letter_that_says_service_is_off(store: Store, _: String) {
    let (debtor, order) = one_order(&store).await;
    dispatched(&store, order).await;
    store.record_order_result(order, &done("2026-05-22"), &rules(), &lead("2026-05-22")).await.expect("done");
    let mut letter = piece(debtor, "how_to_restore", Channel::Mail, Recipient::Customer, "2026-05-22");
    let restores = Restores { fee: Cents::ZERO, listed: Cents::ZERO, past_due: Cents::new(18_000) };
    letter.facts.restores = Some(restores);
    let other = piece(debtor, "demand", Channel::Mail, Recipient::Customer, "2026-05-22");
    let restore = Action::Restore { services: vec![Service::Water], without_fee: false };
    decide(&store, debtor, vec![act(debtor, "restore", restore, "2026-05-22")], &[letter, other], "2026-05-22").await;
    let order = store.orders_of(debtor).await.expect("the orders")[1].id;
    assert_eq!(dispatch(&store, order, "2026-05-22").await, all_done(&[order]));
    store.record_order_result(order, &done("2026-05-22"), &rules(), &lead("2026-05-22")).await.expect("done");
    let states: Vec<NoticeState> =
        store.notices_of(debtor).await.expect("the notices").into_iter().map(|notice| notice.state).collect();
    assert_eq!(states, [NoticeState::Voided, NoticeState::Planned]);
}

async fn a_shut_off_refused_at_finalization_is_canceled_with_its_reason(store: Store, _: String) {
    let (debtor, order) = one_order(&store).await;
    approve(&store, order, "2026-05-21").await;
    let refusal = FinalizeRefusal::Protected("medical hold".to_owned());
    store.finalize_orders(&[], &[(order, refusal)], UnmatchedId(0), &lead("2026-05-22")).await.expect("refused");
    let order = store.order(order).await.expect("the order");
    assert_eq!(order.state, OrderState::Canceled);
    assert!(order.cause.is_some_and(|cause| cause.contains("medical hold")));
    assert_eq!(kinds(&snapshot(&store, debtor).await), [(EventKind::OrderCanceled, day("2026-05-22"))]);
}

async fn a_payment_after_dispatch_calls_the_crew_back_and_a_late_cut_is_an_incident(store: Store, _: String) {
    let (debtor, order) = one_order(&store).await;
    dispatched(&store, order).await;
    let mut cured = decision(&snapshot(&store, debtor).await, "2026-05-22", Vec::new());
    cured.case = None;
    cured.closed = Some(Cause::Cured);
    commit(&store, &cured, &[], "2026-05-22").await;
    let standing = async || {
        let list = store.exceptions(true).await.expect("the list");
        list.into_iter().map(|exception| exception.kind).collect::<Vec<_>>()
    };
    assert_eq!(standing().await, [ExceptionKind::RecallCrew]);
    store.record_order_result(order, &done("2026-05-22"), &rules(), &lead("2026-05-22")).await.expect("recorded");
    assert_eq!(standing().await, [ExceptionKind::Incident], "nobody is to be called back any more");
    let known = snapshot(&store, debtor).await;
    assert_eq!((known.shut_off, known.without_leave), (vec![Service::Water], vec![Service::Water]));
    let told: Vec<EventKind> = known.events.iter().map(|event| event.kind).collect();
    assert_eq!(told, [EventKind::OrderCanceled, EventKind::ShutOffWithoutLeave]);

    let restore = Action::Restore { services: vec![Service::Water], without_fee: true };
    decide(&store, debtor, vec![act(debtor, "restore", restore, "2026-05-22")], &[], "2026-05-22").await;
    let order = store.orders_of(debtor).await.expect("the orders")[1].id;
    assert_eq!(dispatch(&store, order, "2026-05-22").await, all_done(&[order]));
    store.record_order_result(order, &done("2026-05-22"), &rules(), &lead("2026-05-22")).await.expect("done");
    let known = snapshot(&store, debtor).await;
    assert_eq!((known.shut_off, known.without_leave), (vec![], vec![]));
}

async fn a_shut_off_canceled_while_it_is_dispatched_is_recalled_or_never_leaves(store: Store, _: String) {
    for n in 0..12 {
        let (number, bill) = (format!("10{n:02}"), format!("B-{n}"));
        take(&store, &accounts_file(&[profile(&number)]), &at("2026-03-02")).await;
        take_entries(&store, vec![charge(&number, &bill, 18_000, "2026-03-02", "2026-03-23")], &at("2026-03-02")).await;
        let debtor = account(&store, &number).await;
        decide(&store, debtor, vec![act(debtor, "shut_off", disconnect(), "2026-05-22")], &[], "2026-05-21").await;
        let order = store.orders_of(debtor).await.expect("the orders")[0].id;
        approve(&store, order, "2026-05-21").await;
        finalize(&store, order).await;
        let piece = leave_for_order(&store, order, "2026-05-22").await;
        let pieces = [piece];
        let stamp = lead("2026-05-22");
        let (dispatched, canceled) = tokio::join!(
            store.dispatch_orders(&pieces, UnmatchedId(0), "Truck 2", &stamp),
            store.cancel_order(order, "spoke with the family", &stamp),
        );
        let left = !dispatched.expect("an outcome").done.is_empty();
        canceled.expect("pending in either case");
        let standing = store.exceptions(true).await.expect("the list");
        let recalled =
            standing.iter().any(|line| line.account == Some(debtor) && line.kind == ExceptionKind::RecallCrew);
        assert_eq!(recalled, left, "attempt {n}");
        let order = store.order(order).await.expect("the order");
        assert_eq!((order.state, order.crew.is_some()), (OrderState::Canceled, left), "attempt {n}");
    }
}

async fn an_order_without_a_result_is_told_once_and_settled_by_the_result(store: Store, _: String) {
    let (debtor, order) = one_order(&store).await;
    dispatched(&store, order).await;
    let told = async |on: &str| store.report_missing_results(day(on), &at(on)).await.expect("told");
    let standing = async || store.exceptions(true).await.expect("the list");
    assert_eq!((told("2026-05-22").await, standing().await), (0, vec![]), "its day is not over");
    assert_eq!((told("2026-05-23").await, told("2026-05-24").await), (1, 1));
    let lines = standing().await;
    assert_eq!((lines.len(), lines[0].kind, lines[0].account), (1, ExceptionKind::NoResult, Some(debtor)));
    store.record_order_result(order, &done("2026-05-22"), &rules(), &lead("2026-05-24")).await.expect("recorded");
    assert_eq!(standing().await, []);
    assert_eq!(told("2026-05-25").await, 0);
}

async fn an_unmatched_payment_that_came_in_after_the_checks_leaves_the_whole_list_unfinalized(store: Store, _: String) {
    let (_, order) = one_order(&store).await;
    approve(&store, order, "2026-05-21").await;
    let piece = leave_for_order(&store, order, "2026-05-22").await;
    take_entries(&store, vec![payment("7743", "P-9", 18_000, "2026-05-22")], &at("2026-05-22")).await;
    let (pieces, stamp) = ([piece], lead("2026-05-22"));
    let outcome = store.finalize_orders(&pieces, &[], UnmatchedId(0), &stamp).await.expect("an outcome");
    assert_eq!(outcome, overtaken(&[order]));
    assert_eq!(store.order(order).await.expect("the order").state, OrderState::Approved);
    let open = store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list");
    let outcome = store.finalize_orders(&pieces, &[], open[0].id, &stamp).await.expect("an outcome");
    assert_eq!(outcome, all_done(&[order]), "the checks knew of it");
    assert_eq!(dispatch(&store, order, "2026-05-22").await, overtaken(&[order]), "nor does the crew go without a look");
    store.reject_payment(open[0].id, &stamp).await.expect("rejected");
    assert_eq!(store.unmatched_payments(Some(UnmatchedState::Open)).await.expect("the list"), []);
    assert_eq!(store.unmatched_payments(None).await.expect("the list").len(), 1);
}

async fn a_payment_between_the_second_look_and_the_approval_leaves_a_referral_a_candidate(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let refer = Action::Refer { to: Destination::Attorney };
    decide(&store, debtor, vec![act(debtor, "refer", refer, "2026-08-01")], &[], "2026-08-01").await;
    let id = store.referrals(None).await.expect("candidates")[0].id;
    let piece = leave_for_referral(&store, id, "2026-08-02").await;
    pays(&store, "2026-08-02").await;
    let outcome = store.approve_referral(&piece, None, &lead("2026-08-02")).await.expect("an outcome");
    assert_eq!(outcome, overtaken(&[id]));
    assert_eq!(store.referral(id).await.expect("the referral").state, ReferralState::Candidate);
}

async fn a_referral_is_approved_before_it_is_placed(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let refer = Action::Refer { to: Destination::Attorney };
    decide(&store, debtor, vec![act(debtor, "refer", refer, "2026-08-01")], &[], "2026-08-01").await;
    let id = store.referrals(Some(ReferralState::Candidate)).await.expect("candidates")[0].id;
    assert!(matches!(exported(&store, &[id], "2026-08-02").await, Err(StoreError::Conflict(_))));
    assert_eq!(store.exports(9).await.expect("the lists"), []);
    approve_referral(&store, id, "2026-08-02").await;
    exported(&store, &[id], "2026-08-03").await.expect("placed");
    store.recall_referral(id, "paid in full", &lead("2026-08-20")).await.expect("recalled");
    let referral = store.referral(id).await.expect("the referral");
    assert_eq!((referral.state, referral.placed_on), (ReferralState::Recalled, Some(day("2026-08-03"))));
    let expected = [(EventKind::Placed, day("2026-08-03")), (EventKind::Recalled, day("2026-08-20"))];
    assert_eq!(kinds(&snapshot(&store, debtor).await), expected);
}

/// A list for the attorney that says which referrals it has.
fn list_of(referrals: &[ReferralId]) -> NewExport {
    let bytes = format!("{referrals:?}").into_bytes();
    let files = vec![(ExportPart::List, Document::new(MediaType::Csv, bytes))];
    NewExport { to: Destination::Attorney, total: Cents::new(22_420), placements: Vec::new(), files }
}

async fn leave_for_referrals(store: &Store, ids: &[ReferralId], on: &str) -> Vec<Permitted<ReferralId>> {
    let mut pieces = Vec::new();
    for id in ids {
        pieces.push(leave_for_referral(store, *id, on).await);
    }
    pieces
}

/// Looks again, and puts the referrals on a list for the attorney.
async fn exported(store: &Store, ids: &[ReferralId], on: &str) -> Result<ReferralExport, StoreError> {
    let pieces = leave_for_referrals(store, ids, on).await;
    match store.make_export(&list_of(ids), &pieces, &lead(on)).await? {
        Whole::Made(list) => Ok(list),
        Whole::Overtaken(ids) => panic!("nothing came between: {ids:?}"),
    }
}

async fn a_referral_stands_on_one_list_and_each_list_of_a_day_has_its_number(store: Store, _: String) {
    take(&store, &accounts_file(&[profile("10-000417"), profile("10-000418")]), &at("2026-03-02")).await;
    let refer = Action::Refer { to: Destination::Attorney };
    for (number, of) in [("10-000417", "one"), ("10-000418", "other")] {
        let debtor = account(&store, number).await;
        decide(&store, debtor, vec![act(debtor, of, refer.clone(), "2026-08-01")], &[], "2026-08-01").await;
    }
    let ids: Vec<ReferralId> = store.referrals(None).await.expect("candidates").iter().map(|r| r.id).collect();
    for id in &ids {
        approve_referral(&store, *id, "2026-08-02").await;
    }
    let first = exported(&store, &ids[..1], "2026-08-03").await.expect("the first list");
    // Whoever would list the first again lists nothing: not even the second.
    assert!(matches!(exported(&store, &ids, "2026-08-03").await, Err(StoreError::Conflict(_))));
    let second = exported(&store, &ids[1..], "2026-08-03").await.expect("the second list");
    assert_eq!((&*first.name, &*second.name), ("attorney-2026-08-03-1", "attorney-2026-08-03-2"));
    // A list goes to one destination.
    let elsewhere = NewExport { to: Destination::Agency, ..list_of(&ids[..1]) };
    let pieces = leave_for_referrals(&store, &ids[..1], "2026-08-03").await;
    let refused = store.make_export(&elsewhere, &pieces, &lead("2026-08-03")).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");

    // What is not written yet is known, with its bytes, until it is.
    store.export_written(&first.name, &lead("2026-08-03")).await.expect("written");
    assert_eq!(store.unwritten_exports().await.expect("lists"), std::slice::from_ref(&second));
    let kept = store.document(&second.files[0].document).await.expect("read").expect("kept");
    assert_eq!(kept.bytes, format!("{:?}", &ids[1..]).into_bytes());
    store.export_written("attorney-2026-08-03-9", &lead("2026-08-03")).await.expect_err("no such list");
}

/// What is open of the account, placed with the attorney on August 3.
async fn one_placed(store: &Store) -> (AccountId, ReferralId) {
    let debtor = one_debtor(store).await;
    let refer = Action::Refer { to: Destination::Attorney };
    decide(store, debtor, vec![act(debtor, "refer", refer, "2026-08-01")], &[], "2026-08-01").await;
    let id = store.referrals(None).await.expect("candidates")[0].id;
    approve_referral(store, id, "2026-08-02").await;
    let entries = store.entries(debtor).await.expect("the ledger");
    let books = settle(&entries, &rules().order, &[], day("2026-08-03"));
    let placements = vec![(id, Placement::of(&books, &entries, lead("2026-08-03").at))];
    let pieces = leave_for_referrals(store, &[id], "2026-08-03").await;
    let list = NewExport { placements, ..list_of(&[id]) };
    store.make_export(&list, &pieces, &lead("2026-08-03")).await.expect("placed");
    (debtor, id)
}

async fn a_debt_that_is_out_is_known_until_it_comes_back(store: Store, _: String) {
    let (debtor, id) = one_placed(&store).await;
    let out = snapshot(&store, debtor).await.placed;
    assert_eq!((out[0].referral, out[0].to, out[0].on), (id, Destination::Attorney, day("2026-08-03")));
    assert_eq!(out[0].items.len(), 1);
    let back = DebtReturn {
        referral: id,
        on: day("2026-11-30"),
        reason: ReturnReason::Skip,
        note: "moved".into(),
        hold: None,
        tell: None,
    };
    store.return_referrals(std::slice::from_ref(&back), &lead("2026-12-01")).await.expect("returned");
    let known = snapshot(&store, debtor).await;
    assert_eq!(known.placed, []);
    assert_eq!(kinds(&known).last(), Some(&(EventKind::DebtReturned, day("2026-12-01"))));
    let referral = store.referral(id).await.expect("the referral");
    assert_eq!((referral.state, referral.cause.as_deref()), (ReferralState::Returned, Some("skip: moved")));
    let again = store.return_referrals(&[back], &lead("2026-12-02")).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    // On the day in between it was out.
    let then =
        store.snapshot_as_of(debtor, day("2026-10-01"), at("2026-10-01").at, &rules()).await.expect("as of then");
    assert_eq!(then.placed, out);
}

async fn a_line_of_a_report_goes_out_once(store: Store, _: String) {
    let (_, id) = one_placed(&store).await;
    let line = ReportLine {
        referral: id,
        n: 1,
        kind: ReportKind::Payment,
        entry: Some(EntryId(1)),
        source: "agency".into(),
        reference: "AG-1".into(),
        on: day("2026-09-01"),
        amount: Cents::new(-5_000),
        balance: Cents::new(13_000),
    };
    let files = vec![(ExportPart::List, Document::new(MediaType::Csv, b"R1-1".to_vec()))];
    let report = NewReport { to: Destination::Attorney, lines: vec![line.clone()], files };
    let made = store.make_report(&report, &lead("2026-09-02")).await.expect("a report");
    assert_eq!((made.name.as_str(), made.lines, made.recalls), ("report-attorney-2026-09-02-1", 1, 0));
    assert!(matches!(store.make_report(&report, &lead("2026-09-02")).await, Err(StoreError::Stale)));
    assert_eq!(store.report_lines(&[id]).await.expect("the lines"), [line]);
    assert_eq!(store.referral_reports(true).await.expect("reports"), std::slice::from_ref(&made));
    store.report_written(&made.name, &lead("2026-09-02")).await.expect("written");
    assert_eq!(store.referral_reports(true).await.expect("reports"), []);
    assert_eq!(store.referral_reports(false).await.expect("reports").len(), 1);
}

async fn a_referral_that_its_route_sends_elsewhere_is_withdrawn_at_its_stage(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let refer = Action::Refer { to: Destination::SmallClaims };
    decide(&store, debtor, vec![act(debtor, "refer", refer, "2026-08-01")], &[], "2026-08-01").await;
    let id = store.referrals(None).await.expect("candidates")[0].id;
    store.reroute_referral(id, "the route sends it to the agency", &lead("2026-08-02")).await.expect("withdrawn");
    assert_eq!(store.referral(id).await.expect("the referral").state, ReferralState::Canceled);
    let known = snapshot(&store, debtor).await;
    let event = known.events.last().expect("an event");
    assert_eq!((event.kind, event.of.as_ref()), (EventKind::Rerouted, Some(&stage("refer"))));
}

async fn what_the_policy_proposes_to_write_off_is_proposed_once(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    for on in ["2026-12-01", "2026-12-02"] {
        decide(&store, debtor, vec![act(debtor, "write_off", Action::WriteOff, on)], &[], on).await;
    }
    let [proposed] = &store.proposals(true).await.expect("proposals")[..] else { panic!("one") };
    assert_eq!((proposed.amount, proposed.account), (Cents::new(18_000), debtor));
    assert!(proposed.act_key.as_deref().is_some_and(|key| key.contains("/write_off/")), "{proposed:?}");
    store.approve_proposal(proposed.id, &[], &rules(), &lead("2026-12-03")).await.expect("approved");
    assert!(open_cents(&store, debtor).await.is_empty());
}

async fn a_debt_is_told_when_time_will_bar_it_and_when_it_has(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let warn = |on: &'static str| {
        let store = &store;
        async move {
            let terms = LimitationTerms { years: 2, ahead_days: 180, least: Cents::ZERO };
            // Whoever looks every day finds by the days what whoever looks at the account finds.
            let since = Among::Since(plus_days(day(on), -1));
            let told = store.warn_of_limitation(terms, since, &at(on)).await.expect("told");
            told + store.warn_of_limitation(terms, Among::Accounts(&[debtor]), &at(on)).await.expect("told")
        }
    };
    assert_eq!(warn("2027-09-24").await, 0, "180 days before March 23, 2028 is September 25");
    assert_eq!(warn("2027-09-25").await, 1);
    assert_eq!(warn("2028-03-23").await, 0, "the last day");
    assert_eq!(warn("2028-03-24").await, 1);
    assert_eq!(warn("2028-03-25").await, 0);
    let told: Vec<(ExceptionKind, Option<AccountId>)> =
        store.exceptions(true).await.expect("the list").iter().map(|line| (line.kind, line.account)).collect();
    let expected = [ExceptionKind::LimitationNear, ExceptionKind::LimitationPassed].map(|kind| (kind, Some(debtor)));
    assert_eq!(told, expected);
}

// The second look: what is learned between it and the act wins.

/// A notice of an act by both channels: email and letter.
async fn email_and_letter(store: &Store) -> (AccountId, Vec<NoticeId>) {
    let debtor = one_debtor(store).await;
    let by = |channel| piece(debtor, "final_notice", channel, Recipient::Customer, "2026-05-01");
    decide(store, debtor, Vec::new(), &[by(Channel::Email), by(Channel::Mail)], "2026-05-01").await;
    let notices = store.notices_of(debtor).await.expect("the notices");
    (debtor, notices.iter().map(|notice| notice.id).collect())
}

async fn a_payment_between_the_second_look_and_the_release_keeps_the_notice_back(store: Store, _: String) {
    let (debtor, notice) = one_notice(&store).await;
    let piece = leave_for_notice(&store, notice, "2026-05-01").await;
    pays(&store, "2026-05-01").await;
    let outcome = store.release_notices(&[piece], &lead("2026-05-01")).await.expect("an outcome");
    assert_eq!(outcome, overtaken(&[notice]));
    assert_eq!(states(&store, debtor).await, [NoticeState::Planned]);
    assert!(snapshot(&store, debtor).await.events.is_empty(), "nobody was told anything");
    let work = store.claim_work(WorkKind::RenderNotice, 10, at("2026-05-01").at, 60).await.expect("a claim");
    assert!(work.is_empty());
    // A look that knows of the payment, and finds that the notice may go all the same, is leave again.
    assert_eq!(release(&store, notice, "2026-05-01").await, all_done(&[notice]));
}

async fn several_pieces_of_one_account_are_released_together(store: Store, _: String) {
    let (debtor, notices) = email_and_letter(&store).await;
    let mut pieces = Vec::new();
    for notice in &notices {
        pieces.push(leave_for_notice(&store, *notice, "2026-05-01").await);
    }
    let outcome = store.release_notices(&pieces, &lead("2026-05-01")).await.expect("released");
    assert_eq!(outcome, all_done(&notices));
    assert_eq!(kinds(&snapshot(&store, debtor).await), [(EventKind::NoticeReleased, day("2026-05-01"))]);
    // The release is a fact itself: the same leave a second time is of the past.
    let again = store.release_notices(&pieces, &lead("2026-05-01")).await.expect("an outcome");
    assert_eq!(again, overtaken(&notices));
}

async fn of_two_accounts_released_together_only_the_one_that_learned_something_waits(store: Store, _: String) {
    take(&store, &accounts_file(&[profile("1001"), profile("1002")]), &at("2026-03-02")).await;
    let bills = [
        charge("1001", "B-1", 18_000, "2026-03-02", "2026-03-23"),
        charge("1002", "B-2", 18_000, "2026-03-02", "2026-03-23"),
    ];
    take_entries(&store, bills.to_vec(), &at("2026-03-02")).await;
    for number in ["1001", "1002"] {
        let debtor = account(&store, number).await;
        let letter = piece(debtor, "final_notice", Channel::Mail, Recipient::Customer, "2026-05-01");
        decide(&store, debtor, Vec::new(), &[letter], "2026-05-01").await;
    }
    let planned = store.notices_in(NoticeState::Planned, 10).await.expect("the notices");
    let mut pieces = Vec::new();
    for notice in &planned {
        pieces.push(leave_for_notice(&store, notice.id, "2026-05-01").await);
    }
    pays(&store, "2026-05-01").await;
    let outcome = store.release_notices(&pieces, &lead("2026-05-01")).await.expect("an outcome");
    assert_eq!(outcome, Carried { done: vec![planned[1].id], overtaken: vec![planned[0].id] });
}

async fn a_payment_while_letters_are_merged_leaves_no_batch(store: Store, _: String) {
    let (debtor, notice) = one_notice(&store).await;
    render(&store, notice, "2026-05-01").await;
    let piece = leave_for_notice(&store, notice, "2026-05-01").await;
    pays(&store, "2026-05-01").await;
    let new = NewBatch { sheets: 1, path: "print/1.zip".to_owned(), document: "hash".into() };
    let outcome = store.make_batch(&[piece], &new, &at("2026-05-01")).await.expect("an outcome");
    assert_eq!(outcome, Whole::Overtaken(vec![notice]));
    assert_eq!(states(&store, debtor).await, [NoticeState::Rendered]);
    assert_eq!(store.batches(9).await.expect("the batches"), []);
}

async fn a_payment_between_the_second_look_and_the_mail_server_keeps_the_email_back(store: Store, _: String) {
    let (_, notices) = email_and_letter(&store).await;
    render(&store, notices[0], "2026-05-01").await;
    let claim = async || {
        let jobs = store.claim_work(WorkKind::SendEmail, 1, at("2026-05-01").at, 0).await.expect("a claim");
        jobs.into_iter().next().expect("the work")
    };
    let job = claim().await;
    let stamp = at("2026-05-01");
    let leaves = async |job: &Job, piece| {
        let outcomes = store.emails_leave(&[(job.clone(), piece)], &stamp).await.expect("an answer");
        outcomes[0]
    };
    let before = leave_for_notice(&store, notices[0], "2026-05-01").await;
    pays(&store, "2026-05-01").await;
    assert_eq!(leaves(&job, before).await, Leaving::Overtaken);
    let after = async || leave_for_notice(&store, notices[0], "2026-05-01").await;
    let other = claim().await;
    assert_eq!(leaves(&job, after().await).await, Leaving::Gone, "another sends it");
    assert_eq!(leaves(&other, after().await).await, Leaving::Goes);
    store.cancel_notices(&[notices[0]], "paid", &stamp).await.expect("canceled");
    let canceled = leave_for_notice(&store, notices[0], "2026-05-01").await;
    assert_eq!(leaves(&other, canceled).await, Leaving::Gone);
}

async fn an_email_that_was_canceled_on_its_way_is_an_incident_and_serves_nothing(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let email =
        NewNotice { statutory: false, ..piece(debtor, "reminder", Channel::Email, Recipient::Customer, "2026-05-01") };
    decide(&store, debtor, Vec::new(), &[email], "2026-05-01").await;
    let notice = store.notices_of(debtor).await.expect("the notices")[0].id;
    render(&store, notice, "2026-05-01").await;
    store.cancel_notices(&[notice], "the debt was paid", &at("2026-05-01")).await.expect("canceled");
    store.email_sent(notice, day("2026-05-01"), "250 ok", &at("2026-05-01")).await.expect("recorded");
    let sent = store.notice(notice).await.expect("the notice");
    assert_eq!((sent.state, sent.mailed_on, sent.served_on), (NoticeState::Sent, Some(day("2026-05-01")), None));
    let known = kinds(&snapshot(&store, debtor).await);
    assert!(known.iter().all(|(kind, _)| *kind == EventKind::NoticeReleased), "{known:?}");
    let standing = store.exceptions(true).await.expect("the list");
    assert_eq!((standing.len(), standing[0].kind, standing[0].account), (1, ExceptionKind::Incident, Some(debtor)));
    assert!(standing[0].text.contains("the debt was paid"), "{}", standing[0].text);
}

async fn an_email_that_is_canceled_after_an_attempt_without_an_answer_may_have_left_and_is_told(
    store: Store,
    _: String,
) {
    let debtor = one_debtor(&store).await;
    let email =
        NewNotice { statutory: false, ..piece(debtor, "reminder", Channel::Email, Recipient::Customer, "2026-05-01") };
    decide(&store, debtor, Vec::new(), &[email], "2026-05-01").await;
    let notice = store.notices_of(debtor).await.expect("the notices")[0].id;
    render(&store, notice, "2026-05-01").await;
    let stamp = at("2026-05-01");
    let claim = async || store.claim_work(WorkKind::SendEmail, 1, stamp.at, 60).await.expect("a claim").remove(0);
    let told = async || {
        let standing = store.exceptions(true).await.expect("the list");
        standing.into_iter().map(|line| (line.kind, line.text)).collect::<Vec<_>>()
    };
    // At the first attempt there was no connection; at the second none of the server's words came back; at the third it was busy.
    assert!(store.retry_work(&claim().await, stamp.at, "no connection").await.expect("put back"));
    assert!(store.email_unanswered(&claim().await, stamp.at, "timed out", &stamp).await.expect("put back"));
    assert!(store.retry_work(&claim().await, stamp.at, "450 later").await.expect("put back"));
    assert_eq!(told().await, []);
    store.cancel_notices(&[notice], "the debt was paid", &stamp).await.expect("canceled");
    let told = told().await;
    assert_eq!((told.len(), told[0].0), (1, ExceptionKind::Incident));
    assert!(told[0].1.contains("the debt was paid") && told[0].1.contains("timed out"), "{}", told[0].1);
    assert_eq!(store.notice(notice).await.expect("the notice").state, NoticeState::Canceled);
}

async fn sent_emails_are_looked_through_from_the_newest_and_found_by_their_address(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    for (template, address) in [("reminder", "Rosa@example.com"), ("final_reminder", "omar@example.com")] {
        let email = NewNotice {
            statutory: false,
            email: Some(address.to_owned()),
            ..piece(debtor, template, Channel::Email, Recipient::Customer, "2026-05-01")
        };
        decide(&store, debtor, Vec::new(), &[email], "2026-05-01").await;
    }
    let all = store.notices_of(debtor).await.expect("the notices");
    for notice in &all {
        render(&store, notice.id, "2026-05-01").await;
        store.email_sent(notice.id, day("2026-05-01"), "250 ok", &at("2026-05-01")).await.expect("sent");
    }
    let [first, second] = &all[..] else { panic!("two emails: {all:?}") };
    let before = async |notice| {
        let page = store.emails_before(notice, 1).await.expect("a page");
        page.into_iter().map(|notice| notice.id).collect::<Vec<_>>()
    };
    assert_eq!(before(None).await, [second.id], "the newest, however many there are");
    assert_eq!(before(Some(second.id)).await, [first.id]);
    assert_eq!(before(Some(first.id)).await, []);
    let to_rosa = store.emails_to(&["rosa@EXAMPLE.com".to_owned()]).await.expect("hers");
    assert_eq!(to_rosa.iter().map(|notice| notice.id).collect::<Vec<_>>(), [first.id]);
}

async fn an_email_that_never_reached_its_server_is_canceled_and_nobody_is_told(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let email =
        NewNotice { statutory: false, ..piece(debtor, "reminder", Channel::Email, Recipient::Customer, "2026-05-01") };
    decide(&store, debtor, Vec::new(), &[email], "2026-05-01").await;
    let notice = store.notices_of(debtor).await.expect("the notices")[0].id;
    render(&store, notice, "2026-05-01").await;
    let stamp = at("2026-05-01");
    let job = store.claim_work(WorkKind::SendEmail, 1, stamp.at, 60).await.expect("a claim").remove(0);
    assert!(store.retry_work(&job, stamp.at, "no connection").await.expect("put back"));
    store.cancel_notices(&[notice], "the debt was paid", &stamp).await.expect("canceled");
    assert!(store.exceptions(true).await.expect("the list").is_empty());
}

async fn a_payment_before_approval_finalization_or_dispatch_keeps_the_order_where_it_is(store: Store, _: String) {
    let (debtor, order) = one_order(&store).await;
    let stamp = lead("2026-05-22");
    let comes_between = async |reference: &str| {
        let paid = vec![payment("1001", reference, 1_000, "2026-05-22")];
        take_entries(&store, paid, &at("2026-05-22")).await;
    };
    let state = async || store.order(order).await.expect("the order").state;

    let piece = leave_for_order(&store, order, "2026-05-22").await;
    comes_between("P-1").await;
    assert_eq!(store.approve_orders(&[piece], &stamp).await.expect("an outcome"), overtaken(&[order]));
    assert_eq!(state().await, OrderState::Prepared);
    approve(&store, order, "2026-05-22").await;

    let piece = leave_for_order(&store, order, "2026-05-22").await;
    comes_between("P-2").await;
    assert_eq!(
        store.finalize_orders(&[piece], &[], UnmatchedId(0), &stamp).await.expect("an outcome"),
        overtaken(&[order])
    );
    assert_eq!(state().await, OrderState::Approved);
    finalize(&store, order).await;

    let piece = leave_for_order(&store, order, "2026-05-22").await;
    comes_between("P-3").await;
    let outcome = store.dispatch_orders(&[piece], UnmatchedId(0), "Truck 4", &stamp).await.expect("an outcome");
    assert_eq!(outcome, overtaken(&[order]));
    assert_eq!(state().await, OrderState::Finalized);
    assert!(snapshot(&store, debtor).await.events.is_empty());
}

async fn a_payment_while_packets_are_made_leaves_no_list(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let refer = Action::Refer { to: Destination::Attorney };
    decide(&store, debtor, vec![act(debtor, "refer", refer, "2026-08-01")], &[], "2026-08-01").await;
    let id = store.referrals(None).await.expect("candidates")[0].id;
    approve_referral(&store, id, "2026-08-02").await;
    let pieces = leave_for_referrals(&store, &[id], "2026-08-03").await;
    pays(&store, "2026-08-03").await;
    let outcome = store.make_export(&list_of(&[id]), &pieces, &lead("2026-08-03")).await.expect("an outcome");
    assert_eq!(outcome, Whole::Overtaken(vec![id]));
    assert_eq!(store.exports(9).await.expect("the lists"), []);
    assert_eq!(store.referral(id).await.expect("the referral").state, ReferralState::Approved);
    assert!(snapshot(&store, debtor).await.events.is_empty(), "it was not placed");
}

async fn leave_for_one_piece_or_day_serves_no_other(store: Store, _: String) {
    let (debtor, notice) = one_notice(&store).await;
    let of = store.notice(notice).await.expect("the notice").of;
    let as_a_call = leave(&store, notice, debtor, Ordered::Call, of.clone(), "2026-05-01").await;
    let of_another_stage = leave(&store, notice, debtor, Ordered::Notice, stage("reminder"), "2026-05-01").await;
    let of_yesterday = leave(&store, notice, debtor, Ordered::Notice, of, "2026-04-30").await;
    for wrong in [as_a_call, of_another_stage, of_yesterday] {
        let refused = store.release_notices(&[wrong], &lead("2026-05-01")).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(store.notice(notice).await.expect("the notice").state, NoticeState::Planned);
}

// Policies, runs, people.

async fn a_business_date_is_run_once(store: Store, _: String) {
    let begin = async |date: &str| store.begin_run(day(date), "night", &at(date)).await.expect("a run");
    let RunStart::New(run) = begin("2026-05-01").await else { panic!("it is new") };
    assert_eq!(begin("2026-05-01").await, RunStart::Resumed(run));
    store.finish_run(run, &json!({ "decisions": 3 }), &at("2026-05-01")).await.expect("finished");
    assert_eq!(begin("2026-05-01").await, RunStart::AlreadyDone(run));
    assert!(matches!(begin("2026-05-02").await, RunStart::New(_)));
    assert_eq!(store.last_finished("night").await.expect("the last"), Some(day("2026-05-01")));
    let runs = store.runs(10).await.expect("the runs");
    assert_eq!((runs.len(), runs[1].summary.clone()), (2, Some(json!({ "decisions": 3 }))));
}

fn policy(hash: &str, from: &str) -> AdoptedPolicy {
    AdoptedPolicy {
        hash: hash.into(),
        name: "riverbend".to_owned(),
        sources: vec![PolicySource { path: "rules/riverbend.yaml".to_owned(), text: format!("policy: {hash}") }],
        adopted_by: "Dana Reyes".to_owned(),
        adopted_at: lead("2026-03-03").at,
        effective_on: day(from),
    }
}

async fn the_policy_effective_last_is_in_force_and_wakes_every_account(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    decide(&store, debtor, Vec::new(), &[], "2026-03-02").await;
    for (hash, from) in [("one", "2026-03-03"), ("two", "2026-06-01")] {
        store.adopt_policy(&policy(hash, from), &lead("2026-03-03")).await.expect("adopted");
    }
    let in_force = async |on: &str| store.policy_on(day(on)).await.expect("a policy").map(|policy| policy.hash);
    assert_eq!(in_force("2026-03-02").await, None);
    assert_eq!(in_force("2026-05-31").await, Some("one".into()));
    assert_eq!(in_force("2026-06-01").await, Some("two".into()));
    assert_eq!(store.due_accounts(day("2026-03-03"), None, 10).await.expect("due").len(), 1);
    let kept = store.policy(&"one".into()).await.expect("a policy");
    assert_eq!(kept, Some(policy("one", "2026-03-03")));
    // Adopted again from the day of the other, it is the one chosen last; its first adoption stands as it was.
    let later = lead("2026-05-04");
    let again =
        AdoptedPolicy { adopted_by: "Ida Berg".to_owned(), adopted_at: later.at, ..policy("one", "2026-06-01") };
    store.adopt_policy(&again, &later).await.expect("adopted again");
    assert_eq!(in_force("2026-06-01").await, Some("one".into()));
    assert_eq!(store.policy(&"one".into()).await.expect("a policy"), Some(policy("one", "2026-06-01")));
    assert_eq!(store.policies().await.expect("all").len(), 2);
}

async fn a_frozen_account_is_due_again_when_a_person_clears_it(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let text = "the audit refused a shut-off: no notice was served";
    let open = async |on: &str| {
        let stamp = at(on);
        store.open_exception(Some(debtor), ExceptionKind::AuditRefused, text, &stamp).await.expect("an exception")
    };
    let id = open("2026-05-22").await;
    assert_eq!(open("2026-05-23").await, id, "what stands there already is not repeated");
    assert_eq!(snapshot(&store, debtor).await.frozen.as_deref(), Some(text));
    let due = store.due_accounts(day("2026-12-31"), None, 10).await.expect("due");
    assert_eq!(due, [(day("2026-05-24"), debtor)]);
    store.clear_exception(id, None, &lead("2026-05-23")).await.expect("cleared");
    assert_eq!(snapshot(&store, debtor).await.frozen, None);
    let due = store.due_accounts(day("2026-05-23"), None, 10).await.expect("due");
    assert_eq!(due, [(day("2026-05-23"), debtor)]);
    assert!(matches!(store.clear_exception(id, None, &lead("2026-05-23")).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.exceptions(false).await.expect("all")[0].cleared_by.as_deref(), Some("Dana Reyes"));
}

async fn people_log_in_by_sessions_that_expire(store: Store, _: String) {
    let ana = StaffMember {
        name: "Ana".to_owned(),
        role: Role::Representative,
        languages: vec![Language::English, Language::Spanish],
        capacity: 40,
    };
    store.put_staff(&ana, Some("argon2"), &lead("2026-05-01")).await.expect("added");
    let busier = StaffMember { capacity: 50, ..ana };
    store.put_staff(&busier, None, &lead("2026-05-01")).await.expect("changed");
    let login = store.staff_login("Ana").await.expect("a lookup");
    assert_eq!(login, Some((busier.clone(), Some("argon2".to_owned()))));
    let now = at("2026-05-01").at;
    store.open_session("token", "Ana", now, now + TimeDelta::hours(8)).await.expect("a session");
    assert_eq!(store.session("token", now).await.expect("whose"), Some(busier.clone()));
    assert_eq!(store.session("token", now + TimeDelta::hours(9)).await.expect("expired"), None);
    // The next login removes what has expired: its token stands no more.
    let later = now + TimeDelta::hours(9);
    store.open_session("token", "Ana", later, later + TimeDelta::hours(8)).await.expect("a session in its place");
    store.close_session("token").await.expect("closed");
    assert_eq!(store.session("token", now).await.expect("closed"), None);
    assert_eq!(store.staff().await.expect("all"), [busier]);
}

async fn of_two_leads_who_take_one_another_off_the_staff_one_stays(store: Store, _: String) {
    for name in ["Ana", "Ben"] {
        let lead_of =
            StaffMember { name: name.to_owned(), role: Role::Lead, languages: vec![Language::English], capacity: 0 };
        store.put_staff(&lead_of, None, &lead("2026-05-01")).await.expect("added");
    }
    let stamp = lead("2026-05-01");
    let (one, other) = tokio::join!(store.remove_staff("Ana", &stamp), store.remove_staff("Ben", &stamp));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(store.staff().await.expect("all").len(), 1);
}

async fn a_document_is_kept_byte_for_byte(store: Store, _: String) {
    let (_, notice) = one_notice(&store).await;
    release(&store, notice, "2026-05-01").await;
    let letter = Document::new(MediaType::Pdf, vec![0, 1, 2, 255]);
    let forged = Document { bytes: vec![9], ..letter.clone() };
    let job = store.claim_work(WorkKind::RenderNotice, 1, at("2026-05-01").at, 60).await.expect("a claim").remove(0);
    let rendered = |document| [RenderedPiece { job: job.clone(), document, dated: day("2026-05-01") }];
    let refused = store.notices_rendered(&rendered(forged), &at("2026-05-01")).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(store.document(&letter.hash).await.expect("a lookup"), None);
    assert_eq!(store.notices_rendered(&rendered(letter.clone()), &at("2026-05-01")).await.expect("kept"), [notice]);
    assert_eq!(store.document(&letter.hash).await.expect("a lookup"), Some(letter));
}

async fn an_account_is_found_by_number_name_or_street(store: Store, _: String) {
    take(&store, &accounts_file(&["1001", "1002", "2001"].map(profile)), &at("2026-03-02")).await;
    let found = async |text: &str| {
        let hits = store.search(text, 10).await.expect("a search");
        hits.into_iter().map(|hit| hit.profile.number.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found("100").await, ["1001", "1002"]);
    assert_eq!(found("customer 2001").await, ["2001"]);
    assert_eq!(found("1002 oak").await, ["1002"]);
    for sign in ["%", "_", "*", "?", "[", "]", "^", ".", "\\", "(", "-)"] {
        assert!(found(sign).await.is_empty(), "{sign} is no wildcard");
    }
    let accented = Profile { customer_name: "Rosa Muñoz-Nguyễn".into(), ..profile("3001") };
    take(&store, &accounts_file(&[accented]), &at("2026-03-02")).await;
    for typed in ["munoz", "MUÑOZ", "nguyen", "z-n"] {
        assert_eq!(found(typed).await, ["3001"], "{typed}");
    }
    assert!(store.account_by_number("7").await.expect("a lookup").is_none());
    assert!(matches!(store.account(AccountId(99)).await, Err(StoreError::NotFound { .. })));
    take_entries(&store, vec![payment("1002", "P-1", 500, "2026-03-02")], &at("2026-03-02")).await;
    let page = store.open_items(None, 10).await.expect("a page");
    assert_eq!((page.len(), page[0].unapplied), (1, Cents::new(500)));
}

async fn a_newer_database_is_refused(store: Store, url: String) {
    drop(store);
    let raise = "INSERT INTO schema_version (version) VALUES (99)";
    if let Some(path) = url.strip_prefix("sqlite:") {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let pool = sqlx::SqlitePool::connect_with(options).await.expect("the file");
        sqlx::query(raise).execute(&pool).await.expect("raised");
    } else {
        let pool = sqlx::PgPool::connect(&url).await.expect("the server");
        sqlx::query(raise).execute(&pool).await.expect("raised");
    }
    let refused = Store::open(&url).await;
    assert!(matches!(refused, Err(StoreError::Newer { found: 99, .. })), "{refused:?}");
    assert!(matches!(Store::open("mysql://somewhere").await, Err(StoreError::Address(_))));
}
