//! A small city on Friday, June 5, 2026, made through the same files and acts as anyone's.

use std::path::Path;
use std::sync::Arc;

use arrears::clock::SetClock;
use arrears::domain::day::{parse, plus_days};
use arrears::domain::{Day, Language, Role};
use arrears::notices::Mailer;
use arrears::office::{IfLate, Office, Taken};
use arrears::store::StaffMember;
use arrears::web::password;
use chrono::{NaiveTime, TimeZone};
use tempfile::TempDir;

/// Everyone's password here.
pub const PASSWORD: &str = "riverbend 2026";

const ACCOUNTS: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,phone,phone2,language,services,occupancy,customer.age
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,9165550142,9165550107,es,water;sewer;refuse,owner,71
10-000418,Curtis Hartley,420 Alder St,Riverbend,CA,95600,5305550118,,en,water;sewer,tenant,
10-000419,Mai Tran,77 Quarry Rd,Riverbend,CA,95600,5305550119,,vi,water,owner,
10-000420,O'Neill & <Sons>,9 Mill St,Riverbend,CA,95600,5305550120,,en,water;refuse,tenant,
";

const CHARGES: &str = "\
account,service,amount,billed_on,due_on,source,reference,memo
10-000417,water,161.40,2026-04-06,2026-04-27,cis,B-1-W,Water March
10-000417,sewer,41.20,2026-04-06,2026-04-27,cis,B-1-S,
10-000417,water,88.10,2026-05-06,2026-05-27,cis,B-2-W,Water April
10-000418,water,92.75,2026-04-24,2026-05-15,cis,B-3-W,
10-000418,sewer,38.00,2026-04-24,2026-05-15,cis,B-3-S,
10-000419,water,55.00,2026-05-20,2026-06-10,cis,B-4-W,
10-000420,water,1210.00,2026-04-24,2026-05-15,cis,B-5-W,
";

const PAYMENTS: &str = "\
account,amount,received_on,channel,source,reference,memo
10-000417,20.00,2026-05-04,counter,counter,C-1,
99-000000,75.00,2026-05-29,lockbox,lockbox,LB-1,Check 1187
";

/// The day on which the tests look.
pub fn friday() -> Day {
    parse("2026-06-05").unwrap()
}

/// The office with its folder; the folder goes when this goes.
pub struct City {
    pub office: Arc<Office>,
    clock: Arc<SetClock>,
    dir: TempDir,
}

impl City {
    /// Lives through the days to `last`: the run, the outbox, the print batch and the call list of each.
    pub async fn live_to(&self, last: Day) {
        let mailer = Mailer::Folder(self.dir.path().join("mail"));
        let mut day = self.office.today();
        while day <= last {
            self.clock.set(morning(day));
            self.office.run_day(day, None).await.unwrap();
            self.office.build_call_list(day).await.unwrap();
            self.office.work_outbox(&mailer).await.unwrap();
            if let Some(made) = self.office.make_batch("Ruth").await.unwrap().made {
                self.office.mark_batch_mailed(made.batch, day, IfLate::Void, "PS 3600", "Ruth").await.unwrap();
            }
            day = plus_days(day, 1);
        }
    }
}

/// Imports the files, lives through the days from May 1, and adds the staff.
pub async fn city() -> City {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("arrears.yaml"), "city: {name: City of Riverbend}\n").unwrap();
    let clock = Arc::new(SetClock::new(morning(parse("2026-05-01").unwrap())));
    let office = Office::open(dir.path(), None, clock.clone()).await.unwrap();
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/riverbend.yaml");
    office.adopt_policy(&policy, None, "Ruth").await.unwrap();
    office.sign_wordings(None, Language::ALL, "read by the city's translators", "Ruth").await.unwrap();
    for (name, text) in [("accounts.csv", ACCOUNTS), ("charges.csv", CHARGES), ("payments.csv", PAYMENTS)] {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let taken = office.import(&path, "Ruth").await.unwrap();
        assert!(matches!(taken, Taken::Done { .. }), "{name}: {taken:?}");
    }
    for (n, (name, role, capacity)) in
        [("Ruth", Role::Lead, 0), ("Omar", Role::Representative, 40), ("Ana", Role::Auditor, 0)].into_iter().enumerate()
    {
        let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity };
        let hash = password::hash(PASSWORD, [u8::try_from(n).unwrap(); 16]).unwrap();
        office.store.put_staff(&member, Some(&hash), &office.stamp("setup")).await.unwrap();
    }
    let city = City { office: Arc::new(office), clock, dir };
    city.live_to(friday()).await;
    city
}

/// Half past nine in Riverbend.
fn morning(day: Day) -> chrono::DateTime<chrono::Utc> {
    let local = day.and_time(NaiveTime::from_hms_opt(9, 30, 0).unwrap());
    chrono_tz::America::Los_Angeles.from_local_datetime(&local).unwrap().to_utc()
}
