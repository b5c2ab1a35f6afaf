//! The words that stand around a wording: labels, dates, names of services. One table a language.

use chrono::Datelike;
use serde::Serialize;

use crate::domain::ledger::EntryKind;
use crate::domain::{Day, Language, Service};

/// The languages in which wordings are written, in the order in which a statutory notice prints them. The others that
/// the law names are added here with their wording.
pub const WRITTEN: &[Language] = &[Language::English, Language::Spanish];

/// The labels of letters and emails in one language.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Labels {
    pub account: &'static str,
    pub account_of: &'static str,
    pub service_address: &'static str,
    pub date: &'static str,
    pub amount_due: &'static str,
    pub pay_by: &'static str,
    pub shut_off_on: &'static str,
    pub service: &'static str,
    pub kind: &'static str,
    pub billed: &'static str,
    pub due: &'static str,
    pub amount: &'static str,
    pub total: &'static str,
    pub installment: &'static str,
    pub online: &'static str,
    pub by_mail: &'static str,
    pub in_person: &'static str,
    pub by_phone: &'static str,
    pub payable_to: &'static str,
    pub detach: &'static str,
    pub enclosed: &'static str,
    pub write_account: &'static str,
    pub page: &'static str,
    pub of: &'static str,
    /// Says, in this language, that it follows.
    pub follows: &'static str,
    pub automatic: &'static str,
}

const ENGLISH: Labels = Labels {
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

const SPANISH: Labels = Labels {
    account: "Cuenta",
    account_of: "Cliente",
    service_address: "Dirección del servicio",
    date: "Fecha",
    amount_due: "Importe a pagar",
    pay_by: "Fecha límite de pago",
    shut_off_on: "Corte posible desde",
    service: "Servicio",
    kind: "Concepto",
    billed: "Facturado",
    due: "Vencimiento",
    amount: "Sin pagar",
    total: "Total vencido",
    installment: "Cuota",
    online: "Por internet",
    by_mail: "Por correo",
    in_person: "En persona",
    by_phone: "Por teléfono",
    payable_to: "Haga el cheque a nombre de",
    detach: "Recorte aquí y devuelva esta parte con su pago",
    enclosed: "Importe adjunto",
    write_account: "Escriba su número de cuenta en el cheque.",
    page: "Página",
    of: "de",
    follows: "Este aviso continúa en español.",
    automatic: "Usted recibe este mensaje porque tiene una cuenta con nosotros. Puede responder a él para comunicarse con nuestra oficina.",
};

/// The labels in `language`; English where there are none.
#[must_use]
pub const fn labels(language: Language) -> &'static Labels {
    match language {
        Language::Spanish => &SPANISH,
        Language::English | Language::Chinese | Language::Tagalog | Language::Vietnamese | Language::Korean => &ENGLISH,
    }
}

/// A day as a sentence says it: `Friday, May 22, 2026`, `viernes 22 de mayo de 2026`.
#[must_use]
pub fn long_date(day: Day, language: Language) -> String {
    match language {
        Language::Spanish => format!(
            "{} {} de {} de {}",
            SPANISH_DAYS[day.weekday().num_days_from_monday() as usize],
            day.day(),
            SPANISH_MONTHS[day.month0() as usize],
            day.year()
        ),
        Language::English | Language::Chinese | Language::Tagalog | Language::Vietnamese | Language::Korean => {
            crate::domain::day::long(day)
        }
    }
}

/// A day as a table says it: `May 22, 2026`, `22 de mayo de 2026`.
#[must_use]
pub fn medium_date(day: Day, language: Language) -> String {
    match language {
        Language::Spanish => {
            format!("{} de {} de {}", day.day(), SPANISH_MONTHS[day.month0() as usize], day.year())
        }
        Language::English | Language::Chinese | Language::Tagalog | Language::Vietnamese | Language::Korean => {
            day.format("%B %-d, %Y").to_string()
        }
    }
}

const SPANISH_DAYS: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
const SPANISH_MONTHS: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// A service's name, in lower case as within a sentence.
#[must_use]
pub const fn service_name(service: Service, language: Language) -> &'static str {
    let spanish = matches!(language, Language::Spanish);
    match service {
        Service::Water if spanish => "agua",
        Service::Water => "water",
        Service::Sewer if spanish => "alcantarillado",
        Service::Sewer => "sewer",
        Service::Refuse if spanish => "recolección de basura",
        Service::Refuse => "refuse",
        Service::Electric if spanish => "electricidad",
        Service::Electric => "electricity",
        Service::Gas => "gas",
        Service::Stormwater if spanish => "drenaje pluvial",
        Service::Stormwater => "stormwater",
        Service::Irrigation if spanish => "riego",
        Service::Irrigation => "irrigation",
        Service::General if spanish => "cargos de la cuenta",
        Service::General => "account charges",
    }
}

/// What a debt is.
#[must_use]
pub const fn kind_name(kind: EntryKind, language: Language) -> &'static str {
    let spanish = matches!(language, Language::Spanish);
    match kind {
        EntryKind::Charge if spanish => "Factura",
        EntryKind::Charge => "Bill",
        EntryKind::Fee if spanish => "Cargo",
        EntryKind::Fee => "Fee",
        EntryKind::Interest if spanish => "Intereses",
        EntryKind::Interest => "Interest",
        EntryKind::Payment if spanish => "Pago",
        EntryKind::Payment => "Payment",
        EntryKind::Adjustment if spanish => "Ajuste",
        EntryKind::Adjustment => "Adjustment",
        EntryKind::Deposit if spanish => "Depósito",
        EntryKind::Deposit => "Deposit",
        EntryKind::Transfer if spanish => "Transferencia",
        EntryKind::Transfer => "Transfer",
        EntryKind::Reversal if spanish => "Reversión",
        EntryKind::Reversal => "Reversal",
        EntryKind::WriteOff if spanish => "Cancelación de deuda",
        EntryKind::WriteOff => "Write-off",
    }
}

/// `water, sewer and refuse`; `agua, alcantarillado y recolección de basura`.
#[must_use]
pub fn listed(words: &[&str], language: Language) -> String {
    let and = if language == Language::Spanish { "y" } else { "and" };
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}

/// The first letter in upper case.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;

    #[test]
    fn dates_are_written_as_each_language_writes_them() {
        let day = parse("2026-05-22").unwrap();
        assert_eq!(long_date(day, Language::English), "Friday, May 22, 2026");
        assert_eq!(long_date(day, Language::Spanish), "viernes 22 de mayo de 2026");
        assert_eq!(medium_date(parse("2026-01-01").unwrap(), Language::Spanish), "1 de enero de 2026");
    }

    #[test]
    fn services_are_listed_as_in_a_sentence() {
        assert_eq!(listed(&["water", "sewer", "refuse"], Language::English), "water, sewer and refuse");
        assert_eq!(listed(&["agua", "riego"], Language::Spanish), "agua y riego");
        assert_eq!(capitalized("agua"), "Agua");
    }
}
