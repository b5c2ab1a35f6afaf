//! One account's story, from its first unpaid bill to the attorney: a tenant who paid little, promised, arranged,
//! disputed one bill, was shut off and moved out.

use std::collections::{BTreeMap, BTreeSet};

use arrears::domain::arrangement::{Arrangement, Installment, Reversed};
use arrears::domain::arrears::BucketLimits;
use arrears::domain::call::{CallAttempt, CallOutcome};
use arrears::domain::case::StageRef;
use arrears::domain::document::{MediaType, sha256};
use arrears::domain::field_order::{FieldOrder, OrderKind, OrderState};
use arrears::domain::hold::{Hold, HoldKind};
use arrears::domain::ledger::{ApplicationOrder, PaymentChannel, settle};
use arrears::domain::notice::{ListedItem, Notice, NoticeFacts, NoticeState};
use arrears::domain::promise::Promise;
use arrears::domain::referral::{Destination, Referral, ReferralState};
use arrears::domain::{
    AccountId, Address, ArrangementId, CallId, Cents, Channel, CustomerClass, Day, Entry, EntryId, EntryKind, HoldId,
    Language, NoticeId, Occupancy, OrderId, Party, Profile, PromiseId, Recipient, ReferralId, Service, StageId,
};
use arrears::referral::input::{
    ArrangementRecord, City, HistoryLine, HoldRecord, NoticeExhibit, PacketInput, PolicyBasis,
};
use chrono::{NaiveTime, TimeZone, Utc};

pub const ACCOUNT: AccountId = AccountId(17);

pub fn day(text: &str) -> Day {
    arrears::domain::day::parse(text).unwrap()
}

/// The packet of account 1042-07 at the cut-off September 30, 2026.
pub fn input() -> PacketInput {
    let entries = ledger();
    let cut_off = day("2026-09-30");
    let plan = arrangement();
    let books = settle(&entries, &ApplicationOrder::default(), &[plan.span()], cut_off);
    let standing = plan.standing(&books.applications, &books.items, cut_off);
    PacketInput {
        city: city(),
        profile: profile(),
        referral: referral(),
        cut_off,
        checked_on: cut_off,
        policy: policy(),
        books,
        beside: Vec::new(),
        notices: notices(),
        calls: calls(),
        promises: vec![Promise {
            id: PromiseId(1),
            made_on: day("2026-04-14"),
            known_through: EntryId(21),
            amount: Cents::new(15_000),
            pay_by: day("2026-04-24"),
            grace_days: 1,
            canceled_on: None,
            taken_by: "D. Okafor".into(),
        }],
        arrangements: vec![ArrangementRecord { arrangement: plan, standing }],
        petitions: Vec::new(),
        proofs: Vec::new(),
        holds: vec![HoldRecord {
            hold: Hold {
                id: HoldId(1),
                kind: HoldKind::Dispute,
                from: day("2026-03-09"),
                through: None,
                ended_on: Some(day("2026-03-20")),
                items: BTreeSet::from([EntryId(4)]),
                stops_clock: false,
                reason: "Customer says the February reading is too high".into(),
                placed_by: "D. Okafor".into(),
                placed_on: day("2026-03-09"),
                estate: None,
            },
            outcome: Some("Denied: the meter was tested and reads true".into()),
        }],
        field_orders: vec![shut_off()],
        events: Vec::new(),
        history: history(),
        checks: Vec::new(),
        exception: None,
        two_fees: Vec::new(),
        limitation_override: None,
        entries,
    }
}

/// The ledger with one more entry, and the books that follow.
pub fn with_entry(mut input: PacketInput, entry: Entry) -> PacketInput {
    input.entries.push(entry);
    settle_again(input)
}

/// The books anew, after the ledger or the cut-off was changed.
pub fn settle_again(mut input: PacketInput) -> PacketInput {
    let plans: Vec<_> = input.arrangements.iter().map(|record| record.arrangement.span()).collect();
    input.books = settle(&input.entries, &ApplicationOrder::default(), &plans, input.cut_off);
    input
}

pub fn entry(id: i64, service: Service, kind: EntryKind, cents: i64, on: &str, due: Option<&str>) -> Entry {
    let recorded = day(on).and_time(NaiveTime::from_hms_opt(18, 30, 0).unwrap());
    Entry {
        id: EntryId(id),
        account: ACCOUNT,
        service,
        kind,
        amount: Cents::new(cents),
        effective_on: day(on),
        due_on: due.map(day),
        printed: BTreeMap::new(),
        designated_item: None,
        designated_service: None,
        reverses: None,
        channel: (kind == EntryKind::Payment).then_some(PaymentChannel::Lockbox),
        source: "cis".into(),
        reference: format!("R-{id:04}"),
        memo: String::new(),
        recorded_at: Utc.from_utc_datetime(&recorded),
    }
}

fn ledger() -> Vec<Entry> {
    use EntryKind::{Charge, Fee, Payment, Reversal};
    use Service::{General, Refuse, Sewer, Water};
    let mut entries = vec![entry(1, Water, Payment, -2_000, "2026-01-05", None)];
    let bills = [
        ("2026-02-02", "2026-02-23", "2026-01-01", "2026-01-31", [8_412, 4_150, 2_835]),
        ("2026-03-02", "2026-03-23", "2026-02-01", "2026-02-28", [13_377, 4_150, 2_835]),
        ("2026-04-01", "2026-04-22", "2026-03-01", "2026-03-31", [9_068, 4_150, 2_835]),
        ("2026-05-01", "2026-05-22", "2026-04-01", "2026-04-30", [9_925, 4_150, 2_835]),
        ("2026-06-01", "2026-06-22", "2026-05-01", "2026-05-31", [10_240, 4_150, 2_835]),
        ("2026-07-01", "2026-07-22", "2026-06-01", "2026-06-30", [3_105, 1_660, 1_134]),
    ];
    let mut id = 1;
    for (billed, due, from, through, amounts) in bills {
        for (service, cents) in [Water, Sewer, Refuse].into_iter().zip(amounts) {
            id += 1;
            let mut charge = entry(id, service, Charge, cents, billed, Some(due));
            charge.printed =
                BTreeMap::from([("service_from".into(), day(from)), ("service_through".into(), day(through))]);
            entries.push(charge);
        }
    }
    let mut late = entry(20, Water, Fee, 1_540, "2026-03-01", Some("2026-03-23"));
    late.source = "arrears".into();
    late.memo = "Late charge".into();
    let paid = entry(21, Water, Payment, -10_000, "2026-03-17", None);
    let mut check = entry(22, General, Payment, -25_000, "2026-05-29", None);
    check.memo = "Check 1187".into();
    let mut returned = entry(23, General, Reversal, 25_000, "2026-06-04", None);
    returned.reverses = Some(EntryId(22));
    returned.memo = "Check 1187 returned unpaid".into();
    let mut returned_fee = entry(24, General, Fee, 2_500, "2026-06-04", Some("2026-06-25"));
    returned_fee.source = "arrears".into();
    returned_fee.memo = "Returned payment".into();
    let mut lockbox = entry(25, Water, Payment, -31_725, "2026-06-15", None);
    // Received in time and learned two days later.
    lockbox.recorded_at = Utc.with_ymd_and_hms(2026, 6, 17, 17, 5, 0).unwrap();
    entries.extend([late, paid, check, returned, returned_fee, lockbox]);
    entries
}

fn city() -> City {
    City {
        name: "City of Riverbend".into(),
        department: "Utility Billing Division".into(),
        address: address("400 Levee Street", "95600"),
        phone: "5305550140".into(),
        state_name: "California".into(),
        custodian_name: "Marisol Vega".into(),
        custodian_title: "Lead Customer Service Representative".into(),
        time_zone: chrono_tz::America::Los_Angeles,
    }
}

fn address(line1: &str, zip: &str) -> Address {
    Address { line1: line1.into(), line2: String::new(), city: "Riverbend".into(), state: "CA".into(), zip: zip.into() }
}

fn profile() -> Profile {
    Profile {
        number: "1042-07".into(),
        customer_name: "Teresa Marchetti".into(),
        service_address: address("1216 Cottonwood Avenue, Unit B", "95602"),
        mailing_address: address("PO Box 319", "95601"),
        email: Some("t.marchetti@example.com".into()),
        phones: vec!["5305550171".into(), "5305550188".into()],
        language: Language::Spanish,
        class: CustomerClass::Residential,
        services: vec![Service::Water, Service::Sewer, Service::Refuse],
        owner: Some(Party { name: "Halvorsen Family Trust".into(), address: address("88 Orchard Lane", "95603") }),
        occupancy: Occupancy::Tenant,
        third_party: None,
        since: Some(day("2023-08-15")),
        ended: Some(day("2026-07-12")),
        attributes: BTreeMap::new(),
    }
}

fn referral() -> Referral {
    Referral {
        id: ReferralId(31),
        account: ACCOUNT,
        act_key: "17/1/legal/2/refer/1/-/0".into(),
        to: Destination::Attorney,
        state: ReferralState::Approved,
        proposed_on: day("2026-09-14"),
        amount: Cents::new(70_000),
        items: BTreeSet::new(),
        approved_by: Some("Marisol Vega".into()),
        approved_on: Some(day("2026-09-21")),
        placed_on: None,
        cause: None,
        limitation_override: None,
        placement: None,
    }
}

fn policy() -> PolicyBasis {
    PolicyBasis {
        hash: sha256(b"policy: riverbend").as_str().into(),
        title: "Delinquent utility accounts".into(),
        authority: "Riverbend Municipal Code 13.04".into(),
        effective_from: day("2026-01-01"),
        buckets: BucketLimits(vec![30, 60, 90, 120]),
        limitation_years: 4,
        limitation_citation: "Code of Civil Procedure 337(a)".into(),
        declaration_citation: "Evidence Code 1271 and 1561".into(),
        also_bars_referral: BTreeSet::new(),
        citations: vec![
            ("late.charge".into(), "Riverbend Municipal Code 13.04.080".into()),
            ("shut_off.final_notice".into(), "Health and Safety Code 116908; RMC 13.04.110".into()),
            ("shut_off.cut".into(), "RMC 13.04.120".into()),
            ("legal.refer".into(), "RMC 13.04.160".into()),
        ],
    }
}

fn arrangement() -> Arrangement {
    Arrangement {
        id: ArrangementId(1),
        made_on: day("2026-06-08"),
        known_through: EntryId(24),
        made_by: "Marisol Vega".into(),
        covers: (2..=13).chain([20]).map(EntryId).collect(),
        had_paid: None,
        installments: [("2026-06-15", 12_000), ("2026-07-15", 12_000), ("2026-08-14", 12_000)]
            .map(|(due, cents)| Installment { due_on: day(due), amount: Cents::new(cents) })
            .to_vec(),
        grace_days: 3,
        canceled_on: None,
        note: "Current bills to be kept as well.".into(),
        reversed: Reversed::default(),
        taken: None,
        overridden: None,
        reinstated: Vec::new(),
    }
}

fn calls() -> Vec<CallAttempt> {
    [
        ("2026-04-07", "10:12", "D. Okafor", CallOutcome::NoAnswer, ""),
        ("2026-04-09", "17:40", "D. Okafor", CallOutcome::LeftMessage, "In Spanish"),
        ("2026-04-14", "11:05", "D. Okafor", CallOutcome::Promise, "Will pay $150.00 by April 24"),
        ("2026-06-08", "09:30", "Marisol Vega", CallOutcome::Arrangement, "At her request; three installments"),
        ("2026-08-25", "14:20", "D. Okafor", CallOutcome::WrongNumber, ""),
    ]
    .map(|(made_on, at, by, outcome, note)| CallAttempt {
        call: CallId(5),
        account: ACCOUNT,
        made_on: day(made_on),
        at: at.into(),
        by: by.into(),
        outcome,
        phone: "5305550171".into(),
        note: note.into(),
    })
    .to_vec()
}

fn shut_off() -> FieldOrder {
    FieldOrder {
        id: OrderId(9),
        account: ACCOUNT,
        act_key: "17/1/shut_off/2/cut/1/water/0".into(),
        of: None,
        kind: OrderKind::ShutOff,
        service: Service::Water,
        state: OrderState::Done,
        for_day: day("2026-07-07"),
        amount: Cents::new(36_437),
        approved_by: Some("Marisol Vega".into()),
        approved_on: Some(day("2026-07-06")),
        finalized_by: Some("Marisol Vega".into()),
        finalized_on: Some(day("2026-07-07")),
        dispatched_on: None,
        done_on: Some(day("2026-07-07")),
        done_at: Some("10:20".into()),
        crew: Some("Crew 2".into()),
        note: "Premises being vacated".into(),
        instruction: None,
        cause: None,
    }
}

fn history() -> Vec<HistoryLine> {
    [
        ("2026-02-24", "Arrears", "Case 1 opened: $153.97 past due"),
        ("2026-03-09", "D. Okafor", "Dispute recorded on the bill of 2026-03-02"),
        ("2026-03-20", "Marisol Vega", "Dispute denied after meter test; customer told of the appeal"),
        ("2026-09-14", "Arrears", "Referral proposed: no payment in 90 days and service ended"),
        ("2026-09-21", "Marisol Vega", "Referral 31 approved"),
    ]
    .map(|(on, by, text)| HistoryLine { on: day(on), by: by.into(), text: text.into() })
    .to_vec()
}

fn notices() -> Vec<NoticeExhibit> {
    let mut reminder = notice(1, "reminder", Channel::Email, "2026-03-02", 13_397);
    reminder.state = NoticeState::Sent;
    reminder.email = Some("t.marchetti@example.com".into());
    reminder.statutory = false;
    reminder.served_on = None;
    let mut letter = notice(2, "final_notice", Channel::Mail, "2026-05-04", 36_437);
    letter.proof = Some("PS 3877 no. 4411".into());
    let mut occupant = notice(3, "final_notice", Channel::Mail, "2026-05-04", 36_437);
    occupant.recipient = Recipient::Occupant;
    occupant.addressee = "Occupant".into();
    occupant.address = profile().service_address;
    occupant.proof = Some("PS 3877 no. 4412".into());
    let mut returned = notice(4, "demand", Channel::Mail, "2026-08-17", 74_766);
    returned.state = NoticeState::Returned;
    returned.returned_on = Some(day("2026-08-27"));
    returned.served_on = None;
    let mut never_sent = notice(5, "demand", Channel::Mail, "2026-08-10", 74_766);
    never_sent.state = NoticeState::Voided;
    never_sent.mailed_on = None;
    [
        (reminder, MediaType::Email, "Subject: Your utility bill\r\n\r\nPlease pay.\r\n"),
        (letter, MediaType::Pdf, "%PDF final notice to the customer"),
        (occupant, MediaType::Pdf, "%PDF final notice to the occupant"),
        (returned, MediaType::Pdf, "%PDF demand"),
        (never_sent, MediaType::Pdf, "%PDF demand, voided"),
    ]
    .map(|(mut notice, media_type, text)| {
        let bytes = text.as_bytes().to_vec();
        notice.document = Some(sha256(&bytes));
        NoticeExhibit { notice, document: Some((media_type, bytes)) }
    })
    .into()
}

pub fn notice(id: i64, template: &str, channel: Channel, mailed: &str, cents: i64) -> Notice {
    Notice {
        id: NoticeId(id),
        account: ACCOUNT,
        act_key: format!("17/1/shut_off/2/{template}/1/-/0"),
        of: StageRef {
            case: 1,
            track: "shut_off".into(),
            anchor: EntryId(2),
            stage: StageId::from(template),
            round: 1,
        },
        arrangement: None,
        template: template.into(),
        channel,
        recipient: Recipient::Customer,
        addressee: "Teresa Marchetti".into(),
        address: profile().mailing_address,
        email: None,
        languages: vec![Language::Spanish, Language::English],
        statutory: true,
        deemed_days: 5,
        facts: NoticeFacts {
            items: vec![ListedItem {
                item: EntryId(2),
                service: Service::Water,
                kind: EntryKind::Charge,
                billed_on: day("2026-02-02"),
                due_on: day("2026-02-23"),
                open: Cents::new(cents),
            }],
            amount: Cents::new(cents),
            balance: Cents::new(cents),
            days_past_due: 60,
            pay_by: Some(day("2026-05-20")),
            shut_off_on: None,
            citation: "RMC 13.04.110".into(),
            deposit: None,
            reconnection: None,
            restores: None,
            agreed: None,
            ruled: None,
        },
        state: NoticeState::Mailed,
        planned_on: day(mailed),
        released_on: Some(day(mailed)),
        released_by: Some("Marisol Vega".into()),
        dated: Some(day(mailed)),
        document: None,
        batch: None,
        mailed_on: Some(day(mailed)),
        proof: None,
        served_on: Some(arrears::domain::day::plus_days(day(mailed), 5)),
        returned_on: None,
        cause: None,
    }
}
