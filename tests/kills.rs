//! The daemon is killed at twenty pseudo-random instants over some nights of a small city and started again each time:
//! what was done is what an undisturbed daemon does, nothing twice and nothing left out, and the doctor finds nothing.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};
use tempfile::TempDir;

/// The nights: reminders, final notices, payments in the inbox, calls, and shut-offs or what keeps them back.
const DAYS: [&str; 5] = ["2026-03-28", "2026-05-01", "2026-05-02", "2026-05-08", "2026-05-22"];
const KILLS_A_DAY: u64 = 4;
const ACCOUNTS: u32 = 24;
const PATIENCE: Duration = Duration::from_secs(90);

struct City {
    dir: TempDir,
    database: Option<String>,
}

/// Instants that look random and are the same in each run: Knuth's MMIX generator.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

impl City {
    fn new(database: Option<String>) -> Self {
        let city = Self { dir: TempDir::new().expect("a temporary directory"), database };
        fs::write(city.path().join("arrears.yaml"), "city: {name: City of Riverbend}\n").expect("a file");
        city.command("2026-03-02", &["rules", "adopt", "riverbend"]);
        city.command("2026-03-02", &["staff", "add", "L. Ortiz", "--role", "lead"]);
        city.command("2026-03-02", &["wordings", "sign", "--language", "es,zh,tl,vi,ko", "--note", "read"]);
        let (mut accounts, mut charges) = (
            "account,customer_name,service_address,service_city,service_state,service_zip,email,phone,services,occupancy\n"
                .to_owned(),
            "account,service,amount,billed_on,due_on,source,reference\n".to_owned(),
        );
        for n in 0..ACCOUNTS {
            // Every other one by email as well.
            let email = if n % 2 == 0 { format!("customer{n}@example.com") } else { String::new() };
            let _ = writeln!(
                accounts,
                "10-{n:06},Customer {n},{n} Alder St,Riverbend,CA,95600,{email},530555{n:04},water,owner"
            );
            let _ = writeln!(charges, "10-{n:06},water,{}.00,2026-03-02,2026-03-23,cis,B-{n}", 90 + n);
        }
        city.inbox("1-accounts.csv", &accounts);
        city.inbox("2-charges.csv", &charges);
        city
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn inbox(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path().join("inbox")).expect("the inbox");
        fs::write(self.path().join("inbox").join(name), text).expect("a file");
    }

    fn arrears(&self, today: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arrears"));
        command.env("ARREARS_DIR", self.path()).env("ARREARS_TODAY", today).env("ARREARS_BY", "L. Ortiz");
        command.env_remove("ARREARS_DATABASE");
        if let Some(database) = &self.database {
            command.env("ARREARS_DATABASE", database);
        }
        command
    }

    /// A command; whether it was refused in part is no matter here.
    fn command(&self, today: &str, args: &[&str]) -> String {
        let output = self.arrears(today).args(args).output().expect("the program runs");
        let code = output.status.code();
        assert!(code == Some(0) || code == Some(3), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn daemon(&self, today: &str) -> (Child, SocketAddr) {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let mut command = self.arrears(today);
        command.args(["run", "--log", "json", "--listen", &address.to_string()]);
        (command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the daemon starts"), address)
    }

    /// The day's work by a daemon that is left alone: the night, the files, the letters and emails. Gives how long it took.
    fn whole_day(&self, today: &str) -> Duration {
        let (mut child, address) = self.daemon(today);
        let began = Instant::now();
        while !self.is_done(today, address) {
            assert!(began.elapsed() < PATIENCE, "{today} is not over: {}", metrics(address).unwrap_or_default());
            assert!(child.try_wait().expect("its state").is_none(), "the daemon ended by itself");
            std::thread::sleep(Duration::from_millis(40));
        }
        let took = began.elapsed();
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
        assert!(asked.success() && child.wait().expect("its end").success());
        took
    }

    fn is_done(&self, today: &str, address: SocketAddr) -> bool {
        let Some(text) = metrics(address) else { return false };
        let date = format!("{today}T00:00:00Z").parse::<chrono::DateTime<chrono::Utc>>().expect("a date").timestamp();
        let inbox = fs::read_dir(self.path().join("inbox")).expect("the inbox");
        let files = inbox.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file())).count();
        text.contains(&format!("arrears_last_night_date_seconds {date}\n"))
            && !text.contains("state=\"ready\"")
            && files == 0
    }

    /// Starts the day's work and kills it at once after a while. Leases run out by the database's clock, which nobody waits
    /// for here.
    fn killed_after(&self, today: &str, wait: Duration) {
        let (mut child, _) = self.daemon(today);
        std::thread::sleep(wait);
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
        self.query("UPDATE outbox SET lease_until = 0");
        self.query("DELETE FROM lease");
    }

    /// What people do behind the night.
    fn people(&self, today: &str) {
        self.command(today, &["notices", "release", "--all"]);
        self.command(today, &["outbox"]);
        let batch = self.command(today, &["notices", "batch"]);
        if let Some(number) = batch.strip_prefix("Batch ").and_then(|rest| rest.split(':').next()) {
            self.command(today, &["notices", "mailed", "--batch", number, "--on", today, "--proof", "PS 3665"]);
        }
        // What the mailing changed is decided on the same day, as every five minutes.
        self.command(today, &["night", "--date", today]);
    }

    fn query(&self, statement: &str) -> Vec<String> {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let statement = AssertSqlSafe(statement.to_owned());
        runtime.block_on(async {
            if let Some(url) = &self.database {
                let mut connection = PgConnection::connect(url).await.expect("PostgreSQL");
                let rows = connection.fetch_all(sqlx::query(statement)).await.expect("the statement");
                rows.iter().map(|row| row.get::<String, _>(0)).collect()
            } else {
                let url = format!("sqlite:{}", self.path().join("arrears.db").display());
                let mut connection = SqliteConnection::connect(&url).await.expect("SQLite");
                let rows = connection.fetch_all(sqlx::query(statement)).await.expect("the statement");
                rows.iter().map(|row| row.get::<String, _>(0)).collect()
            }
        })
    }

    /// What was done, in an order of its own.
    fn done(&self) -> BTreeMap<&'static str, Vec<String>> {
        let number = "(SELECT number FROM account WHERE account.id = account_id)";
        let mut done = BTreeMap::new();
        let mut read = |what, select: String| {
            let mut lines = self.query(&select);
            lines.sort();
            assert!(!lines.is_empty(), "nothing of {what}");
            done.insert(what, lines);
        };
        read("notices", "SELECT act_key || ' ' || recipient || ' ' || channel || ' ' || state FROM notice".into());
        read("events", format!("SELECT {number} || ' ' || kind || ' ' || CAST(on_day AS TEXT) FROM event"));
        read(
            "entries",
            format!(
                "SELECT {number} || ' ' || source || ' ' || kind || ' ' || CAST(cents AS TEXT) || ' ' || CAST(effective_on AS TEXT) FROM entry"
            ),
        );
        read("open items", format!("SELECT {number} || ' ' || CAST(open_cents AS TEXT) FROM open_item"));
        read("calls", "SELECT act_key || ' ' || state FROM call".into());
        read(
            "cases",
            format!(
                "SELECT {number} || ' ' || CAST(cases_so_far AS TEXT) || ' ' || CASE WHEN body IS NULL THEN 'closed' ELSE 'open' END FROM case_state"
            ),
        );
        read("work", "SELECT kind || ' ' || state || ' ' || (SELECT act_key || channel || recipient FROM notice WHERE notice.id = subject) FROM outbox".into());
        // How often an account was looked at is no act; nor is that an email was about to leave, before the kill.
        read(
            "log",
            format!(
                "SELECT {number} || ' ' || what || ' ' || substr(CAST(recorded_at AS TEXT), 1, 10) FROM log WHERE account_id IS NOT NULL AND what NOT IN ('decision', 'email leaves')"
            ),
        );
        let mut mail: Vec<String> = fs::read_dir(self.path().join("mail"))
            .expect("mail/")
            .map(|entry| entry.expect("an email").file_name().to_string_lossy().into_owned())
            // A kill before the rename leaves a `.part`, which is no email, and which the next attempt does not touch.
            .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "eml"))
            .collect();
        mail.sort();
        done.insert("mail", mail);
        done
    }

    fn doctor(&self) -> Value {
        let output = self.arrears(DAYS[4]).args(["doctor", "--json"]).output().expect("the program runs");
        let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(0), "{said:#}");
        said
    }
}

fn count(lines: &[String], line: &str) -> usize {
    lines.iter().filter(|other| *other == line).count()
}

fn metrics(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// A third of the customers pay by lockbox on the third day.
fn payments() -> String {
    let mut text = "account,amount,received_on,channel,source,reference\n".to_owned();
    for n in (0..ACCOUNTS).step_by(3) {
        let _ = writeln!(text, "10-{n:06},{}.00,2026-05-02,lockbox,lockbox,LB-{n}", 90 + n);
    }
    text
}

fn lives(city: &City, mut kills: impl FnMut(&City, usize, &str)) -> Vec<Duration> {
    let mut took = Vec::new();
    for (n, today) in DAYS.iter().enumerate() {
        if n == 2 {
            city.inbox("payments.csv", &payments());
        }
        kills(city, n, today);
        took.push(city.whole_day(today));
        city.people(today);
    }
    took
}

fn killed_twenty_times_the_daemon_does_what_it_does_undisturbed(database: impl Fn() -> Option<String>) {
    let undisturbed = City::new(database());
    let took = lives(&undisturbed, |_, _, _| {});
    let killed = City::new(database());
    let mut chance = Chance(2026);
    let mut kills = 0;
    lives(&killed, |city, n, today| {
        for _ in 0..KILLS_A_DAY {
            let limit = u64::try_from(took[n].as_millis()).expect("milliseconds");
            city.killed_after(today, Duration::from_millis(chance.below(limit)));
            kills += 1;
        }
    });
    assert_eq!(kills, 20);
    let (expected, found) = (undisturbed.done(), killed.done());
    for (what, lines) in &expected {
        let without = |some: &[String], others: &[String]| -> Vec<String> {
            some.iter().filter(|line| count(some, line) > count(others, line)).cloned().collect()
        };
        let (missing, more) = (without(lines, &found[what]), without(&found[what], lines));
        assert!(missing.is_empty() && more.is_empty(), "{what}: left out {missing:#?}, done in excess {more:#?}");
    }
    undisturbed.doctor();
    killed.doctor();
}

#[test]
fn on_sqlite_a_daemon_killed_twenty_times_does_what_it_does_undisturbed() {
    killed_twenty_times_the_daemon_does_what_it_does_undisturbed(|| None);
}

#[test]
fn on_postgresql_a_daemon_killed_twenty_times_does_what_it_does_undisturbed() {
    killed_twenty_times_the_daemon_does_what_it_does_undisturbed(|| Some(common::postgres::new_database()));
}
