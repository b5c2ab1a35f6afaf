//! English.

use super::{Labels, Words};
use crate::domain::ledger::EntryKind;
use crate::domain::{Day, Service};

pub(super) const WORDS: Words = Words { labels: LABELS, long, medium, service, kind, comma: ", ", and: " and " };

const LABELS: Labels = Labels {
    account: "Account",
    account_of: "Customer",
    service_address: "Service address",
    date: "Date",
    amount_due: "Amount due",
    pay_by: "Pay by",
    shut_off_on: "Shut-off on or after",
    service: "Service",
    kind: "Type",
    billed: "Billed",
    due: "Due",
    amount: "Unpaid",
    total: "Total past due",
    reconnection: "Reconnection fee",
    deposit_applied: "Deposit applied; it is already taken off the amounts above",
    installment: "Installment",
    online: "Online",
    by_mail: "By mail",
    in_person: "In person",
    by_phone: "By phone",
    payable_to: "Make checks payable to",
    detach: "Detach here and return this part with your payment",
    enclosed: "Amount enclosed",
    write_account: "Please write your account number on your check.",
    page: "Page",
    of: "of",
    follows: "This notice continues in English.",
    automatic: "You receive this message because of your account with us. You may reply to it to reach our office.",
};

fn long(day: Day) -> String {
    crate::domain::day::long(day)
}

fn medium(day: Day) -> String {
    day.format("%B %-d, %Y").to_string()
}

const fn service(service: Service) -> &'static str {
    match service {
        Service::Water => "water",
        Service::Sewer => "sewer",
        Service::Refuse => "refuse",
        Service::Electric => "electricity",
        Service::Gas => "gas",
        Service::Stormwater => "stormwater",
        Service::Irrigation => "irrigation",
        Service::General => "account charges",
    }
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Charge => "Bill",
        EntryKind::Fee => "Fee",
        EntryKind::Interest => "Interest",
        EntryKind::Payment => "Payment",
        EntryKind::Adjustment => "Adjustment",
        EntryKind::Deposit => "Deposit",
        EntryKind::Transfer => "Transfer",
        EntryKind::Reversal => "Reversal",
        EntryKind::WriteOff => "Write-off",
    }
}
