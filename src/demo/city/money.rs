//! What an account is billed and what it pays, by its behavior, from its history to the city's last day.

use chrono::Datelike;

use super::City;
use super::chance::Chance;
use super::resident::{Behavior, Resident, next_weekday};
use crate::domain::day::{days_between, plus_days, plus_months};
use crate::domain::ledger::PaymentChannel;
use crate::domain::{Cents, CustomerClass, Day, Service};

/// A bill: a charge for each service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    pub billed_on: Day,
    pub due_on: Day,
    pub lines: Vec<(Service, Cents)>,
    /// A leak adjustment, above zero, that takes from the water charge on a day.
    pub adjustment: Option<(Day, Cents)>,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub received_on: Day,
    pub amount: Cents,
    pub channel: PaymentChannel,
    /// From 1, in the account's life.
    pub number: usize,
    /// The day on which the bank returned it.
    pub returned_on: Option<Day>,
    /// Whether the bank read a wrong account number.
    pub is_misread: bool,
}

/// An account's money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money {
    pub bills: Vec<Bill>,
    pub payments: Vec<Payment>,
    pub plan: Option<PlannedArrangement>,
}

/// The arrangement that an account will ask for, and on which its payments in the files count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedArrangement {
    pub asked_on: Day,
    /// What is owed then without fees.
    pub owed: Cents,
    /// To be paid on the day on which it is asked for.
    pub down_payment: Cents,
    /// Due dates and amounts; together with the down payment they are what is owed.
    pub installments: Vec<(Day, Cents)>,
    /// Whether all of it will be paid.
    pub is_kept: bool,
}

const BILLS: u64 = 3;
const PAYMENTS: u64 = 4;
/// Days from a bill to its due date.
const DUE_DAYS: i64 = 21;
/// The day of the month on which each cycle is billed.
const CYCLE_DAYS: [u32; 4] = [3, 10, 17, 24];
/// Water use by month, in percent: lawns in summer.
const SEASON: [u32; 12] = [70, 70, 80, 95, 115, 135, 150, 150, 130, 105, 80, 70];

impl Money {
    /// All bills and payments of an account before the city's end.
    #[must_use]
    pub fn of(city: &City, resident: &Resident) -> Self {
        let bills = bills(city, resident);
        let mut chance = Chance::new(city.seed, u64::from(resident.index), PAYMENTS);
        let mut payer = Payer { resident, bills: &bills, chance: &mut chance, payments: Vec::new(), plan: None };
        payer.pay();
        let (mut payments, plan) = (payer.payments, payer.plan);
        payments.retain(|payment| payment.received_on < city.end());
        payments.sort_by_key(|payment| payment.received_on);
        for (index, payment) in payments.iter_mut().enumerate() {
            payment.number = index + 1;
            payment.returned_on = payment.returned_on.filter(|day| *day < city.end());
        }
        Self { bills, payments, plan: plan.filter(|plan| plan.asked_on < city.end()) }
    }
}

/// The first day of an account's history: long enough that its debts and the payments before them are all there.
fn history_from(city: &City, resident: &Resident) -> Day {
    let persona = &resident.persona;
    let before = |days: i64| plus_days(city.start, -days);
    match persona.behavior {
        Behavior::OnTime | Behavior::Late | Behavior::BouncedCheck => before(62),
        Behavior::Chronic | Behavior::Partial | Behavior::PaysAfterFinalNotice => before(180),
        Behavior::StoppedPaying | Behavior::Vanished | Behavior::ArrangementKeeper | Behavior::ArrangementBreaker => {
            plus_days(persona.turns_on.unwrap_or(city.start), -150).min(before(62))
        }
    }
}

fn bills(city: &City, resident: &Resident) -> Vec<Bill> {
    let mut chance = Chance::new(city.seed, u64::from(resident.index), BILLS);
    let from = history_from(city, resident);
    let ended = resident.profile.ended;
    let mut bills = Vec::new();
    let mut month = from.with_day(1).unwrap_or(from);
    while month < city.end() {
        let cycle_day = CYCLE_DAYS[resident.cycle as usize % CYCLE_DAYS.len()];
        let billed_on = next_weekday(month.with_day(cycle_day).unwrap_or(month));
        let month_index = month.month0() as usize;
        month = plus_months(month, 1);
        if billed_on < from || billed_on >= city.end() {
            continue;
        }
        // The bill after the end of service is the final one.
        if ended.is_some_and(|ended| days_between(ended, billed_on) > 31) {
            break;
        }
        let lines = lines(&mut chance, resident, SEASON[month_index]);
        let water = lines.first().map_or(Cents::ZERO, |(_, amount)| *amount);
        let has_leak = resident.persona.behavior == Behavior::OnTime && chance.per_mille(4);
        let adjustment = has_leak.then(|| (next_weekday(plus_days(billed_on, 4)), Cents::new(water.get() * 2 / 5)));
        bills.push(Bill { billed_on, due_on: plus_days(billed_on, DUE_DAYS), lines, adjustment });
    }
    bills
}

fn lines(chance: &mut Chance, resident: &Resident, season: u32) -> Vec<(Service, Cents)> {
    let size = i64::from(resident.size_percent);
    let use_cents = i64::from(chance.between(1_400, 4_600)) * i64::from(season) / 100;
    let is_home = resident.profile.class == CustomerClass::Residential;
    // A home pays the same for sewer and refuse whatever its size.
    let flat = |cents: i64| if is_home { cents } else { cents * size / 100 };
    resident
        .profile
        .services
        .iter()
        .map(|&service| {
            let cents = match service {
                Service::Water | Service::Irrigation => 2_850 + use_cents * size / 100,
                Service::Sewer => flat(4_120),
                Service::Refuse => flat(3_365),
                Service::Electric | Service::Gas | Service::Stormwater | Service::General => flat(1_000),
            };
            (service, Cents::new(cents))
        })
        .collect()
}

impl Bill {
    /// What is to be paid, after the adjustment.
    #[must_use]
    pub fn total(&self) -> Cents {
        let billed: Cents = self.lines.iter().map(|(_, amount)| *amount).sum();
        billed - self.adjustment.map_or(Cents::ZERO, |(_, amount)| amount)
    }
}

struct Payer<'a> {
    resident: &'a Resident,
    bills: &'a [Bill],
    chance: &'a mut Chance,
    payments: Vec<Payment>,
    plan: Option<PlannedArrangement>,
}

impl Payer<'_> {
    fn pay(&mut self) {
        let turns_on = self.resident.persona.turns_on.unwrap_or(crate::domain::day::LAST_DAY);
        match self.resident.persona.behavior {
            Behavior::OnTime => self.pay_bills(None, -9, 0),
            Behavior::Late => self.pay_bills(None, 3, 26),
            Behavior::Chronic => self.pay_bills(None, 30, 85),
            Behavior::Partial => self.pay_parts(),
            Behavior::StoppedPaying => self.pay_bills(Some(turns_on), -9, 0),
            // The last bills before the move are left unpaid as well.
            Behavior::Vanished => self.pay_bills(Some(plus_days(turns_on, -45)), -9, 4),
            Behavior::BouncedCheck => self.pay_with_a_bad_check(turns_on),
            Behavior::PaysAfterFinalNotice => self.pay_all_when_pressed(),
            Behavior::ArrangementKeeper => self.pay_by_arrangement(turns_on, true),
            Behavior::ArrangementBreaker => self.pay_by_arrangement(turns_on, false),
        }
    }

    /// Pays each bill that is billed before a day, so many days from its due date.
    fn pay_bills(&mut self, until: Option<Day>, earliest: i64, latest: i64) {
        for bill in self.bills.iter().filter(|bill| until.is_none_or(|until| bill.billed_on < until)) {
            let on = if self.resident.channel == PaymentChannel::Autopay {
                bill.due_on
            } else {
                self.day_near(bill.due_on, earliest, latest)
            };
            self.receive(on, bill.total());
        }
    }

    /// Two fifths to nine tenths of each bill; one month in five everything that is owed.
    fn pay_parts(&mut self) {
        for bill in self.bills {
            let on = self.day_near(bill.due_on, -5, 18);
            let amount = if self.chance.per_mille(200) {
                self.owed_on(on)
            } else {
                let share = i64::from(self.chance.between(8, 18));
                // People pay round amounts.
                Cents::new(bill.total().get() * share / 20 / 500 * 500)
            };
            self.receive(on, amount);
        }
    }

    /// The check for the first bill that is due after a day comes back, and is made good weeks later.
    fn pay_with_a_bad_check(&mut self, from: Day) {
        let mut has_bounced = false;
        for bill in self.bills {
            let on = self.day_near(bill.due_on, -9, 0);
            self.receive(on, bill.total());
            if !has_bounced && on >= from {
                has_bounced = true;
                let returned_on = next_weekday(plus_days(on, i64::from(self.chance.between(8, 14))));
                if let Some(payment) = self.payments.last_mut() {
                    payment.returned_on = Some(returned_on);
                    payment.is_misread = false;
                }
                let made_good_on = self.day_near(returned_on, 20, 45);
                self.receive(made_good_on, bill.total());
            }
        }
    }

    /// Everything that is owed, whenever the oldest unpaid bill is about two months past due.
    fn pay_all_when_pressed(&mut self) {
        let mut paid_through = None;
        for bill in self.bills {
            if paid_through.is_some_and(|day| bill.billed_on <= day) {
                continue;
            }
            let on = self.day_near(bill.due_on, 52, 76);
            let owed = self.owed_on(on);
            self.receive(on, owed);
            paid_through = Some(on);
        }
    }

    /// Nothing for three months; then a plan of a quarter down and four installments, with current bills beside it.
    fn pay_by_arrangement(&mut self, asked_on: Day, is_kept: bool) {
        self.pay_bills(Some(plus_days(asked_on, -95)), -9, 0);
        let owed = self.owed_on(asked_on);
        if !owed.is_positive() {
            return;
        }
        let down_payment = Cents::new(owed.get() / 4);
        let part = Cents::new((owed - down_payment).get() / 4);
        let last = owed - down_payment - part - part - part;
        let installments: Vec<(Day, Cents)> = (1..=4)
            .map(|month| (next_weekday(plus_months(asked_on, month)), if month == 4 { last } else { part }))
            .collect();
        self.receive(asked_on, down_payment);
        for (index, (due_on, amount)) in installments.iter().enumerate() {
            if is_kept || index == 0 {
                let on = self.day_near(*due_on, -4, -1);
                self.receive(on, *amount);
            }
        }
        if is_kept {
            for bill in self.bills.iter().filter(|bill| bill.billed_on > asked_on) {
                let on = self.day_near(bill.billed_on, 2, 6);
                self.receive(on, bill.total());
            }
        }
        self.plan = Some(PlannedArrangement { asked_on, owed, down_payment, installments, is_kept });
    }

    fn day_near(&mut self, day: Day, earliest: i64, latest: i64) -> Day {
        let span = u32::try_from(latest - earliest + 1).unwrap_or(1);
        plus_days(day, earliest + i64::from(self.chance.below(span)))
    }

    /// Bills less payments up to a day; returned ones do not count.
    fn owed_on(&self, day: Day) -> Cents {
        let billed: Cents = self.bills.iter().filter(|bill| bill.billed_on <= day).map(Bill::total).sum();
        let paid: Cents = self
            .payments
            .iter()
            .filter(|payment| payment.received_on <= day && payment.returned_on.is_none())
            .map(|payment| payment.amount)
            .sum();
        billed - paid
    }

    /// Takes a payment in; the lockbox and the counter are closed on weekends.
    fn receive(&mut self, on: Day, amount: Cents) {
        let channel = self.resident.channel;
        let received_on = match channel {
            PaymentChannel::Lockbox | PaymentChannel::Counter => next_weekday(on),
            PaymentChannel::Online | PaymentChannel::Autopay | PaymentChannel::Agency => on,
        };
        if amount.is_positive() {
            let is_misread = channel == PaymentChannel::Lockbox && self.chance.per_mille(3);
            self.payments.push(Payment { received_on, amount, channel, number: 0, returned_on: None, is_misread });
        }
    }
}
