//! The command line, through files and commands alone, on SQLite and on PostgreSQL.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrears::cli::{Cli, Exit};
use arrears::domain::document::sha256;
use clap::CommandFactory;
use serde_json::Value;
use tempfile::TempDir;

const ACCOUNTS: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,email,phone,language,services,occupancy
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,rosa.munoz@example.com,(916) 555-0142,es,water;sewer,owner
10-000418,Curtis Hartley,420 Alder St,Riverbend,CA,95600,,(916) 555-0143,,water,owner
";

const CHARGES: &str = "\
account,service,amount,billed_on,due_on,source,reference
10-000417,water,180.00,2026-03-02,2026-03-23,cis,B1-W
10-000417,sewer,44.20,2026-03-02,2026-03-23,cis,B1-S
10-000418,water,95.00,2026-03-02,2026-03-23,cis,B2-W
";

/// A date that no machine's clock has come to.
const FAR_AHEAD: &str = "2198-03-01";

/// A data directory, worked by commands.
struct City {
    dir: TempDir,
    database: Option<String>,
}

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    /// The output of a command that was to succeed.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// The error of a command that was to end with that code.
    #[track_caller]
    fn ends(self, exit: Exit) -> String {
        assert_eq!(self.code, i32::from(exit.code()), "{}{}", self.out, self.err);
        self.err
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }
}

impl City {
    /// Riverbend's policy is adopted, a lead and a representative are on the staff, two accounts owe a bill due March 23.
    fn new(database: Option<String>) -> Self {
        let city = Self { dir: TempDir::new().expect("a temporary directory"), database };
        fs::create_dir_all(city.data()).expect("a folder");
        fs::write(city.data().join("arrears.yaml"), "city: {name: City of Riverbend}\n").expect("a file");
        city.on("2026-03-02", &["rules", "adopt", "riverbend"]).ok();
        city.on("2026-03-02", &["staff", "add", "L. Ortiz", "--role", "lead"]).ok();
        let add = ["staff", "add", "M. Chen", "--role", "representative", "--capacity", "40", "--language", "es"];
        city.on("2026-03-02", &add).ok();
        let sign = ["wordings", "sign", "--language", "es,zh,tl,vi,ko", "--note", "read by the city's translators"];
        assert!(city.on("2026-03-02", &sign).ok().starts_with("40 translations are signed"));
        let (accounts, charges) = (city.file("accounts.csv", ACCOUNTS), city.file("charges.csv", CHARGES));
        let said = city.on("2026-03-02", &["import", &accounts, &charges]).ok();
        assert!(said.contains("3 rows, 3 new, 0 changed, 0 known already, $319.20 in all"), "{said}");
        city
    }

    fn sqlite() -> Self {
        Self::new(None)
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// Gives a command on a day, as L. Ortiz, the lead.
    fn on(&self, today: &str, args: &[&str]) -> Said {
        self.by("L. Ortiz", today, args)
    }

    /// Gives a command on a day, as someone.
    fn by(&self, name: &str, today: &str, args: &[&str]) -> Said {
        let mut command = arrears();
        command.env("ARREARS_DIR", self.data()).env("ARREARS_BY", name).env("ARREARS_TODAY", today);
        if let Some(database) = &self.database {
            command.env("ARREARS_DATABASE", database);
        }
        command.args(args);
        // A trial says the date of a night twice: the machine's clock may not have come so far.
        if args.first() == Some(&"night") && !args.contains(&"--date") && today < FAR_AHEAD {
            command.args(["--date", today]);
        }
        said(&mut command)
    }

    /// Runs a night, releases what it planned, and mails it on the same day.
    fn night_and_mail(&self, today: &str) {
        self.on(today, &["night"]).ok();
        self.on(today, &["notices", "release", "--all"]).ok();
        self.on(today, &["outbox"]).ok();
        let batch = self.on(today, &["notices", "batch"]).ok();
        let number = batch.trim_start_matches("Batch ").split(':').next().unwrap_or_default().to_owned();
        self.on(today, &["notices", "mailed", "--batch", &number, "--on", today, "--proof", "PS 3665"]).ok();
    }
}

/// The program, without the environment of whoever runs the tests.
fn arrears() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_arrears"));
    for name in ["ARREARS_DIR", "ARREARS_DATABASE", "ARREARS_BY", "ARREARS_TODAY"] {
        command.env_remove(name);
    }
    command
}

fn said(command: &mut assert_cmd::Command) -> Said {
    let output = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
}

/// Lives each story on both databases.
macro_rules! story {
    ($($name:ident)+) => {
        mod on_sqlite {$(
            #[test]
            fn $name() {
                super::$name(&super::City::new(None));
            }
        )+}
        mod on_postgres {$(
            #[test]
            fn $name() {
                super::$name(&super::City::new(Some(super::common::postgres::new_database())));
            }
        )+}
    };
}

story! {
    an_unpaid_bill_runs_from_the_reminder_to_the_crew_and_back
    a_payment_imported_after_the_night_cancels_what_was_pending
    a_refused_file_leaves_its_report_and_nothing_else
    a_date_far_ahead_refuses_its_file_and_a_near_one_is_told
    a_folder_among_the_files_is_told_and_the_rest_is_taken
    a_counter_payment_far_above_the_debt_is_asked_about_and_a_mistaken_one_is_voided
    a_late_fee_is_waived_when_a_second_person_approves
    an_old_debt_ends_in_a_packet
    a_list_for_the_agency_that_could_not_be_written_is_written_later_and_the_next_has_the_next_number
}

fn an_unpaid_bill_runs_from_the_reminder_to_the_crew_and_back(city: &City) {
    // March 28: the reminder goes out without release, by mail, and by email where there is an address.
    city.on("2026-03-28", &["night"]).ok();
    let reminders = city.on("2026-03-28", &["notices", "list", "--json"]).json();
    let channels: Vec<&str> = reminders.as_array().unwrap().iter().map(|n| n["channel"].as_str().unwrap()).collect();
    assert_eq!(channels, ["email", "mail", "mail"]);
    city.on("2026-03-28", &["outbox"]).ok();
    assert_eq!(fs::read_dir(city.data().join("mail")).unwrap().count(), 1);
    city.on("2026-03-28", &["notices", "batch"]).ok();
    let mailed = ["notices", "mailed", "--batch", "1", "--on", "2026-03-28", "--proof", "PS 3665"];
    city.on("2026-03-28", &mailed).ok();

    // May 1: the final notice waits for the lead, and is served five days after mailing.
    city.night_and_mail("2026-05-01");
    let notices = city.on("2026-05-01", &["notices", "list", "--account", "10-000417", "--json"]).json();
    let last = &notices[2];
    assert_eq!((last["template"].as_str(), last["state"].as_str()), (Some("final_notice"), Some("mailed")));
    assert_eq!(last["served_on"].as_str(), Some("2026-05-06"));
    let letter = city.dir.path().join("letter.pdf");
    city.on("2026-05-01", &["notices", "show", &last["id"].to_string(), "--out", letter.to_str().unwrap()]).ok();
    assert!(fs::read(&letter).unwrap().starts_with(b"%PDF"));

    // The case says what it waits for, with the ordinance, today and on a day past.
    let why = city.on("2026-05-02", &["why", "10-000417"]).ok();
    assert!(why.contains("waits until Fri 2026-05-08"), "{why}");
    assert!(why.contains("Riverbend Municipal Code 13.04.110(B)"), "{why}");
    let before = city.on("2026-05-01", &["why", "10-000417", "--on", "2026-03-20"]).ok();
    assert!(before.contains("No case is open"), "{before}");

    // May 8: the calls that the law asks for, with a visible score, worked by the representative.
    city.on("2026-05-08", &["night"]).ok();
    let calls = city.on("2026-05-08", &["calls", "list", "--json"]).json();
    let assigned: Vec<_> = calls.as_array().unwrap().iter().map(|call| call["assigned_to"].as_str()).collect();
    assert_eq!(assigned, [Some("M. Chen"), Some("M. Chen")]);
    city.on("2026-05-08", &["calls", "move", "2", "1"]).ok();
    city.on("2026-05-08", &["calls", "release"]).ok();
    let early = city.on("2026-05-08", &["calls", "record", "1", "reached", "--at", "06:30"]).ends(Exit::Refused);
    assert!(early.contains("08:00"), "{early}");
    let ahead = city.on("2026-05-08", &["calls", "record", "1", "reached", "--at", "12:01"]).ends(Exit::Refused);
    assert!(ahead.contains("a time of today that has come; it is 12:00"), "{ahead}");
    city.on("2026-05-08", &["calls", "record", "1", "reached", "--at", "09:15", "--note", "will see"]).ok();
    city.on("2026-05-08", &["calls", "record", "2", "reached", "--at", "09:30"]).ok();

    // May 22: shut-offs are prepared, approved, and not finalized while a channel is not loaded.
    city.on("2026-05-22", &["night"]).ok();
    let orders = city.on("2026-05-22", &["orders", "list", "--state", "prepared", "--json"]).json();
    assert_eq!(orders.as_array().unwrap().len(), 2);
    city.on("2026-05-22", &["orders", "approve", "1", "99"]).ends(Exit::NotFound);
    city.on("2026-05-22", &["orders", "approve", "1"]).ok();
    let refused = city.on("2026-05-22", &["orders", "finalize"]).ends(Exit::Refused);
    assert!(refused.contains("arrears payments none --channel lockbox --through 2026-05-21"), "{refused}");
    for channel in ["lockbox", "counter", "online", "autopay"] {
        city.on("2026-05-22", &["payments", "none", "--channel", channel, "--through", "2026-05-21"]).ok();
    }
    assert_eq!(city.on("2026-05-22", &["orders", "finalize"]).ok(), "1 shut-off is finalized\n");
    let twice = city.on("2026-05-22", &["orders", "approve", "1"]).ends(Exit::Refused);
    assert!(twice.contains("order 1: not approved: the shut_off is finalized"), "{twice}");
    city.on("2026-05-22", &["orders", "dispatch", "1", "--crew", "Crew 4"]).ok();
    city.on("2026-05-22", &["orders", "result", "1", "--done", "--at", "10:30"]).ok();
    let account = city.on("2026-05-22", &["account", "10-000417"]).ok();
    assert!(account.contains("Shut off         water"), "{account}");
    let off = city.on("2026-05-22", &["orders", "off", "--json"]).json();
    assert_eq!(off, serde_json::json!([{ "account_number": "10-000417", "service": "water", "since": "2026-05-22" }]));

    // The debt is paid at the counter: a restoration stands at once.
    let paid = city.on("2026-05-22", &["payments", "counter", "10-000417", "235.41", "--receipt", "R-1"]).ok();
    assert_eq!(paid, "$235.41 is posted to account 10-000417; its balance is $0.00\n");
    let orders = city.on("2026-05-22", &["orders", "list", "--json"]).json();
    let restore = orders.as_array().unwrap().iter().find(|order| order["kind"] == "restore").expect("a restoration");
    assert_eq!(restore["account_number"], "10-000417");

    // Everything bears a name in the log.
    let log = city.on("2026-05-22", &["log", "10-000417", "--json"]).json();
    let by = |what: &str| log.as_array().unwrap().iter().find(|line| line["what"] == what).map(|line| &line["actor"]);
    assert_eq!(by("notice released"), Some(&serde_json::json!({ "person": "L. Ortiz" })));
    assert_eq!(by("decision"), Some(&serde_json::json!("daemon")));
}

fn a_payment_imported_after_the_night_cancels_what_was_pending(city: &City) {
    city.on("2026-05-01", &["night"]).ok();
    let planned = city.on("2026-05-01", &["notices", "list", "--state", "planned", "--json"]).json();
    let of_hartley = planned.as_array().unwrap().iter().find(|n| n["account_number"] == "10-000418").unwrap();
    let id = of_hartley["id"].to_string();
    let payments = "account,amount,received_on,channel,source,reference\n\
                    10-000418,100.00,2026-04-30,lockbox,lockbox,LB-1\n\
                    10-999999,12.00,2026-04-30,lockbox,lockbox,LB-2\n";
    let said = city.on("2026-05-01", &["import", &city.file("payments.csv", payments)]).ok();
    assert!(said.contains("1 payment matches no account"), "{said}");

    let notice = city.on("2026-05-01", &["notices", "show", &id, "--json"]).json();
    assert_eq!(notice["state"], "canceled");
    let refused = city.on("2026-05-01", &["notices", "release", &id]).ends(Exit::Refused);
    assert!(refused.contains("it is canceled already"), "{refused}");

    let files = city.on("2026-05-01", &["imports", "--json"]).json();
    let taken: Vec<_> = files.as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(taken, ["payments.csv", "accounts.csv", "charges.csv"]);
    assert_eq!(files[0]["outcome"]["unmatched"], 1);

    // What matched no account waits for a person.
    let unmatched = city.on("2026-05-01", &["payments", "unmatched", "--json"]).json();
    let id = unmatched[0]["id"].to_string();
    city.on("2026-05-01", &["payments", "match", &id, "10-000417"]).ok();
    city.on("2026-05-01", &["payments", "reject", &id]).ends(Exit::Refused);
    assert_eq!(city.on("2026-05-01", &["payments", "unmatched"]).ok(), "Every payment matches an account.\n");
}

fn a_refused_file_leaves_its_report_and_nothing_else(city: &City) {
    let bad = city.file(
        "bad.csv",
        "account,amount,received_on,channel,source,reference\n10-000417,\"12,34\",2026-05-20,lokbox,lockbox,LB-1\n",
    );
    let charges = city.file("charges.csv", CHARGES);
    let said = city.on("2026-05-21", &["import", &charges, &bad]);
    assert!(said.out.contains("imported before, nothing is new"), "{}", said.out);
    let report = said.ends(Exit::Refused);
    assert!(report.contains("line 2, column amount: \"12,34\""), "{report}");
    assert!(report.contains("did you mean \"lockbox\"?"), "{report}");
    let kept = fs::read_to_string(city.data().join("refused/bad.csv.report.txt")).unwrap();
    assert!(report.contains(kept.trim()), "{kept}");
    let aging = city.on("2026-05-21", &["report", "aging", "--json"]).json();
    assert_eq!(aging["total"]["balance_cents"], 31_920);
    let exceptions = city.on("2026-05-21", &["exceptions", "list", "--json"]).json();
    assert_eq!(exceptions[0]["kind"], "file_refused");
    city.on("2026-05-21", &["exceptions", "clear", &exceptions[0]["id"].to_string()]).ok();
    assert_eq!(city.on("2026-05-21", &["exceptions", "list"]).ok(), "Nothing stands on the exceptions list.\n");
    city.on("2026-05-21", &["import", "nowhere.csv"]).ends(Exit::NotFound);
}

fn a_date_far_ahead_refuses_its_file_and_a_near_one_is_told(city: &City) {
    let payments = |name: &str, day: &str| {
        let head = "account,amount,received_on,channel,source,reference";
        city.file(name, &format!("{head}\n10-000418,40.00,{day},lockbox,lockbox,LB-{day}\n"))
    };
    // May 20, the year mistyped: refused, with the place and the last day that is taken.
    let report = city.on("2026-05-20", &["import", &payments("typo.csv", "2027-05-20")]).ends(Exit::Refused);
    assert!(report.contains("line 2, column received_on: \"2027-05-20\""), "{report}");
    assert!(report.contains("expected 2026-06-19 (30 days ahead) at the latest"), "{report}");
    // A check for June 1: taken and told, and it counts from June 1.
    let said = city.on("2026-05-20", &["import", &payments("checks.csv", "2026-06-01")]).ok();
    assert!(said.contains("checks.csv: 1 row is dated ahead, as far as Mon 2026-06-01 (line 2)"), "{said}");
    let exceptions = city.on("2026-05-20", &["exceptions", "list", "--json"]).json();
    let kinds: Vec<&str> = exceptions.as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["file_refused", "dated_ahead"]);
    let owed = |day: &str| city.on(day, &["report", "aging", "--json"]).json()["total"]["balance_cents"].clone();
    assert_eq!(owed("2026-05-20"), 31_920);

    // The city's own limit is in its configuration.
    fs::write(city.data().join("arrears.yaml"), "city: {name: City of Riverbend}\nimports: {payments_ahead_days: 0}\n")
        .unwrap();
    city.on("2026-05-20", &["import", &payments("tomorrow.csv", "2026-05-21")]).ends(Exit::Refused);
}

fn a_folder_among_the_files_is_told_and_the_rest_is_taken(city: &City) {
    let folder = city.dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let payments = "account,amount,received_on,channel,source,reference\n\
                    10-000418,95.00,2026-03-20,lockbox,lockbox,LB-1\n";
    let file = city.file("payments.csv", payments);
    let said = city.on("2026-03-24", &["import", folder.to_str().unwrap(), &file]);
    assert!(said.out.contains("1 row, 1 new"), "{}", said.out);
    assert!(said.ends(Exit::Refused).contains("it is a folder; name the files in it"));
}

fn a_counter_payment_far_above_the_debt_is_asked_about_and_a_mistaken_one_is_voided(city: &City) {
    let day = "2026-03-30";
    let pay = |amount: &'static str, receipt: &'static str| {
        ["payments", "counter", "10-000418", amount, "--receipt", receipt]
    };
    // $95.00 is owed, and the cashier types two ciphers too many.
    let asked = city.on(day, &pay("9500.00", "R-1")).ends(Exit::Refused);
    assert!(asked.contains("$9,500.00 is more than twice what is owed, $95.00"), "{asked}");
    assert!(asked.contains("confirm the amount"), "{asked}");
    city.on(day, &[&pay("9500.00", "R-1")[..], &["--confirm-amount"]].concat()).ok();
    // The same receipt again is the same payment, and is not asked about again.
    city.on(day, &pay("9500.00", "R-1")).ok();

    // It was a mistake after all: the debt is back, with its due date. A second time changes nothing.
    let void = ["payments", "void", "R-1", "--reason", "typed too much"];
    city.by("M. Chen", "2026-03-31", &void).ends(Exit::Refused);
    let said = city.on("2026-03-31", &void).ok();
    assert_eq!(said, "Receipt R-1, $9,500.00, is voided; the balance of account 10-000418 is $95.00\n");
    assert!(city.on("2026-03-31", &void).ok().contains("was voided already"));
    let account = city.on("2026-03-31", &["account", "10-000418", "--json"]).json();
    assert_eq!(account["open_items"][0]["due_on"], "2026-03-23");
    assert_eq!(account["balance"], 9_500);
    // A voided receipt is spent.
    let again = ["--confirm-amount", "--received", "2026-03-30"];
    let spent = city.on("2026-03-31", &[&pay("9500.00", "R-1")[..], &again].concat());
    assert!(spent.ends(Exit::Refused).contains("give the number of the receipt that replaces it"));

    // What a file brought, the file reverses; what is not there cannot be voided.
    let file = "account,amount,received_on,channel,source,reference\n10-000418,5.00,2026-03-30,counter,counter,C-9\n";
    city.on("2026-03-31", &["import", &city.file("counter.csv", file)]).ok();
    let other = city.on("2026-03-31", &["payments", "void", "C-9", "--reason", "x"]).ends(Exit::Refused);
    assert!(other.contains("came by a file"), "{other}");
    city.on("2026-03-31", &["payments", "void", "R-77", "--reason", "x"]).ends(Exit::NotFound);
}

fn a_late_fee_is_waived_when_a_second_person_approves(city: &City) {
    city.on("2026-04-02", &["night"]).ok();
    let ledger = city.on("2026-04-02", &["account", "10-000418", "--json"]).json()["ledger"].clone();
    let fee = ledger.as_array().unwrap().iter().find(|line| line["kind"] == "fee").expect("a late fee");
    assert_eq!(fee["amount"], 500);
    let id = fee["id"].to_string();
    let waive = ["fee", "waive", "10-000418", &id, "--reason", "first late payment in a year"];
    let said = city.by("M. Chen", "2026-04-03", &waive).ok();
    assert!(said.starts_with("The waiver of the fee of $5.00 is proposed and waits for somebody else"), "{said}");
    // Proposed twice is proposed once; nobody approves their own, and a representative approves nothing.
    assert!(city.on("2026-04-03", &waive).ends(Exit::Refused).contains("M. Chen proposed the same"));
    let proposal = city.on("2026-04-03", &["approvals", "list", "--json"]).json()[0].clone();
    assert_eq!(
        (&proposal["account_number"], &proposal["amount"]),
        (&serde_json::json!("10-000418"), &serde_json::json!(500))
    );
    let approve = ["approvals", "approve", &proposal["id"].to_string()];
    city.by("M. Chen", "2026-04-03", &approve).ends(Exit::Refused);
    assert!(city.on("2026-04-03", &["today"]).ok().contains("proposals that wait for a second person"));
    let said = city.on("2026-04-03", &approve).ok();
    assert_eq!(said, "The waiver of $5.00 is posted; the balance of account 10-000418 is $95.00\n");
    city.on("2026-04-03", &approve).ends(Exit::Refused);
    city.on("2026-04-03", &waive).ends(Exit::Refused);
    // Neither the charge itself nor another account's entry.
    let charge = ledger[0]["id"].to_string();
    city.on("2026-04-03", &["fee", "waive", "10-000418", &charge, "--reason", "x"]).ends(Exit::Refused);
    city.on("2026-04-03", &["fee", "waive", "10-000417", &id, "--reason", "x"]).ends(Exit::NotFound);
    let log = city.on("2026-04-03", &["log", "10-000418"]).ok();
    assert!(log.contains("first late payment in a year"), "{log}");
}

fn an_old_debt_ends_in_a_packet(city: &City) {
    city.night_and_mail("2026-08-21");
    city.on("2026-08-22", &["packet", "10-000417"]).ends(Exit::Refused);
    city.on("2026-09-22", &["night"]).ok();
    let candidates = city.on("2026-09-22", &["referrals", "list", "--json"]).json();
    // A debt too small for the agency is a task of the lead's.
    let tasks = city.on("2026-09-22", &["tasks", "list", "--json"]).json();
    assert_eq!((&tasks[0]["account_number"], &tasks[0]["role"]), (&"10-000418".into(), &"lead".into()));
    let task = tasks[0]["id"].to_string();
    city.on("2026-09-22", &["tasks", "close", &task]).ok();
    city.on("2026-09-22", &["tasks", "close", &task]).ends(Exit::NotFound);
    assert_eq!(city.on("2026-09-22", &["tasks", "list"]).ok(), "No tasks.\n");
    assert!(city.on("2026-09-22", &["tasks", "list", "--all"]).ok().contains("L. Ortiz"));

    let of_munoz = candidates.as_array().unwrap().iter().find(|r| r["account_number"] == "10-000417").unwrap();
    assert_eq!(of_munoz["to"], "agency");
    let id = of_munoz["id"].to_string();
    city.on("2026-09-22", &["referrals", "approve", &id]).ok();
    let said = city.on("2026-09-22", &["packet", "10-000417"]).ok();
    let path = said.trim().trim_start_matches("The packet of account 10-000417 is ");
    assert!(fs::read(path).unwrap().starts_with(b"PK"), "{said}");
    let placed = city.on("2026-09-22", &["referrals", "export", "--to", "agency"]).ok();
    assert!(placed.contains("The list for agency is "), "{placed}");
    let placed = city.on("2026-09-22", &["referrals", "list", "--state", "placed"]).ok();
    assert!(placed.contains("10-000417") && placed.contains("Tue 2026-09-22"), "{placed}");
}

fn a_list_for_the_agency_that_could_not_be_written_is_written_later_and_the_next_has_the_next_number(city: &City) {
    let charge = "account,service,amount,billed_on,due_on,source,reference\n\
                  10-000418,water,129.20,2026-03-02,2026-03-23,cis,B3-W\n";
    city.on("2026-03-02", &["import", &city.file("more.csv", charge)]).ok();
    city.night_and_mail("2026-08-21");
    let day = "2026-09-22";
    city.on(day, &["night"]).ok();
    city.on(day, &["referrals", "approve", "1"]).ok();
    assert_eq!(city.on(day, &["referrals", "list", "--json"]).json().as_array().unwrap().len(), 2);
    // The folder cannot be made: a file lies in its place, as a full disk would stand in the way.
    fs::write(city.data().join("exports"), "").unwrap();
    city.on(day, &["referrals", "export", "--to", "agency"]).ends(Exit::Failed);
    let lists = city.on(day, &["referrals", "exports"]).ok();
    assert!(lists.contains("agency-2026-09-22-1") && lists.contains("not written yet"), "{lists}");
    fs::remove_file(city.data().join("exports")).unwrap();

    // The next export writes what was left, and lists only what is new.
    city.on(day, &["referrals", "approve", "2"]).ok();
    let said = city.on(day, &["referrals", "export", "--to", "agency"]).ok();
    assert!(said.contains("agency-2026-09-22-2.csv"), "{said}");
    let again = city.on(day, &["referrals", "export", "--to", "agency"]).ok();
    assert_eq!(again, "Nothing was placed with agency\n");
    let lists = city.on(day, &["referrals", "exports", "--json"]).json();
    let listed: Vec<&Value> = lists.as_array().unwrap().iter().map(|list| &list["referrals"]).collect();
    assert_eq!(listed, [&serde_json::json!([2]), &serde_json::json!([1])]);

    // Each list names one packet, and the packet that lies there has the hash that it names.
    for (number, account) in [(1, "10-000417"), (2, "10-000418")] {
        let name = format!("agency-2026-09-22-{number}");
        let list = fs::read_to_string(city.data().join(format!("exports/{name}.csv"))).unwrap();
        assert_eq!(list.lines().count(), 2, "{list}");
        let line: Vec<&str> = list.lines().nth(1).unwrap().split(',').collect();
        let [packet, hash] = line[line.len() - 2..] else { panic!("{list}") };
        assert!(packet.contains(account), "{packet}");
        let packet = fs::read(city.data().join(format!("packets/{name}/{packet}"))).unwrap();
        assert_eq!(sha256(&packet).as_str(), hash);
        let control = fs::read_to_string(city.data().join(format!("exports/{name}.control.csv"))).unwrap();
        assert!(control.contains(sha256(list.as_bytes()).as_str()), "{control}");
    }
}

#[test]
fn a_command_is_done_by_someone_of_the_staff_whose_role_may() {
    let city = City::sqlite();
    let day = "2026-05-01";
    city.on(day, &["night"]).ok();

    // A name that is not on the staff does nothing, not even with the clearest intent.
    let pay = ["payments", "counter", "10-000418", "20.00", "--receipt", "R-1"];
    let unknown = city.by("L. Ortis", day, &pay).ends(Exit::Refused);
    assert!(unknown.contains("\"L. Ortis\" is not on the staff: did you mean \"L. Ortiz\"?"), "{unknown}");
    assert!(city.by("Quigley", day, &pay).ends(Exit::Refused).contains("arrears staff list"));

    // A representative takes money, and releases nothing.
    city.by("M. Chen", day, &pay).ok();
    let again = city.by("M. Chen", day, &pay).ok();
    assert!(again.starts_with("$20.00 was posted before to account 10-000418; "), "{again}");
    let elsewhere = ["payments", "counter", "10-000417", "20.00", "--receipt", "R-1"];
    let other = city.by("M. Chen", day, &elsewhere).ends(Exit::Refused);
    assert!(other.contains("on account 10-000418; give another reference"), "{other}");
    let refused = city.by("M. Chen", day, &["notices", "release", "--all"]).ends(Exit::Refused);
    assert!(refused.contains("M. Chen is a representative, and may not release notices"), "{refused}");
    assert!(refused.contains("ask L. Ortiz"), "{refused}");
    let planned = city.on(day, &["notices", "list", "--state", "planned", "--json"]).json();
    assert!(!planned.as_array().unwrap().is_empty());
    city.on(day, &["notices", "release", "--all"]).ok();

    // Nor do they change the staff, but for their own password; an auditor changes nothing at all.
    let promote = ["staff", "add", "M. Chen", "--role", "lead"];
    city.by("M. Chen", day, &promote).ends(Exit::Refused);
    city.on(day, &["staff", "add", "Ana Silva", "--role", "auditor"]).ok();
    city.by("Ana Silva", day, &["promise", "make", "10-000417", "20.00", "2026-05-08"]).ends(Exit::Refused);
    city.by("Ana Silva", day, &["log"]).ok();
}

#[test]
fn the_first_on_the_staff_can_add_the_others_and_the_last_who_can_stays() {
    let city = City { dir: TempDir::new().unwrap(), database: None };
    let day = "2026-03-02";
    // Nobody is on the staff: anyone may begin.
    city.by("setup", day, &["rules", "adopt", "riverbend"]).ok();
    let locked = city.by("setup", day, &["staff", "add", "M. Chen", "--role", "representative"]).ends(Exit::Refused);
    assert!(locked.contains("add a lead or an administrator first"), "{locked}");
    city.by("setup", day, &["staff", "add", "L. Ortiz", "--role", "lead"]).ok();
    city.by("setup", day, &["staff", "add", "M. Chen", "--role", "representative"]).ends(Exit::Refused);
    city.on(day, &["staff", "add", "L. Ortiz", "--role", "representative"]).ends(Exit::Refused);

    // With an administrator, people are the administrator's matter.
    city.on(day, &["staff", "add", "Ida Berg", "--role", "administrator"]).ok();
    let refused = city.on(day, &["staff", "add", "M. Chen", "--role", "representative"]).ends(Exit::Refused);
    assert!(refused.contains("ask Ida Berg"), "{refused}");
    city.by("Ida Berg", day, &["staff", "add", "M. Chen", "--role", "representative"]).ok();
}

#[test]
fn the_log_says_who_of_the_staff_was_changed_from_what_to_what() {
    let city = City::sqlite();
    city.on("2026-03-03", &["staff", "add", "M. Chen", "--role", "approver"]).ok();
    let log = city.on("2026-03-03", &["log", "--json"]).json();
    let line = log.as_array().unwrap().last().unwrap().clone();
    assert_eq!((&line["what"], &line["actor"]["person"]), (&"staff changed".into(), &"L. Ortiz".into()));
    let body = &line["body"];
    assert_eq!(
        [&body["name"], &body["from"], &body["to"]].map(|word| word.as_str().unwrap()),
        ["M. Chen", "representative", "approver"]
    );
    let shown = city.on("2026-03-03", &["log"]).ok();
    assert!(shown.contains("from: representative; ") && shown.contains("name: M. Chen; "), "{shown}");
}

#[test]
fn a_policy_adopted_again_keeps_the_date_and_the_name_of_its_first_adoption() {
    let city = City::sqlite();
    city.on("2026-03-02", &["staff", "add", "Ida Berg", "--role", "administrator"]).ok();
    city.by("Ida Berg", "2026-04-01", &["rules", "adopt", "riverbend"]).ok();
    let policies = city.on("2026-04-01", &["rules", "list"]).ok();
    assert!(policies.contains("Mon 2026-03-02") && policies.contains("L. Ortiz"), "{policies}");
    assert!(!policies.contains("Ida Berg"), "{policies}");
    let log = city.on("2026-04-01", &["log"]).ok();
    let line = log.lines().find(|line| line.contains("policy adopted again")).expect("a second line");
    assert!(line.contains("Ida Berg"), "{line}");
}

#[test]
fn why_names_the_bill_of_each_late_fee() {
    let city = City::sqlite();
    let april = "account,service,amount,billed_on,due_on,source,reference\n\
                 10-000418,water,60.00,2026-04-02,2026-04-23,cis,B4-W\n";
    city.on("2026-04-02", &["import", &city.file("april.csv", april)]).ok();
    city.on("2026-04-02", &["night"]).ok();
    city.on("2026-04-24", &["night"]).ok();
    let why = city.on("2026-04-24", &["why", "10-000418"]).ok();
    assert!(why.contains("bill = due Mon 2026-03-23, $95.00 open"), "{why}");
    assert!(why.contains("bill = due Thu 2026-04-23, $60.00 open"), "{why}");
}

#[test]
fn an_email_is_not_marked_as_mailed_and_nothing_is_canceled_without_a_reason() {
    let city = City::sqlite();
    city.on("2026-03-28", &["night"]).ok();
    let reminders = city.on("2026-03-28", &["notices", "list", "--json"]).json();
    let of = |channel: &str| {
        let found = reminders.as_array().unwrap().iter().find(|notice| notice["channel"] == channel);
        found.expect("a reminder")["id"].to_string()
    };
    let (email, letter) = (of("email"), of("mail"));
    city.on("2026-03-28", &["outbox"]).ok();
    // Both are named at once: the email keeps the letter from being marked.
    let mailed = ["notices", "mailed", &letter, &email, "--on", "2026-03-28", "--proof", "PS 3665"];
    let refused = city.on("2026-03-28", &mailed).ends(Exit::Refused);
    assert!(refused.contains("by email, and only a letter that was made is mailed"), "{refused}");
    assert_eq!(city.on("2026-03-28", &["notices", "show", &letter, "--json"]).json()["state"], "rendered");

    // What bounces is an email, and bounces once; somebody looks after the address.
    city.on("2026-03-29", &["email", "bounced", &letter, "--reason", "no such user"]).ends(Exit::Refused);
    city.on("2026-03-29", &["email", "bounced", &email, "--reason", "no such user"]).ok();
    city.on("2026-03-29", &["email", "bounced", &email, "--reason", "no such user"]).ends(Exit::Refused);
    assert_eq!(city.on("2026-03-29", &["notices", "show", &email, "--json"]).json()["state"], "bounced");
    assert!(city.on("2026-03-29", &["exceptions", "list"]).ok().contains("no such user"));

    let refused = city.on("2026-03-28", &["notices", "cancel", &letter, "--reason", " "]).ends(Exit::Refused);
    assert!(refused.contains("the reason"), "{refused}");
    city.on("2026-03-28", &["notices", "cancel", &letter, "--reason", "moved away"]).ok();
}

#[test]
fn what_is_named_and_not_there_ends_with_four() {
    let city = City::sqlite();
    for args in [
        ["why", "10-999999"].as_slice(),
        &["account", "10-999999"],
        &["promise", "make", "10-999999", "20.00", "2026-03-10"],
        &["notices", "show", "77"],
        &["notices", "cancel", "77", "--reason", "none"],
        &["orders", "cancel", "77", "--reason", "none"],
        &["hold", "end", "77", "--reason", "none"],
        &["referrals", "approve", "77"],
        &["exceptions", "clear", "77"],
        &["staff", "password", "Nobody"],
        &["rules", "check", "nowhere.yaml"],
    ] {
        let error = city.on("2026-03-02", args).ends(Exit::NotFound);
        assert!(!error.is_empty(), "{args:?} says what is missing");
    }
}

#[test]
fn a_command_that_is_not_understood_ends_with_two_and_names_what_was_meant() {
    let city = City::sqlite();
    let error = city.on("2026-03-02", &["hold", "place", "10-000417", "disputed", "--reason", "x"]).ends(Exit::Usage);
    assert!(error.contains("'dispute'"), "{error}");
    let error = city.on("2026-03-02", &["report", "aging", "--as-of", "March 2"]).ends(Exit::Usage);
    assert!(error.contains("2026-05-22"), "{error}");
    city.on("yesterday", &["today"]).ends(Exit::Usage);
    // An act without a name is none.
    let nameless = said(arrears().arg("--dir").arg(city.data()).args(["notices", "batch"]));
    assert!(nameless.ends(Exit::Usage).contains("--by"));
}

#[test]
fn a_command_in_the_wrong_directory_makes_no_database_there() {
    let elsewhere = TempDir::new().unwrap();
    let error = said(arrears().current_dir(elsewhere.path()).arg("today")).ends(Exit::NotFound);
    assert!(error.contains("--dir"), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_policy_with_an_error_is_refused_with_its_place() {
    let city = City::sqlite();
    let riverbend = city.on("2026-03-02", &["rules", "show"]).ok();
    let wrong = city.file("wrong.yaml", &riverbend.replace("do: disconnect", "do: disconect"));
    for args in [["rules", "check"], ["rules", "adopt"]] {
        let error = city.on("2026-03-02", &[&args[..], &[&wrong]].concat()).ends(Exit::Refused);
        assert!(error.contains("wrong.yaml:") && error.contains("did you mean `disconnect`?"), "{error}");
    }
    assert!(city.on("2026-03-02", &["rules", "check", "riverbend"]).ok().contains("5 tracks, 15 stages"));
}

#[test]
fn a_policy_whose_own_story_comes_out_differently_is_not_adopted() {
    let city = City::sqlite();
    let riverbend = city.on("2026-03-02", &["rules", "show"]).ok();
    let told = city.file("told.yaml", &riverbend.replace("2026-07-21: shut_off", "2026-07-20: shut_off"));
    let error = city.on("2026-03-02", &["rules", "test", &told]).ends(Exit::Refused);
    assert!(error.contains("expected shut_off on 2026-07-20"), "{error}");
    assert!(error.contains("it happened on 2026-07-21"), "{error}");
    city.on("2026-03-02", &["rules", "adopt", &told]).ends(Exit::Refused);
    let policies = city.on("2026-03-02", &["rules", "list", "--json"]).json();
    assert_eq!(policies.as_array().unwrap().len(), 1);
}

#[test]
fn aging_is_told_as_of_a_day_past_and_never_of_a_day_ahead() {
    let city = City::sqlite();
    city.on("2026-03-25", &["payments", "counter", "10-000418", "95.00", "--receipt", "R-1"]).ok();
    let today = city.on("2026-03-25", &["report", "aging", "--csv"]).ok();
    assert!(today.ends_with("total,,,,0.00,224.20,0.00,0.00,0.00,0.00,0.00,224.20\n"), "{today}");
    let before = city.on("2026-03-25", &["report", "aging", "--as-of", "2026-03-24", "--csv"]).ok();
    assert!(before.ends_with("total,,,,0.00,319.20,0.00,0.00,0.00,0.00,0.00,319.20\n"), "{before}");
    let not_due = city.on("2026-03-25", &["report", "aging", "--as-of", "2026-03-23"]).ok();
    assert!(not_due.starts_with("Aging as of 2026-03-23, 2 accounts"), "{not_due}");
    city.on("2026-03-25", &["report", "aging", "--as-of", "2026-03-26"]).ends(Exit::Refused);
    let ahead = ["payments", "counter", "10-000418", "5.00", "--receipt", "R-2", "--received", "2026-03-26"];
    city.on("2026-03-25", &ahead).ends(Exit::Refused);
}

#[test]
fn whatever_stops_a_shut_off_while_the_crew_is_out_says_at_once_whom_to_call_back() {
    let city = City::sqlite();
    city.night_and_mail("2026-05-01");
    city.on("2026-05-08", &["night"]).ok();
    for call in ["1", "2"] {
        city.on("2026-05-08", &["calls", "record", call, "reached"]).ok();
    }
    city.on("2026-05-22", &["night"]).ok();
    city.on("2026-05-22", &["orders", "approve", "1", "2"]).ok();
    for channel in ["lockbox", "counter", "online", "autopay"] {
        city.on("2026-05-22", &["payments", "none", "--channel", channel, "--through", "2026-05-21"]).ok();
    }
    city.on("2026-05-22", &["orders", "finalize"]).ok();
    let sent = city.on("2026-05-22", &["orders", "dispatch", "1", "2", "--crew", "Crew 4"]).ok();
    assert!(!sent.contains("At once"), "{sent}");

    let said = city.on("2026-05-22", &["dispute", "open", "10-000417", "--reason", "the meter was misread"]).ok();
    let (_, at_once) = said.split_once("At once: ").expect("the crew is out");
    assert!(
        at_once.starts_with("order ") && at_once.contains("call the crew back from the shut-off of water"),
        "{said}"
    );
    assert!(at_once.ends_with("(account 10-000417)\n"), "{said}");
    let again = city.on("2026-05-22", &["account", "10-000417"]).ok();
    assert!(!again.contains("At once: "), "it is said once: {again}");

    let paid = "account,amount,received_on,channel,source,reference\n\
                10-000418,400.00,2026-05-22,lockbox,lockbox,LB-0522\n";
    let said = city.on("2026-05-22", &["import", &city.file("lockbox-0522.csv", paid)]);
    assert!(
        said.out.contains("At once: order ") && said.out.contains("(account 10-000418)"),
        "{}{}",
        said.out,
        said.err
    );

    // The crew had done it before it heard: who records it reads that water is off, and what turns it on.
    let done = city.on("2026-05-22", &["orders", "result", "1", "--done", "--at", "09:20"]).ok();
    let (_, off) = done.split_once("At once: water is off at account 10-00041").expect("water is off");
    assert!(off.contains("waits to be dispatched: `arrears orders dispatch"), "{done}");
}

#[test]
fn a_day_without_mail_is_no_day_of_mailing_unless_somebody_says_so() {
    let city = City::sqlite();
    city.on("2026-05-23", &["night"]).ok();
    city.on("2026-05-23", &["notices", "release", "--all"]).ok();
    city.on("2026-05-23", &["outbox"]).ok();
    city.on("2026-05-23", &["notices", "batch"]).ok();
    let mailed = |on: &'static str| ["notices", "mailed", "--batch", "1", "--on", on, "--proof", "PS 3665"];
    let sunday = city.on("2026-05-26", &mailed("2026-05-24")).ends(Exit::Refused);
    assert!(sunday.contains("Sun 2026-05-24 is a Sunday: the post office takes no mail then"), "{sunday}");
    let holiday = city.on("2026-05-26", &mailed("2026-05-25")).ends(Exit::Refused);
    assert!(holiday.contains("Mon 2026-05-25 is Memorial Day"), "{holiday}");
    // The day is believed then, and what the letters state is looked at as on any other.
    let said = city.on("2026-05-26", &[&mailed("2026-05-25")[..], &["--closed-day"]].concat()).ends(Exit::Refused);
    assert!(said.contains("2 of the letters could not be mailed on 2026-05-25 as they stand"), "{said}");
}

#[test]
fn a_dispute_bars_the_shut_off_until_it_is_decided() {
    let city = City::sqlite();
    city.night_and_mail("2026-05-01");
    let open = ["dispute", "open", "10-000417", "--reason", "the meter was misread"];
    let said = city.on("2026-05-04", &open).ok();
    assert!(said.contains("hold 1 stands until it is decided with `arrears dispute decide 1`"), "{said}");
    city.on("2026-05-08", &["night"]).ok();
    // Of what the whole account disputes nobody is called.
    city.on("2026-05-08", &["calls", "record", "1", "reached"]).ok();
    city.on("2026-05-22", &["night"]).ok();
    let orders = city.on("2026-05-22", &["orders", "list", "--json"]).json();
    let accounts: Vec<_> = orders.as_array().unwrap().iter().map(|o| o["account_number"].as_str()).collect();
    assert_eq!(accounts, [Some("10-000418")]);
    let why = city.on("2026-05-22", &["why", "10-000417"]).ok();
    assert!(why.contains("barred: a hold stands (dispute)"), "{why}");
    let behind = city.on("2026-05-22", &["hold", "end", "1", "--reason", "the meter was right"]).ends(Exit::Refused);
    assert!(behind.contains("stands for dispute 1"), "{behind}");
    city.on("2026-05-22", &["dispute", "decide", "1", "--for", "city", "--findings", " "]).ends(Exit::Refused);
    let said = city.on("2026-05-22", &["dispute", "decide", "1", "--for", "city", "--findings", "read right"]).ok();
    assert!(said.contains("can appeal until Mon 2026-06-01"), "{said}");
    let holds = city.on("2026-05-22", &["hold", "list"]).ok();
    assert_eq!(holds, "No holds.\n");
}

#[test]
fn promises_and_arrangements_keep_to_the_policys_limits() {
    let city = City::sqlite();
    city.on("2026-04-10", &["night"]).ok();
    let late = city.on("2026-04-10", &["promise", "make", "10-000417", "50.00", "2026-05-10"]).ends(Exit::Refused);
    assert!(late.contains("2026-04-24"), "{late}");
    // What is owed is the most that can be promised, and a promise of nothing is none.
    let above = city.on("2026-04-10", &["promise", "make", "10-000417", "500.00", "2026-04-20"]).ends(Exit::Refused);
    assert!(above.contains("no more than what is owed, $235.41"), "{above}");
    city.on("2026-04-10", &["promise", "make", "10-000417", "0.00", "2026-04-20"]).ends(Exit::Refused);
    city.on("2026-04-10", &["promise", "make", "10-000417", "50.00", "2026-04-20"]).ok();
    // The one made last holds, and the log says what became of the other.
    city.on("2026-04-11", &["promise", "make", "10-000417", "60.00", "2026-04-22"]).ok();
    let states = || -> Vec<String> {
        let account = city.on("2026-04-11", &["account", "10-000417", "--json"]).json();
        account["promises"].as_array().unwrap().iter().map(|promise| promise["state"].to_string()).collect()
    };
    assert_eq!(states(), ["{\"canceled\":\"2026-04-11\"}", "\"open\""]);
    let log = city.on("2026-04-11", &["log", "10-000417"]).ok();
    assert!(log.contains("promise canceled") && log.contains("replaced by promise 2"), "{log}");
    city.on("2026-04-11", &["promise", "cancel", "2", "--reason", " "]).ends(Exit::Refused);
    city.on("2026-04-11", &["promise", "cancel", "2", "--reason", "lost the job"]).ok();
    city.on("2026-04-11", &["promise", "cancel", "2", "--reason", "lost the job"]).ends(Exit::Refused);
    assert_eq!(states()[1], "{\"canceled\":\"2026-04-11\"}");
    let plan = ["10-000417", "--installments", "3", "--first-due", "2026-05-01", "--down", "20"];
    let proposed = city.on("2026-04-10", &[&["arrange", "propose"], &plan[..]].concat()).ok();
    assert!(proposed.contains("Fri 2026-05-01") && proposed.contains("Total"), "{proposed}");
    assert_eq!(city.on("2026-04-10", &["arrange", "list"]).ok(), "No arrangements.\n");
    city.on("2026-04-10", &[&["arrange", "make"], &plan[..]].concat()).ok();
    let twice = city.on("2026-04-10", &[&["arrange", "make"], &plan[..]].concat()).ends(Exit::Refused);
    assert!(twice.contains("an arrangement runs already"), "{twice}");
    // The down payment was due on the day it was agreed, with five days of grace.
    assert!(city.on("2026-04-15", &["arrange", "list"]).ok().contains("performing"));
    assert!(city.on("2026-04-16", &["arrange", "list"]).ok().contains("missed Fri 2026-04-10"));
    city.on("2026-04-16", &["arrange", "cancel", "1", "--reason", "moved away"]).ok();
}

#[test]
fn a_person_skips_the_stage_at_which_a_case_stands_and_no_other() {
    let city = City::sqlite();
    city.on("2026-03-28", &["night"]).ok();
    let skip = |stage: &str| {
        city.on("2026-03-30", &["override", "skip", "10-000417", stage, "--reason", "spoke with her in person"])
    };
    let ahead = skip("contact").ends(Exit::Refused);
    assert!(ahead.contains("final_notice comes before contact"), "{ahead}");
    skip("nothing").ends(Exit::NotFound);
    skip("reminder/courtesy_call").ok();
    let why = city.on("2026-03-30", &["why", "10-000417"]).ok();
    assert!(why.contains("skipped by L. Ortiz on 2026-03-30: spoke with her in person"), "{why}");
    let again = skip("courtesy_call").ends(Exit::Refused);
    assert!(again.contains("was skipped by L. Ortiz"), "{again}");
    // What follows keeps its day.
    city.on("2026-05-01", &["night"]).ok();
    let planned = city.on("2026-05-01", &["notices", "list", "--state", "planned"]).ok();
    assert!(planned.contains("10-000417"), "{planned}");
    let log = city.on("2026-05-01", &["log", "10-000417"]).ok();
    assert!(log.contains("spoke with her in person"), "{log}");
}

/// The notices of an account in one state.
fn notices_of(city: &City, account: &str, state: &str, on: &str) -> Vec<Value> {
    let listed = city.on(on, &["notices", "list", "--account", account, "--json"]).json();
    listed.as_array().unwrap().iter().filter(|notice| notice["state"] == state).cloned().collect()
}

#[test]
fn what_was_planned_before_an_arrangement_waits_while_it_is_kept() {
    let city = City::sqlite();
    city.on("2026-05-01", &["night"]).ok();
    let planned = notices_of(&city, "10-000417", "planned", "2026-05-01");
    let id = planned[0]["id"].to_string();
    let plan = ["arrange", "make", "10-000417", "--installments", "3", "--first-due", "2026-06-01"];
    city.on("2026-05-01", &plan).ok();
    let refused = city.on("2026-05-01", &["notices", "release", &id]).ends(Exit::Refused);
    assert!(refused.contains("the arrangement of Fri 2026-05-01 is performing"), "{refused}");
    assert_eq!(notices_of(&city, "10-000417", "planned", "2026-05-01").len(), planned.len(), "it waits, planned");
    city.on("2026-05-01", &["arrange", "cancel", "1", "--reason", "she cannot"]).ok();
    city.on("2026-05-01", &["notices", "release", &id]).ok();
}

#[test]
fn nobody_is_called_about_what_an_arrangement_settles() {
    let city = City::sqlite();
    city.night_and_mail("2026-05-01");
    city.on("2026-05-07", &["arrange", "make", "10-000417", "--installments", "3", "--first-due", "2026-06-01"]).ok();
    city.on("2026-05-08", &["night"]).ok();
    let called = city.on("2026-05-08", &["calls", "list"]).ok();
    assert!(called.contains("10-000418") && !called.contains("10-000417"), "{called}");
    // A call that was wanted before the arrangement was made is left off the next list as well.
    city.on("2026-05-08", &["arrange", "make", "10-000418", "--installments", "3", "--first-due", "2026-06-01"]).ok();
    city.on("2026-05-11", &["night"]).ok();
    let called = city.on("2026-05-11", &["calls", "list"]).ok();
    assert!(!called.contains("10-000418"), "{called}");
}

#[test]
fn a_notice_that_a_person_cancels_comes_again_the_day_after_unless_its_stage_is_skipped() {
    let city = City::sqlite();
    city.on("2026-05-01", &["night"]).ok();
    for account in ["10-000417", "10-000418"] {
        let id = notices_of(&city, account, "planned", "2026-05-01")[0]["id"].to_string();
        city.on("2026-05-01", &["notices", "cancel", &id, "--reason", "address in doubt"]).ok();
        assert_eq!(notices_of(&city, account, "planned", "2026-05-01").len(), 0, "with the other pieces of its act");
        let why = city.on("2026-05-01", &["why", account]).ok();
        assert!(
            why.contains("canceled by L. Ortiz on 2026-05-01: address in doubt; made anew Sat 2026-05-02"),
            "{why}"
        );
    }
    city.on("2026-05-01", &["override", "skip", "10-000418", "final_notice", "--reason", "she moved"]).ok();
    city.on("2026-05-02", &["night"]).ok();
    assert!(!notices_of(&city, "10-000417", "planned", "2026-05-02").is_empty(), "made anew");
    assert_eq!(notices_of(&city, "10-000418", "planned", "2026-05-02").len(), 0);
    let anew = &notices_of(&city, "10-000417", "planned", "2026-05-02")[0];
    city.on("2026-05-02", &["notices", "release", &anew["id"].to_string()]).ok();
}

#[test]
fn a_changed_pack_binds_a_case_that_keeps_its_policy() {
    let city = City::sqlite();
    city.night_and_mail("2026-05-01");
    city.on("2026-05-08", &["night"]).ok();
    for call in ["1", "2"] {
        city.on("2026-05-08", &["calls", "record", call, "reached"]).ok();
    }
    // From May 18 the pack knows Fridays too.
    let policy = include_str!("../rules/riverbend.yaml");
    let pack = include_str!("../rules/guards/us-ca-water.yaml");
    assert!(policy.contains("open_cases: keep") && pack.contains("never_on: [saturday"));
    fs::create_dir_all(city.dir.path().join("guards")).expect("a folder");
    let path = city.file("riverbend.yaml", policy);
    city.file("guards/us-ca-water.yaml", &pack.replace("never_on: [saturday", "never_on: [friday, saturday"));
    // Its stories shut off on a Friday.
    let (rules, _stories) = policy.split_once("\ntests:").expect("stories");
    city.file("riverbend.yaml", rules);
    city.on("2026-05-18", &["rules", "adopt", &path]).ok();
    city.on("2026-05-22", &["night"]).ok();
    let why = city.on("2026-05-22", &["why", "10-000417"]).ok();
    assert_eq!(city.on("2026-05-22", &["orders", "list", "--json"]).json(), serde_json::json!([]), "a Friday: {why}");
    city.on("2026-05-26", &["night"]).ok();
    let orders = city.on("2026-05-26", &["orders", "list", "--json"]).json();
    assert_eq!(orders.as_array().unwrap().len(), 2, "the Tuesday after Memorial Day");
}

/// Riverbend on May 1, its final notices released and rendered.
fn rendered_on_may_1() -> City {
    let city = City::sqlite();
    city.on("2026-05-01", &["night"]).ok();
    city.on("2026-05-01", &["notices", "release", "--all"]).ok();
    city.on("2026-05-01", &["outbox"]).ok();
    city
}

#[test]
fn a_letter_whose_amount_has_changed_is_voided_and_a_new_one_states_what_is_owed() {
    let city = rendered_on_may_1();
    let stated = notices_of(&city, "10-000417", "rendered", "2026-05-01")[0]["facts"]["amount"].as_i64().unwrap();
    let payments =
        "account,amount,received_on,channel,source,reference\n10-000417,50.00,2026-05-01,lockbox,lockbox,LB-1\n";
    city.on("2026-05-01", &["import", &city.file("payments.csv", payments)]).ok();
    let told = city.on("2026-05-01", &["notices", "batch"]).ends(Exit::Refused);
    assert!(
        told.contains("not printed: it states") && told.contains("it was voided and is made anew tonight"),
        "{told}"
    );
    let voided = notices_of(&city, "10-000417", "voided", "2026-05-01");
    assert!(voided[0]["cause"].as_str().unwrap().contains("make it anew"), "{voided:?}");
    city.on("2026-05-02", &["night"]).ok();
    let anew = notices_of(&city, "10-000417", "planned", "2026-05-02");
    assert_eq!(anew[0]["facts"]["amount"], stated - 5_000);
}

#[test]
fn a_letter_against_which_a_hold_stands_waits_rendered_and_leaves_with_the_next_batch() {
    let city = rendered_on_may_1();
    city.on("2026-05-01", &["hold", "place", "10-000417", "bankruptcy", "--reason", "chapter 13"]).ok();
    city.on("2026-05-01", &["notices", "batch"]).ok();
    assert_eq!(notices_of(&city, "10-000417", "batched", "2026-05-01").len(), 0);
    assert!(!notices_of(&city, "10-000417", "rendered", "2026-05-01").is_empty(), "it waits as it is");
    assert!(!notices_of(&city, "10-000418", "batched", "2026-05-01").is_empty(), "the others leave");
    city.on("2026-05-01", &["hold", "end", "1", "--reason", "dismissed"]).ok();
    city.on("2026-05-01", &["notices", "batch"]).ok();
    assert!(!notices_of(&city, "10-000417", "batched", "2026-05-01").is_empty());
}

#[test]
fn a_night_is_run_once_and_never_ahead_of_its_day() {
    let city = City::sqlite();
    city.on("2026-03-28", &["night", "--date", "2026-03-29"]).ends(Exit::Refused);
    let first = city.on("2026-03-28", &["night", "--json"]).json();
    assert_eq!((first["notices"].as_u64(), first["already_done"].as_bool()), (Some(3), Some(false)));
    let second = city.on("2026-03-28", &["night", "--json"]).json();
    assert_eq!((second["notices"].as_u64(), second["already_done"].as_bool()), (Some(0), Some(true)));
    city.on("2026-03-30", &["night", "--date", "2026-03-27"]).ends(Exit::Refused);
    assert_eq!(city.on("2026-03-30", &["night", "--json"]).json()["missed"], 1);
}

#[test]
fn a_simulation_says_what_would_come_and_changes_nothing() {
    let city = City::sqlite();
    let args = ["simulate", "--from", "2026-03-02", "--to", "2026-06-30", "--account", "10-000417", "--json"];
    let acts = city.on("2026-03-02", &args).json();
    let days: Vec<(&str, &str)> = acts
        .as_array()
        .unwrap()
        .iter()
        .filter(|act| act["stage"].as_str().unwrap().ends_with("final_notice") || act["act"] == "disconnect")
        .map(|act| (act["on"].as_str().unwrap(), act["act"].as_str().unwrap()))
        .collect();
    assert_eq!(days[0], ("2026-05-01", "notice"));
    assert_eq!(days[1], ("2026-05-22", "disconnect"));
    assert_eq!(city.on("2026-03-02", &["notices", "list"]).ok(), "No notices.\n");
    city.on("2026-03-02", &["simulate", "--from", "2026-03-01", "--to", "2026-04-01"]).ends(Exit::Refused);
}

#[test]
fn a_password_is_read_from_the_input_and_a_short_one_refused() {
    let city = City::sqlite();
    let password = |typed: &str| {
        let mut command = arrears();
        command.arg("--dir").arg(city.data()).args(["staff", "password", "M. Chen", "--by", "L. Ortiz"]);
        said(command.write_stdin(typed))
    };
    assert!(password("short\n").ends(Exit::Refused).contains("at least 10 characters"));
    assert_eq!(password("correct horse\n").ok(), "The password of M. Chen is set\n");
}

#[test]
fn today_names_what_waits_and_the_command_that_shows_it() {
    let city = City::sqlite();
    assert!(city.on("2026-03-02", &["today"]).ok().ends_with("Nothing waits.\n"));
    city.on("2026-05-01", &["night"]).ok();
    let today = city.on("2026-05-01", &["today"]).ok();
    assert!(today.starts_with("Friday, May 1, 2026\nPolicy in force: riverbend\n"), "{today}");
    assert!(today.contains("2  notices to release"), "{today}");
    assert!(today.contains("arrears notices list --state planned"), "{today}");
}

#[test]
fn the_manual_has_a_line_on_every_command_and_every_exit_code() {
    let manual = include_str!("../docs/CLI.md");
    let mut commands = Vec::new();
    leaves(&Cli::command(), "arrears", &mut commands);
    assert!(commands.len() > 40, "{commands:?}");
    for command in commands {
        let told = ["` |", " "].iter().any(|end| manual.contains(&format!("| `{command}{end}")));
        assert!(told, "docs/CLI.md lacks `{command}`");
    }
    for exit in Exit::ALL {
        let line = format!("| {} | {} |", exit.code(), exit.meaning());
        assert!(manual.contains(&line), "docs/CLI.md lacks {line}");
    }
}

/// The commands that do something: those without commands of their own.
fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    let mut subcommands = command.get_subcommands().filter(|sub| sub.get_name() != "help").peekable();
    if subcommands.peek().is_none() {
        found.push(path.to_owned());
    }
    for sub in subcommands {
        leaves(sub, &format!("{path} {}", sub.get_name()), found);
    }
}

/// Every file below a folder, by its path, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file");
                found.insert(path.strip_prefix(folder).expect("below the folder").to_owned(), bytes);
            }
        }
    }
    found
}

#[test]
fn the_demonstration_gives_the_same_bytes_for_the_same_seed_and_others_for_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let live = |name: &str, seed: &str| {
        let dir = folder.path().join(name);
        let mut command = arrears();
        command.arg("demo").arg("--dir").arg(&dir);
        said(command.args(["--accounts", "60", "--days", "45", "--seed", seed])).ok();
        files(&dir)
    };
    let (one, other) = (live("one", "7"), live("other", "7"));
    assert!(one.contains_key(Path::new("arrears.db")), "{:?}", one.keys());
    for folder in ["mail", "print", "done", "exports"] {
        assert!(one.keys().any(|path| path.starts_with(folder)), "nothing in {folder}: {:?}", one.keys());
    }
    assert!(one.keys().eq(other.keys()), "{:?} {:?}", one.keys(), other.keys());
    let differ: Vec<&PathBuf> =
        one.iter().filter(|(path, bytes)| other[*path] != **bytes).map(|(path, _)| path).collect();
    assert!(differ.is_empty(), "{differ:?}");
    assert_ne!(one, live("another", "8"));
}

#[test]
fn a_policy_that_is_not_utf_8_is_refused_with_its_place() {
    let dir = TempDir::new().expect("a temporary directory");
    let path = dir.path().join("city.yaml");
    fs::write(&path, b"policy: city\ntitle: Ca\xf1on City\n").expect("a file");
    let said = said(arrears().args(["rules", "check", path.to_str().expect("UTF-8")])).ends(Exit::Refused);
    assert!(said.contains("--> city.yaml:2:10"), "{said}");
}

#[test]
fn a_night_under_a_date_that_has_not_come_is_run_only_where_the_date_is_said_twice() {
    let city = City::sqlite();
    let said = city.on(FAR_AHEAD, &["night"]).ends(Exit::Refused);
    assert!(said.contains("no night would run until Thu 2198-03-01"), "{said}");
    assert!(said.contains("`arrears night --date 2198-03-01`"), "{said}");
    city.on(FAR_AHEAD, &["night", "--date", FAR_AHEAD]).ok();
}

#[test]
fn a_payment_that_was_dated_ahead_counts_on_its_day_before_the_night_is_run() {
    let city = City::sqlite();
    let row = "10-000418,25.00,2026-03-05,lockbox,lockbox,LB-1";
    let file = city.file("payments.csv", &format!("account,amount,received_on,channel,source,reference\n{row}\n"));
    city.on("2026-03-04", &["import", &file]).ok();
    let total = |today: &str| city.on(today, &["report", "aging", "--json"]).json()["total"]["balance_cents"].clone();
    assert_eq!(total("2026-03-04"), 31_920);
    assert_eq!(total("2026-03-05"), 29_420);
}

#[test]
fn the_call_list_says_why_a_call_is_withheld() {
    let city = City::sqlite();
    city.night_and_mail("2026-05-01");
    city.on("2026-05-08", &["night"]).ok();
    let held = ["hold", "place", "10-000418", "bankruptcy", "--reason", "case 26-1"];
    city.on("2026-05-08", &held).ok();
    city.on("2026-05-08", &["calls", "release"]).ok();
    let list = city.on("2026-05-08", &["calls", "list"]).ok();
    assert!(list.contains("to account 10-000418 is withheld: a bankruptcy hold stands\n"), "{list}");
    assert!(list.lines().any(|line| line.contains("10-000417") && line.contains("released")), "{list}");
}
