//! The daemon by itself: files in, dates run once, pages up, a clean stop; on SQLite and on PostgreSQL.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arrears::domain::document::sha256;
use serde_json::Value;
use tempfile::TempDir;

const ACCOUNTS: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,email,phone,language,services,occupancy
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,rosa.munoz@example.com,(916) 555-0142,es,water,owner
";
const CHARGES: &str = "\
account,service,amount,billed_on,due_on,source,reference
10-000417,water,180.00,2026-03-02,2026-03-23,cis,B1-W
";
const PATIENCE: Duration = Duration::from_mins(1);

/// A city whose daemon is started and stopped.
struct City {
    dir: TempDir,
    database: Option<String>,
}

impl City {
    fn new(database: Option<String>) -> Self {
        let city = Self { dir: TempDir::new().expect("a temporary directory"), database };
        fs::write(city.path().join("arrears.yaml"), "city: {name: City of Riverbend}\n").expect("a file");
        city.command("2026-03-02", &["rules", "adopt", "riverbend", "--by", "L. Ortiz"]);
        let sign = ["wordings", "sign", "--language", "es,zh,tl,vi,ko", "--note", "read", "--by", "L. Ortiz"];
        city.command("2026-03-02", &sign);
        fs::create_dir_all(city.path().join("inbox")).expect("the inbox");
        city
    }

    fn path(&self) -> &Path {
        self.dir.path()
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

    fn command(&self, today: &str, args: &[&str]) -> String {
        // A trial says the date of a night twice: the machine's clock may not have come so far.
        let again: &[&str] = if args == ["night"] { &["--date", today] } else { &[] };
        let output = self.arrears(today).args(args).args(again).output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// A command that is to end with that code.
    fn fails(&self, today: &str, args: &[&str], code: i32) {
        let output = self.arrears(today).args(args).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn inbox(&self, name: &str, text: &str) {
        fs::write(self.path().join("inbox").join(name), text).expect("a file");
    }

    /// Starts the daemon on a day, waits until `done` holds, and stops it; gives its log lines.
    fn daemon(&self, today: &str, done: impl Fn(&Value) -> bool) -> Vec<Value> {
        let address = free_address();
        let mut child = self
            .arrears(today)
            .args(["run", "--log", "json", "--listen", &address.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let began = Instant::now();
        while !health(address).is_some_and(|health| done(&health)) {
            assert!(began.elapsed() < PATIENCE, "{}", stopped(child));
            assert!(child.try_wait().expect("its state").is_none(), "{}", stopped(child));
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = stopped(child);
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
    }
}

/// Asks the daemon to stop, as a system does; it must end well and soon. Gives its log.
fn stopped(mut child: Child) -> String {
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("its state") {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().expect("kill");
            panic!("the daemon did not stop within a minute");
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut log = String::new();
    child.stderr.take().expect("its log").read_to_string(&mut log).expect("UTF-8");
    assert!(!asked.success() || status.success(), "{status}: {log}");
    log
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

fn health(address: SocketAddr) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split("\r\n\r\n").nth(1)?).ok()
}

fn ran(log: &[Value]) -> Vec<&Value> {
    log.iter().filter(|line| line["message"] == "the date was run").collect()
}

fn the_daemon_takes_files_runs_each_date_once_and_makes_good_what_it_missed(database: Option<String>) {
    let city = City::new(database);
    city.inbox("accounts.csv", ACCOUNTS);
    city.inbox("charges.csv", CHARGES);
    city.inbox("broken.csv", "account,service,amount,billed_on,due_on,source,reference\n10-000417,watr,x,,,cis,B9\n");

    let log = city.daemon("2026-03-24", |health| health["last_run"] == "2026-03-24");
    assert_eq!(ran(&log).len(), 1);
    assert!(city.path().join("done/accounts.csv").exists() && city.path().join("done/charges.csv").exists());
    let report = fs::read_to_string(city.path().join("refused/broken.csv.report.txt")).expect("the report");
    assert!(report.contains("watr") && report.contains("water"), "{report}");
    assert_eq!(log.last().expect("a line")["message"], "the daemon has stopped");

    // Started again on the same day, it runs nothing twice.
    let log = city.daemon("2026-03-24", |health| health["last_run"] == "2026-03-24");
    assert!(ran(&log).is_empty());

    // Down for three days: the dates are on record, and the reminder that fell due meanwhile goes out once.
    let log = city.daemon("2026-03-28", |health| health["last_run"] == "2026-03-28");
    let missed: Vec<&Value> =
        log.iter().filter(|line| line["level"] == "WARN").filter_map(|line| line.get("day")).collect();
    assert_eq!(missed, ["2026-03-25", "2026-03-26", "2026-03-27"]);
    assert_eq!(ran(&log)[0]["notices"], 2, "the reminder by email and by mail");

    // What needed no release is rendered, and the email lies in the folder, for there is no mail server.
    let is_sent = || fs::read_dir(city.path().join("mail")).is_ok_and(|mut mail| mail.next().is_some());
    let log = city.daemon("2026-03-29", |health| health["last_run"] == "2026-03-29" && is_sent());
    assert_eq!(ran(&log)[0]["notices"], 0);
    assert_eq!(fs::read_dir(city.path().join("mail")).expect("mail/").count(), 1);
}

#[test]
fn on_sqlite_the_daemon_takes_files_runs_each_date_once_and_makes_good_what_it_missed() {
    the_daemon_takes_files_runs_each_date_once_and_makes_good_what_it_missed(None);
}

#[test]
fn on_postgresql_the_daemon_takes_files_runs_each_date_once_and_makes_good_what_it_missed() {
    the_daemon_takes_files_runs_each_date_once_and_makes_good_what_it_missed(Some(common::postgres::new_database()));
}

#[test]
fn a_list_that_was_recorded_and_not_written_is_written_when_the_daemon_starts() {
    let city = City::new(None);
    let (accounts, charges) = (city.path().join("accounts.csv"), city.path().join("charges.csv"));
    fs::write(&accounts, ACCOUNTS).expect("a file");
    fs::write(&charges, CHARGES).expect("a file");
    city.command("2026-03-02", &["import", accounts.to_str().expect("UTF-8"), charges.to_str().expect("UTF-8")]);
    // The demand is mailed in August; a month later the debt is the agency's.
    city.command("2026-08-21", &["night"]);
    for args in [&["notices", "release", "--all"][..], &["outbox"], &["notices", "batch"]] {
        city.command("2026-08-21", args);
    }
    city.command("2026-08-21", &["notices", "mailed", "--batch", "1", "--on", "2026-08-21", "--proof", "PS 3665"]);
    city.command("2026-09-22", &["night"]);
    city.command("2026-09-22", &["referrals", "approve", "1"]);

    // The folder cannot be made, as when the disk is full: the list is recorded and not written.
    let exports = city.path().join("exports");
    fs::write(&exports, "").expect("a file in its place");
    city.fails("2026-09-22", &["referrals", "export", "--to", "agency"], 1);
    fs::remove_file(&exports).expect("the folder's place");

    let list = exports.join("agency-2026-09-22-1.csv");
    city.daemon("2026-09-23", |_| list.exists());
    let text = fs::read_to_string(&list).expect("the list");
    assert!(text.contains("10-000417") && text.lines().count() == 2, "{text}");
    // It is the list of the day on which it was recorded, to the byte: its totals name its hash.
    let control = fs::read_to_string(exports.join("agency-2026-09-22-1.control.csv")).expect("the totals");
    assert!(control.contains(sha256(text.as_bytes()).as_str()), "{control}");
}
