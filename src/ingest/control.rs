//! Control records: a channel's count and total, and the day through which its payments are complete.
//!
//! `#control,lockbox,2026-05-20,3,462.40` says that the file has three lockbox payments of $462.40 together, and that
//! with it every lockbox payment received through May 20 is loaded. A day without payments is `0,0.00`.

use std::collections::BTreeMap;

use csv::ByteRecord;

use super::columns::{Form, is_blank};
use super::errors::{Expectation, FileErrors, Problem};
use super::forms::{CHANNEL, DATE};
use crate::domain::import::NewEntry;
use crate::domain::ledger::PaymentChannel;
use crate::domain::{Cents, Day};

/// The control records of a file.
#[derive(Default)]
pub struct Controls {
    records: BTreeMap<PaymentChannel, Control>,
}

struct Control {
    line: u32,
    loaded_through: Day,
    count: u64,
    total: Cents,
}

static COUNT: Form<u64> =
    Form { parse: |text| text.parse().ok(), expected: || "the number of payments".to_owned(), words: Vec::new };
static TOTAL: Form<Cents> = Form {
    parse: |text| text.parse().ok().filter(|total: &Cents| !total.is_negative()),
    expected: || "the sum of the payments".to_owned(),
    words: Vec::new,
};

/// Whether a row is a control record.
pub fn is_control(record: &ByteRecord) -> bool {
    record.get(0).is_some_and(|first| first.trim_ascii().eq_ignore_ascii_case(b"#control"))
}

impl Controls {
    /// Reads a control record. Blanks behind its five values, as a spreadsheet adds them, do not count.
    pub fn take(&mut self, line: u32, record: &ByteRecord, errors: &mut FileErrors) {
        let value = |at: usize| String::from_utf8_lossy(record.get(at).unwrap_or_default()).trim().to_owned();
        if record.len() < 5 || !record.iter().skip(5).all(is_blank) {
            errors.add(line, None, None, Problem::ControlShape);
            return;
        }
        let channel = parsed(&CHANNEL, "channel", &value(1), "lockbox", line, errors);
        let loaded_through = parsed(&DATE, "loaded through", &value(2), "2026-05-20", line, errors);
        let count = parsed(&COUNT, "count", &value(3), "3", line, errors);
        let total = parsed(&TOTAL, "total", &value(4), "462.40", line, errors);
        let (Some(channel), Some(loaded_through), Some(count), Some(total)) = (channel, loaded_through, count, total)
        else {
            return;
        };
        if let Some(first) = self.records.get(&channel) {
            let problem = Problem::ControlTwice { channel: channel.to_string(), first_line: first.line };
            errors.add(line, None, None, problem);
            return;
        }
        self.records.insert(channel, Control { line, loaded_through, count, total });
    }

    /// Compares counts and totals with the payments of the whole file.
    pub fn check(&self, payments: &[NewEntry], errors: &mut FileErrors) {
        for (&channel, control) in &self.records {
            let of_channel = || payments.iter().filter(|payment| payment.channel == Some(channel));
            let count = of_channel().count() as u64;
            if count != control.count {
                let problem = Problem::ControlCount { channel: channel.to_string(), said: control.count, found: count };
                errors.add(control.line, None, None, problem);
            }
            // Wide enough for any file: the sum of amounts that are each in range.
            let total: i128 = of_channel().map(|payment| -i128::from(payment.amount.get())).sum();
            if total != i128::from(control.total.get()) {
                let found = i64::try_from(total)
                    .map_or_else(|_| format!("{total} cents"), |cents| Cents::new(cents).to_string());
                let problem =
                    Problem::ControlTotal { channel: channel.to_string(), said: control.total.to_string(), found };
                errors.add(control.line, None, None, problem);
            }
        }
    }

    /// The channels' watermarks, in the order of the channels.
    pub fn loaded_through(&self) -> Vec<(PaymentChannel, Day)> {
        self.records.iter().map(|(&channel, control)| (channel, control.loaded_through)).collect()
    }
}

fn parsed<T>(form: &Form<T>, name: &str, text: &str, example: &str, line: u32, errors: &mut FileErrors) -> Option<T> {
    let value = (form.parse)(text);
    if value.is_none() {
        let expectation = Expectation { expected: (form.expected)(), example: example.to_owned() };
        errors.add(line, Some(name), Some(text), Problem::BadValue { expectation, nearest: None });
    }
    value
}
