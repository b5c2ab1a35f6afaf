//! The shut-offs of a year, month by month: what a city publishes and reports to the State Water Board (Health and Safety
//! Code 116918). Homes alone are counted in the number that is published; the others stand beside it.

use serde::Serialize;

use crate::domain::day::days_between;
use crate::domain::{AccountNumber, CustomerClass, Day, Service};

/// One shut-off that a crew did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub account: AccountNumber,
    pub class: CustomerClass,
    pub service: Service,
    pub on: Day,
    /// The day on which it was turned on again, where it was.
    pub restored_on: Option<Day>,
    /// The crew did it although the order had been canceled.
    pub without_leave: bool,
}

/// How many, of one month or of the year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Homes shut off because bills were not paid.
    pub residential: u64,
    /// Other customers shut off because bills were not paid.
    pub others: u64,
    /// Homes and others that a crew shut off by mistake, not among those.
    pub by_mistake: u64,
    /// Of the homes: turned on again on the same or the next day.
    pub restored_by_next_day: u64,
    /// Within a week.
    pub restored_within_week: u64,
    /// Later.
    pub restored_later: u64,
    /// Not turned on again by the day of the report.
    pub still_off: u64,
}

/// A month, `2026-05`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Month {
    pub month: String,
    #[serde(flatten)]
    pub counts: Counts,
}

/// The shut-offs of a service in a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShutOffs {
    pub year: i32,
    pub service: Service,
    /// The last day that is counted: the year's last, or the day of the report.
    pub through: Day,
    /// The number that is published and reported: homes shut off because bills were not paid.
    pub published: u64,
    /// The different homes among them.
    pub homes: u64,
    pub months: Vec<Month>,
    pub total: Counts,
}

impl ShutOffs {
    /// Counts the shut-offs of the service in the year, through the day.
    #[must_use]
    pub fn of(cuts: &[Cut], service: Service, year: i32, through: Day) -> Self {
        use chrono::Datelike;
        let counted = |cut: &&Cut| cut.service == service && cut.on.year() == year && cut.on <= through;
        let mut months: Vec<Month> =
            (1..=12).map(|n| Month { month: format!("{year}-{n:02}"), counts: Counts::default() }).collect();
        let mut total = Counts::default();
        let mut homes = std::collections::BTreeSet::new();
        for cut in cuts.iter().filter(counted) {
            let month = usize::try_from(cut.on.month0()).ok().and_then(|index| months.get_mut(index));
            for counts in month.map(|month| &mut month.counts).into_iter().chain([&mut total]) {
                counts.add(cut);
            }
            if is_home(cut.class) && !cut.without_leave {
                homes.insert(&cut.account);
            }
        }
        let homes = homes.len() as u64;
        Self { year, service, through, published: total.residential, homes, months, total }
    }

    /// For people: a line a month, the year below, and the number that is published.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut lines = vec![format!(
            "Shut-offs of {} in {} through {}\n\n{:<8}{:>9}{:>9}{:>13}{:>11}{:>10}{:>9}{:>11}",
            self.service,
            self.year,
            self.through,
            "Month",
            "Homes",
            "Others",
            "By mistake",
            "Next day",
            "In 7 days",
            "Later",
            "Still off"
        )];
        let line = |name: &str, counts: &Counts| {
            format!(
                "{name:<8}{:>9}{:>9}{:>13}{:>11}{:>10}{:>9}{:>11}",
                counts.residential,
                counts.others,
                counts.by_mistake,
                counts.restored_by_next_day,
                counts.restored_within_week,
                counts.restored_later,
                counts.still_off
            )
        };
        lines.extend(self.months.iter().map(|month| line(&month.month, &month.counts)));
        lines.push(line("Year", &self.total));
        lines.push(format!(
            "\nTo publish and to report: {} shut-offs of homes for unpaid bills, of {} homes (Health and Safety Code 116918).\nNext \
             day, in 7 days, later and still off are of the homes.",
            self.published, self.homes
        ));
        lines.join("\n")
    }

    /// As CSV: a row a month, and the year.
    ///
    /// # Errors
    /// When the CSV writer fails, which memory alone can cause.
    pub fn to_csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record([
            "month",
            "residential",
            "others",
            "by_mistake",
            "restored_by_next_day",
            "restored_within_week",
            "restored_later",
            "still_off",
        ])?;
        let year = self.year.to_string();
        let rows = self.months.iter().map(|month| (month.month.as_str(), &month.counts));
        for (name, counts) in rows.chain([(year.as_str(), &self.total)]) {
            let figures = [
                counts.residential,
                counts.others,
                counts.by_mistake,
                counts.restored_by_next_day,
                counts.restored_within_week,
                counts.restored_later,
                counts.still_off,
            ];
            writer.write_record(std::iter::once(name.to_owned()).chain(figures.map(|figure| figure.to_string())))?;
        }
        let bytes = writer.into_inner().map_err(|failed| csv::Error::from(failed.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Counts {
    fn add(&mut self, cut: &Cut) {
        if cut.without_leave {
            self.by_mistake += 1;
        } else if is_home(cut.class) {
            self.residential += 1;
            match cut.restored_on.map(|on| days_between(cut.on, on)) {
                None => self.still_off += 1,
                Some(days) if days <= 1 => self.restored_by_next_day += 1,
                Some(days) if days <= 7 => self.restored_within_week += 1,
                Some(_) => self.restored_later += 1,
            }
        } else {
            self.others += 1;
        }
    }
}

const fn is_home(class: CustomerClass) -> bool {
    match class {
        CustomerClass::Residential | CustomerClass::MultiFamily => true,
        CustomerClass::Commercial
        | CustomerClass::Industrial
        | CustomerClass::Government
        | CustomerClass::Irrigation => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;

    fn cut(account: &str, class: CustomerClass, on: &str, restored_on: Option<&str>) -> Cut {
        Cut {
            account: account.into(),
            class,
            service: Service::Water,
            on: parse(on).unwrap(),
            restored_on: restored_on.and_then(parse),
            without_leave: false,
        }
    }

    #[test]
    fn homes_are_published_and_a_shop_and_a_mistake_stand_beside_them() {
        use CustomerClass::{Commercial, MultiFamily, Residential};
        let mistake = Cut { without_leave: true, ..cut("10-3", Residential, "2026-05-22", Some("2026-05-22")) };
        let cuts = [
            cut("10-1", Residential, "2026-05-22", Some("2026-05-23")),
            cut("10-1", Residential, "2026-09-08", Some("2026-09-15")),
            cut("10-2", MultiFamily, "2026-05-29", None),
            cut("10-4", Commercial, "2026-05-22", None),
            mistake,
            cut("10-1", Residential, "2025-12-31", None),
            cut("10-5", Residential, "2026-12-01", None),
        ];
        let report = ShutOffs::of(&cuts, Service::Water, 2026, parse("2026-11-30").unwrap());
        assert_eq!((report.published, report.homes), (3, 2));
        let may = report.months[4].counts;
        assert_eq!((may.residential, may.others, may.by_mistake), (2, 1, 1));
        assert_eq!((may.restored_by_next_day, may.still_off), (1, 1));
        assert_eq!((report.total.restored_within_week, report.months[11].counts.residential), (1, 0));
        let csv = report.to_csv().unwrap();
        assert!(csv.lines().nth(5).unwrap().starts_with("2026-05,2,1,1,1,0,0,1"), "{csv}");
        assert_eq!(csv.lines().count(), 14);
        assert!(report.to_table().contains("To publish and to report: 3 shut-offs of homes"), "{}", report.to_table());
    }
}
