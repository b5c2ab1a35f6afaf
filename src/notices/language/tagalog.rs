//! Tagalog.

use chrono::Datelike;

use super::{Labels, Words};
use crate::domain::ledger::EntryKind;
use crate::domain::{Day, Service};

pub(super) const WORDS: Words = Words { labels: LABELS, long, medium, service, kind, comma: ", ", and: " at " };

const LABELS: Labels = Labels {
    account: "Account",
    account_of: "Customer",
    service_address: "Address ng serbisyo",
    date: "Petsa",
    amount_due: "Halagang dapat bayaran",
    pay_by: "Magbayad hanggang",
    shut_off_on: "Maaaring putulin simula",
    service: "Serbisyo",
    kind: "Uri",
    billed: "Siningil noong",
    due: "Takdang araw",
    amount: "Hindi pa bayad",
    total: "Kabuuang lampas na sa takda",
    reconnection: "Bayad sa muling pagkakabit",
    deposit_applied: "Nailapat na deposito; nabawas na ito sa mga halaga sa itaas",
    installment: "Hulog",
    online: "Online",
    by_mail: "Sa koreo",
    in_person: "Personal",
    by_phone: "Sa telepono",
    payable_to: "Ipangalan ang tseke sa",
    detach: "Putulin dito at ibalik ang bahaging ito kasama ang bayad",
    enclosed: "Halagang kalakip",
    write_account: "Pakisulat sa tseke ang numero ng inyong account.",
    page: "Pahina",
    of: "ng",
    follows: "May kasunod na Tagalog ang paunawang ito.",
    automatic: "Natanggap ninyo ang mensaheng ito dahil mayroon kayong account sa amin. Maaari kayong tumugon dito upang makipag-ugnayan sa aming opisina.",
};

fn long(day: Day) -> String {
    format!("{}, {}", DAYS[day.weekday().num_days_from_monday() as usize], medium(day))
}

fn medium(day: Day) -> String {
    format!("{} {}, {}", MONTHS[day.month0() as usize], day.day(), day.year())
}

const fn service(service: Service) -> &'static str {
    match service {
        Service::Water => "tubig",
        Service::Sewer => "alkantarilya",
        Service::Refuse => "pangongolekta ng basura",
        Service::Electric => "kuryente",
        Service::Gas => "gas",
        Service::Stormwater => "daluyan ng tubig-ulan",
        Service::Irrigation => "patubig",
        Service::General => "mga singil ng account",
    }
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Charge => "Bill",
        EntryKind::Fee => "Bayarin",
        EntryKind::Interest => "Tubo",
        EntryKind::Payment => "Bayad",
        EntryKind::Adjustment => "Pagsasaayos",
        EntryKind::Deposit => "Deposito",
        EntryKind::Transfer => "Paglilipat",
        EntryKind::Reversal => "Pagbawi",
        EntryKind::WriteOff => "Pagtanggal ng utang",
    }
}

const DAYS: [&str; 7] = ["Lunes", "Martes", "Miyerkules", "Huwebes", "Biyernes", "Sabado", "Linggo"];
const MONTHS: [&str; 12] = [
    "Enero",
    "Pebrero",
    "Marso",
    "Abril",
    "Mayo",
    "Hunyo",
    "Hulyo",
    "Agosto",
    "Setyembre",
    "Oktubre",
    "Nobyembre",
    "Disyembre",
];
