//! The dated stories that a city's auditor would ask for first: files in, people's commands, and what must follow, to the day
//! and to the cent. Each is lived by the program itself, on SQLite and on PostgreSQL.
//!
//! The policy is that of Riverbend unless a story says otherwise.

#[path = "stories/agreement.rs"]
mod agreement;
#[path = "stories/arrangement.rs"]
mod arrangement;
#[path = "stories/california.rs"]
mod california;
#[path = "stories/circle.rs"]
mod circle;
#[path = "stories/city.rs"]
mod city;
#[path = "stories/final_bill.rs"]
mod final_bill;
#[path = "stories/hard.rs"]
mod hard;
#[path = "stories/hardships.rs"]
mod hardships;
#[path = "stories/invariants.rs"]
mod invariants;
#[path = "stories/lives.rs"]
mod lives;
#[path = "stories/money_in_the_building.rs"]
mod money_in_the_building;
#[path = "stories/occupant_copy.rs"]
mod occupant_copy;
#[path = "stories/outage.rs"]
mod outage;
#[path = "stories/packet.rs"]
mod packet;
#[path = "stories/placed.rs"]
mod placed;
#[path = "common/postgres.rs"]
mod postgres;
#[path = "stories/random_lives.rs"]
mod random_lives;
#[path = "stories/rerun.rs"]
mod rerun;
#[path = "stories/returning.rs"]
mod returning;
#[path = "stories/served.rs"]
mod served;

/// Lives each story on both databases.
macro_rules! story {
    ($($file:ident :: $name:ident)+) => {
        mod on_sqlite {$(
            #[test]
            fn $name() {
                super::$file::$name(&super::city::City::new(None));
            }
        )+}
        mod on_postgres {$(
            #[test]
            fn $name() {
                super::$file::$name(&super::city::City::new(Some(&super::postgres::new_database())));
            }
        )+}
    };
}

story! {
    agreement::each_condition_is_shown_and_a_limit_of_the_city_is_overridden_by_another_person
    agreement::a_court_s_stay_is_overridden_by_nobody
    agreement::a_down_payment_that_was_taken_at_the_counter_counts_once
    agreement::a_missed_arrangement_is_taken_up_again_within_the_policys_limits
    agreement::an_arrangement_is_confirmed_by_mail_and_email_in_the_customers_language
    agreement::a_canceled_arrangement_calls_its_letter_back_and_the_next_one_prints_its_own_installments
    hard::a_disputed_bill_stops_alone_until_it_is_decided_appealed_and_its_credit_approved
    hard::a_petition_learned_late_undoes_what_it_can_and_leaves_younger_debt_its_own_course
    hard::of_a_customer_who_died_nothing_is_collected_and_the_household_keeps_its_water
    money_in_the_building::a_payment_that_is_in_the_building_keeps_the_water_on
    money_in_the_building::who_pays_what_the_notice_asks_for_is_not_shut_off_whichever_debt_the_money_paid
    outage::a_letter_that_leaves_late_moves_the_shut_off_out
    outage::a_batch_that_nobody_marks_as_mailed_never_leads_to_a_shut_off
    outage::mail_that_came_back_bars_the_shut_off_until_a_visit_and_a_posting
    arrangement::a_missed_installment_gives_sixty_days_then_a_posting_and_then_five_business_days
    arrangement::an_installment_received_in_time_and_learned_late_was_never_missed
    arrangement::a_bill_that_stays_unpaid_beside_an_arrangement_that_is_kept_gives_sixty_days_and_a_posting_too
    occupant_copy::seven_business_days_after_both_mailings_and_never_on_a_friday
    occupant_copy::fifteen_days_where_the_public_utilities_code_stands_beside_it
    occupant_copy::the_customer_s_proof_alone_shuts_nobody_off
    final_bill::a_deposit_pays_the_final_bill_before_anybody_is_written_to_and_the_letter_shows_it
    placed::a_debt_that_comes_back_is_not_shut_off_for_by_the_notice_of_before
    placed::whatever_would_keep_a_debt_from_going_out_calls_it_back
    placed::three_points_bar_the_referral_too_though_no_hold_stands
    placed::a_debt_that_came_back_for_a_petition_a_death_or_a_dispute_stops_all_until_that_is_recorded
    placed::a_debt_that_came_back_as_paid_and_is_open_here_is_asked_about
    placed::what_falls_due_while_another_debt_is_out_has_its_own_reminder_demand_and_referral
    placed::what_is_placed_is_what_was_approved_and_no_bill_that_came_since
    returning::a_customer_who_comes_back_owes_what_was_written_off_when_three_people_have_said_so
    circle::a_debt_goes_to_the_agency_is_told_of_every_payment_and_comes_back_to_be_written_off
    circle::each_debt_goes_where_the_table_says_and_what_it_does_not_cover_is_the_lead_s
    california::the_tenants_of_a_landlord_have_a_notice_on_every_door_and_fifteen_days_from_it
    california::three_points_are_shown_one_by_one_and_together_bar_the_shut_off
    california::whoever_was_shut_off_is_told_at_once_how_to_be_restored_and_the_year_counts_it
    california::interest_is_waived_by_law_once_in_twelve_months_for_who_has_shown_a_low_income
    packet::an_old_debt_goes_out_once_counted_and_by_its_own_date
    rerun::what_is_done_twice_happens_once
    served::whoever_follows_a_customer_who_died_is_told_anew
    served::after_the_doubt_whose_account_it_is_everything_is_told_anew
    served::a_bill_that_is_corrected_behind_its_final_notice_has_another
    served::a_correction_calls_the_crew_back_and_a_payment_of_a_part_does_not
    served::a_debt_that_time_bars_goes_to_an_agency_only_for_a_reason
    served::behind_a_write_off_the_water_stays_off_until_the_lead_orders_it_on
}
