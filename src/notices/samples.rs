//! One made-up account and its notices: for proofs of wordings, and for the tests of this room.

use std::collections::BTreeMap;

use crate::domain::account::Party;
use crate::domain::action::ReconnectionLimits;
use crate::domain::case::StageRef;
use crate::domain::day::parse;
use crate::domain::dispute::Side;
use crate::domain::ledger::EntryKind;
use crate::domain::notice::{ListedItem, NewNotice, Notice, NoticeFacts, Ruled};
use crate::domain::{
    AccountId, ActKey, Address, Cents, Channel, CustomerClass, Day, DisputeId, EntryId, Language, NoticeId, Occupancy,
    Profile, Recipient, Service,
};

pub(crate) fn day(text: &str) -> Day {
    parse(text).unwrap_or_default()
}

fn address(line1: &str) -> Address {
    Address {
        line1: line1.into(),
        city: "Riverbend".into(),
        state: "CA".into(),
        zip: "95600".into(),
        ..Address::default()
    }
}

/// María Núñez rents out 418 Alder Court and gets her mail at 77 Orchard Lane.
pub(crate) fn profile() -> Profile {
    Profile {
        number: "10-04417".into(),
        customer_name: "María Núñez".into(),
        service_address: address("418 Alder Court"),
        mailing_address: address("77 Orchard Lane, Unit 3"),
        email: Some("maria.nunez@mail.example".into()),
        phones: vec!["5305550188".into()],
        language: Language::Spanish,
        class: CustomerClass::Residential,
        services: vec![Service::Water, Service::Sewer, Service::Refuse],
        owner: None,
        occupancy: Occupancy::Tenant,
        third_party: Some(Party { name: "Jorge Núñez".into(), address: address("5 Ferry Street") }),
        since: None,
        ended: None,
        attributes: BTreeMap::new(),
    }
}

pub(crate) fn facts() -> NoticeFacts {
    let item = |id, service, kind, billed: &str, due: &str, cents| ListedItem {
        item: EntryId(id),
        service,
        kind,
        billed_on: day(billed),
        due_on: day(due),
        open: Cents::new(cents),
    };
    NoticeFacts {
        items: vec![
            item(1, Service::Water, EntryKind::Charge, "2026-02-27", "2026-03-20", 11_842),
            item(2, Service::Sewer, EntryKind::Charge, "2026-02-27", "2026-03-20", 4_615),
            item(3, Service::Refuse, EntryKind::Charge, "2026-02-27", "2026-03-20", 2_280),
            item(4, Service::General, EntryKind::Fee, "2026-04-01", "2026-04-01", 1_500),
        ],
        amount: Cents::new(20_237),
        balance: Cents::new(38_912),
        days_past_due: 45,
        pay_by: Some(day("2026-05-20")),
        shut_off_on: Some(day("2026-05-27")),
        citation: "Riverbend Municipal Code 13.04.110".into(),
        deposit: None,
        reconnection: Some(ReconnectionLimits {
            in_hours: Cents::new(5_000),
            after_hours: Cents::new(15_000),
            of: 2021,
        }),
        restores: None,
        agreed: None,
        ruled: None,
    }
}

/// Makes them those of the letter on a ruling that took $20.00 off the water bill, and can be appealed.
pub(crate) fn tell_ruling(facts: &mut NoticeFacts) {
    (facts.pay_by, facts.shut_off_on, facts.reconnection) = (None, None, None);
    facts.items.retain(|item| item.service == Service::Water);
    facts.amount = facts.items.iter().map(|item| item.open).sum();
    facts.citation = "Health and Safety Code 116908(b), Public Utilities Code 10010".into();
    facts.ruled = Some(Box::new(Ruled {
        dispute: DisputeId(7),
        on_appeal: false,
        raised_on: day("2026-04-13"),
        disputed: "nobody lived there in February, and the bill is twice the usual".into(),
        side: Side::Customer,
        on: day("2026-05-04"),
        findings: "The meter was tested and reads right. A reading of January 30 was estimated too low, and $20.00 of \
                   the difference belongs to January's rate."
            .into(),
        credited: Cents::new(2_000),
        appeal_by: Some(day("2026-05-14")),
    }));
}

pub(crate) fn stage() -> StageRef {
    StageRef { case: 1, track: "shut_off".into(), anchor: EntryId(1), stage: "final_notice".into(), round: 1 }
}

/// A notice of that wording to the customer by the channel, dated May 4, 2026.
pub(crate) fn notice(template: &str, channel: Channel, languages: &[Language]) -> Notice {
    let profile = profile();
    NewNotice {
        key: ActKey { account: AccountId(17), of: stage(), service: None, n: 0 },
        template: template.into(),
        channel,
        recipient: Recipient::Customer,
        addressee: profile.customer_name,
        address: profile.mailing_address,
        email: profile.email,
        languages: languages.to_vec(),
        statutory: true,
        deemed_days: 5,
        facts: facts(),
        planned_on: day("2026-05-04"),
        needs_release: true,
    }
    .into_notice(NoticeId(4_711))
}
