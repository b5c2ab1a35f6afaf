//! What makes the record evidence: chains, seals and the doctor, through files and commands, on SQLite and on PostgreSQL.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

const ACCOUNTS: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,email,phone,language,services,occupancy
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,rosa.munoz@example.com,(916) 555-0142,es,water,owner
10-000418,Curtis Hartley,420 Alder St,Riverbend,CA,95600,,(916) 555-0143,,water,owner
";
const CHARGES: &str = "\
account,service,amount,billed_on,due_on,source,reference
10-000417,water,180.00,2026-03-02,2026-03-23,cis,B1-W
10-000418,water,95.00,2026-03-02,2026-03-23,cis,B2-W
";

/// A city worked by commands, and its database looked into from outside.
struct City {
    dir: TempDir,
    database: Option<String>,
}

impl City {
    /// The final notice of one account went out on May 1, and the reminders by email and mail before.
    fn new(database: Option<String>) -> Self {
        let city = Self { dir: TempDir::new().expect("a temporary directory"), database };
        fs::create_dir_all(city.data()).expect("a folder");
        fs::write(city.data().join("arrears.yaml"), "city: {name: City of Riverbend}\n").expect("a file");
        city.ok("2026-03-02", &["rules", "adopt", "riverbend"]);
        city.ok("2026-03-02", &["staff", "add", "L. Ortiz", "--role", "lead"]);
        city.ok("2026-03-02", &["wordings", "sign", "--language", "es,zh,tl,vi,ko", "--note", "read"]);
        let (accounts, charges) = (city.file("accounts.csv", ACCOUNTS), city.file("charges.csv", CHARGES));
        city.ok("2026-03-02", &["import", &accounts, &charges]);
        for (day, batch) in [("2026-03-28", "1"), ("2026-05-01", "2")] {
            city.ok(day, &["night", "--date", day]);
            city.arrears(&city.data(), day, &["notices", "release", "--all"]);
            city.ok(day, &["outbox"]);
            city.ok(day, &["notices", "batch"]);
            city.ok(day, &["notices", "mailed", "--batch", batch, "--on", day, "--proof", "PS 3665"]);
        }
        city.ok("2026-05-02", &["fee", "export"]);
        city.ok("2026-05-02", &["night", "--date", "2026-05-02"]);
        city
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    fn arrears(&self, dir: &Path, today: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arrears"));
        command.env("ARREARS_DIR", dir).env("ARREARS_TODAY", today).env("ARREARS_BY", "L. Ortiz");
        command.env_remove("ARREARS_DATABASE");
        if let Some(database) = &self.database {
            command.env("ARREARS_DATABASE", database);
        }
        command.args(args).output().expect("the program runs")
    }

    /// The same city in another place.
    fn restored(&self, database: Option<String>) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let city = Self { dir, database };
        let archive = self.dir.path().join("backups");
        let archive = fs::read_dir(archive).expect("backups").next().expect("a backup").expect("a backup").path();
        let said = city.ok("2026-05-03", &["restore", archive.to_str().expect("UTF-8")]);
        assert!(said.contains("Everything is as it should be."), "{said}");
        city
    }

    #[track_caller]
    fn refuses(&self, today: &str, args: &[&str]) -> String {
        let said = self.arrears(&self.data(), today, args);
        assert_eq!(said.status.code(), Some(3), "{args:?}: {}", String::from_utf8_lossy(&said.stdout));
        String::from_utf8(said.stderr).expect("UTF-8")
    }

    /// The emails that lie in `mail/`, by name.
    fn emails(&self) -> Vec<String> {
        let Ok(mail) = fs::read_dir(self.data().join("mail")) else { return Vec::new() };
        let mut names: Vec<String> =
            mail.map(|email| email.expect("an email").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[track_caller]
    fn ok(&self, today: &str, args: &[&str]) -> String {
        let said = self.arrears(&self.data(), today, args);
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("UTF-8")
    }

    /// What the doctor says, and its exit code.
    fn doctor(&self) -> (Value, i32) {
        let said = self.arrears(&self.data(), "2026-05-02", &["doctor", "--json"]);
        let code = said.status.code().expect("a code");
        assert!(code == 0 || code == 3, "{}", String::from_utf8_lossy(&said.stderr));
        (serde_json::from_slice(&said.stdout).expect("JSON"), code)
    }

    /// What the doctor finds wrong: the check, the account, the place.
    fn found(&self) -> Vec<(String, String, String)> {
        let (said, code) = self.doctor();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut found = Vec::new();
        for check in said["checks"].as_array().expect("checks") {
            for finding in check["findings"].as_array().expect("findings") {
                assert!(!text(&finding["expected"]).is_empty() && !text(&finding["remedy"]).is_empty(), "{finding}");
                found.push((text(&check["name"]), text(&finding["account"]), text(&finding["place"])));
            }
        }
        assert_eq!(code, if found.is_empty() { 0 } else { 3 });
        found
    }

    /// Changes the database behind the program's back.
    fn tampers(&self, statement: &str) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let statement = AssertSqlSafe(statement.to_owned());
        runtime.block_on(async {
            if let Some(url) = &self.database {
                let mut connection = PgConnection::connect(url).await.expect("PostgreSQL");
                connection.execute(sqlx::raw_sql(statement)).await.expect("the statement");
            } else {
                let url = format!("sqlite:{}", self.data().join("arrears.db").display());
                let mut connection = SqliteConnection::connect(&url).await.expect("SQLite");
                connection.execute(sqlx::raw_sql(statement)).await.expect("the statement");
            }
        });
    }
}

/// What is changed, how it is undone, and what must be named: check, account, place.
type Tampering = (String, String, &'static [(&'static str, &'static str, &'static str)]);

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
    the_doctor_finds_nothing_in_a_city_that_was_worked_by_commands_alone
    the_doctor_names_each_thing_that_was_changed_behind_the_program_s_back
    an_email_or_list_that_is_replaced_with_every_hash_beside_it_is_found_by_the_log
    a_restored_city_sends_nothing_again_until_the_lead_has_looked
    the_lead_gets_the_night_and_its_seal_by_email_once
}

fn the_doctor_finds_nothing_in_a_city_that_was_worked_by_commands_alone(city: &City) {
    assert_eq!(city.found(), []);
    let (said, _) = city.doctor();
    let looked_at = |name: &str| {
        let checks = said["checks"].as_array().expect("checks");
        checks.iter().find(|check| check["name"] == name).map(|check| check["looked_at"].as_u64()).expect("the check")
    };
    // What nothing was looked at would prove nothing.
    for check in
        ["log chains", "seals", "open items", "balances", "remittances", "documents", "went out", "files", "outbox"]
    {
        assert!(looked_at(check) > Some(0), "{check}");
    }
    // The root of the night is what its command printed.
    let night = city.ok("2026-05-03", &["night", "--date", "2026-05-03"]);
    let root = city.doctor().0["last_seal"].as_str().expect("a root").to_owned();
    assert!(night.contains(&format!("Seal: {root}")), "{night}");
}

fn the_doctor_names_each_thing_that_was_changed_behind_the_program_s_back(city: &City) {
    let account = "(SELECT id FROM account WHERE number = '10-000417')";
    city.tampers(
        "CREATE TABLE log_kept AS SELECT * FROM log; CREATE TABLE document_kept AS SELECT * FROM document;
         CREATE TABLE seal_kept AS SELECT * FROM seal",
    );
    let other_bytes =
        if city.database.is_some() { "convert_to('no notice', 'UTF8')" } else { "CAST('no notice' AS BLOB)" };
    let first_line = format!("(SELECT MIN(seq) FROM log WHERE account_id = {account})");
    let cases: &[Tampering] = &[
        (
            format!("UPDATE log SET what = 'notice released' WHERE seq = {first_line}"),
            format!(
                "UPDATE log SET what = (SELECT what FROM log_kept WHERE log_kept.seq = log.seq) WHERE seq = {first_line}"
            ),
            &[("log chains", "10-000417", "log line ")],
        ),
        (
            // A line is taken out of the middle: the next one hangs in the air, and the seal over both differs.
            format!("DELETE FROM log WHERE seq = {first_line}"),
            format!(
                "INSERT INTO log SELECT * FROM log_kept WHERE seq = (SELECT MIN(seq) FROM log_kept WHERE account_id = {account})"
            ),
            &[("log chains", "10-000417", "log line "), ("seals", "", "seal ")],
        ),
        (
            // The last line of all is cut off: the chain ends too early.
            "DELETE FROM log WHERE seq = (SELECT MAX(seq) FROM log)".into(),
            "INSERT INTO log SELECT * FROM log_kept WHERE seq = (SELECT MAX(seq) FROM log_kept)".into(),
            &[("log chains", "", "the end of the log"), ("seals", "", "seal ")],
        ),
        (
            format!("UPDATE entry SET cents = 12000 WHERE reference = 'B1-W' AND account_id = {account}"),
            format!("UPDATE entry SET cents = 18000 WHERE reference = 'B1-W' AND account_id = {account}"),
            &[
                ("seals", "", "seal 1 (import"),
                ("open items", "10-000417", "open item "),
                ("balances", "10-000417", "balance"),
            ],
        ),
        (
            // Together with the open item, so that the books agree: the seal still tells.
            format!("UPDATE entry SET memo = 'paid by the mayor' WHERE reference = 'B1-W' AND account_id = {account}"),
            format!("UPDATE entry SET memo = '' WHERE reference = 'B1-W' AND account_id = {account}"),
            &[("seals", "", "seal 1 (import")],
        ),
        (
            format!("UPDATE open_item SET open_cents = 1 WHERE cents = 18000 AND account_id = {account}"),
            format!("UPDATE open_item SET open_cents = 18000 WHERE cents = 18000 AND account_id = {account}"),
            &[("open items", "10-000417", "open item "), ("balances", "10-000417", "balance")],
        ),
        (
            format!(
                "UPDATE document SET bytes = {other_bytes}
                 WHERE hash = (SELECT MIN(hash) FROM document_use WHERE account_id = {account})"
            ),
            "UPDATE document SET bytes = (SELECT bytes FROM document_kept WHERE document_kept.hash = document.hash)"
                .into(),
            &[("documents", "10-000417", "document for ")],
        ),
        (
            // The root of the second seal is made to fit something else: it is named, and the next one for its `previous`.
            "UPDATE seal SET root = 'ff' || substr(root, 3) WHERE id = 2".into(),
            "UPDATE seal SET root = (SELECT root FROM seal_kept WHERE seal_kept.id = seal.id)".into(),
            &[("seals", "", "seal 2 "), ("seals", "", "seal 3 ")],
        ),
        (
            "UPDATE outbox SET state = 'ready' WHERE kind = 'send_email'".into(),
            "UPDATE outbox SET state = 'done' WHERE kind = 'send_email'".into(),
            &[("outbox", "10-000417", "notice ")],
        ),
    ];
    for (change, undo, named) in cases {
        city.tampers(change);
        let found = city.found();
        let fits = found.len() == named.len()
            && found
                .iter()
                .zip(*named)
                .all(|(found, named)| found.0 == named.0 && found.1 == named.1 && found.2.starts_with(named.2));
        assert!(fits, "{change}\nfound: {found:#?}\nexpected: {named:#?}");
        city.tampers(undo);
    }
    // A letter for the printer is changed on the disk.
    let batch = city.data().join("print/batch-000001.pdf");
    let bytes = fs::read(&batch).expect("the batch");
    fs::write(&batch, "another letter").expect("a file");
    assert_eq!(city.found(), [("files".into(), String::new(), "print/batch-000001.pdf".into())]);
    fs::write(&batch, bytes).expect("a file");
    // And so is a list for the billing system.
    let list = city.data().join("exports/fees-2026-05-02-1.csv");
    let bytes = fs::read(&list).expect("the list");
    fs::write(&list, "another list").expect("a file");
    assert_eq!(city.found(), [("files".into(), String::new(), "exports/fees-2026-05-02-1.csv".into())]);
    fs::write(&list, bytes).expect("a file");
    assert_eq!(city.found(), []);
}

fn an_email_or_list_that_is_replaced_with_every_hash_beside_it_is_found_by_the_log(city: &City) {
    let other_bytes =
        if city.database.is_some() { "convert_to('no notice', 'UTF8')" } else { "CAST('no notice' AS BLOB)" };
    // Wherever the database speaks of them, it has the hash of what is there now.
    let hash = arrears::domain::document::sha256(b"no notice");
    let (text, json) = if city.database.is_some() { ("TEXT", "JSONB") } else { ("TEXT", "TEXT") };
    city.tampers(&format!(
        "CREATE TABLE forged AS SELECT body ->> 'document' AS old FROM notice WHERE channel = 'email' AND state = 'sent';
         INSERT INTO document (hash, media_type, bytes, recorded_at)
            SELECT '{hash}', media_type, {other_bytes}, recorded_at FROM document WHERE hash IN (SELECT old FROM forged) LIMIT 1;
         UPDATE document_use SET hash = '{hash}' WHERE hash IN (SELECT old FROM forged);
         UPDATE notice SET body = CAST(replace(CAST(body AS {text}), (SELECT old FROM forged), '{hash}') AS {json})
            WHERE body ->> 'document' IN (SELECT old FROM forged);
         UPDATE fee_export SET body =
            CAST(replace(CAST(body AS {text}), body ->> 'document', '{hash}') AS {json})"
    ));
    let list = city.data().join("exports/fees-2026-05-02-1.csv");
    fs::write(list, "no notice").expect("a file");
    let found = city.found();
    let named: Vec<(&str, &str)> = found.iter().map(|(check, account, _)| (check.as_str(), account.as_str())).collect();
    assert_eq!(named, [("went out", "10-000417"), ("went out", "")], "{found:#?}");
}

fn a_restored_city_sends_nothing_again_until_the_lead_has_looked(city: &City) {
    // A third account's reminder is set and waits for its mail server when the backup is made.
    let account = "account,customer_name,service_address,service_city,service_state,service_zip,email,services\n\
                   10-000419,Ana Reyes,422 Alder St,Riverbend,CA,95600,ana.reyes@example.com,water\n";
    let charge = "account,service,amount,billed_on,due_on,source,reference\n\
                  10-000419,water,80.00,2026-04-06,2026-04-27,cis,B3-W\n";
    let (account, charge) = (city.file("a.csv", account), city.file("c.csv", charge));
    city.ok("2026-05-02", &["import", &account, &charge]);
    let before = city.emails();
    let mail = city.data().join("mail");
    fs::rename(&mail, city.data().join("mail-aside")).expect("the folder moves");
    fs::write(&mail, "").expect("a file in its place");
    city.ok("2026-05-03", &["night", "--date", "2026-05-03"]);
    city.ok("2026-05-03", &["outbox"]);
    let backups = city.dir.path().join("backups");
    let made = city.ok("2026-05-03", &["backup", backups.to_str().expect("UTF-8")]);
    assert!(made.contains("Seal: "), "{made}");
    // The server is back, and the email leaves after the backup.
    fs::remove_file(&mail).expect("the file");
    fs::rename(city.data().join("mail-aside"), &mail).expect("the folder moves");
    city.ok("2026-05-04", &["outbox"]);
    assert_eq!(city.emails().len(), before.len() + 1);

    // The disk is lost, and the backup is restored in another place.
    let restored = city.restored(city.database.is_some().then(common::postgres::new_database));
    assert_eq!(
        fs::read(restored.data().join("print/batch-000001.pdf")).ok(),
        fs::read(city.data().join("print/batch-000001.pdf")).ok()
    );
    restored.ok("2026-05-04", &["outbox"]);
    assert_eq!(restored.emails(), Vec::<String>::new(), "nothing goes out");
    for act in [&["night", "--date", "2026-05-04"][..], &["notices", "batch"]] {
        let said = restored.refuses("2026-05-04", act);
        assert!(said.contains("arrears restored release"), "{said}");
    }
    let standing = restored.ok("2026-05-04", &["exceptions", "list"]);
    assert!(standing.contains("restored from a backup"), "{standing}");
    let shown: Value = serde_json::from_str(&restored.ok("2026-05-04", &["restored", "show", "--json"])).expect("JSON");
    let (email, to) = (&shown["emails"][0][0], &shown["emails"][0][2]);
    assert_eq!(to, "ana.reyes@example.com");

    // The mail server's log says that it had left: it is recorded as sent, and everything else goes on.
    restored
        .ok("2026-05-04", &["restored", "release", "--reason", "log of the mail server", "--sent", &email.to_string()]);
    restored.ok("2026-05-04", &["night", "--date", "2026-05-04"]);
    restored.ok("2026-05-04", &["outbox"]);
    assert_eq!(restored.emails(), Vec::<String>::new(), "it is not sent again");
    assert!(restored.ok("2026-05-04", &["restored", "show"]).contains("Work goes on."));
    let standing = restored.ok("2026-05-04", &["exceptions", "list"]);
    assert!(!standing.contains("restored from a backup"), "{standing}");
    assert_eq!(restored.found(), []);

    // Into a directory that holds something, nothing is restored.
    let archive = fs::read_dir(&backups).expect("backups").next().expect("a backup").expect("a backup").path();
    let said = restored.refuses("2026-05-04", &["restore", archive.to_str().expect("UTF-8")]);
    assert!(said.contains("is not empty"), "{said}");
}

/// A program that knows nothing of Arrears but docs/EVIDENCE.md.
#[test]
fn an_auditor_makes_the_same_hashes_with_other_tools() {
    let city = City::new(None);
    let root = city.doctor().0["last_seal"].as_str().expect("a root").to_owned();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_seals.py");
    let verify = |root: &str| {
        let mut python = Command::new("python3");
        python.arg(&program).arg(city.data().join("arrears.db")).arg(root).output().expect("Python")
    };
    let said = verify(&root);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said = verify(&"ab".repeat(32));
    assert!(String::from_utf8_lossy(&said.stderr).contains("which was kept elsewhere"), "{said:?}");
    city.tampers("UPDATE log SET actor = '\"daemon\"' WHERE seq = 2");
    let said = verify(&root);
    assert!(String::from_utf8_lossy(&said.stderr).starts_with("log line 2: "), "{said:?}");
}

#[test]
fn on_sqlite_the_doctor_finds_nothing_in_the_demonstration() {
    the_doctor_finds_nothing_in_the_demonstration(None);
}

#[test]
fn on_postgresql_the_doctor_finds_nothing_in_the_demonstration() {
    the_doctor_finds_nothing_in_the_demonstration(Some(common::postgres::new_database()));
}

fn the_lead_gets_the_night_and_its_seal_by_email_once(city: &City) {
    fs::write(
        city.data().join("arrears.yaml"),
        "city: {name: City of Riverbend}\ndigest: {to: lead@riverbend.example}\n",
    )
    .expect("a file");
    let before = city.emails();
    let night = city.ok("2026-05-03", &["night", "--date", "2026-05-03"]);
    city.ok("2026-05-03", &["outbox"]);
    city.ok("2026-05-03", &["night", "--date", "2026-05-03"]);
    city.ok("2026-05-03", &["outbox"]);
    let new: Vec<String> = city.emails().into_iter().filter(|name| !before.contains(name)).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    let text = fs::read_to_string(city.data().join("mail").join(&new[0])).expect("the digest").replace("=\r\n", "");
    let root = night.lines().find_map(|line| line.strip_prefix("Seal: ")).expect("the seal");
    assert!(text.contains(root) && text.contains("To: lead@riverbend.example"), "{text}");
    assert_eq!(city.found(), []);
}

fn the_doctor_finds_nothing_in_the_demonstration(database: Option<String>) {
    let city = City { dir: TempDir::new().expect("a temporary directory"), database };
    city.ok("", &["demo", "--accounts", "60", "--days", "150"]);
    let said = city.arrears(&city.data(), "", &["doctor", "--json"]);
    let said: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    for check in said["checks"].as_array().expect("checks") {
        assert_eq!(check["findings"], Value::Array(Vec::new()), "{}", check["name"]);
    }
    // Water was shut off there, by the policy and with leave.
    let cuts = said["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "shut-offs");
    assert!(cuts.and_then(|check| check["looked_at"].as_u64()) > Some(0), "{said:#}");
}
