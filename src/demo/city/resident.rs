//! An account of the city and the person behind it: the record, how they pay, and how they are when they are called.
//!
//! Everything follows from the city's seed and the account's index, so that a million of them need no memory.

use std::collections::BTreeMap;

use chrono::Datelike;

use super::City;
use super::chance::Chance;
use super::names;
use crate::domain::account::words;
use crate::domain::day::plus_days;
use crate::domain::ledger::PaymentChannel;
use crate::domain::{AccountNumber, Address, CustomerClass, Day, Language, Occupancy, Party, Profile, Service};

words! {
    /// How an account pays. The files follow it by the calendar alone; they do not see what Arrears does.
    Behavior {
        OnTime = "on_time",
        /// Some days or weeks after the due date, but always.
        Late = "late",
        /// One to two and a half months behind, always.
        Chronic = "chronic",
        /// A part of each bill, and all of it now and then.
        Partial = "partial",
        /// On time until a day, then nothing more.
        StoppedPaying = "stopped_paying",
        /// Moved out, the last bills unpaid; letters come back.
        Vanished = "vanished",
        /// On time by check, of which one is returned, and made good weeks later.
        BouncedCheck = "bounced_check",
        /// Everything at once, when the oldest bill is about two months past due.
        PaysAfterFinalNotice = "pays_after_final_notice",
        /// Falls behind, asks for an arrangement, and keeps it.
        ArrangementKeeper = "arrangement_keeper",
        /// Falls behind, asks for an arrangement, and stops after the first installment.
        ArrangementBreaker = "arrangement_breaker",
    }
}

words! {
    /// What happens when the telephone rings.
    PhoneManner {
        Answers = "answers",
        /// Every other time.
        Sometimes = "sometimes",
        Voicemail = "voicemail",
        /// Somebody else's number.
        WrongNumber = "wrong_number",
    }
}

words! {
    /// What the person says in a conversation about the debt.
    Reply {
        PaysNow = "pays_now",
        Promises = "promises",
        AsksForArrangement = "asks_for_arrangement",
        Disputes = "disputes",
        ClaimsHardship = "claims_hardship",
        Refuses = "refuses",
        /// Speaks neither English nor Spanish.
        NeedsLanguageLine = "needs_language_line",
        OptsOut = "opts_out",
    }
}

/// How a person is, for whoever plays the city's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    pub behavior: Behavior,
    /// The day on which the behavior begins: the last bill is paid, the tenant moves out, the arrangement is asked for.
    pub turns_on: Option<Day>,
    pub phone: PhoneManner,
    pub reply: Reply,
    /// Whether a promise will be kept.
    pub keeps_word: bool,
    /// Whether letters to the mailing address come back.
    pub mail_returns: bool,
    /// Whether emails bounce.
    pub email_bounces: bool,
}

/// An account with its person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// From 0, in the order of the account numbers.
    pub index: u32,
    pub profile: Profile,
    pub persona: Persona,
    /// The billing cycle, 0 to 3.
    pub cycle: u32,
    /// The usual way of paying.
    pub channel: PaymentChannel,
    /// How much larger than a single household, in percent.
    pub size_percent: u32,
}

/// Topics of chance, so that a change to one leaves the others as they were.
const RECORD: u64 = 1;
const PERSON: u64 = 2;

impl Resident {
    /// The account number of an index.
    #[must_use]
    pub fn number(index: u32) -> AccountNumber {
        format!("{}-{index:06}", 10 + index % 4).into()
    }

    /// The account at `index` of the city.
    #[must_use]
    pub fn of(city: &City, index: u32) -> Self {
        let mut chance = Chance::new(city.seed, u64::from(index), RECORD);
        let class = chance.weighted(
            CustomerClass::Residential,
            &[
                (850, CustomerClass::Residential),
                (55, CustomerClass::MultiFamily),
                (80, CustomerClass::Commercial),
                (10, CustomerClass::Government),
                (5, CustomerClass::Irrigation),
            ],
        );
        let persona = persona(city, index, class);
        let mut profile = record(&mut chance, city.start.year(), index, class);
        if persona.behavior == Behavior::Vanished {
            profile.ended = persona.turns_on;
        }
        if profile.phones.is_empty() && persona.phone != PhoneManner::WrongNumber {
            profile.phones.push(names::phone(&mut chance));
        }
        let size_percent = match class {
            CustomerClass::Residential => chance.between(75, 150),
            CustomerClass::MultiFamily => chance.between(300, 900),
            CustomerClass::Commercial | CustomerClass::Industrial => chance.between(150, 700),
            CustomerClass::Government => chance.between(400, 1_500),
            CustomerClass::Irrigation => chance.between(200, 500),
        };
        let channel = channel(&mut chance, persona.behavior);
        Self { index, profile, persona, cycle: index % 4, channel, size_percent }
    }
}

fn record(chance: &mut Chance, year: i32, index: u32, class: CustomerClass) -> Profile {
    let (person, language) = names::person(chance);
    let occupancy = match class {
        CustomerClass::Residential => chance
            .weighted(Occupancy::Owner, &[(570, Occupancy::Owner), (400, Occupancy::Tenant), (30, Occupancy::Vacant)]),
        CustomerClass::MultiFamily => Occupancy::Tenant,
        CustomerClass::Commercial | CustomerClass::Industrial => {
            if chance.per_mille(400) {
                Occupancy::Owner
            } else {
                Occupancy::Tenant
            }
        }
        CustomerClass::Government | CustomerClass::Irrigation => Occupancy::Owner,
    };
    let is_home = class == CustomerClass::Residential;
    let service_address = names::premises(chance, index, is_home && occupancy == Occupancy::Tenant);
    let landlord = Party { name: (*chance.pick(names::LANDLORDS)).to_owned(), address: names::elsewhere(chance) };
    // Some landlords keep the account in their own name; then the people at the tap are not the customer.
    let is_landlords = occupancy == Occupancy::Tenant && (class == CustomerClass::MultiFamily || chance.per_mille(120));
    let customer_name = match class {
        _ if is_landlords => landlord.name.clone(),
        CustomerClass::Residential | CustomerClass::MultiFamily => person,
        CustomerClass::Commercial | CustomerClass::Industrial => names::firm(chance),
        CustomerClass::Government => names::office(chance),
        CustomerClass::Irrigation => format!("{} Homeowners Association", chance.pick(&["Heron Ridge", "Mill Creek"])),
    };
    let mailing_address = mailing(chance, &service_address, is_landlords.then_some(&landlord));
    let is_person = is_home && !is_landlords;
    let email = chance.per_mille(650).then(|| names::email(chance, &customer_name, index));
    let phones = phones(chance);
    let attributes = attributes(chance, index, class, is_person);
    let age: Option<u32> = attributes.get("customer.age").and_then(|age| age.parse().ok());
    let third_party = (age.is_some_and(|age| age >= 65) && chance.per_mille(150)).then(|| {
        let (name, _) = names::person(chance);
        Party { name, address: names::elsewhere(chance) }
    });
    let mut services = vec![Service::Water, Service::Sewer, Service::Refuse];
    if class == CustomerClass::Irrigation {
        services.truncate(1);
    } else if chance.per_mille(60) {
        services.retain(|service| *service != Service::Sewer);
    }
    Profile {
        number: Resident::number(index),
        customer_name,
        service_address,
        mailing_address,
        email,
        phones,
        language: if is_person { language } else { Language::English },
        class,
        services,
        owner: (occupancy == Occupancy::Tenant && !is_landlords).then_some(landlord),
        occupancy,
        third_party,
        since: Day::from_ymd_opt(
            year.saturating_sub_unsigned(chance.between(2, 35)).max(1970),
            chance.between(1, 12),
            chance.between(1, 28),
        ),
        ended: None,
        attributes,
    }
}

fn mailing(chance: &mut Chance, service_address: &Address, landlord: Option<&Party>) -> Address {
    match landlord {
        Some(landlord) => landlord.address.clone(),
        None if chance.per_mille(60) => names::box_address(chance),
        None if chance.per_mille(15) => names::elsewhere(chance),
        None => service_address.clone(),
    }
}

fn phones(chance: &mut Chance) -> Vec<String> {
    let count = chance.weighted(1, &[(60, 0), (640, 1), (300, 2)]);
    let mut phones: Vec<String> = Vec::new();
    for _ in 0..count {
        let phone = names::phone(chance);
        if !phones.contains(&phone) {
            phones.push(phone);
        }
    }
    phones
}

fn attributes(chance: &mut Chance, index: u32, class: CustomerClass, is_person: bool) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    let mut put = |name: &str, value: String| attributes.insert(name.to_owned(), value);
    put("parcel", format!("{:03}-{:03}-{:03}", 40 + index % 28, 10 * (1 + index / 28 % 90), 1 + index / 2_520));
    if is_person {
        put("customer.age", chance.between(21, 91).to_string());
        put("customer.low_income", if chance.per_mille(140) { "yes" } else { "no" }.to_owned());
    }
    put("premises.meter", (*chance.pick(&["5/8", "3/4", "1"])).to_owned());
    if class == CustomerClass::MultiFamily {
        put("premises.master_meter", "yes".to_owned());
        put("premises.units", chance.between(4, 60).to_string());
    }
    if chance.per_mille(12) {
        put("opt_out_calls", "yes".to_owned());
    }
    attributes
}

fn channel(chance: &mut Chance, behavior: Behavior) -> PaymentChannel {
    let by_hand = [(400, PaymentChannel::Lockbox), (400, PaymentChannel::Online), (200, PaymentChannel::Counter)];
    match behavior {
        Behavior::BouncedCheck => PaymentChannel::Lockbox,
        Behavior::OnTime if chance.per_mille(300) => PaymentChannel::Autopay,
        Behavior::OnTime
        | Behavior::Late
        | Behavior::Chronic
        | Behavior::Partial
        | Behavior::StoppedPaying
        | Behavior::Vanished
        | Behavior::PaysAfterFinalNotice
        | Behavior::ArrangementKeeper
        | Behavior::ArrangementBreaker => chance.weighted(PaymentChannel::Online, &by_hand),
    }
}

fn persona(city: &City, index: u32, class: CustomerClass) -> Persona {
    let mut chance = Chance::new(city.seed, u64::from(index), PERSON);
    let behavior = if class == CustomerClass::Government {
        Behavior::OnTime
    } else {
        chance.weighted(
            Behavior::OnTime,
            &[
                (680, Behavior::OnTime),
                (120, Behavior::Late),
                (45, Behavior::Chronic),
                (30, Behavior::Partial),
                (45, Behavior::StoppedPaying),
                (20, Behavior::Vanished),
                (15, Behavior::BouncedCheck),
                (25, Behavior::PaysAfterFinalNotice),
                (12, Behavior::ArrangementKeeper),
                (8, Behavior::ArrangementBreaker),
            ],
        )
    };
    let mut from_start = |low: i64, high: u32| plus_days(city.start, low + i64::from(chance.below(high)));
    let turns_on = match behavior {
        Behavior::StoppedPaying => Some(from_start(-330, 430)),
        Behavior::Vanished => Some(from_start(-240, 340)),
        Behavior::BouncedCheck => Some(from_start(0, 100)),
        Behavior::ArrangementKeeper | Behavior::ArrangementBreaker => Some(next_weekday(from_start(5, 95))),
        Behavior::OnTime | Behavior::Late | Behavior::Chronic | Behavior::Partial | Behavior::PaysAfterFinalNotice => {
            None
        }
    };
    let phone = phone_manner(&mut chance, behavior);
    let reply = reply(&mut chance, behavior);
    Persona {
        behavior,
        turns_on,
        phone,
        reply,
        keeps_word: chance.per_mille(if behavior == Behavior::StoppedPaying { 150 } else { 750 }),
        mail_returns: chance.per_mille(if behavior == Behavior::Vanished { 800 } else { 6 }),
        email_bounces: chance.per_mille(if behavior == Behavior::Vanished { 300 } else { 20 }),
    }
}

fn phone_manner(chance: &mut Chance, behavior: Behavior) -> PhoneManner {
    let [answers, sometimes, voicemail, wrong_number] = match behavior {
        Behavior::Vanished => [0, 10, 40, 50],
        Behavior::StoppedPaying => [15, 30, 45, 10],
        Behavior::ArrangementKeeper | Behavior::ArrangementBreaker => [80, 20, 0, 0],
        Behavior::OnTime
        | Behavior::Late
        | Behavior::Chronic
        | Behavior::Partial
        | Behavior::BouncedCheck
        | Behavior::PaysAfterFinalNotice => [40, 30, 26, 4],
    };
    chance.weighted(
        PhoneManner::Answers,
        &[
            (answers, PhoneManner::Answers),
            (sometimes, PhoneManner::Sometimes),
            (voicemail, PhoneManner::Voicemail),
            (wrong_number, PhoneManner::WrongNumber),
        ],
    )
}

fn reply(chance: &mut Chance, behavior: Behavior) -> Reply {
    let choices: &[(u32, Reply)] = match behavior {
        Behavior::ArrangementKeeper | Behavior::ArrangementBreaker => &[(1, Reply::AsksForArrangement)],
        Behavior::StoppedPaying | Behavior::Vanished => &[
            (35, Reply::Refuses),
            (30, Reply::Promises),
            (14, Reply::ClaimsHardship),
            (12, Reply::Disputes),
            (5, Reply::OptsOut),
            (4, Reply::NeedsLanguageLine),
        ],
        Behavior::OnTime
        | Behavior::Late
        | Behavior::Chronic
        | Behavior::Partial
        | Behavior::BouncedCheck
        | Behavior::PaysAfterFinalNotice => &[
            (45, Reply::Promises),
            (30, Reply::PaysNow),
            (8, Reply::ClaimsHardship),
            (7, Reply::Disputes),
            (6, Reply::NeedsLanguageLine),
            (4, Reply::OptsOut),
        ],
    };
    chance.weighted(Reply::Promises, choices)
}

/// The day itself, or the Monday after a weekend.
pub fn next_weekday(day: Day) -> Day {
    match day.weekday() {
        chrono::Weekday::Sat => plus_days(day, 2),
        chrono::Weekday::Sun => plus_days(day, 1),
        _ => day,
    }
}
