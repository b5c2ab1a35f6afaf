//! What the stories are told with: a city's data directory, worked by its commands alone.

use std::fs;
use std::path::PathBuf;

use arrears::cli::Exit;
use serde_json::Value;
use tempfile::TempDir;

/// The columns of a file of payments.
pub const PAYMENTS: &str = "account,amount,received_on,channel,source,reference";
/// The columns of a file of charges.
pub const CHARGES: &str = "account,service,amount,billed_on,due_on,source,reference";

/// A data directory. Its configuration names the database.
pub struct City {
    dir: TempDir,
}

/// What a command said.
pub struct Said {
    code: i32,
    pub out: String,
    err: String,
}

impl Said {
    /// The output of a command that was to succeed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// What was refused, with the reason.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!(self.code, i32::from(Exit::Refused.code()), "{}{}", self.out, self.err);
        self.err
    }

    /// The error of a command that did not succeed.
    #[track_caller]
    pub fn fails(self) -> String {
        assert_ne!(self.code, 0, "{}", self.out);
        self.err
    }

    /// The rows of a list.
    #[track_caller]
    pub fn rows(self) -> Vec<Value> {
        match self.json() {
            Value::Array(rows) => rows,
            other => panic!("not a list: {other}"),
        }
    }

    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }
}

impl City {
    /// An empty city. Nothing is adopted, nobody is on the staff.
    pub fn new(database: Option<&str>) -> Self {
        let city = Self { dir: TempDir::new().expect("a temporary directory") };
        fs::create_dir(city.data()).expect("a folder");
        let database = database.map(|url| format!("database: {url}\n")).unwrap_or_default();
        let named = "city: {name: City of Riverbend}\n";
        fs::write(city.data().join("arrears.yaml"), format!("{named}{database}")).expect("a file");
        city
    }

    /// Adopts a policy on a day; `riverbend`, or the path of a file. L. Ortiz, the lead, and M. Chen, a representative, are on
    /// the staff.
    pub fn opens(&self, on: &str, policy: &str) {
        self.on(on, &["rules", "adopt", policy]).ok();
        self.on(on, &["staff", "add", "L. Ortiz", "--role", "lead"]).ok();
        let add = ["staff", "add", "M. Chen", "--role", "representative", "--capacity", "40", "--language", "es"];
        self.on(on, &add).ok();
        let sign = ["wordings", "sign", "--language", "es,zh,tl,vi,ko", "--note", "read by the city's translators"];
        self.on(on, &sign).ok();
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Writes a file outside the data directory and gives its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// A file of the billing system or the bank comes in, and is taken: the columns, then the rows.
    #[track_caller]
    pub fn takes(&self, at: &str, name: &str, columns: &str, rows: &[&str]) -> String {
        let file = self.file(name, &format!("{columns}\n{}\n", rows.join("\n")));
        self.on(at, &["import", &file]).ok()
    }

    /// Gives a command on a day, or at a time of it (`2026-05-22T09:10`), as L. Ortiz, the lead.
    pub fn on(&self, at: &str, args: &[&str]) -> Said {
        self.by("L. Ortiz", at, args)
    }

    /// Gives a command as someone.
    pub fn by(&self, name: &str, at: &str, args: &[&str]) -> Said {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_arrears"));
        command.env_remove("ARREARS_DATABASE");
        command.env("ARREARS_DIR", self.data()).env("ARREARS_BY", name).env("ARREARS_TODAY", at).args(args);
        let output = command.output().expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs the night of a date, which a trial says twice.
    #[track_caller]
    pub fn night(&self, date: &str) -> Value {
        self.on(date, &["night", "--date", date, "--json"]).json()
    }

    /// Releases all that is planned, sets the letters, makes the print batch, and gives its number.
    #[track_caller]
    pub fn batches(&self, at: &str) -> String {
        self.on(at, &["notices", "release", "--all"]).ok();
        self.on(at, &["outbox"]).ok();
        let said = self.on(at, &["notices", "batch"]).ok();
        assert!(said.starts_with("Batch "), "{said}");
        said.trim_start_matches("Batch ").split(':').next().unwrap_or_default().to_owned()
    }

    /// Releases what is planned and mails it on the same day.
    #[track_caller]
    pub fn mails(&self, on: &str) {
        let batch = self.batches(on);
        self.on(on, &["notices", "mailed", "--batch", &batch, "--on", on, "--proof", "PS 3665"]).ok();
    }

    /// The notices of an account made from one wording, in the order in which they were planned.
    #[track_caller]
    pub fn notices(&self, at: &str, account: &str, template: &str) -> Vec<Value> {
        let mut notices = self.on(at, &["notices", "list", "--account", account, "--json"]).rows();
        notices.retain(|notice| notice["template"] == template);
        notices
    }

    /// The field orders of an account, in any state, in the order in which they were made.
    #[track_caller]
    pub fn orders(&self, at: &str, account: &str) -> Vec<Value> {
        let page = self.on(at, &["account", account, "--json"]).json();
        page["orders"].as_array().expect("a list").clone()
    }

    /// The lines of the exceptions list of one kind.
    #[track_caller]
    pub fn exceptions(&self, at: &str, kind: &str) -> Vec<Value> {
        let mut lines = self.on(at, &["exceptions", "list", "--json"]).rows();
        lines.retain(|line| line["kind"] == kind);
        lines
    }

    /// Signs that the channels brought no more payments through a day.
    pub fn signs_no_payments(&self, at: &str, channels: &[&str], through: &str) {
        for channel in channels {
            self.on(at, &["payments", "none", "--channel", channel, "--through", through]).ok();
        }
    }
}
