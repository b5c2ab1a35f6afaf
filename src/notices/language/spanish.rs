//! Spanish.

use chrono::Datelike;

use super::{Labels, Words};
use crate::domain::ledger::EntryKind;
use crate::domain::{Day, Service};

pub(super) const WORDS: Words = Words { labels: LABELS, long, medium, service, kind, comma: ", ", and: " y " };

const LABELS: Labels = Labels {
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
    reconnection: "Cargo de reconexión",
    deposit_applied: "Depósito aplicado; ya está descontado de los importes de arriba",
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

fn long(day: Day) -> String {
    format!("{} {}", DAYS[day.weekday().num_days_from_monday() as usize], medium(day))
}

fn medium(day: Day) -> String {
    format!("{} de {} de {}", day.day(), MONTHS[day.month0() as usize], day.year())
}

const fn service(service: Service) -> &'static str {
    match service {
        Service::Water => "agua",
        Service::Sewer => "alcantarillado",
        Service::Refuse => "recolección de basura",
        Service::Electric => "electricidad",
        Service::Gas => "gas",
        Service::Stormwater => "drenaje pluvial",
        Service::Irrigation => "riego",
        Service::General => "cargos de la cuenta",
    }
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Charge => "Factura",
        EntryKind::Fee => "Cargo",
        EntryKind::Interest => "Intereses",
        EntryKind::Payment => "Pago",
        EntryKind::Adjustment => "Ajuste",
        EntryKind::Deposit => "Depósito",
        EntryKind::Transfer => "Transferencia",
        EntryKind::Reversal => "Reversión",
        EntryKind::WriteOff => "Cancelación de deuda",
    }
}

const DAYS: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
const MONTHS: [&str; 12] = [
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
