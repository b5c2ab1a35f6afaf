//! What California asks besides notices and days: a landlord's tenants, the three points about health, turning on again.

use super::{Account, Tale, hold, pay, riverbend};
use crate::domain::account::{LANDLORD_ACCOUNT, MASTER_METER};
use crate::domain::action::TagAction;
use crate::domain::hold::HoldKind;
use crate::domain::proof::{Proof, ProofKind};
use crate::domain::testing::day;
use crate::domain::{Action, ProofId};
use crate::rulebook::{self, Policy};

/// The account is a landlord's, of 24 dwellings; nobody knows how they are metered, unless it is said.
fn landlords(account: &mut Account, meters: Option<&str>) {
    account.change(|profile| {
        profile.attributes.insert(LANDLORD_ACCOUNT.into(), "yes".into());
        profile.attributes.insert("premises.units".into(), "24".into());
        if let Some(master) = meters {
            profile.attributes.insert(MASTER_METER.into(), master.into());
        }
    });
}

/// Crews come back with the tags until Friday, May 15, and leave the next one on Monday the 18th.
fn told_on_may_18(tale: &mut Tale) {
    tale.division.posts = false;
    tale.through("2026-05-17");
    tale.division.posts = true;
    tale.through("2026-06-30");
}

#[test]
fn a_landlords_tenants_are_told_the_day_after_the_final_notice_on_every_door() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    landlords(&mut tale.account, None);
    tale.through("2026-06-30");
    assert_eq!(tale.days("tenants"), ["2026-05-04"], "May 2 and 3 are a weekend");
    let told = tale.acts.iter().find(|act| act.key.of.stage.as_str() == "tenants").unwrap();
    assert!(matches!(&told.action, Action::Tag(TagAction { to_tenants: true, doors: Some(24), .. })), "{told:?}");
    assert_eq!(told.notice.as_ref().unwrap().shut_off_on, Some(day("2026-05-22")));
    assert_eq!(tale.days("shut_off"), ["2026-05-22"], "15 days are over by then");
}

#[test]
fn tenants_who_share_a_meter_or_may_have_fifteen_days_from_the_posting() {
    let policy = riverbend();
    for meters in [None, Some("yes")] {
        let mut tale = Tale::new(&policy);
        landlords(&mut tale.account, meters);
        told_on_may_18(&mut tale);
        assert_eq!(tale.days("tenants").last().unwrap(), "2026-05-18");
        assert_eq!(tale.days("shut_off"), ["2026-06-02"], "{meters:?}");
    }
}

#[test]
fn tenants_with_a_meter_each_have_ten_days_from_the_posting() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    landlords(&mut tale.account, Some("no"));
    told_on_may_18(&mut tale);
    assert_eq!(tale.days("shut_off"), ["2026-05-28"]);
}

#[test]
fn a_landlords_account_is_never_shut_off_while_nobody_has_told_the_tenants() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    landlords(&mut tale.account, None);
    tale.division.posts = false;
    tale.through("2026-07-10");
    assert_eq!(tale.days("shut_off"), [""; 0]);
    let said = crate::decide::why::explain(tale.last.as_ref().unwrap(), &policy);
    let waits = said.iter().find(|finding| finding.stage == "shut_off / shut_off").unwrap();
    assert_eq!(waits.says, "comes after tenants");
}

#[test]
fn tenants_who_ask_to_become_customers_keep_the_water_on_until_that_is_decided() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    landlords(&mut tale.account, None);
    tale.on("2026-05-12", |account| _ = account.hold(hold(HoldKind::Tenants, "2026-05-12", None)));
    tale.through("2026-06-30");
    assert_eq!(tale.days("shut_off"), [""; 0]);
}

/// The household shows it from the day on.
fn shows(account: &mut Account, kind: ProofKind, through: Option<&str>) {
    let from = account.world.today;
    account.shows(Proof {
        id: ProofId(0),
        kind,
        evidence: "scenario".into(),
        from,
        through: through.map(day),
        ended_on: None,
        recorded_by: "scenario".into(),
        recorded_on: from,
    });
}

#[test]
fn a_certificate_a_low_income_and_the_will_to_pay_by_a_plan_bar_a_shut_off_together() {
    use ProofKind::{LowIncome, MedicalCertificate, WillingToPlan};
    let policy = riverbend();
    let shut_off = |shown: &[ProofKind]| {
        let mut tale = Tale::new(&policy);
        tale.on("2026-05-11", |account| shown.iter().for_each(|kind| shows(account, *kind, None)));
        tale.through("2026-06-30");
        tale.days("shut_off").first().cloned()
    };
    assert_eq!(shut_off(&[MedicalCertificate, LowIncome, WillingToPlan]), None);
    // What lacks a point is examined under a hold, which whoever records it places; the statute asks for all three.
    assert_eq!(shut_off(&[MedicalCertificate, LowIncome]).as_deref(), Some("2026-05-22"));
    assert_eq!(shut_off(&[LowIncome, WillingToPlan]).as_deref(), Some("2026-05-22"));
}

#[test]
fn a_certificate_that_has_run_out_protects_no_longer() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-11", |account| {
        shows(account, ProofKind::MedicalCertificate, Some("2026-06-10"));
        shows(account, ProofKind::UnableToPay, None);
        shows(account, ProofKind::WillingToPlan, None);
    });
    tale.through("2026-06-30");
    assert_eq!(tale.days("shut_off"), ["2026-06-11"]);
}

#[test]
fn whoever_was_shut_off_is_told_at_once_how_to_have_service_restored() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-06-01");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
    assert_eq!(tale.days("how_to_restore"), ["2026-05-23"], "the next time that the account is looked at, and once");
    let told = tale.acts.iter().find(|act| act.key.of.stage.as_str() == "how_to_restore").unwrap();
    assert!(!told.needs_release);
    let limits = told.notice.as_ref().unwrap().reconnection.unwrap();
    assert_eq!((limits.in_hours.get(), limits.after_hours.get()), (5_000, 15_000));
    tale.on("2026-06-02", |account| pay(account, 26_000));
    tale.through("2026-07-31");
    assert_eq!(tale.days("how_to_restore"), ["2026-05-23"]);
}

/// Riverbend, where turning on again costs something.
fn with_a_fee(fee: &str) -> Policy {
    let sources = rulebook::shipped();
    let told = "do: {notice: how_to_restore, by: mail, statutory: yes, copies: [occupant, third_party]}";
    let text = sources.get("riverbend.yaml").unwrap();
    let both = format!("do: [{{notice: how_to_restore, by: mail, statutory: yes}}, {fee}]");
    let changed = text.replace(told, &both);
    assert_ne!(changed, text);
    rulebook::load(&sources.with("fee.yaml", changed), "fee.yaml").unwrap()
}

#[test]
fn turning_on_again_costs_a_household_with_a_low_income_no_more_than_the_limit_nor_than_it_costs_the_city() {
    let charged = |fee: &str, is_low: bool| {
        let policy = with_a_fee(fee);
        let mut tale = Tale::new(&policy);
        if is_low {
            tale.on("2026-04-01", |account| shows(account, ProofKind::LowIncome, None));
        }
        tale.through("2026-06-01");
        let mut of_stage = tale.acts.iter().filter(|act| act.key.of.stage.as_str() == "how_to_restore");
        of_stage.find(|act| matches!(act.action, Action::Fee(_))).unwrap().amount.unwrap().get()
    };
    let in_hours = "{fee: 85.00, name: reconnection fee, reconnects: in_hours}";
    assert_eq!(charged(in_hours, false), 8_500);
    assert_eq!(charged(in_hours, true), 5_000);
    assert_eq!(charged("{fee: 185.00, name: reconnection fee, reconnects: after_hours}", true), 15_000);
    assert_eq!(charged("{fee: 85.00, name: reconnection fee, reconnects: in_hours, cost: 42.50}", true), 4_250);
    assert_eq!(charged("{fee: 30.00, name: reconnection fee, reconnects: in_hours, cost: 42.50}", true), 3_000);
}
