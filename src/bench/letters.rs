//! What a letter costs: the dearest thing that a night after a release does.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::config::CityProfile;
use crate::domain::case::StageRef;
use crate::domain::day::{parse, plus_days};
use crate::domain::notice::{ListedItem, NewNotice, NoticeFacts};
use crate::domain::{
    AccountId, ActKey, Cents, Channel, EntryId, EntryKind, Language, NoticeId, Profile, Recipient, Service,
};
use crate::notices::{Press, RenderError, Wordings, render};
use crate::typeset::Typesetter;

/// What setting them came to.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub letters: u32,
    pub bytes: usize,
    pub wall_ms: u128,
    pub letters_per_s: u64,
}

impl Measured {
    /// The last line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{} letters of {} KiB each on one core: {} letters/s, {} ms each",
            self.letters,
            self.bytes / 1024 / self.letters.max(1) as usize,
            self.letters_per_s,
            self.wall_ms / u128::from(self.letters.max(1)),
        )
    }
}

/// Sets that many final notices, a quarter of them in two languages, each to another customer.
///
/// # Errors
/// [`RenderError`], when the wording or the layout is at fault.
pub fn letters(count: u32) -> Result<Measured, RenderError> {
    let typesetter = Typesetter::new();
    let city = CityProfile::default();
    let wordings = Wordings::builtin().map_err(|cause| RenderError::Wording { notice: NoticeId(0), cause })?;
    let press = Press { typesetter: &typesetter, city: &city, wordings: &wordings };
    let dated = parse("2026-05-20").unwrap_or_default();
    let mut bytes = 0;
    let began = Instant::now();
    for n in 0..count {
        let profile = super::night::profile(n);
        let notice = notice(n, &profile).into_notice(NoticeId(i64::from(n) + 1));
        bytes += render(press, &notice, &profile, dated)?.bytes.len();
    }
    let wall = began.elapsed();
    let per_second = u128::from(count) * 1_000_000 / wall.max(Duration::from_micros(1)).as_micros();
    Ok(Measured {
        letters: count,
        bytes,
        wall_ms: wall.as_millis(),
        letters_per_s: u64::try_from(per_second).unwrap_or(u64::MAX),
    })
}

fn notice(n: u32, profile: &Profile) -> NewNotice {
    let due_on = plus_days(parse("2026-04-10").unwrap_or_default(), i64::from(n % 20));
    let cents = Cents::new(8_000 + i64::from(n % 5_000));
    let item = |id, service, open| ListedItem {
        item: EntryId(id),
        service,
        kind: EntryKind::Charge,
        billed_on: plus_days(due_on, -21),
        due_on,
        open,
    };
    let languages = if profile.language == Language::English {
        vec![Language::English]
    } else {
        vec![Language::English, profile.language]
    };
    NewNotice {
        key: ActKey {
            account: AccountId(i64::from(n) + 1),
            of: StageRef {
                case: 1,
                track: "shut_off".into(),
                anchor: EntryId(1),
                stage: "final_notice".into(),
                round: 1,
            },
            service: None,
            n: 0,
        },
        template: "final_notice".into(),
        channel: Channel::Mail,
        recipient: Recipient::Customer,
        addressee: profile.customer_name.clone(),
        address: profile.mailing_address.clone(),
        email: None,
        languages,
        statutory: true,
        deemed_days: 5,
        facts: NoticeFacts {
            items: vec![item(1, Service::Water, cents), item(2, Service::Sewer, Cents::new(4_615))],
            amount: cents + Cents::new(4_615),
            balance: cents + Cents::new(9_000),
            days_past_due: 45,
            pay_by: Some(plus_days(due_on, 60)),
            shut_off_on: Some(plus_days(due_on, 67)),
            citation: "Riverbend Municipal Code 13.04.110".into(),
            deposit: None,
            reconnection: None,
            restores: None,
            agreed: None,
            ruled: None,
        },
        planned_on: due_on,
        needs_release: true,
    }
}
